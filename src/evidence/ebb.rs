//! Whether a route's look-ups have run dry: no evidence against anybody, but a sign that darban no
//! longer sees what it saw.
//!
//! A field that a gateway leaves out from one release on, a path that is rewritten, one of two gateways
//! whose shipper died: records still arrive, some are still read, and nobody is told that half of the
//! portal has gone dark. So a quarter of an hour is held against what the same hours of the last
//! fortnight held ([`tide`](super::tide)), and against the least of them and the hours beside them,
//! since a morning does not begin on the hour. Less than half is told where it is also less than chance
//! and this route's own days explain (three standard deviations): a route of ten look-ups an hour is
//! never told, nor is one that holds half on many a day.

use super::tide::{BATCHES, Tide};
use crate::time::Moment;

/// Minutes that are read.
pub const MINUTES: usize = 15;
/// Below this share of the usual it has run dry; above the other one it has not any more.
const DRY: f64 = 0.5;
const NO_MORE: f64 = 0.6;
/// Standard deviations that must lie between.
const DEVIATIONS: f64 = 3.0;

/// A route that has run dry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ebb {
    /// Look-ups in the last quarter of an hour.
    pub seen: f64,
    /// As many as the same quarter holds at least, on days of this kind.
    pub usual: f64,
}

/// Reads the quarter of an hour before `at`; `told`: that it has run dry is known. `None` where it has
/// not, or nothing can be said.
#[must_use]
pub fn read(tide: &Tide, at: Moment, told: bool) -> Option<Ebb> {
    let (seen, usual) = tide.before(at, MINUTES)?;
    let share = if told { NO_MORE } else { DRY };
    let variance = BATCHES * usual + tide.variation() * usual * usual;
    let missing = usual - seen;
    let is_dry = seen < share * usual && missing > DEVIATIONS * variance.sqrt();
    is_dry.then_some(Ebb { seen, usual })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

    const MONDAY: Moment = Moment(20_000 * DAY_MS);
    const NOON_MS: i64 = 12 * HOUR_MS;

    /// Days that each hold so many look-ups an hour, between eight and twenty o'clock.
    fn tide(days: &[u32]) -> (Tide, Moment) {
        let (mut tide, mut at) = (Tide::default(), MONDAY.plus(-HOUR_MS));
        tide.roll(at, true);
        at = at.plus(HOUR_MS);
        for an_hour in days {
            for hour in 0..24 {
                tide.roll(at, true);
                let count = an_hour * u32::from((8..20).contains(&hour));
                (0..count).for_each(|_| tide.count());
                at = at.plus(HOUR_MS);
            }
        }
        tide.roll(at, true);
        (tide, at)
    }

    /// Minutes with so many look-ups each; where it stands then.
    fn minutes(tide: &mut Tide, from: Moment, (count, each): (i64, u32)) -> Moment {
        for minute in 0..count {
            tide.roll(from.plus(minute * MINUTE_MS), true);
            (0..each).for_each(|_| tide.count());
        }
        let to = from.plus(count * MINUTE_MS);
        tide.roll(to, true);
        to
    }

    #[test]
    fn a_route_with_a_third_of_the_usual_has_run_dry_until_it_holds_most_of_it_again() {
        let (mut tide, midnight) = tide(&[600; 14]);
        let noon = minutes(&mut tide, midnight.plus(NOON_MS - HOUR_MS), (60, 10));
        assert_eq!(read(&tide, noon, false), None);
        let dry = minutes(&mut tide, noon, (15, 3));
        assert_eq!(read(&tide, dry, false), Some(Ebb { seen: 45.0, usual: 150.0 }));
        let half = minutes(&mut tide, dry, (15, 5));
        assert_eq!(read(&tide, half, false), None);
        assert!(read(&tide, half, true).is_some());
        let well = minutes(&mut tide, half, (15, 7));
        assert_eq!(read(&tide, well, true), None);
    }

    #[test]
    fn a_log_that_has_fallen_silent_is_told_by_the_clock_alone() {
        let (mut tide, midnight) = tide(&[600; 14]);
        let noon = minutes(&mut tide, midnight.plus(NOON_MS - HOUR_MS), (60, 10));
        let after = |minutes: i64| read(&tide, noon.plus(minutes * MINUTE_MS), false);
        assert_eq!(after(7), None);
        assert_eq!(after(8).map(|it| it.seen), Some(70.0));
        assert_eq!(after(300).map(|it| it.seen), Some(0.0));
    }

    #[test]
    fn neither_night_nor_morning_nor_a_route_that_is_hardly_used_is_told() {
        let (tide_of_600, midnight) = tide(&[600; 14]);
        for hour in (0..9).chain(20..24) {
            let at = midnight.plus(hour * HOUR_MS + HOUR_MS / 2);
            assert_eq!(read(&tide_of_600, at, false), None, "{hour}:30");
        }
        assert!(read(&tide_of_600, midnight.plus(NOON_MS), false).is_some());
        let (tide_of_60, midnight) = tide(&[60; 14]);
        assert_eq!(read(&tide_of_60, midnight.plus(NOON_MS), false), None);
    }

    #[test]
    fn a_route_whose_days_differ_by_half_is_never_told() {
        let wild = [600, 300, 900, 400, 800, 500, 700, 200, 1_000, 600, 350, 850, 450, 750];
        let (tide, midnight) = tide(&wild);
        assert_eq!(read(&tide, midnight.plus(NOON_MS), false), None);
    }

    #[test]
    fn nothing_is_said_before_a_week_is_known() {
        let (tide, midnight) = tide(&[600; 6]);
        assert_eq!(read(&tide, midnight.plus(NOON_MS), false), None);
    }
}
