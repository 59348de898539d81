//! Requests as access records in process: what a decoder would have made of the line, without the
//! line.

use super::request::{Request, Who};
use crate::decode::AccessRecord;
use std::borrow::Cow;

/// The place of the session's header among the decoder's extras, under the portal's own
/// configuration ([`config_toml`](super::config_toml)).
pub const SESSION_EXTRA: usize = 0;
/// The place of the field with the id of a request's body.
pub const IDENTITY_EXTRA: usize = 1;
/// The place of the field with the district of whom was found, where the portal's ids do not tell it.
pub const DISTRICT_EXTRA: usize = 2;

/// Where the texts of one request stand while its record is in use.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    target: Vec<u8>,
    address: Vec<u8>,
    name: Vec<u8>,
    body: Vec<u8>,
    district: Vec<u8>,
}

/// The record of a request, borrowed from `scratch`. It equals what decoding the request's line
/// gives in the formats that carry everything (nginx JSON, Envoy JSON, Caddy, Traefik), but for
/// what a format adds: the time is exact to the millisecond.
pub fn as_record<'a>(request: &Request, scratch: &'a mut Scratch) -> AccessRecord<'a> {
    scratch.target.clear();
    scratch.address.clear();
    scratch.name.clear();
    scratch.body.clear();
    scratch.district.clear();
    request.route.write_target(request.subject, &mut scratch.target);
    write_address(request.client.address, &mut scratch.address);
    request.client.who.write(&mut scratch.name);
    if request.route.has_body() {
        request.subject.write(&mut scratch.body);
    }
    let named = request.named_district();
    if let Some(district) = named {
        super::id::decimal(&mut scratch.district, u64::from(district), 1);
    }
    let mut record = AccessRecord {
        time: Some(request.at),
        method: Cow::Borrowed(request.route.method().as_bytes()),
        target: Cow::Borrowed(&scratch.target),
        status: Some(request.status),
        bytes: Some(u64::from(request.bytes)),
        peer: Some(Cow::Borrowed(&scratch.address)),
        user_agent: Some(Cow::Borrowed(request.agent.text().as_bytes())),
        ..AccessRecord::default()
    };
    if request.route.has_body() {
        record.extras.set(IDENTITY_EXTRA, Cow::Borrowed(&scratch.body));
    }
    if named.is_some() {
        record.extras.set(DISTRICT_EXTRA, Cow::Borrowed(&scratch.district));
    }
    match request.client.who {
        Who::Nobody => {}
        Who::Session(_) => record.extras.set(SESSION_EXTRA, Cow::Borrowed(&scratch.name)),
        Who::Staff(_) | Who::Partner(_) => record.user = Some(Cow::Borrowed(&scratch.name)),
    }
    record
}

/// Appends an address as `a.b.c.d`.
pub(super) fn write_address(address: std::net::Ipv4Addr, out: &mut Vec<u8>) {
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        super::id::decimal(out, u64::from(octet), 1);
    }
}
