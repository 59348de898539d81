//! JSON of any shape, by pointers from the configuration.

use super::fields::{bare_address, with_query};
use super::json::{Fields, Value, pointer};
use super::text::{count, status};
use super::{AccessRecord, Refusal, stamp};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// Where the fields stand: JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomPointers {
    /// The time, in any form that any format writes.
    pub time: String,
    /// Path and query, or the path alone.
    pub path: String,
    /// The query, where the path is alone.
    pub query: Option<String>,
    /// The method; GET where there is no pointer.
    pub method: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// Bytes of the answer.
    pub bytes: Option<String>,
    /// The connection's address.
    pub peer: Option<String>,
    /// The authenticated user.
    pub user: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `X-Forwarded-For` header.
    pub forwarded: Option<String>,
    /// The JA4 fingerprint.
    pub ja4: Option<String>,
}

pub(super) fn decode<'a>(
    fields: &Fields<'a>,
    at: &CustomPointers,
    zone: &TimeZone,
) -> Result<AccessRecord<'a>, Refusal> {
    let text = |it: &str| pointer(fields, it)?.text();
    let optional = |it: &Option<String>| text(it.as_ref()?);
    let time = text(&at.time).ok_or(Refusal::BadTime)?;
    let target = with_query(text(&at.path).ok_or(Refusal::NoPath)?, optional(&at.query));
    let method = match &at.method {
        None => Cow::Borrowed(&b"GET"[..]),
        Some(at) => pointer(fields, at).and_then(Value::method).ok_or(Refusal::NoRequest)?,
    };
    Ok(AccessRecord {
        time: Some(stamp::any(&time, zone).ok_or(Refusal::BadTime)?),
        method,
        target,
        status: optional(&at.status).and_then(|it| status(&it)),
        bytes: optional(&at.bytes).and_then(|it| count(&it)),
        peer: optional(&at.peer).map(bare_address),
        user: optional(&at.user),
        user_agent: optional(&at.user_agent),
        forwarded: optional(&at.forwarded),
        ja4: optional(&at.ja4),
        ..AccessRecord::default()
    })
}
