//! `darban tune` as an operator runs it: a shadow period in, a configuration out.

use crate::deliver::scratch::Scratch;
use darban::decode::Format;
use darban::scenarios::{Portal, Writer, config_toml};
use darban::time::{DAY_MS, Moment, days_from_civil};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

/// Days of the shadow period.
const DAYS: i64 = 22;
/// What the portal's staff do.
const PER_DAY: f64 = 30.0;
const DAY_SHAPE: f64 = 2.5;
const BATCH: f64 = 3.2;
const MISSES: f64 = 0.12;

/// A folder with the log of a portal, its configuration and what was learned.
struct Tuned {
    scratch: Scratch,
    output: Output,
}

impl Tuned {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn written(&self) -> toml::Table {
        std::fs::read_to_string(self.path("tuned.toml")).unwrap().parse().unwrap()
    }
}

/// Once for all tests.
static TUNED: LazyLock<Tuned> = LazyLock::new(|| {
    let scratch = Scratch::new();
    let start = Moment(days_from_civil(2026, 3, 2) * DAY_MS);
    let mut portal = Portal::empty(7, start, DAYS);
    let usual = Portal::new(7, start, DAYS).staff;
    portal.staff = darban::scenarios::Staff {
        count: 120,
        per_day: PER_DAY,
        day_shape: DAY_SHAPE,
        batch: BATCH,
        misses: MISSES,
        misses_alike: 50.0,
        repeats: 0.0,
        by_mobile: 0.0,
        acts: 0.7,
        ..usual
    };
    let mut writer = Writer::new(Format::NginxJson);
    let mut log = Vec::new();
    for request in portal.requests().take_while(|it| it.at < portal.end) {
        writer.write(&request, &mut log);
        log.push(b'\n');
    }
    let path = |name: &str| scratch.path().join(name);
    std::fs::File::create(path("access.log")).unwrap().write_all(&log).unwrap();
    // A table that is there already has to be taken into account.
    let config = format!("[classes.staff]\nsubjects = 3.0 # a guess\n{}", config_toml(&portal));
    std::fs::write(path("portal.toml"), config).unwrap();
    let output = darban(&["tune", "--budget", "1 per month", "--write"])
        .args([path("tuned.toml"), "--config".into(), path("portal.toml"), path("access.log")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Tuned { scratch, output }
});

fn darban(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_darban"));
    command.args(arguments);
    command
}

/// A learned value of class `staff`.
fn staff(key: &str) -> f64 {
    TUNED.written()["classes"]["staff"][key].as_float().unwrap()
}

#[test]
fn a_simulated_shadow_period_gives_back_what_was_simulated() {
    // Shifts cut a tenth of the batches off; what misses is another subject each time.
    let subjects = staff("subjects");
    assert!((subjects / PER_DAY - 1.0).abs() < 0.15, "{subjects}");
    let k = staff("k");
    assert!((k / DAY_SHAPE - 1.0).abs() < 0.3, "{k}");
    // Geometric batches have a variance of 2 b - 1 times independent ones, less what hours cut.
    let clusters = staff("f_hour");
    assert!((clusters / (2.0 * BATCH - 1.0) - 1.0).abs() < 0.35, "{clusters}");
    let misses = staff("misses");
    assert!((misses / MISSES - 1.0).abs() < 0.1, "{misses}");
}

#[test]
fn what_was_written_is_a_configuration_that_replay_takes_and_that_pages_no_more_than_the_budget() {
    let output = darban(&["replay", "--output", "ndjson", "--config"])
        .args([TUNED.path("tuned.toml"), TUNED.path("access.log")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    let pages = words.lines().filter(|it| it.contains("\"severity\":\"page\"")).count();
    assert!(pages <= 1, "{words}");
}

#[test]
fn routes_and_keys_stand_in_what_was_written_as_they_stood() {
    let before: toml::Table =
        std::fs::read_to_string(TUNED.path("portal.toml")).unwrap().parse().unwrap();
    let after = TUNED.written();
    assert_eq!((&before["routes"], &before["clients"]), (&after["routes"], &after["clients"]));
}

#[test]
fn the_budget_sets_the_level_and_costs_are_said_at_it() {
    let detect = TUNED.written()["detect"].clone();
    let [contacts, pages] =
        ["contacts_per_week", "pages_per_week"].map(|it| detect[it].as_float().unwrap());
    assert!((pages - 7.0 / 30.0).abs() < 1e-9, "{pages}");
    let words = String::from_utf8(TUNED.output.stdout.clone()).unwrap();
    let level = format!("records out before the page at {:.1} nats", (contacts / pages).ln());
    assert!(words.contains(&level), "{level}: {words}");
    assert!(words.contains("ids in a row") && words.contains("eta "), "{words}");
}

#[test]
fn a_budget_that_is_none_is_refused_with_what_is_one() {
    let output = darban(&["tune", "--budget", "many", "--config", "none.toml", "none.log"]);
    let output = { output }.output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("day, week, month or year"), "{words}");
}
