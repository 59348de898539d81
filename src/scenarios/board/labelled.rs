//! A log in which somebody has said who is who: whom the pages named, by label.
//!
//! A label is whatever the file says; which of them ought to be found is known to who wrote it, so
//! there is no bar. Of each label it is told how many clients a page names, how many by a page of
//! their own, and what had left by then.

use super::super::gates::{pages, quantile};
use crate::alert::Alert;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What stands for a label where a client has none.
const NONE: &str = "(no label)";

/// The clients of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelFigures {
    /// The label.
    pub label: String,
    /// Clients that have it; none where it stands for those that have no label.
    pub clients: u64,
    /// Of these, how many stand in a page.
    pub named: u64,
    /// The share of that.
    pub recall: f64,
    /// How many have a page of their own: they stand first when it is raised.
    pub own: u64,
    /// Records out when these were raised, at the median of all who are named: one who only stands
    /// in somebody else's page counts as infinite.
    pub median: Option<u64>,
    /// The same that nine in ten do not exceed.
    pub p90: Option<u64>,
    /// Pages in which one of them stands first.
    pub pages: u64,
}

/// The figures of each label in a log with these changes of alerts; `labels` are by the name of a
/// client as alerts show it.
#[must_use]
pub fn labelled(changes: &[Alert], labels: &BTreeMap<String, String>) -> Vec<LabelFigures> {
    let of = |client: &str| labels.get(client).map_or(NONE, String::as_str);
    let mut clients: BTreeMap<&str, u64> = BTreeMap::new();
    labels.values().for_each(|it| *clients.entry(it).or_default() += 1);
    let mut named: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut own: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    let (mut raised, mut count) = (BTreeSet::new(), BTreeMap::<&str, u64>::new());
    for alert in changes.iter().filter(|it| pages(it)) {
        for client in &alert.clients {
            named.entry(of(&client.id)).or_default().insert(&client.id);
        }
        let Some(first) = alert.clients.first().filter(|_| raised.insert(alert.id.as_str())) else {
            continue;
        };
        let label = of(&first.id);
        *count.entry(label).or_default() += 1;
        let records = alert.records_out.estimate;
        own.entry(label).or_default().entry(&first.id).or_insert(records);
    }
    let is_named_only = named.contains_key(NONE) || count.contains_key(NONE);
    let all = clients.keys().copied().chain(is_named_only.then_some(NONE));
    let figures = |label: &str| {
        let clients = clients.get(label).copied().unwrap_or(0);
        let named = named.get(label).map_or(0, |it| it.len() as u64);
        let own: Vec<Option<u64>> =
            own.get(label).into_iter().flat_map(BTreeMap::values).map(|it| Some(*it)).collect();
        let others = usize::try_from(named).unwrap_or(0).saturating_sub(own.len());
        let taken = [own.clone(), vec![None; others]].concat();
        LabelFigures {
            label: label.to_owned(),
            clients,
            named,
            recall: named as f64 / clients.max(1) as f64,
            own: own.len() as u64,
            median: quantile(&taken, 0.5),
            p90: quantile(&taken, 0.9),
            pages: count.get(label).copied().unwrap_or(0),
        }
    };
    all.map(figures).collect()
}
