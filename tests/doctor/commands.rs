//! Both commands as a person or a script runs them.

use super::stock::STOCK;
use super::{id, line, lines};
use crate::decode::data;
use crate::deliver::scratch::Scratch;
use crate::kafka::broker::Broker;
use serde_json::{Value, json};
use std::process::{Command, Output};

pub(super) fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_darban");
    Command::new(program).args(arguments).current_dir(scratch.path()).output().unwrap()
}

pub(super) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn json_of(output: &Output) -> Value {
    let words = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words}"))
}

fn with_log(lines: &[String]) -> Scratch {
    let scratch = Scratch::new();
    std::fs::write(scratch.path().join("access.log"), lines.join("\n")).unwrap();
    scratch
}

#[test]
fn the_doctor_ends_with_0_where_nothing_is_blind_and_with_1_where_something_is() {
    let scratch = with_log(&lines(|_| json!({})));
    let output = run(&scratch, &["doctor", "access.log"]);
    assert_eq!(code(&output), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing is blind"));
    let scratch = with_log(&STOCK[0].lines());
    let output = run(&scratch, &["doctor", "--from", "access.log"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(code(&output), Some(1));
    assert!(
        said.contains("no_key_but_the_address") && said.contains("log_format darban"),
        "{said}"
    );
}

#[test]
fn the_doctor_ends_with_65_where_nothing_can_be_read() {
    let scratch = with_log(&["nothing of ours".to_owned()]);
    let output = run(&scratch, &["doctor", "access.log"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), Some(65));
    assert!(words.contains("1 unknown_format"), "{words}");
    assert_eq!(code(&run(&scratch, &["doctor", "no.log"])), Some(65));
    assert_eq!(code(&run(&scratch, &["doctor"])), Some(64));
    assert_eq!(code(&run(&scratch, &["doctor", "--from", "kafka://broker"])), Some(64));
}

#[test]
fn the_doctor_s_json_has_formats_and_what_is_blind_with_its_snippet() {
    let scratch = with_log(&STOCK[9].lines());
    let told = json_of(&run(&scratch, &["doctor", "access.log", "--output", "json"]));
    assert_eq!(
        told["formats"][0],
        json!({ "format": "aws_api_gateway", "records": 24, "share": 1.0 })
    );
    assert_eq!(told["blind"][0]["name"], "template_instead_of_path");
    assert!(told["blind"][0]["snippet"].as_str().unwrap().contains("$context.path"), "{told}");
}

#[test]
fn what_init_writes_is_what_check_accepts_and_is_never_written_over() {
    let scratch = with_log(&lines(|_| json!({})));
    let init = ["init", "--from", "access.log", "--output", "darban.toml"];
    assert_eq!(code(&run(&scratch, &init)), Some(0));
    assert_eq!(code(&run(&scratch, &["check"])), Some(0));
    assert_eq!(code(&run(&scratch, &["doctor", "--config", "darban.toml", "access.log"])), Some(0));
    let path = scratch.path().join("darban.toml");
    std::fs::write(&path, "mine").unwrap();
    assert_eq!(code(&run(&scratch, &init)), Some(64));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(code(&run(&scratch, &[&init[..], &["--force"]].concat())), Some(0));
    assert_eq!(code(&run(&scratch, &["check"])), Some(0));
}

#[test]
fn init_prints_where_it_is_not_told_to_write() {
    let scratch = with_log(&lines(|_| json!({})));
    let output = run(&scratch, &["init", "access.log"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("path = \"/v2/people/{subject}\""), "{said}");
    assert!(std::fs::read_dir(scratch.path()).unwrap().count() == 1);
}

#[test]
fn the_newest_records_of_a_topic_are_looked_at_and_nothing_is_committed() {
    let Some(broker) = Broker::start("doctor") else { return };
    broker.create_topic("log", 3, &[]);
    let old: Vec<String> = (0..300).map(|at| line(at, "/old", json!({}))).collect();
    let new: Vec<String> =
        (0..300).map(|at| line(at, &format!("/v2/people/{}", id(at)), json!({}))).collect();
    let all = old.iter().chain(&new).enumerate();
    let rows =
        all.map(|(at, it)| (i32::try_from(at % 3).unwrap(), 1_795_289_410_042, it.as_bytes()));
    broker.write("log", rows);
    let scratch = Scratch::new();
    let from = format!("kafka://{}/log", broker.address());
    let doctor = ["doctor", "--from", &from, "--records", "300", "--output", "json"];
    let told = json_of(&run(&scratch, &doctor));
    assert_eq!((&told["records"], &told["blind"]), (&json!(300), &json!([])));
    assert_eq!(told["routes"][0]["records"], 300, "{told}");
    let output = run(&scratch, &["init", "--from", &from, "--output", "darban.toml"]);
    assert_eq!(code(&output), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(scratch.path().join("darban.toml")).unwrap();
    let acl = "--operation READ --operation DESCRIBE --topic log";
    assert!(text.contains("topics = [\"log\"]") && text.contains(acl), "{text}");
    // The configuration's own topic is what is looked at where nothing else is named.
    let output = run(&scratch, &["doctor", "--config", "darban.toml", "--output", "json"]);
    assert_eq!(json_of(&output)["records"], 600);
    assert_eq!(broker.committed("darban", "log", 3), [-1001; 3]);
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let Some(broker) = Broker::start("doctor-no-topic") else { return };
    let from = format!("kafka://{}/none", broker.address());
    let output = run(&Scratch::new(), &["doctor", "--from", &from]);
    assert_eq!(code(&output), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no topic none"));
}

#[test]
fn a_day_of_a_register_is_drafted_and_judged() {
    let Some(folder) = data("a drafted configuration of a register") else { return };
    let log = folder.join("edgar/access.log.gz").display().to_string();
    let scratch = Scratch::new();
    assert_eq!(code(&run(&scratch, &["init", "--output", "darban.toml", &log])), Some(0));
    let text = std::fs::read_to_string(scratch.path().join("darban.toml")).unwrap();
    let route = "path = \"/Archives/edgar/data/{subject}/{record}/{*}\"\nclass = \"register\"";
    assert!(text.contains(route), "{text}");
    let output = run(&scratch, &["replay", "--config", "darban.toml", "--output", "ndjson", &log]);
    let said = String::from_utf8_lossy(&output.stdout);
    let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert!(summary["alerts"].as_u64().unwrap() > 40, "{summary}");
    assert!(summary["lookups"].as_u64().unwrap() > 98_000, "{summary}");
}
