//! One harvest on one portal: what it took before darban's page, and before each fixed rule called.

use super::super::gates::pages;
use super::super::id::Id;
use super::super::lines::Writer;
use super::super::request::Label;
use super::super::rules::{RULES, Rulebook, Verdict};
use super::super::{Harvest, Request, Trial, Truth};
use super::bars::{Asks, Counts, Gate};
use super::ground::Prepared;
use super::rows::Row;
use crate::alert::{Alert, Kind, Mode, Status};
use crate::attribute::KeyKind;
use crate::decode::Format;
use crate::time::{DAY_MS, MINUTE_MS, Moment, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};

/// How long a run goes on after its page, to see who joins it and whether there is a second one.
const AFTER_MS: i64 = 10 * MINUTE_MS;
/// Attempts after which a harvest has ended: ten times the most that any bar allows. One that
/// grows by a fifth a day would make a hundred million a day by the end of its window.
const ATTEMPTS_MAX: u64 = 170_000;
/// How the quantity of an alert begins whose client writes, or touched a decoy.
const WRITES: &str = "writes";
const TOUCHES: &str = "look-ups of a decoy";
/// The label of the one harvest.
const LABEL: Label = 1;

/// What a harvest came to.
#[derive(Clone, Debug)]
pub struct HarvestRun {
    /// What it had taken when it was found, in the unit of its gate; `None` where it was not.
    pub taken: Option<u64>,
    /// Seconds from its first request to that.
    pub seconds: Option<u64>,
    /// Pages that name a client of it, or an address that it came from.
    pub pages: u64,
    /// The shares of those named who took part, and of those who took part who were named, ten
    /// minutes after the first page.
    pub named: Option<Named>,
    /// What it had taken when each rule called.
    pub rules: [RuleRun; RULES],
    /// Pages that name nobody of it.
    pub others: Vec<Alert>,
    /// How often the engine was killed, its history included.
    pub deaths: u32,
}

/// How well members were named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Named {
    /// Of those named, the share who took part.
    pub precision: f64,
    /// Of those who took part by then, the share who were named.
    pub recall: f64,
}

/// What a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleRun {
    /// It never called.
    Silent,
    /// It called when so much was taken.
    Found(u64),
    /// It calls for that key anyway.
    Noise,
}

/// A harvest under judgement.
struct Case<'a> {
    gate: &'a Gate,
    harvest: Harvest,
    keys: BTreeSet<(KeyKind, String)>,
    addresses: BTreeSet<String>,
    decoys: BTreeSet<Id>,
}

impl Case<'_> {
    /// Whether an alert names one of its clients.
    fn is_named(&self, alert: &Alert) -> bool {
        alert.clients.iter().any(|it| self.keys.contains(&(it.key, it.id.clone())))
    }

    /// Whether it names an address that the harvest came from, where clients have finer keys.
    fn is_address(&self, alert: &Alert) -> bool {
        let is_own = |it: &crate::alert::Client| {
            it.key == KeyKind::Address && self.addresses.contains(&it.id)
        };
        alert.clients.iter().any(is_own)
    }

    /// Whether a change is what its gate waits for.
    fn answers(&self, alert: &Alert) -> bool {
        match self.gate.asks {
            Asks::Ticket => {
                alert.mode == Mode::Page && alert.status != Status::Resolved && self.is_named(alert)
            }
            Asks::Tampering => self.is_said(alert, Kind::Tampering, WRITES),
            Asks::Decoy => self.is_said(alert, Kind::Decoy, TOUCHES),
            Asks::Page | Asks::Members | Asks::Silence => pages(alert) && self.is_named(alert),
        }
    }

    /// Whether a page of one of its clients says this. One that was open keeps its kind and says
    /// what is new.
    fn is_said(&self, alert: &Alert, kind: Kind, quantity: &str) -> bool {
        let is_said =
            alert.kinds().any(|it| it == kind) || alert.seen.quantity.starts_with(quantity);
        is_said && pages(alert) && self.is_named(alert)
    }

    /// When a change was answered: by its evidence, or where the alert was open before, when the
    /// change came.
    fn answered_at(&self, alert: &Alert) -> Moment {
        let was_open = matches!(self.gate.asks, Asks::Tampering | Asks::Decoy);
        if was_open { alert.changed_at } else { alert.fired_at }
    }

    /// What was taken up to a time.
    fn taken(&self, truth: &Truth, at: Moment) -> u64 {
        let clients = self.harvest.clients.len() as u64;
        match self.gate.counts {
            Counts::Records => truth.taken(LABEL, at),
            Counts::RecordsEach => truth.taken(LABEL, at).div_ceil(clients.max(1)),
            Counts::Attempts => truth.attempts(LABEL, at),
            Counts::Writes => truth.writes(LABEL, at),
            Counts::Touches => truth.touches(LABEL, &self.decoys, at),
            Counts::Minutes => seconds(truth, at).div_ceil(60),
        }
    }
}

/// Seconds since the first request of the harvest.
fn seconds(truth: &Truth, at: Moment) -> u64 {
    let began = truth.began(LABEL).unwrap_or(at);
    (at.since(began).max(0) / SECOND_MS).unsigned_abs()
}

/// Runs a gate's harvest on its portal.
pub(super) fn run(prepared: &Prepared, gate: &Gate, row: &Row) -> Result<HarvestRun, String> {
    let day_two = prepared.portal.start.plus(DAY_MS);
    let at = if row.from_start { day_two } else { prepared.at };
    let until = at.plus(row.window_ms);
    let harvest = (row.harvest)(&prepared.draw(at));
    let attempts_max = harvest.attempts_max.min(ATTEMPTS_MAX);
    let harvest = Harvest { end: until, attempts_max, ..harvest };
    let (trial, rules, from) = if row.from_start {
        let (trial, rules) = prepared.unjudged()?;
        (trial, rules, prepared.portal.start)
    } else {
        (prepared.trial.clone(), prepared.rules.clone(), at)
    };
    let case = Case {
        gate,
        keys: harvest.clients.iter().map(|it| trial.name_of(it)).collect(),
        addresses: harvest.clients.iter().map(|it| it.address.to_string()).collect(),
        decoys: prepared.decoys.iter().copied().collect(),
        harvest,
    };
    let portal = &prepared.portal;
    let stolen = case.harvest.requests(portal.people(), portal.seed, LABEL);
    let requests = prepared.beside(from, until, stolen);
    let truth = Truth::new(std::slice::from_ref(&case.harvest));
    let mut running = Running { case: &case, truth, trial, rules, changes: Vec::new(), ends: None };
    running.go(requests, row.hostile);
    let deaths = running.trial.deaths()?;
    Ok(HarvestRun { deaths, ..running.outcome() })
}

/// A run under way.
struct Running<'a> {
    case: &'a Case<'a>,
    truth: Truth,
    trial: Trial,
    rules: Rulebook,
    changes: Vec<Alert>,
    /// When the engine has seen enough.
    ends: Option<Moment>,
}

impl Running<'_> {
    fn go(&mut self, requests: impl Iterator<Item = Request>, hostile: bool) {
        let mut writer = hostile.then(|| Writer::hostile(Format::NginxJson));
        let mut line = Vec::new();
        let mut asks_rules = true;
        for request in requests {
            let is_over = self.ends.is_some_and(|it| request.at >= it);
            if is_over && !asks_rules {
                break;
            }
            self.truth.feed(&request);
            if asks_rules {
                self.rules.feed(&request);
                asks_rules = request.label == 0 || !self.rules.all_called();
            }
            if is_over {
                continue;
            }
            match &mut writer {
                Some(writer) if request.label > 0 => {
                    line.clear();
                    writer.write(&request, &mut line);
                    self.trial.deliver_line(&line, request.at);
                }
                _ => self.trial.feed(&request),
            }
            self.watch();
        }
        self.trial.judge();
        self.watch();
    }

    /// Takes what the engine said, and sees whether that is enough.
    fn watch(&mut self) {
        let changes = self.trial.take_alerts();
        if self.ends.is_none() {
            let answer = changes.iter().find(|it| self.case.answers(it));
            self.ends = answer.map(|it| it.changed_at.plus(AFTER_MS));
        }
        self.changes.extend(changes);
    }

    fn outcome(&self) -> HarvestRun {
        let (case, truth) = (self.case, &self.truth);
        let found = self.changes.iter().filter(|it| case.answers(it));
        let found = found.map(|it| case.answered_at(it)).min();
        let paged = self.changes.iter().filter(|it| pages(it));
        let (own, others): (Vec<&Alert>, Vec<&Alert>) =
            paged.partition(|it| case.is_named(it) || case.is_address(it));
        let ids: BTreeSet<&str> = own.iter().map(|it| it.id.as_str()).collect();
        let others: BTreeMap<&str, &Alert> =
            others.into_iter().map(|it| (it.id.as_str(), it)).collect();
        let rules = std::array::from_fn(|rule| {
            match self.rules.verdict(rule, &case.harvest.clients, case.harvest.start) {
                Verdict::Silent => RuleRun::Silent,
                Verdict::Noise => RuleRun::Noise,
                Verdict::Found(at) => RuleRun::Found(case.taken(truth, at)),
            }
        });
        HarvestRun {
            taken: found.map(|at| case.taken(truth, at)),
            seconds: found.map(|at| seconds(truth, at)),
            pages: ids.len() as u64,
            named: self.named(&own),
            rules,
            // A page that grew to name the harvest is none for somebody else.
            others: others
                .into_iter()
                .filter(|(id, _)| !ids.contains(id))
                .map(|(_, it)| it.clone())
                .collect(),
            deaths: 0,
        }
    }

    /// How well the members stand in the pages, ten minutes after the first.
    fn named(&self, own: &[&Alert]) -> Option<Named> {
        let by = own.iter().map(|it| it.changed_at).min()?.plus(AFTER_MS);
        let mut latest: BTreeMap<&str, &Alert> = BTreeMap::new();
        for change in self.changes.iter().filter(|it| it.changed_at <= by) {
            if own.iter().any(|it| it.id == change.id) {
                latest.insert(&change.id, change);
            }
        }
        let clients = latest.values().flat_map(|it| &it.clients);
        let named: BTreeSet<(KeyKind, String)> =
            clients.map(|it| (it.key, it.id.clone())).collect();
        let active = self.truth.active(LABEL, by);
        let is_active = |client: &&super::super::Client| active.contains(&client.finest());
        let members: BTreeSet<(KeyKind, String)> = self
            .case
            .harvest
            .clients
            .iter()
            .filter(is_active)
            .map(|it| self.trial.name_of(it))
            .collect();
        let right = named.intersection(&members).count() as f64;
        Some(Named {
            precision: right / named.len().max(1) as f64,
            recall: right / members.len().max(1) as f64,
        })
    }
}
