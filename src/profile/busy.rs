//! How busy a class is today: a factor for all of it that nobody has to be told.
//!
//! On a campaign's day everybody has three times as many patients, and each of them alone looks
//! like a thief. Together they cannot be one. So what every client is expected to do rises with
//! what half of the class's known clients have done of what is expected of them: the median of
//! today's count against the level, read on a grid, for each route.
//!
//! A median, because whoever wants to move it needs half of the class; of many clients only; no
//! higher than four times. It rests on counts and levels alone, never on evidence, and a busy day
//! teaches a level what it would have been without its factor: nothing feeds back. Each shard
//! counts its own clients and what they add up to is read at hour boundaries, so threads decide
//! nothing.

use crate::time::{DAY_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// The factors that are told apart, beside one.
pub(super) const FACTORS: [f64; 7] = [1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0];
/// Known clients with a look-up today below which the class says nothing: half of them could be one
/// office.
const ACTIVE_MIN: u32 = 15;
/// Days of which factors are kept: a day is closed by the next look-up, after a week off at most.
const DAYS: usize = 8;
/// The same as a number of days.
const DAYS_KEPT: i64 = 8;

/// What the clients of one class on one route have done on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Pulse {
    day: i64,
    /// Known clients with a look-up.
    active: u32,
    /// Those of them beyond each of [`FACTORS`] times their level.
    above: [u32; FACTORS.len()],
}

impl Pulse {
    /// The place of the highest factor that half of the clients are beyond, from 1; 0 for none.
    fn step(&self) -> u8 {
        if self.active < ACTIVE_MIN {
            return 0;
        }
        let half = |above: &u32| above.saturating_mul(2) >= self.active;
        let step = self.above.iter().rposition(half).map_or(0, |it| it + 1);
        u8::try_from(step).unwrap_or(0)
    }

    fn add(&mut self, other: &Self) {
        if other.day > self.day {
            *self = Self { day: other.day, ..Self::default() };
        }
        if other.day == self.day {
            self.active += other.active;
            self.above.iter_mut().zip(other.above).for_each(|(sum, it)| *sum += it);
        }
    }
}

/// Today's and yesterday's counts by route and class, of one shard or of all together.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Pulses {
    /// By place, days of even and odd number apart: late look-ups are yesterday's.
    of: Vec<[Pulse; 2]>,
    classes: usize,
}

impl Pulses {
    /// Nothing counted yet, for this many routes and classes.
    #[must_use]
    pub fn new(routes: usize, classes: usize) -> Self {
        Self { of: vec![<[Pulse; 2]>::default(); routes * classes], classes }
    }

    /// Counts a known client's `count`th subject of the day, where so many are `expected` of it.
    pub fn count(&mut self, (route, class): (u16, u8), at: Moment, count: u32, expected: f64) {
        let day = at.index(DAY_MS);
        let place = usize::from(route) * self.classes + usize::from(class);
        let Some(pulse) = self.of.get_mut(place).and_then(|it| it.get_mut(parity(day))) else {
            return;
        };
        if day < pulse.day {
            return;
        }
        if day > pulse.day {
            *pulse = Pulse { day, ..Pulse::default() };
        }
        pulse.active += u32::from(count == 1);
        let (before, now) = (f64::from(count.saturating_sub(1)), f64::from(count));
        for (above, factor) in pulse.above.iter_mut().zip(FACTORS) {
            let bound = factor * expected;
            *above += u32::from(before < bound && bound <= now);
        }
    }

    /// Takes what a shard has counted since the last time.
    pub(super) fn take(&mut self, shard: &mut Self) {
        for (sums, counted) in self.of.iter_mut().zip(&mut shard.of) {
            for (sum, counted) in sums.iter_mut().zip(std::mem::take(counted)) {
                sum.add(&counted);
            }
        }
    }

    /// How many classes a route has, at least one.
    pub(crate) fn classes(&self) -> usize {
        self.classes.max(1)
    }

    /// Takes counts that were written down, of the places of which `keeps` says yes.
    pub(crate) fn restore(&mut self, written: Self, keeps: impl Fn(usize) -> bool) {
        for (place, (own, written)) in self.of.iter_mut().zip(written.of).enumerate() {
            if keeps(place) {
                *own = written;
            }
        }
    }

    /// What the class and route in a place had come to by now, into the factors of its days.
    pub(super) fn read(&self, place: usize, factors: &mut Factors) {
        for pulse in self.of.get(place).into_iter().flatten().filter(|it| it.active > 0) {
            factors.set(pulse.day, pulse.step());
        }
    }
}

fn parity(day: i64) -> usize {
    usize::from(day.rem_euclid(2) == 1)
}

/// The factors of a class on a route, for the last days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Factors {
    /// The last day.
    last: i64,
    /// Places in [`FACTORS`] from 1, by day modulo their number.
    steps: [u8; DAYS],
}

impl Factors {
    /// No day was busy.
    pub const NONE: Self = Self { last: 0, steps: [0; DAYS] };

    /// How many times as much as on other days everybody was expected to do on the day of `at`.
    #[must_use]
    pub fn on(&self, at: Moment) -> f64 {
        let day = at.index(DAY_MS);
        let is_kept = day <= self.last && day > self.last - DAYS_KEPT;
        let step = if is_kept { self.steps.get(slot(day)).copied().unwrap_or(0) } else { 0 };
        step.checked_sub(1).and_then(|it| FACTORS.get(usize::from(it))).copied().unwrap_or(1.0)
    }

    fn set(&mut self, day: i64, step: u8) {
        if day <= self.last - DAYS_KEPT {
            return;
        }
        let missed = (day - self.last).clamp(0, DAYS_KEPT);
        for ago in 0..missed {
            if let Some(it) = self.steps.get_mut(slot(day - ago)) {
                *it = 0;
            }
        }
        self.last = self.last.max(day);
        if let Some(it) = self.steps.get_mut(slot(day)) {
            *it = step;
        }
    }
}

fn slot(day: i64) -> usize {
    usize::try_from(day.rem_euclid(DAYS_KEPT)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 20_000;

    fn is(factor: f64, expected: f64) -> bool {
        (factor - expected).abs() < 1e-9
    }

    /// The factor after so many clients, of whom twenty look-ups are expected, have made so many each.
    fn factor(clients: &[(u32, u32)]) -> f64 {
        let (mut all, mut shard) = (Pulses::new(1, 1), Pulses::new(1, 1));
        for (clients, looked_up) in clients {
            for _ in 0..*clients {
                let at = Moment(DAY * DAY_MS);
                (1..=*looked_up).for_each(|it| shard.count((0, 0), at, it, 20.0));
            }
        }
        all.take(&mut shard);
        let mut factors = Factors::default();
        all.read(0, &mut factors);
        factors.on(Moment(DAY * DAY_MS + 1))
    }

    #[test]
    fn a_day_on_which_everybody_does_three_times_as_much_moves_everybody() {
        assert!(is(factor(&[(30, 60)]), 3.0));
        assert!(is(factor(&[(10, 10), (20, 42)]), 2.0));
    }

    #[test]
    fn a_few_harvesters_and_a_small_class_move_nobody() {
        assert!(is(factor(&[(30, 20), (12, 10_000)]), 1.0));
        assert!(is(factor(&[(14, 60)]), 1.0));
    }

    #[test]
    fn nothing_moves_anybody_by_more_than_four_times() {
        assert!(is(factor(&[(30, 10_000)]), 4.0));
    }

    #[test]
    fn a_days_factor_is_that_days_alone() {
        let mut factors = Factors::default();
        factors.set(DAY, 4);
        factors.set(DAY + 3, 0);
        let on = |day| factors.on(Moment(day * DAY_MS));
        assert!(is(on(DAY), 2.0));
        assert!([1, 3, 8].iter().all(|it| is(on(DAY + it), 1.0)));
        factors.set(DAY + 9, 0);
        assert!(is(factors.on(Moment(DAY * DAY_MS)), 1.0));
    }
}
