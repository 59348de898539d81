//! The end of a client's day: what it did becomes what it is expected to do.

use super::baseline::{CONCENTRATION, Learned};
use super::{ClassSpec, Lesson, Profile, RATES};
use crate::evidence::volume::Level;
use crate::evidence::{Daily, Nats, cold, miss, monotone};
use crate::time::{DAY_MS, MINUTE_MS, Moment};

/// Own working days after which a client is known.
const KNOWN_DAYS: u16 = 10;
/// Days after which a level is settled and may rise by at most a tenth in thirty days.
const SETTLED_DAYS: u16 = 14;
/// Days that a level looks back: its EWMA forgets as fast as it learns from there on.
const LEVEL_DAYS: f64 = 28.0;
/// Own days after which one day counts as at most [`DAY_FACTOR_MAX`] times the level.
const OWN_DAYS_TELLING: u16 = 5;
/// How far one day may lie above a level and still be learned in full.
const DAY_FACTOR_MAX: f64 = 3.0;
/// How fast a settled level may rise.
const GROWTH_A_DAY: f64 = 0.1 / 30.0;
/// The share of a register's cold contacts can never be learned above this.
const COLD_RATE_MAX: f64 = cold::RATE;
/// Contacts below which a client teaches nothing about coldness.
const COLD_TRIALS_MIN: u16 = 20;

/// Honest rates before anything is learned, and what they may not fall below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors {
    /// Mean of stream `walk`'s rate.
    pub walk: f64,
    /// What chance alone continues, at this route's density.
    pub walk_floor: f64,
}

impl Profile {
    /// Whether the client has ten working days of its own.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.own_days >= KNOWN_DAYS
    }

    /// How many days ago it was first seen.
    #[must_use]
    pub fn age_days(&self, at: Moment) -> i64 {
        at.since(Moment(i64::from(self.born_minute) * MINUTE_MS)) / DAY_MS
    }

    /// What its counts are read against. A level learned over d days is used with the uncertainty
    /// of d days on top; a new client has its class's 90th percentile.
    #[must_use]
    pub fn level(&self, class: &ClassSpec, learned: &Learned) -> Level {
        let known = self.is_known();
        let a_day = if known {
            let days = f64::from(self.own_days);
            let margin = 1.0 / (4.0 * days).sqrt();
            let margin = if self.own_days < 28 { 2.0 * margin } else { margin };
            f64::from(self.level) * (1.0 + margin)
        } else {
            let start = learned.subjects.map_or(class.subjects, |it| f64::from(it).max(1.0));
            start.max(f64::from(self.level))
        };
        Level { a_day, spread: class.spread(known), carries: known }
    }

    /// Sets the honest rates from the class's and its own.
    pub fn refresh(&mut self, learned: &Learned, priors: Priors, version: u8) {
        self.learned = version;
        let class = |at: usize, start: f64| {
            learned.rates.get(at).copied().flatten().map_or(start, f64::from)
        };
        let [cold, miss, walk, rising] = self.rates;
        let known = self.is_known();
        let miss_start = if known { miss::RATE } else { miss::RATE_UNKNOWN };
        let prior = |at: usize, start: f64| if known { start } else { class(at, start).max(start) };
        self.steps = [
            cold.step(cold::RATE, CONCENTRATION, 0.05).min(step_at_most(COLD_RATE_MAX)),
            miss.step(prior(1, miss_start), CONCENTRATION, 0.01),
            walk.step(prior(2, priors.walk), CONCENTRATION, priors.walk_floor),
            rising.step(monotone::RATE, CONCENTRATION, monotone::RATE),
            fell(rising).step(monotone::RATE, CONCENTRATION, monotone::RATE),
        ];
    }

    /// Closes a day of `subjects` novel subjects, `ended` days ago. A quiet day (evidence below
    /// `quiet` all day), or any day of a client that is only observed, trains.
    pub fn close_day(&mut self, subjects: u16, ended: i64, quiet: bool) -> Option<Lesson> {
        let today = std::mem::replace(&mut self.today, [Daily::default(); RATES]);
        self.peak = self.log_e;
        if !quiet || subjects == 0 {
            return None;
        }
        let settled = self.own_days >= SETTLED_DAYS;
        let days = ended as f64;
        self.own_days = self.own_days.saturating_add(1);
        let weight = 1.0 / f64::from(self.own_days).min(LEVEL_DAYS);
        let before = f64::from(self.level);
        // One day far beyond all others says little about the days to come, and may be the theft.
        let subjects_told = subjects;
        let subjects = if self.own_days > OWN_DAYS_TELLING {
            f64::from(subjects).min(before * DAY_FACTOR_MAX)
        } else {
            f64::from(subjects)
        };
        let mut level = before + (subjects - before) * weight;
        if settled {
            level = level.min(before * (1.0 + GROWTH_A_DAY * days) + 0.01);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a level needs no more digits")]
        let kept = level as f32;
        self.level = kept;
        let mut rates = [None; RATES];
        for (at, (rate, day)) in self.rates.iter_mut().zip(today).enumerate() {
            let least = if at == 0 { COLD_TRIALS_MIN } else { 1 };
            if day.trials >= least {
                rate.learn(day, settled, days);
            }
            if day.trials >= Lesson::TRIALS_MIN
                && let Some(taught) = rates.get_mut(at)
            {
                *taught = Some(f32::from(day.hits) / f32::from(day.trials));
            }
        }
        Some(Lesson { route: self.route, class: self.class, subjects: subjects_told, rates })
    }

    /// Whether the day stayed below `quiet`.
    #[must_use]
    pub const fn was_quiet(&self, quiet: Nats) -> bool {
        (self.peak as Nats) < quiet && !self.flags.firing
    }
}

fn step_at_most(rate: f64) -> u8 {
    crate::evidence::Rate::default().step(rate, 1.0, 0.0)
}

/// The share of falling ids, from that of rising ones.
fn fell(rising: crate::evidence::Rate) -> crate::evidence::Rate {
    rising.complement()
}
