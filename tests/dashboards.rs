//! The dashboards, the rules and the runbook against the catalogue and against the rules of
//! Grafana's dashboard-linter, each held as a test; and the dashboards against Grafana's own types.

use crate::promql::{selectors, strangers};
use crate::skip::skip;
use darban::alert::Kind;
use darban::telemetry::catalogue::{CATALOGUE, Metric};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// For the analyst on call, and for whoever runs darban.
const DASHBOARDS: [&str; 2] = ["watch", "operations"];

fn source(name: &str) -> String {
    fs::read_to_string(tree("dashboards").join(name).with_extension("json")).unwrap()
}

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&source(name)).unwrap()
}

fn dashboards() -> [Value; 2] {
    DASHBOARDS.map(dashboard)
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

/// Every query of every dashboard: the panel's title and the expression.
pub(crate) fn queries() -> Vec<(String, String)> {
    let of = |panel: &&Value| {
        let title = text(panel, "title").to_owned();
        let exprs = list(panel, "targets").iter().map(|it| text(it, "expr").to_owned());
        exprs.map(|it| (title.clone(), it)).collect::<Vec<_>>()
    };
    dashboards().iter().flat_map(|it| panels(it).iter().flat_map(of).collect::<Vec<_>>()).collect()
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
    let wrong: Vec<String> = queries()
        .into_iter()
        .filter(|(_, expr)| is_wrong(expr))
        .map(|(title, expr)| format!("{title}: {expr}"))
        .collect();
    check(what, &wrong);
}

fn check_panels(what: &str, is_wrong: impl Fn(&Value) -> bool) {
    let dashboards = dashboards();
    let wrong: Vec<String> = dashboards
        .iter()
        .flat_map(panels)
        .filter(|it| is_wrong(it))
        .map(|it| text(it, "title").to_owned())
        .collect();
    check(what, &wrong);
}

#[test]
fn template_datasource_rule() {
    for dashboard in dashboards() {
        let source = variable(&dashboard, "datasource");
        assert_eq!((text(source, "type"), text(source, "label")), ("datasource", "Data source"));
        assert_eq!(text(source, "query"), "prometheus");
        let is_source = |it: &&Value| it["type"] == "datasource";
        assert_eq!(list(&dashboard["templating"], "list").iter().filter(is_source).count(), 1);
    }
}

fn template(name: &str, label: &str) {
    for dashboard in dashboards() {
        let it = variable(&dashboard, name);
        assert_eq!(text(it, "label"), label);
        assert_eq!(text(it, "type"), "query");
        assert_eq!(it["datasource"]["uid"], "${datasource}");
        assert_eq!(it["multi"], true);
        assert_eq!(text(it, "allValue"), ".+");
    }
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
    let dashboards = dashboards();
    let both = |name| dashboards.iter().map(move |it| (it, name));
    for (dashboard, name) in ["job", "instance"].into_iter().flat_map(both) {
        let query = text(&variable(dashboard, name)["query"], "query");
        let inside = query.strip_prefix("label_values(").and_then(|it| it.strip_suffix(')'));
        let (expr, label) = inside.unwrap().rsplit_once(", ").unwrap();
        assert_eq!(label, name);
        check(name, &strangers(expr));
    }
}

#[test]
fn template_on_time_change_reload_rule() {
    for dashboard in dashboards() {
        let all = list(&dashboard["templating"], "list").iter();
        for it in all.filter(|it| it["type"] == "query") {
            assert_eq!(it["refresh"], 2, "{}", text(it, "name"));
        }
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
    // The highest of the time that is shown is no rate, and needs no interval of one.
    check_queries("spans other than $__rate_interval", |it| {
        let mut before = "";
        it.split('[').any(|part| {
            let highest = before.contains("max_over_time(") && part.starts_with("$__range]");
            let wrong = !before.is_empty() && !part.starts_with("$__rate_interval]") && !highest;
            before = part;
            wrong
        })
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
    assert!(dashboards().iter().all(|it| it["editable"] == false));
}

#[test]
fn the_dashboards_are_of_the_classic_model_and_each_panel_has_an_id_of_its_own() {
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let uid = format!("darban-{name}");
        assert_eq!((&dashboard["schemaVersion"], text(&dashboard, "uid")), (&42.into(), &*uid));
        assert!(list(&dashboard, "links").iter().any(|it| it["tags"][0] == "darban"), "{name}");
        let mut ids: Vec<i64> =
            list(&dashboard, "panels").iter().map(|it| it["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), list(&dashboard, "panels").len());
    }
}

#[test]
fn each_dashboard_answers_its_questions_from_top_to_bottom() {
    let rows = |name: &str| -> Vec<String> {
        let dashboard = dashboard(name);
        let rows = list(&dashboard, "panels").iter().filter(|it| it["type"] == "row");
        rows.map(|it| text(it, "title").to_owned()).collect()
    };
    assert_eq!(rows("watch"), ["Verdict", "Who", "Evidence", "Records out", "History of alerts"]);
    let first = ["Now", "Lag", "Refusals", "Look-ups", "State and evictions"];
    let then = ["Kept on disk", "Delivery", "Pipeline and process"];
    assert_eq!(rows("operations"), [&first[..], &then].concat());
}

#[test]
fn every_metric_that_darban_has_is_drawn_somewhere() {
    let drawn: BTreeSet<String> =
        queries().iter().flat_map(|it| selectors(&it.1)).map(|it| it.name).collect();
    let is_drawn = |it: &&Metric| drawn.iter().any(|drawn| drawn.starts_with(it.name));
    let missing: Vec<&str> =
        CATALOGUE.iter().filter(|it| !is_drawn(it)).map(|it| it.name).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_panels_that_the_runbook_sends_to_are_where_it_says() {
    let mut found = 0;
    for entry in fs::read_dir(tree("deploy/runbooks")).unwrap() {
        let page = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in page.lines().filter(|it| it.contains("dashboard")) {
            let name = DASHBOARDS.into_iter().find(|it| line.contains(&format!("{it} dashboard")));
            let dashboard = dashboard(name.unwrap_or_else(|| panic!("which one? {line}")));
            for title in line.split('"').skip(1).step_by(2) {
                assert!(panels(&dashboard).iter().any(|it| it["title"] == title), "{line}");
                found += 1;
            }
        }
    }
    assert!(found > 10, "{found}");
}

#[test]
fn panels_neither_overlap_nor_leave_the_grid() {
    let at = |it: &Value, name: &str| it["gridPos"][name].as_i64().unwrap();
    let meet = |a: &Value, b: &Value, low: &str, size: &str| {
        at(a, low) < at(b, low) + at(b, size) && at(b, low) < at(a, low) + at(a, size)
    };
    for dashboard in dashboards() {
        let all = list(&dashboard, "panels");
        for (index, a) in all.iter().enumerate() {
            assert!(at(a, "x") + at(a, "w") <= 24, "{}", text(a, "title"));
            let over = |b: &&Value| meet(a, b, "x", "w") && meet(a, b, "y", "h");
            let over: Vec<&str> =
                all[index + 1..].iter().filter(over).map(|it| text(it, "title")).collect();
            assert!(over.is_empty(), "{} lies over {over:?}", text(a, "title"));
        }
    }
}

#[test]
fn whatever_tells_alerts_apart_leads_to_their_pages() {
    let mut found = 0;
    for panel in dashboards().iter().flat_map(panels) {
        let of_alerts = |it: &Value| {
            let outermost = text(it, "expr").split("by (").nth(1).unwrap_or_default();
            outermost.split(')').next().unwrap_or_default().split(", ").any(|it| it == "alert")
        };
        if !list(panel, "targets").iter().any(of_alerts) {
            continue;
        }
        let of_column = |it: &Value| list(it, "properties").to_vec();
        let columns = list(&panel["fieldConfig"], "overrides").iter().flat_map(of_column);
        let columns = columns.flat_map(|it| it["value"].as_array().cloned().unwrap_or_default());
        let of_series = list(&panel["fieldConfig"]["defaults"], "links").to_vec();
        let links: Vec<Value> = columns.chain(of_series).collect();
        let label = if panel["type"] == "table" { "__value.raw" } else { "__field.labels.alert" };
        let page = format!("${{pages}}/alerts/${{{label}}}");
        assert!(links.iter().any(|it| it["url"] == *page), "{}: {links:?}", text(panel, "title"));
        found += 1;
    }
    assert_eq!(found, 4);
}

#[test]
fn the_dashboards_are_what_grafanas_own_types_say() {
    let Some(tsc) = Tsc::found() else { return };
    for name in DASHBOARDS {
        let said = tsc.check(name, &source(name));
        assert!(said.is_empty(), "{name}: {said}");
    }
    let watch = source("watch");
    for (right, wrong) in [
        ("\"graphTooltip\": 1", "\"graphTooltip\": 7"),
        ("\"palette-classic\"", "\"palette-clasic\""),
        ("\"lineWidth\"", "\"lineWith\""),
        ("\"showHeader\"", "\"showHeadr\""),
        ("\"description\": \"Whether", "\"descripton\": \"Whether"),
    ] {
        assert!(watch.contains(right), "{right}");
        let said = tsc.check("wrong", &watch.replacen(right, wrong, 1));
        assert!(said.contains("error TS"), "{wrong} was not seen: {said}");
    }
}

/// The compiler of TypeScript, beside Grafana's types.
struct Tsc(&'static Path);

impl Tsc {
    fn found() -> Option<Self> {
        let node = || Command::new("node").arg("--version").output().is_ok();
        match crate::browser::modules() {
            Ok(modules) if node() => return Some(Self(modules)),
            Ok(_) => skip("the dashboards against Grafana's types", "no node"),
            Err(why) => skip("the dashboards against Grafana's types", why),
        }
        None
    }

    /// What it has to say of a dashboard.
    fn check(&self, name: &str, dashboard: &str) -> String {
        let types = fs::read_to_string(crate::browser::here().join("dashboard.ts")).unwrap();
        // Beside the modules, where it looks for them.
        let file = self.0.with_file_name(format!("{name}.ts"));
        fs::write(&file, format!("{types}export const dashboard: Classic = {dashboard};\n"))
            .unwrap();
        let ran = Command::new("node")
            .arg(self.0.join("typescript/bin/tsc"))
            .args(["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert_eq!(ran.status.success(), said.is_empty(), "{said}");
        said
    }
}

#[test]
fn no_panel_draws_a_zero_that_nobody_measured() {
    check_queries("queries that make data up", |it| it.contains("vector("));
}

#[test]
fn the_dashboards_name_only_what_the_catalogue_has() {
    let all = queries();
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
    let mut problems = Vec::new();
    for panel in dashboards().iter().flat_map(panels) {
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
