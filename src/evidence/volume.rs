//! `volume`: novel subjects against what this client is expected to look up.
//!
//! Counts are a Polya process with batches: a Poisson process whose rate is gamma distributed
//! around the client's level, seen through work that comes in batches. The likelihood ratio of
//! `n` subjects after `m` expected ones, for a rate `d` times the usual, can be read at any
//! moment, so nothing waits for an hour to end:
//!
//! `ln L = n ln d + (n + k) ln((k + m) / (k + d m))`, `1/k = (F - 1)/m + 1/k_day`
//!
//! `k_day` says how much a client's days differ, `F` (variance to mean) how much its work comes
//! in batches; with one `k` at every horizon the short ones paged 16 to 28 times a week.
//!
//! Four horizons are read: a minute, an hour, a day, thirty days. They are windows of the UTC
//! calendar, so that everybody's numbers can be checked against the log with a pocket calculator.
//! An hour is also read
//! together with the one before it, since a harvest of twenty minutes begins before a full hour as
//! often as not: cut in two it took twice as many records.
//!
//! A day leaves what it knows to the next, one sum for each alternative: who reads three times as
//! many every day is told by the product of all days at three times, and a mean taken anew each
//! night would pay for not knowing which alternative it is once a day. A day without a single
//! look-up leaves the sums as they are. A level is that of working days, so a day off is no sign of
//! honesty: taken for one, a weekend undid the week of a harvest in office hours.

use super::math::add_logs;
pub use super::polya::Doubt;
use super::polya::{FACTORS, log_e, mean, ratios};
use super::{NATS_MAX, Nats};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// The stream's name.
pub const NAME: &str = "volume";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "looks up more people than it ever does";
/// How many horizons there are.
pub const HORIZONS: usize = 4;
/// Their lengths in milliseconds.
pub const HORIZON_MS: [i64; HORIZONS] = [MINUTE_MS, HOUR_MS, DAY_MS, 30 * DAY_MS];

/// Milliseconds since the current window of every horizon began. Each window holds whole ones of
/// the next shorter horizon, so that one division is a long one.
#[must_use]
pub const fn elapsed_ms(at: Moment) -> [i64; HORIZONS] {
    let month = at.0.rem_euclid(30 * DAY_MS);
    let (day, hour) = (month % DAY_MS, month % HOUR_MS);
    [hour % MINUTE_MS, hour, day, month]
}

/// The hour's place among them, and the day's.
const HOUR: usize = 1;
const DAY: usize = 2;
/// The place of the thirty days.
const MONTH: usize = 3;
/// Their names as alerts say them.
pub const HORIZON_WORDS: [&str; HORIZONS] = ["a minute", "an hour", "a day", "in thirty days"];
/// How far counts may honestly spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Shape of the gamma distribution of a client's days.
    pub k: f64,
    /// Variance to mean of counts within a minute.
    pub minute: f64,
    /// Variance to mean of counts within an hour and longer.
    pub longer: f64,
}

impl Spread {
    /// The looser of two: what counts may spread where both kinds of client are counted together.
    #[must_use]
    pub const fn loosest(self, other: Self) -> Self {
        Self {
            k: self.k.min(other.k),
            minute: self.minute.max(other.minute),
            longer: self.longer.max(other.longer),
        }
    }

    const fn of(&self, horizon: usize) -> f64 {
        if horizon == 0 { self.minute } else { self.longer }
    }
}

/// Subjects counted in the current window of every horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Windows {
    /// Counts in the current minute and hour.
    short: [u16; 2],
    /// Counts in the current day and thirty days: a partner's do not fit into sixteen bits.
    long: [u32; 2],
    /// What the days before this one left over, one sum an alternative, in [`CARRY_STEP`]s.
    carried: [u8; FACTORS.len()],
    /// The minute of the last contact, since 1970.
    minute: u32,
    /// Subjects of the hour before this one, where that is read too.
    hour_before: u16,
    /// Subjects of the day that a roll-up looked up as a finest key itself.
    own_today: u16,
}

/// What a window is read against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Subjects expected a day.
    pub a_day: f64,
    /// How many times as busy as usual the class is today, which is in `a_day`.
    pub busy: f64,
    /// Subjects expected in an hour: the busiest that was observed, else the average.
    pub an_hour: f64,
    /// How far counts may spread.
    pub spread: Spread,
    /// Whether the client is known well enough to carry evidence over a day's end.
    pub carries: bool,
    /// Subjects in thirty days beyond which nothing that was learned counts.
    pub budget: f64,
    /// How far `a_day` may be too low.
    pub doubt: Doubt,
    /// Subjects of the last thirty days that the calendar's thirty days do not hold.
    pub before: f64,
}

/// Which windows ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rolled {
    /// The windows of this many horizons ended, the shortest first.
    pub horizons: usize,
    /// Subjects of the day that ended, and how many days ago it began.
    pub day: Option<(u32, i64)>,
    /// Subjects of the hour that ended.
    pub hour: Option<u32>,
}

/// What a reading found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The log of the mean e-value over the horizons.
    pub log_e: Nats,
    /// The horizon that contributed most.
    pub horizon: usize,
    /// It was read together with the one before it.
    pub doubled: bool,
    /// Subjects counted there.
    pub seen: u32,
    /// Subjects expected there by now.
    pub expected: f64,
}

impl Reading {
    /// The time that was read, as alerts say it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match HORIZON_WORDS.get(self.horizon) {
            _ if self.doubled => "in two hours",
            words => words.copied().unwrap_or_default(),
        }
    }

    /// Its length in milliseconds.
    #[must_use]
    pub fn span_ms(&self) -> i64 {
        let once = HORIZON_MS.get(self.horizon).copied().unwrap_or(0);
        if self.doubled { 2 * once } else { once }
    }
}

impl Windows {
    /// Closes the windows that ended before `at`, carrying what the day knows. `others` is what was
    /// expected in them besides the level: at a roll-up, of its children. `telling` are the counts
    /// of what tells, where that is not every subject.
    pub fn roll(
        &mut self,
        at: Moment,
        level: &Level,
        (others, telling): ([f32; HORIZONS], Option<[u16; HORIZONS]>),
    ) -> Rolled {
        let minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
        if minute <= self.minute || self.minute == 0 {
            self.minute = self.minute.max(minute);
            return Rolled::default();
        }
        let before = Moment(i64::from(self.minute) * MINUTE_MS);
        self.minute = minute;
        let mut rolled = Rolled::default();
        for (horizon, length) in HORIZON_MS.iter().enumerate() {
            let ended = at.index(*length) - before.index(*length);
            if ended == 0 {
                continue;
            }
            let closed = self.close(horizon);
            let told = telling.and_then(|it| it.get(horizon).copied()).map_or(closed, u32::from);
            rolled.horizons = horizon + 1;
            if horizon == HOUR {
                rolled.hour = Some(closed);
                // What was expected of children an hour ago is not known any more.
                let counts = ended == 1 && others.get(HOUR).is_some_and(|it| *it <= 0.0);
                self.hour_before = u16::try_from(told).unwrap_or(u16::MAX) * u16::from(counts);
            }
            if horizon == DAY {
                rolled.day = Some((closed, ended));
                let others = others.get(DAY).map_or(0.0, |it| f64::from(*it));
                self.carry((told, ended), level, others);
            }
        }
        rolled
    }

    /// Takes a day with `closed` subjects, where `others` were expected besides the level, and the
    /// days without any that followed it, into what is carried.
    fn carry(&mut self, (closed, ended): (u32, i64), level: &Level, others: f64) {
        if !level.carries || ended > EMPTY_DAYS_MAX {
            self.carried = [0; FACTORS.len()];
            return;
        }
        if closed == 0 {
            return;
        }
        let spread = (level.spread.k, level.spread.longer);
        let day = ratios(f64::from(closed), level.a_day + others, spread, level.doubt);
        for (sum, day) in self.carried.iter_mut().zip(day) {
            let carried = (Nats::from(*sum) * CARRY_STEP + day + CARRY_STEP / 2).max(0);
            *sum = u8::try_from(carried / CARRY_STEP).unwrap_or(u8::MAX);
        }
    }

    /// The count of a horizon, which begins anew.
    fn close(&mut self, horizon: usize) -> u32 {
        if let Some(count) = self.short.get_mut(horizon) {
            return u32::from(std::mem::take(count));
        }
        let long = horizon.checked_sub(self.short.len()).and_then(|it| self.long.get_mut(it));
        long.map_or(0, std::mem::take)
    }

    /// Counts a novel subject.
    pub fn count(&mut self) {
        self.short = self.short.map(|it| it.saturating_add(1));
        self.long = self.long.map(|it| it.saturating_add(1));
    }

    /// Counts a subject of a roll-up that no child looked up.
    pub const fn count_own(&mut self) {
        self.own_today = self.own_today.saturating_add(1);
    }

    /// Subjects counted so since the last time.
    pub const fn take_own(&mut self) -> u32 {
        std::mem::replace(&mut self.own_today, 0) as u32
    }

    /// Evidence by now for a client with this level.
    #[must_use]
    pub fn read(&self, at: Moment, level: &Level) -> Reading {
        let elapsed = elapsed_ms(at).map(|it| it as f64 / DAY_MS as f64);
        self.read_against(elapsed.map(|it| it * level.a_day), level)
    }

    /// Evidence by now against expectations gathered elsewhere, one a horizon.
    #[must_use]
    pub fn read_against(&self, expected: [f64; HORIZONS], level: &Level) -> Reading {
        let mut reading = Reading { log_e: Nats::MIN / 2, ..Reading::default() };
        let (mut best, mut sum) = (Nats::MIN, Nats::MIN / 2);
        for (horizon, (count, m)) in self.counts().into_iter().zip(expected).enumerate() {
            let own = self.log_e_of(horizon, m, level);
            let single = Reading { horizon, seen: count, expected: m, ..Reading::default() };
            let (own, read) = match horizon {
                HOUR => self.with_hour_before(own, single, level),
                _ => (own, single),
            };
            sum = add_logs(sum, own + ln_part(horizon));
            if own > best {
                (best, reading) = (own, read);
            }
        }
        reading.log_e = sum.clamp(0, NATS_MAX);
        let [.., month] = self.counts();
        let in_thirty_days = f64::from(month) + level.before;
        if in_thirty_days > level.budget {
            let log_e = reading.log_e.max(BUDGET_SPENT);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of people, rounded up"
            )]
            let seen = in_thirty_days.ceil() as u32;
            return Reading { log_e, horizon: MONTH, doubled: false, seen, expected: level.budget };
        }
        reading
    }

    /// Evidence of this hour, `alone` and together with the one before it, and what told more.
    fn with_hour_before(&self, alone: Nats, hour: Reading, level: &Level) -> (Nats, Reading) {
        if self.hour_before == 0 {
            return (alone, hour);
        }
        let seen = hour.seen + u32::from(self.hour_before);
        let expected = hour.expected + level.an_hour;
        let n = f64::from(seen);
        let both = if n > expected && hour.seen > 0 {
            log_e(n, expected, (level.spread.k, level.spread.longer), level.doubt)
        } else {
            -ALMOST_NOTHING
        };
        let two = Reading { doubled: true, seen, expected, ..hour };
        // The mean of the two: ln 2 is 710/1024.
        (add_logs(alone, both) - 710, if both > alone { two } else { hour })
    }

    /// Evidence of one horizon after `m` expected subjects.
    #[must_use]
    pub fn log_e_of(&self, horizon: usize, m: f64, level: &Level) -> Nats {
        let n = self.counts().get(horizon).map_or(0.0, |it| f64::from(*it));
        let carries = horizon == DAY && self.carried != [0; FACTORS.len()];
        // Below the expectation every alternative is worse than honesty.
        if n <= m && !carries {
            return -ALMOST_NOTHING;
        }
        let batches = level.spread.of(horizon);
        let mut ratios = ratios(n, m, (level.spread.k, batches), level.doubt);
        if carries {
            let sums = ratios.iter_mut().zip(self.carried);
            sums.for_each(|(ratio, carried)| *ratio += Nats::from(carried) * CARRY_STEP);
        }
        mean(ratios, batches)
    }

    /// The same with only these subjects in the current windows.
    #[must_use]
    pub fn with(&self, [minute, hour, day, month]: [u16; HORIZONS]) -> Self {
        Self { short: [minute, hour], long: [u32::from(day), u32::from(month)], ..*self }
    }

    /// Forgets what was counted: an alert that resolved must not fire again on the same people.
    pub fn reset(&mut self) {
        (self.short, self.long) = ([0; 2], [0; 2]);
        self.carried = [0; FACTORS.len()];
        self.hour_before = 0;
    }

    /// Takes over what the days before left to another's current day.
    pub const fn carry_on(&mut self, other: &Self) {
        self.carried = other.carried;
    }

    /// Subjects counted in the current windows.
    #[must_use]
    pub const fn counts(&self) -> [u32; HORIZONS] {
        let ([minute, hour], [day, month]) = (self.short, self.long);
        [minute as u32, hour as u32, day, month]
    }
}

/// The log of a horizon's part in their mean: a half is the day's, by which clients have a level and which
/// alone hands on what it knows, and a sixth that of each of the others.
#[must_use]
pub const fn ln_part(horizon: usize) -> Nats {
    // ln 2 is 710/1024, and ln 6 is 1835/1024.
    if horizon == DAY { -710 } else { -1_835 }
}

/// Subjects both novel and cold that a client of a register reads in a day, whatever its level:
/// counted absolutely, so that padding with popular records does not dilute.
const COLD_LEVEL: Level = Level {
    a_day: 5.0,
    busy: 1.0,
    an_hour: 5.0 / 24.0,
    spread: Spread { k: 1.0, minute: 6.0, longer: 6.0 },
    carries: false,
    budget: f64::INFINITY,
    doubt: Doubt::NONE,
    before: 0.0,
};

/// Evidence of the cold subjects counted in the current windows.
#[must_use]
pub fn read_cold(counts: [u16; HORIZONS], at: Moment) -> Nats {
    let [minute, hour, day, month] = counts;
    let (short, long) = ([minute, hour], [u32::from(day), u32::from(month)]);
    Windows { short, long, ..Windows::default() }.read(at, &COLD_LEVEL).log_e
}

/// What a budget that is spent counts as: a page, whatever share of the weight the stream has.
const BUDGET_SPENT: Nats = 24 * super::ONE_NAT;
/// What a horizon far below its expectation counts as: an e-value of e^-2.
const ALMOST_NOTHING: Nats = 2 * super::ONE_NAT;
/// Steps in which a day leaves what it knows to the next: up to 31.9 nats in a byte, half as much
/// again as any page takes.
const CARRY_STEP: Nats = super::ONE_NAT / 8;
/// Days from one with a look-up to the next after which nothing is left of what was carried.
const EMPTY_DAYS_MAX: i64 = 14;

/// A session has no clock: its subjects are counted against what sessions of its class look up
/// in all, from the start. The first subject is free: a session without one is none.
#[must_use]
pub fn session(subjects: u32, mean: f64, k: f64) -> Reading {
    let (n, m) = (f64::from(subjects.saturating_sub(1)), (mean - 1.0).max(0.5));
    let log = if n <= m { 0 } else { log_e(n, m, (k, 1.0), Doubt::NONE).clamp(0, NATS_MAX) };
    Reading { log_e: log, horizon: 2, doubled: false, seen: subjects, expected: mean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::as_f64;

    const STAFF: Level = Level {
        a_day: 20.0,
        busy: 1.0,
        an_hour: 20.0 / 24.0,
        spread: Spread { k: 4.0, minute: 1.4, longer: 4.5 },
        carries: true,
        budget: 8_000.0,
        doubt: Doubt::NONE,
        before: 0.0,
    };

    #[test]
    fn a_budget_is_read_over_the_last_thirty_days_and_says_how_many_they_hold() {
        let windows = Windows::default().with([0, 0, 0, 1_500]);
        let read = |before: f64| windows.read(Moment(29 * DAY_MS), &Level { before, ..STAFF });
        assert!(read(6_500.0).log_e < BUDGET_SPENT);
        let spent = read(6_500.5);
        assert!(spent.log_e >= BUDGET_SPENT);
        assert_eq!((spent.seen, spent.words()), (8_001, "in thirty days"));
    }

    #[test]
    fn ten_times_the_usual_day_says_more_than_twelve_nats_by_its_end() {
        let mut windows = Windows::default();
        let start = Moment(20_000 * DAY_MS);
        for it in 0..200 {
            let at = start.plus(it * DAY_MS / 200);
            windows.roll(at, &STAFF, ([0.0; HORIZONS], None));
            windows.count();
        }
        let reading = windows.read(start.plus(DAY_MS - 1), &STAFF);
        assert!(as_f64(reading.log_e) > 5.0 && reading.horizon == 2, "{reading:?}");
    }

    /// Evidence on the evening of the last of so many days of `a_day`, with these days off.
    fn after(days: std::ops::Range<i64>, a_day: i64, is_off: fn(i64) -> bool) -> f64 {
        let (mut windows, mut at) = (Windows::default(), Moment(0));
        for day in days.filter(|it| !is_off(*it)) {
            for it in 0..a_day {
                at = Moment((20_000 + day) * DAY_MS + 8 * HOUR_MS + it * 8 * HOUR_MS / a_day);
                windows.roll(at, &STAFF, ([0.0; HORIZONS], None));
                windows.count();
            }
        }
        as_f64(windows.read(Moment((at.index(DAY_MS) + 1) * DAY_MS - 1), &STAFF).log_e)
    }

    #[test]
    fn three_times_as_many_every_day_are_told_within_a_fortnight() {
        assert!(after(0..12, 60, |_| false) > 20.0);
    }

    #[test]
    fn days_off_do_not_undo_what_days_of_work_have_shown() {
        let (without, with) = (after(0..8, 60, |_| false), after(0..10, 60, |it| it / 2 == 2));
        assert!((without - with).abs() < 0.01, "{without} {with}");
    }

    #[test]
    fn a_usual_month_says_nothing() {
        let mut windows = Windows::default();
        for day in 0..60 {
            for it in 0..20 {
                let at = Moment((20_000 + day) * DAY_MS + (8 * 60 + it * 24) * MINUTE_MS);
                windows.roll(at, &STAFF, ([0.0; HORIZONS], None));
                windows.count();
                assert!(as_f64(windows.read(at, &STAFF).log_e) < 3.0, "day {day}, {it}");
            }
        }
    }

    /// Evidence after one subject every 10 s for 25 minutes, begun at this minute of an hour.
    fn hurried(minute: i64) -> Reading {
        let (mut windows, mut at) = (Windows::default(), Moment(20_000 * DAY_MS));
        at = at.plus(9 * HOUR_MS + minute * MINUTE_MS);
        for _ in 0..150 {
            at = at.plus(10_000);
            windows.roll(at, &STAFF, ([0.0; HORIZONS], None));
            windows.count();
        }
        windows.read(at, &STAFF)
    }

    #[test]
    fn a_full_hour_in_the_middle_of_a_harvest_costs_a_quarter_of_its_evidence_at_most() {
        let (within, over) = (hurried(10), hurried(48));
        assert!(!within.doubled && over.doubled, "{within:?} {over:?}");
        assert_eq!((over.seen, over.horizon), (150, 1));
        assert!(as_f64(over.log_e) > 0.75 * as_f64(within.log_e), "{within:?} {over:?}");
    }

    #[test]
    fn the_hour_before_last_is_forgotten() {
        let mut windows = Windows::default();
        let start = Moment(20_000 * DAY_MS);
        for at in [start, start.plus(2 * HOUR_MS)] {
            windows.roll(at, &STAFF, ([0.0; HORIZONS], None));
            (0..40).for_each(|_| windows.count());
        }
        assert!(!windows.read(start.plus(2 * HOUR_MS), &STAFF).doubled);
    }

    #[test]
    fn a_session_with_forty_people_is_told_and_one_with_five_is_not() {
        assert!(as_f64(session(5, 1.5, 1.0).log_e) < 4.0);
        assert!(as_f64(session(45, 1.5, 1.0).log_e) > 18.0, "{:?}", session(45, 1.5, 1.0));
    }
}
