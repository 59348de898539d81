//! A shadow period: logs through the production engine, and what clients did beside it.
//!
//! Who had an alert teaches nothing, as in the engine: what a harvest does is not what its class
//! does.

use super::client::{Counted, Estimate};
use crate::alert::{Alert, Mode, Severity, Status};
use crate::attribute::{Attributor, Outcome, RouteClass};
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::engine::Engine;
use crate::evidence::{Nats, as_f64};
use crate::novelty::{Novelty, Options};
use crate::pipeline::backtest::Watcher;
use crate::scenarios::mix;
use crate::scenarios::pairs::Tail;
use crate::time::{DAY_MS, HOUR_MS, Moment};
use crate::timeline::Cut;
use std::collections::{BTreeMap, BTreeSet};

/// So many of the highest peaks are kept: more pages than any budget allows.
const PEAKS: usize = 10_000;

/// How one key's evidence stood.
#[derive(Clone, Copy, Default)]
struct Stood {
    tail: Tail,
    /// The most that it ever was.
    peak: Nats,
}

/// What is watched while the logs are judged.
pub(super) struct Shadow<'a> {
    config: &'a Config,
    attributor: &'a Attributor,
    novelty: Novelty,
    /// By key and route.
    clients: BTreeMap<(u64, u16), Counted>,
    clients_max: usize,
    stood: BTreeMap<u64, Stood>,
    /// Keys and routes of the cut before, whose evidence stands now.
    before: Vec<(u64, u16)>,
    span: Option<(Moment, Moment)>,
    /// First contacts times the keys that each is judged for.
    pub(super) pairs: u64,
    alerted: BTreeSet<u64>,
    pages: BTreeMap<String, bool>,
    pub(super) progress: Progress,
}

/// What a shadow period came to.
pub(super) struct Learned {
    pub days: f64,
    pub pairs: u64,
    /// By place of the route and class.
    pub estimates: BTreeMap<(u16, u8), Estimate>,
    pub pages: usize,
    pub tickets: usize,
    /// Shares of pairs at which evidence stood at `ln 100` and `ln 1000`.
    pub tails: [f64; 2],
    /// The most evidence of each client without an alert, from the highest on.
    pub peaks: Vec<f64>,
    pub clients_over: bool,
}

impl<'a> Shadow<'a> {
    pub(super) fn new(config: &'a Config, attributor: &'a Attributor) -> Self {
        let novelty = Novelty::new(&Options {
            pairs_max: config.state.novelty_pairs_max,
            records_max: config.state.novelty_records_max,
            pair_horizon_ms: config.detect.novelty_horizon_ms,
            record_horizon_ms: config.detect.cold_horizon_ms,
        });
        Self {
            config,
            attributor,
            novelty,
            clients: BTreeMap::new(),
            clients_max: usize::try_from(config.state.profiles_max).unwrap_or(usize::MAX),
            stood: BTreeMap::new(),
            before: Vec::new(),
            span: None,
            pairs: 0,
            alerted: BTreeSet::new(),
            pages: BTreeMap::new(),
            progress: Progress::default(),
        }
    }

    /// The first day of the log that is whole: its log begins in its first hour.
    fn first_day(&self) -> i64 {
        let first = self.span.map_or(Moment(0), |it| it.0);
        let day = first.index(DAY_MS);
        if first.since(Moment(day * DAY_MS)) < HOUR_MS { day } else { day + 1 }
    }

    fn read_evidence(&mut self, engine: &Engine) {
        for (key, route) in self.before.drain(..) {
            if self.stood.len() >= self.clients_max && !self.stood.contains_key(&key) {
                continue;
            }
            let Some((_, opened)) = engine.explain(key, route) else { continue };
            let stood = self.stood.entry(key).or_default();
            stood.tail.take(opened.log_e);
            stood.peak = stood.peak.max(opened.log_e);
        }
    }

    /// What it came to, at its end.
    pub(super) fn learned(mut self) -> Learned {
        let (first, last) = self.span.unwrap_or_default();
        let from = self.first_day();
        let last_day = last.index(DAY_MS);
        let is_whole = last.since(Moment(last_day * DAY_MS)) >= 23 * HOUR_MS;
        let mut by_class: BTreeMap<(u16, u8), Vec<&Counted>> = BTreeMap::new();
        let clients_over = self.clients.len() >= self.clients_max;
        let per_session = |class: u8| {
            self.config.classes.get(usize::from(class)).is_some_and(|it| it.per_session)
        };
        for client in self.clients.values_mut() {
            if is_whole || client.day() < last_day || per_session(client.class) {
                client.close(from);
            }
        }
        for ((key, route), client) in &self.clients {
            if !self.alerted.contains(key) {
                by_class.entry((*route, client.class)).or_default().push(client);
            }
        }
        let estimates =
            by_class.iter().map(|(it, all)| (*it, Estimate::of(all, per_session(it.1)))).collect();
        let honest = self.stood.iter().filter(|(key, _)| !self.alerted.contains(key));
        let (mut tail, mut peaks) = (Tail::default(), Vec::new());
        for (_, stood) in honest {
            peaks.push(stood.peak);
            tail.add(stood.tail);
        }
        peaks.sort_unstable_by(|one, other| other.cmp(one));
        let pages = self.pages.values().filter(|it| **it).count();
        Learned {
            days: last.since(first) as f64 / DAY_MS as f64,
            pairs: self.pairs,
            estimates,
            pages,
            tickets: self.pages.len() - pages,
            tails: tail.shares(),
            peaks: peaks.into_iter().take(PEAKS).map(as_f64).collect(),
            clients_over,
        }
    }
}

impl Watcher for Shadow<'_> {
    fn alert(&mut self, alert: Alert) {
        if alert.status == Status::Resolved || alert.mode == Mode::Observe {
            return;
        }
        for client in &alert.clients {
            // Sessions are named by their hash, the others by their name.
            self.alerted.insert(self.attributor.key_hash(client.key, client.id.as_bytes()));
            self.alerted.extend(u64::from_str_radix(&client.id, 16).ok());
        }
        *self.pages.entry(alert.id.clone()).or_default() |= alert.severity == Severity::Page;
    }

    fn progress(&mut self, read: u64, total: Option<u64>, records: u64) {
        self.progress.show(read, total, records);
    }

    fn cut(&mut self, cut: &Cut, engine: &Engine) {
        self.read_evidence(engine);
        let (first, _) = self.span.unwrap_or((cut.at, cut.at));
        self.span = Some((first.min(cut.at), cut.at));
        let from = self.first_day();
        self.novelty.rotate(cut.at);
        for placed in &cut.lookups {
            let lookup = &placed.lookup;
            let Some((kind, key)) = lookup.finest() else { continue };
            let route = lookup.route.0;
            let pair = mix(lookup.subject ^ mix(key ^ mix(u64::from(route))));
            if !self.novelty.contact(pair, lookup.record, cut.at).novel {
                continue;
            }
            let above = kind.rolls_up_to().and_then(|it| lookup.keys.get(it.index()).copied());
            let before = self.before.len();
            let judged = [Some(key), above.filter(|it| *it != 0)];
            self.before.extend(judged.into_iter().flatten().map(|it| (it, route)));
            self.pairs += (self.before.len() - before) as u64;
            let spec = self.config.attribute.routes.get(usize::from(route));
            let is_read = spec.is_some_and(|it| {
                matches!(it.class, RouteClass::Personal | RouteClass::Register | RouteClass::List)
            });
            let is_room = self.clients.len() < self.clients_max;
            if !is_read || !(is_room || self.clients.contains_key(&(key, route))) {
                continue;
            }
            let class = lookup.classes.get(kind.index()).copied().unwrap_or_default().0;
            let client = self.clients.entry((key, route)).or_default();
            client.class = class;
            let missed = matches!(lookup.outcome, Outcome::Missed | Outcome::Denied);
            client.take(lookup.event, missed, from);
        }
    }
}
