//! Natural logarithm and exponential from exact IEEE operations.
//!
//! `f64::ln` goes to the platform's math library, whose last bits differ between systems; an
//! alert set that must be equal everywhere cannot rest on it. Additions, multiplications and
//! divisions are exact by the standard, so series of them are reproducible.

use super::{Nats, ONE_NAT, nats};

const LN_2: f64 = std::f64::consts::LN_2;

/// Steps of the mantissa table: 1/512 of an octave leaves a remainder that one square takes in.
const MANTISSA_STEPS: usize = 512;
/// Shift that keeps the nine highest bits of a 52-bit mantissa.
const MANTISSA_SHIFT: u32 = 52 - 9;

/// `ln(1 + i/512)` and `512 / (512 + i)`.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler makes it, and would refuse to go beyond the end"
)]
static MANTISSA: [(f64, f64); MANTISSA_STEPS] = {
    let mut table = [(0.0, 0.0); MANTISSA_STEPS];
    let (mut it, all) = (0, MANTISSA_STEPS as f64);
    while it < MANTISSA_STEPS {
        let part = it as f64;
        table[it] = (ln_series(1.0 + part / all), all / (all + part));
        it += 1;
    }
    table
};

/// The logarithm of a positive, normal number; an error of at most 1e-8.
/// Anything else gives the logarithm of the smallest normal number.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "a remainder of the table's length")]
pub const fn ln(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE || !x.is_finite() {
        return -708.0;
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let index = (bits >> MANTISSA_SHIFT) as usize % MANTISSA_STEPS;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let (base, inverse) = MANTISSA[index];
    let rest = mantissa * inverse - 1.0;
    // |rest| < 1/512: three terms leave less than 4e-12.
    exponent as f64 * LN_2 + base + rest * (1.0 - rest * (0.5 - rest / 3.0))
}

/// `exp(x)` by halving the argument into a short series and squaring back.
#[must_use]
pub const fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let small = x / 1024.0;
    let (mut term, mut sum) = (1.0, 1.0);
    let mut n = 1;
    while n < 14 {
        term *= small / n as f64;
        sum += term;
        n += 1;
    }
    let mut squared = 0;
    while squared < 10 {
        sum *= sum;
        squared += 1;
    }
    sum
}

/// `ln` of a number in [1, 2] by the series of the inverse hyperbolic tangent.
const fn ln_series(x: f64) -> f64 {
    let z = (x - 1.0) / (x + 1.0);
    let square = z * z;
    let (mut power, mut sum) = (z, 0.0);
    let mut n = 0;
    while n < 24 {
        sum += power / (2 * n + 1) as f64;
        power *= square;
        n += 1;
    }
    2.0 * sum
}

/// A difference in nats beyond which the smaller of two e-values adds nothing to a sum.
const FADES_AT: Nats = 12 * ONE_NAT;
/// Differences share a table cell in groups of eight.
const FADE_SHIFT: u32 = 3;
/// Cells of that table.
const FADES: usize = (FADES_AT >> FADE_SHIFT) as usize + 1;

/// `ln(1 + e^-d)` for differences `d`, in cells of 8/1024 nat.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the compiler makes it, and would refuse to go beyond the end; ln 2 at most"
)]
static FADE: [u16; FADES] = {
    let mut table = [0; FADES];
    let mut it = 0;
    while it < FADES {
        let middle = (it as f64 + 0.5) * (1 << FADE_SHIFT) as f64 / ONE_NAT as f64;
        table[it] = nats(ln(1.0 + exp(-middle))) as u16;
        it += 1;
    }
    table
};

/// `ln(e^a + e^b)` in fixed point, to within 5/1024 nat.
#[must_use]
pub fn add_logs(a: Nats, b: Nats) -> Nats {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    let cell = usize::try_from((high - low) >> FADE_SHIFT).unwrap_or(usize::MAX);
    high + FADE.get(cell).map_or(0, |it| Nats::from(*it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_agree_with_the_math_library() {
        for step in 1..4_000 {
            let x = f64::from(step) * 0.037;
            assert!((ln(x) - x.ln()).abs() < 1e-8, "ln {x}");
            let y = f64::from(step - 2_000) * 0.01;
            assert!((exp(y) / y.exp() - 1.0).abs() < 1e-10, "exp {y}");
        }
        assert!((ln(1e-30) - 1e-30_f64.ln()).abs() < 1e-8);
    }

    #[test]
    fn a_sum_of_e_values_is_right_to_a_two_hundredth_of_a_nat() {
        for (a, b) in [(0, 0), (5_000, 4_000), (18_000, 1), (-3_000, 700)] {
            let exact = ((f64::from(a) / 1024.0).exp() + (f64::from(b) / 1024.0).exp()).ln();
            assert!((f64::from(add_logs(a, b)) / 1024.0 - exact).abs() < 0.006, "{a} {b}");
        }
    }
}
