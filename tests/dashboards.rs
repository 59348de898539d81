//! The dashboard, the rules and the runbook against the catalogue and against the rules of
//! Grafana's dashboard-linter, each held as a test.

use crate::promql::{selectors, strangers};
use darban::alert::Kind;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(tree("dashboards/darban.json")).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Panels that draw something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    list(dashboard, "panels").iter().filter(|it| it["type"] != "row").collect()
}

/// Every query: the panel's title and the expression.
pub(crate) fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let of = |panel: &&Value| {
        let title = text(panel, "title").to_owned();
        let exprs = list(panel, "targets").iter().map(|it| text(it, "expr").to_owned());
        exprs.map(|it| (title.clone(), it)).collect::<Vec<_>>()
    };
    panels(dashboard).iter().flat_map(of).collect()
}

fn variable<'a>(dashboard: &'a Value, name: &str) -> &'a Value {
    let all = list(&dashboard["templating"], "list");
    all.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no variable {name}"))
}

fn check(what: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{what}:\n{}", problems.join("\n"));
}

/// The queries of which `is_wrong` holds.
fn check_queries(what: &str, is_wrong: impl Fn(&str) -> bool) {
    let all = queries(&dashboard());
    let wrong: Vec<String> = all
        .into_iter()
        .filter(|(_, expr)| is_wrong(expr))
        .map(|(title, expr)| format!("{title}: {expr}"))
        .collect();
    check(what, &wrong);
}

fn check_panels(what: &str, is_wrong: impl Fn(&Value) -> bool) {
    let dashboard = dashboard();
    let wrong: Vec<String> = panels(&dashboard)
        .into_iter()
        .filter(|it| is_wrong(it))
        .map(|it| text(it, "title").to_owned())
        .collect();
    check(what, &wrong);
}

#[test]
fn template_datasource_rule() {
    let dashboard = dashboard();
    let source = variable(&dashboard, "datasource");
    assert_eq!((text(source, "type"), text(source, "label")), ("datasource", "Data source"));
    assert_eq!(text(source, "query"), "prometheus");
    let is_source = |it: &&Value| it["type"] == "datasource";
    assert_eq!(list(&dashboard["templating"], "list").iter().filter(is_source).count(), 1);
}

fn template(name: &str, label: &str) {
    let dashboard = dashboard();
    let it = variable(&dashboard, name);
    assert_eq!(text(it, "label"), label);
    assert_eq!(text(it, "type"), "query");
    assert_eq!(it["datasource"]["uid"], "${datasource}");
    assert_eq!(it["multi"], true);
    assert_eq!(text(it, "allValue"), ".+");
}

#[test]
fn template_job_rule() {
    template("job", "Job");
}

#[test]
fn template_instance_rule() {
    template("instance", "Instance");
}

#[test]
fn template_label_promql_rule() {
    let dashboard = dashboard();
    for name in ["job", "instance"] {
        let query = text(&variable(&dashboard, name)["query"], "query");
        let inside = query.strip_prefix("label_values(").and_then(|it| it.strip_suffix(')'));
        let (expr, label) = inside.unwrap().rsplit_once(", ").unwrap();
        assert_eq!(label, name);
        check(name, &strangers(expr));
    }
}

#[test]
fn template_on_time_change_reload_rule() {
    let dashboard = dashboard();
    let all = list(&dashboard["templating"], "list").iter();
    for it in all.filter(|it| it["type"] == "query") {
        assert_eq!(it["refresh"], 2, "{}", text(it, "name"));
    }
}

#[test]
fn panel_datasource_rule() {
    check_panels("panels with a data source of their own", |it| {
        let targets = list(it, "targets").iter().chain([it]);
        targets.clone().any(|it| it["datasource"]["uid"] != "${datasource}")
    });
}

#[test]
fn panel_title_description_rule() {
    check_panels("panels without title or description", |it| {
        text(it, "title").is_empty() || text(it, "description").len() < 30
    });
}

/// Of the units in the linter's list, those that can be meant here.
const UNITS: &[&str] = &["none", "short", "s", "bytes", "percentunit", "reqps", "cps"];

#[test]
fn panel_units_rule() {
    check_panels("panels without a unit that Grafana and the linter know", |it| {
        !UNITS.contains(&text(&it["fieldConfig"]["defaults"], "unit"))
    });
}

#[test]
fn panel_no_targets_rule() {
    check_panels("panels that ask nothing", |it| list(it, "targets").is_empty());
}

#[test]
fn target_logql_rule() {
    check_panels("panels that ask a log store", |it| {
        list(it, "targets").iter().any(|it| it["datasource"]["type"] != "prometheus")
    });
}

#[test]
fn target_logql_auto_rule() {
    check_queries("queries with Loki's interval", |it| it.contains("$__auto"));
}

#[test]
fn target_promql_rule() {
    // That it is PromQL at all, promtool says in tests/prometheus.rs.
    check_queries("queries of unbalanced brackets", |it| {
        let count = |bracket: char| it.matches(bracket).count();
        it.is_empty() || count('(') != count(')') || count('{') != count('}')
    });
}

#[test]
fn target_rate_interval_rule() {
    check_queries("spans other than $__rate_interval", |it| {
        it.split('[').skip(1).any(|it| !it.starts_with("$__rate_interval]"))
    });
}

fn every_selector_has(matcher: &str) {
    check_queries("queries of other instances too", |it| {
        selectors(it).iter().any(|it| !it.matchers.iter().any(|own| own == matcher))
    });
}

#[test]
fn target_job_rule() {
    every_selector_has("job=~\"$job\"");
}

#[test]
fn target_instance_rule() {
    every_selector_has("instance=~\"$instance\"");
}

#[test]
fn target_counter_agg_rule() {
    check_queries("counters drawn as they are", |it| {
        selectors(it).iter().any(|it| {
            let counts = it.name.ends_with("_total") || it.name.ends_with("_bucket");
            let rated = ["rate(", "increase("].iter().any(|call| it.before.ends_with(call));
            counts != rated
        })
    });
}

#[test]
fn uneditable_rule() {
    assert_eq!(dashboard()["editable"], false);
}

#[test]
fn the_dashboard_is_the_classic_model_with_ids_of_their_own() {
    let dashboard = dashboard();
    assert_eq!((&dashboard["schemaVersion"], &dashboard["uid"]), (&42.into(), &"darban".into()));
    let mut ids: Vec<i64> =
        list(&dashboard, "panels").iter().map(|it| it["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), list(&dashboard, "panels").len());
    let rows: Vec<&str> = list(&dashboard, "panels")
        .iter()
        .filter(|it| it["type"] == "row")
        .map(|it| text(it, "title"))
        .collect();
    let order = ["Now", "Lag", "Look-ups", "Refusals", "State", "Delivery"];
    assert_eq!(rows, [&order[..], &["Pipeline and process", "Kept on disk"]].concat());
}

#[test]
fn panels_neither_overlap_nor_leave_the_grid() {
    let dashboard = dashboard();
    let at = |it: &Value, name: &str| it["gridPos"][name].as_i64().unwrap();
    let all = list(&dashboard, "panels");
    for (index, a) in all.iter().enumerate() {
        assert!(at(a, "x") + at(a, "w") <= 24, "{}", text(a, "title"));
        for b in &all[index + 1..] {
            let meet = |low: &str, size: &str| {
                at(a, low) < at(b, low) + at(b, size) && at(b, low) < at(a, low) + at(a, size)
            };
            let overlap = meet("x", "w") && meet("y", "h");
            assert!(!overlap, "{} lies over {}", text(a, "title"), text(b, "title"));
        }
    }
}

#[test]
fn panels_of_alerts_lead_to_their_pages() {
    let dashboard = dashboard();
    for title in ["Records out to open alerts", "Times beyond expectation"] {
        let all = panels(&dashboard);
        let panel = all.iter().find(|it| it["title"] == title).unwrap();
        let link = &panel["fieldConfig"]["defaults"]["links"][0];
        assert!(text(link, "url").ends_with("/alerts/${__field.labels.alert}"), "{link}");
    }
}

#[test]
fn no_panel_draws_a_zero_that_nobody_measured() {
    check_queries("queries that make data up", |it| it.contains("vector("));
}

#[test]
fn the_dashboard_names_only_what_the_catalogue_has() {
    let all = queries(&dashboard());
    let problems: Vec<String> = all
        .iter()
        .flat_map(|(title, expr)| {
            strangers(expr).into_iter().map(move |it| format!("{title}: {it}"))
        })
        .collect();
    check("strangers", &problems);
}

#[test]
fn legends_name_only_labels_that_the_query_keeps() {
    let dashboard = dashboard();
    let mut problems = Vec::new();
    for panel in panels(&dashboard) {
        for target in list(panel, "targets") {
            let kept = crate::promql::grouped(text(target, "expr"));
            let legend = text(target, "legendFormat");
            let named = legend.split("{{").skip(1).filter_map(|it| it.split("}}").next());
            let lost = named.filter(|it| !kept.contains(*it));
            problems.extend(lost.map(|it| format!("{}: {it}", text(panel, "title"))));
        }
    }
    check("legends", &problems);
}

/// An alerting rule, read line by line: the file is ours and regular, and promtool reads it too.
#[derive(Debug, Default)]
struct Rule {
    name: String,
    expr: String,
    rest: String,
}

fn rules() -> Vec<Rule> {
    let text = fs::read_to_string(tree("deploy/prometheus/darban.rules.yml")).unwrap();
    let of = |part: &str| {
        let mut lines = part.lines();
        let name = lines.next().unwrap().trim().to_owned();
        let expr = lines.next().unwrap().trim().strip_prefix("expr: '").unwrap();
        let expr = expr.strip_suffix('\'').unwrap().to_owned();
        Rule { name, expr, rest: lines.collect::<Vec<_>>().join("\n") }
    };
    text.split("- alert: ").skip(1).map(of).collect()
}

#[test]
fn rules_name_only_what_the_catalogue_has_and_only_our_job() {
    let mut problems = Vec::new();
    for rule in rules() {
        problems.extend(strangers(&rule.expr).into_iter().map(|it| format!("{}: {it}", rule.name)));
        for it in selectors(&rule.expr) {
            if !it.matchers.iter().any(|own| own == "job=\"darban\"") {
                problems.push(format!("{}: {} of any job", rule.name, it.name));
            }
        }
    }
    check("rules", &problems);
    assert!(rules().len() >= 9);
}

/// The headings that every page of the runbook has.
const HEADINGS: &[&str] = &["## What it means", "## What to look at"];

#[test]
fn every_rule_says_what_it_means_and_has_its_page() {
    for rule in rules() {
        for part in ["severity: ", "summary: ", "description: ", "runbook_url: "] {
            assert!(rule.rest.contains(part), "{} has no {part}", rule.name);
        }
        let url = rule.rest.lines().find(|it| it.contains("runbook_url")).unwrap();
        let name = url.rsplit('/').next().unwrap();
        assert!(leads_to(&rule, name), "{url}");
        let page = &format!("{name}.md");
        let text = fs::read_to_string(tree("deploy/runbooks").join(page)).unwrap_or_default();
        assert!(text.contains(&format!("Rule `{}`", rule.name)), "{} at {page}", rule.name);
        for heading in HEADINGS.iter().chain(&["## Causes", "## What to do", "## Silence and tune"])
        {
            assert!(text.contains(heading), "{page} has no {heading}");
        }
    }
}

#[test]
fn every_rule_is_tried_and_every_kind_has_its_page() {
    let tests = fs::read_to_string(tree("deploy/prometheus/darban.rules.test.yml")).unwrap();
    for rule in rules() {
        assert!(tests.contains(&format!("  - name: {}\n", rule.name)), "{}", rule.name);
    }
    for kind in Kind::ALL {
        let page = tree("deploy/runbooks").join(format!("{}.md", kind.name()));
        let text = fs::read_to_string(&page).unwrap_or_default();
        let of_clients =
            ["## Honest causes", "## Commands", "## Silence", "## Tune", "darban explain --client"];
        let of_darban = ["## Causes", "## What to do", "## Silence"];
        let own = if kind.is_own() { of_darban.as_slice() } else { of_clients.as_slice() };
        for part in HEADINGS.iter().chain(own) {
            assert!(text.contains(part), "{} has no {part}", page.display());
        }
    }
}

/// Whether a rule's runbook link is that of this page where darban serves it by default.
fn leads_to(rule: &Rule, page: &str) -> bool {
    let url = format!("runbook_url: http://127.0.0.1:9464/runbooks/{page}");
    rule.rest.lines().any(|it| it.trim() == url)
}

#[test]
fn the_runbook_has_no_page_of_nothing_and_its_links_lead_somewhere() {
    let rules = rules();
    for entry in fs::read_dir(tree("deploy/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let of_rule = rules.iter().any(|it| leads_to(it, &name));
        let of_kind = Kind::ALL.iter().any(|it| it.name() == name);
        assert!(of_rule || of_kind, "{name}.md");
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|it| it.split(')').next()) {
            let elsewhere = link.starts_with("https://");
            assert!(elsewhere || path.with_file_name(link).exists(), "{name}.md leads to {link}");
        }
        for metric in text.split('`').filter(|it| it.starts_with("darban_")) {
            assert!(crate::promql::known(metric).is_some(), "{name}.md names {metric}");
        }
    }
}
