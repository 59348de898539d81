//! Any program that takes webhooks, by Standard Webhooks 1.0.0.
//!
//! A body of type, time and data; an id that stays the same however often a message is sent, so
//! that a receiver can tell a repetition; and a signature over id, time of the attempt and body,
//! so that nobody else can send one and none can be played again later. Only 2xx is an arrival;
//! 410 means that the receiver wants no more, and it gets no more until the next start.
//!
//! The schedule of the standard's example (5 s, 5 m, 30 m, hours) is not ours: it is meant for
//! news, and a page has to leave within a minute of its receiver's return. The crate of the
//! standard was not taken: its last release is of March 2024 and rests on a second library of
//! times; what is left without it is one call of HMAC.

use super::http::Request;
use super::notification::{Action, Notification};
use super::receiver::Endpoint;
use crate::alert::text::{self, Wording};
use crate::alert::{Alert, Client};
use crate::time::{Moment, SECOND_MS};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use serde_json::{Value, json};
use std::fmt;

/// The standard's limit for a body.
pub const BODY_BYTES_MAX: usize = 20_000;
/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret that the standard asks for.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Secrets in force at once: the new one and the one that it replaces.
const KEYS_MAX: usize = 2;
/// Clients and offset spans in one body, then fewer until it fits; the page has all.
const LISTED: [usize; 4] = [100, 20, 5, 0];

/// The secrets that messages are signed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeys(Vec<Vec<u8>>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "holds no secret: `whsec_` and base64 of 24 to 64 bytes, at most two while one is replaced"
)]
pub struct SigningKeysError;

impl SigningKeys {
    /// Reads one secret, or two with white space between them.
    ///
    /// # Errors
    /// Where the text is neither.
    pub fn parse(text: &str) -> Result<Self, SigningKeysError> {
        let key = |it: &str| {
            let bytes = STANDARD.decode(it.strip_prefix(SECRET_PREFIX)?).ok()?;
            KEY_BYTES.contains(&bytes.len()).then_some(bytes)
        };
        let keys: Option<Vec<Vec<u8>>> = text.split_whitespace().map(key).collect();
        let keys = keys.filter(|it| (1..=KEYS_MAX).contains(&it.len()));
        keys.map(Self).ok_or(SigningKeysError)
    }

    /// The value of `webhook-signature`: one signature a secret.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signed = |key: &Vec<u8>| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let mut context = hmac::Context::with_key(&key);
            context.update(format!("{id}.{seconds}.").as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.0.iter().map(signed).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({} of them)", self.0.len())
    }
}

/// The body for a change: the alert as `replay` prints it, with its summary and where to read on,
/// and fewer of its clients where they would take it over the limit.
#[must_use]
pub fn event(alert: &Alert, action: Action, wording: &Wording) -> Value {
    let mut alert = alert.clone();
    for listed in LISTED {
        alert.clients.truncate(listed);
        alert.offsets.truncate(listed);
        let event = enveloped(action, alert.changed_at, &whole(&alert, wording));
        if event.to_string().len() < BODY_BYTES_MAX {
            return event;
        }
    }
    enveloped(action, alert.changed_at, &least(&alert))
}

/// The digest of what the budget held back.
#[must_use]
pub fn digest(id: &str, words: &str, wall: Moment) -> Value {
    // JSON makes six bytes of a character at most.
    let summary = text::clipped(words, BODY_BYTES_MAX / 8);
    enveloped(Action::Digest, wall, &json!({ "id": id, "summary": summary }))
}

fn enveloped(action: Action, at: Moment, data: &Value) -> Value {
    let kind = match action {
        Action::Trigger => "alert.firing",
        Action::Update => "alert.updated",
        Action::Resolve => "alert.resolved",
        Action::Digest => "digest",
    };
    json!({ "type": kind, "timestamp": at, "data": data })
}

fn whole(alert: &Alert, wording: &Wording) -> Value {
    let mut data = serde_json::to_value(alert).unwrap_or_default();
    if let Some(fields) = data.as_object_mut() {
        fields.insert("summary".to_owned(), text::summary(alert).into());
        fields.insert("runbook".to_owned(), wording.runbook(alert.kind).into());
        fields.extend(wording.page(alert).map(|page| ("page".to_owned(), page.into())));
    }
    data
}

/// What is left where a single name is as long as a body may be.
fn least(alert: &Alert) -> Value {
    json!({
        "id": alert.id,
        "status": alert.status,
        "severity": alert.severity,
        "kind": alert.kind,
        "clients": Vec::<Client>::new(),
        "members_total": alert.members_total,
        "records_out": alert.records_out,
        "summary": "too long for a webhook",
    })
}

/// The message's id: the same each time it is sent, and after a crash, and another one where a
/// ticket becomes a page without anything else: a receiver must not take the page for the ticket
/// again. It has no full stop, which would make the signed text ambiguous.
#[must_use]
pub fn id(notification: &Notification) -> String {
    let action = match notification.action {
        Action::Trigger => "firing",
        Action::Update => "updated",
        Action::Resolve => "resolved",
        Action::Digest => "digest",
    };
    let (id, at, records) = (&notification.id, notification.changed_ms, notification.records);
    let severity = if notification.page { "page" } else { "ticket" };
    format!("msg_{id}_{action}_{severity}_{at}_{records}")
}

/// The request for a message, signed for an attempt at `wall`.
pub(super) fn request(
    url: &Endpoint,
    keys: &SigningKeys,
    notification: &Notification,
    wall: Moment,
) -> Request {
    let body = notification.body.to_string().into_bytes();
    let (id, seconds) = (id(notification), wall.index(SECOND_MS));
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-signature", keys.sign(&id, seconds, &body)),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-id", id),
    ] {
        // An alert's id is hexadecimal, so every value is one of a header.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Request { url: url.url().clone(), headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::sample;
    use crate::attribute::KeyKind;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_published_example_has_the_published_signature() {
        let keys = SigningKeys::parse(SECRET).unwrap();
        let signature =
            keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign_and_neither_is_shown() {
        let other = format!("whsec_{}", STANDARD.encode([7; 32]));
        let both = SigningKeys::parse(&format!("{other}\n{SECRET}\n")).unwrap();
        let signatures = both.sign("msg", 1, b"{}");
        let own = SigningKeys::parse(SECRET).unwrap().sign("msg", 1, b"{}");
        assert_eq!(signatures.split(' ').nth(1), Some(own.as_str()));
        assert_eq!(format!("{both:?}"), "SigningKeys(2 of them)");
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", &short] {
            assert_eq!(SigningKeys::parse(text), Err(SigningKeysError), "{text}");
        }
        assert!(SigningKeys::parse(&format!("{SECRET} {SECRET} {SECRET}")).is_err());
    }

    #[test]
    fn a_page_is_never_taken_for_the_ticket_that_it_was_in_the_same_moment() {
        let ticket = Notification {
            seq: 1,
            target: "hook".to_owned(),
            id: "5f3a9c0b1d2e4f60".to_owned(),
            action: Action::Trigger,
            page: false,
            records: 17,
            changed_ms: 1_000,
            queued_ms: 0,
            due_ms: 0,
            body: Value::Null,
        };
        let page = Notification { page: true, ..ticket.clone() };
        assert_eq!(id(&page), "msg_5f3a9c0b1d2e4f60_firing_page_1000_17");
        assert_ne!(id(&ticket), id(&page));
        assert_eq!(id(&page), id(&Notification { seq: 9, queued_ms: 5, ..page.clone() }));
    }

    #[test]
    fn a_body_is_type_time_and_the_alert_under_its_contract_names() {
        let event = event(&sample::alert(), Action::Trigger, &Wording::default());
        assert_eq!(event["type"], "alert.firing");
        assert_eq!(event["timestamp"], sample::alert().changed_at.to_string());
        assert_eq!(event["data"]["id"], "5f3a9c0b1d2e4f60");
        assert_eq!(event["data"]["clients"][0]["id"], "clinic-17");
        assert_eq!(event["data"]["runbook"], "deploy/runbooks/walk.md");
        assert_eq!(event.as_object().unwrap().len(), 3);
    }

    #[test]
    fn the_longest_alert_and_the_longest_digest_are_below_the_limit() {
        let mut alert = sample::alert();
        for length in [10, 1_000, 100_000] {
            let id = "\u{1}".repeat(length);
            alert.clients = vec![Client { key: KeyKind::Fingerprint, id }; 1_000];
            alert.members_total = 5_000;
            let event = event(&alert, Action::Update, &Wording::default());
            assert!(event.to_string().len() < BODY_BYTES_MAX, "{length}");
            assert_eq!(event["data"]["members_total"], 5_000);
        }
        alert.route = "\u{1}".repeat(100_000).as_str().into();
        let least = event(&alert, Action::Update, &Wording::default()).to_string();
        assert!(least.len() < BODY_BYTES_MAX && least.contains("5f3a9c0b1d2e4f60"));
        let digest = digest("digest-1", &"\u{10ffff}".repeat(100_000), sample::FIRED);
        assert!(digest.to_string().len() < BODY_BYTES_MAX);
    }
}
