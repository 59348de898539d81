//! What the rows found, held against what was to be found.

use crate::Failure;
use crate::traffic::Traffic;
use darban::alert::{Alert, Severity, Status};
use std::collections::BTreeSet;

/// Whether an alert pages this client.
pub(crate) fn names(alert: &Alert, client: &str) -> bool {
    alert.severity == Severity::Page && alert.clients.iter().any(|it| it.id == client)
}

/// Every harvest was paged.
pub(crate) fn all_harvests(alerts: &[Alert], traffic: &Traffic) -> Result<(), Failure> {
    let pages = alerts.iter().filter(|it| it.severity == Severity::Page);
    all_named(pages.flat_map(|it| &it.clients).map(|it| it.id.as_str()), traffic)
}

/// Every harvest is among these clients.
pub(crate) fn all_named<'a>(
    found: impl Iterator<Item = &'a str>,
    traffic: &Traffic,
) -> Result<(), Failure> {
    let found: BTreeSet<&str> = found.collect();
    let missed: Vec<&str> =
        traffic.names.iter().map(String::as_str).filter(|it| !found.contains(it)).collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!("of {} clients found, these harvests are missing: {missed:?}", found.len()).into())
}

/// The alerts raised up to the last harvest's are those of the reference: id, severity, when and
/// for whom.
pub(crate) fn same(found: &[Alert], reference: &[Alert]) -> Result<(), Failure> {
    let until = |alerts: &[Alert]| -> BTreeSet<String> {
        let last = found.iter().map(|it| it.changed_at).max();
        let raised = alerts.iter().filter(|it| it.status == Status::Firing);
        let told = |it: &Alert| {
            let clients: Vec<&str> = it.clients.iter().map(|it| it.id.as_str()).collect();
            format!("{} {:?} {} {clients:?}", it.id, it.severity, it.fired_at)
        };
        raised.filter(|it| Some(it.changed_at) <= last).map(told).collect()
    };
    let (found, reference) = (until(found), until(reference));
    if found == reference {
        return Ok(());
    }
    let missing = reference.difference(&found).count();
    let more = found.difference(&reference).count();
    Err(format!("the alerts differ from the reference: {missing} missing, {more} more").into())
}
