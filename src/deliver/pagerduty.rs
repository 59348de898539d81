//! PagerDuty Events v2: pages, and the ends of pages.
//!
//! The deduplication key is the alert's id, which contains the episode: a message that is sent
//! twice while the incident is open changes nothing, and a harvest that begins again after its
//! end is a new incident. An update is a trigger under the same key, which shows in the incident
//! and wakes nobody.

use super::receiver::Secret;
use crate::alert::Alert;
use crate::alert::text::{self, Wording};
use serde_json::{Map, Value, json};

/// PagerDuty's limit for an event.
pub const EVENT_BYTES_MAX: usize = 512 * 1_024;

/// The event that opens or updates an incident, without the routing key.
#[must_use]
pub fn trigger(alert: &Alert, wording: &Wording) -> Value {
    let mut details: Map<String, Value> =
        text::details(alert).into_iter().map(|(label, it)| (label.to_owned(), it.into())).collect();
    details.insert("next steps".to_owned(), text::next_steps(alert, wording).into());
    let topic = alert.offsets.first().map_or("darban", |it| &*it.topic);
    let mut event = json!({
        "event_action": "trigger",
        "dedup_key": alert.id,
        "client": "darban",
        "payload": {
            "summary": text::summary(alert),
            "source": crate::alert::escape_text(topic),
            "severity": "critical",
            "timestamp": alert.fired_at,
            "component": alert.route,
            "class": alert.kind.name(),
            "custom_details": details,
        },
        "links": links(alert, wording),
    });
    if let (Some(page), Some(fields)) = (wording.page(alert), event.as_object_mut()) {
        fields.insert("client_url".to_owned(), page.into());
    }
    event
}

/// The event that ends an incident, without the routing key.
#[must_use]
pub fn resolve(id: &str) -> Value {
    json!({ "event_action": "resolve", "dedup_key": id })
}

/// The request body: the event with the routing key, and without its details where they would
/// take it over PagerDuty's limit, because a page with less in it is better than a refused one.
#[must_use]
pub fn body(event: &Value, routing_key: &Secret) -> Vec<u8> {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.insert("routing_key".to_owned(), routing_key.expose().into());
    }
    let body = event.to_string().into_bytes();
    if body.len() <= EVENT_BYTES_MAX {
        return body;
    }
    if let Some(payload) = event.get_mut("payload").and_then(Value::as_object_mut) {
        payload.insert("custom_details".to_owned(), "too long for PagerDuty".into());
    }
    event.to_string().into_bytes()
}

/// PagerDuty shows web addresses only; a runbook in a folder stands among the next steps.
fn links(alert: &Alert, wording: &Wording) -> Vec<Value> {
    let runbook = Some(("Runbook", wording.runbook(alert.kind)));
    let page = wording.page(alert).map(|page| ("Alert", page));
    let web = |(_, href): &(&str, String)| href.starts_with("http");
    let links = runbook.into_iter().chain(page).filter(web);
    links.map(|(text, href)| json!({ "href": href, "text": text })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, OffsetSpan, sample};
    use crate::attribute::KeyKind;

    #[test]
    fn a_trigger_has_what_events_v2_requires_and_a_resolve_names_the_same_key() {
        let wording = Wording {
            runbooks: "https://runbooks.example".to_owned(),
            pages: Some("http://darban.example".to_owned()),
            ..Wording::default()
        };
        let event = trigger(&sample::alert(), &wording);
        assert_eq!(event["event_action"], "trigger");
        assert_eq!(event["dedup_key"], "5f3a9c0b1d2e4f60");
        assert_eq!(event["payload"]["severity"], "critical");
        assert_eq!(event["payload"]["source"], "access");
        assert_eq!(event["payload"]["timestamp"], "2026-11-21T19:30:16.042Z");
        assert_eq!(event["payload"]["custom_details"]["streams"], "walk 9.1, volume 4.0");
        assert_eq!(event["links"][0]["href"], "https://runbooks.example/walk.md");
        assert_eq!(event["client_url"], "http://darban.example/alerts/5f3a9c0b1d2e4f60");
        assert_eq!(resolve("5f3a9c0b1d2e4f60")["dedup_key"], event["dedup_key"]);
        assert!(
            trigger(&sample::alert(), &Wording::default())["links"].as_array().unwrap().is_empty()
        );
    }

    #[test]
    fn the_key_is_in_the_request_only_and_the_longest_alert_fits() {
        let mut alert = sample::alert();
        let long = "\u{10ffff}\u{1b}".repeat(5_000);
        alert.clients =
            (0..1_000).map(|_| Client { key: KeyKind::Fingerprint, id: long.clone() }).collect();
        alert.examples = vec![long.clone(); 3];
        alert.route = long.as_str().into();
        alert.offsets = (0..5_000)
            .map(|partition| OffsetSpan {
                topic: long.as_str().into(),
                partition,
                first: i64::MIN,
                last: i64::MAX,
            })
            .collect();
        let event = trigger(&alert, &Wording::default());
        assert!(!event.to_string().contains("R0UT1NG"));
        let body = body(&event, &Secret::new("R0UT1NG"));
        assert!(body.len() < EVENT_BYTES_MAX / 2, "{}", body.len());
        assert!(String::from_utf8(body).unwrap().contains("\"routing_key\":\"R0UT1NG\""));
        let huge = json!({ "payload": { "summary": "s", "custom_details": long.repeat(30) } });
        assert!(super::body(&huge, &Secret::new("k")).len() < 200);
    }
}
