//! A real Alertmanager, where Debian's package has one.

use super::scratch::Scratch;
use super::wait::wait_until;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

const BINARY: &str = "/usr/bin/prometheus-alertmanager";

/// Why there is none: one line, printed already.
#[derive(Debug)]
pub(crate) struct Skip;

/// A running Alertmanager with nothing in it; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    /// Its base address.
    pub(crate) url: String,
    process: Child,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    _scratch: Scratch,
}

/// A configuration that notifies nobody and forgets what is not posted again after `timeout`.
pub(crate) fn quiet(timeout: &str) -> String {
    format!(
        "global: {{ resolve_timeout: {timeout} }}\nroute: {{ receiver: nobody }}\n\
         receivers: [{{ name: nobody }}]\n"
    )
}

/// Whether a program is there; without it one line says what is skipped, and with `CI=true` the
/// test fails.
pub(crate) fn present(binary: &str, skipped: &str) -> bool {
    if std::path::Path::new(binary).exists() {
        return true;
    }
    let why = format!("no {binary} (Debian: prometheus, prometheus-alertmanager)");
    crate::skip::skip(skipped, &why);
    false
}

impl Alertmanager {
    /// Starts one with a configuration, on a free port and without a cluster.
    pub(crate) fn start(config: &str) -> Result<Self, Skip> {
        if !present(BINARY, "the real Alertmanager") {
            return Err(Skip);
        }
        let scratch = Scratch::new();
        let file = scratch.path().join("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let port = free_port();
        let process = Command::new(BINARY)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", scratch.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let started = Self {
            url: format!("http://127.0.0.1:{port}"),
            process,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            _scratch: scratch,
        };
        wait_until("Alertmanager to be ready", || started.get("/-/ready").is_some());
        Ok(started)
    }

    /// Its alerts, ended ones too as long as it shows them.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let text = self.get("/api/v2/alerts").unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The body of a page that was answered 2xx.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        self.runtime.block_on(async {
            let answer = self.client.get(format!("{}{path}", self.url)).send().await.ok()?;
            answer.error_for_status().ok()?.text().await.ok()
        })
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
