//! Enough of PromQL's shape to see which metrics and labels an expression names.
//!
//! Whether it is PromQL at all is promtool's to say; this finds the names, so that they can be
//! held against the catalogue.

use darban::telemetry::catalogue::{CATALOGUE, Metric, PROCESS, Shape};
use std::collections::BTreeSet;

/// One `name{label="value", …}` of an expression.
#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    /// Matchers as they are written: `job=~"$job"`.
    pub(crate) matchers: Vec<String>,
    /// The text before it.
    pub(crate) before: String,
}

impl Selector {
    /// The labels of its matchers.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().filter_map(|it| it.split(['=', '!']).next())
    }
}

fn is_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

/// The selectors of an expression.
pub(crate) fn selectors(expr: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((before, after)) = next_name(expr, at) {
        let end = after.find(|it| !is_name(it)).unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        at = expr.len() - tail.len();
        if before.ends_with(is_name) {
            continue;
        }
        let mut matchers = Vec::new();
        if let Some(inside) = tail.strip_prefix('{') {
            let (inside, tail) = inside.split_once('}').expect("a selector is closed");
            matchers.extend(inside.split(',').map(|it| it.trim().to_owned()));
            at = expr.len() - tail.len();
        }
        found.push(Selector { name: name.to_owned(), matchers, before: before.to_owned() });
    }
    found
}

/// The expression parted where a metric's name may begin, from `at` on.
fn next_name(expr: &str, at: usize) -> Option<(&str, &str)> {
    let (_, rest) = expr.split_at(at);
    let next = ["darban_", "process_", "up{"].iter().filter_map(|it| rest.find(it)).min()?;
    Some(expr.split_at(at + next))
}

/// The labels that an expression groups by.
pub(crate) fn grouped(expr: &str) -> BTreeSet<String> {
    let lists = expr.split("by (").skip(1).filter_map(|it| it.split(')').next());
    lists.flat_map(|it| it.split(',')).map(|it| it.trim().to_owned()).collect()
}

/// What the catalogue knows of a series' name, and the labels that its series have.
pub(crate) fn known(series: &str) -> Option<(Option<&'static Metric>, Vec<&'static str>)> {
    let mut labels = vec!["job", "instance"];
    if series == "up" {
        return Some((None, labels));
    }
    let metric = CATALOGUE.iter().chain(PROCESS).find(|it| match it.shape {
        Shape::Histogram(_) => series
            .strip_prefix(it.name)
            .is_some_and(|suffix| ["_bucket", "_sum", "_count"].contains(&suffix)),
        Shape::Counter | Shape::Gauge => it.name == series,
    })?;
    labels.extend(metric.labels);
    if series.ends_with("_bucket") {
        labels.push("le");
    }
    Some((Some(metric), labels))
}

/// What an expression names that the catalogue does not have.
pub(crate) fn strangers(expr: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let selectors = selectors(expr);
    if selectors.is_empty() {
        problems.push(format!("no metric in {expr}"));
    }
    for it in &selectors {
        let Some((_, labels)) = known(&it.name) else {
            problems.push(format!("no metric {}", it.name));
            continue;
        };
        let used = it.labels().map(str::to_owned).chain(grouped(expr));
        problems.extend(
            used.filter(|label| !labels.contains(&label.as_str()))
                .map(|label| format!("{} has no label {label}", it.name)),
        );
    }
    problems
}

#[test]
fn names_and_labels_are_found_and_strangers_named() {
    let expr =
        "sum by (le, route) (rate(darban_lookups_total{job=~\"$job\",a!=\"b\"}[5m])) / up{x=\"1\"}";
    let found = selectors(expr);
    assert_eq!(found[0].name, "darban_lookups_total");
    assert_eq!(found[0].labels().collect::<Vec<_>>(), ["job", "a"]);
    assert!(found[0].before.ends_with("rate("));
    assert_eq!(found[1].name, "up");
    let problems = strangers(expr).join("; ");
    for part in [
        "darban_lookups_total has no label a",
        "darban_lookups_total has no label le",
        "up has no label x",
    ] {
        assert!(problems.contains(part), "{problems}");
    }
    assert_eq!(strangers("darban_nothing"), ["no metric darban_nothing"]);
}
