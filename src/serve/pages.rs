//! Alerts as plain HTML: no script, one style sheet, readable on a phone at night.
//!
//! What is read from a log stands in elements with `dir="auto"`, so that a name written from right
//! to left turns itself and not the words around it; the style sheet knows no left and no right.
//! Nothing reloads unless somebody asks for it: a page that moves under a reader is no page that
//! everybody can read.

use crate::alert::text;
use crate::alert::{Alert, Mode, Severity, Status, escape_html, html_of};
use crate::time::Moment;
use sha2::{Digest, Sha256};
use std::fmt::{Arguments, Write};

/// Resolved alerts listed on the overview; the others are found by their id.
const RESOLVED_LISTED: usize = 50;
/// Open alerts listed there: in a flood the pages and the newest are what is read.
const OPEN_LISTED: usize = 500;
/// How often the overview reloads for whoever asked for it.
const RELOAD: &str = "<meta http-equiv=\"refresh\" content=\"30\">";

const STYLE: &str = include_str!("style.css");
/// What a browser's tab shows, and would ask for at another address where it was not told.
pub(super) const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
     <path fill=\"#2563b8\" d=\"M2 15V7a6 6 0 0 1 12 0v8h-3V7a3 3 0 0 0-6 0v8z\"/>\
     <circle cx=\"8\" cy=\"11\" r=\"1.6\" fill=\"#2563b8\"/></svg>\n";

/// The content security policy: this style sheet, our own icon, and nothing else.
pub(super) fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The overview; it reloads by itself where it is `live`.
pub(super) fn overview<'a>(
    open: &[&Alert],
    resolved: impl Iterator<Item = &'a Alert>,
    live: bool,
) -> String {
    let mut body = String::from(if live {
        "<nav aria-label=\"Pages\"><a href=\"/alerts\">Stop reloading</a>"
    } else {
        "<nav aria-label=\"Pages\"><a href=\"/alerts?live\">Reload every 30 seconds</a>"
    });
    body.push_str("<a href=\"/unwatched\">Unwatched paths</a><a href=\"/runbooks\">Runbook</a></nav><main><h1>Open alerts</h1>");
    if open.is_empty() {
        body.push_str("<p>No alert is open.</p>");
    } else {
        put(&mut body, format_args!("<p class=\"soft\">{}</p>", counted(open)));
        list(&mut body, open.iter().copied().take(OPEN_LISTED));
    }
    let mut resolved = resolved.take(RESOLVED_LISTED).peekable();
    if resolved.peek().is_some() {
        body.push_str("<h2>Resolved</h2>");
        list(&mut body, resolved);
    }
    body.push_str("</main>");
    document(("darban: alerts", if live { RELOAD } else { "" }), &body)
}

/// `2 pages, 1 ticket`, and how many of them are listed where that is not all.
fn counted(open: &[&Alert]) -> String {
    let pages = open.iter().filter(|it| it.severity == Severity::Page).count();
    let of = |count: usize, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut words = format!("{}, {}", of(pages, "page"), of(open.len() - pages, "ticket"));
    if open.len() > OPEN_LISTED {
        words.push_str(&format!("; the first {OPEN_LISTED} are listed"));
    }
    words
}

/// The page for an id that nobody knows.
pub(super) fn unknown() -> String {
    let body = "<nav aria-label=\"Pages\"><a href=\"/alerts\">All alerts</a></nav><main><h1>No such alert</h1>\
                <p>It may have been resolved long ago, or by another instance.</p></main>";
    document(("darban: no such alert", ""), body)
}

/// Alerts as cards.
pub(super) fn list<'a>(body: &mut String, alerts: impl Iterator<Item = &'a Alert>) {
    body.push_str("<ul class=\"cards\">");
    for alert in alerts {
        let rows = text::details(alert);
        let class = if is_over(alert) { "over" } else { severity(alert) };
        let id = escape_html(&alert.id);
        put(
            body,
            format_args!(
                "<li class=\"{class}\">{}<h3><a href=\"/alerts/{id}\">{}</a></h3>",
                badges(alert),
                title(alert, &rows)
            ),
        );
        if alert.kind.is_own() {
            put(body, format_args!("<p>{}</p>", data(row(&rows, "seen"))));
        } else {
            let (seen, expected) = (data(row(&rows, "seen")), data(row(&rows, "expected")));
            let out = html_of(row(&rows, "records out"));
            put(body, format_args!("<p><b>{out}</b> · {seen}, {expected} expected</p>"));
        }
        put(body, format_args!("<p class=\"soft\">Since {}</p></li>", time(alert.first_seen)));
    }
    body.push_str("</ul>");
}

/// The value of a row of details.
pub(super) fn row<'a>(rows: &'a [(&'static str, String)], label: &str) -> &'a str {
    rows.iter().find(|it| it.0 == label).map_or("", |it| &it.1)
}

/// What it is, by whom and on which route.
pub(super) fn title(alert: &Alert, rows: &[(&'static str, String)]) -> String {
    let phrase = html_of(text::phrase(alert.kind));
    if alert.kind.is_own() {
        return phrase;
    }
    format!("{phrase} by {} on {}", data(row(rows, "who")), data(row(rows, "route")))
}

/// Text from a log, which knows its own direction.
pub(super) fn data(text: &str) -> String {
    format!("<bdi dir=\"auto\">{}</bdi>", escape_html(text))
}

/// How loud, whether it is over, and what else changes how it is read.
pub(super) fn badges(alert: &Alert) -> String {
    let severity = severity(alert);
    let mut badges = format!("<span class=\"badge {severity}\">{severity}</span>");
    for (applies, class, word) in [
        (is_over(alert), "over", "resolved"),
        (alert.mode == Mode::Observe, "note", "observed only"),
        (alert.late, "note", "late: from a backlog"),
    ] {
        if applies {
            put(&mut badges, format_args!(" <span class=\"badge {class}\">{word}</span>"));
        }
    }
    badges
}

pub(super) fn is_over(alert: &Alert) -> bool {
    alert.status == Status::Resolved
}

const fn severity(alert: &Alert) -> &'static str {
    match alert.severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    }
}

/// A time as a person reads it, `2026-11-24 15:34 UTC`, and as a program does.
pub(super) fn time(at: Moment) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    let minutes = time.rsplit_once(':').map_or(time, |it| it.0);
    format!("<time datetime=\"{text}\">{day} {minutes} UTC</time>")
}

pub(super) fn document((title, head): (&str, &str), body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" type=\"image/svg+xml\" href=\"/icon.svg\">{head}\
         <title>{}</title><style>{STYLE}</style></head><body>{body}</body></html>\n",
        escape_html(title)
    )
}

pub(super) fn put(body: &mut String, text: Arguments<'_>) {
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
    use crate::alert::{Client, Kind, sample};
    use crate::attribute::KeyKind;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_overview_counts_what_is_open_and_reloads_only_when_asked() {
        let alert = sample::alert();
        let ticket = Alert { severity: Severity::Ticket, ..sample::alert() };
        let open = [&alert, &ticket, &ticket];
        let page = overview(&open, std::iter::empty(), false);
        assert!(page.contains("1 page, 2 tickets") && !page.contains("http-equiv"), "{page}");
        assert!(page.contains("datetime=\"2026-11-21T19:20:16.042Z\">2026-11-21 19:20 UTC<"));
        assert!(overview(&open, std::iter::empty(), true).contains(RELOAD));
        assert!(overview(&[], std::iter::empty(), false).contains("No alert is open"));
        let many = vec![&alert; OPEN_LISTED + 1];
        let page = overview(&many, std::iter::empty(), false);
        assert!(page.contains("501 pages, 0 tickets; the first 500 are listed"), "{page}");
        assert_eq!(page.matches("<li class").count(), OPEN_LISTED);
    }

    #[test]
    fn what_darban_says_of_itself_has_no_client_and_no_route() {
        let own = Alert { kind: Kind::Behind, clients: Vec::new(), ..sample::alert() };
        let page = overview(&[&own], std::iter::empty(), false);
        assert!(page.contains(">darban judges late</a>"), "{page}");
    }

    #[test]
    fn a_hostile_client_stays_text() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'onload=x";
        let client = |id: &str| Client { key: KeyKind::Partner, id: id.to_owned() };
        let mut shown = sample::alert();
        shown.clients = vec![client(hostile), client(hostile)];
        shown.route = hostile.into();
        let page = overview(&[&shown], [&shown].into_iter(), false);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
        assert!(!page.contains("\"><script") && !page.contains("'onload"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn the_style_sheet_knows_no_left_and_no_right_and_loads_nothing() {
        for word in ["left", "right", "url(", "@import", "</"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }
}
