//! The scoreboard as a person or a script gets it, by a quick look: a tenth of the traffic.

use crate::deliver::scratch::Scratch;
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::LazyLock;

/// All of a quick look, once for all tests: the JSON and the report.
static QUICK: LazyLock<(Value, String)> = LazyLock::new(|| {
    let scratch = Scratch::new();
    let path = scratch.path().join("board.html");
    let output = evaluate(&["--quick", "--output", "json", "--html", &path.display().to_string()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let board = serde_json::from_str(&text).unwrap_or_else(|it| panic!("{it}: {text}{words}"));
    (board, std::fs::read_to_string(path).unwrap())
});

fn evaluate(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_darban");
    Command::new(program).arg("evaluate").args(arguments).output().unwrap()
}

/// The rows of a scenario.
fn rows(of: &str, scenario: &str) -> Vec<&'static Value> {
    let rows = QUICK.0[of].as_array().unwrap();
    rows.iter().filter(|it| it["scenario"] == scenario).collect()
}

/// The row of a gate.
fn gate(scenario: &str, gate: &str) -> &'static Value {
    rows("harvests", scenario).into_iter().find(|it| it["gate"] == gate).unwrap()
}

/// How many rules have this of a figure.
fn rules(row: &Value, is: impl Fn(&Value) -> bool) -> usize {
    row["rules"].as_array().unwrap().iter().filter(|it| is(it)).count()
}

#[test]
fn the_quick_scoreboard_finds_the_walk_and_leaves_the_honest_week_silent() {
    let walk = gate("S5", "in a row, one address");
    assert_eq!(walk["verdict"], "holds", "{walk}");
    assert!(walk["p90"].as_u64().unwrap() <= 16, "{walk}");
    let week = rows("weeks", "honest")[0];
    assert_eq!((&week["pages"], &week["verdict"]), (&0.into(), &"holds".into()), "{week}");
}

#[test]
fn an_engine_that_is_killed_every_day_finds_the_same() {
    let figures = |more: &[&str]| -> Value {
        let output = evaluate(&[&["S2", "S5", "--quick", "--output", "json"], more].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (lives, dies) = (figures(&[]), figures(&["--kill-daily"]));
    assert_eq!(lives["harvests"], dies["harvests"]);
    assert!(dies["kills"].as_u64().unwrap() > 20, "{}", dies["kills"]);
}

#[test]
fn six_addresses_that_share_a_walk_are_one_page_that_names_them() {
    let walk = gate("S5", "in a row, six addresses");
    assert_eq!(walk["pages_max"], 1, "{walk}");
    assert!(walk["recall"].as_f64().unwrap() >= 0.9, "{walk}");
    assert!(walk["precision"].as_f64().unwrap() >= 0.9, "{walk}");
}

#[test]
fn one_touch_of_a_decoy_is_a_page() {
    assert_eq!(gate("S13", "a relay touches decoys")["taken"], serde_json::json!([1]));
}

#[test]
fn lines_that_are_to_break_the_reader_cost_a_walk_as_much_as_others() {
    let clean = &gate("S5", "in a row, one address")["taken"];
    assert_eq!(&gate("S17", "S5 by lines that are to break it")["taken"], clean);
}

#[test]
fn what_is_not_run_says_why_and_neither_holds_nor_fails() {
    let slow = gate("S16a", "200 a day and 1 % more each day");
    assert_eq!(slow["verdict"], "not_run");
    assert!(slow["not_run"].as_str().unwrap().contains("90 days"), "{slow}");
}

#[test]
fn no_fixed_rule_finds_homes_or_an_insider() {
    let homes = gate("S8", "5,000 homes, 4.4 times the honest");
    let insider = gate("S9", "insider, no act follows");
    for row in [homes, insider] {
        assert_eq!(rules(row, |it| it["found"].as_f64() > Some(0.0)), 0, "{row}");
    }
}

#[test]
fn most_fixed_rules_call_for_the_partner_whoever_has_its_key() {
    let thief = gate("S4", "a walk in a partner's key");
    assert!(rules(thief, |it| it["noise"].as_f64() > Some(0.0)) >= 4, "{thief}");
    let batch = rows("weeks", "B3")[0];
    assert!(rules(batch, |it| it.as_f64() > Some(0.0)) >= 8, "{batch}");
}

#[test]
fn honest_evidence_is_read_and_grows_rarer_with_each_nat() {
    let (board, _) = &*QUICK;
    assert!(board["readings"].as_u64() > Some(1_000), "{}", board["readings"]);
    let shares: Vec<f64> =
        board["exceeded"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
    assert!(shares.is_sorted_by(|one, next| one >= next), "{shares:?}");
}

#[test]
fn the_report_is_one_file_with_every_gate_and_plots_and_without_scripts() {
    let (board, html) = &*QUICK;
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    assert!(html.matches("<svg").count() >= 4);
    for outside in ["<script", "<link", "<img", "@import", "url(", " src=", " href="] {
        assert!(!html.contains(outside), "{outside}");
    }
    for row in board["harvests"].as_array().unwrap() {
        let name = row["gate"].as_str().unwrap().replace('\'', "&#39;");
        assert!(html.contains(&name), "{name}");
    }
}

#[test]
fn a_gate_that_does_not_hold_is_exit_code_1_and_otherwise_it_is_0() {
    let found = evaluate(&["--quick", "s13"]);
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let words = String::from_utf8(found.stdout).unwrap();
    assert!(words.ends_with("1 of 1 gates hold, 1 seed, a quick look: a tenth of the traffic\n"));
    // A tenth of the traffic is too little to tell homes that double it in time; should it be
    // enough one day, another gate stands here.
    let missed = evaluate(&["--quick", "S8"]);
    assert_eq!(missed.status.code(), Some(1), "{missed:?}");
}

#[test]
fn the_figures_are_the_same_whatever_the_number_of_threads() {
    let figures = |jobs| evaluate(&["--quick", "S13", "S3a", "--output", "json", "--jobs", jobs]);
    let (one, three) = (figures("1"), figures("3"));
    assert!(!one.stdout.is_empty() && one.stdout == three.stdout);
}

#[test]
fn a_log_that_is_given_is_judged_beside_the_scenarios_and_has_no_bar() {
    let scratch = Scratch::new();
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let [log, config] = [path("access.log"), path("portal.toml")];
    let program = env!("CARGO_BIN_EXE_darban");
    let written = Command::new(program)
        .args(["simulate", "S5", "--days", "1", "--portal-option", "citizens=300"])
        .args(["--portal-option", "partners=0", "--output", &log, "--config", &config])
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let output =
        evaluate(&["--background", &log, "--config", &config, "--output", "json", "--jobs", "1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &board["weeks"][0];
    assert_eq!((&row["scenario"], &row["verdict"]), (&"given".into(), &"no_bar".into()));
    assert!(row["pages"].as_u64() > Some(0), "{row}");
    let days = row["weeks"].as_f64().unwrap() * 7.0;
    assert!((0.9..1.1).contains(&days), "{days}");
    assert_eq!(
        evaluate(&["--background", &path("none"), "--config", &config]).status.code(),
        Some(65)
    );
}

/// A line of a log: an address reads a file of a register.
fn line(address: &str, minute: usize, second: usize, file: usize) -> String {
    format!(
        "{address} - - [02/Mar/2026:09:{minute:02}:{second:02} +0000] \"GET /files/{file} \
         HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"\n"
    )
}

#[test]
fn of_a_log_with_labels_it_is_told_whom_pages_named() {
    let scratch = Scratch::new();
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let [log, config, labels] = ["access.log", "config.toml", "labels.csv"].map(path);
    // One address walks through the files; five others read two each.
    let mut lines = String::new();
    for minute in 0..10 {
        lines += &line(&format!("198.51.100.{}", minute % 5), minute, 0, 7_000 + 911 * minute);
        (1..60).for_each(|it| lines += &line("192.0.2.7", minute, it, 100 + minute * 60 + it));
    }
    std::fs::write(&log, lines).unwrap();
    let route = "[[routes]]\nname = \"file\"\npath = \"/files/{subject}\"\nclass = \"register\"\n";
    std::fs::write(&config, route).unwrap();
    let casual: String = (0..5).map(|it| format!("198.51.100.{it},casual\n")).collect();
    std::fs::write(&labels, format!("client_ip,label\n192.0.2.7,thief\n{casual}")).unwrap();
    let output = evaluate(&[
        "--background",
        &log,
        "--config",
        &config,
        "--labels",
        &labels,
        "--output",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [casual, thief] = [0, 1].map(|it| &board["labels"][it]);
    assert_eq!((&casual["label"], &casual["named"]), (&"casual".into(), &0.into()), "{casual}");
    assert_eq!((&thief["recall"], &thief["own"]), (&1.0.into(), &1.into()), "{thief}");
    assert!(thief["median"].as_u64().unwrap() <= 16, "{thief}");
}

#[test]
fn without_declared_classes_weeks_are_listed_and_have_no_bar() {
    let output = evaluate(&["--quick", "--undeclared", "B3", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    let week = &board["weeks"][0];
    assert_eq!(week["verdict"], "no_bar", "{week}");
    // Nobody has said that a partner may work in batches.
    assert!(week["pages"].as_u64() > Some(0), "{week}");
    assert_eq!(evaluate(&["--undeclared", "S5"]).status.code(), Some(64));
}

#[test]
fn a_misspelt_scenario_is_told_its_nearest() {
    let output = evaluate(&["S55", "B3"]);
    assert_eq!(output.status.code(), Some(64));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("unknown scenario `S55`; the nearest is `S5`"), "{words}");
    assert_eq!(evaluate(&[]).status.code(), Some(64));
}
