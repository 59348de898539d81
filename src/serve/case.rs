//! The page of one alert, in the order in which whoever was woken asks: what is it, how far beyond
//! normal, how many records left, what does it look like, how do we know, who, where in the log,
//! what to type next.

use super::board::Case;
use super::drawing;
use super::pages::{badges, data, document, is_over, list, put, row, time, title};
use crate::alert::text::{self, Wording, grouped, number};
use crate::alert::{Alert, CLIENTS_MAX, escape_html, html_of};
use crate::evidence::Stream;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};

/// Clients listed at once; the others unfold.
const CLIENTS_LISTED: usize = 20;
/// Parts of the log listed at once; the others unfold.
const SPANS_LISTED: usize = 12;

type Rows = [(&'static str, String)];

/// The page.
pub(super) fn page(case: &Case<'_>, wording: &Wording) -> String {
    let alert = case.alert;
    let rows = text::details(alert);
    let mut body = format!(
        "<nav aria-label=\"Pages\"><a href=\"/alerts\">All alerts</a>\
         <a href=\"/runbooks/{kind}\">Runbook: {kind}</a></nav>\
         <main>{}<h1>{}</h1><p>{}</p>",
        badges(alert),
        title(alert, &rows),
        html_of(row(&rows, "how sure")),
        kind = alert.kind.name(),
    );
    figures(&mut body, alert, &rows);
    if !is_over(alert) {
        next(&mut body, alert, wording);
    }
    if !alert.kind.is_own() {
        body.push_str("<h2>Expected against seen</h2>");
        body.push_str(&drawing::compared(alert));
        body.push_str("<h2>The walk through the ids</h2>");
        match case.drawn {
            Some(drawn) => body.push_str(&drawing::trail(drawn)),
            None => put(&mut body, format_args!("<p class=\"soft\">{}</p>", undrawn(alert))),
        }
        evidence(&mut body, alert);
        clients(&mut body, alert);
    }
    log(&mut body, alert);
    times(&mut body, alert);
    if !case.others.is_empty() {
        body.push_str("<h2>Other alerts of this client</h2>");
        list(&mut body, case.others.iter().copied());
    }
    put(
        &mut body,
        format_args!(
            "</main><footer>Alert <code>{}</code> · <a href=\"?format=json\">As JSON</a></footer>",
            escape_html(&alert.id)
        ),
    );
    document((&format!("darban: {} on {}", alert.kind.name(), alert.route), ""), &body)
}

/// Why there is no drawing.
fn undrawn(alert: &Alert) -> &'static str {
    if is_over(alert) {
        "Nothing was drawn: too few of its ids have an order, or it ended within a minute."
    } else {
        "There is nothing to draw yet: too few ids that have an order since it came under suspicion. \
         A drawing follows within a minute of the log."
    }
}

/// The numbers that decide whether somebody gets up.
fn figures(body: &mut String, alert: &Alert, rows: &Rows) {
    body.push_str("<dl class=\"figures\">");
    let mut figure = |label: &str, value: &str, small: &str| {
        put(
            body,
            format_args!("<div><dt>{label}</dt><dd>{value}<small>{small}</small></dd></div>"),
        );
    };
    let since = time(alert.first_seen);
    let lasted = lasted(alert.changed_at.since(alert.first_seen));
    if alert.kind.is_own() {
        figure("Seen", &data(row(rows, "seen")), "darban says it of itself");
    } else {
        let (out, error) = (alert.records_out.estimate, alert.records_out.error);
        let sure = match error {
            0 => "counted one by one".to_owned(),
            _ => format!("± {} (95 % interval)", grouped(error)),
        };
        figure("Records out", &grouped(out), &sure);
        let (seen, expected) = (alert.seen.subjects, alert.expected.subjects);
        let ratio = seen / expected;
        if ratio.is_finite() && ratio > 1.0 {
            let of = format!("{} seen, {} expected", number(seen), number(expected));
            figure("Beyond expectation", &format!("{} times", number(ratio)), &of);
        } else {
            figure("Seen", &number(seen), &data(&alert.seen.quantity));
        }
        let kinds = alert.kinds().map(|it| it.name()).collect::<Vec<_>>().join(", ");
        figure("Clients", &grouped(alert.members_total), &format!("told as {kinds}"));
    }
    figure("Since", &since, &format!("for {lasted} by its last change"));
    body.push_str("</dl>");
}

/// What to do, and what to type.
fn next(body: &mut String, alert: &Alert, wording: &Wording) {
    body.push_str("<h2>What to do</h2><ol class=\"steps\">");
    // This page leads to itself nowhere.
    let here = Wording { pages: None, ..wording.clone() };
    for step in text::next_steps(alert, &here) {
        match step.strip_prefix("runbook: ") {
            Some(place) => put(body, format_args!("<li>Read the runbook: {}</li>", linked(place))),
            None if step.contains("darban explain") => typed(body, "Look closer:", &step),
            None => put(body, format_args!("<li>{}</li>", html_of(&step))),
        }
    }
    if let Some(command) = text::silence(alert, wording) {
        typed(body, "If it is honest, be silent until it is configured:", &command);
    }
    body.push_str("</ol>");
}

fn typed(body: &mut String, words: &str, command: &str) {
    let command = html_of(command);
    put(body, format_args!("<li>{words}<pre dir=\"auto\"><code>{command}</code></pre></li>"));
}

/// A link where it is a web address. Its base was configured: nothing that a client chose becomes
/// a link.
fn linked(place: &str) -> String {
    let place_html = html_of(place);
    if place.starts_with("https://") || place.starts_with("http://") {
        format!("<a href=\"{place_html}\">{place_html}</a>")
    } else {
        format!("<code>{place_html}</code>")
    }
}

/// What each stream says, the loudest first.
fn evidence(body: &mut String, alert: &Alert) {
    let of = |name: &str| Stream::ALL.into_iter().find(|it| it.name() == name);
    let mut streams: Vec<_> = alert.streams.iter().collect();
    streams.sort_by(|a, b| b.1.total_cmp(a.1));
    let most = streams.first().map_or(0.0, |it| *it.1);
    if streams.is_empty() {
        return;
    }
    body.push_str(
        "<h2>Evidence by stream</h2><table><thead><tr><th scope=\"col\">Stream</th>\
         <th scope=\"col\">What it saw</th><th scope=\"col\" class=\"num\">Nats</th>\
         <th scope=\"col\">Compared</th></tr></thead><tbody>",
    );
    for (name, nats) in streams {
        let line = of(name).map_or("", Stream::pager_line);
        let share = if most > 0.0 { (nats / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
        put(
            body,
            format_args!(
                "<tr><th scope=\"row\" class=\"word\">{name}</th><td>{}</td>\
                 <td class=\"num\" data-of=\"Nats:\">{nats:.1}</td><td class=\"wide\"><svg class=\"bar loud\" \
                 viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
                 <rect width=\"{share:.1}\" height=\"1\"/></svg></td></tr>",
                html_of(line)
            ),
        );
    }
    put(
        body,
        format_args!(
            "</tbody></table><p class=\"soft\">Together {:.1} nats. A nat more makes chance 2.7 \
             times less likely.</p>",
            alert.log_e
        ),
    );
}

/// Everybody who is in it.
fn clients(body: &mut String, alert: &Alert) {
    put(body, format_args!("<h2>Who ({})</h2>", grouped(alert.members_total)));
    let named: Vec<String> = alert
        .clients
        .iter()
        .take(CLIENTS_MAX)
        .map(|it| {
            let kind = it.key.name();
            format!("<tr><th scope=\"row\">{kind}</th><td><code>{}</code></td></tr>", data(&it.id))
        })
        .collect();
    let head = "<th scope=\"col\">Known by</th><th scope=\"col\">Name</th>";
    folded(body, head, (&named, CLIENTS_LISTED), "clients");
    if !alert.examples.is_empty() {
        let masked: Vec<_> = alert.examples.iter().map(|it| data(it)).collect();
        put(
            body,
            format_args!("<p>People looked up, masked: <code>{}</code></p>", masked.join(" ")),
        );
    }
}

/// Where in the log its evidence stands.
fn log(body: &mut String, alert: &Alert) {
    if alert.offsets.is_empty() {
        return;
    }
    body.push_str("<h2>Where in the log</h2>");
    let rows: Vec<String> = alert
        .offsets
        .iter()
        .map(|it| {
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"num\" data-of=\"Partition:\">{}</td>\
                 <td class=\"num\" data-of=\"From:\">{}</td><td class=\"num\" data-of=\"To:\">{}</td></tr>",
                data(&it.topic),
                it.partition,
                it.first,
                it.last
            )
        })
        .collect();
    let head = "<th scope=\"col\">Topic or file</th><th scope=\"col\" class=\"num\">Partition</th>\
                <th scope=\"col\" class=\"num\">From offset</th>\
                <th scope=\"col\" class=\"num\">To offset</th>";
    folded(body, head, (&rows, SPANS_LISTED), "parts");
}

/// A table whose rows beyond the first few unfold.
fn folded(body: &mut String, head: &str, (rows, most): (&[String], usize), noun: &str) {
    let (first, others) = rows.split_at(most.min(rows.len()));
    let table = |rows: &[String]| {
        let rows = rows.concat();
        format!("<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    };
    body.push_str(&table(first));
    if !others.is_empty() {
        let (count, table) = (others.len(), table(others));
        put(body, format_args!("<details><summary>{count} more {noun}</summary>{table}</details>"));
    }
}

/// What happened when.
fn times(body: &mut String, alert: &Alert) {
    body.push_str("<h2>What happened when</h2><ol class=\"times\">");
    let last = if is_over(alert) { "resolved" } else { "last change" };
    let mut before: Option<Moment> = None;
    for (at, words) in [
        (alert.first_seen, "the first contact"),
        (alert.fired_at, "fired"),
        (alert.changed_at, last),
    ] {
        let later = before.map(|it| format!(", {} later", lasted(at.since(it))));
        let later = later.unwrap_or_default();
        put(body, format_args!("<li>{}: {words}{later}</li>", time(at)));
        before = Some(at);
    }
    body.push_str("</ol>");
}

/// A span in its two largest units: `2 d 3 h`, `10 min`, `1 s`.
fn lasted(ms: i64) -> String {
    let units = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s")];
    let mut rest = ms.max(0);
    let mut parts = Vec::new();
    for (unit, name) in units {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "no time".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, Kind, OffsetSpan, Status, sample};
    use crate::attribute::KeyKind;

    fn wording() -> Wording {
        Wording {
            runbooks: "deploy/runbooks".into(),
            config: "darban.toml".into(),
            ..Wording::default()
        }
    }

    fn shown(alert: &Alert) -> String {
        page(&Case { alert, drawn: None, others: Vec::new() }, &wording())
    }

    #[test]
    fn a_page_says_who_how_far_how_many_since_when_and_what_to_do() {
        let page = shown(&sample::alert());
        for part in [
            "Walk through ids by <bdi dir=\"auto\">staff clinic-17</bdi>",
            "7.6 times",
            "counted one by one",
            "2026-11-21 19:20 UTC",
            "for 10 min 1 s by its last change",
            "by chance at most once in 10^7",
            "darban explain",
            "darban silence add --key staff --client clinic-17",
            "12******90",
            "fired, 10 min later",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(page.find("<h2>Evidence").unwrap() < page.find(">volume<").unwrap());
        assert!(page.find(">walk<").unwrap() < page.find(">volume<").unwrap());
    }

    #[test]
    fn what_is_over_asks_for_nothing() {
        let page = shown(&Alert { status: Status::Resolved, ..sample::alert() });
        assert!(!page.contains("What to do") && page.contains("resolved"), "{page}");
    }

    #[test]
    fn what_darban_says_of_itself_has_neither_clients_nor_ids() {
        let page = shown(&Alert { kind: Kind::Behind, clients: Vec::new(), ..sample::alert() });
        for part in ["<h2>Who", "The walk", "Expected against", "Records out"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("<h1>darban judges late</h1>"), "{page}");
    }

    #[test]
    fn a_thousand_clients_and_a_hundred_partitions_unfold() {
        let mut alert = sample::alert();
        let client = |at| Client { key: KeyKind::Address, id: format!("192.0.2.{at}") };
        alert.clients = (0..1_000).map(client).collect();
        alert.members_total = 4_321;
        let span = |partition| OffsetSpan { partition, ..alert.offsets[0].clone() };
        alert.offsets = (0..100).map(span).collect();
        let page = shown(&alert);
        for part in ["Who (4,321)", "980 more clients", "88 more parts"] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
        assert!(!page.contains("darban silence"), "of one of many");
    }

    #[test]
    fn a_hostile_client_stays_text() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'onload=x";
        let client = |id: &str| Client { key: KeyKind::Partner, id: id.to_owned() };
        let mut alert = sample::alert();
        alert.clients = vec![client(hostile), client(hostile)];
        alert.route = hostile.into();
        alert.examples = vec![hostile.to_owned()];
        alert.seen.quantity = hostile.to_owned();
        alert.offsets[0].topic = hostile.into();
        let page = shown(&alert);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
        assert!(!page.contains("\"><script") && !page.contains("'onload"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn a_runbook_on_the_web_is_a_link_and_nothing_else_is() {
        let runbooks = "https://wiki.example/darban".to_owned();
        let alert = sample::alert();
        let case = Case { alert: &alert, drawn: None, others: Vec::new() };
        let page = page(&case, &Wording { runbooks, ..wording() });
        let link = "<a href=\"https://wiki.example/darban/walk.md\">";
        assert!(page.contains(link), "{page}");
        assert_eq!(linked("deploy/runbooks/walk.md"), "<code>deploy/runbooks/walk.md</code>");
    }

    #[test]
    fn spans_are_told_in_their_two_largest_units() {
        for (ms, words) in [
            (-1, "no time"),
            (999, "no time"),
            (1_000, "1 s"),
            (601_000, "10 min 1 s"),
            (3_601_000, "1 h"),
            (183_600_000, "2 d 3 h"),
        ] {
            assert_eq!(lasted(ms), words);
        }
    }
}
