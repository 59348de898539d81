//! Every scenario by its name: what must be caught, what must stay silent.
//!
//! A scenario changes a simulation: it adds harvests, or honest clients, or a fault of delivery.
//! So several can be put into one log, and the portal beneath them is one and the same. Where a
//! published scenario has variants (random order or a walk, a session or a login) each has a name
//! of its own, and the name without the letter stands for all of them.

mod attacks;
mod harvest_options;
mod honest;
mod options;

pub(super) use attacks::{
    GROWING, INSIDER_PER_DAY, INSTITUTIONS, nation, readers_of_a_list, readers_of_reports, screened,
};
pub use harvest_options::HARVEST_OPTIONS;
pub use options::{Choice, PORTAL_OPTIONS};

use super::faults::{Outage, Redelivered, Skew};
use super::harvest::Harvest;
use super::id::Id;
use super::lines::Writer;
use super::merge::Source;
use super::portal::Portal;
use super::request::Request;
use crate::decode::Format;
use crate::time::{DAY_MS, HOUR_MS, Moment};
use std::collections::BTreeSet;

/// Days of honest history before a harvest, where the log is long enough.
const HISTORY_DAYS_MAX: i64 = 14;
/// The hour at which what is not honest begins: everybody is at work.
const BEGIN_HOUR: i64 = 9;

/// What is the same whatever the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Everything random follows from it.
    pub seed: u64,
    /// When the log begins.
    pub start: Moment,
    /// How many days it has.
    pub days: i64,
}

impl Setting {
    /// When scenarios begin: at nine on the day after half of the log, at most a fortnight of it.
    /// In a log of one day that is its first morning, unless it begins later than that.
    #[must_use]
    pub fn begin(&self) -> Moment {
        let history = (self.days / 2).min(HISTORY_DAYS_MAX);
        let day = Moment((self.start.index(DAY_MS) + history) * DAY_MS);
        day.plus(BEGIN_HOUR * HOUR_MS).max(self.start)
    }
}

/// A scenario of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// `S5`, `S10a`, `B3`; `honest` for the week of the scoreboard.
    pub name: &'static str,
    /// What happens in it, for a list.
    pub about: &'static str,
    apply: fn(&mut Simulation),
}

impl Scenario {
    const fn new(name: &'static str, about: &'static str, apply: fn(&mut Simulation)) -> Self {
        Self { name, about, apply }
    }

    /// Adds it to a simulation. What it adds begins at [`Simulation::begin`]; harvests are
    /// labelled with its name.
    pub fn apply(&self, simulation: &mut Simulation) {
        let known = simulation.harvests.len();
        (self.apply)(simulation);
        simulation.harvests.iter_mut().skip(known).for_each(|it| it.scenario = self.name);
    }
}

/// Every scenario, attacks first.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    attacks::ATTACKS.iter().chain(honest::HONEST)
}

/// The scenarios of a name in any case: the one that is called so, or all its variants (`S10` for
/// `S10a` to `S10c`); none where there is no such name.
#[must_use]
pub fn named(name: &str) -> Vec<&'static Scenario> {
    let is_called = |it: &&Scenario| it.name.eq_ignore_ascii_case(name);
    let is_variant = |it: &&Scenario| {
        let stem = it.name.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        it.name.len() == stem.len() + 1 && stem.eq_ignore_ascii_case(name)
    };
    match scenarios().find(is_called) {
        Some(scenario) => vec![scenario],
        None => scenarios().filter(is_variant).collect(),
    }
}

/// What happens to records on their way into the log.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// The share of records that are delivered again, and how many at a time.
    pub redelivered: Option<(f64, usize)>,
    /// Every day nothing is delivered for so many milliseconds, each day three hours later, and
    /// then at once. A file does not show it, [`Simulation::deliveries`] do.
    pub late_ms: Option<i64>,
    /// One of several gateways has a wrong clock.
    pub skew: Option<Skew>,
    /// Lines of harvests carry what a harvester would write to fall out of the log.
    pub hostile: bool,
}

impl Faults {
    /// The outage of the day of this moment, in a log that begins at `start`.
    fn outage(&self, start: Moment, at: Moment) -> Option<Outage> {
        self.late_ms.map(|late_ms| Outage::daily(start, at, late_ms))
    }
}

/// Requests, each behind the time at which it is delivered.
pub type Deliveries = Box<dyn Iterator<Item = (Moment, Request)> + Send>;

/// A portal, the harvests in it, and what happens to its log.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The honest portal.
    pub portal: Portal,
    /// The harvests; their labels count from 1.
    pub harvests: Vec<Harvest>,
    /// What happens to its log.
    pub faults: Faults,
    /// When scenarios that are added begin.
    pub begin: Moment,
}

impl Simulation {
    /// The usual portal of a setting, in which staff write acts behind seven look-ups in ten and
    /// passes name their mobile numbers, and nothing else yet. Change the portal before scenarios
    /// are added: theirs is the last word.
    #[must_use]
    pub fn new(setting: &Setting) -> Self {
        let portal = Portal::with_acts_and_passes(setting.seed, setting.start, setting.days);
        Self { portal, harvests: Vec::new(), faults: Faults::default(), begin: setting.begin() }
    }

    /// The simulation of one scenario.
    #[must_use]
    pub fn of(scenario: &Scenario, setting: &Setting) -> Self {
        let mut simulation = Self::new(setting);
        scenario.apply(&mut simulation);
        simulation
    }

    /// Its requests in the order in which a log has them; they are in time order unless a fault
    /// has it otherwise. Memory does not grow with the length of the log.
    #[must_use]
    pub fn requests(&self) -> Source {
        Box::new(self.deliveries().map(|it| it.1))
    }

    /// The same, each with the time at which it is delivered. Those times are in order.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        let mut requests: Source = Box::new(self.portal.with_harvests(&self.harvests));
        if let Some((share, block)) = self.faults.redelivered {
            requests = Box::new(Redelivered::new(requests, self.portal.seed, share, block));
        }
        let (faults, start) = (self.faults, self.portal.start);
        // The latest request so far: what is sent again comes behind it.
        let (mut made, mut now) = (start, start);
        Box::new(requests.map(move |request| {
            made = made.max(request.at);
            let outage = faults.outage(start, made);
            now = now.max(outage.map_or(made, |it| it.delivered(made)));
            let at = faults.skew.map_or(request.at, |it| it.stamped(&request));
            (now, Request { at, ..request })
        }))
    }

    /// The ids that were planted as decoys for its harvests to touch, each once.
    #[must_use]
    pub fn decoys(&self) -> BTreeSet<Id> {
        let of = |harvest: &Harvest| {
            let (route, count) = (harvest.route, harvest.decoys.map_or(0, |it| it.count));
            (0..count).map(move |number| (route, number))
        };
        let planted = self.harvests.iter().flat_map(of);
        planted.map(|(route, number)| self.portal.decoy(route, number)).collect()
    }

    /// A writer of its lines.
    #[must_use]
    pub fn writer(&self, format: Format) -> Writer {
        if self.faults.hostile { Writer::hostile(format) } else { Writer::new(format) }
    }
}
