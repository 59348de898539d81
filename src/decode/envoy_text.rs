//! Envoy's default text format, seen on Envoy 1.40.0; and Istio's, read in its sources
//! (`pilot/pkg/model/telemetry_logging.go`), which has three fields more behind the flags and six
//! words behind the upstream's host, among them the connection's address.
//!
//! It does not escape quotes: a crafted user agent or path forges every field behind it. What
//! stands left of the client's bytes is sure (time, method), and so is the first
//! `HTTP/x" status flags received sent duration upstream` after the path, since a path cannot hold a
//! space. Where the forwarded header ends, and the user agent behind it, is only sure in a line with
//! as many quotes as it should have.
//!
//! Envoy appends the address of the connection to that header, so what is read of it must not be
//! what a client wrote: with `X-Forwarded-For: 192.0.2.7" "x` anybody could be anybody. An end can
//! be right only where an address stands before it. Where more than one can, somebody has forged the
//! line, and whoever does is one client of the name [`FORGED`]: a harvest that forges is as visible
//! as one that does not.

use super::text::{Cursor, count, present, status, without_port};
use super::{AccessRecord, Refusal, stamp};
use std::borrow::Cow;

/// The address of all who forge theirs.
const FORGED: &[u8] = b"forged";
/// Fields in quotes behind the user agent: request id, authority, upstream's host. A client's quotes
/// get into them at most where Envoy is told to keep its request ids; such a line is then `forged`.
const FIELDS_AFTER: usize = 3;
/// What stands between two fields in quotes.
const BETWEEN: &[u8] = b"\" \"";
/// Bytes of an address and the space before it at most.
const HOP_BYTES_MAX: usize = 64;
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
    // The third is in quotes, where Envoy has a number.
    let mut ahead = at;
    let (_details, _termination) = (ahead.word(), ahead.word());
    let is_istio = ahead.pass(b"\"").is_some();
    if is_istio {
        at = ahead;
        let _failure = at.until(b'"');
        at.pass(b" ").ok_or(Refusal::Malformed)?;
    }
    let _received = at.word();
    record.bytes = count(at.word());
    let (_duration, _upstream) = (at.word(), at.word());
    let target = match present(target) {
        Some(target) => target,
        None if method == b"-" => return Err(Refusal::NoRequest),
        None => return Err(Refusal::NoPath),
    };
    record.method = Cow::Borrowed(method);
    record.target = Cow::Borrowed(target);
    at.pass(b"\"").ok_or(Refusal::Malformed)?;
    match end_of_forwarded(at.0) {
        Some(end) => {
            record.forwarded = at.0.get(..end).and_then(present).map(Cow::Borrowed);
            at.0 = at.0.get(end + 1..).unwrap_or_default();
            record.user_agent = agent(at).and_then(present).map(Cow::Borrowed);
        }
        None => record.peer = Some(Cow::Borrowed(FORGED)),
    }
    if is_istio {
        record.peer = peer(at.0).and_then(present).map(Cow::Borrowed);
    }
    Ok(record)
}

/// Where the forwarded header ends in what follows its quote, unless that can be in several places.
fn end_of_forwarded(rest: &[u8]) -> Option<usize> {
    let ends: Vec<usize> = memchr::memmem::find_iter(rest, BETWEEN).collect();
    let possible = ends.get(..ends.len().saturating_sub(FIELDS_AFTER)).unwrap_or_default();
    if let [_, _, ..] = possible {
        let mut likely = possible.iter().filter(|end| ends_in_address(rest, **end));
        return likely.next().copied().filter(|_| likely.next().is_none());
    }
    // Formats with fewer fields have as few quotes as that.
    possible.first().copied().or_else(|| memchr::memchr(b'"', rest))
}

/// Whether what stands before this place is absent, or ends in an address.
fn ends_in_address(rest: &[u8], end: usize) -> bool {
    // There may be as many ends as bytes: no more is looked at than an address can have.
    let text = rest.get(end.saturating_sub(HOP_BYTES_MAX)..end).unwrap_or_default();
    let hop = text.rsplit(|it| *it == b',').next().unwrap_or_default().trim_ascii();
    let is_cut = hop.len() == HOP_BYTES_MAX;
    let of_address = |it: &u8| it.is_ascii_hexdigit() || matches!(it, b'.' | b':' | b'[' | b']');
    rest.get(..end) == Some(b"-") || !hop.is_empty() && !is_cut && hop.iter().all(of_address)
}

/// The connection's address: behind the last quote, where nothing that a client sends can have
/// spaces, `cluster local downstream-local downstream-remote server-name route`.
fn peer(rest: &[u8]) -> Option<&[u8]> {
    let end = memchr::memrchr(b'"', rest)?;
    let words: Vec<&[u8]> = rest.get(end + 1..)?.split(|it| *it == b' ').skip(1).collect();
    let [_, _, _, remote, _, _] = words.as_slice() else { return None };
    Some(without_port(remote))
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
