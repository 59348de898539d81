//! The traffic of `darban demo`: seventeen days of a small portal in about a minute.
//!
//! Time runs [`FACTOR`] times as fast, a day in 3.6 seconds, because what the insider is judged by
//! (ten working days of their own) cannot be had sooner. The walk through the register begins two
//! hours after the log does, so that the first page shows within seconds; the stolen login follows
//! the day after, the insider on the third Monday, when their level is known. Nobody stops any of
//! them: like real ones they go on, and so does honest traffic, until somebody ends the demo.
//!
//! All of it lies in the past, because a real broker refuses stamps of the future. The clock
//! begins [`LEAD_MS`] before the log does: a broker takes its time to give out partitions, and
//! whoever watches shall see pages come one by one and not out of a backlog.

use super::citizens::Citizens;
use super::harvest::Harvest;
use super::merge::Merge;
use super::pace::Pace;
use super::partners::Partner;
use super::people::Ids;
use super::portal::Portal;
use super::staff::Staff;
use super::visitors::Visitors;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// Simulated milliseconds a real one: a day in 3.6 seconds.
pub const FACTOR: i64 = 24_000;
/// Simulated days in which everything has happened.
pub const DAYS: i64 = 17;
/// Real milliseconds from the clock's start to the first line of the log: what the first
/// assignment of partitions takes, three seconds on a broker at its defaults, and a little.
pub const LEAD_MS: i64 = 3_400;
/// The stolen login, and the insider's.
const STOLEN: u32 = 7;
const INSIDER: u32 = 21;
/// The insider's first day: the third Monday.
const INSIDER_DAY: i64 = 14;
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
    /// [`clock_start`](Self::clock_start).
    pub factor: i64,
}

impl Demo {
    /// The demo of a seed: it begins on a Monday at six in the morning, so that all its days are
    /// over by `near`.
    #[must_use]
    pub fn new(seed: u64, near: Moment) -> Self {
        let week = near.plus(-MONDAY_MS - DAYS * DAY_MS).index(7 * DAY_MS);
        let monday = Moment(week * 7 * DAY_MS + MONDAY_MS);
        let portal = portal(seed, monday.plus(6 * HOUR_MS));
        let harvests = harvests(&portal, monday);
        Self { portal, harvests, factor: FACTOR }
    }

    /// Where its clock begins.
    #[must_use]
    pub const fn clock_start(&self) -> Moment {
        self.portal.start.plus(-LEAD_MS * self.factor)
    }

    /// When everything has happened.
    #[must_use]
    pub const fn end(&self) -> Moment {
        self.portal.start.plus(DAYS * DAY_MS)
    }

    /// Its requests in time order, without end.
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
    let register =
        Harvest { pace: Pace::Poisson { per_second: 0.03 }, ..Harvest::s5_records(1, at(0, 8)) };
    let stolen = Harvest {
        pace: Pace::Every { ms: 80 * SECOND_MS, jitter: 0.5 },
        ..Harvest::s3b(STOLEN, at(1, 10))
    };
    let insider = Harvest::s9(portal, INSIDER, 400.0, at(INSIDER_DAY, 9));
    vec![register, stolen, insider]
}
