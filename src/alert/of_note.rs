//! An alert about darban itself: what it could not see, or has forgotten.
//!
//! Such an alert has no client and no stream; what happened stands in `seen`, in words that begin
//! behind a number. It calls somebody only where darban knows nothing any more: whoever damages
//! its state blinds it for a fortnight.

use super::change::{Alert, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status};
use super::text::grouped;
use crate::time::Moment;
use crate::timeline::{Note, Noted, Trouble};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

/// The route of an alert that is about all of them.
const EVERY_ROUTE: &str = "*";

/// What a note has to say.
struct Said {
    kind: Kind,
    severity: Severity,
    count: u64,
    words: String,
    offsets: Vec<OffsetSpan>,
}

/// The alert that a note opens.
pub(super) fn alert_of(note: &Note, key: (u64, u64)) -> Alert {
    let said = said(note);
    let since = since(note);
    let quantity = |count: u64, quantity: String| Quantity {
        subjects: count as f64,
        span_seconds: 0,
        quantity,
    };
    Alert {
        id: id_of(note, said.kind, key),
        status: Status::Firing,
        severity: said.severity,
        kind: said.kind,
        route: Arc::from(EVERY_ROUTE),
        also_kinds: Vec::new(),
        also_on: Vec::new(),
        mode: Mode::Page,
        late: false,
        clients: Vec::new(),
        members_total: 0,
        first_seen: since,
        fired_at: note.at,
        changed_at: note.at,
        records_out: RecordsOut { estimate: 0, error: 0 },
        expected: quantity(0, said.words.clone()),
        seen: quantity(said.count, said.words),
        streams: BTreeMap::new(),
        log_e: 0.0,
        examples: Vec::new(),
        offsets: said.offsets,
    }
}

fn said(note: &Note) -> Said {
    match &note.what {
        Noted::Gap { place, first, missing: Some(count) } => {
            let last = first.saturating_add_unsigned(*count).saturating_sub(1);
            let (topic, partition) = (place.topic.clone(), place.number);
            let words = format!("records of {topic}/{partition} that nobody can read any more");
            let offsets = vec![OffsetSpan { topic, partition, first: *first, last }];
            Said {
                kind: Kind::CoverageGap,
                severity: Severity::Ticket,
                count: *count,
                words,
                offsets,
            }
        }
        Noted::Gap { place, first, missing: None } => {
            let (topic, partition) = (&place.topic, place.number);
            let words = format!(
                "log cut short or made anew: {topic}/{partition}, which was read up to {first}"
            );
            let (kind, severity) = (Kind::CoverageGap, Severity::Ticket);
            Said { kind, severity, count: 1, words, offsets: Vec::new() }
        }
        Noted::StateRefused { snapshots, cold } => {
            let (severity, then) = match cold {
                true => (Severity::Page, "every baseline is learned anew"),
                false => (Severity::Ticket, "the one before is used"),
            };
            let noun = if *snapshots == 1 { "snapshot" } else { "snapshots" };
            let words = format!("{noun} that cannot be read: {then}");
            let count = u64::from(*snapshots);
            Said { kind: Kind::StateLost, severity, count, words, offsets: Vec::new() }
        }
        Noted::Trouble { trouble, count, of, .. } => {
            let (kind, words) = trouble_in_words(trouble, *of);
            let severity = Severity::Ticket;
            Said { kind, severity, count: *count, words, offsets: Vec::new() }
        }
    }
}

fn trouble_in_words(trouble: &Trouble, of: u64) -> (Kind, String) {
    match trouble {
        Trouble::NoLookups => {
            let words = "records decoded in five minutes, and no look-up among them";
            (Kind::BlindSpot, words.to_owned())
        }
        Trouble::Refusing => {
            (Kind::BlindSpot, format!("records refused of {} in five minutes", grouped(of)))
        }
        Trouble::Forgetting => {
            let words = "filters of who has seen whom were full before their time";
            (Kind::BlindSpot, words.to_owned())
        }
        Trouble::RunDry { route } => {
            let words = format!("look-ups on {route} in 15 minutes, which hold {}", grouped(of));
            (Kind::BlindSpot, words)
        }
        Trouble::Behind => (Kind::Behind, "minutes behind the log".to_owned()),
        Trouble::ReceiverFailing { name } => {
            (Kind::ReceiverFailing, format!("notifications that {name} does not take"))
        }
    }
}

/// Since when what a note tells is so.
fn since(note: &Note) -> Moment {
    match note.what {
        Noted::Trouble { since, .. } => since,
        Noted::Gap { .. } | Noted::StateRefused { .. } => note.at,
    }
}

/// A gap is known by where it begins: found again after a restart it is the same one.
fn id_of(note: &Note, kind: Kind, key: (u64, u64)) -> String {
    let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
    hasher.write(kind.name().as_bytes());
    match &note.what {
        Noted::Gap { place, first, .. } => {
            hasher.write(place.topic.as_bytes());
            hasher.write_i32(place.number);
            hasher.write_i64(*first);
        }
        Noted::StateRefused { .. } => hasher.write_i64(note.at.0),
        Noted::Trouble { trouble, since, .. } => {
            hasher.write(trouble.name().as_bytes());
            if let Trouble::ReceiverFailing { name } | Trouble::RunDry { route: name } = trouble {
                hasher.write(name.as_bytes());
            }
            hasher.write_i64(since.0);
        }
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::super::text::summary;
    use super::*;
    use crate::source::Place;
    use crate::time::Moment;

    fn alert(what: Noted) -> Alert {
        alert_of(&Note { at: Moment(1_795_000_000_000), what }, (1, 2))
    }

    fn gap(first: i64, missing: Option<u64>) -> Alert {
        alert(Noted::Gap { place: Place { topic: "access".into(), number: 3 }, first, missing })
    }

    #[test]
    fn a_gap_says_how_many_records_are_missing_and_where() {
        let gone = gap(100, Some(1_204));
        assert_eq!(
            summary(&gone),
            "Records missing from the log: 1,204 records of access/3 that nobody can read any more; \
             since 2026-11-18T11:06:40.000Z"
        );
        let span = &gone.offsets[0];
        assert_eq!((span.first, span.last, gone.severity), (100, 1_303, Severity::Ticket));
        assert_eq!(
            gap(25, None).seen.quantity,
            "log cut short or made anew: access/3, which was read up to 25"
        );
    }

    #[test]
    fn a_gap_that_is_found_again_is_the_same_and_another_is_not() {
        assert_eq!(gap(100, Some(4)).id, gap(100, Some(9)).id);
        assert_ne!(gap(100, Some(4)).id, gap(101, Some(4)).id);
    }

    #[test]
    fn somebody_is_called_where_everything_is_forgotten_and_not_where_a_minute_is() {
        let refused = |cold| alert(Noted::StateRefused { snapshots: 2, cold });
        assert_eq!(refused(true).severity, Severity::Page);
        assert_eq!(refused(false).severity, Severity::Ticket);
        assert_eq!(
            summary(&refused(true)),
            "State lost: 2 snapshots that cannot be read: every baseline is learned anew; \
             since 2026-11-18T11:06:40.000Z"
        );
    }
}
