//! What harvests really took, to compare alerts with.

use super::harvest::Harvest;
use super::id::Id;
use super::request::{Client, Label, Request};
use super::route::Route;
use crate::attribute::KeyKind;
use crate::time::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// A harvest as the evaluation knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harvested {
    /// The label of its requests, from 1.
    pub label: Label,
    /// Which scenario it is.
    pub scenario: &'static str,
    /// Who takes part.
    pub clients: Vec<Client>,
    /// Their finest keys as alerts name them, each once.
    pub keys: Vec<(KeyKind, String)>,
    /// What they read.
    pub route: Route,
    /// When it begins.
    pub start: Moment,
}

/// The labels of these harvests, as [`Portal::with_harvests`](super::Portal::with_harvests) gives
/// them.
#[must_use]
pub fn labels(harvests: &[Harvest]) -> Vec<Harvested> {
    let of = |(label, harvest): (Label, &Harvest)| {
        let mut keys: Vec<_> = harvest.clients.iter().map(Client::finest).collect();
        keys.sort();
        keys.dedup();
        Harvested {
            label,
            scenario: harvest.scenario,
            clients: harvest.clients.clone(),
            keys,
            route: harvest.route,
            start: harvest.start,
        }
    };
    (1..=Label::MAX).zip(harvests).map(of).collect()
}

/// One request of a harvest's client since the harvest began.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Moment,
    client: Client,
    route: Route,
    subject: Id,
    disclosed: bool,
    label: Label,
}

/// Follows a stream and answers for what harvests took up to any time. It remembers what the
/// clients of harvests did since those began, and nothing of anybody else.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    harvests: Vec<Harvested>,
    seen: Vec<Seen>,
    /// Their clients, and when the first harvest of each began.
    clients: BTreeMap<Client, Moment>,
    /// Whether it remembers their clients from before their harvests too.
    whole: bool,
}

impl Truth {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(harvests: &[Harvest]) -> Self {
        let mut clients = BTreeMap::new();
        for harvest in harvests {
            for client in &harvest.clients {
                let start = clients.entry(client.known_as()).or_insert(harvest.start);
                *start = harvest.start.min(*start);
            }
        }
        Self { harvests: labels(harvests), seen: Vec::new(), clients, whole: false }
    }

    /// The same, but it remembers all that the clients of harvests do: an alert may count from an
    /// honest request on that lies before the harvest.
    #[must_use]
    pub fn whole(harvests: &[Harvest]) -> Self {
        Self { whole: true, ..Self::new(harvests) }
    }

    /// The harvests.
    #[must_use]
    pub fn harvests(&self) -> &[Harvested] {
        &self.harvests
    }

    /// Takes the next request of the stream.
    pub fn feed(&mut self, request: &Request) {
        let begun = self.clients.get(&request.client.known_as());
        let is_theirs = begun.is_some_and(|start| self.whole || request.at >= *start);
        if request.label > 0 || is_theirs {
            let Request { at, client, route, subject, label, .. } = *request;
            let disclosed = request.is_disclosed();
            self.seen.push(Seen { at, client, route, subject, disclosed, label });
        }
    }

    /// Distinct subjects that this harvest was answered (2xx) up to and including `until`; on all
    /// its routes, a record and its parts counted once.
    #[must_use]
    pub fn taken(&self, label: Label, until: Moment) -> u64 {
        let of = |it: &&Seen| it.label == label && it.at <= until && it.disclosed;
        let distinct: BTreeSet<Id> = self.seen.iter().filter(of).map(|it| it.subject).collect();
        distinct.len() as u64
    }

    /// Requests of this harvest up to and including `until`, whatever they were answered; parts of
    /// a record and what was written about it left out.
    #[must_use]
    pub fn attempts(&self, label: Label, until: Moment) -> u64 {
        let is_part = |it: &Seen| it.route.is_part() || it.route.is_write();
        let of = |it: &&Seen| it.label == label && it.at <= until && !is_part(it);
        self.seen.iter().filter(of).count() as u64
    }

    /// Writes of this harvest up to and including `until`.
    #[must_use]
    pub fn writes(&self, label: Label, until: Moment) -> u64 {
        let of = |it: &&Seen| it.label == label && it.at <= until && it.route.is_write();
        self.seen.iter().filter(of).count() as u64
    }

    /// Look-ups of any of these subjects by this harvest up to and including `until`.
    #[must_use]
    pub fn touches(&self, label: Label, subjects: &BTreeSet<Id>, until: Moment) -> u64 {
        let of = |it: &&Seen| it.label == label && it.at <= until && subjects.contains(&it.subject);
        self.seen.iter().filter(of).count() as u64
    }

    /// Its clients that made a request for it up to and including `until`, by their finest keys.
    #[must_use]
    pub fn active(&self, label: Label, until: Moment) -> BTreeSet<(KeyKind, String)> {
        let of = |it: &&Seen| it.label == label && it.at <= until;
        let clients: BTreeSet<Client> =
            self.seen.iter().filter(of).map(|it| it.client.known_as()).collect();
        clients.iter().map(Client::finest).collect()
    }

    /// When it made its first request.
    #[must_use]
    pub fn began(&self, label: Label) -> Option<Moment> {
        self.seen.iter().find(|it| it.label == label).map(|it| it.at)
    }

    /// Distinct subjects that a client was answered on a route between two times, both included,
    /// whether for a harvest or honestly: what an alert's `records_out` counts. Known for the
    /// clients of harvests from the time on when their first harvest began, and for a
    /// [`whole`](Self::whole) one always.
    #[must_use]
    pub fn disclosed_to(&self, client: &Client, route: Route, from: Moment, until: Moment) -> u64 {
        let of = |it: &&Seen| {
            it.client.is_same(client)
                && it.route.name() == route.name()
                && (from..=until).contains(&it.at)
                && it.disclosed
        };
        let record = |it: &Seen| (it.subject, it.route);
        let distinct: BTreeSet<(Id, Route)> = self.seen.iter().filter(of).map(record).collect();
        distinct.len() as u64
    }
}
