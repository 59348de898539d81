//! `hours`: activity in hours of the day in which this client never works.
//!
//! Who takes people home after work does it after work. A client is known by the hours in which its
//! first contacts came in the calendar's thirty days and in those before in which it worked; what lies
//! more than an hour from any of them says yes. What it says is a [`Regime`].
//!
//! Three sets of hours and one sum are ten bytes, which a finest key has free: see
//! [`ByPlace`](crate::profile::ByPlace).

use super::Nats;
use super::regime::{Regime, Says};
use crate::time::{DAY_MS, HOUR_MS, Moment};

/// The stream's name.
pub const NAME: &str = "hours";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "works in hours in which it never did";
/// The share of a known client's contacts that lies outside its hours.
pub const RATE: f64 = 0.05;
const SAYS: Says = Says::at(RATE, 1.0);
/// Fewer hours than this are no working day, and tell nothing of when one ends.
const HOURS_MIN: u32 = 4;
/// Hours of a day.
const HOURS: u32 = 24;

/// A set of hours of the day, by UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourSet([u8; 3]);

impl HourSet {
    const fn bits(self) -> u32 {
        let [low, middle, high] = self.0;
        u32::from_le_bytes([low, middle, high, 0])
    }

    const fn of(bits: u32) -> Self {
        let [low, middle, high, _] = bits.to_le_bytes();
        Self([low, middle, high])
    }

    const fn len(self) -> u32 {
        self.bits().count_ones()
    }

    const fn with(self, other: Self) -> Self {
        Self::of(self.bits() | other.bits())
    }

    /// Whether a moment's hour, the one before or the one after it is in the set.
    fn is_near(self, hour: u32) -> bool {
        let near = |hour: u32| 1 << (hour % HOURS);
        self.bits() & (near(hour) | near(hour + 1) | near(hour + HOURS - 1)) != 0
    }
}

/// When a client works, and how often it did otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Today, in the current thirty days before today, and in the thirty days before those.
    today: HourSet,
    month: HourSet,
    before: HourSet,
    told: Regime,
}

impl Hours {
    /// How many bytes it takes.
    pub const BYTES: usize = 10;

    /// A first contact, of a client whose days `tell` what is usual for it, or do not yet.
    pub fn take(&mut self, at: Moment, tell: bool) {
        let hour = hour_of(at);
        let usual = self.month.with(self.before);
        if tell && usual.len() >= HOURS_MIN {
            self.told.take(!usual.is_near(hour), SAYS);
        }
        self.today = self.today.with(HourSet::of(1 << hour));
    }

    /// The stream's log e-value.
    #[must_use]
    pub const fn log_e(&self) -> Nats {
        self.told.log_e()
    }

    /// A day has ended, which tells when the client works where it `teaches`: then there is nothing
    /// unusual about its hours any more. It `ended` so many days before the next one with a contact.
    pub fn close_day(&mut self, teaches: bool, ended: i64) {
        let today = std::mem::take(&mut self.today);
        if teaches {
            self.month = self.month.with(today);
        }
        self.told.close_day(teaches, ended);
    }

    /// Thirty days of the calendar have ended. Of a month of leave little is to be learned: where it
    /// holds less than half of the hours of the one before, both are kept.
    pub fn close_month(&mut self) {
        let month = std::mem::take(&mut self.month);
        let is_full = 2 * month.len() >= self.before.len();
        self.before = if is_full { month } else { month.with(self.before) };
    }

    /// Forgets the evidence, and keeps the hours.
    pub const fn reset(&mut self) {
        self.told = Regime::from_byte(0);
    }

    /// As bytes of a profile.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([a, b, c], [d, e, f], [g, h, i]) = (self.today.0, self.month.0, self.before.0);
        [a, b, c, d, e, f, g, h, i, self.told.to_byte()]
    }

    /// From bytes of a profile.
    #[must_use]
    pub const fn from_bytes([a, b, c, d, e, f, g, h, i, sum]: [u8; Self::BYTES]) -> Self {
        let (today, month) = (HourSet([a, b, c]), HourSet([d, e, f]));
        Self { today, month, before: HourSet([g, h, i]), told: Regime::from_byte(sum) }
    }
}

fn hour_of(at: Moment) -> u32 {
    u32::try_from(at.0.rem_euclid(DAY_MS) / HOUR_MS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::ONE_NAT;
    use super::super::regime::MOST;
    use super::*;

    fn at(day: i64, hour: i64) -> Moment {
        Moment(day * DAY_MS + hour * HOUR_MS)
    }

    /// A client that has worked from nine to five for so many days.
    fn worked(days: i64) -> Hours {
        let mut hours = Hours::default();
        for day in 0..days {
            (9..17).for_each(|hour| hours.take(at(day, hour), day >= 10));
            hours.close_day(true, 1);
        }
        hours
    }

    #[test]
    fn a_client_at_its_hours_says_nothing_and_one_at_night_says_seven_nats_and_no_more() {
        let mut hours = worked(14);
        assert_eq!(hours.log_e(), 0);
        hours.take(at(14, 17), true);
        assert_eq!(hours.log_e(), 0, "an hour later than ever is no other shift");
        (0..3).for_each(|_| hours.take(at(14, 23), true));
        assert!((5 * ONE_NAT..MOST).contains(&hours.log_e()), "{}", hours.log_e());
        (0..9).for_each(|_| hours.take(at(14, 23), true));
        assert_eq!(hours.log_e(), MOST);
    }

    #[test]
    fn a_night_that_was_told_stands_for_the_day_after_and_fades_on_the_next() {
        let mut hours = worked(14);
        (0..4).for_each(|hour| hours.take(at(14, hour), true));
        (9..17).for_each(|hour| (0..20).for_each(|_| hours.take(at(14, hour), true)));
        assert_eq!(hours.log_e(), MOST);
        let says_after_days = |hours: &mut Hours, day| {
            hours.close_day(false, 1);
            (9..17).for_each(|hour| (0..2).for_each(|_| hours.take(at(day, hour), true)));
            hours.log_e()
        };
        assert_eq!([15, 16].map(|day| says_after_days(&mut hours, day)), [MOST, 0]);
    }

    #[test]
    fn another_shift_is_learned_overnight_unless_its_day_was_an_alert() {
        let says_after = |teaches: bool| {
            let mut hours = worked(14);
            (0..8).for_each(|hour| hours.take(at(14, 20 + hour % 4), true));
            hours.close_day(teaches, 1);
            (0..8).for_each(|hour| hours.take(at(15, 20 + hour % 4), true));
            hours.log_e()
        };
        assert_eq!([says_after(true), says_after(false)], [0, MOST]);
    }

    #[test]
    fn an_hour_that_was_worked_once_is_forgotten_after_two_months() {
        let mut hours = worked(14);
        hours.take(at(14, 3), true);
        hours.close_day(true, 1);
        let says = |hours: Hours| {
            let mut at_night = Hours { told: Regime::default(), ..hours };
            (0..9).for_each(|_| at_night.take(at(50, 3), true));
            at_night.log_e()
        };
        hours.close_month();
        assert_eq!(says(hours), 0);
        (9..17).for_each(|hour| hours.take(at(40, hour), true));
        hours.close_day(true, 1);
        hours.close_month();
        assert_eq!(says(hours), MOST);
    }

    #[test]
    fn a_month_of_leave_teaches_no_hours_and_three_weeks_away_end_what_a_night_said() {
        let mut hours = worked(14);
        hours.close_month();
        hours.take(at(40, 10), true);
        hours.close_day(true, 1);
        hours.close_month();
        (9..17).for_each(|hour| hours.take(at(65, hour), true));
        assert_eq!(hours.log_e(), 0);
        (0..4).for_each(|hour| hours.take(at(66, hour), true));
        assert_eq!(hours.log_e(), MOST);
        hours.close_day(false, 21);
        assert_eq!(hours.log_e(), 0);
    }

    #[test]
    fn hours_of_half_a_morning_tell_nothing_of_the_afternoon() {
        let mut hours = Hours::default();
        (9..12).for_each(|hour| hours.take(at(0, hour), true));
        hours.close_day(true, 1);
        (14..20).for_each(|hour| hours.take(at(1, hour), true));
        assert_eq!(hours.log_e(), 0);
    }

    #[test]
    fn its_bytes_hold_all_of_it() {
        let mut hours = worked(14);
        hours.close_month();
        hours.take(at(14, 3), true);
        assert_eq!(Hours::from_bytes(hours.to_bytes()), hours);
    }
}
