//! What the text formats share: a cursor from the left, quoted fields, request lines.
//!
//! In text only what is anchored from the left can be trusted: what a client sends may contain
//! anything that follows.

use super::{AccessRecord, Refusal};
use std::borrow::Cow;
use std::ops::Range;

/// Statuses with which a gateway itself answers a request that it could not read: a request line
/// without a protocol was then cut on the wire. Otherwise it is an old client's (HTTP/0.9).
const UNREAD: &[u16] = &[0, 400, 408, 413, 414, 431, 494, 495, 496, 497, 498, 499];

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Up to the next space, which is passed.
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.until(b' ')
    }

    /// Up to the next such byte, which is passed; everything where there is none.
    pub(super) fn until(&mut self, byte: u8) -> &'a [u8] {
        let end = memchr::memchr(byte, self.0).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest.get(1..).unwrap_or_default();
        word
    }

    /// Passes this text.
    pub(super) fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A field in quotes inside which quotes and backslashes are escaped by a backslash (nginx,
    /// Apache); raw, without the quotes.
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(b"\"")?;
        let mut at = 0;
        loop {
            at += memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
            if rest.get(at) == Some(&b'"') {
                self.0 = rest.get(at + 1..)?;
                return rest.get(..at);
            }
            at += 2;
        }
    }
}

/// Undoes `\xHH`, `\"`, `\\`, `\n`, `\t` and the like (nginx, Apache).
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        match rest {
            [b'x', high, low, after @ ..] if let Some(it) = hex(*high, *low) => {
                out.push(it);
                rest = after;
            }
            [escape, after @ ..] => {
                let byte = match escape {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 8,
                    b'v' => 11,
                    other => *other,
                };
                if byte == *escape && !matches!(escape, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(byte);
                rest = after;
            }
            [] => out.push(b'\\'),
        }
    }
    Cow::Owned(out)
}

/// The byte of two hexadecimal digits.
pub(super) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |it: u8| char::from(it).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// A field as text: `-` and nothing are absent.
pub(super) fn present(raw: &[u8]) -> Option<&[u8]> {
    (!raw.is_empty() && raw != b"-").then_some(raw)
}

/// An address without its port: `1.2.3.4:80`, `[::1]:80`.
pub(super) fn without_port(text: &[u8]) -> &[u8] {
    if let Some(rest) = text.strip_prefix(b"[") {
        return rest.split(|it| *it == b']').next().unwrap_or(rest);
    }
    match memchr::memchr(b':', text) {
        // One colon parts the port; more are an IPv6 address without brackets.
        Some(at) if memchr::memrchr(b':', text) == Some(at) => text.get(..at).unwrap_or(text),
        _ => text,
    }
}

/// A status: three digits, or `-` and 0 for none.
pub(super) fn status(text: &[u8]) -> Option<u16> {
    let number = super::stamp::number(text)?;
    u16::try_from(number).ok().filter(|it| *it > 0)
}

/// A count of bytes; `-` is none.
pub(super) fn count(text: &[u8]) -> Option<u64> {
    super::stamp::number(text).and_then(|it| u64::try_from(it).ok())
}

/// Method and target of a request line whose escapes are undone. The record's status must be set:
/// it tells a cut request line from an old client's.
pub(super) fn request<'a>(
    record: &mut AccessRecord<'a>,
    line: Cow<'a, [u8]>,
) -> Result<(), Refusal> {
    let (method, target) = spans(&line, record.status)?;
    match line {
        Cow::Borrowed(line) => {
            record.method = Cow::Borrowed(line.get(method).unwrap_or_default());
            record.target = Cow::Borrowed(line.get(target).unwrap_or_default());
        }
        Cow::Owned(line) => {
            record.method = Cow::Owned(line.get(method).unwrap_or_default().to_vec());
            record.target = Cow::Owned(line.get(target).unwrap_or_default().to_vec());
        }
    }
    Ok(())
}

/// Where method and target stand in a request line.
fn spans(line: &[u8], status: Option<u16>) -> Result<(Range<usize>, Range<usize>), Refusal> {
    let unread = UNREAD.contains(&status.unwrap_or(0));
    // nginx takes spaces behind the protocol, and writes them.
    let behind = line.iter().rev().take_while(|it| **it == b' ').count();
    let line = line.get(..line.len() - behind).unwrap_or_default();
    let start = line.iter().position(|it| *it != b' ').ok_or(Refusal::NoRequest)?;
    if line.get(start..) == Some(b"-") {
        return Err(Refusal::NoRequest);
    }
    let length = memchr::memchr(b' ', line.get(start..).unwrap_or_default());
    let method = start..length.map_or(line.len(), |it| start + it);
    // A hello of TLS on a port without it, for one.
    if !is_method(line.get(method.clone()).unwrap_or_default()) {
        return Err(Refusal::NoRequest);
    }
    if length.is_none() {
        return Err(if unread { Refusal::CutRequest } else { Refusal::NoPath });
    }
    let mut target = method.end + 1..line.len();
    match memchr::memrchr(b' ', line) {
        Some(at) if is_protocol(line.get(at + 1..).unwrap_or_default()) => target.end = at,
        _ if unread => return Err(Refusal::CutRequest),
        _ => {}
    }
    while line.get(target.start) == Some(&b' ') && target.start < target.end {
        target.start += 1;
    }
    while target.end > target.start && line.get(target.end - 1) == Some(&b' ') {
        target.end -= 1;
    }
    match line.get(target.clone()).unwrap_or_default() {
        b"" | b"-" => Err(Refusal::NoPath),
        _ => Ok((method, target)),
    }
}

/// Whether this may be a method, which is any token (RFC 9110, 5.6.2): gateways write `<BADREQ>` or
/// nothing where they read none.
pub(super) fn is_method(text: &[u8]) -> bool {
    let is_token = |it: &u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(it);
    !text.is_empty() && text.iter().all(is_token)
}

/// Whether this is the last word of a whole request line. nginx takes any number of zeros in a
/// version.
pub(super) fn is_protocol(text: &[u8]) -> bool {
    let Some((name, version)) = text.split_at_checked(5) else { return false };
    let is_version = version.iter().all(|it| it.is_ascii_digit() || *it == b'.');
    name.eq_ignore_ascii_case(b"HTTP/") && is_version
}
