//! The page of paths with people on them that no route watches, each with the route that would.
//!
//! What stands here is templates, counts and guesses, ready to be pasted into the configuration:
//! whether a path is to be watched is for a person to say.

use super::pages::{data, document, put, time};
use crate::alert::escape_html;
use crate::time::Moment;
use serde::Serialize;

/// Paths that are shown at most; a portal with more has no routes yet, and wants `darban init`.
const UNWATCHED_MAX: usize = 50;

/// A path as a look at a sample has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnwatchedPath {
    /// Its template.
    pub path: String,
    /// The methods that were seen.
    pub methods: String,
    /// Requests since the sample was begun, by what of them is in it.
    pub requests: u64,
    /// Different people in the sample.
    pub subjects: usize,
    /// The route that would watch it, as the configuration writes it.
    pub route: String,
}

/// A path, and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// As it was found last.
    #[serde(flatten)]
    pub found: UnwatchedPath,
    /// When the sample was begun that its count is of.
    pub counted_from: Moment,
    /// When it was found first.
    pub since: Moment,
    /// When it was found last.
    pub last: Moment,
}

/// The paths that nobody watches.
#[derive(Clone, Debug, Default)]
pub struct Unwatched {
    rows: Vec<Row>,
}

impl Unwatched {
    /// Takes what a look has found in a sample that was begun at `from`; how many paths are new.
    pub fn put(&mut self, found: Vec<UnwatchedPath>, from: Moment, now: Moment) -> usize {
        let mut new = 0;
        for found in found {
            let is_it = |it: &&mut Row| {
                (&it.found.path, &it.found.methods) == (&found.path, &found.methods)
            };
            if let Some(row) = self.rows.iter_mut().find(is_it) {
                *row = Row { found, counted_from: from, since: row.since, last: now };
            } else if self.rows.len() < UNWATCHED_MAX {
                self.rows.push(Row { found, counted_from: from, since: now, last: now });
                new += 1;
            }
        }
        self.rows.sort_by(|a, b| {
            (b.found.requests, &a.found.path).cmp(&(a.found.requests, &b.found.path))
        });
        new
    }

    /// Forgets what was not found since.
    pub fn forget(&mut self, before: Moment) {
        self.rows.retain(|it| it.last >= before);
    }

    /// All, the busiest first.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// The page.
pub(super) fn page(rows: &[Row]) -> String {
    let mut body = String::from(
        "<nav aria-label=\"Pages\"><a href=\"/alerts\">All alerts</a>\
         <a href=\"/runbooks/unwatched\">Runbook</a></nav><main><h1>Paths that no route watches</h1>",
    );
    if rows.is_empty() {
        body.push_str("<p>None with people on it was seen in the last day.</p>");
    } else {
        body.push_str(
            "<p>People seem to be looked up on these, and nobody is judged for it. Where that is so, \
             paste the route into the configuration and restart darban; its name and class are \
             guesses. Where it is not, give it the class <code>public</code>, and it leaves this \
             list.</p><ul class=\"cards\">",
        );
        for row in rows {
            card(&mut body, row);
        }
        body.push_str("</ul>");
    }
    body.push_str("</main>");
    document(("darban: unwatched paths", ""), &body)
}

fn card(body: &mut String, row: &Row) {
    let UnwatchedPath { path, methods, requests, subjects, route } = &row.found;
    put(
        body,
        format_args!(
            "<li class=\"ticket\"><h2><code>{} {}</code></h2>\
             <p>About {requests} requests since {}, {subjects} different people in a sample of \
             them.</p><pre tabindex=\"0\" aria-label=\"The route\">{}</pre>\
             <p class=\"soft\">Since {}</p></li>",
            data(methods),
            data(path),
            time(row.counted_from),
            code(route),
            time(row.since)
        ),
    );
}

/// Lines that stay lines.
fn code(text: &str) -> String {
    text.lines().map(escape_html).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, requests: u64) -> UnwatchedPath {
        UnwatchedPath {
            path: path.to_owned(),
            methods: "GET".to_owned(),
            requests,
            subjects: 3,
            route: format!("[[routes]]\npath = \"{path}\""),
        }
    }

    #[test]
    fn a_path_keeps_its_first_time_and_is_gone_a_day_after_its_last() {
        let mut all = Unwatched::default();
        assert_eq!(all.put(vec![found("/a", 1), found("/b", 5)], Moment(0), Moment(10)), 2);
        assert_eq!(all.put(vec![found("/a", 9)], Moment(5), Moment(20)), 0);
        let rows: Vec<_> = all.rows().iter().map(|it| (&*it.found.path, it.since.0)).collect();
        assert_eq!(rows, [("/a", 10), ("/b", 10)]);
        all.forget(Moment(15));
        assert_eq!(all.rows().len(), 1);
    }

    #[test]
    fn there_are_never_more_than_a_person_reads() {
        let many = (0..200).map(|it| found(&format!("/p{it}"), it)).collect();
        let mut all = Unwatched::default();
        assert_eq!(all.put(many, Moment(0), Moment(1)), UNWATCHED_MAX);
        assert_eq!(all.rows().len(), UNWATCHED_MAX);
    }

    #[test]
    fn what_a_log_wrote_stays_text() {
        let row = Row {
            found: found("/<script>\u{202e}", 1),
            counted_from: Moment(0),
            since: Moment(0),
            last: Moment(0),
        };
        let page = page(&[row]);
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    }
}
