//! A portal: its honest clients, and any harvests among them, as one stream of requests.

use super::citizens::{Citizens, Session};
use super::followed::{Followed, Storm};
use super::guests::Guests;
use super::harvest::Harvest;
use super::id::Id;
use super::merge::{Merge, Source};
use super::mixture::Mixture;
use super::occasions::{Campaign, Group, Joining};
use super::partners::{BatchOrder, Nightly, Partner};
use super::people::{Ids, People};
use super::poller::Poller;
use super::random::Random;
use super::request::{Client, Label};
use super::route::Route;
use super::staff::{self, Staff};
use super::visitors::Visitors;
use crate::time::{DAY_MS, HOUR_MS, Moment};

/// The first login of the call centre, above those of ordinary staff.
pub const CALL_CENTRE_FIRST: u32 = 100_000;
/// The share of staff's look-ups that an act follows, where acts are logged.
const ACTS: f64 = 0.7;
/// Requests of an anxious citizen.
const ANXIOUS_READS: u64 = 150;
/// Parts of a portal that are citizens, for their random numbers.
const CITIZENS: u64 = 0xc171;
const CROWD: u64 = 0xc172;

/// The vaccination portal, with the public register of protocols beside it. Every rate is a field;
/// the same fields give the same requests, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Portal {
    /// Everything random follows from it.
    pub seed: u64,
    /// When its log begins.
    pub start: Moment,
    /// When its log ends.
    pub end: Moment,
    /// Its registers.
    pub ids: Ids,
    /// Citizens with sessions.
    pub citizens: Citizens,
    /// Staff with logins `clinic-0` and up.
    pub staff: Staff,
    /// Agents with logins from [`CALL_CENTRE_FIRST`] on, all behind one address.
    pub call_centre: Staff,
    /// Partner organisations, `partner-1` and up.
    pub partners: Vec<Partner>,
    /// Visitors of the register of protocols.
    pub visitors: Visitors,
    /// Further clients with nothing but a rate.
    pub mixtures: Vec<Mixture>,
    /// A second crowd of citizens.
    pub crowd: Option<Citizens>,
    /// Citizens a day who ask for their four records over and over.
    pub anxious: u32,
    /// Further staff: shared logins, new accounts.
    pub groups: Vec<Group>,
    /// Guests of other routes.
    pub guests: Vec<Guests>,
    /// Machines that ask for the same few things.
    pub pollers: Vec<Poller>,
    /// A day on which everybody does more.
    pub campaign: Option<Campaign>,
    /// A crowd that comes later.
    pub joining: Option<Joining>,
    /// A time in which citizens' requests fail and are sent again.
    pub storm: Option<Storm>,
}

impl Portal {
    /// The usual portal: 20,000 sessions a day, 300 staff, 40 agents, five partners, 3,000
    /// visitors.
    #[must_use]
    pub fn new(seed: u64, start: Moment, days: i64) -> Self {
        Self {
            seed,
            start,
            end: start.plus(days * DAY_MS),
            ids: Ids::default(),
            citizens: Citizens::default(),
            staff: Staff::default(),
            call_centre: Staff::call_centre(40),
            partners: vec![Partner::default(); 5],
            visitors: Visitors::default(),
            mixtures: Vec::new(),
            crowd: None,
            anxious: 0,
            groups: Vec::new(),
            guests: Vec::new(),
            pollers: Vec::new(),
            campaign: None,
            joining: None,
            storm: None,
        }
    }

    /// The usual portal, in which staff write an act behind seven look-ups in ten and the log has
    /// the mobile numbers that passes are for. The call centre and partners never act. Every other
    /// request is that of the usual portal.
    #[must_use]
    pub fn with_acts_and_passes(seed: u64, start: Moment, days: i64) -> Self {
        let mut portal = Self::new(seed, start, days);
        portal.staff.acts = ACTS;
        portal.citizens.passes = true;
        portal
    }

    /// A portal with nobody in it, to which clients are added by setting fields.
    #[must_use]
    pub fn empty(seed: u64, start: Moment, days: i64) -> Self {
        let usual = Self::new(seed, start, days);
        Self {
            citizens: Citizens { per_day: 0.0, ..usual.citizens },
            staff: Staff { count: 0, ..usual.staff },
            call_centre: Staff::call_centre(0),
            partners: Vec::new(),
            visitors: Visitors { per_day: 0.0, regulars: 0, ..usual.visitors },
            ..usual
        }
    }

    /// B1: 20,000 more citizens a day behind one carrier's address.
    #[must_use]
    pub fn b1(self) -> Self {
        let behind = Citizens { per_day: 20_000.0, nats: 1, nat_share: 1.0, ..self.citizens };
        Self { crowd: Some(behind), ..self }
    }

    /// B3: the first partner reconciles at night, 40 look-ups a second for two hours.
    #[must_use]
    pub fn b3(mut self, order: BatchOrder) -> Self {
        if self.partners.is_empty() {
            self.partners.push(Partner::default());
        }
        if let Some(first) = self.partners.first_mut() {
            first.nightly = Some(Nightly::usual(order));
        }
        self
    }

    /// B4: a call centre of 200.
    #[must_use]
    pub fn b4(self) -> Self {
        Self { call_centre: Staff::call_centre(200), ..self }
    }

    /// B5: each day citizens who ask for the four records of their family 150 times.
    #[must_use]
    pub fn b5(self) -> Self {
        Self { anxious: 3, ..self }
    }

    /// Its honest requests in time order. Memory does not grow with the length of the log.
    #[must_use]
    pub fn requests(&self) -> Merge {
        Merge::new(self.sources(self.seed, self.start), self.end)
    }

    /// The same with harvests among them; the first has label 1.
    #[must_use]
    pub fn with_harvests(&self, harvests: &[Harvest]) -> Merge {
        let mut merge = self.requests();
        for (label, harvest) in (1..=Label::MAX).zip(harvests) {
            merge.add(harvest.requests(self.people(), self.seed, label));
        }
        merge
    }

    /// The client that a login of staff (or of the call centre) is on ordinary days.
    #[must_use]
    pub fn staff(&self, login: u32) -> Client {
        self.staff_with(login).client(login)
    }

    /// The share of a login's look-ups that find nobody, on ordinary days.
    #[must_use]
    pub fn misses_of(&self, login: u32) -> f64 {
        self.staff_with(login).misses_of(self.seed, login)
    }

    /// The region that most of a login's patients come from.
    #[must_use]
    pub const fn region_of(&self, login: u32) -> u64 {
        staff::region_of(self.seed, login)
    }

    /// New patients of a login of staff on an average day.
    #[must_use]
    pub fn level_of(&self, login: u32) -> f64 {
        self.staff_with(login).level_of(self.seed, login)
    }

    /// Those to whom a login belongs.
    fn staff_with(&self, login: u32) -> &Staff {
        let group = self.groups.iter().find(|it| it.has(login)).map(|it| &it.staff);
        let usual = if login >= CALL_CENTRE_FIRST { &self.call_centre } else { &self.staff };
        group.unwrap_or(usual)
    }

    /// The id of a decoy on a route, numbered from 0: what is planted there to be touched by
    /// nobody.
    #[must_use]
    pub fn decoy(&self, route: Route, number: u64) -> Id {
        let people = self.people();
        people.register(route).id(people.decoy(route, number))
    }

    /// The client that a partner is, at the address of this turn.
    #[must_use]
    pub fn partner(&self, number: u16, turn: u64) -> Client {
        let index = usize::from(number).wrapping_sub(1);
        self.partners.get(index).copied().unwrap_or_default().client(number, turn)
    }

    pub(super) const fn people(&self) -> People {
        People::new(&self.ids, self.seed)
    }

    /// Everybody's requests from `start` on. The registers are those of the portal's own seed.
    pub(super) fn sources(&self, seed: u64, start: Moment) -> Vec<Source> {
        let people = self.people();
        let mut citizens = self.citizens.requests(people, seed, CITIZENS, start);
        if let Some(storm) = self.storm {
            let retries = storm.retries(Random::of(seed, 0x5702, 0));
            citizens = Box::new(Followed::new(citizens, retries));
        }
        let mut sources = vec![citizens];
        sources.extend(self.crowd.map(|it| it.requests(people, seed, CROWD, start)));
        let busy = self.campaign.map(|it| it.busy_day());
        let of_day = |staff: Staff| Staff { busy: busy.or(staff.busy), ..staff };
        sources.extend(of_day(self.staff).requests(people, seed, 0, start));
        let agents = of_day(self.call_centre);
        sources.extend(agents.requests(people, seed, CALL_CENTRE_FIRST, start));
        for (number, partner) in (1..).zip(&self.partners) {
            sources.extend(partner.requests(seed, number, start));
        }
        sources.extend(self.visitors.requests(people, seed, start));
        for (number, mixture) in (1..).zip(&self.mixtures) {
            sources.push(mixture.requests(people, seed ^ number, start));
        }
        if self.anxious > 0 {
            sources.push(Box::new(self.anxious()));
        }
        for group in &self.groups {
            let from = group.from.max(start);
            sources.extend(of_day(group.staff).requests(people, seed, group.first, from));
        }
        for (number, guests) in (1..).zip(&self.guests) {
            sources.push(guests.requests(people, seed, number, start));
        }
        for (number, poller) in (1..).zip(&self.pollers) {
            sources.push(poller.requests(people, seed, number, start));
        }
        sources.extend(self.joining.map(|it| it.requests(self, seed)));
        if let Some(campaign) = self.campaign {
            sources.extend(campaign.sources(self));
        }
        sources
    }

    /// The anxious citizens of all days, one after the other: none is at it for as long as it
    /// takes until the next one begins.
    fn anxious(&self) -> impl Iterator<Item = super::request::Request> + Send + use<> {
        let (people, seed, start) = (self.people(), self.seed, self.start);
        let apart_ms = DAY_MS / i64::from(self.anxious.clamp(1, 12));
        (0_u32..).flat_map(move |number| {
            let at = start.plus(HOUR_MS / 2 + i64::from(number) * apart_ms);
            let random = Random::of(seed, 0xa42c, u64::from(number));
            Session::anxious(people, random, at, ANXIOUS_READS)
        })
    }
}
