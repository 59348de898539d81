//! The scoreboard as one HTML file that needs no other: no script, no font, no image.

use super::plots;
use super::table::{FIGURES, MISSED, figures_of, number, rule};
use crate::alert::html_of;
use crate::scenarios::board::{Board, GateFigures, Verdict, WeekFigures};
use crate::scenarios::rules::published;
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1c1e;--soft:#5b5b63;--line:#d9d9de;--back:#fff;--bad:#b3261e;--good:#2b6a30;--mark:#1f5fa8}\
@media(prefers-color-scheme:dark){:root{--ink:#ececf0;--soft:#a3a3ad;--line:#3a3a42;--back:#17171a;--bad:#ff8a80;--good:#8fd694;--mark:#8ab8ef}}\
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2.5rem}p{max-width:46rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}th,td{padding:.2rem .6rem;text-align:right;border-top:1px solid var(--line);white-space:nowrap}\
th{color:var(--soft);font-weight:600}td.name,th.name{text-align:left}.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}.soft{color:var(--soft)}\
svg{width:100%;height:auto;color:var(--ink)}svg text{font:11px system-ui,sans-serif;fill:currentColor}\
svg .grid{stroke:var(--line)}svg .limit{stroke:var(--bad);stroke-width:2;fill:none}svg .aim{stroke:var(--good);stroke-width:2}\
svg .reach{stroke:var(--mark);stroke-width:2}svg .median{fill:var(--mark)}svg .p90{fill:none;stroke:var(--mark);stroke-width:2}\
svg .fill{fill:var(--mark)}svg .curve{fill:none;stroke:var(--mark);stroke-width:3}svg .stream{fill:none;stroke:var(--soft);stroke-dasharray:3 3}";

/// The whole file.
pub(super) fn report(board: &Board) -> String {
    let mut body = String::from("<h1>darban: the scoreboard</h1>");
    summary(&mut body, board);
    if !board.harvests.is_empty() {
        body.push_str("<h2>Taken before the page</h2><p>In what each gate counts (records, attempts, minutes). A dot is the median, a ring the 90th of a hundred runs; the red line is the bar for the latter, the green one the aim for the former.</p>");
        body.push_str(&plots::taken(board));
        harvests(&mut body, board);
        body.push_str("<h2>Pages a campaign</h2><p>On average over the runs that were found. One is the target.</p>");
        body.push_str(&plots::pages(board));
    }
    if !board.weeks.is_empty() {
        body.push_str("<h2>Weeks that must stay silent</h2>");
        weeks(&mut body, board);
    }
    if board.readings > 0 {
        calibration(&mut body, board);
    }
    if board.has_rules() {
        rules(&mut body, board);
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>darban: the scoreboard</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}

fn summary(body: &mut String, board: &Board) {
    let (held, of) = board.held();
    let reached = board.harvests.iter().filter(|it| it.reaches_aim == Some(true)).count();
    let aims = board.harvests.iter().filter(|it| it.not_run.is_none() && it.aim.is_some()).count();
    let seeds = board.run.seeds.len();
    put(
        body,
        format_args!(
            "<p><strong>{held} of {of} gates hold</strong>; {reached} of {aims} aims are reached. \
             Seeds: {seeds}. Pages for honest clients before and beside harvests: {}.</p>",
            board.pages_for_others
        ),
    );
    if board.run.quick {
        body.push_str("<p class=\"bad\">A quick look, with a tenth of the traffic and two days for a week: no figure to judge a method by.</p>");
    }
}

fn harvests(body: &mut String, board: &Board) {
    let figures = [&FIGURES[..], &[""]].concat();
    head(body, &["harvest", "gate"], &figures);
    for row in &board.harvests {
        body.push_str("<tr>");
        name(body, row.scenario);
        name(body, row.gate);
        if let Some(why) = &row.not_run {
            let why = html_of(why);
            put(
                body,
                format_args!("<td class=\"name soft\" colspan=\"11\">not run: {why}</td></tr>"),
            );
            continue;
        }
        figures_of(row).iter().for_each(|it| cell(body, it));
        verdict(body, row.verdict);
        body.push_str("</tr>");
    }
    body.push_str("</table></div>");
    list(body, "Pages for honest clients before and beside them:", &board.others);
}

fn weeks(body: &mut String, board: &Board) {
    head(body, &["week", "what happens"], &["weeks", "pages", "tickets a week", ""]);
    for row in &board.weeks {
        body.push_str("<tr>");
        name(body, row.scenario);
        name(body, &row.about);
        cell(body, &format!("{:.1}", row.weeks));
        cell(body, &row.pages.to_string());
        cell(body, &format!("{:.1}", row.tickets_a_week));
        verdict(body, row.verdict);
        body.push_str("</tr>");
    }
    body.push_str("</table></div>");
    for row in board.weeks.iter().filter(|it| !it.paged.is_empty()) {
        list(body, &format!("{} paged:", row.scenario), &row.paged);
    }
}

fn calibration(body: &mut String, board: &Board) {
    body.push_str("<h2>How rare honest evidence is</h2>");
    put(
        body,
        format_args!(
            "<p>{} readings of clients of the honest week, each at the end of a batch of records. \
             Evidence of x nats claims to be as rare as e<sup>-x</sup> (red); what was seen is the \
             blue line, and dashed for each stream alone. Evidence that rose and fell within one \
             batch is not seen.</p>",
            board.readings
        ),
    );
    body.push_str(&plots::calibration(board));
    put(
        body,
        format_args!(
            "<h2>What another threshold would cost</h2><p>Of a thousand honest client-days ({} were \
             read), those on which evidence came to as much: the red line is one.</p>",
            board.client_days
        ),
    );
    body.push_str(&plots::days(board));
}

fn rules(body: &mut String, board: &Board) {
    body.push_str("<h2>The published fixed rules on the same traffic</h2><ol>");
    for rule in published() {
        let [name, says, source] = [rule.name, rule.says, rule.source].map(html_of);
        put(body, format_args!("<li>{name}: {says}. <span class=\"soft\">{source}</span></li>"));
    }
    body.push_str("</ol>");
    let mut names: Vec<String> = vec!["darban".to_owned()];
    names.extend((1..=published().len()).map(|it| it.to_string()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run: Vec<&GateFigures> = board.harvests.iter().filter(|it| it.not_run.is_none()).collect();
    if !run.is_empty() {
        body.push_str("<p>Taken before the call, at the median; a dash where fewer than half of the runs were found, and \"noise\" where a rule calls for that key whoever uses it.</p>");
        head(body, &["harvest", "gate"], &names);
        for row in run {
            body.push_str("<tr>");
            name(body, row.scenario);
            name(body, row.gate);
            cell(body, &number(row.median, MISSED));
            row.rules.iter().for_each(|it| cell(body, &rule(it)));
            body.push_str("</tr>");
        }
        body.push_str("</table></div>");
    }
    let run: Vec<&WeekFigures> = board.weeks.iter().filter(|it| !it.rules.is_empty()).collect();
    if !run.is_empty() {
        body.push_str("<p>Honest keys that it calls for, a week, each once a day.</p>");
        head(body, &["week", "what happens"], &names);
        for row in run {
            body.push_str("<tr>");
            name(body, row.scenario);
            name(body, &row.about);
            cell(body, &format!("{:.1}", row.pages_a_week));
            row.rules.iter().for_each(|it| cell(body, &format!("{it:.0}")));
            body.push_str("</tr>");
        }
        body.push_str("</table></div>");
    }
}

/// The head of a table: columns of names, then of figures.
fn head(body: &mut String, names: &[&str], figures: &[&str]) {
    body.push_str("<div class=\"wide\"><table><tr>");
    for name in names {
        put(body, format_args!("<th class=\"name\">{}</th>", html_of(name)));
    }
    for figure in figures {
        put(body, format_args!("<th>{}</th>", html_of(figure)));
    }
    body.push_str("</tr>");
}

fn name(body: &mut String, text: &str) {
    put(body, format_args!("<td class=\"name\">{}</td>", html_of(text)));
}

fn cell(body: &mut String, text: &str) {
    put(body, format_args!("<td>{}</td>", html_of(text)));
}

fn verdict(body: &mut String, verdict: Verdict) {
    body.push_str(match verdict {
        Verdict::Holds => "<td class=\"good\">ok</td>",
        Verdict::Fails => "<td class=\"bad\">fails</td>",
        Verdict::NoBar | Verdict::NotRun => "<td></td>",
    });
}

fn list(body: &mut String, title: &str, rows: &[String]) {
    if rows.is_empty() {
        return;
    }
    put(body, format_args!("<p>{}</p><ul>", html_of(title)));
    rows.iter().for_each(|it| put(body, format_args!("<li>{}</li>", html_of(it))));
    body.push_str("</ul>");
}

fn put(body: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = body.write_fmt(text);
}
