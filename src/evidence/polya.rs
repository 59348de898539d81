//! The likelihood ratio behind stream `volume`: a Polya process with batches, and its alternatives.
//!
//! A level is an estimate. What it is taken as covers one of its standard errors or so, and a day of thirty
//! times the usual is had by whose level is three of them too low: a ratio is taken against that client
//! too ([`Doubt`]).

use super::math::{add_logs, exp, ln};
use super::{Nats, nats};

/// Alternatives: the rate is this many times the usual. The last is for who looks up in minutes
/// what others do in a day: at eight times a subject tells a seventh less. It is for those whose
/// work comes in batches only.
pub(super) const FACTORS: [f64; 4] = [1.5, 3.0, 8.0, 64.0];
/// Expectations below this are this: a division by nothing must not make evidence.
const EXPECTED_MIN: f64 = 1e-6;

/// The shape of the gamma distribution behind counts after `m` expected subjects:
/// `1/k = (F - 1)/m + 1/k_day`.
fn shape(m: f64, k_day: f64, batches: f64) -> f64 {
    1.0 / ((batches - 1.0) / m + 1.0 / k_day)
}

/// `ln L` of `n` subjects after `m` expected ones under `factor` times the rate.
pub(super) fn log_ratio(n: f64, m: f64, factor: f64, k_day: f64, batches: f64) -> f64 {
    let m = m.max(EXPECTED_MIN);
    let k = shape(m, k_day, batches);
    n * ln(factor) + (n + k) * ln((k + m) / (k + factor * m))
}

/// The log of the [`mean`] over [`FACTORS`] of the likelihood ratios.
pub(super) fn log_e(n: f64, m: f64, (k_day, batches): (f64, f64), doubt: Doubt) -> Nats {
    mean(ratios(n, m, (k_day, batches), doubt), batches)
}

/// How far a level may be too low: the client whose level is, at the outermost of five points of a
/// Gauss-Hermite quadrature of the logarithm of levels, beside the one for whom it is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// Standard error of the level, over that.
    pub error: f64,
    /// How many times what was learned it is taken as, which covers part of the error.
    pub margin: f64,
}

impl Doubt {
    /// None.
    pub const NONE: Self = Self { error: 0.0, margin: 1.0 };
    /// How many standard errors that point lies above the mean, and the logarithm of its weight, .01126.
    const SIGMAS: f64 = 2.857;
    const LN_WEIGHT: f64 = -4.4866;

    /// By how much what speaks against the first of these clients speaks less against both, for `n`
    /// subjects after `m` expected ones.
    fn discount(self, n: f64, m: f64, k: f64) -> Nats {
        // At less than twice the usual it is nothing, and most contacts need no logarithm.
        if n <= 2.0 * m {
            return 0;
        }
        let ln_times = Self::SIGMAS * self.error - ln(self.margin);
        if ln_times <= 0.0 {
            return 0;
        }
        let log = n * ln_times + (n + k) * (ln(k + m) - ln(k + exp(ln_times) * m));
        add_logs(0, nats(Self::LN_WEIGHT + log))
    }
}

/// What stands for an alternative that is off.
const OFF: Nats = Nats::MIN / 4;

/// The logs of the likelihood ratios of [`FACTORS`] against a level in `doubt`. Without batches the last is off: every subject
/// after a full minute or hour would tell ln 64, and a monitor asks for six in its first second.
pub(super) fn ratios(
    n: f64,
    m: f64,
    (k_day, batches): (f64, f64),
    doubt: Doubt,
) -> [Nats; FACTORS.len()] {
    let m = m.max(EXPECTED_MIN);
    let k = shape(m, k_day, batches);
    let known = ln(k + m);
    let discount = doubt.discount(n, m, k);
    let ratio =
        |factor: f64, log: f64| nats(n * log + (n + k) * (known - ln(k + factor * m))) - discount;
    // ln 1.5, ln 3, ln 8, ln 64.
    let [a, b, c, d] = FACTORS;
    [
        ratio(a, 0.405_465_108_108_164_4),
        ratio(b, 1.098_612_288_668_109_8),
        ratio(c, 2.079_441_541_679_835_7),
        if batches > 1.0 { ratio(d, 4.158_883_083_359_671_5) } else { OFF },
    ]
}

/// The log of the mean of the alternatives' e-values: of four (ln 4 is 1420/1024), of three where
/// the last is off (ln 3 is 1125/1024).
pub(super) fn mean([a, b, c, d]: [Nats; FACTORS.len()], batches: f64) -> Nats {
    let low = add_logs(a, b);
    if batches > 1.0 { add_logs(low, add_logs(c, d)) - 1420 } else { add_logs(low, c) - 1125 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_in_doubt_forgives_a_day_far_above_it_and_no_other() {
        let doubt = Doubt { error: 0.17, margin: 1.0 };
        let less = |n: f64| {
            let [sure, doubted] = [Doubt::NONE, doubt].map(|it| log_e(n, 20.0, (1.0, 4.5), it));
            super::super::as_f64(sure - doubted)
        };
        assert!(less(30.0) < 0.01 && less(120.0) < 0.2, "{} {}", less(30.0), less(120.0));
        assert!((2.0..8.0).contains(&less(800.0)), "{}", less(800.0));
    }

    #[test]
    fn a_ratio_at_the_expectation_favours_honesty_and_far_above_it_does_not() {
        assert!(log_ratio(20.0, 20.0, 3.0, 4.0, 4.5) < 0.0);
        assert!(log_ratio(200.0, 20.0, 8.0, 4.0, 4.5) > 8.0);
    }
}
