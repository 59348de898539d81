//! The JSON formats of one level: which key is which field, as tables.
//!
//! A format is a table and not code, so that adding one is a matter of reading its documentation.
//! Where several keys mean one field the table's order decides, not the line's: `request_uri` (what
//! the client sent) before `uri` (what nginx made of it).

use super::json::{Fields, Name, Names, Value, elements};
use super::text::{count, is_method, status, without_port};
use super::{AccessRecord, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// A format's keys, best first.
#[derive(Debug)]
pub(super) struct Keys {
    time: &'static [&'static [u8]],
    method: &'static [&'static [u8]],
    target: &'static [&'static [u8]],
    /// A query that `target` does not hold.
    query: &'static [&'static [u8]],
    status: &'static [&'static [u8]],
    bytes: &'static [&'static [u8]],
    peer: &'static [&'static [u8]],
    user: &'static [&'static [u8]],
    user_agent: &'static [&'static [u8]],
    forwarded: &'static [&'static [u8]],
    ja4: &'static [&'static [u8]],
}

/// nginx with `escape=json` and the usual keys; every number is a string. Seen on nginx 1.22.1, and on
/// HAProxy 2.6.12 told to write the same, which leaves out what of a header is no UTF-8.
pub(super) const NGINX: Keys = Keys {
    time: &[b"msec", b"time_iso8601", b"time", b"time_local", b"timestamp", b"@timestamp"],
    method: &[b"request_method", b"method"],
    target: &[b"request_uri", b"uri"],
    query: &[b"args"],
    status: &[b"status"],
    bytes: &[b"body_bytes_sent", b"bytes_sent"],
    peer: &[b"remote_addr"],
    user: &[b"remote_user"],
    user_agent: &[b"http_user_agent", b"user_agent"],
    forwarded: &[b"http_x_forwarded_for", b"x_forwarded_for"],
    ja4: &[b"ssl_ja4", b"ja4"],
};

/// Envoy's `json_format` with the usual keys, seen on Envoy 1.40.0; Istio's and Contour's keys, read
/// in their sources. Bytes of a header that is no UTF-8 are written as if they were Latin-1, and stay
/// so: nothing tells them from text.
pub(super) const ENVOY: Keys = Keys {
    time: &[b"start_time", b"@timestamp"],
    method: &[b"method"],
    target: &[b"path"],
    query: &[],
    status: &[b"response_code"],
    bytes: &[b"bytes_sent"],
    peer: &[b"downstream_direct_remote_address", b"downstream_remote_address"],
    user: &[b"user"],
    user_agent: &[b"user_agent"],
    forwarded: &[b"x_forwarded_for"],
    ja4: &[b"ja4", b"tls_ja4_fingerprint"],
};

/// Traefik JSON: headers only where they were asked for. Seen on Traefik 3.7.15.
///
/// `ClientHost` is the connection's address only where nobody is believed: with `forwardedHeaders` it
/// is `X-Forwarded-For` as it came, whatever that says, and so is read as what it is.
pub(super) const TRAEFIK: Keys = Keys {
    time: &[b"StartUTC", b"time"],
    method: &[b"RequestMethod"],
    target: &[b"RequestPath"],
    query: &[],
    status: &[b"DownstreamStatus"],
    bytes: &[b"DownstreamContentSize"],
    peer: &[b"ClientAddr", b"ClientHost"],
    user: &[b"ClientUsername"],
    user_agent: &[b"request_User-Agent"],
    forwarded: &[b"request_X-Forwarded-For", b"ClientHost"],
    ja4: &[],
};

/// A format's keys by their names in a decoder.
#[derive(Clone, Debug)]
pub(super) struct Table {
    time: Vec<Name>,
    method: Vec<Name>,
    target: Vec<Name>,
    query: Vec<Name>,
    status: Vec<Name>,
    bytes: Vec<Name>,
    peer: Vec<Name>,
    user: Vec<Name>,
    user_agent: Vec<Name>,
    forwarded: Vec<Name>,
    ja4: Vec<Name>,
}

impl Table {
    /// The table of a format, its keys added to the names.
    pub(super) fn new(keys: &Keys, names: &mut Names) -> Self {
        let mut all = |keys: &[&[u8]]| keys.iter().map(|it| names.add(it)).collect();
        Self {
            time: all(keys.time),
            method: all(keys.method),
            target: all(keys.target),
            query: all(keys.query),
            status: all(keys.status),
            bytes: all(keys.bytes),
            peer: all(keys.peer),
            user: all(keys.user),
            user_agent: all(keys.user_agent),
            forwarded: all(keys.forwarded),
            ja4: all(keys.ja4),
        }
    }

    /// Decodes an object.
    pub(super) fn decode<'a>(
        &self,
        fields: &Fields<'a>,
        zone: &TimeZone,
    ) -> Result<AccessRecord<'a>, Refusal> {
        let text = |names: &[Name]| names.iter().find_map(|it| fields.named(*it)?.text());
        let method = text(&self.method);
        let any_method = || self.method.iter().find_map(|it| fields.named(*it)?.method());
        let target = text(&self.target);
        let Some(target) = target else {
            // nginx logs empty fields, Envoy nulls, HAProxy `<BADREQ>` where it read no request.
            let was_read = method.as_deref().is_some_and(is_method);
            return Err(match (was_read, method.is_some() || text(&self.status).is_some()) {
                (true, _) => Refusal::NoPath,
                (false, true) => Refusal::NoRequest,
                (false, false) => Refusal::Malformed,
            });
        };
        let target = with_query(target, text(&self.query));
        let time = text(&self.time).ok_or(Refusal::BadTime)?;
        let peer = text(&self.peer).map(bare_address);
        Ok(AccessRecord {
            time: Some(stamp::any(&time, zone).ok_or(Refusal::BadTime)?),
            method: method.or_else(any_method).ok_or(Refusal::NoRequest)?,
            target,
            status: text(&self.status).and_then(|it| status(&it)),
            bytes: text(&self.bytes).and_then(|it| count(&it)),
            user: text(&self.user),
            user_agent: text(&self.user_agent),
            // The connection's own address is forwarded by nobody.
            forwarded: text(&self.forwarded).filter(|it| Some(it) != peer.as_ref()),
            peer,
            ja4: text(&self.ja4),
            ..AccessRecord::default()
        })
    }
}

impl Keys {
    /// Whether a key belongs to this format and to no other.
    pub(super) fn tells(&self, key: &[u8]) -> bool {
        let own = |keys: &[&[u8]]| keys.first() == Some(&key);
        own(self.target) && key != b"path" || own(self.status) && key != b"status" || own(self.peer)
    }
}

/// An address without the port that some formats write behind it.
pub(super) fn bare_address(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(without_port(text)),
        Cow::Owned(text) => Cow::Owned(without_port(&text).to_vec()),
    }
}

/// A target with the query of a field of its own, unless it has one already.
pub(super) fn with_query<'a>(target: Cow<'a, [u8]>, query: Option<Cow<'a, [u8]>>) -> Cow<'a, [u8]> {
    match query.filter(|_| memchr::memchr(b'?', &target).is_none()) {
        Some(query) => Cow::Owned([&*target, b"?", &*query].concat()),
        None => target,
    }
}

/// A value as a field, where the field is not set yet.
pub(super) fn text_of(value: Option<Value<'_>>) -> Option<Cow<'_, [u8]>> {
    value?.text()
}

/// A value as a field, the values of an array joined with `, ` as repeated headers are.
pub(super) fn joined(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    let Value::Array(bytes) = value else { return value.text() };
    let mut values = elements(bytes).into_iter().filter_map(Value::text);
    let first = values.next()?;
    let rest: Vec<_> = values.collect();
    if rest.is_empty() {
        return Some(first);
    }
    let all: Vec<&[u8]> = std::iter::once(&*first).chain(rest.iter().map(|it| &**it)).collect();
    Some(Cow::Owned(all.join(&b", "[..])))
}
