//! Slack, by an incoming webhook: one message a change.
//!
//! The address is the secret, so it comes from a file and is never shown. Nothing that a client
//! wrote can become a link, a mention or a form of words: it goes as `plain_text`, in which Slack
//! formats nothing, with `& < >` as entities; only the links of our own are `mrkdwn`, and
//! `verbatim`, in which nothing is made a link that was not written as one. Incoming webhooks can
//! change no message and answer with no number, so updates are messages too; the budget bounds
//! them, and the alert's id is in each.

use crate::alert::Alert;
use crate::alert::text::{self, Wording};
use crate::time::SECOND_MS;
use serde_json::{Value, json};

/// Slack takes about one message a second from a webhook.
pub const PACE_MS: i64 = SECOND_MS;
/// Characters of a section's text at most.
pub const SECTION_CHARACTERS_MAX: usize = 3_000;
/// Sections of text in a message: four reach the 12,000 characters below what Slack was seen to
/// take of a whole message, and are far below its 50 blocks.
pub const SECTIONS_MAX: usize = 4;

/// The message about a change.
#[must_use]
pub fn message(alert: &Alert, wording: &Wording) -> Value {
    let lines: Vec<String> =
        text::block(alert, wording).into_iter().map(|it| it.to_string()).collect();
    let mut message = written(&lines);
    let links = links(alert, wording);
    if let Some(blocks) = message.get_mut("blocks").and_then(Value::as_array_mut)
        && !links.is_empty()
    {
        let text = json!({ "type": "mrkdwn", "verbatim": true, "text": links });
        blocks.push(json!({ "type": "section", "text": text }));
    }
    message
}

/// The digest of what the budget held back.
#[must_use]
pub fn digest(words: &str) -> Value {
    written(&[format!("DIGEST  {words}")])
}

/// Lines as a message: the first is what a phone shows.
fn written(lines: &[String]) -> Value {
    let mut sections: Vec<String> = Vec::new();
    for line in lines {
        let line = clipped(line, SECTION_CHARACTERS_MAX);
        let length = |it: &str| it.chars().count();
        let room = |it: &&mut String| length(it) + 1 + length(&line) <= SECTION_CHARACTERS_MAX;
        match sections.last_mut().filter(room) {
            Some(section) => {
                section.push('\n');
                section.push_str(&line);
            }
            None => sections.push(line),
        }
    }
    sections.truncate(SECTIONS_MAX);
    let block = |text: &String| {
        let text = json!({ "type": "plain_text", "emoji": false, "text": text });
        json!({ "type": "section", "text": text })
    };
    let first = lines.first().map(|it| clipped(it, SECTION_CHARACTERS_MAX)).unwrap_or_default();
    json!({
        "text": first,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": sections.iter().map(block).collect::<Vec<_>>(),
    })
}

/// Links to the runbook and the alert's page, where these are on the web.
fn links(alert: &Alert, wording: &Wording) -> String {
    let runbook = Some(("Runbook", wording.runbook(alert.kind)));
    let page = wording.page(alert).map(|page| ("Alert", page));
    let web = |(_, href): &(&str, String)| href.starts_with("http");
    let links = runbook.into_iter().chain(page).filter(web);
    let link = |(name, href): (&str, String)| {
        format!("<{}|{name}>", clipped(&href.replace('|', "%7C"), SECTION_CHARACTERS_MAX / 3))
    };
    links.map(link).collect::<Vec<_>>().join("  ")
}

/// Text with Slack's three characters as entities, of at most `most` characters.
fn clipped(text: &str, most: usize) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for it in text.chars() {
        let mut bytes = [0; 4];
        let shown = match it {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            other => other.encode_utf8(&mut bytes),
        };
        length += shown.chars().count();
        if length >= most {
            out.push('…');
            break;
        }
        out.push_str(shown);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, sample};
    use crate::attribute::KeyKind;

    fn texts(message: &Value) -> Vec<&str> {
        let blocks = message["blocks"].as_array().unwrap();
        blocks.iter().map(|it| it["text"]["text"].as_str().unwrap()).collect()
    }

    #[test]
    fn nothing_that_a_client_wrote_is_a_link_a_mention_or_a_form_of_words() {
        let mut alert = sample::alert();
        let id = "<!channel> <https://evil.example|ok> *b* &amp; \u{202e}".to_owned();
        alert.clients = vec![Client { key: KeyKind::Staff, id }];
        let message = message(&alert, &Wording::default());
        let all = message.to_string();
        assert!(!all.contains("<!channel>") && !all.contains("<https"), "{all}");
        assert!(all.contains("&lt;!channel&gt;") && all.contains("&amp;amp;"), "{all}");
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.iter().all(|it| it["text"]["type"] == "plain_text"));
        assert!(texts(&message)[0].starts_with("PAGE    Walk through ids by staff &lt;!channel"));
        assert!(all.contains("5f3a9c0b1d2e4f60"));
    }

    #[test]
    fn our_own_links_are_links() {
        let wording = Wording {
            runbooks: "https://wiki.example/a?b=c&d=".to_owned(),
            pages: Some("http://darban.example".to_owned()),
            ..Wording::default()
        };
        let message = message(&sample::alert(), &wording);
        let links = message["blocks"].as_array().unwrap().last().unwrap();
        assert_eq!(
            links["text"]["text"],
            "<https://wiki.example/a?b=c&amp;d=/walk.md|Runbook>  \
             <http://darban.example/alerts/5f3a9c0b1d2e4f60|Alert>"
        );
        assert_eq!(links["text"]["verbatim"], true);
    }

    #[test]
    fn the_longest_message_keeps_to_the_limits_and_cuts_no_entity() {
        let lines: Vec<String> = (0..500).map(|at| format!("{at} {}", "&".repeat(700))).collect();
        let message = written(&lines);
        let texts = texts(&message);
        assert_eq!(texts.len(), SECTIONS_MAX);
        for text in texts.iter().chain([&message["text"].as_str().unwrap()]) {
            assert!(text.chars().count() <= SECTION_CHARACTERS_MAX);
            assert_eq!(text.matches('&').count(), text.matches("&amp;").count(), "{text}");
        }
    }
}
