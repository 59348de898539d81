//! Envoy's default text format. Seen on Envoy 1.40.
//!
//! It does not escape quotes: a crafted user agent or path forges every field behind it. What
//! stands left of the client's bytes is sure (time, method), and so is the first
//! `HTTP/x" status flags received sent duration upstream "forwarded"` after the path, since a path
//! cannot hold a space. Behind the forwarded header the line counts as read only where it has as
//! many quotes as it should.

use super::text::{Cursor, count, present, status};
use super::{AccessRecord, Refusal, stamp};
use std::borrow::Cow;

/// Quotes behind the forwarded header in a line that nobody forged: four fields in quotes.
const QUOTES_AFTER: usize = 8;

pub(super) fn decode(line: &[u8]) -> Result<AccessRecord<'_>, Refusal> {
    let mut at = Cursor(line);
    at.pass(b"[").ok_or(Refusal::UnknownFormat)?;
    let time = stamp::rfc3339(at.until(b']')).ok_or(Refusal::BadTime)?;
    at.pass(b" \"").ok_or(Refusal::Malformed)?;
    let method = at.word();
    let target = at.word();
    let protocol = at.until(b'"');
    if !protocol.starts_with(b"HTTP/") && protocol != b"-" {
        return Err(Refusal::Malformed);
    }
    at.pass(b" ").ok_or(Refusal::Malformed)?;
    let mut record = AccessRecord { time: Some(time), ..AccessRecord::default() };
    record.status = status(at.word());
    let _flags = at.word();
    let _received = at.word();
    record.bytes = count(at.word());
    let (_duration, _upstream) = (at.word(), at.word());
    if method == b"-" {
        return Err(Refusal::NoRequest);
    }
    let target = present(target).ok_or(Refusal::NoPath)?;
    record.method = Cow::Borrowed(method);
    record.target = Cow::Borrowed(target);
    at.pass(b"\"").ok_or(Refusal::Malformed)?;
    record.forwarded = present(at.until(b'"')).map(Cow::Borrowed);
    record.user_agent = agent(at).and_then(present).map(Cow::Borrowed);
    Ok(record)
}

/// The user agent, where what follows it can only be read in one way: Envoy's own fields (request
/// id, authority, upstream) hold no quotes, so they are the last six quotes of the line, and a
/// user agent that contains a quoted part of its own still ends there, unless it forges a field.
fn agent(mut at: Cursor<'_>) -> Option<&[u8]> {
    at.pass(b" \"")?;
    let rest = at.0;
    let mut end = rest.len();
    for _ in 0..QUOTES_AFTER - 1 {
        end = memchr::memrchr(b'"', rest.get(..end)?)?;
    }
    let agent = rest.get(..end)?;
    // A forged field needs a quote, a space and another quote or number between: `" 200 - 0`.
    let forged = memchr::memmem::find(agent, b"\" ").is_some();
    (!forged).then_some(agent)
}
