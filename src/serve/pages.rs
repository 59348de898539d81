//! Alerts as plain HTML: no script, one style sheet, readable on a phone at night.

use crate::alert::text::{self, Wording};
use crate::alert::{Alert, CLIENTS_MAX, Mode, Severity, Status, escape_html, html_of};
use crate::time::Moment;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Resolved alerts listed on the overview; the others are found by their id.
const RESOLVED_LISTED: usize = 50;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1c1e;--soft:#5b5b63;--line:#d9d9de;--back:#fff;--page:#b3261e;--ticket:#8a5a00}\
@media(prefers-color-scheme:dark){:root{--ink:#ececf0;--soft:#a3a3ad;--line:#3a3a42;--back:#17171a;--page:#ff8a80;--ticket:#ffc46b}}\
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
h1{font-size:1.25rem;margin:.5rem 0}h2{font-size:1rem;margin-top:2rem}a{color:inherit}p{margin:.5rem 0}\
ul{list-style:none;padding:0}li{border-top:1px solid var(--line);padding:.7rem 0}li a{font-weight:600}\
dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.25rem 1rem}dt{color:var(--soft)}dd{margin:0}\
.page{color:var(--page);font-weight:600}.ticket{color:var(--ticket);font-weight:600}.soft{color:var(--soft)}\
code{font:.9rem/1.4 ui-monospace,monospace;white-space:pre-wrap}\
@media(max-width:30rem){dl{display:block}dd{margin:0 0 .6rem}}";

/// The content security policy: this style sheet and nothing else.
pub(super) fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The overview.
pub(super) fn overview<'a>(open: &[&Alert], resolved: impl Iterator<Item = &'a Alert>) -> String {
    let mut body = String::from("<h1>Open alerts</h1>");
    if open.is_empty() {
        body.push_str("<p>No alert is open.</p>");
    } else {
        list(&mut body, open.iter().copied());
    }
    let mut resolved = resolved.take(RESOLVED_LISTED).peekable();
    if resolved.peek().is_some() {
        body.push_str("<h2>Resolved</h2>");
        list(&mut body, resolved);
    }
    let head = "<meta http-equiv=\"refresh\" content=\"30\">";
    document(("darban: alerts", head), &body)
}

/// The page of one alert.
pub(super) fn alert(alert: &Alert, wording: &Wording) -> String {
    let mut body = String::from("<p><a href=\"/alerts\">All alerts</a></p>");
    let rows = text::details(alert);
    put(&mut body, format_args!("<h1>{}</h1><p>{}</p><dl>", named(&rows), standing(alert, &rows)));
    for (label, value) in &rows {
        let value = escape_html(value);
        put(&mut body, format_args!("<dt>{}</dt><dd>{value}</dd>", escape_html(label)));
    }
    body.push_str("</dl>");
    if alert.status != Status::Resolved {
        body.push_str("<h2>What to do</h2><ul>");
        // This page leads to itself nowhere.
        let here = Wording { pages: None, ..wording.clone() };
        for step in text::next_steps(alert, &here) {
            put(&mut body, format_args!("<li><code>{}</code></li>", linked(&step)));
        }
        body.push_str("</ul>");
    }
    if alert.clients.len() > 1 {
        put(&mut body, format_args!("<h2>All clients ({})</h2><ul>", alert.members_total));
        for client in alert.clients.iter().take(CLIENTS_MAX) {
            let id = escape_html(&client.id);
            put(&mut body, format_args!("<li>{} <code>{id}</code></li>", client.key.name()));
        }
        body.push_str("</ul>");
    }
    put(
        &mut body,
        format_args!(
            "<p class=\"soft\"><a href=\"?format=json\">As JSON</a> · {}</p>",
            escape_html(&alert.id)
        ),
    );
    document((&format!("darban: {} on {}", alert.kind.name(), alert.route), ""), &body)
}

/// The page for an id that nobody knows.
pub(super) fn unknown() -> String {
    let body = "<h1>No such alert</h1><p>It may have been resolved long ago, or by another instance.</p><p><a href=\"/alerts\">All alerts</a></p>";
    document(("darban: no such alert", ""), body)
}

fn list<'a>(body: &mut String, alerts: impl Iterator<Item = &'a Alert>) {
    body.push_str("<ul>");
    for alert in alerts {
        let rows = text::details(alert);
        let (id, name, standing) = (escape_html(&alert.id), named(&rows), standing(alert, &rows));
        let seen = format!("{}, expected {}", row(&rows, "seen"), row(&rows, "expected"));
        let (seen, out) = (escape_html(&seen), escape_html(row(&rows, "records out")));
        put(
            body,
            format_args!(
                "<li><a href=\"/alerts/{id}\">{name}</a><br>{standing}<br>{seen}; {out}</li>"
            ),
        );
    }
    body.push_str("</ul>");
}

/// The value of a row of details.
fn row<'a>(rows: &'a [(&'static str, String)], label: &str) -> &'a str {
    rows.iter().find(|it| it.0 == label).map_or("", |it| &it.1)
}

/// Who did it on which route.
fn named(rows: &[(&'static str, String)]) -> String {
    format!("{} on {}", escape_html(row(rows, "who")), escape_html(row(rows, "route")))
}

/// A step whose last word is a link where it is a web address. Its base was configured: nothing
/// that a client chose becomes a link.
fn linked(step: &str) -> String {
    match step.strip_prefix("runbook: ") {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
            let url = escape_html(url);
            format!("runbook: <a href=\"{url}\">{url}</a>")
        }
        _ => html_of(step),
    }
}

/// Severity, what it is, status and time, in one line.
fn standing(alert: &Alert, rows: &[(&'static str, String)]) -> String {
    let severity = match alert.severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    };
    let status = match alert.status {
        Status::Firing | Status::Updated => "open since",
        Status::Resolved => "resolved, fired",
    };
    let mode = if alert.mode == Mode::Observe { " · observed only" } else { "" };
    let kind = row(rows, "kind").split_once(", ").map_or("", |it| it.1);
    format!(
        "<span class=\"{severity}\">{severity}</span> {kind} \
         <span class=\"soft\">· {status} {}{mode}</span>",
        minute(alert.fired_at)
    )
}

/// A time as a person reads it: `2026-11-24 15:34 UTC`.
fn minute(at: Moment) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    let minutes = time.rsplit_once(':').map_or(time, |it| it.0);
    format!("{day} {minutes} UTC")
}

pub(super) fn document((title, head): (&str, &str), body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{head}\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape_html(title)
    )
}

fn put(body: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    body.write_fmt(text).unwrap_or_default();
}

/// Base64 with padding: one hash at start is not worth a dependency.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            (0..3).fold(0, |bits, at| (bits << 8) | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = usize::try_from((bits >> (18 - 6 * at)) & 63).unwrap_or(0);
            let digit = DIGITS.get(digit).copied().filter(|_| at <= three.len());
            text.push(digit.map_or('=', char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, sample};
    use crate::attribute::KeyKind;

    fn wording() -> Wording {
        Wording {
            runbooks: "deploy/runbooks".into(),
            config: "darban.toml".into(),
            ..Wording::default()
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_hostile_client_stays_text() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'onload=x";
        let client = |id: &str| Client { key: KeyKind::Partner, id: id.to_owned() };
        let mut shown = sample::alert();
        shown.clients = vec![client(hostile), client(hostile)];
        shown.route = hostile.into();
        shown.examples = vec![hostile.to_owned()];
        for page in [alert(&shown, &wording()), overview(&[&shown], [&shown].into_iter())] {
            assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
            assert!(!page.contains("\"><s") && !page.contains("'onload"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
        }
    }

    #[test]
    fn a_page_says_what_and_what_to_do() {
        let page = alert(&sample::alert(), &wording());
        for part in ["clinic-17", "What to do", "darban explain", "open since 2026-11-21 19:30 UTC"]
        {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(overview(&[], std::iter::empty()).contains("No alert is open"));
        assert!(!page.contains("<code>page: "), "{page}");
    }

    #[test]
    fn a_runbook_on_the_web_is_a_link_and_nothing_else_is() {
        let runbooks = "https://wiki.example/darban".to_owned();
        let page = alert(&sample::alert(), &Wording { runbooks, ..wording() });
        let link = "<a href=\"https://wiki.example/darban/walk.md\">";
        assert!(page.contains(link), "{page}");
        assert_eq!(
            linked("darban explain --client https://x"),
            "darban explain --client https://x"
        );
    }
}
