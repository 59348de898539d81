//! The traffic of `darban demo`: eighteen days of a small portal in under two minutes.
//!
//! Time runs [`FACTOR`] times as fast, a day in six seconds, because what the insider is judged by
//! (ten working days of their own) cannot be had sooner. The walk through the register begins on
//! the first morning, so that the first page shows within seconds; the stolen login follows the day
//! after, the insider when their level is known. Honest traffic goes on behind the last harvest
//! until somebody ends it.

use super::citizens::Citizens;
use super::harvest::{Harvest, Pace};
use super::merge::Merge;
use super::partners::Partner;
use super::people::Ids;
use super::portal::Portal;
use super::staff::Staff;
use super::visitors::Visitors;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};

/// Simulated milliseconds a real one: a day in six seconds.
pub const FACTOR: i64 = 14_400;
/// Simulated days in which everything has happened.
pub const DAYS: i64 = 18;
/// The stolen login, and the insider's.
const STOLEN: u32 = 7;
const INSIDER: u32 = 21;
/// 1970-01-05 was the first Monday.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// A portal, its harvests, and how fast they are shown.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The honest portal.
    pub portal: Portal,
    /// The harvests; their labels count from 1.
    pub harvests: Vec<Harvest>,
    /// Simulated milliseconds a real one, for [`Clock::scaled`](crate::time::Clock::scaled) from
    /// the portal's start.
    pub factor: i64,
}

impl Demo {
    /// The demo of a seed, beginning on the last Monday before `near`, at six in the morning.
    #[must_use]
    pub fn new(seed: u64, near: Moment) -> Self {
        let week = near.plus(-MONDAY_MS).index(7 * DAY_MS);
        let monday = Moment(week * 7 * DAY_MS + MONDAY_MS);
        let portal = portal(seed, monday.plus(6 * HOUR_MS));
        let harvests = harvests(&portal, monday);
        Self { portal, harvests, factor: FACTOR }
    }

    /// Its requests in time order: everything, then honest traffic without end.
    #[must_use]
    pub fn requests(&self) -> Merge {
        self.portal.with_harvests(&self.harvests)
    }
}

/// A small portal: about 10,000 requests a day.
fn portal(seed: u64, start: Moment) -> Portal {
    let usual = Portal::new(seed, start, 0);
    Portal {
        end: Moment(i64::MAX),
        ids: Ids { people: 200_000, protocols: 1_500_000, ..usual.ids },
        citizens: Citizens { per_day: 600.0, nats: 3, ..usual.citizens },
        staff: Staff { count: 60, ..usual.staff },
        call_centre: Staff::call_centre(10),
        partners: vec![Partner { per_second: 0.01, customers: 50_000, ..Partner::default() }; 2],
        visitors: Visitors { per_day: 400.0, regulars: 5, ..usual.visitors },
        ..usual
    }
}

fn harvests(portal: &Portal, monday: Moment) -> Vec<Harvest> {
    let at = |day: i64, hour: i64| monday.plus(day * DAY_MS + hour * HOUR_MS);
    let register = Harvest {
        pace: Pace::Poisson { per_second: 0.1 },
        end: at(0, 13),
        ..Harvest::s5_records(1, at(0, 8))
    };
    let stolen = Harvest {
        pace: Pace::Every { ms: MINUTE_MS + 20 * SECOND_MS, jitter: 0.5 },
        end: at(2, 10),
        ..Harvest::s3b(STOLEN, at(1, 10))
    };
    let insider =
        Harvest { end: at(DAYS - 1, 0), ..Harvest::s9(portal, INSIDER, 400.0, at(DAYS - 4, 9)) };
    vec![register, stolen, insider]
}
