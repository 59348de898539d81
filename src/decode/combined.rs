//! nginx `combined`, Apache `common` and `combined`, and ingress-nginx `upstreaminfo`: one line
//! that only differs in how far it goes. APISIX's `access.log` is the same with the host before the
//! request and the duration behind the size.
//!
//! `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent` is common; with
//! `"$http_referer" "$http_user_agent"` it is combined; with a request length, a time and the
//! upstream's name in brackets behind that it is ingress-nginx. Seen on nginx 1.22.1 and on two real
//! archives; ingress-nginx seen from nginx with its format; APISIX read in `apisix/cli/config.lua`.
//! Traefik's own text is combined too, with a count, two names and a duration behind it (read in
//! `pkg/middlewares/accesslog/logger_formatters.go`).

use super::text::{Cursor, count, is_protocol, present, request, status, unescape};
use super::{AccessRecord, Format, Refusal, stamp};
use crate::time::Moment;
use std::borrow::Cow;

/// Quotes behind the request in a line of Traefik's: of referrer, user agent, router and server.
const TRAEFIK_QUOTES: usize = 8;

pub(super) fn decode(line: &[u8]) -> Result<(Format, AccessRecord<'_>), Refusal> {
    let mut at = Cursor(line);
    let mut record = AccessRecord::default();
    let mut peer = at.word();
    let ident = at.word();
    // Apache's `vhost_combined` has the host in front.
    if is_address(ident) {
        peer = ident;
        at.word();
    }
    let user = before_time(&mut at).ok_or(Refusal::UnknownFormat)?;
    let time = at.until(b']');
    at.pass(b" ").ok_or(Refusal::Malformed)?;
    record.time = Some(stamp::clf(time).ok_or(Refusal::BadTime)?);
    // nginx escapes quotes in what a client says its host is, and refuses spaces there.
    let has_host = at.0.first().is_some_and(|it| *it != b'"');
    if has_host {
        at.word();
    }
    if let Some(found) = traefik(at, record.time, (peer, user)) {
        return found;
    }
    let line = at.quoted().ok_or(Refusal::Malformed)?;
    at.pass(b" ").ok_or(Refusal::Malformed)?;
    let code = at.word();
    record.status = status(code);
    if stamp::number(code).is_none() && code != b"-" {
        return Err(Refusal::Malformed);
    }
    record.bytes = count(at.word());
    record.peer = present(peer).map(Cow::Borrowed);
    record.user = present(user).map(unescape);
    let mut format = Format::ApacheCommon;
    if has_host {
        let duration = at.word();
        if !duration.first().is_some_and(u8::is_ascii_digit) && duration != b"-" {
            return Err(Refusal::Malformed);
        }
    }
    if at.quoted().is_some() {
        format = Format::NginxCombined;
        at.pass(b" ").ok_or(Refusal::Malformed)?;
        let agent = at.quoted().ok_or(Refusal::Malformed)?;
        record.user_agent = present(agent).map(unescape);
        if has_host {
            format = Format::ApisixText;
        } else if is_ingress(at) {
            format = Format::NginxIngress;
        }
    }
    request(&mut record, unescape(line))?;
    Ok((format, record))
}

fn is_address(word: &[u8]) -> bool {
    let of_address = |it: &u8| it.is_ascii_hexdigit() || matches!(it, b'.' | b':');
    word.iter().all(of_address) && word.iter().any(|it| matches!(it, b'.' | b':'))
}

/// Traefik's text, told by the `7ms` at its end, from the request's quote on. It escapes nothing, so a
/// quote in a query or a referrer would be the field's end; but Go lets no space into a target, and
/// neither into a protocol. The user agent is sure where the line has as many quotes as it should.
fn traefik<'a>(
    mut at: Cursor<'a>,
    time: Option<Moment>,
    (peer, user): (&'a [u8], &'a [u8]),
) -> Option<Result<(Format, AccessRecord<'a>), Refusal>> {
    let number = at.0.strip_suffix(b"ms")?;
    number.last().filter(|it| it.is_ascii_digit())?;
    at.pass(b"\"")?;
    let (method, target) = (at.word(), at.word());
    let protocol = at.until(b'"');
    if !is_protocol(protocol) || at.pass(b" ").is_none() {
        return None;
    }
    let mut record = AccessRecord {
        time,
        status: status(at.word()),
        bytes: count(at.word()),
        peer: present(peer).map(Cow::Borrowed),
        user: present(user).map(Cow::Borrowed),
        method: Cow::Borrowed(method),
        ..AccessRecord::default()
    };
    let is_plain = memchr::memchr_iter(b'"', at.0).count() == TRAEFIK_QUOTES;
    if is_plain && at.pass(b"\"").is_some() {
        let _referrer = at.until(b'"');
        let agent = at.pass(b" \"").map(|()| at.until(b'"'));
        record.user_agent = agent.and_then(present).map(Cow::Borrowed);
    }
    let target = present(target).ok_or(Refusal::NoPath);
    Some(target.map(|target| {
        record.target = Cow::Borrowed(target);
        (Format::NginxCombined, record)
    }))
}

/// The user's name; what is left begins with the time.
///
/// A name may hold spaces and brackets, and a client chooses it (basic authentication is logged
/// whatever its answer), but no quote that is not escaped: so the time stands in the last brackets
/// with a date before the request's quote. Read from the left, a client called `a [x` would have all
/// its lines refused.
fn before_time<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let all = at.0;
    let is_request = |quote: &usize| *quote > 0 && all.get(quote - 1) == Some(&b' ');
    let end = memchr::memchr_iter(b'"', all).find(is_request).unwrap_or(all.len());
    let mut brackets = memchr::memrchr_iter(b'[', all.get(..end)?)
        .filter(|open| *open == 0 || all.get(open - 1) == Some(&b' '));
    let is_date = |open: &usize| all.get(open + 3) == Some(&b'/');
    let open = brackets.clone().find(is_date).or_else(|| brackets.next())?;
    at.0 = all.get(open + 1..)?;
    all.get(..open.saturating_sub(1))
}

/// ` 250 0.001 [upstream] …`.
fn is_ingress(mut at: Cursor<'_>) -> bool {
    at.pass(b" ").is_some()
        && count(at.word()).is_some()
        && at.word().first().is_some_and(u8::is_ascii_digit)
        && at.0.first() == Some(&b'[')
}
