//! `miss` of a route as a whole: the first contacts of all its strangers, read as one client's.
//!
//! Who guesses from fifteen hundred addresses lets each one ask every few minutes. One client is
//! told after some forty attempts, and by then all of them have made sixty thousand. But a route's
//! strangers together miss at a rate that hardly changes from day to day, and fifteen hundred who
//! miss every second time change it within a minute.
//!
//! What is honest is the highest share of misses that an hour of the last fortnight had, and a
//! margin on top: a mean would page at the first list of former customers. Until three days are
//! known nothing is said. Honest clients differ, and so do hours, in ways that no rate describes;
//! the evidence therefore counts half (tempering with eta .5, its floor), which costs such a guesser
//! some sixty attempts in all.

use super::{Cusum, GROWTH_A_DAY, Ladder, Nats, Rate, miss, rate_of_step};
use crate::time::{DAY_MS, HOUR_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// Contacts below which an hour teaches nothing.
const TRIALS_MIN: u32 = 20;
/// Contacts at the usual rate with which every hour is read: a share of twenty is no share.
const PRIOR_TRIALS: f64 = 50.0;
/// Days that are looked back on.
const DAYS: u8 = 14;
/// Days before this one below which nothing is known.
const DAYS_MIN: usize = 3;
/// Steps (.22 of a logit) by which the highest hour is exceeded honestly.
const MARGIN_STEPS: u8 = 2;
/// Evidence counts as its half.
const TEMPERED: Nats = 2;

/// Contacts of strangers, and how many of them missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CrowdTally {
    /// Contacts.
    pub trials: u32,
    /// Those that missed.
    pub missed: u32,
}

impl CrowdTally {
    /// Counts one.
    pub const fn count(&mut self, missed: bool) {
        self.trials = self.trials.saturating_add(1);
        self.missed = self.missed.saturating_add(missed as u32);
    }

    /// The share that missed, read with [`PRIOR_TRIALS`].
    fn share(self) -> f64 {
        let missed = f64::from(self.missed) + PRIOR_TRIALS * miss::RATE;
        missed / (f64::from(self.trials) + PRIOR_TRIALS)
    }
}

/// The strangers of one route.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Crowd {
    sums: Cusum<{ miss::ALTERNATIVES }>,
    /// The highest honest share, 0 while it is not known.
    rate: f64,
    step: u8,
    /// The highest hour of each of the last days, 0 where there was none.
    days: [f64; DAYS as usize],
    /// The hour that is counted, since 1970; 0 before the first.
    hour: i64,
    tally: CrowdTally,
    /// The highest evidence of this hour.
    peak: Nats,
    /// Days since the rate was known first.
    known_days: i64,
}

impl Crowd {
    /// Closes the hours that ended before `at`; one whose evidence stayed below `quiet` teaches.
    pub fn roll(&mut self, at: Moment, quiet: Nats) {
        let hour = at.index(HOUR_MS);
        if hour <= self.hour {
            return;
        }
        let before = std::mem::replace(&mut self.hour, hour);
        let (tally, peak) = (std::mem::take(&mut self.tally), std::mem::take(&mut self.peak));
        if before == 0 {
            return;
        }
        let day = |hour: i64| hour.div_euclid(DAY_MS / HOUR_MS);
        if tally.trials >= TRIALS_MIN
            && peak < quiet
            && let Some(highest) = self.days.get_mut(place(day(before)))
        {
            *highest = highest.max(tally.share());
        }
        let days = day(hour) - day(before);
        if days > 0 {
            self.learn(days);
            for over in (day(before) + 1..=day(hour)).take(DAYS as usize) {
                self.days.get_mut(place(over)).into_iter().for_each(|it| *it = 0.0);
            }
        }
    }

    /// At the end of a day: what an honest hour may hold from now on.
    fn learn(&mut self, days: i64) {
        if self.days.iter().filter(|it| **it > 0.0).count() < DAYS_MIN {
            return;
        }
        let highest = self.days.iter().copied().fold(0.0, f64::max);
        let days_before = self.known_days;
        self.known_days += days;
        let most = self.rate * (1.0 + GROWTH_A_DAY * days as f64);
        let is_settled = days_before >= i64::from(DAYS) && self.rate > 0.0;
        self.rate = if is_settled { highest.min(most) } else { highest };
        self.step = Rate::default().step(self.rate, 1.0, 0.0).saturating_add(MARGIN_STEPS);
    }

    /// Takes a first contact of a stranger; the evidence by now, 0 while nothing is known.
    pub fn take(&mut self, ladder: &Ladder<{ miss::ALTERNATIVES }>, missed: bool) -> Nats {
        self.tally.count(missed);
        if self.rate <= 0.0 {
            return 0;
        }
        self.sums.update(ladder, self.step, missed);
        let evidence = (self.sums.log_e(ladder) / TEMPERED).max(0);
        self.peak = self.peak.max(evidence);
        evidence
    }

    /// The share of misses that counts as honest.
    #[must_use]
    pub fn honest(&self) -> f64 {
        rate_of_step(self.step)
    }

    /// Back to rest: the alert is over.
    pub const fn reset(&mut self) {
        self.sums.reset();
    }
}

/// A day's place among those that are looked back on.
fn place(day: i64) -> usize {
    usize::try_from(day.rem_euclid(i64::from(DAYS))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::as_f64;
    use super::*;

    const QUIET: Nats = 13 * super::super::ONE_NAT;

    /// A crowd after so many days of so many contacts an hour, a twentieth of which misses.
    fn crowd(days: i64, an_hour: u32) -> (Crowd, Moment) {
        let (ladder, mut crowd) = (miss::ladder(), Crowd::default());
        let mut at = Moment(20_000 * DAY_MS);
        for _ in 0..days * 24 {
            crowd.roll(at, QUIET);
            (0..an_hour).for_each(|it| {
                crowd.take(&ladder, it % 20 == 0);
            });
            at = at.plus(HOUR_MS);
        }
        crowd.roll(at, QUIET);
        (crowd, at)
    }

    /// Attempts of guessers that miss every second time, one in `every` contacts, until a page.
    fn attempts(crowd: &mut Crowd, every: u32) -> Option<u32> {
        let ladder = miss::ladder();
        let evidence = |at: u32| {
            let guess = at.is_multiple_of(every);
            let missed = if guess { (at / every).is_multiple_of(2) } else { at % 21 == 1 };
            crowd.take(&ladder, missed)
        };
        let first = (0..20_000).map(evidence).position(|it| as_f64(it) >= 18.1)?;
        u32::try_from(first).ok().map(|it| it / every)
    }

    #[test]
    fn guessers_who_make_most_of_a_routes_contacts_are_told_within_a_hundred_attempts() {
        let (mut crowd, _) = crowd(14, 200);
        assert!(attempts(&mut crowd, 1).is_some_and(|it| it < 100));
        crowd.reset();
        // A third of all contacts.
        assert!(attempts(&mut crowd, 3).is_some_and(|it| it < 400));
    }

    #[test]
    fn a_site_says_nothing_before_it_has_known_three_days() {
        let (mut young, _) = crowd(2, 200);
        assert_eq!(attempts(&mut young, 1), None);
    }

    #[test]
    fn honest_hours_say_nothing_and_neither_does_one_that_misses_half_as_much_again() {
        let (mut crowd, _) = crowd(14, 200);
        let ladder = miss::ladder();
        let highest = (0..20_000).map(|it: u32| crowd.take(&ladder, it.is_multiple_of(14))).max();
        assert!(as_f64(highest.unwrap()) < 4.0);
    }

    #[test]
    fn an_hour_under_evidence_teaches_nothing_and_a_settled_rate_rises_slowly() {
        let (mut crowd, start) = crowd(40, 200);
        let (ladder, before) = (miss::ladder(), crowd.honest());
        let mut at = start;
        for _ in 0..72 {
            (0..200).for_each(|it: u32| {
                crowd.take(&ladder, it.is_multiple_of(2));
            });
            at = at.plus(HOUR_MS);
            crowd.roll(at, QUIET);
        }
        assert!(crowd.honest() - before < 1e-9, "{} after {before}", crowd.honest());
        // What rises below the level of evidence is learned by a tenth a month.
        crowd.reset();
        for _ in 0..72 {
            (0..200).for_each(|it: u32| {
                crowd.take(&ladder, it.is_multiple_of(9));
            });
            at = at.plus(HOUR_MS);
            crowd.roll(at, QUIET);
        }
        assert!(crowd.honest() <= before * 1.25, "{} after {before}", crowd.honest());
    }
}
