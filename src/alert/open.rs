//! One open alert in the book: its members, which of them are loud, what left by each.

use super::book::CLIENTS_MAX;
use super::change::{Alert, Client, RecordsOut};
use super::standing::KeyRecords;
use crate::judge::Member;
use crate::time::Moment;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) alert: Alert,
    /// Records out by judged key, with the half-width.
    pub(super) records: BTreeMap<u64, (u64, u64)>,
    pub(super) members: Vec<(u64, Client)>,
    /// Judged keys that are not quiet yet.
    pub(super) loud: Vec<u64>,
    pub(super) route: u16,
    /// Members when it was told last.
    pub(super) told: u64,
    /// Whether somebody has joined since.
    pub(super) untold: bool,
    /// What an earlier process left, if this alert is from one.
    pub(super) adopted: Option<Adopted>,
}

/// What an earlier process left of an alert.
#[derive(Clone, Debug)]
pub(super) struct Adopted {
    /// What its keys had read.
    pub(super) records: Vec<KeyRecords>,
    /// Keys that this process has not found anything about. It never will if they stopped.
    pub(super) unheard: Vec<u64>,
    /// Slice time from which their silence is counted.
    pub(super) since: Option<Moment>,
}

impl Open {
    pub(super) fn join(&mut self, member: &Member) {
        if self.members.iter().any(|it| it.0 == member.key) {
            return;
        }
        let id = String::from_utf8_lossy(&member.name).into_owned();
        self.members.push((member.key, Client { key: member.kind, id }));
    }

    /// Records out by judged key, with those that an earlier process counted.
    pub(super) fn totals(&self) -> impl Iterator<Item = (u64, (u64, u64))> {
        let before = self.adopted.iter().flat_map(|it| &it.records);
        let adopted = before
            .map(|it| (it.key, it.and(self.records.get(&it.key).copied().unwrap_or_default())));
        let known =
            |key: u64| self.adopted.iter().flat_map(|it| &it.records).any(|it| it.key == key);
        let fresh = self.records.iter().filter(move |it| !known(*it.0));
        adopted.chain(fresh.map(|(key, it)| (*key, *it)))
    }

    pub(super) fn records_out(&self) -> RecordsOut {
        let sum = |sum: (u64, u64), it: (u64, u64)| (sum.0 + it.0, sum.1 + it.1);
        let (estimate, error) = self.totals().map(|it| it.1).fold((0, 0), sum);
        RecordsOut { estimate, error }
    }

    pub(super) fn settle_counts(&mut self) {
        let clients = self.members.iter().take(CLIENTS_MAX);
        self.alert.clients = clients.map(|it| it.1.clone()).collect();
        self.alert.members_total = self.members.len() as u64;
        self.alert.records_out = self.records_out();
        debug_assert!(self.route < u16::MAX);
    }
}
