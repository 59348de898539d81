//! What an alert says of a finding: its kind, its mode, its evidence and its numbers.

use super::book::Context;
use super::change::{Alert, Kind, Mode, Quantity, RecordsOut, Severity, Status};
use crate::evidence::{Stream, as_f64};
use crate::judge::{Cause, Finding, Listed};
use std::collections::BTreeMap;

/// The alert that a finding opens.
pub(super) fn alert_of(finding: &Finding, id: String, context: &Context<'_>) -> Alert {
    let (expected, seen) = quantities_of(finding);
    Alert {
        id,
        status: Status::Firing,
        severity: if finding.page { Severity::Page } else { Severity::Ticket },
        kind: kind_of(finding.cause),
        route: context.route.clone(),
        also_kinds: Vec::new(),
        also_on: Vec::new(),
        mode: mode_of(finding),
        late: false,
        clients: Vec::new(),
        members_total: 0,
        first_seen: finding.first_seen,
        fired_at: finding.at,
        changed_at: context.at,
        records_out: RecordsOut { estimate: finding.records.0, error: finding.records.1 },
        expected,
        seen,
        streams: streams_of(finding),
        log_e: as_f64(finding.log_e),
        examples: finding.examples.iter().map(ToString::to_string).collect(),
        offsets: Vec::new(),
    }
}

pub(super) const fn kind_of(cause: Cause) -> Kind {
    match cause {
        Cause::Evidence(Stream::Cold | Stream::Act) => Kind::Harvest,
        Cause::Evidence(Stream::Miss) => Kind::Guessing,
        Cause::Evidence(Stream::Walk) => Kind::Walk,
        Cause::Evidence(Stream::Monotone) => Kind::Sweep,
        Cause::Evidence(Stream::Volume | Stream::Hours | Stream::Spread) => Kind::Volume,
        Cause::Evidence(Stream::Guess) => Kind::PassGuessing,
        Cause::Listed(Listed::Decoy) => Kind::Decoy,
        Cause::Listed(Listed::Watched) => Kind::Watched,
        Cause::Written => Kind::Tampering,
    }
}

pub(super) const fn mode_of(finding: &Finding) -> Mode {
    if finding.observe { Mode::Observe } else { Mode::Page }
}

pub(super) fn streams_of(finding: &Finding) -> BTreeMap<&'static str, f64> {
    let pairs = Stream::ALL.iter().zip(finding.streams);
    pairs.filter(|it| it.1 > 0).map(|(stream, it)| (stream.name(), rounded(as_f64(it)))).collect()
}

/// Three digits after the point: evidence is not known better.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0 + 0.5).floor() / 1_000.0
}

pub(super) fn quantities_of(finding: &Finding) -> (Quantity, Quantity) {
    let quantity = |subjects: f64| Quantity {
        subjects: rounded(subjects),
        span_seconds: finding.picture.span_seconds,
        quantity: finding.picture.quantity.clone(),
    };
    (quantity(finding.picture.expected), quantity(finding.picture.seen))
}
