//! An alert in words, for a person who was woken by it.
//!
//! One place writes them, so that the pager, the ticket, the page and the terminal say the same:
//! who, what, how far beyond normal, how many records left and how surely that is known, since
//! when, and what to type next. The first line has to do alone, because a pager shows nothing
//! else. Whatever a client or a log chose passes the escaper, and nothing here becomes a link
//! unless its base was configured.

use super::change::{Alert, Client, Kind, Mode, RecordsOut, Severity, Status};
use super::command::{self, Origin};
use super::escape::escape_text;
use std::fmt::Write;

/// Longest summary in characters: PagerDuty's limit.
pub const SUMMARY_CHARACTERS_MAX: usize = 1_024;
/// Clients named in details at most; the page of the alert has all thousand.
const CLIENTS_NAMED_MAX: usize = 20;
/// Offset spans listed at most: beyond a few partitions a person takes them from the page.
const SPANS_LISTED_MAX: usize = 12;
/// Nats in a factor of ten.
const NATS_A_DECADE: f64 = std::f64::consts::LN_10;

/// What the words point to. None of it comes from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// Where the runbook's pages are, without a trailing slash: a folder or a web address.
    pub runbooks: String,
    /// The path of the configuration, as commands shall name it.
    pub config: String,
    /// Where the log lines are, as commands shall read them.
    pub origin: Origin,
    /// Where darban's own pages are reached, without a trailing slash; `None` where they are not.
    pub pages: Option<String>,
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            runbooks: "deploy/runbooks".to_owned(),
            config: "darban.toml".to_owned(),
            origin: Origin::Unknown,
            pages: None,
        }
    }
}

impl Wording {
    /// The runbook page of a kind.
    #[must_use]
    pub fn runbook(&self, kind: Kind) -> String {
        format!("{}/{}.md", self.runbooks, kind.name())
    }

    /// The alert's own page, where darban's pages are reached.
    #[must_use]
    pub fn page(&self, alert: &Alert) -> Option<String> {
        self.pages.as_ref().map(|base| format!("{base}/alerts/{}", alert.id))
    }
}

/// The alert in one line of at most [`SUMMARY_CHARACTERS_MAX`] characters.
#[must_use]
pub fn summary(alert: &Alert) -> String {
    let mut out = String::new();
    for (applies, word) in [
        (alert.mode == Mode::Observe, "Observed: "),
        (alert.late, "Late: "),
        (alert.status == Status::Updated, "Update: "),
        (alert.status == Status::Resolved, "Resolved: "),
    ] {
        out.push_str(if applies { word } else { "" });
    }
    let (phrase, since) = (phrase(alert.kind), alert.first_seen);
    let _infallible = if alert.kind.is_own() {
        write!(out, "{phrase}: {}; since {since}", seen(alert))
    } else {
        let (who, route) = (who(alert), escape_text(&alert.route));
        let (beyond, records) = (beyond(alert), records(alert.records_out));
        write!(out, "{phrase} by {who} on {route}: {beyond}; {records} since {since}")
    };
    clipped(&out, SUMMARY_CHARACTERS_MAX)
}

/// A text of at most `most` characters; what is cut off shows.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most.saturating_sub(1)) {
        Some((at, last)) if at + last.len_utf8() < text.len() => {
            format!("{}…", text.get(..at).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// The alert as labelled rows, in the order in which a person asks.
#[must_use]
pub fn details(alert: &Alert) -> Vec<(&'static str, String)> {
    if alert.kind.is_own() {
        return own_details(alert);
    }
    let mut rows = vec![
        ("who", who(alert)),
        ("route", routes(alert)),
        ("kind", kinds(alert)),
        ("records out", records(alert.records_out)),
        ("seen", seen(alert)),
        ("expected", number(alert.expected.subjects) + &times(alert)),
        ("since", alert.first_seen.to_string()),
        ("fired at", alert.fired_at.to_string()),
        ("how sure", sureness(alert)),
        ("streams", streams(alert)),
    ];
    if alert.clients.len() > 1 {
        rows.insert(1, ("clients", clients(alert)));
    }
    if !alert.examples.is_empty() {
        let masked: Vec<_> = alert.examples.iter().map(|it| escape_text(it)).collect();
        rows.push(("examples", masked.join(", ")));
    }
    if !alert.offsets.is_empty() {
        rows.push(("log", spans(alert)));
    }
    if alert.late {
        rows.push(("late", "found in a backlog; it is not happening now".to_owned()));
    }
    if alert.mode == Mode::Observe {
        rows.push(("mode", "observe: shown, never paged".to_owned()));
    }
    rows
}

/// The same of an alert that is about darban itself.
fn own_details(alert: &Alert) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("kind", kinds(alert)),
        ("seen", seen(alert)),
        ("since", alert.first_seen.to_string()),
        ("how sure", sureness(alert)),
    ];
    if !alert.offsets.is_empty() {
        rows.push(("log", spans(alert)));
    }
    rows
}

/// What to do next, one step each: the runbook, the exact command, the page.
#[must_use]
pub fn next_steps(alert: &Alert, wording: &Wording) -> Vec<String> {
    let mut steps = vec![format!("runbook: {}", wording.runbook(alert.kind))];
    let client = alert.clients.first();
    steps.extend(client.into_iter().flat_map(|it| command::explain(alert, it, wording)));
    steps.extend(wording.page(alert).map(|page| format!("page: {page}")));
    steps
}

/// The command for whoever has found that an alert is honest: half a day of silence, in which its
/// client can be configured. None where that would silence somebody else, or darban itself.
#[must_use]
pub fn silence(alert: &Alert, wording: &Wording) -> Option<String> {
    let client = alert.clients.first().filter(|_| alert.members_total == 1)?;
    command::silence(alert, client, wording)
}

/// What a line of [`block`] is, for a caller that styles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first line: severity and summary.
    Headline(Severity),
    /// A labelled row.
    Detail,
    /// Something to do.
    Step,
}

/// A line for a terminal, without colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub role: Role,
    /// The text in front, padded to one width for details and steps.
    pub label: String,
    /// The rest of the line.
    pub text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.label, self.text)
    }
}

/// The alert as lines for `--output human`: headline, details, steps. A resolved alert is its
/// headline alone.
#[must_use]
pub fn block(alert: &Alert, wording: &Wording) -> Vec<Line> {
    let role = Role::Headline(alert.severity);
    let label = match (alert.mode, alert.severity) {
        (Mode::Observe, Severity::Page | Severity::Ticket) => "OBSERVE ",
        (Mode::Page, Severity::Page) => "PAGE    ",
        (Mode::Page, Severity::Ticket) => "TICKET  ",
    };
    let mut lines = vec![Line { role, label: label.to_owned(), text: summary(alert) }];
    if alert.status == Status::Resolved {
        return lines;
    }
    let line = |role, label: &str, text| Line { role, label: format!("  {label:<12}"), text };
    let told = ["who", "route", "mode"];
    let rows = details(alert).into_iter().filter(|(label, _)| !told.contains(label));
    lines.extend(rows.map(|(label, text)| line(Role::Detail, label, text)));
    lines.push(line(Role::Detail, "alert", alert.id.clone()));
    lines.extend(next_steps(alert, wording).into_iter().map(|it| line(Role::Step, "next", it)));
    lines
}

/// How a kind begins the summary.
#[must_use]
pub const fn phrase(kind: Kind) -> &'static str {
    match kind {
        Kind::Harvest => "Bulk harvest",
        Kind::Guessing => "Guessing of ids",
        Kind::Walk => "Walk through ids",
        Kind::Sweep => "Sweep over ids",
        Kind::Volume => "Too many people looked up",
        Kind::PassGuessing => "Guessing of one-time passes",
        Kind::Decoy => "Decoy looked up",
        Kind::Watched => "Watched person looked up",
        Kind::Tampering => "Writes after a harvest",
        Kind::CoverageGap => "Records missing from the log",
        Kind::StateLost => "State lost",
        Kind::BlindSpot => "darban is blind",
        Kind::Behind => "darban judges late",
        Kind::ReceiverFailing => "A receiver takes nothing",
    }
}

/// The first client, and how many more.
fn who(alert: &Alert) -> String {
    let Some(first) = alert.clients.first() else { return "unknown client".to_owned() };
    let name = named(first);
    match alert.members_total.saturating_sub(1) {
        0 => name,
        1 => format!("{name} and 1 more client"),
        more => format!("{name} and {more} more clients"),
    }
}

fn named(client: &Client) -> String {
    format!("{} {}", client.key.name(), escape_text(&client.id))
}

fn clients(alert: &Alert) -> String {
    let shown = alert.clients.iter().take(CLIENTS_NAMED_MAX).map(named);
    let mut out = shown.collect::<Vec<_>>().join(", ");
    let shown = u64::try_from(alert.clients.len().min(CLIENTS_NAMED_MAX)).unwrap_or(u64::MAX);
    let more = alert.members_total.saturating_sub(shown);
    if more > 0 {
        let _infallible = write!(out, " and {more} more");
    }
    out
}

/// The kind in words, and those that came to it.
fn kinds(alert: &Alert) -> String {
    let own = format!("{}, {}", alert.kind.name(), phrase(alert.kind).to_lowercase());
    let also = alert.also_kinds.iter().map(|it| format!(", also {}", it.name()));
    std::iter::once(own).chain(also).collect()
}

/// The route, and those that the harvest has come to since.
fn routes(alert: &Alert) -> String {
    let also = alert.also_on.iter().map(|it| format!(", also {}", escape_text(it)));
    std::iter::once(escape_text(&alert.route).into_owned()).chain(also).collect()
}

fn beyond(alert: &Alert) -> String {
    format!("{}, {} expected{}", seen(alert), number(alert.expected.subjects), times(alert))
}

fn seen(alert: &Alert) -> String {
    format!("{} {}", number(alert.seen.subjects), escape_text(&alert.seen.quantity))
}

/// ` (7.6 times)`, or nothing where a ratio says nothing.
fn times(alert: &Alert) -> String {
    let ratio = alert.seen.subjects / alert.expected.subjects;
    if ratio.is_finite() && ratio > 1.0 {
        format!(" ({} times)", number(ratio))
    } else {
        String::new()
    }
}

/// `17 records out`, or `about 1,240 (± 56) records out` where they were estimated.
#[must_use]
pub fn records(out: RecordsOut) -> String {
    let noun = if out.estimate == 1 && out.error == 0 { "record" } else { "records" };
    match out.error {
        0 => format!("{} {noun} out", grouped(out.estimate)),
        error => format!("about {} (± {}) {noun} out", grouped(out.estimate), grouped(error)),
    }
}

fn sureness(alert: &Alert) -> String {
    let log_e = alert.log_e;
    match alert.kind {
        Kind::Decoy => return "certain: nobody has a reason to look this up".to_owned(),
        Kind::Watched => return "certain: every look-up of this person is told".to_owned(),
        own if own.is_own() => return "certain: darban says it of itself".to_owned(),
        _ => {}
    }
    let decades = (log_e / NATS_A_DECADE).floor();
    if decades >= 1.0 {
        format!("log E {log_e:.1}: by chance at most once in 10^{decades:.0}")
    } else {
        format!("log E {log_e:.1}")
    }
}

fn streams(alert: &Alert) -> String {
    let mut list: Vec<_> = alert.streams.iter().collect();
    list.sort_by(|a, b| b.1.total_cmp(a.1));
    list.iter().map(|(name, nats)| format!("{name} {nats:.1}")).collect::<Vec<_>>().join(", ")
}

fn spans(alert: &Alert) -> String {
    let shown = alert.offsets.iter().take(SPANS_LISTED_MAX).map(|it| {
        format!("{}/{} {} to {}", escape_text(&it.topic), it.partition, it.first, it.last)
    });
    let mut out = shown.collect::<Vec<_>>().join(", ");
    let more = alert.offsets.len().saturating_sub(SPANS_LISTED_MAX);
    if more > 0 {
        let _infallible = write!(out, " and {more} more");
    }
    out
}

/// A number as a person reads it: one decimal below ten, thousands grouped.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let whole = (value - value.round()).abs() < 0.05;
    if value.abs() < 10.0 && !whole {
        return format!("{value:.1}");
    }
    let text = format!("{:.0}", value.abs());
    let sign = if value < 0.0 && text != "0" { "-" } else { "" };
    format!("{sign}{}", group(&text))
}

/// A count with its thousands grouped: `12,085`.
#[must_use]
pub fn grouped(value: u64) -> String {
    group(&value.to_string())
}

/// Digits with a comma before every third from the end.
fn group(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::sample;

    #[test]
    fn the_summary_says_who_what_how_far_how_many_and_since_when() {
        let mut alert = sample::alert();
        assert_eq!(
            summary(&alert),
            "Walk through ids by staff clinic-17 on beneficiary: 160 subjects a day, \
             21 expected (7.6 times); 17 records out since 2026-11-21T19:20:16.042Z"
        );
        alert.status = Status::Resolved;
        alert.late = true;
        alert.mode = Mode::Observe;
        alert.members_total = 1_203;
        alert.records_out = RecordsOut { estimate: 1_240_000, error: 1_056 };
        alert.expected.subjects = 0.0;
        assert_eq!(
            summary(&alert),
            "Observed: Late: Resolved: Walk through ids by staff clinic-17 and 1202 more clients \
             on beneficiary: 160 subjects a day, 0 expected; about 1,240,000 (± 1,056) records out \
             since 2026-11-21T19:20:16.042Z"
        );
    }

    #[test]
    fn whatever_a_client_is_called_the_summary_stays_one_short_clean_line() {
        let mut alert = sample::alert();
        let name = "\u{1b}[2J\u{202e}\n".repeat(4_000);
        alert.clients.iter_mut().for_each(|it| it.id.clone_from(&name));
        alert.route = name.as_str().into();
        alert.seen.quantity = name;
        let text = summary(&alert);
        assert!(text.chars().count() <= SUMMARY_CHARACTERS_MAX, "{}", text.chars().count());
        for text in block(&alert, &Wording::default()).iter().map(ToString::to_string) {
            assert!(!text.chars().any(|it| it.is_control() || it == '\u{202e}'), "{text:?}");
        }
    }

    #[test]
    fn the_block_holds_the_evidence_and_what_to_do() {
        let wording = Wording {
            runbooks: "https://runbooks.example".to_owned(),
            pages: Some("http://127.0.0.1:9464".to_owned()),
            ..Wording::default()
        };
        let mut alert = sample::alert();
        let lines: Vec<String> = block(&alert, &wording).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines.join("\n"),
            "PAGE    Walk through ids by staff clinic-17 on beneficiary: 160 subjects a day, 21 expected (7.6 times); 17 records out since 2026-11-21T19:20:16.042Z
  kind        walk, walk through ids
  records out 17 records out
  seen        160 subjects a day
  expected    21 (7.6 times)
  since       2026-11-21T19:20:16.042Z
  fired at    2026-11-21T19:30:16.042Z
  how sure    log E 18.3: by chance at most once in 10^7
  streams     walk 9.1, volume 4.0
  examples    12******90
  log         access/3 1 to 99
  alert       5f3a9c0b1d2e4f60
  next        runbook: https://runbooks.example/walk.md
  next        darban explain --client clinic-17 --config darban.toml PATH...
  next        page: http://127.0.0.1:9464/alerts/5f3a9c0b1d2e4f60"
        );
        alert.status = Status::Resolved;
        assert_eq!(block(&alert, &wording).len(), 1);
    }

    #[test]
    fn numbers_are_grouped_and_rounded_for_reading() {
        for (value, text) in [
            (0.0, "0"),
            (0.4, "0.4"),
            (3.0, "3"),
            (9.97, "10"),
            (21.4, "21"),
            (12_345.6, "12,346"),
            (999_999.9, "1,000,000"),
            (-0.01, "0"),
            (-1_234.0, "-1,234"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(records(RecordsOut { estimate: 1, error: 0 }), "1 record out");
    }
}
