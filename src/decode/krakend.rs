//! KrakenD's community edition, whose access log is Gin's. Read in KrakenD's documentation, not seen.
//!
//! `[GIN] 2026/11/21 - 19:30:16 | 200 |   4.529µs |  172.17.0.1 | GET      "/user/foo"`: local time
//! to the second, nothing but the address to tell a client by. The path is a quoted string of Go.

use super::text::{Cursor, present, status, unescape};
use super::{AccessRecord, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// What every line begins with.
pub(super) const BEGINS: &[u8] = b"[GIN] ";

pub(super) fn decode<'a>(line: &'a [u8], zone: &TimeZone) -> Result<AccessRecord<'a>, Refusal> {
    let mut at = Cursor(line);
    at.pass(BEGINS).ok_or(Refusal::UnknownFormat)?;
    let time = stamp::gin_in(at.until(b'|').trim_ascii(), zone).ok_or(Refusal::BadTime)?;
    let status = status(at.until(b'|').trim_ascii());
    let _latency = at.until(b'|');
    let peer = present(at.until(b'|').trim_ascii()).map(Cow::Borrowed);
    let mut at = Cursor(at.0.trim_ascii_start());
    let method = Some(at.word()).filter(|it| !it.is_empty()).ok_or(Refusal::NoRequest)?;
    let mut at = Cursor(at.0.trim_ascii_start());
    let target = present(at.quoted().ok_or(Refusal::Malformed)?).ok_or(Refusal::NoPath)?;
    Ok(AccessRecord {
        time: Some(time),
        method: Cow::Borrowed(method),
        target: unescape(target),
        status,
        peer,
        ..AccessRecord::default()
    })
}
