//! Which open alerts have series of their own.
//!
//! A series for each alert makes a breach visible as it grows. Their number is a limit and not a
//! stranger's choice: pages before tickets, then the oldest first; when one resolves, the next
//! takes its place. The id is a keyed hash, so a label says nothing about a client.

use crate::alert::{Alert, Kind, Mode, Severity, Status};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Open alerts with series of their own at most.
pub const SHOWN_MAX: usize = 50;
/// Open alerts remembered at most: the engine's own limit lies below.
const OPEN_MAX: usize = 100_000;

/// What the series of an open alert say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) route: Arc<str>,
    pub(super) key_kind: &'static str,
    pub(super) severity: Severity,
    pub(super) mode: Mode,
    pub(super) records: u64,
    pub(super) ratio: f64,
    order: u64,
    shown: bool,
}

impl Shown {
    fn of(alert: &Alert, order: u64) -> Self {
        let expected = alert.expected.subjects;
        Self {
            id: alert.id.clone(),
            kind: alert.kind,
            route: Arc::clone(&alert.route),
            key_kind: alert.clients.first().map_or("none", |it| it.key.name()),
            severity: alert.severity,
            mode: alert.mode,
            records: alert.records_out.estimate,
            ratio: if expected > 0.0 { alert.seen.subjects / expected } else { 0.0 },
            order,
            shown: false,
        }
    }
}

/// The open alerts.
#[derive(Debug, Default)]
pub(super) struct Open {
    all: BTreeMap<String, Shown>,
    next: u64,
}

/// What a change means for the series.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    /// It was raised, or lifted to another severity.
    pub(super) raised: bool,
    /// Series to take away.
    pub(super) gone: Vec<Shown>,
    /// Series to set.
    pub(super) set: Vec<Shown>,
}

impl Open {
    /// Takes an alert change.
    pub(super) fn take(&mut self, alert: &Alert) -> Change {
        let mut change = Change::default();
        let before = self.all.remove(&alert.id);
        if alert.status == Status::Resolved {
            change.gone.extend(before.filter(|it| it.shown));
        } else if before.is_some() || self.all.len() < OPEN_MAX {
            change.raised = match &before {
                Some(before) => before.severity != alert.severity,
                None => alert.status == Status::Firing,
            };
            self.next += 1;
            let order = before.as_ref().map_or(self.next, |it| it.order);
            let now = Shown::of(alert, order);
            change.gone.extend(before.filter(|it| it.shown));
            self.all.insert(alert.id.clone(), now);
        }
        self.settle(&mut change);
        change
    }

    /// Takes an alert's progress: the series to set, if it has one.
    pub(super) fn progress(&mut self, id: &str, records: u64) -> Option<Shown> {
        let open = self.all.get_mut(id)?;
        open.records = open.records.max(records);
        open.shown.then(|| open.clone())
    }

    /// How many are open, by severity and mode.
    pub(super) fn count(&self, severity: Severity, mode: Mode) -> usize {
        self.all.values().filter(|it| it.severity == severity && it.mode == mode).count()
    }

    /// Gives the free places away. A ticket makes room for a page.
    fn settle(&mut self, change: &mut Change) {
        let mut ranked: Vec<&mut Shown> = self.all.values_mut().collect();
        ranked.sort_by_key(|it| (std::cmp::Reverse(it.severity), it.order));
        for (rank, it) in ranked.into_iter().enumerate() {
            match (rank < SHOWN_MAX, it.shown) {
                (true, false) => {
                    it.shown = true;
                    change.set.push(it.clone());
                }
                (false, true) => {
                    it.shown = false;
                    change.gone.push(it.clone());
                }
                _ => {}
            }
        }
    }
}
