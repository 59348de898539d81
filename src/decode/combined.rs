//! nginx `combined`, Apache `common` and `combined`, and ingress-nginx `upstreaminfo`: one line
//! that only differs in how far it goes. APISIX's `access.log` is the same with the host before the
//! request and the duration behind the size.
//!
//! `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent` is common; with
//! `"$http_referer" "$http_user_agent"` it is combined; with a request length, a time and the
//! upstream's name in brackets behind that it is ingress-nginx. Seen on nginx 1.22.1 and on two real
//! archives; ingress-nginx seen from nginx with its format; APISIX read in `apisix/cli/config.lua`.

use super::text::{Cursor, count, present, request, status, unescape};
use super::{AccessRecord, Format, Refusal, stamp};
use std::borrow::Cow;

pub(super) fn decode(line: &[u8]) -> Result<(Format, AccessRecord<'_>), Refusal> {
    let mut at = Cursor(line);
    let mut record = AccessRecord::default();
    let peer = at.word();
    let _ident = at.word();
    let user = before_time(&mut at).ok_or(Refusal::UnknownFormat)?;
    let time = at.until(b']');
    at.pass(b" ").ok_or(Refusal::Malformed)?;
    record.time = Some(stamp::clf(time).ok_or(Refusal::BadTime)?);
    // nginx escapes quotes in what a client says its host is, and refuses spaces there.
    let has_host = at.0.first().is_some_and(|it| *it != b'"');
    if has_host {
        at.word();
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
