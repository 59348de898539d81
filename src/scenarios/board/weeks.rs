//! What must stay silent: a week of each honest lookalike after the same history, and a month of a
//! portal of which somebody claims that it was emptied.

use super::super::catalogue::{Scenario, Setting, Simulation, named};
use super::super::gates::{Lengths, begin, ids, pages};
use super::super::portal::Portal;
use super::super::rules::{RULES, Rulebook};
use super::super::{Trial, config_toml, undeclared_toml};
use super::calibration::Calibration;
use super::ground::shrink;
use crate::alert::{Alert, Mode, Severity, Status};
use crate::time::{DAY_MS, HOUR_MS, Moment};
use std::collections::BTreeMap;

/// Days of the claim that S1 is about.
const MONTH_DAYS: i64 = 30;
/// The scenarios, by their names in the catalogue.
const WEEKS: [&str; 19] = [
    "S1", "honest", "B1", "B2", "B3", "B3b", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11",
    "B12", "B13", "B14", "B15a", "B15b",
];
/// What is so for as long as the portal stands: a nightly batch, a gateway's wrong clock. It begins
/// with the log, so that the first night is in it, and pages of the whole log count.
const FROM_START: [&str; 3] = ["B3", "B3b", "B9"];
/// What has been there for the fortnight before, as everybody else has. Its first quarter of an hour, in
/// which a login that nobody knows reads 200 people, is what gate `reader` asks a page for within 130
/// records; what must stay silent is that it reads them all day.
const SETTLED: [&str; 1] = ["B15a"];
/// The scenario whose evidence is read for the calibration.
const CALIBRATED: &str = "honest";

/// What a week came to.
#[derive(Clone, Debug)]
pub struct WeekRun {
    /// How many days the engine judged.
    pub days: i64,
    /// How many of them the rules saw.
    pub rule_days: i64,
    /// Pages, for anybody at all.
    pub pages: Vec<Alert>,
    /// Tickets that never became a page.
    pub tickets: u64,
    /// Keys for which each rule called, each once a day.
    pub rules: [u64; RULES],
    /// The evidence of honest clients, where it was read.
    pub calibration: Option<Calibration>,
}

/// What the configuration says of who its clients are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Classes {
    /// Which keys are sessions, staff and partners, and that declared bots are believed.
    #[default]
    Declared,
    /// Which field holds a session or a login, and nothing else.
    Undeclared,
}

/// A seed's history without harvests.
#[derive(Debug)]
pub struct Weeks {
    seed: u64,
    lengths: Lengths,
    start: Moment,
    /// An engine that has seen nothing, and one that has seen the history.
    fresh: Trial,
    trial: Trial,
}

impl Weeks {
    /// Runs the history of a seed.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn new(seed: u64, lengths: Lengths, classes: Classes) -> Result<Self, String> {
        let portal = portal(seed, lengths, lengths.week_days);
        let start = portal.start.plus(lengths.history_days * DAY_MS);
        let toml = match classes {
            Classes::Declared => config_toml(&portal),
            Classes::Undeclared => undeclared_toml(&portal),
        };
        let fresh = Trial::new(&toml, seed)?;
        let mut trial = fresh.clone();
        portal.requests().take_while(|it| it.at < start).for_each(|it| trial.feed(&it));
        trial.judge();
        let _history = trial.take_alerts();
        Ok(Self { seed, lengths, start, fresh, trial })
    }

    /// Runs the week of a scenario.
    #[must_use]
    pub fn run(&self, scenario: &Scenario) -> WeekRun {
        let days = if scenario.name == "S1" && self.lengths.smaller == 1 {
            MONTH_DAYS
        } else {
            self.lengths.week_days
        };
        let portal = portal(self.seed, self.lengths, days);
        let setting = Setting { seed: self.seed, start: portal.start, days: 1 };
        let mut simulation = Simulation::new(&setting);
        simulation.portal = portal;
        simulation.begin = self.start.plus(9 * HOUR_MS);
        scenario.apply(&mut simulation);
        let is_from_start = FROM_START.contains(&scenario.name);
        let is_settled = SETTLED.contains(&scenario.name);
        let (mut trial, from) = if is_from_start || is_settled {
            (self.fresh.clone(), simulation.portal.start)
        } else {
            (self.trial.clone(), self.start)
        };
        let mut rules = Rulebook::default();
        let mut calibration = (scenario.name == CALIBRATED).then(Calibration::default);
        let deliveries = simulation.deliveries();
        let (mut is_history, mut more) = (is_settled, Vec::new());
        for (delivered, request) in deliveries.skip_while(|(_, it)| it.at < from) {
            if is_history && delivered >= self.start {
                is_history = false;
                trial.judge();
                // On its first day it is one page, as anybody is who reads as much.
                more = paged(trial.take_alerts()).into_iter().skip(1).collect();
            }
            if delivered >= self.start {
                rules.feed(&request);
            }
            if let Some(read) = calibration.as_mut().filter(|_| trial.is_nearly_full()) {
                read.take(&trial.judge_and_explain(), request.at);
            }
            trial.deliver(&request, delivered);
        }
        trial.judge();
        let changes = trial.take_alerts();
        WeekRun {
            days: if is_from_start { days + self.lengths.history_days } else { days },
            rule_days: days,
            tickets: tickets(&changes),
            pages: more.into_iter().chain(paged(changes)).collect(),
            rules: rules.take_false_alarms(),
            calibration,
        }
    }
}

/// The scenarios whose weeks must stay silent, in the order of tables.
pub fn silent() -> impl Iterator<Item = &'static Scenario> {
    WEEKS.into_iter().flat_map(named)
}

/// The portal of a seed: what every scenario changes.
fn portal(seed: u64, lengths: Lengths, days: i64) -> Portal {
    let days = lengths.history_days + days;
    let mut portal = Portal::with_acts_and_passes(seed, begin(), days);
    portal.ids = ids(seed);
    shrink(&mut portal, lengths.smaller);
    portal
}

/// The pages among changes, one for each alert.
pub(super) fn paged(changes: Vec<Alert>) -> Vec<Alert> {
    let mut found = BTreeMap::new();
    for alert in changes.into_iter().filter(pages) {
        found.entry(alert.id.clone()).or_insert(alert);
    }
    found.into_values().collect()
}

/// How many alerts stayed tickets.
pub(super) fn tickets(changes: &[Alert]) -> u64 {
    let mut worst: BTreeMap<&str, Severity> = BTreeMap::new();
    let raised = |it: &&Alert| it.mode == Mode::Page && it.status != Status::Resolved;
    for alert in changes.iter().filter(raised) {
        let severity = worst.entry(&alert.id).or_insert(alert.severity);
        *severity = (*severity).max(alert.severity);
    }
    worst.values().filter(|it| **it == Severity::Ticket).count() as u64
}
