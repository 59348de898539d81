//! The shipped binary as a process: its configuration, its metrics, its end.

use crate::deliver::alertmanager::free_port;
use crate::deliver::wait::wait_until;
use darban::scenarios::{Portal, config_toml};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a daemon is told.
pub(crate) struct Setup<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) source: String,
    pub(crate) pagerduty: &'a str,
    pub(crate) alertmanager: &'a str,
}

/// A configuration in a folder of its own, for one process after the other.
pub(crate) struct Installed {
    config: PathBuf,
    port: u16,
}

impl Installed {
    pub(crate) fn new(folder: &Path, setup: &Setup<'_>) -> Self {
        fs::write(folder.join("pagerduty.key"), "0123456789abcdef0123456789abcdef").unwrap();
        let source =
            format!("topics = [\"gateway-access\"]\ninstance_id = \"darban-1\"\n{}", setup.source);
        let receivers_and_portal = format!(
            r#"
[[receivers]]
name = "pager"
type = "pagerduty"
severity = ["page"]
routing_key_file = "pagerduty.key"
url = "{}"
[[receivers]]
name = "alertmanager"
type = "alertmanager"
urls = ["{}"]
{}"#,
            setup.pagerduty,
            setup.alertmanager,
            config_toml(setup.portal)
        );
        Self::of(folder, &source, &receivers_and_portal)
    }

    /// One that reads what `source` says from its beginning.
    pub(crate) fn of(folder: &Path, source: &str, rest: &str) -> Self {
        let port = free_port();
        let text = format!(
            r#"
[source]
group = "darban"
start = "earliest"
{source}
[state]
directory = "state"
[privacy]
key_file = "state/key"
[http]
listen = "127.0.0.1:{port}"
{rest}"#
        );
        let config = folder.join("darban.toml");
        fs::write(&config, text).unwrap();
        Self { config, port }
    }

    pub(crate) fn start(&self) -> Daemon {
        let child = Command::new(env!("CARGO_BIN_EXE_darban"))
            .args(["run", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let daemon = Daemon { child, port: self.port };
        wait_until("the daemon answers", || daemon.metrics().is_some());
        daemon
    }
}

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn metrics(&self) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: darban\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// The sum of the samples of a metric whose labels contain a text.
    pub(crate) fn sum(&self, metric: &str, labels: &str) -> u64 {
        let text = self.metrics().expect("the daemon answers");
        let of = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let named = name == metric || name.starts_with(&format!("{metric}{{"));
            let value = value.parse::<f64>().ok().filter(|_| named && name.contains(labels))?;
            format!("{value:.0}").parse::<u64>().ok()
        };
        text.lines().filter_map(of).sum()
    }

    /// Asks it to end as an init system does; what it said on standard error.
    pub(crate) fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
