//! Operations of Jira Service Management (Opsgenie's heir), by its integration events.
//!
//! The alias is the alert's id: while an alert with it is open a second creation joins it, and one
//! after its end is a new alert, as it should be. A creation that joins changes no text, so an
//! update is a note on the open alert. It gets pages alone, as PagerDuty does: whoever is on call
//! is told, and a ticket that became a page under the same alias would join silently.

use super::http::Request;
use super::notification::{Action, Notification};
use super::receiver::{Endpoint, Secret};
use crate::alert::Alert;
use crate::alert::text::{self, Wording};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

/// Characters of each field at most; what is longer is refused or cut by the service.
pub const MESSAGE_CHARACTERS_MAX: usize = 130;
/// The same of the description.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 15_000;
/// The same of the entity.
pub const ENTITY_CHARACTERS_MAX: usize = 512;
/// The same of all details, names and values.
pub const DETAILS_CHARACTERS_MAX: usize = 8_000;
/// The same of a note.
pub const NOTE_CHARACTERS_MAX: usize = 25_000;
/// Who it is from.
const SOURCE: &str = "darban";

/// What creates the alert, or joins the open one.
#[must_use]
pub fn create(alert: &Alert, wording: &Wording) -> Value {
    let lines = text::block(alert, wording);
    let lines: Vec<String> = lines.into_iter().map(|it| it.to_string()).collect();
    let rows = text::details(alert);
    let entity = rows.iter().find(|(label, _)| *label == "who").map(|(_, who)| who.as_str());
    json!({
        "message": text::clipped(&text::summary(alert), MESSAGE_CHARACTERS_MAX),
        "alias": alert.id,
        "description": text::clipped(&lines.join("\n"), DESCRIPTION_CHARACTERS_MAX),
        "details": details(&rows),
        "entity": text::clipped(entity.unwrap_or_default(), ENTITY_CHARACTERS_MAX),
        "tags": ["darban", alert.kind.name()],
        "source": SOURCE,
    })
}

/// What is noted on the alert, when it changes and when it ends.
#[must_use]
pub fn note(alert: &Alert) -> Value {
    json!({ "note": text::clipped(&text::summary(alert), NOTE_CHARACTERS_MAX), "source": SOURCE })
}

/// The request for a message.
pub(super) fn request(url: &Endpoint, key: &Secret, notification: &Notification) -> Request {
    let mut headers = HeaderMap::new();
    // A key that is no header is refused with the configuration.
    if let Ok(mut value) = HeaderValue::from_str(&format!("GenieKey {}", key.expose())) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let url = match notification.action {
        Action::Trigger | Action::Digest => url.url().clone(),
        Action::Update => of_alias(url.url(), &notification.id, "notes"),
        Action::Resolve => of_alias(url.url(), &notification.id, "close"),
    };
    Request { url, headers, body: notification.body.to_string().into_bytes() }
}

/// Where something is done to the alert with an alias.
fn of_alias(url: &Url, alias: &str, what: &str) -> Url {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([alias, what]);
    }
    url.query_pairs_mut().append_pair("identifierType", "alias");
    url
}

/// The rows in their order, as many as there is room for.
fn details(rows: &[(&str, String)]) -> Map<String, Value> {
    let (mut details, mut length) = (Map::new(), 0);
    for (label, value) in rows {
        length += label.chars().count() + value.chars().count();
        if length > DETAILS_CHARACTERS_MAX {
            break;
        }
        details.insert((*label).to_owned(), value.as_str().into());
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, sample};
    use crate::attribute::KeyKind;

    #[test]
    fn a_creation_has_what_the_service_takes_and_its_alias_is_the_alerts_id() {
        let created = create(&sample::alert(), &Wording::default());
        assert_eq!(created["alias"], "5f3a9c0b1d2e4f60");
        assert_eq!(created["entity"], "staff clinic-17");
        assert_eq!(created["tags"], json!(["darban", "walk"]));
        assert_eq!(created["details"]["streams"], "walk 9.1, volume 4.0");
        let message = created["message"].as_str().unwrap();
        assert!(message.starts_with("Walk through ids by staff clinic-17"), "{message}");
        assert!(message.chars().count() <= MESSAGE_CHARACTERS_MAX);
    }

    #[test]
    fn the_longest_alert_keeps_to_every_limit() {
        let mut alert = sample::alert();
        let id = "\u{10ffff}\u{1b}".repeat(5_000);
        alert.clients = vec![Client { key: KeyKind::Fingerprint, id: id.clone() }; 1_000];
        alert.members_total = 1_000;
        alert.route = id.as_str().into();
        let created = create(&alert, &Wording::default());
        let length = |it: &Value| it.as_str().unwrap_or_default().chars().count();
        assert!(length(&created["message"]) <= MESSAGE_CHARACTERS_MAX);
        assert!(length(&created["description"]) <= DESCRIPTION_CHARACTERS_MAX);
        assert!(length(&created["entity"]) <= ENTITY_CHARACTERS_MAX);
        let details = created["details"].as_object().unwrap();
        let all: usize = details.iter().map(|(name, it)| name.chars().count() + length(it)).sum();
        assert!(all <= DETAILS_CHARACTERS_MAX);
        assert_eq!(text::clipped("abc", 3), "abc");
        assert_eq!(text::clipped("abcd", 3), "ab…");
    }

    #[test]
    fn an_end_goes_to_the_alias_and_no_key_is_shown() {
        let url = Endpoint::jsm("https://api.atlassian.com").unwrap();
        let at = |action: &str| {
            let url = of_alias(url.url(), "5f/3a", action);
            url.to_string()
        };
        assert_eq!(
            at("close"),
            "https://api.atlassian.com/jsm/ops/integration/v2/alerts/5f%2F3a/close?identifierType=alias"
        );
    }
}
