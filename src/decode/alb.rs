//! AWS Application Load Balancer. Read in Amazon's user guide ("Access logs"), not seen.
//!
//! `type timestamp elb client:port target:port` three times, two statuses, two sizes, `"request"
//! "user_agent"` and more, of which new fields are added at the end. What stands left of the
//! request is sure. `timestamp` is that of the answer; when the request came is written to the right
//! of what the client sent, so it counts only where it lies as far before the answer as a request may
//! last. The log is made with best effort: its absence of a request proves nothing.

use super::mapped::without_origin;
use super::text::{Cursor, count, present, request, status, unescape, without_port};
use super::{AccessRecord, Refusal, stamp};
use crate::time::SECOND_MS;
use std::borrow::Cow;

/// What a line may begin with: the protocol.
const KINDS: &[&[u8]] = &[b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"];
/// The longest that a balancer lets a connection be idle.
const LASTS_MAX_MS: i64 = 4_000 * SECOND_MS;
/// Words and quoted fields between the user agent and the request's time: cipher, protocol, target
/// group, then trace, domain and certificate in quotes, and the rule's priority.
const BEFORE_CREATION: [bool; 7] = [false, false, false, true, true, true, false];

/// Whether a line is of this format, by its first word and the time behind it.
pub(super) fn is(line: &[u8]) -> bool {
    let mut at = Cursor(line);
    KINDS.contains(&at.word()) && stamp::rfc3339(at.word()).is_some()
}

pub(super) fn decode(line: &[u8]) -> Result<AccessRecord<'_>, Refusal> {
    let mut at = Cursor(line);
    if !KINDS.contains(&at.word()) {
        return Err(Refusal::UnknownFormat);
    }
    let answered = stamp::rfc3339(at.word()).ok_or(Refusal::BadTime)?;
    let _balancer = at.word();
    let mut record = AccessRecord {
        time: Some(answered),
        peer: present(without_port(at.word())).map(Cow::Borrowed),
        ..AccessRecord::default()
    };
    let _target_and_times = (at.word(), at.word(), at.word(), at.word());
    record.status = status(at.word());
    let (_target_status, _received) = (at.word(), at.word());
    record.bytes = count(at.word());
    let sent = at.quoted().ok_or(Refusal::Malformed)?;
    if at.pass(b" ").is_some()
        && let Some(agent) = at.quoted()
    {
        record.user_agent = present(agent).map(unescape);
        let began = created(at).filter(|it| (0..=LASTS_MAX_MS).contains(&answered.since(*it)));
        record.time = began.or(record.time);
    }
    // `- http://host:80- -` stands for a request that was not one.
    if sent.starts_with(b"- ") && sent.ends_with(b"- -") {
        return Err(Refusal::NoRequest);
    }
    request(&mut record, unescape(sent))?;
    record.target = without_origin(record.target);
    Ok(record)
}

/// When the request came.
fn created(mut at: Cursor<'_>) -> Option<crate::time::Moment> {
    at.pass(b" ")?;
    for quoted in BEFORE_CREATION {
        if quoted {
            at.quoted()?;
            at.pass(b" ")?;
        } else {
            at.word();
        }
    }
    stamp::rfc3339(at.word())
}
