//! The labels of a simulated log: who took part in which harvest, when, and what they took.

use super::harvest::Harvest;
use super::random::mix;
use super::request::{Client, Label, Request};
use crate::attribute::KeyKind;
use crate::pipeline::Distinct;
use crate::time::Moment;
use std::collections::BTreeMap;

/// The columns of [`Taken::csv`].
pub const LABELS_HEADER: &str = "label,scenario,client_kind,client,first,last,requests,records";

/// What one client did for one harvest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The number of the harvest, from 1.
    pub label: Label,
    /// Which scenario it is.
    pub scenario: &'static str,
    /// The client's finest key, and its name as the log has it: a session by its token, which
    /// alerts show hashed.
    pub client: (KeyKind, String),
    /// Its first request.
    pub first: Moment,
    /// Its last request.
    pub last: Moment,
    /// Its requests, parts and repeats included.
    pub requests: u64,
    /// Different records that it was answered; a record and its parts count once. Exact up to a
    /// million, within 0.24 % beyond.
    pub records: u64,
}

impl Taken {
    /// It as a line of CSV, times as in RFC 3339, without a line feed.
    #[must_use]
    pub fn csv(&self) -> String {
        let (kind, name) = &self.client;
        format!(
            "{},{},{},{name},{},{},{},{}",
            self.label,
            self.scenario,
            kind.name(),
            rfc3339(self.first),
            rfc3339(self.last),
            self.requests,
            self.records
        )
    }
}

/// A time to the millisecond; the empty text for one beyond the calendar.
fn rfc3339(at: Moment) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |it| format!("{it:.3}"))
}

/// Counts the labelled requests of a stream, by harvest and client.
#[derive(Debug, Default)]
pub struct Tally {
    scenarios: Vec<&'static str>,
    rows: BTreeMap<(Label, Client), Row>,
}

#[derive(Debug)]
struct Row {
    first: Moment,
    last: Moment,
    requests: u64,
    records: Distinct,
}

impl Tally {
    /// Nothing counted yet; labels are those of
    /// [`Portal::with_harvests`](super::Portal::with_harvests).
    #[must_use]
    pub fn new(harvests: &[Harvest]) -> Self {
        let scenarios = harvests.iter().map(|it| it.scenario).collect();
        Self { scenarios, rows: BTreeMap::new() }
    }

    /// Takes the next request. Honest ones are not counted.
    pub fn feed(&mut self, request: &Request) {
        if request.label == 0 {
            return;
        }
        let row = self.rows.entry((request.label, request.client.known_as()));
        let fresh = || Row {
            first: request.at,
            last: request.at,
            requests: 0,
            records: Distinct::default(),
        };
        let row = row.or_insert_with(fresh);
        row.first = row.first.min(request.at);
        row.last = row.last.max(request.at);
        row.requests += 1;
        if request.is_disclosed() {
            let subject = mix(request.subject.number ^ (request.subject.form as u64) << 60);
            for record in 0..u64::from(request.records) {
                row.records.insert(mix(subject ^ record));
            }
        }
    }

    /// What was counted, by label and client.
    pub fn rows(&self) -> impl Iterator<Item = Taken> {
        self.rows.iter().map(|((label, client), row)| Taken {
            label: *label,
            scenario: self.scenario(*label),
            client: client.finest(),
            first: row.first,
            last: row.last,
            requests: row.requests,
            records: row.records.count(),
        })
    }

    fn scenario(&self, label: Label) -> &'static str {
        let index = usize::from(label).wrapping_sub(1);
        self.scenarios.get(index).copied().unwrap_or_default()
    }
}
