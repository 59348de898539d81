//! `kill -9` of the shipped binary, over and over, against a real broker: at random moments, and at
//! every named point between a write and its sync, a request and its reply.
//!
//! What it told in all, over every life, has to be what an engine tells that is run once over the
//! topic with the cuts of the journal (`darban replay --topic --journal`). `DARBAN_KILLS` says how
//! often; `make test-kill` says a thousand times.

mod leaks;
mod traffic;

use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::{wait_for, wait_longer, wait_until};
use crate::determinism::Mix;
use crate::kafka::broker::Broker;
use darban::killpoint::{POINTS, VARIABLE};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use traffic::{TOPIC, Traffic};

const KILLS: u64 = 60;

/// One life of the daemon; it does not outlive a test that fails.
struct Life(Child);

impl Drop for Life {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// The daemon, one life after the other.
struct Lives {
    config: PathBuf,
    told: PathBuf,
    log: PathBuf,
}

impl Lives {
    fn new(folder: &Path, broker: &str, pagerduty: &str) -> Self {
        fs::write(folder.join("pagerduty.key"), "0123456789abcdef0123456789abcdef").unwrap();
        let text = format!(
            r#"
[source]
brokers = ["{broker}"]
topics = ["{TOPIC}"]
group = "darban"
instance_id = "darban-1"
start = "earliest"
security = {{ protocol = "plaintext" }}
[state]
directory = "state"
snapshot_every = "1s"
keep_journal = true
[privacy]
key_file = "state/key"
[http]
listen = "127.0.0.1:{}"
[[clients.keys]]
kind = "staff"
field = "user"
class = "staff"
[[routes]]
name = "person"
path = "/people/{{subject}}"
class = "personal"
[[receivers]]
name = "pager"
type = "pagerduty"
severity = ["page"]
routing_key_file = "pagerduty.key"
url = "{pagerduty}"
[[receivers]]
name = "out"
type = "stdout"
format = "ndjson"
"#,
            crate::deliver::alertmanager::free_port()
        );
        let config = folder.join("darban.toml");
        fs::write(&config, text).unwrap();
        Self { config, told: folder.join("told.ndjson"), log: folder.join("log") }
    }

    fn begin(&self, dies_at: Option<String>) -> Life {
        let append = |path: &Path| {
            OpenOptions::new().create(true).append(true).open(path).map(Stdio::from).unwrap()
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_darban"));
        command.args(["run", "--config"]).arg(&self.config);
        command.stdout(append(&self.told)).stderr(append(&self.log));
        if let Some(point) = dies_at {
            command.env(VARIABLE, point);
        }
        Life(command.spawn().unwrap())
    }

    /// Rows that were told; the last one before a kill may be torn.
    fn told(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.told).unwrap_or_default();
        text.lines().filter_map(|it| serde_json::from_str(it).ok()).collect()
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What an engine tells that is run once.
    fn expected(&self, folder: &Path) -> Vec<Value> {
        let out = folder.join("expected.ndjson");
        let status = Command::new(env!("CARGO_BIN_EXE_darban"))
            .args(["replay", "--output", "ndjson", "--topic", TOPIC, "--config"])
            .arg(&self.config)
            .arg("--journal")
            .arg(folder.join("state"))
            .stdout(File::create(&out).unwrap())
            .status()
            .unwrap();
        assert!(status.success());
        let text = fs::read_to_string(out).unwrap();
        let rows = text.lines().map(|it| serde_json::from_str::<Value>(it).unwrap());
        rows.filter(|it| it["type"] == "alert").collect()
    }
}

/// What of a beginning must not depend on kills.
fn beginnings(rows: &[Value]) -> BTreeSet<String> {
    let firing = rows.iter().filter(|it| it["status"] == "firing");
    let fields = ["id", "severity", "clients", "first_seen", "fired_at"];
    firing.map(|it| fields.map(|name| it[name].to_string()).join(" ")).collect()
}

#[test]
fn nothing_is_lost_invented_or_paged_twice_however_often_it_is_killed() {
    let Some(broker) = Broker::start("kills") else { return };
    let kills = std::env::var("DARBAN_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(KILLS);
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let lives = Lives::new(scratch.path(), &broker.address(), &pager.url);
    let traffic = Traffic::start(broker.client());
    let mut mix = Mix(kills);
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for life in 0..kills {
        let point = usize::try_from(life).unwrap() % (POINTS.len() * 2);
        let dies_at = POINTS.get(point).map(|it| format!("{it}:{}", 1 + mix.below(3)));
        let until = traffic.written() + 10 + mix.below(120);
        let patience = if dies_at.is_some() { until + 400 } else { until };
        let mut child = lives.begin(dies_at);
        let ended = wait_for("the next kill", || match child.0.try_wait().unwrap() {
            Some(status) => Some(Some(status)),
            None => (traffic.written() >= patience).then_some(None),
        });
        match ended {
            // It aborted at the point.
            Some(status) => {
                assert_eq!(
                    std::os::unix::process::ExitStatusExt::signal(&status),
                    Some(6),
                    "{}",
                    lives.said()
                );
                reached.extend(POINTS.get(point).copied());
            }
            None => {
                child.0.kill().unwrap();
                child.0.wait().unwrap();
            }
        }
    }
    let harvests = traffic.end();
    let begun = || lives.said().matches("pages and metrics").count();
    let before = begun();
    let mut child = lives.begin(None);
    // From there on it ends as it is asked to.
    wait_until("the last life answers", || begun() > before);
    let named = || -> BTreeSet<String> {
        let rows = lives.told();
        let clients = rows.iter().filter_map(|it| it["clients"].as_array()).flatten();
        clients.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect()
    };
    let missing = || {
        let named = named();
        (0..harvests).map(|it| format!("thief-{it}")).filter(|it| !named.contains(it)).count()
    };
    // Who joins an open page of many is named once a minute, and a quiet log is judged a minute late.
    wait_longer("every thief is named", 150_000, || (missing() == 0).then_some(()));
    let id = child.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.0.wait().unwrap().success(), "{}", lives.said());
    let (leaked, files) = leaks::search(scratch.path(), &traffic::people(harvests));
    assert!(leaked.is_empty() && files > 5, "{leaked:?} in {files} files");
    let (told, expected) = (lives.told(), lives.expected(scratch.path()));
    assert_eq!(beginnings(&told), beginnings(&expected));
    assert!(harvests >= 12 && reached.len() * 4 >= POINTS.len() * 3, "{harvests}, {reached:?}");
    let incidents = pager.incidents();
    let keys: BTreeSet<&str> = incidents.iter().map(|it| it.dedup_key.as_str()).collect();
    assert_eq!(keys.len(), incidents.len(), "somebody was paged twice");
    assert_eq!(pager.refused(), Vec::<String>::new());
    println!(
        "{kills} kills, {harvests} harvests, {} alerts, {} incidents, {} requests, points: {reached:?}",
        beginnings(&told).len(),
        incidents.len(),
        pager.requests()
    );
}
