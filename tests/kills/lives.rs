//! The shipped binary, one life after the other, or some beside each other.

use super::traffic::TOPIC;
use crate::deliver::alertmanager::free_port;
use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::wait::{wait_longer, wait_until};
use darban::killpoint::VARIABLE;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// One life of the daemon; it does not outlive a test that fails.
pub(crate) struct Life(pub(crate) Child);

impl Life {
    /// A signal, by its name.
    pub(super) fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Asked to end; how it did.
    pub(super) fn end(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.0.wait().unwrap()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// What all lives share: a folder, a configuration, and where they speak to.
pub(super) struct Lives {
    folder: PathBuf,
    config: PathBuf,
    told: PathBuf,
    log: PathBuf,
    port: u16,
}

impl Lives {
    pub(super) fn new(folder: &Path, broker: &str, pagerduty: &str) -> Self {
        let port = free_port();
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
listen = "127.0.0.1:{port}"
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
"#
        );
        let config = folder.join("darban.toml");
        fs::write(&config, text).unwrap();
        let (told, log) = (folder.join("told.ndjson"), folder.join("log"));
        Self { folder: folder.to_owned(), config, told, log, port }
    }

    pub(super) fn begin(&self, dies_at: Option<String>) -> Life {
        self.spawn(dies_at, &[])
    }

    /// One that waits until nobody else has the state directory.
    pub(super) fn stand_by(&self) -> Life {
        self.spawn(None, &["--standby"])
    }

    fn spawn(&self, dies_at: Option<String>, more: &[&str]) -> Life {
        let append = |path: &Path| {
            OpenOptions::new().create(true).append(true).open(path).map(Stdio::from).unwrap()
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_darban"));
        command.args(["run", "--config"]).arg(&self.config).args(more);
        command.stdout(append(&self.told)).stderr(append(&self.log));
        if let Some(point) = dies_at {
            command.env(VARIABLE, point);
        }
        Life(command.spawn().unwrap())
    }

    /// Rows that were told; the last one before a kill may be torn.
    pub(super) fn told(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.told).unwrap_or_default();
        text.lines().filter_map(|it| serde_json::from_str(it).ok()).collect()
    }

    /// The first so many rows that others told count as told.
    pub(super) fn take_over(&self, others: &Self, rows: usize) {
        let mut told = OpenOptions::new().append(true).open(&self.told).unwrap();
        for row in others.told().into_iter().take(rows) {
            writeln!(told, "{row}").unwrap();
        }
    }

    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A page, as the one that runs serves it.
    pub(super) fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: darban\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Writes down what whoever looks is shown: metrics, pages, and what the pager was sent.
    pub(super) fn keep_what_is_seen(&self, pager: &PagerDutyStandIn) {
        let folder = self.folder.join("seen");
        fs::create_dir_all(&folder).unwrap();
        let ids: BTreeSet<String> =
            self.told().iter().filter_map(|it| it["id"].as_str().map(str::to_owned)).collect();
        let alerts = ids.iter().rev().take(50).map(|it| format!("/alerts/{it}"));
        let paths = ["/metrics", "/alerts", "/alerts?format=json", "/readyz?verbose"];
        for (at, path) in paths.map(str::to_owned).into_iter().chain(alerts).enumerate() {
            fs::write(folder.join(format!("page-{at}")), self.page(&path).unwrap()).unwrap();
        }
        fs::write(folder.join("pager"), pager.taken().concat()).unwrap();
    }

    /// Begins one that is not killed; it answers when this returns.
    pub(super) fn begin_last(&self) -> Life {
        let begun = || self.said().matches("pages and metrics").count();
        let before = begun();
        let life = self.begin(None);
        // From there on it ends as it is asked to.
        wait_until("the last life answers", || begun() > before);
        life
    }

    /// Waits until every harvest was told, and ends the last life as it should.
    pub(super) fn end(&self, last: Life, harvests: usize) {
        let named = || -> BTreeSet<String> {
            let rows = self.told();
            let clients = rows.iter().filter_map(|it| it["clients"].as_array()).flatten();
            clients.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect()
        };
        let missing = || {
            let named = named();
            (0..harvests).map(|it| format!("thief-{it}")).filter(|it| !named.contains(it)).count()
        };
        // Who joins an open page of many is named once a minute, and a quiet log is judged a minute
        // late.
        wait_longer("every thief is named", 150_000, || (missing() == 0).then_some(()));
        assert!(last.end().success(), "{}", self.said());
    }

    /// What was told in all is what an engine tells that is run once, and nobody was paged twice; in
    /// words, what that was.
    pub(super) fn check(&self, pager: &PagerDutyStandIn) -> String {
        let (told, expected) = (beginnings(&self.told()), beginnings(&self.expected()));
        let only = |one: &BTreeSet<String>, other| -> Vec<String> {
            one.difference(other).take(8).cloned().collect()
        };
        let (invented, lost) = (only(&told, &expected), only(&expected, &told));
        assert!(
            invented.is_empty() && lost.is_empty(),
            "told, not expected: {invented:#?}; expected, not told: {lost:#?}"
        );
        let incidents = pager.incidents();
        let keys: BTreeSet<&str> = incidents.iter().map(|it| it.dedup_key.as_str()).collect();
        assert_eq!(keys.len(), incidents.len(), "somebody was paged twice");
        assert_eq!(pager.refused(), Vec::<String>::new());
        let taken = pager.taken();
        let mut times: HashMap<&[u8], usize> = HashMap::new();
        taken.iter().for_each(|it| *times.entry(it.as_ref()).or_default() += 1);
        let again: usize = times.values().map(|it| it - 1).sum();
        format!(
            "{} alerts, {} incidents, {} events taken, {again} of them again",
            told.len(),
            incidents.len(),
            taken.len()
        )
    }

    /// What an engine tells that is run once.
    fn expected(&self) -> Vec<Value> {
        let out = self.folder.join("expected.ndjson");
        let status = Command::new(env!("CARGO_BIN_EXE_darban"))
            .args(["replay", "--output", "ndjson", "--topic", TOPIC, "--config"])
            .arg(&self.config)
            .arg("--journal")
            .arg(self.folder.join("state"))
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
