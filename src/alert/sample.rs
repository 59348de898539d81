//! An alert for the tests of the modules that show and deliver one.

use super::{Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status};
use crate::attribute::KeyKind;
use crate::time::Moment;
use std::collections::BTreeMap;

/// 2026-11-21T19:30:16.042Z.
pub(crate) const FIRED: Moment = Moment(1_795_289_416_042);

/// A page about a walk by `clinic-17`.
pub(crate) fn alert() -> Alert {
    let quantity = |subjects: f64| Quantity {
        subjects,
        span_seconds: 86_400,
        quantity: "subjects a day".to_owned(),
    };
    Alert {
        id: "5f3a9c0b1d2e4f60".to_owned(),
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
        first_seen: FIRED.plus(-600_000),
        fired_at: FIRED,
        changed_at: FIRED.plus(1_000),
        records_out: RecordsOut { estimate: 17, error: 0 },
        expected: quantity(21.0),
        seen: quantity(160.0),
        streams: BTreeMap::from([("volume", 4.0), ("walk", 9.1)]),
        log_e: 18.3,
        examples: vec!["12******90".to_owned()],
        offsets: vec![OffsetSpan { topic: "access".into(), partition: 3, first: 1, last: 99 }],
    }
}
