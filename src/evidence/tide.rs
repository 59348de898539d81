//! What an hour of a route holds of one kind of contact, and what it has held of late.
//!
//! Counts of the last fortnight are kept hour by hour, so that an hour is compared with the same
//! hour of other days. A week has days of two kinds at most (people rest on some of them, not
//! everywhere on the same ones), told by what they held. How far the days of a kind lie from their
//! mean is what is honest between days: a route that has been wild is read as one that is.
//!
//! A level may rise by a tenth in thirty days once it is settled, from the highest that it has
//! stood at: a crowd that grows a little every day must not teach its own size, and a fortnight of
//! holidays is no level to come back from. Hours of which the log is not whole teach nothing.

use super::GROWTH_A_DAY;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// Days that are looked back on, two of each weekday.
const DAYS: usize = 14;
/// Days after which a level is settled: as many.
const SETTLED_DAYS: i64 = 14;
const WEEKDAYS: usize = 7;
const HOURS: usize = 24;
const MINUTES: i64 = 60;
const MINUTES_A_DAY: i64 = 24 * MINUTES;
/// Days below which nothing is known: one of each weekday.
const DAYS_MIN: usize = 7;
/// Contacts below which a day is none of a route in use.
const DAY_MIN: f64 = 20.0;
/// A weekday that holds less than this share of the mean is one of rest.
const REST: f64 = 0.5;
/// An hour is expected to hold this share of the mean hour at least: that nobody came at night for
/// a fortnight does not say that nobody ever does.
const HOUR_MIN: f64 = 0.1;
/// Variance to mean of honest counts: who comes looks at more than one thing.
pub(super) const BATCHES: f64 = 2.0;
/// An hour that is not known.
const NONE: u32 = u32::MAX;

/// The spans in which counts are read, in minutes. One that is short is soon full of a flood, and
/// one that is long tells a thin one from noise; longer than two hours the day goes on beneath it.
pub const SPANS: [usize; 5] = [5, 15, 30, 60, 120];
/// Minutes that are kept.
const KEPT: usize = 128;

/// What was seen in a span, and what was to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// Contacts.
    pub seen: f64,
    /// As many as on days of this kind, at these hours.
    pub usual: f64,
    /// As many as a day of work holds at the busiest of these hours and those beside them: clocks
    /// are changed, and an hour's traffic does not begin on the hour.
    pub most: f64,
}

/// The contacts of one kind on one route.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Tide {
    days: [[u32; HOURS]; DAYS],
    /// The hour that is counted, since 1970; 0 before the first.
    hour: i64,
    count: u32,
    /// Whether the log had its beginning.
    is_whole: bool,
    minutes: [u32; KEPT],
    /// The minute that is counted, since 1970.
    minute: i64,
    now: u32,
    learned: Option<Learned>,
    /// The highest level it has stood at, contacts a day.
    top: f64,
    /// Days since it was known first.
    known_days: i64,
}

/// What a fortnight came to.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
struct Learned {
    /// Contacts an hour, on days of work and of rest.
    hours: [[f64; HOURS]; 2],
    /// The busiest of an hour of work and those beside it.
    most: [f64; HOURS],
    /// Whether a weekday is one of rest.
    rests: [bool; WEEKDAYS],
    /// The square of the coefficient of variation between days, without that of counting.
    variation: f64,
}

impl Default for Tide {
    fn default() -> Self {
        Self {
            days: [[NONE; HOURS]; DAYS],
            hour: 0,
            count: 0,
            is_whole: false,
            minutes: [0; KEPT],
            minute: 0,
            now: 0,
            learned: None,
            top: 0.0,
            known_days: 0,
        }
    }
}

impl Tide {
    /// Counts a contact.
    pub const fn count(&mut self) {
        self.count = self.count.saturating_add(1);
        self.now = self.now.saturating_add(1);
    }

    /// The minute that is counted.
    #[must_use]
    pub const fn minute(&self) -> i64 {
        self.minute
    }

    /// Closes the minutes and hours that ended before `at`; an hour that was `quiet` teaches.
    pub fn roll(&mut self, at: Moment, quiet: bool) {
        self.close_minutes(at.index(MINUTE_MS));
        let hour = at.index(HOUR_MS);
        if hour > self.hour {
            self.close(hour, quiet);
        }
    }

    /// Minutes without a cut were empty.
    fn close_minutes(&mut self, minute: i64) {
        if minute <= self.minute {
            return;
        }
        let before = std::mem::replace(&mut self.minute, minute);
        let now = std::mem::take(&mut self.now);
        for over in (before..minute).rev().take(KEPT) {
            let held = if over == before { now } else { 0 };
            self.minutes.get_mut(place(over, KEPT)).into_iter().for_each(|it| *it = held);
        }
    }

    fn close(&mut self, hour: i64, quiet: bool) {
        let before = std::mem::replace(&mut self.hour, hour);
        let count = std::mem::take(&mut self.count);
        let follows = hour == before + 1;
        let was_whole = std::mem::replace(&mut self.is_whole, follows);
        let day = |hour: i64| hour.div_euclid(DAY_MS / HOUR_MS);
        let held = self.days.get_mut(place(day(before), DAYS));
        if was_whole
            && follows
            && quiet
            && let Some(held) = held.and_then(|it| it.get_mut(place(before, HOURS)))
        {
            *held = count;
        }
        if before > 0 && day(hour) > day(before) {
            self.learn(day(hour) - day(before));
        }
        for over in (day(before) + 1..=day(hour)).rev().take(DAYS) {
            self.days.get_mut(place(over, DAYS)).into_iter().for_each(|it| *it = [NONE; HOURS]);
        }
    }

    /// At the end of a day: what days hold from now on.
    fn learn(&mut self, days: i64) {
        let used = self.days.iter().filter(|it| known(it).sum::<f64>() >= DAY_MIN).count();
        if used < DAYS_MIN {
            self.learned = None;
            return;
        }
        let mut learned = Learned::of(&self.days);
        let [work, _] = &learned.hours;
        let level: f64 = work.iter().sum();
        let most = self.top * (1.0 + GROWTH_A_DAY * days as f64);
        let is_settled = self.known_days >= SETTLED_DAYS && self.top > 0.0;
        self.known_days += days;
        if is_settled && level > most {
            learned.shrink(most / level);
        }
        self.top = if is_settled { self.top.max(level.min(most)) } else { level };
        self.learned = Some(learned);
    }

    /// Every span of [`SPANS`] that ended with the last minute, once a week is known.
    #[must_use]
    pub fn read(&self) -> Option<[Span; SPANS.len()]> {
        let learned = self.learned.as_ref()?;
        let (mut spans, mut sum, mut back) = ([Span::default(); SPANS.len()], Span::default(), 0);
        for (span, minutes) in spans.iter_mut().zip(SPANS) {
            while back < minutes {
                back += 1;
                let minute = self.minute - i64::try_from(back).unwrap_or(i64::MAX);
                let held = self.minutes.get(place(minute, KEPT)).copied().unwrap_or(0);
                let (usual, most) = learned.an_hour(minute);
                sum.seen += f64::from(held);
                sum.usual += usual / MINUTES as f64;
                sum.most += most / MINUTES as f64;
            }
            *span = sum;
        }
        Some(spans)
    }

    /// The contacts of every span, whatever is known.
    #[must_use]
    pub fn held(&self) -> [f64; SPANS.len()] {
        let minutes = |span: usize| (1..).take(span).map(|back| self.minute - back);
        let held =
            |minute: i64| self.minutes.get(place(minute, KEPT)).map_or(0.0, |it| f64::from(*it));
        SPANS.map(|span| minutes(span).map(held).sum())
    }

    /// The contacts of so many whole minutes before `at`, 128 at most, and the least that days of
    /// this kind hold at these hours or those beside them; once a week is known. Minutes that nobody has
    /// begun are empty.
    #[must_use]
    pub fn before(&self, at: Moment, minutes: usize) -> Option<(f64, f64)> {
        let learned = self.learned.as_ref()?;
        let (mut seen, mut least) = (0.0, 0.0);
        let end = at.index(MINUTE_MS);
        for minute in (1..).take(minutes.min(KEPT)).map(|back| end - back) {
            let held = match minute - self.minute {
                ..0 => self.minutes.get(place(minute, KEPT)).copied().unwrap_or(0),
                0 => self.now,
                _ => 0,
            };
            seen += f64::from(held);
            let beside = [-MINUTES, 0, MINUTES].map(|by| learned.an_hour(minute + by).0);
            least += beside.into_iter().fold(f64::INFINITY, f64::min) / MINUTES as f64;
        }
        Some((seen, least))
    }

    /// The square of the coefficient of variation between days.
    #[must_use]
    pub fn variation(&self) -> f64 {
        self.learned.as_ref().map_or(f64::INFINITY, |it| it.variation)
    }
}

impl Learned {
    fn of(days: &[[u32; HOURS]; DAYS]) -> Self {
        let weekdays: [(f64, f64); WEEKDAYS] = std::array::from_fn(|weekday| {
            let own = days.iter().skip(weekday).step_by(WEEKDAYS).flat_map(known);
            own.fold((0.0, 0.0), |(sum, hours), it| (sum + it, hours + 1.0))
        });
        let (sum, hours) = weekdays.iter().fold((0.0, 0.0), |it, own| (it.0 + own.0, it.1 + own.1));
        let rests = weekdays.map(|own| own.0 * hours < REST * sum * own.1);
        let is_of = |row: usize, rest: bool| rests.get(row % WEEKDAYS) == Some(&rest);
        let of_kind = |rest: bool, hour: usize| {
            let rows = days.iter().enumerate().filter(move |(row, _)| is_of(*row, rest));
            rows.filter_map(move |(_, it)| it.get(hour).copied().filter(|it| *it != NONE))
        };
        let mean = |rest: bool, hour: usize| {
            let (sum, count) = of_kind(rest, hour)
                .fold((0.0, 0.0), |(sum, count), it| (sum + f64::from(it), count + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        };
        let hours = [false, true].map(|rest| std::array::from_fn(|hour| mean(rest, hour)));
        let [work, _] = &hours;
        let (mut apart, mut squares) = (0.0, 0.0);
        for (hour, mean) in work.iter().enumerate() {
            for it in of_kind(false, hour) {
                apart += (f64::from(it) - mean) * (f64::from(it) - mean) - BATCHES * mean;
                squares += mean * mean;
            }
        }
        let least = HOUR_MIN * work.iter().sum::<f64>() / HOURS as f64;
        let at = |hour: usize| work.get(hour % HOURS).copied().unwrap_or(0.0);
        let most = std::array::from_fn(|hour| {
            at(hour + HOURS - 1).max(at(hour)).max(at(hour + 1)).max(least)
        });
        let variation = if squares > 0.0 { (apart / squares).max(0.0) } else { f64::INFINITY };
        Self { hours, most, rests, variation }
    }

    fn shrink(&mut self, by: f64) {
        self.hours.iter_mut().flatten().chain(&mut self.most).for_each(|it| *it *= by);
    }

    /// What a minute's hour usually holds, and at most.
    fn an_hour(&self, minute: i64) -> (f64, f64) {
        let hour = place(minute.div_euclid(MINUTES), HOURS);
        let day = minute.div_euclid(MINUTES_A_DAY);
        let rests = self.rests.get(place(day, DAYS) % WEEKDAYS).copied().unwrap_or(false);
        let of = |hours: &[f64; HOURS]| hours.get(hour).copied().unwrap_or(0.0);
        let [work, rest] = &self.hours;
        (of(if rests { rest } else { work }), of(&self.most))
    }
}

/// The hours of a day that are known.
fn known(day: &[u32; HOURS]) -> impl Iterator<Item = f64> + '_ {
    day.iter().filter(|it| **it != NONE).map(|it| f64::from(*it))
}

/// The place of a running number in a ring.
fn place(number: i64, ring: usize) -> usize {
    let ring = i64::try_from(ring).unwrap_or(i64::MAX);
    usize::try_from(number.rem_euclid(ring)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i64 = 20_000;

    /// A tide of whole days, each with so many contacts in every hour.
    fn tide(days: impl IntoIterator<Item = u32>) -> (Tide, Moment) {
        let (mut tide, mut at) = (Tide::default(), Moment(MONDAY * DAY_MS - HOUR_MS));
        tide.roll(at, true);
        at = at.plus(HOUR_MS);
        for an_hour in days {
            for _ in 0..HOURS {
                tide.roll(at, true);
                (0..an_hour).for_each(|_| tide.count());
                at = at.plus(HOUR_MS);
            }
        }
        tide.roll(at, true);
        (tide, at)
    }

    /// What is expected in the last hour before this moment: usually, and at most.
    fn an_hour(tide: &mut Tide, at: Moment) -> (f64, f64) {
        tide.roll(at, true);
        let spans = tide.read().unwrap();
        (spans[3].usual, spans[3].most)
    }

    #[test]
    fn nothing_is_known_before_a_week_is() {
        assert!(tide([60; 6]).0.read().is_none());
        assert!(tide([60; 7]).0.read().is_some());
    }

    #[test]
    fn a_route_that_is_hardly_used_is_never_known() {
        assert!(tide([0; 20]).0.read().is_none());
    }

    #[test]
    fn days_of_rest_are_told_by_what_they_hold_and_are_no_variation() {
        let week = [100, 100, 100, 100, 100, 0, 0];
        let (mut tide, at) = tide(week.into_iter().cycle().take(14));
        let (monday, saturday) = (at.plus(12 * HOUR_MS), at.plus(5 * DAY_MS + 12 * HOUR_MS));
        assert!(tide.variation() < 0.01, "{}", tide.variation());
        assert!((an_hour(&mut tide, monday).0 - 100.0).abs() < 1.0);
        let (usual, most) = an_hour(&mut tide, saturday);
        assert!(usual < 1.0 && (most - 100.0).abs() < 1.0, "{usual} {most}");
    }

    #[test]
    fn a_route_that_is_wild_from_day_to_day_varies() {
        let (tide, _) = tide([50, 150, 80, 120, 200, 20, 130, 60, 100, 90, 150, 40, 110, 70]);
        assert!(tide.variation() > 0.1, "{}", tide.variation());
    }

    #[test]
    fn an_hour_is_expected_to_hold_as_much_as_those_beside_it() {
        let (mut tide, mut at) = (Tide::default(), Moment(MONDAY * DAY_MS - HOUR_MS));
        for hour in 0..14 * 24 {
            tide.roll(at, true);
            // The first hour is the last of a day.
            (0..if hour % 24 == 10 { 240 } else { 0 }).for_each(|_| tide.count());
            at = at.plus(HOUR_MS);
        }
        tide.roll(at, true);
        let day = at.plus(HOUR_MS);
        let (usual, most) = an_hour(&mut tide, day.plus(9 * HOUR_MS));
        assert!(usual < 1.0 && (most - 240.0).abs() < 1.0, "{usual} {most}");
        // A night that is always empty is not proof that nobody ever comes.
        let (_, most) = an_hour(&mut tide, day.plus(20 * HOUR_MS));
        assert!((most - 1.0).abs() < 0.1, "{most}");
    }

    #[test]
    fn an_hour_that_was_not_quiet_or_not_whole_teaches_nothing() {
        let (mut tide, mut at) = tide([60; 14]);
        for hour in 0..48 {
            (0..600).for_each(|_| tide.count());
            // Every other hour the log stops, and goes on in the middle of the next but one.
            at = at.plus(if hour % 2 == 0 { HOUR_MS } else { 3 * HOUR_MS + HOUR_MS / 2 });
            tide.roll(at, hour % 2 == 1);
        }
        let (usual, most) = an_hour(&mut tide, at.plus(DAY_MS));
        assert!(usual <= 61.0 && most <= 61.0, "{usual} {most}");
    }

    #[test]
    fn a_settled_level_rises_by_a_tenth_in_a_month_and_comes_back_from_holidays_at_once() {
        let grown = (0..40).map(|it| 100 + 5 * it);
        let (mut risen, at) = tide(std::iter::repeat_n(100, 20).chain(grown));
        let usual = an_hour(&mut risen, at.plus(HOUR_MS)).0;
        assert!((100.0..125.0).contains(&usual), "{usual}");
        let days = std::iter::repeat_n(100, 20).chain(std::iter::repeat_n(40, 14));
        let (mut back, at) = tide(days.chain(std::iter::repeat_n(100, 14)));
        let usual = an_hour(&mut back, at.plus(HOUR_MS)).0;
        assert!(usual > 95.0, "{usual}");
    }

    #[test]
    fn minutes_without_a_cut_are_empty_ones() {
        let (mut tide, at) = tide([60; 7]);
        (0..30).for_each(|_| tide.count());
        tide.roll(at.plus(MINUTE_MS), true);
        assert!((tide.held()[0] - 30.0).abs() < 1e-9);
        tide.roll(at.plus(10 * MINUTE_MS), true);
        let [five, fifteen, ..] = tide.held();
        assert!(five.abs() < 1e-9 && (fifteen - 30.0).abs() < 1e-9, "{five} {fifteen}");
    }
}
