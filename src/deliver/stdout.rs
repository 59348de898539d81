//! Alerts on the standard output: a block for a person, or one JSON object a change, which is
//! the contract with scripts (`--output ndjson`).

use super::receiver::Format;
use crate::alert::text::{self, Wording};
use crate::alert::{Alert, escape_json};
use serde::Serialize;
use serde_json::json;

/// A change in the contract's shape.
#[derive(Serialize)]
struct Row<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    alert: &'a Alert,
}

/// The change as lines that end in a line feed. Names of clients stay exactly what they are in
/// JSON; what would move a cursor is written as `\u....`.
#[must_use]
pub fn render(alert: &Alert, format: Format, wording: &Wording) -> String {
    match format {
        Format::Ndjson => {
            let row = serde_json::to_string(&Row { r#type: "alert", alert }).unwrap_or_default();
            format!("{}\n", escape_json(&row))
        }
        Format::Human => {
            let lines = text::block(alert, wording);
            lines.iter().map(|line| format!("{line}\n")).collect()
        }
    }
}

/// The digest of what the budget held back.
#[must_use]
pub fn digest(words: &str, format: Format) -> String {
    match format {
        Format::Ndjson => format!("{}\n", json!({ "type": "digest", "summary": words })),
        Format::Human => format!("DIGEST  {words}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::sample;

    #[test]
    fn a_json_line_is_the_alert_under_its_contract_names_whatever_the_client_is_called() {
        let mut alert = sample::alert();
        alert.clients[0].id = "a\n\u{9b}2J\u{202e}\"".to_owned();
        let line = render(&alert, Format::Ndjson, &Wording::default());
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.is_ascii(), "{line}");
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(row["type"], "alert");
        assert_eq!(row["clients"][0]["id"], "a\n\u{9b}2J\u{202e}\"");
        for name in [
            "id",
            "status",
            "severity",
            "kind",
            "route",
            "mode",
            "late",
            "clients",
            "members_total",
            "first_seen",
            "fired_at",
            "records_out",
            "expected",
            "seen",
            "streams",
            "log_e",
            "examples",
            "offsets",
        ] {
            assert!(row.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn for_a_person_it_is_the_block() {
        let text = render(&sample::alert(), Format::Human, &Wording::default());
        assert!(text.starts_with("PAGE    Walk through ids by staff clinic-17"), "{text}");
        assert!(text.ends_with("PATH...\n"), "{text}");
    }
}
