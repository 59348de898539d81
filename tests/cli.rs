//! The commands as a person or a script runs them.

use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::scratch::Scratch;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = r#"
[[clients.keys]]
kind = "staff"
field = "user"
[[routes]]
name = "beneficiary"
path = "/api/v2/beneficiaries/{subject}"
class = "personal"
[[routes]]
name = "letter"
path = "/api/v2/letters/{subject}"
class = "personal"
[state]
directory = "state"
"#;

/// A login that counts through ids, at one look-up a second.
const WALKER: &str = "clinic-17";
/// What no terminal may get as it is: it moves the cursor, and turns the line.
const HOSTILE: &str = "a\u{9b}2J\u{202e}b";

/// A folder with a configuration, in which commands are run.
struct Desk(Scratch);

impl Desk {
    fn new(config: &str) -> Self {
        let scratch = Scratch::new();
        std::fs::write(scratch.path().join("darban.toml"), config).unwrap();
        Self(scratch)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_darban");
        Command::new(program).args(arguments).current_dir(self.path()).output().unwrap()
    }

    /// What a command printed, which has to succeed.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The rows of a command with `--output ndjson`.
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let with_output = [arguments, &["--output", "ndjson"]].concat();
        let said = self.said(&with_output);
        said.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    /// The exit code of a command that has to fail, and its words.
    fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A line in nginx's JSON format, `at` seconds after eight.
fn line(at: u64, login: &str, target: &str) -> String {
    let time = format!("2026-11-20T{:02}:{:02}:{:02}+00:00", 8 + at / 3_600, at / 60 % 60, at % 60);
    let row = serde_json::json!({ "time": time, "remote_addr": "192.0.2.7", "remote_user": login,
        "request_method": "GET", "request_uri": target, "status": "200", "body_bytes_sent": "700" });
    format!("{row}\n")
}

/// A walk through so many ids.
fn walk(login: &str, count: u64) -> String {
    let mut text = String::new();
    for at in 0..count {
        let target = format!("/api/v2/beneficiaries/{}", 4_000_000_000_u64 + at);
        text.push_str(&line(at, login, &target));
    }
    text
}

#[test]
fn check_refuses_whatever_run_refuses() {
    let desk = Desk::new(&format!("{CONFIG}[alert]\nsilences = \"silences.toml\"\n"));
    assert_eq!(desk.said(&["check", "--config", "darban.toml"]), "darban.toml is in order\n");
    assert_eq!(desk.said(&["check"]), "darban.toml is in order\n");
    desk.put("silences.toml", "[[silence]]\nclient = \"x\"\n");
    let run = desk.refused(&["run", "--config", "darban.toml"]);
    let check = desk.refused(&["check", "--config", "darban.toml"]);
    assert_eq!(check, run);
    assert_eq!(check.0, Some(78));
    assert!(check.1.contains("silence[0].until: is required"), "{}", check.1);
}

#[test]
fn check_refuses_a_receiver_that_run_could_not_use_and_a_key_that_is_none() {
    let receiver = "[[receivers]]\nname = \"am\"\ntype = \"alertmanager\"\nurl = \"http://am\"\n";
    let desk = Desk::new(&format!("{CONFIG}{receiver}"));
    assert_eq!(desk.rows(&["check"])[0]["ok"], true);
    std::fs::create_dir(desk.path().join("state")).unwrap();
    desk.put("state/key", "short");
    let (code, words) = desk.refused(&["check"]);
    assert_eq!(code, Some(78));
    assert!(words.contains("the key file has 5 bytes, not 32"), "{words}");
}

#[test]
fn a_sample_needs_no_configuration_but_one_that_is_named_must_be_there() {
    let desk = Desk::new(CONFIG);
    desk.put("sample.log", &walk(WALKER, 2));
    let (code, words) = desk.refused(&["check", "--config", "nope.toml", "--sample", "sample.log"]);
    assert_eq!(code, Some(78));
    assert!(words.contains("nope.toml"), "{words}");
    let rows = desk.rows(&["check", "--sample", "sample.log"]);
    assert_eq!((&rows[2]["route"], &rows[2]["matched"]), (&"beneficiary".into(), &2.into()));
    std::fs::remove_file(desk.path().join("darban.toml")).unwrap();
    assert_eq!(desk.rows(&["check", "--sample", "sample.log"]).len(), 2);
    assert_eq!(desk.refused(&["check"]).0, Some(78));
}

#[test]
fn no_command_hands_a_clients_control_characters_to_a_terminal() {
    let desk = Desk::new(CONFIG);
    desk.put("part.log", &walk(HOSTILE, 200));
    let commands: [&[&str]; 3] = [
        &["replay", "--config", "darban.toml", "part.log"],
        &["check", "--config", "darban.toml", "--sample", "part.log"],
        &["explain", "--client", HOSTILE, "--config", "darban.toml", "part.log"],
    ];
    for command in commands {
        for output in ["human", "ndjson"] {
            let said = desk.said(&[command, &["--output", output]].concat());
            assert!(!said.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{command:?} as {output}");
            assert!(said.contains("202e"), "{command:?} as {output} does not show it at all");
        }
        assert!(desk.rows(command).iter().any(|it| it.to_string().contains(HOSTILE)));
    }
    let missing = ["explain", "--client", "\u{9b}", "--config", "darban.toml", "part.log"];
    assert!(!desk.refused(&missing).1.contains('\u{9b}'));
}

#[test]
fn explain_counts_the_records_that_the_alert_counts() {
    let desk = Desk::new(CONFIG);
    desk.put("part.log", &walk(WALKER, 300));
    let command = ["explain", "--client", WALKER, "--config", "darban.toml", "part.log"];
    let opened = &desk.rows(&command)[0];
    let out = &opened["records_out"];
    let (estimate, error) = (out["estimate"].as_u64().unwrap(), out["error"].as_u64().unwrap());
    // All but the few before the episode.
    assert!(estimate + error + 10 >= 300 && estimate <= 300 + error, "{opened}");
    assert_eq!(
        (&opened["firing"], &opened["alerts"].as_array().unwrap().len()),
        (&true.into(), &1)
    );
    let said = desk.said(&command);
    for part in [
        "staff clinic-17 on beneficiary\n",
        "records out since 2026-11-20T08:00:",
        "baseline 20.0 subjects a day",
        "a minute ",
        "evidence (nats)\n",
        "  fired at 2026-11-20T08:0",
        " as a page with log E ",
        " is open\n",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let honest = ["explain", "--client", "clinic-9", "--config", "darban.toml", "honest.log"];
    desk.put("honest.log", &walk("clinic-9", 1));
    assert!(desk.said(&honest).contains("  did not fire: log E is 0.0, at most 0.0 today, and"));
    assert_eq!(
        desk.refused(&["explain", "--client", "x", "--config", "darban.toml", "part.log"]).0,
        Some(65)
    );
}

#[test]
fn explain_draws_the_walk_and_says_how_things_stood_at_a_time() {
    let desk = Desk::new(CONFIG);
    desk.put("part.log", &walk(WALKER, 300));
    let command = ["explain", "--client", WALKER, "--config", "darban.toml"];
    let then = ["--at", "2026-11-20T08:00:03Z", "part.log"];
    let early = &desk.rows(&[&command[..], &then].concat())[0];
    assert_eq!((&early["firing"], &early["alerts"]), (&false.into(), &serde_json::json!([])));
    let whole = &desk.rows(&[&command[..], &["part.log"]].concat())[0];
    assert!(early["seen"][2].as_u64().unwrap() < 10, "{early}");
    assert!(whole["seen"][2].as_u64().unwrap() > 290, "{whole}");
    let said = desk.said(&[&command[..], &["--svg", "walk.svg", "part.log"]].concat());
    assert!(said.contains("  ids from its lowest to its highest, 300 look-ups\n"), "{said}");
    assert!(said.contains('\u{28c0}') || said.contains('\u{2860}'), "no dots in {said}");
    let drawing = std::fs::read_to_string(desk.path().join("walk.svg")).unwrap();
    assert!(drawing.contains("staff clinic-17 on beneficiary</text>"), "{drawing}");
    assert_eq!(drawing.matches("<circle").count(), 300);
    let wrong = [&command[..], &["--at", "yesterday", "part.log"]].concat();
    assert_eq!(desk.refused(&wrong).0, Some(64));
}

#[test]
fn an_address_is_explained_by_what_its_clients_are_expected_to_do() {
    let desk = Desk::new(CONFIG);
    let mut text = String::new();
    for at in 0..40 {
        let target = format!("/api/v2/beneficiaries/{}", (at + 1) * 7_919 * 65_537);
        text.push_str(&line(at * 60, &format!("clinic-{}", at % 4), &target));
    }
    desk.put("part.log", &text);
    let explain = |client: &str| {
        let rows =
            desk.rows(&["explain", "--client", client, "--config", "darban.toml", "part.log"]);
        let day = &rows[0]["expected"][2];
        day.as_f64().unwrap()
    };
    let clients: f64 = (0..4).map(|it| explain(&format!("clinic-{it}"))).sum();
    let address = explain("192.0.2.7");
    assert!(address >= clients * 0.9, "{address} at the address, {clients} by its clients");
}

#[test]
fn an_alert_is_sent_again_as_often_as_update_factor_says() {
    let updates = |factor: &str| {
        let desk = Desk::new(&format!("{CONFIG}[alert]\nupdate_factor = {factor}\n"));
        desk.put("part.log", &walk(WALKER, 400));
        let rows = desk.rows(&["replay", "--config", "darban.toml", "part.log"]);
        rows.iter().filter(|it| it["status"] == "updated").count()
    };
    let counts = ["1.2", "3.0", "1000.0"].map(updates);
    assert!(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] == 0, "{counts:?}");
}

#[test]
fn the_summary_counts_clients_and_not_their_profiles() {
    let desk = Desk::new(CONFIG);
    let mut text = String::new();
    for at in 0..12 {
        let folder = if at % 2 == 0 { "beneficiaries" } else { "letters" };
        let login = if at < 10 { format!("clinic-{}", at % 5) } else { String::new() };
        text.push_str(&line(at * 100, &login, &format!("/api/v2/{folder}/{}", at * 1_000_003)));
    }
    desk.put("part.log", &text);
    let rows = desk.rows(&["replay", "--config", "darban.toml", "part.log"]);
    let summary = rows.last().unwrap();
    // Five logins, each on two routes, and the address that also came without a login.
    assert_eq!((&summary["lookups"], &summary["clients"]), (&12.into(), &6.into()));
}

#[test]
fn the_command_that_replay_prints_runs_as_it_stands() {
    let desk = Desk::new(CONFIG);
    desk.put("a part.log", &walk(WALKER, 200));
    let said = desk.said(&["replay", "--config", "darban.toml", "a part.log"]);
    let step = said.lines().find_map(|it| it.trim().strip_prefix("next        darban explain"));
    let step =
        format!("{}{}", env!("CARGO_BIN_EXE_darban"), format_args!(" explain{}", step.unwrap()));
    let output = Command::new("sh").args(["-c", &step]).current_dir(desk.path()).output().unwrap();
    let explained = String::from_utf8_lossy(&output.stdout);
    assert!(explained.starts_with("staff clinic-17 on beneficiary\n"), "{step}: {output:?}");
    let runbook = "next        runbook: http://127.0.0.1:9464/runbooks/";
    assert!(said.lines().any(|it| it.trim().starts_with(runbook)), "{said}");
}

#[test]
fn each_shell_gets_completions_of_every_command() {
    let desk = Desk::new(CONFIG);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = desk.said(&["completions", shell]);
        for command in [
            "run",
            "demo",
            "replay",
            "check",
            "explain",
            "hash-ids",
            "alert",
            "silence",
            "simulate",
            "evaluate",
            "completions",
        ] {
            assert!(said.contains(command), "{command} is not completed in {shell}");
        }
    }
    assert!(desk.said(&["--help"]).contains("replay"));
    assert_eq!(desk.refused(&["nothing"]).0, Some(64));
}

/// What a list of decoys adds to the configuration.
const LISTS: &str = "[detect]\ndecoys_file = \"decoys.txt\"\nwatched_file = \"watched.txt\"\n";

/// A desk with lists of one decoy and one watched person.
fn desk_with_lists(more: &str) -> Desk {
    let desk = Desk::new(CONFIG);
    for (name, id) in [("decoys.txt", "4000000003\n"), ("watched.txt", "4000000005\n")] {
        desk.put("ids.txt", id);
        desk.put(name, &desk.said(&["hash-ids", "--config", "darban.toml", "ids.txt"]));
    }
    desk.put("darban.toml", &format!("{CONFIG}{LISTS}{more}"));
    desk
}

/// The alerts of a replay, as (status, severity, mode, kind).
fn alerts(desk: &Desk) -> Vec<[String; 4]> {
    let rows = desk.rows(&["replay", "--config", "darban.toml", "part.log"]);
    let alerts = rows.iter().filter(|it| it["type"] == "alert");
    let told = |it: &Value| {
        ["status", "severity", "mode", "kind"].map(|key| it[key].as_str().unwrap().to_owned())
    };
    alerts.map(told).collect()
}

#[test]
fn one_look_up_of_a_decoy_is_a_page_where_alerts_are_only_observed_too() {
    let desk = desk_with_lists("[alert]\nmode = \"observe\"\n");
    // The third touches it, and touching it again is the same alert.
    let ids = [4_700_000_000_u64, 4_000_000_003, 4_100_000_000, 4_000_000_003];
    let line =
        |(at, id): (u64, &u64)| line(at * 600, WALKER, &format!("/api/v2/beneficiaries/{id}"));
    desk.put("part.log", &(0..).zip(&ids).map(line).collect::<String>());
    assert_eq!(alerts(&desk), [["firing", "page", "page", "decoy"]]);
    let rows = desk.rows(&["replay", "--config", "darban.toml", "part.log"]);
    assert_eq!(rows[0]["clients"][0]["id"], WALKER);
    assert_eq!(rows[0]["records_out"]["estimate"], 1);
    assert!(!rows[0].to_string().contains("4000000003"), "{}", rows[0]);
}

#[test]
fn a_look_up_of_a_watched_person_is_a_page_unless_alerts_are_only_observed() {
    for (mode, told) in [("page", "page"), ("observe", "observe")] {
        let desk = desk_with_lists(&format!("[alert]\nmode = \"{mode}\"\n"));
        desk.put("part.log", &line(0, WALKER, "/api/v2/beneficiaries/4000000005"));
        assert_eq!(alerts(&desk), [["firing", "page", told, "watched"]]);
    }
}

#[test]
fn a_list_of_another_key_or_of_plain_ids_is_refused_before_anything_is_judged() {
    let desk = desk_with_lists("");
    desk.put("part.log", &walk(WALKER, 2));
    let replay = ["replay", "--config", "darban.toml", "part.log"];
    desk.said(&replay);
    desk.put("decoys.txt", "4000000003\n");
    let (code, words) = desk.refused(&replay);
    assert_eq!(code, Some(78));
    assert!(words.contains("detect.decoys_file") && words.contains("hash-ids"), "{words}");
    std::fs::create_dir(desk.path().join("state")).unwrap();
    desk.put("state/key", &"k".repeat(32));
    desk.put("decoys.txt", "key 0000000000000000\n");
    for command in [&replay[..], &["check"]] {
        let (code, words) = desk.refused(command);
        assert_eq!(code, Some(78));
        assert!(words.contains("made with another key"), "{words}");
    }
}

#[test]
fn a_client_with_an_open_ticket_that_writes_is_a_page_and_a_colleague_who_writes_is_none() {
    let write = "[[routes]]\nname = \"write\"\nmethods = [\"DELETE\"]\n\
                 path = \"/api/v2/beneficiaries/{subject}\"\nclass = \"write\"\n";
    let reads = CONFIG.replace("path = \"/api/v2/b", "methods = [\"GET\"]\npath = \"/api/v2/b");
    let desk = Desk::new(&reads.replace("[state]", &format!("{write}[state]")));
    let delete = |at: u64, login: &str| {
        line(at, login, "/api/v2/beneficiaries/4000000001").replace("GET", "DELETE")
    };
    let ticket = [["firing", "ticket", "page", "walk"]];
    desk.put("part.log", &walk(WALKER, 6));
    assert_eq!(alerts(&desk), ticket);
    desk.put("part.log", &(walk(WALKER, 6) + &delete(8, "clinic-9")));
    assert_eq!(alerts(&desk), ticket);
    // Who wrote before the walk began does nothing new.
    let later = walk(WALKER, 6).replace("T08:", "T09:");
    desk.put("part.log", &(delete(0, WALKER) + &later + &delete(3_608, WALKER)));
    assert_eq!(alerts(&desk), ticket);
    desk.put("part.log", &(walk(WALKER, 6) + &delete(8, WALKER) + &delete(9, WALKER)));
    assert_eq!(alerts(&desk), [ticket[0], ["firing", "page", "page", "walk"]]);
    let rows = desk.rows(&["replay", "--config", "darban.toml", "part.log"]);
    assert_eq!(rows[1]["seen"]["quantity"], "writes under an open alert");
}

#[test]
fn passes_tried_one_after_the_other_are_a_page_and_people_who_mistype_once_are_none() {
    let checks = "[[routes]]\nname = \"verify\"\npath = \"/api/v2/verify\"\n\
                  subject = \"query:mobile\"\nclass = \"pass_check\"\n";
    let desk = Desk::new(&CONFIG.replace("[state]", &format!("{checks}[state]")));
    let check = |at: u64, mobile: u64, status: &str| {
        let target = format!("/api/v2/verify?mobile={}", 7_000_000_000 + mobile * 7_919);
        line(at, "", &target).replace("\"200\"", &format!("\"{status}\""))
    };
    desk.put("part.log", &(0..12).map(|at| check(at * 5, 1, "400")).collect::<String>());
    let told = alerts(&desk);
    assert_eq!(told.last().unwrap()[1..], ["page", "page", "pass_guessing"]);
    // A carrier's address: every eighth person mistypes once, and then succeeds.
    let people = (0..400).flat_map(|person| {
        let first = if person % 8 == 0 { "401" } else { "200" };
        [check(person * 30, person, first), check(person * 30 + 20, person, "200")]
    });
    desk.put("part.log", &people.collect::<String>());
    assert_eq!(alerts(&desk), Vec::<[String; 4]>::new());
}

/// A receiver of the kind pagerduty at a stand-in.
fn pager(url: &str) -> String {
    format!(
        "{CONFIG}[[receivers]]\nname = \"pager\"\ntype = \"pagerduty\"\nurl = \"{url}\"\n\
         routing_key_file = \"pager.key\"\n"
    )
}

#[test]
fn a_receiver_is_tried_with_an_incident_that_is_over_again_and_says_what_it_answered() {
    let pagerduty = PagerDutyStandIn::start();
    let desk = Desk::new(&pager(&pagerduty.url));
    desk.put("pager.key", "0123456789abcdefSECRET9876543210");
    let test = ["alert", "test", "--receiver", "pager", "--config", "darban.toml"];
    let said = desk.said(&test);
    let begins: Vec<_> =
        said.lines().map(|it| it.split_whitespace().take(3).collect::<Vec<_>>()).collect();
    assert_eq!(begins[0].last(), Some(&"trigger"), "{said}");
    assert!(said.contains("202 Accepted: {\"dedup_key\""), "{said}");
    let rows = desk.rows(&test);
    let arrived: Vec<_> = rows.iter().map(|it| (&it["action"], &it["arrived"])).collect();
    assert_eq!(arrived, [(&"trigger".into(), &true.into()), (&"resolve".into(), &true.into())]);
    let incidents = pagerduty.incidents();
    assert_eq!((incidents.len(), incidents.iter().filter(|it| it.open).count()), (2, 0));
    let summary = incidents[0].payload["summary"].as_str().unwrap();
    assert!(summary.contains("darban-alert-test"), "{summary}");
    assert_eq!(pagerduty.refused(), Vec::<String>::new());
}

#[test]
fn a_receiver_that_refuses_its_trial_is_a_failure_with_its_words_and_an_unknown_one_is_named() {
    let pagerduty = PagerDutyStandIn::start();
    let desk = Desk::new(&pager(&pagerduty.url));
    desk.put("pager.key", "too-short-to-be-a-key");
    let test = ["alert", "test", "--receiver", "pager", "--config", "darban.toml"];
    let output = desk.run(&test);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(70), "{said}");
    assert!(said.contains("FAILED") && said.contains("is not 32 characters"), "{said}");
    assert!(!said.contains("too-short"), "{said}");
    let (code, words) =
        desk.refused(&["alert", "test", "--receiver", "pagr", "--config", "darban.toml"]);
    assert_eq!(code, Some(64));
    assert!(words.contains("there are: pager; did you mean pager?"), "{words}");
}

/// A desk whose configuration names a file of silences, which a person has written.
fn desk_with_silences() -> Desk {
    let desk = Desk::new(&format!("{CONFIG}[alert]\nsilences = \"silences.toml\"\n"));
    desk.put(
        "silences.toml",
        "# Reviewed every Monday.\n[[silence]]\nclient = \"batch-*\"   # all of them\n\
         until = 2999-01-01T00:00:00Z\nreason = \"the nightly batch\"\n",
    );
    desk
}

#[test]
fn a_silence_is_added_listed_and_ended_and_the_file_stays_a_persons() {
    let desk = desk_with_silences();
    let add = [
        ["silence", "add", "--client", "clinic-17"],
        ["--route", "beneficiary", "--for", "90d"],
        ["--reason", "moves \u{1b}house", "--config", "darban.toml"],
    ];
    let said = desk.said(&add.concat());
    let (id, _) = said.split_once(' ').unwrap();
    let list = ["silence", "list", "--config", "darban.toml"];
    let rows = desk.rows(&list);
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[1]["id"], &rows[1]["phase"]), (&id.into(), &"active".into()));
    assert_eq!((&rows[1]["client"], &rows[1]["kind"]), (&"clinic-17".into(), &Value::Null));
    let lines = desk.said(&list);
    assert!(lines.contains("client=clinic-17 route=beneficiary  moves \\u{1b}house"), "{lines}");
    // What the daemon reads.
    assert_eq!(desk.said(&["check", "--config", "darban.toml"]), "darban.toml is in order\n");
    desk.said(&["silence", "expire", id, "--config", "darban.toml"]);
    assert_eq!(desk.rows(&list).len(), 1);
    assert_eq!(desk.rows(&[&list[..], &["--expired"]].concat())[1]["phase"], "expired");
    let text = std::fs::read_to_string(desk.path().join("silences.toml")).unwrap();
    assert!(
        text.starts_with("# Reviewed every Monday.\n[[silence]]\nclient = \"batch-*\"   # all")
    );
    let (code, words) = desk.refused(&["silence", "expire", id, "--config", "darban.toml"]);
    assert_eq!(code, Some(64));
    assert!(words.contains("no silence that holds or will hold has the id"), "{words}");
}

#[test]
fn a_silence_takes_alertmanagers_matchers_and_refuses_what_is_none() {
    let desk = desk_with_silences();
    let end = ["--for", "1d", "--reason", "r", "--config", "darban.toml"];
    let add = ["silence", "add", "client=~\"clinic-[0-9]+\"", "route!=photo"];
    desk.said(&[&add[..], &end[..]].concat());
    let list = ["silence", "list", "--config", "darban.toml"];
    let lines = desk.said(&list);
    assert!(lines.contains("client=~\"clinic-[0-9]+\" route!=\"photo\"  r"), "{lines}");
    let matchers = &desk.rows(&list)[1]["matchers"];
    assert_eq!(*matchers, serde_json::json!(["client=~\"clinic-[0-9]+\"", "route!=\"photo\""]));
    assert_eq!(desk.said(&["check", "--config", "darban.toml"]), "darban.toml is in order\n");
    let wrong = ["silence", "add", "cleint=a", "client=~("];
    let (code, words) = desk.refused(&[&wrong[..], &end[..]].concat());
    assert_eq!(code, Some(64));
    assert!(words.contains("cleint=a asks for none of client, key, route, kind"), "{words}");
    assert!(words.contains("client=~( has an expression that is none"), "{words}");
}

#[test]
fn who_changed_a_silence_when_and_why_stands_in_the_log_beside_the_file() {
    let desk = desk_with_silences();
    let list = ["silence", "list", "--config", "darban.toml"];
    let id = desk.rows(&list)[0]["id"].as_str().unwrap().to_owned();
    let end = ["--reason", "it was a thief", "--config", "darban.toml"];
    desk.said(&[&["silence", "expire", id.as_str()], &end[..]].concat());
    let add = ["silence", "add", "--key", "staff", "--until", "2999-01-01T00:00:00Z"];
    desk.said(&[&add[..], &["--author", "somebody", "--reason", "r"], &end[2..]].concat());
    let log = std::fs::read_to_string(desk.path().join("silences.toml.audit.ndjson")).unwrap();
    let rows: Vec<Value> = log.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let of = |key: &str| rows.iter().map(|it| it[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("what"), ["expire", "add"]);
    assert_eq!(of("why"), ["it was a thief", "r"]);
    assert_eq!(of("via"), ["cli", "cli"]);
    assert_eq!(rows[0]["id"], id.as_str());
    assert_eq!(rows[0]["silence"]["until"], "2999-01-01T00:00:00.000Z");
    assert!(rows.iter().all(|it| it["at"].as_str().unwrap().ends_with('Z')));
    // The account is the kernel's word, whatever is said of the author.
    assert!(rows[1]["who"].as_str().is_some_and(|it| !it.is_empty() && it != "somebody"));
}

#[test]
fn a_silence_that_could_match_nothing_is_refused_with_all_that_is_wrong_and_changes_nothing() {
    let desk = desk_with_silences();
    let before = std::fs::read(desk.path().join("silences.toml")).unwrap();
    let wrong = ["--route", "beneficary", "--kind", "wlak", "--for", "soon", "--reason", " "];
    let config = ["--config", "darban.toml"];
    let (code, words) = desk.refused(&[&["silence", "add"], &wrong[..], &config].concat());
    assert_eq!(code, Some(64));
    for part in ["did you mean beneficiary?", "did you mean walk?", "--for: soon", "--reason: is"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    let nothing = ["silence", "add", "--for", "1d", "--reason", "r"];
    assert_eq!(desk.refused(&[&nothing[..], &config].concat()).0, Some(64));
    assert_eq!(std::fs::read(desk.path().join("silences.toml")).unwrap(), before);
    let bare = Desk::new(CONFIG);
    let (code, words) = bare.refused(&[&["silence", "list"], &config[..]].concat());
    assert_eq!(code, Some(78));
    assert!(words.contains("set [alert] silences"), "{words}");
}
