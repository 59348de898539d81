//! Caddy JSON. Seen on Caddy 2.11.7, which logs no request that it cannot read (nor does Traefik).
//!
//! The request is an object of its own, its headers are arrays (repeated headers are kept), and
//! the time is a float of seconds. `client_ip` is what Caddy makes of `X-Forwarded-For`: without
//! `trusted_proxies_strict` its leftmost address, which is the client's own text; so the connection's
//! address counts, and that header is read here, from the right.

use super::fields::{bare_address, joined, text_of};
use super::json::{Fields, Value};
use super::text::{count, status};
use super::{AccessRecord, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

pub(super) fn decode<'a>(
    fields: &Fields<'a>,
    zone: &TimeZone,
) -> Result<AccessRecord<'a>, Refusal> {
    let Some(Value::Object(request)) = fields.get(b"request") else {
        return Err(Refusal::Malformed);
    };
    let request = Fields::of(request)?;
    let time = text_of(fields.get(b"ts")).ok_or(Refusal::BadTime)?;
    let peer = text_of(request.get(b"remote_ip")).or_else(|| text_of(request.get(b"client_ip")));
    Ok(AccessRecord {
        time: Some(stamp::any(&time, zone).ok_or(Refusal::BadTime)?),
        method: request.get(b"method").and_then(Value::method).ok_or(Refusal::NoRequest)?,
        target: text_of(request.get(b"uri")).ok_or(Refusal::NoPath)?,
        status: text_of(fields.get(b"status")).and_then(|it| status(&it)),
        bytes: text_of(fields.get(b"size")).and_then(|it| count(&it)),
        peer: peer.map(bare_address),
        user: text_of(fields.get(b"user_id")),
        user_agent: header(&request, b"user-agent"),
        forwarded: header(&request, b"x-forwarded-for"),
        ..AccessRecord::default()
    })
}

/// A request header of a whole line.
pub(super) fn header_of<'a>(fields: &Fields<'a>, name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let Some(Value::Object(request)) = fields.get(b"request") else { return None };
    header(&Fields::of(request).ok()?, name)
}

/// A request header; repeated ones joined with `, `.
fn header<'a>(request: &Fields<'a>, name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let Some(Value::Object(headers)) = request.get(b"headers") else { return None };
    joined(Fields::of(headers).ok()?.get_any_case(name)?)
}
