//! How far a client's own days differ, and what follows for how well its level is known.
//!
//! A class says how alike its clients' days are, and a class is a mean: who fills in for others has five
//! times its usual day every few weeks and half of it in between. Read against what its class is
//! configured to each of those days is a theft, and a hundred million honest look-ups of such clients
//! were 258 pages. So a class learns how far its clients' days differ, and a client that differs more
//! than its class is read by its own.
//!
//! What tells it is less the large days, each of which may be the theft, than all of them. Days are taken
//! as gamma distributed, as stream [`volume`](crate::evidence::volume) takes them: their maximum
//! likelihood goes by the logarithm of their mean less the mean of their logarithms, which is
//! `ln k - digamma(k)`, and no other number says more of `k`. Of the variance that follows, `F/m` is what
//! counts differ by anyhow. It may only widen what the configuration says: days that are all alike prove
//! nothing about those to come.
//!
//! A mean of days that differ is less certain than its number of days says, and whoever had a low one by
//! chance could never have it back, since a level may rise by a tenth in thirty days: such clients were
//! pages a month later. So days count as what they are worth of days as alike as the class is configured
//! to, that bound begins when they are worth ten, and a level is taken as what it is best estimated by
//! (empirical Bayes: its own mean and that of its class, each by how uncertain it is).

use super::day::{LEVEL_DAYS, OWN_DAYS_TELLING};
use super::usual::Rough;
use super::{ClassSpec, Learned};
use crate::evidence::math::ln;

/// Days that what the class does is worth against a client's own.
const CLASS_DAYS: f64 = 2.0;
/// The most times the usual that a day is taken as: one far beyond all others says little about the rest.
const TIMES_MAX: f64 = 4.0;
/// However a client's days differ, it is taken to be no less regular than this, unless its class is
/// configured to: the days of a thief who comes every other week differ by more.
const K_MIN: f64 = 0.5;
/// How many times its class's variance a client's own has to be to count, and by what it counts less: it
/// is known to a third after four weeks, and a level that grows looks like days that differ.
const CERTAIN_TIMES: f64 = 1.3;
/// Relative variance of the levels of a class's clients at least: they differ by a third or more.
const APART_MIN: f64 = 0.1;

/// `ln` of a client's mean day less its mean `ln` of a day; nothing before there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispersion(Rough);

/// What follows from it, next to what its class is configured to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alike {
    /// Its `k` over that of its class: at most 1.
    pub k: f64,
    /// How many days as alike as its class is configured to are worth as much as its own.
    pub days: f64,
    /// The share of the class's mean in what its level is best taken as.
    pub of_class: f64,
    /// Standard deviation of a mean of its days, over that mean.
    pub error: f64,
}

impl Dispersion {
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(Rough::from_bits(bits))
    }

    pub(super) const fn bits(self) -> u16 {
        self.0.bits()
    }

    /// Takes the client's `own_days`th day, of so many subjects, at a level of `m` a day before it.
    pub(super) fn learn(&mut self, subjects: f64, m: f64, own_days: u8) {
        if own_days <= 1 || m <= 0.0 || subjects <= 0.0 {
            return;
        }
        let weight = 1.0 / f64::from(own_days).min(LEVEL_DAYS);
        let times = (subjects / m).min(TIMES_MAX);
        // Both means move towards the day by the same weight.
        let mean = ln(1.0 + weight * (times - 1.0));
        let of_logs = weight * ln(times) - (1.0 - weight) * self.0.value();
        self.0 = Rough::of(mean - of_logs);
    }

    /// How far its days differ beyond what counts do anyhow: `1/k` of so many days of its own, at a level
    /// of `m`; below nothing where they differ by less.
    pub(super) fn uneven(self, (m, own_days): (f64, u8), class: &ClassSpec) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "it is known to a tenth")]
        let uneven = (self.variance(own_days) - class.longer / m.max(1.0)) as f32;
        uneven
    }

    /// The variance of so many days of its own over the square of their mean.
    pub(super) fn variance(self, own_days: u8) -> f64 {
        let days = f64::from(own_days).min(LEVEL_DAYS);
        // Of so many days one went into their mean.
        inverse_shape(self.0.value() * days / (days - 1.0).max(1.0))
    }

    /// How alike its days are after so many of its own, at a level of `m`.
    pub(super) fn alike(
        self,
        (m, own_days): (f64, u8),
        class: &ClassSpec,
        learned: &Learned,
    ) -> Alike {
        let count = f64::from(own_days);
        if own_days < OWN_DAYS_TELLING {
            return Alike { k: 1.0, days: count, of_class: 0.0, error: 0.0 };
        }
        let days = count.min(LEVEL_DAYS);
        let batches = class.longer / m.max(1.0);
        let told = 1.0 / class.k;
        let most = told.max(1.0 / K_MIN);
        let of_class = learned.uneven.map_or(told, f64::from).clamp(told, most);
        // Its own days, shrunk to those of its class at its level.
        let known = self.0.value() * days + deviance(batches + of_class) * CLASS_DAYS;
        let own = inverse_shape(known / (days - 1.0 + CLASS_DAYS)) / CERTAIN_TIMES;
        let between = (own - batches).clamp(of_class, most);
        // What a day is worth, next to one of a client of its class as that is configured.
        let usual = class.longer / class.subjects.max(1.0) + told;
        let own = own.max(class.longer / m.max(class.subjects) + of_class);
        let worth = count * (usual / own).min(1.0);
        let of_mean = match (learned.mean, learned.variance) {
            (Some(mean), Some(variance)) => {
                let within = class.longer / f64::from(mean).max(1.0) + of_class;
                let apart = ((f64::from(variance) - within) / (1.0 + of_class)).max(APART_MIN);
                own / (own + apart * days)
            }
            _ => 0.0,
        };
        let error = (own / days).sqrt();
        Alike { k: told / between, days: worth, of_class: of_mean, error }
    }
}

/// `ln k - digamma(k)` of `k = 1/inverse`, by the first two terms of its series.
fn deviance(inverse: f64) -> f64 {
    inverse / 2.0 + inverse * inverse / 12.0
}

/// Its inverse.
fn inverse_shape(deviance: f64) -> f64 {
    (9.0 + 12.0 * deviance).sqrt() - 3.0
}

#[cfg(test)]
mod tests {
    use super::super::baseline::staff;
    use super::*;
    use crate::scenarios::Random;

    /// Clients after so many days that are as alike as `k` says, in a class that has learned this.
    fn clients(k: f64, days: u8, learned: &Learned) -> Vec<Alike> {
        let mut random = Random::new(5);
        let client = |random: &mut Random| {
            let (mut dispersion, mut level) = (Dispersion::default(), 0.0);
            for day in 1..=days {
                let subjects = random.negative_binomial(20.0, k).max(1) as f64;
                dispersion.learn(subjects, level, day);
                level += (subjects - level) / f64::from(day).min(LEVEL_DAYS);
            }
            dispersion.alike((level, days), &staff(), learned)
        };
        (0..400).map(|_| client(&mut random)).collect()
    }

    /// The value that so many in a hundred lie below.
    fn quantile(of: impl Iterator<Item = f64>, percent: usize) -> f64 {
        let mut all: Vec<f64> = of.collect();
        all.sort_by(f64::total_cmp);
        all[(all.len() - 1) * percent / 100]
    }

    #[test]
    fn a_client_whose_days_differ_more_than_its_class_says_is_known_by_its_own() {
        let all = clients(1.0, 28, &Learned::default());
        let k = |percent| 4.0 * quantile(all.iter().map(|it| it.k), percent);
        assert!((1.0..2.5).contains(&k(50)), "{}", k(50));
        assert!(k(90) < 3.9, "{}", k(90));
        // Its days differ by nearly twice the variance, and are worth little more than half of as many.
        let days = quantile(all.iter().map(|it| it.days), 50);
        assert!((12.0..20.0).contains(&days), "{days}");
    }

    #[test]
    fn days_as_alike_as_the_class_says_leave_nine_in_ten_clients_as_they_are() {
        let all = clients(4.0, 28, &Learned::default());
        let k = |percent| quantile(all.iter().map(|it| it.k), percent);
        assert!(k(10) >= 1.0 && k(1) > 0.7, "{} {}", k(10), k(1));
        assert!(all.iter().all(|it| it.k <= 1.0 && it.days <= 28.0));
    }

    #[test]
    fn a_class_that_has_learned_how_its_days_differ_tells_it_of_those_who_are_new() {
        let learned = Learned { uneven: Some(1.0), ..Learned::default() };
        let all = clients(1.0, 5, &learned);
        assert!(all.iter().all(|it| it.k <= 0.25), "1/k of 1, where the class says 4");
    }

    #[test]
    fn where_all_clients_are_of_one_level_that_is_what_a_low_one_is_taken_as() {
        // The variance of days is what they differ by within a client, or three times that.
        let of = |variance: f32| {
            let learned = Learned {
                mean: Some(20.0),
                uneven: Some(1.0),
                variance: Some(variance),
                ..Learned::default()
            };
            quantile(clients(1.0, 12, &learned).iter().map(|it| it.of_class), 50)
        };
        assert!(of(1.2) > 0.4, "{}", of(1.2));
        assert!(of(3.7) < 0.12, "{}", of(3.7));
    }

    #[test]
    fn a_class_that_is_configured_to_differ_by_more_than_any_client_may_stays_so() {
        let class = ClassSpec { k: 0.3, ..staff() };
        let alike = Dispersion::default().alike((20.0, 20), &class, &Learned::default());
        assert!((alike.k - 1.0).abs() < 1e-9, "{alike:?}");
    }

    #[test]
    fn a_shape_comes_back_from_its_deviance() {
        for inverse in [0.1, 0.5, 1.0, 2.0] {
            assert!((inverse_shape(deviance(inverse)) - inverse).abs() < 1e-9);
        }
    }
}
