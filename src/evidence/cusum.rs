//! A yes-or-no stream: one CUSUM an alternative.
//!
//! `S_a = max(0, S_a + ln p_a(y) / p_0(y))` for every alternative `a` on its own, and the
//! stream's e-value is the mean of theirs. Likelihoods are never averaged inside a step: that
//! collapses to one alternative of the mean rate, and a thief who is a minority of an honest
//! key's traffic then has negative drift for ever (a miss rate of .35 in one contact in six gives
//! -0.20 nat a contact so, and +0.06 with p1 = .2 alone).

use super::math::{add_logs, exp, ln};
use super::{NATS_MAX, Nats, nats};
use borsh::{BorshDeserialize, BorshSerialize};

/// Steps of an honest rate on the logit scale: .22 nat apart from 1e-4 to .99, finer than any
/// rate can be learned.
pub(super) const STEPS: usize = 64;
/// The last step: .99.
pub const STEP_MAX: u8 = 63;
const LOGIT_LOWEST: f64 = -9.2;
const LOGIT_HIGHEST: f64 = 4.6;
/// What an alternative loses a contact where it does not lie above the honest rate: it is off,
/// and what it had gathered while it was on fades.
const OFF: i16 = -64;
/// The alternatives of a stream to which an honest client seldom says yes: every other time, and
/// nearly always.
pub(super) const OFTEN: [f64; 2] = [0.5, 0.9];

/// The sums of a stream's alternatives, in 1/1024 nat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Cusum<const A: usize>([u16; A]);

impl<const A: usize> Default for Cusum<A> {
    fn default() -> Self {
        Self([0; A])
    }
}

impl<const A: usize> Cusum<A> {
    /// Takes one contact.
    pub fn update(&mut self, ladder: &Ladder<A>, step: u8, yes: bool) {
        let Some(row) = ladder.ratios.get(usize::from(step)) else { return };
        for (sum, ratio) in self.0.iter_mut().zip(row) {
            let [no, is] = *ratio;
            let ratio = Nats::from(if yes { is } else { no });
            let next = (Nats::from(*sum) + ratio).clamp(0, NATS_MAX);
            *sum = u16::try_from(next).unwrap_or(u16::MAX);
        }
    }

    /// The log of the mean of the alternatives' e-values; 0 at rest.
    #[must_use]
    pub fn log_e(&self, ladder: &Ladder<A>) -> Nats {
        let mut sums = self.0.iter().map(|it| Nats::from(*it));
        let first = sums.next().unwrap_or(0);
        if first == 0 && self.0.iter().all(|it| *it == 0) {
            return 0;
        }
        sums.fold(first, add_logs) - ladder.log_count
    }

    /// Takes away what honest work was allowed to gather since.
    pub fn forgive(&mut self, nats: Nats) {
        let forgiven = u16::try_from(nats.max(0)).unwrap_or(u16::MAX);
        self.0 = self.0.map(|it| it.saturating_sub(forgiven));
    }

    /// Back to rest.
    pub const fn reset(&mut self) {
        self.0 = [0; A];
    }
}

/// Log-likelihood ratios of every alternative at every honest rate.
#[derive(Clone, Debug)]
pub struct Ladder<const A: usize> {
    ratios: Vec<[[i16; 2]; A]>,
    /// The honest rate of each step.
    rates: Vec<f64>,
    log_count: Nats,
}

impl<const A: usize> Ladder<A> {
    /// The table for alternatives that are `p1(p0)`; one at or below p0 is off.
    pub fn new(alternatives: impl Fn(f64) -> [f64; A]) -> Self {
        let ratio = |p1: f64, p0: f64| {
            let fixed = nats(ln(p1 / p0)).clamp(Nats::from(i16::MIN), Nats::from(i16::MAX));
            i16::try_from(fixed).unwrap_or(0)
        };
        let pair = |p1: f64, p0: f64| match p1 > p0 {
            true => [ratio(1.0 - p1, 1.0 - p0), ratio(p1, p0)],
            false => [OFF; 2],
        };
        let row = |step: u8| {
            let p0 = rate_at(step);
            alternatives(p0).map(|p1| pair(p1, p0))
        };
        let steps = 0..u8::try_from(STEPS).unwrap_or(u8::MAX);
        Self {
            ratios: steps.clone().map(row).collect(),
            rates: steps.map(rate_at).collect(),
            log_count: nats(ln(A as f64)),
        }
    }

    /// The honest rate of a step.
    #[must_use]
    pub fn rate(&self, step: u8) -> f64 {
        self.rates.get(usize::from(step)).copied().unwrap_or(0.0)
    }
}

/// The honest rate of a step.
pub(super) fn rate_at(step: u8) -> f64 {
    let width = (LOGIT_HIGHEST - LOGIT_LOWEST) / (STEPS - 1) as f64;
    1.0 / (1.0 + exp(-(LOGIT_LOWEST + width * f64::from(step))))
}

/// The step nearest to a rate on the logit scale.
pub(super) fn step_of(rate: f64) -> u8 {
    let rate = rate.clamp(1e-5, 1.0 - 1e-5);
    let logit = ln(rate / (1.0 - rate));
    let width = (LOGIT_HIGHEST - LOGIT_LOWEST) / (STEPS - 1) as f64;
    let at = ((logit - LOGIT_LOWEST) / width + 0.5).clamp(0.0, (STEPS - 1) as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..64")]
    let step = at as u8;
    step
}

/// The log e-value of a stream after these answers at an honest rate, in nats.
#[cfg(test)]
pub(super) fn log_e_after<const A: usize>(
    ladder: &Ladder<A>,
    rate: f64,
    answers: impl IntoIterator<Item = bool>,
) -> f64 {
    let mut sums = Cusum::default();
    answers.into_iter().for_each(|it| sums.update(ladder, step_of(rate), it));
    super::as_f64(sums.log_e(ladder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_e_value_of_a_fair_coin_under_its_own_rate_stays_near_one() {
        // Every path of 12 contacts, weighted by its probability at p0: without the floor at zero
        // the mean would be exactly 1; with it the mean may grow by at most one a contact.
        let ladder = Ladder::new(|_| [0.8, 0.95]);
        let step = step_of(0.5);
        let mut mean = 0.0;
        for path in 0_u32..4_096 {
            let mut sums = Cusum::<2>::default();
            (0..12).for_each(|bit| sums.update(&ladder, step, path >> bit & 1 == 1));
            mean += (f64::from(sums.log_e(&ladder)) / 1024.0).exp() / 4_096.0;
        }
        assert!(mean > 1.0 && mean < 13.0, "{mean}");
    }

    #[test]
    fn a_rate_survives_the_round_trip_to_a_step() {
        for rate in [0.0002, 0.03, 0.05, 0.5, 0.9, 0.98] {
            let near = rate_at(step_of(rate));
            assert!((ln(near / (1.0 - near)) - ln(rate / (1.0 - rate))).abs() < 0.12, "{rate}");
        }
    }

    #[test]
    fn an_alternative_below_the_honest_rate_is_off() {
        let ladder = Ladder::new(|_| [0.2]);
        let mut sums = Cusum::<1>::default();
        (0..1_000).for_each(|_| sums.update(&ladder, step_of(0.6), true));
        assert_eq!(sums.log_e(&ladder), 0);
    }
}
