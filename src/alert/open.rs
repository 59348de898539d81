//! One open alert in the book: its members, which of them are loud, what left by each.

use super::book::CLIENTS_MAX;
use super::change::{Alert, Client, Kind, Mode, RecordsOut, Severity};
use super::standing::KeyRecords;
use crate::judge::{Finding, Member, SITE_KEY, profile_id};
use crate::time::{MINUTE_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Findings on two routes are of one harvest when they begin within this time.
const TOGETHER_MS: i64 = 10 * MINUTE_MS;

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Open {
    pub(super) alert: Alert,
    /// Records out by judged profile, with the half-width.
    pub(super) records: BTreeMap<u64, (u64, u64)>,
    pub(super) members: Vec<(u64, Client)>,
    /// Judged profiles that are not quiet yet.
    pub(super) loud: Vec<Judged>,
    /// The routes that it has come to, that of the alert first.
    pub(super) routes: Vec<u16>,
    /// Members when it was told last.
    pub(super) told: u64,
    /// Whether its members have changed since.
    pub(super) untold: bool,
    /// Records out when it was told last.
    pub(super) told_records: u64,
    /// By address and network: the judged clients that came through it, by route as one with it.
    pub(super) children: BTreeMap<u64, BTreeMap<u64, Vec<u64>>>,
    /// What an earlier process left, if this alert is from one.
    pub(super) adopted: Option<Adopted>,
}

/// A key on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Judged {
    pub(super) route: u16,
    pub(super) key: u64,
}

impl Judged {
    pub(super) const fn of(finding: &Finding) -> Self {
        Self { route: finding.route, key: finding.key }
    }

    /// Both as one.
    pub(super) const fn id(self) -> u64 {
        profile_id(self.key, self.route)
    }
}

/// What an earlier process left of an alert.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Adopted {
    /// What its profiles had read.
    pub(super) records: Vec<KeyRecords>,
    /// Profiles that this process has not found anything about. It never will if they stopped.
    pub(super) unheard: Vec<u64>,
    /// Slice time from which their silence is counted.
    pub(super) since: Option<Moment>,
}

impl Open {
    /// An alert on a route, in which nobody is yet.
    pub(super) fn new(alert: Alert, route: u16) -> Self {
        Self {
            alert,
            records: BTreeMap::new(),
            members: Vec::new(),
            loud: Vec::new(),
            routes: vec![route],
            told: 0,
            untold: false,
            told_records: 0,
            children: BTreeMap::new(),
            adopted: None,
        }
    }

    /// An alert about darban itself: on no route, and open until nothing was said for a while. That is
    /// counted from our clock, not from the slice of then: of a backlog hours pass in seconds.
    pub(super) fn of_darban(alert: Alert) -> Self {
        let since = Some(alert.changed_at);
        let adopted = Adopted { records: Vec::new(), unheard: vec![0], since };
        Self { routes: Vec::new(), adopted: Some(adopted), ..Self::new(alert, 0) }
    }

    /// Whether a finding of one of its clients on another route is told with it: where it is a
    /// page already, or where both are of one kind and began together. A ticket of another kind
    /// must not give its name to a page.
    pub(super) fn goes_on_in(&self, finding: &Finding, kind: Kind, mode: Mode) -> bool {
        let apart_ms = finding.first_seen.since(self.alert.first_seen).abs();
        let alike = self.alert.kind == kind && apart_ms <= TOGETHER_MS;
        self.alert.mode == mode && (alike || self.alert.severity == Severity::Page)
    }

    /// Takes what a judged profile has read by now. One that was quiet for a while is counted from there
    /// on, so no count falls.
    pub(super) fn hear(&mut self, judged: Judged, records: (u64, u64)) {
        let known = self.records.entry(judged.id()).or_default();
        *known = (*known).max(records);
        if let Some(adopted) = &mut self.adopted {
            adopted.unheard.retain(|it| *it != judged.id());
        }
    }

    /// Whether nothing is loud in it any more, nor may be as far as anybody knows.
    pub(super) fn is_quiet(&self) -> bool {
        self.loud.is_empty() && self.adopted.iter().all(|it| it.unheard.is_empty())
    }

    /// Takes note of an address or a network that a judged client came through.
    pub(super) fn come_through(&mut self, judged: Judged, address: u64) {
        if address == 0 || address == judged.key {
            return;
        }
        let through = Judged { key: address, ..judged }.id();
        let children = self.children.entry(address).or_default().entry(through).or_default();
        if !children.contains(&judged.id()) {
            children.push(judged.id());
        }
    }

    /// Whether clients behind an address explain it: two at least, that have read most of what left
    /// through it. Two logins of one office do, a few of a carrier's thousands of sessions do not.
    fn is_explained(&self, address: u64) -> bool {
        let records = |it: &u64| self.records.get(it).map_or(0, |it| it.0);
        let explains = |(through, children): (&u64, &Vec<u64>)| {
            let by_children: u64 = children.iter().map(records).sum();
            let through = self.records.get(through).map(|it| it.0);
            children.len() > 1 && through.is_some_and(|it| by_children * 3 >= it * 2)
        };
        self.children.get(&address).is_some_and(|it| it.iter().any(explains))
    }

    /// Names the addresses and networks no more that clients behind them explain.
    pub(super) fn explain_addresses(&mut self) {
        let named = self.members.len();
        let mut members = std::mem::take(&mut self.members);
        members.retain(|it| !self.is_explained(it.0));
        self.members = members;
        if self.members.len() < named {
            self.untold = true;
            self.settle_counts();
        }
    }

    /// The alert as it is told now.
    pub(super) fn tell(&mut self) -> Alert {
        self.untold = false;
        self.told = self.members.len() as u64;
        self.told_records = self.alert.records_out.estimate;
        self.alert.clone()
    }

    /// Takes note of what a finding is, and on which route; whether that is news.
    pub(super) fn come_to(&mut self, kind: Kind, (route, name): (u16, &Arc<str>)) -> bool {
        let before = (self.alert.also_kinds.len(), self.alert.also_on.len());
        if self.alert.kind != kind && !self.alert.also_kinds.contains(&kind) {
            self.alert.also_kinds.push(kind);
        }
        if !self.routes.contains(&route) {
            self.routes.push(route);
        }
        let alert = &mut self.alert;
        if alert.route != *name && !alert.also_on.contains(name) {
            alert.also_on.push(name.clone());
        }
        before != (alert.also_kinds.len(), alert.also_on.len())
    }

    /// Names a client of it.
    pub(super) fn join(&mut self, member: &Member) {
        let known = self.members.iter().any(|it| it.0 == member.key);
        if known || self.is_explained(member.key) {
            return;
        }
        let id = String::from_utf8_lossy(&member.name).into_owned();
        self.members.push((member.key, Client { key: member.kind, id }));
    }

    /// Records out by judged profile, with those that an earlier process counted.
    pub(super) fn totals(&self) -> impl Iterator<Item = (u64, (u64, u64))> {
        let before = || self.adopted.iter().flat_map(|it| &it.records);
        let adopted = before()
            .map(|it| (it.key, it.and(self.records.get(&it.key).copied().unwrap_or_default())));
        let known: BTreeSet<u64> = before().map(|it| it.key).collect();
        let fresh = self.records.iter().filter(move |it| !known.contains(it.0));
        adopted.chain(fresh.map(|(key, it)| (*key, *it)))
    }

    /// What left in all. What a route as a whole was asked for and what its clients have read, each for
    /// itself, is counted once: whichever is more.
    pub(super) fn records_out(&self) -> RecordsOut {
        let sum = |sum: (u64, u64), it: (u64, u64)| (sum.0 + it.0, sum.1 + it.1);
        let above = self.counted_above();
        let is_apart =
            |(key, it): &(u64, (u64, u64))| above.get(key).is_none_or(|above| *above < it.0);
        let apart: BTreeMap<u64, (u64, u64)> = self.totals().filter(is_apart).collect();
        let (mut estimate, mut error) = apart.values().copied().fold((0, 0), sum);
        for route in &self.routes {
            let of = |key: u64| apart.get(&profile_id(key, *route)).copied();
            let Some(whole) = of(SITE_KEY) else { continue };
            let own = self.members.iter().filter_map(|it| of(it.0)).fold((0, 0), sum);
            let less = own.min(whole);
            (estimate, error) = (estimate - less.0, error.saturating_sub(less.1));
        }
        RecordsOut { estimate, error }
    }

    /// By judged profile: the most that is counted at an address or a network that it came through. No
    /// more than that many of its own are counted there.
    fn counted_above(&self) -> BTreeMap<u64, u64> {
        let mut most: BTreeMap<u64, u64> = BTreeMap::new();
        for (through, children) in self.children.values().flatten() {
            let Some((records, _)) = self.records.get(through) else { continue };
            for child in children {
                let above = most.entry(*child).or_default();
                *above = (*above).max(*records);
            }
        }
        most
    }

    /// Counts records and members anew. A list of a thousand names is made where it has changed.
    pub(super) fn settle_counts(&mut self) {
        let members = self.members.len() as u64;
        if self.alert.members_total != members || self.alert.clients.is_empty() {
            let clients = self.members.iter().take(CLIENTS_MAX);
            self.alert.clients = clients.map(|it| it.1.clone()).collect();
            self.alert.members_total = members;
        }
        self.alert.records_out = self.records_out();
    }
}
