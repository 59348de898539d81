//! An honest rate, learned.
//!
//! What a client did today counts towards its rate only tomorrow, and only if today stayed quiet:
//! a client that taught its rate contact by contact would be half way to blindness after twenty
//! misses, before the evidence could speak.

use super::cusum::{rate_at, step_of};
use borsh::{BorshDeserialize, BorshSerialize};

/// Contacts after which a rate forgets as fast as it learns.
const WEIGHT_MAX: u16 = 2_000;
/// Contacts that a rate must rest on before it counts as established: less is noise, and a rate
/// of nothing would be kept at nothing for ever.
const ESTABLISHED: u16 = 200;
/// How fast what was learned may rise once it is established: a tenth in thirty days.
pub const GROWTH_A_DAY: f64 = 0.1 / 30.0;

/// Today's contacts of a stream, and how many of them said yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Daily {
    /// Contacts.
    pub trials: u16,
    /// Contacts that said yes.
    pub hits: u16,
}

impl Daily {
    /// Takes one contact; at the limit both halve, which keeps the ratio.
    pub const fn count(&mut self, yes: bool) {
        if self.trials == u16::MAX {
            self.trials /= 2;
            self.hits /= 2;
        }
        self.trials += 1;
        self.hits += yes as u16;
    }
}

/// A client's own rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rate {
    /// The rate in 1/65,535.
    value: u16,
    /// Contacts that it rests on.
    weight: u16,
}

impl Rate {
    /// The rate with a Beta prior of mean `prior` worth `concentration` contacts.
    #[must_use]
    pub fn shrunk(&self, prior: f64, concentration: f64) -> f64 {
        let weight = f64::from(self.weight);
        (prior * concentration + self.own() * weight) / (concentration + weight)
    }

    /// The step of the shrunk rate in a [`Ladder`](super::Ladder), at least `floor`.
    #[must_use]
    pub fn step(&self, prior: f64, concentration: f64, floor: f64) -> u8 {
        step_of(self.shrunk(prior, concentration).max(floor))
    }

    /// The rate of the opposite answer.
    #[must_use]
    pub const fn complement(&self) -> Self {
        Self { value: u16::MAX - self.value, weight: self.weight }
    }

    /// Contacts that the rate rests on.
    #[must_use]
    pub const fn weight(&self) -> u16 {
        self.weight
    }

    fn own(&self) -> f64 {
        f64::from(self.value) / f64::from(u16::MAX)
    }

    /// Learns a quiet day. Once `settled`, the rate rises by at most a tenth in thirty days.
    pub fn learn(&mut self, day: Daily, settled: bool, days_since: f64) {
        if day.trials == 0 {
            return;
        }
        let (weight, trials) = (f64::from(self.weight), f64::from(day.trials));
        let mut next = (self.own() * weight + f64::from(day.hits)) / (weight + trials);
        if settled && self.weight >= ESTABLISHED {
            next = next.min(self.own() * (1.0 + GROWTH_A_DAY * days_since) + 1e-4);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let value = (next.clamp(0.0, 1.0) * f64::from(u16::MAX) + 0.5) as u16;
        self.value = value;
        self.weight = self.weight.saturating_add(day.trials).min(WEIGHT_MAX);
    }
}

/// The rate that a step stands for, for `explain`.
#[must_use]
pub fn rate_of_step(step: u8) -> f64 {
    rate_at(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_client_has_its_class_rate_and_a_known_one_its_own() {
        let mut rate = Rate::default();
        assert!((rate.shrunk(0.05, 5.0) - 0.05).abs() < 1e-9);
        rate.learn(Daily { trials: 1_000, hits: 300 }, false, 1.0);
        assert!((rate.shrunk(0.05, 5.0) - 0.3).abs() < 0.01);
    }

    #[test]
    fn a_rate_that_rests_on_little_is_not_held_where_it_is() {
        let mut rate = Rate::default();
        rate.learn(Daily { trials: 21, hits: 21 }, true, 1.0);
        assert!(rate.shrunk(0.5, 5.0) > 0.8, "{}", rate.shrunk(0.5, 5.0));
    }

    #[test]
    fn a_settled_rate_cannot_be_taught_to_rise() {
        let mut rate = Rate::default();
        rate.learn(Daily { trials: 1_000, hits: 50 }, false, 1.0);
        (0..30).for_each(|_| rate.learn(Daily { trials: 1_000, hits: 900 }, true, 1.0));
        assert!(rate.shrunk(0.05, 5.0) < 0.06, "{}", rate.shrunk(0.05, 5.0));
    }
}
