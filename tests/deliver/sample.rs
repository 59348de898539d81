//! Alerts to deliver.

use darban::alert::{
    Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status,
};
use darban::attribute::KeyKind;
use darban::time::{Moment, wall};
use std::collections::BTreeMap;

/// A page that fired now.
pub(crate) fn page(id: &str) -> Alert {
    let now = wall();
    let quantity = |subjects| Quantity {
        subjects,
        span_seconds: 86_400,
        quantity: "subjects a day".to_owned(),
    };
    Alert {
        id: id.to_owned(),
        status: Status::Firing,
        severity: Severity::Page,
        kind: Kind::Walk,
        route: "beneficiary".into(),
        also_kinds: Vec::new(),
        also_on: Vec::new(),
        mode: Mode::Page,
        late: false,
        clients: vec![Client { key: KeyKind::Staff, id: "clinic-17".to_owned() }],
        members_total: 1,
        first_seen: now.plus(-600_000),
        fired_at: now.plus(-1_000),
        changed_at: now,
        records_out: RecordsOut { estimate: 17, error: 0 },
        expected: quantity(21.0),
        seen: quantity(160.0),
        streams: BTreeMap::from([("volume", 4.0), ("walk", 9.1)]),
        log_e: 18.3,
        examples: vec!["12******90".to_owned()],
        offsets: vec![OffsetSpan { topic: "access".into(), partition: 3, first: 1, last: 99 }],
    }
}

/// A ticket that fired now.
pub(crate) fn ticket(id: &str) -> Alert {
    Alert { severity: Severity::Ticket, ..page(id) }
}

/// The next change of an alert, a second of slice time later.
pub(crate) fn then(alert: &Alert, status: Status) -> Alert {
    let mut next = alert.clone();
    next.status = status;
    next.changed_at = Moment(next.changed_at.0 + 1_000);
    next.records_out.estimate += 10;
    next
}
