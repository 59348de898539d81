//! The likelihood ratio behind stream `volume`: a Polya process with batches, and its alternatives.

use super::math::{add_logs, ln};
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
pub(super) fn log_e(n: f64, m: f64, k_day: f64, batches: f64) -> Nats {
    mean(ratios(n, m, k_day, batches), batches)
}

/// What stands for an alternative that is off.
const OFF: Nats = Nats::MIN / 4;

/// The logs of the likelihood ratios of [`FACTORS`]. Without batches the last is off: every subject
/// after a full minute or hour would tell ln 64, and a monitor asks for six in its first second.
pub(super) fn ratios(n: f64, m: f64, k_day: f64, batches: f64) -> [Nats; FACTORS.len()] {
    let m = m.max(EXPECTED_MIN);
    let k = shape(m, k_day, batches);
    let known = ln(k + m);
    let ratio = |factor: f64, log: f64| nats(n * log + (n + k) * (known - ln(k + factor * m)));
    // ln 1.5, ln 3, ln 8, ln 64.
    let [a, b, c, d] = FACTORS;
    [
        ratio(a, 0.405_465_108_108_164_4),
        ratio(b, 1.098_612_288_668_109_8),
        ratio(c, 2.079_441_541_679_835_7),
        if batches > 1.0 { ratio(d, 4.158_883_083_359_671_5) } else { OFF },
    ]
}

/// The log of the mean of the alternatives' e-values, where three and eight times the usual weigh twice as
/// much as what is hardly more and what is a flood: a third and a sixth each; where the last is off, two
/// fifths and one.
pub(super) fn mean([a, b, c, d]: [Nats; FACTORS.len()], batches: f64) -> Nats {
    let middle = add_logs(b, c);
    // ln 2 is 710/1024, ln 3 1125, ln 5 1648 and ln 6 1835.
    if batches > 1.0 {
        add_logs(middle - 1_125, add_logs(a, d) - 1_835)
    } else {
        add_logs(middle - 1_648 + 710, a - 1_648)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_at_the_expectation_favours_honesty_and_far_above_it_does_not() {
        assert!(log_ratio(20.0, 20.0, 3.0, 4.0, 4.5) < 0.0);
        assert!(log_ratio(200.0, 20.0, 8.0, 4.0, 4.5) > 8.0);
    }
}
