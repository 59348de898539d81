//! HAProxy `httplog` and `httpslog`, with or without a syslog header. Seen on HAProxy 2.6.12.
//!
//! Times are local and without a zone, so the zone comes from the configuration. Captured headers
//! stand in braces with `|` between them and hexadecimal escapes (`#22`); of a repeated one the last
//! is logged. Which header is which does not stand there: the configuration names them.
//!
//! HAProxy cuts a request line at a kilobyte (`tune.http.logurilen`) and the whole line at another
//! (`len` behind the address of `log`), and answers the request all the same: whoever pads a query
//! would be gone from the log if such a line were refused. What stands before a cut is true: the
//! path where a query follows it, and parameters up to the last `&`. A path that is cut itself may be
//! anybody's, and is refused as such. No line without a protocol was read otherwise: HAProxy
//! refuses HTTP/0.9.

use super::text::{Cursor, count, is_protocol, present, request, status};
use super::{AccessRecord, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

pub(super) fn decode<'a>(line: &'a [u8], zone: &TimeZone) -> Result<AccessRecord<'a>, Refusal> {
    let (peer, time, mut at) = anchor(line).ok_or(Refusal::UnknownFormat)?;
    let mut record = AccessRecord {
        time: Some(stamp::clf_in(time, zone).ok_or(Refusal::BadTime)?),
        peer: present(address(peer)).map(Cow::Borrowed),
        ..AccessRecord::default()
    };
    at.pass(b" ").ok_or(Refusal::Malformed)?;
    let (_frontend, _backend, _timers) = (at.word(), at.word(), at.word());
    record.status = status(at.word());
    record.bytes = count(at.word());
    let (_cookie, _set_cookie, _flags) = (at.word(), at.word(), at.word());
    let (_connections, _queues) = (at.word(), at.word());
    // The request's headers, then those of the answer.
    for _ in 0..2 {
        if at.0.first() == Some(&b'{') {
            at.pass(b"{").ok_or(Refusal::Malformed)?;
            let fields = at.until(b'}');
            at.pass(b" ").ok_or(Refusal::Malformed)?;
            record.captures.extend(fields.split(|it| *it == b'|').map(unescape));
        }
    }
    at.pass(b"\"").ok_or(Refusal::Malformed)?;
    // Quotes inside a request line are escaped as `#22`, so the next one ends it.
    let line = at.until(b'"');
    if line == b"<BADREQ>" {
        return Err(Refusal::NoRequest);
    }
    let is_whole = line.rsplit(|it| *it == b' ').next().is_some_and(is_protocol);
    let line = if is_whole { line } else { before_cut(line).ok_or(Refusal::CutRequest)? };
    request(&mut record, unescape(line))?;
    Ok(record)
}

/// `client:port`. An IPv6 address has no brackets here, so the last colon parts the port.
fn address(peer: &[u8]) -> &[u8] {
    memchr::memrchr(b':', peer).and_then(|at| peer.get(..at)).unwrap_or(peer)
}

/// What is whole in a request line that is cut: nothing where that is the path.
fn before_cut(line: &[u8]) -> Option<&[u8]> {
    let query = memchr::memchr(b'?', line)?;
    line.get(..memchr::memrchr(b'&', line).filter(|it| *it > query).unwrap_or(query))
}

/// Client, time, and what follows the time's bracket. The client stands right before the bracket;
/// whatever syslog wrote stands before the client.
fn anchor(line: &[u8]) -> Option<(&[u8], &[u8], Cursor<'_>)> {
    let open = memchr::memmem::find(line, b" [")?;
    let before = line.get(..open)?;
    let mut rest = Cursor(line.get(open + 2..)?);
    let start = memchr::memrchr(b' ', before).map_or(0, |it| it + 1);
    let peer = before.get(start..)?;
    let time = rest.until(b']');
    memchr::memchr(b':', peer)?;
    (time.get(2) == Some(&b'/')).then_some((peer, time, rest))
}

fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'#', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'#', [high, low, after @ ..]) if let Some(it) = super::text::hex(*high, *low) => {
                out.push(it);
                rest = after;
            }
            _ => out.push(*byte),
        }
    }
    Cow::Owned(out)
}
