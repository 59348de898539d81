//! The daemon as it is shipped: a real broker in front, a pager behind.

use super::deliver::pagerduty::PagerDutyStandIn;
use super::deliver::scratch::Scratch;
use super::deliver::wait::wait_until;
use super::kafka::broker::Broker;
use darban::time::{Moment, SECOND_MS, wall};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const HARVESTS: usize = 20;
const PARTITIONS: i32 = 6;

struct Daemon(Child);

impl Daemon {
    fn start(config: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_darban"))
            .args(["run", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Asks it to end as an init system does; what it said on standard error.
    fn stop(mut self) -> String {
        let asked =
            Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let mut said = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

fn line(user: &str, address: usize, id: u64, at: Moment) -> String {
    let (second, ms) = (at.0 / SECOND_MS, at.0 % SECOND_MS);
    format!(
        r#"{{"msec":"{second}.{ms:03}","remote_addr":"10.1.{}.{}","remote_user":"{user}","request_method":"GET","request_uri":"/api/v2/beneficiaries/{id}","status":"200","body_bytes_sent":"300"}}"#,
        address / 250,
        address % 250
    )
}

/// Honest logins that look up a few people each, and twenty that walk through sixty ids.
fn traffic(end: Moment) -> Vec<(i32, i64, Vec<u8>)> {
    let mut lines = Vec::new();
    for clinic in 0..300_usize {
        for patient in 0..8_u64 {
            let number = u64::try_from(clinic).unwrap();
            let at =
                end.plus(300_000 * patient.cast_signed() + 31 * number.cast_signed() - 3_000_000);
            let id = (number * 7_919 + patient * 104_729_137) % 900_000_000 + 10_000_000_000_000;
            lines.push((at, clinic, line(&format!("clinic-{clinic}"), clinic, id, at)));
        }
    }
    for harvest in 0..HARVESTS {
        for step in 0..60_u64 {
            let number = u64::try_from(harvest).unwrap();
            let at = end.plus(2_000 * step.cast_signed() + 7 * number.cast_signed() - 1_500_000);
            let id = 20_000_000_000_000 + number * 1_000_000 + step;
            lines.push((
                at,
                harvest,
                line(&format!("clinic-9{harvest:03}"), 400 + harvest, id, at),
            ));
        }
    }
    lines.sort_by_key(|it| it.0);
    let to = |by: usize| i32::try_from(by).unwrap() % PARTITIONS;
    lines.into_iter().map(|(at, by, line)| (to(by), at.0, line.into_bytes())).collect()
}

fn config(folder: &Path, broker: &str, pager: &str) -> std::path::PathBuf {
    fs::write(folder.join("pagerduty.key"), "0123456789abcdef0123456789abcdef").unwrap();
    let mut text = String::new();
    write!(
        text,
        r#"
[source]
brokers = ["{broker}"]
topics = ["gateway-access"]
group = "darban"
instance_id = "darban-1"
start = "earliest"
[[clients.keys]]
kind = "staff"
field = "user"
pattern = "clinic-*"
class = "staff"
[[routes]]
name = "beneficiary"
methods = ["GET"]
path = "/api/v2/beneficiaries/{{subject}}"
class = "personal"
[[receivers]]
name = "pager"
type = "pagerduty"
severity = ["page"]
routing_key_file = "pagerduty.key"
url = "{pager}"
[state]
directory = "state"
[http]
listen = "127.0.0.1:0"
"#
    )
    .unwrap();
    let path = folder.join("darban.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_harvest_in_a_topic_reaches_the_pager_once_and_nobody_else_does() {
    let Some(broker) = Broker::start("daemon") else { return };
    broker.create_topic("gateway-access", PARTITIONS, &[]);
    let lines = traffic(wall());
    broker.write("gateway-access", lines.iter().map(|it| (it.0, it.1, it.2.as_slice())));
    let pager = PagerDutyStandIn::start();
    let folder = Scratch::new();
    let config = config(folder.path(), &broker.address(), &pager.url);
    let daemon = Daemon::start(&config);
    wait_until("every harvest is paged", || pager.incidents().len() >= HARVESTS);
    let told = daemon.stop();
    let summaries: Vec<String> =
        pager.incidents().iter().map(|it| it.payload["summary"].to_string()).collect();
    let harvests = (0..HARVESTS).map(|it| format!("clinic-9{it:03}"));
    let named: BTreeSet<String> =
        harvests.filter(|it| summaries.iter().any(|summary| summary.contains(it))).collect();
    assert_eq!((pager.incidents().len(), named.len()), (HARVESTS, HARVESTS), "{told}{summaries:?}");
}
