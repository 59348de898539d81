//! Alertmanager v2: alerts as it stores them, posted again while they last.
//!
//! Labels are the identity there, so every value comes from the configuration or from a closed
//! list and none from a log: whoever writes the log must not choose which route an alert takes,
//! and one bad label would have the whole request refused. Who it is stands in the annotations.
//!
//! An active alert is posted without an end, so that Alertmanager's own clock and timeout decide
//! when a silent darban counts as gone; ours may differ.

use crate::alert::text::{self, Wording};
use crate::alert::{Alert, Client, Mode, Severity, Status};
use crate::time::Moment;
use serde_json::{Map, Value, json};

/// How often active alerts are posted again. Alertmanager forgets them over a restart, and ends
/// what it has not heard of for its `resolve_timeout`, 5 minutes unless configured.
pub const REPOST_MS: i64 = crate::time::MINUTE_MS;
/// Alerts in one request at most.
pub const ALERTS_A_REQUEST_MAX: usize = 64;

/// The alert as one element of a request. `wall` is the machine's clock: Alertmanager refuses
/// what begins in its future.
#[must_use]
pub fn posted(alert: &Alert, severity: Severity, wording: &Wording, wall: Moment) -> Value {
    let described: Vec<String> =
        text::details(alert).into_iter().map(|(label, it)| format!("{label}: {it}")).collect();
    let mut element = json!({
        "labels": labels(alert, severity),
        "annotations": {
            "summary": text::summary(alert),
            "description": described.join("\n"),
            "runbook_url": wording.runbook(alert.kind),
            "records": alert.records_out.estimate.to_string(),
            "records_error": alert.records_out.error.to_string(),
            "next_steps": text::next_steps(alert, wording).join("\n"),
        },
        "startsAt": alert.fired_at.min(wall),
    });
    if let Some(page) = wording.page(alert) {
        set(&mut element, "generatorURL", page.into());
    }
    if alert.status == Status::Resolved {
        set_end(&mut element, alert.fired_at.min(wall).max(alert.changed_at.min(wall)));
    }
    element
}

/// The same element under the labels of an earlier one: what ends an alert must be called what
/// it was called when it began.
#[must_use]
pub fn relabelled(mut element: Value, earlier: &Value) -> Value {
    if let Some(labels) = earlier.get("labels") {
        set(&mut element, "labels", labels.clone());
    }
    element
}

/// An earlier element, ended now: its successor has other labels.
#[must_use]
pub fn ended(earlier: &Value, wall: Moment) -> Value {
    let mut element = earlier.clone();
    set_end(&mut element, wall);
    element
}

/// The digest of what the budget held back: it lasts an hour without being posted again.
#[must_use]
pub fn digest(id: &str, words: &str, wall: Moment) -> Value {
    json!({
        "labels": { "alertname": "DarbanDigest", "severity": "ticket", "alert_id": id },
        "annotations": { "summary": words },
        "startsAt": wall,
        "endsAt": wall.plus(crate::time::HOUR_MS),
    })
}

/// The request body for some elements.
#[must_use]
pub fn body(elements: &[&Value]) -> Vec<u8> {
    serde_json::to_vec(elements).unwrap_or_default()
}

fn labels(alert: &Alert, severity: Severity) -> Value {
    let kind = alert.kind.name();
    let name = alert_name(kind);
    let label = |name: &str, value: &str| (name.to_owned(), Value::from(value));
    let labels = Map::from_iter([
        label("alertname", &name),
        label("alert_id", &alert.id),
        label("kind", kind),
        label("route", &alert.route),
        label("severity", severity_name(severity)),
        label("key_kind", alert.clients.first().map_or("unknown", key_name)),
        label("mode", if alert.mode == Mode::Observe { "observe" } else { "page" }),
    ]);
    Value::Object(labels)
}

/// `DarbanPassGuessing` for `pass_guessing`.
fn alert_name(kind: &str) -> String {
    let mut name = "Darban".to_owned();
    for word in kind.split('_') {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    }
}

const fn key_name(client: &Client) -> &'static str {
    client.key.name()
}

fn set_end(element: &mut Value, at: Moment) {
    set(element, "endsAt", at.to_string().into());
}

fn set(element: &mut Value, name: &str, value: Value) {
    if let Some(fields) = element.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::sample;
    use crate::attribute::KeyKind;

    #[test]
    fn an_alerts_name_has_its_kinds_words() {
        assert_eq!(alert_name("walk"), "DarbanWalk");
        assert_eq!(alert_name("pass_guessing"), "DarbanPassGuessing");
    }

    #[test]
    fn labels_hold_nothing_that_a_client_chose() {
        let mut alert = sample::alert();
        alert.clients = vec![Client { key: KeyKind::Fingerprint, id: "evil\u{202e}".to_owned() }];
        let element = posted(&alert, Severity::Ticket, &Wording::default(), sample::FIRED);
        assert_eq!(
            element["labels"],
            json!({
                "alertname": "DarbanWalk",
                "alert_id": "5f3a9c0b1d2e4f60",
                "kind": "walk",
                "route": "beneficiary",
                "severity": "ticket",
                "key_kind": "fingerprint",
                "mode": "page",
            })
        );
        assert_eq!(element["annotations"]["records"], "17");
        assert_eq!(element["startsAt"], "2026-11-21T19:30:16.042Z");
        assert_eq!(element.get("endsAt"), None);
    }

    #[test]
    fn an_end_is_never_in_the_future_nor_before_the_start_and_keeps_the_labels() {
        let mut alert = sample::alert();
        let wording = Wording::default();
        let early = posted(&alert, Severity::Ticket, &wording, sample::FIRED.plus(-5_000));
        assert_eq!(early["startsAt"], "2026-11-21T19:30:11.042Z");
        alert.status = Status::Resolved;
        let end = posted(&alert, Severity::Page, &wording, sample::FIRED.plus(500));
        assert_eq!(end["endsAt"], "2026-11-21T19:30:16.542Z");
        alert.changed_at = sample::FIRED.plus(-60_000);
        let end = posted(&alert, Severity::Page, &wording, sample::FIRED.plus(500));
        assert_eq!(end["endsAt"], end["startsAt"]);
        assert_eq!(relabelled(end, &early)["labels"], early["labels"]);
        let ended = ended(&early, sample::FIRED);
        assert_eq!(ended["labels"], early["labels"]);
        assert_eq!(ended["endsAt"], "2026-11-21T19:30:16.042Z");
    }
}
