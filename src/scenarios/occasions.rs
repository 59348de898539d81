//! What is not as on other days: a campaign, new accounts, a carrier's new address.

use super::citizens::Citizens;
use super::merge::Source;
use super::portal::Portal;
use super::random::mix;
use super::staff::{BusyDay, Staff};
use crate::time::{DAY_MS, Moment};

/// Parts of a portal for their random numbers.
const JOINING: u64 = 0xc173;

/// Further staff, at work from some time on: a site whose officers share a login, new accounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The first of their logins.
    pub first: u32,
    /// Who they are.
    pub staff: Staff,
    /// When they begin.
    pub from: Moment,
}

impl Group {
    /// B2: twenty sites, at each of which five officers work with one login.
    #[must_use]
    pub fn shared_logins(start: Moment) -> Self {
        let staff = Staff { count: 20, officers: 5, ..Staff::default() };
        Self { first: 200_000, staff, from: start }
    }

    /// B10: 500 accounts that nobody has seen before this morning.
    #[must_use]
    pub fn newcomers(morning: Moment) -> Self {
        Self { first: 210_000, staff: Staff { count: 500, ..Staff::default() }, from: morning }
    }

    /// Whether it has this login.
    #[must_use]
    pub fn has(&self, login: u32) -> bool {
        (self.first..self.first + self.staff.count).contains(&login)
    }
}

/// B6: a day on which everybody does several times as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Any time of that day.
    pub day: Moment,
    /// How many times as much.
    pub times: u32,
}

impl Campaign {
    /// The day as staff see it.
    pub(super) fn busy_day(&self) -> BusyDay {
        BusyDay { index: self.day.index(DAY_MS), times: f64::from(self.times) }
    }

    /// What people and machines without a shift do beside what they do anyway. Independent visits
    /// add up, so a day three times as busy is an ordinary one and two more of the like.
    pub(super) fn sources(&self, portal: &Portal) -> Vec<Source> {
        let begin = Moment(self.day.index(DAY_MS) * DAY_MS).max(portal.start);
        let end = Moment((self.day.index(DAY_MS) + 1) * DAY_MS);
        let more = |copy: u32| {
            let mut more = Portal { campaign: None, joining: None, anxious: 0, ..portal.clone() };
            (more.staff.count, more.call_centre.count) = (0, 0);
            more.groups.clear();
            more.pollers.clear();
            more.partners.iter_mut().for_each(|it| it.nightly = None);
            more.sources(mix(portal.seed ^ u64::from(copy)), begin)
        };
        (1..self.times)
            .flat_map(more)
            .map(|it| Box::new(it.take_while(move |it| it.at < end)) as Source)
            .collect()
    }
}

/// A crowd that comes from some time on: a carrier puts its people behind a new address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joining {
    /// From when on.
    pub from: Moment,
    /// Who.
    pub citizens: Citizens,
}

impl Joining {
    /// 2,000 citizens a day behind an address that had nobody before.
    #[must_use]
    pub fn new_nat(from: Moment) -> Self {
        let usual = Citizens::default();
        let behind =
            Citizens { per_day: 2_000.0, nats: 1, nat_first: 900, nat_share: 1.0, ..usual };
        Self { from, citizens: behind }
    }

    pub(super) fn requests(&self, portal: &Portal, seed: u64) -> Source {
        let from = self.from.max(portal.start);
        self.citizens.requests(portal.people(), seed, JOINING, from)
    }
}
