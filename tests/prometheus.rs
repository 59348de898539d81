//! A real Prometheus: it reads the metrics, the rules and the dashboard's queries.

use crate::dashboards::{queries, tree};
use crate::deliver::alertmanager::{free_port, present};
use crate::deliver::sample;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::wait_until;
use crate::serve::Served;
use darban::alert::{Alert, Kind};
use darban::attribute::Skip;
use darban::decode::{Format, Refusal};
use darban::deliver::{ReceiverStats, Stats as DeliveryStats};
use darban::engine::{Progress, Stats as EngineStats};
use darban::source::kafka;
use darban::telemetry::{Counts, Lag, Telemetry};
use darban::time::wall;
use darban::timeline::Stats as TimelineStats;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};

pub(crate) const PROMETHEUS: &str = "/usr/bin/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

/// Fills every series; `round` is how often, so that all that counts rises.
pub(crate) fn fill(telemetry: &Telemetry, round: u64) {
    telemetry.publish_counts(&Counts {
        received: 95,
        unwrapped: 5,
        decoded: BTreeMap::from([(Format::NginxJson, 90)]),
        refused: BTreeMap::from([(Refusal::Malformed, 10)]),
        skipped: BTreeMap::from([(Skip::Asset, 20)]),
        lookups: BTreeMap::from([(0, 70)]),
    });
    telemetry.publish_timeline(&TimelineStats {
        records: round * 100,
        cuts: round,
        late: round,
        clamped: round,
        cut_without: round,
        held_back: round,
    });
    telemetry.publish_engine(&EngineStats {
        lookups: round * 70,
        novel: round * 30,
        profiles: 12,
        suspects: 1,
        bytes: 1 << 20,
        evicted: round,
        ..EngineStats::default()
    });
    telemetry.publish_delivery(&DeliveryStats {
        receivers: vec![ReceiverStats {
            receiver: "pager".to_owned(),
            sent: round,
            waiting: 1,
            ..ReceiverStats::default()
        }],
        outbox_bytes: 512,
        ..DeliveryStats::default()
    });
    telemetry.publish_source(
        &kafka::Stats {
            received: round * 100,
            holes: round,
            duplicates: round,
            standstills: round,
            ..kafka::Stats::default()
        },
        0,
    );
    telemetry.publish_lags(&[Lag { topic: "access".to_owned(), partition: 3, records: 9 }]);
    let now = wall();
    telemetry.polled(now);
    telemetry.judged(now.plus(-700), now);
    telemetry.committed(true);
    telemetry.notified("pager", 300);
    telemetry.alert(&Alert { kind: Kind::Harvest, ..sample::page("abc123") });
    let id = "abc123".to_owned();
    telemetry.progress(&[Progress { id, records: 100 + round, ..Progress::default() }]);
}

/// Runs promtool with `text` on its standard input.
fn promtool(arguments: &[&str], text: &str) {
    let mut child = Command::new(PROMTOOL)
        .args(arguments)
        .current_dir(tree("deploy/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    if !present(PROMTOOL, "promtool check metrics") {
        return;
    }
    let telemetry = Telemetry::new(&["beneficiary".to_owned()], &["pager".to_owned()]);
    fill(&telemetry, 1);
    promtool(&["check", "metrics"], &telemetry.render());
}

#[test]
fn promtool_finds_no_fault_in_rules_and_configuration() {
    if !present(PROMTOOL, "promtool check rules") {
        return;
    }
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "darban.rules.yml"], "");
    promtool(&["check", "config", "--syntax-only", "prometheus.yml"], "");
}

#[test]
fn every_rule_fires_on_what_it_is_for_and_on_nothing_else() {
    if !present(PROMTOOL, "promtool test rules") {
        return;
    }
    promtool(&["test", "rules", "darban.rules.test.yml"], "");
}

/// What Grafana would put in, with all jobs and instances chosen.
pub(crate) fn filled_in(expr: &str) -> String {
    expr.replace("$job", ".+")
        .replace("$instance", ".+")
        .replace("$__rate_interval", "1m")
        .replace("$__range", "1h")
}

#[test]
fn every_panel_asks_in_promql() {
    if !present(PROMTOOL, "promtool on the dashboard's queries") {
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.path().join("panels.yml");
    let mut text = String::from("groups:\n  - name: panels\n    rules:\n");
    for (at, (_, expr)) in queries().iter().enumerate() {
        text.push_str(&format!(
            "      - record: panel:{at}\n        expr: '{}'\n",
            filled_in(expr)
        ));
    }
    fs::write(&file, text).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()], "");
}

/// A running Prometheus that scrapes one target every second; it ends when it is dropped.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    process: Child,
    _scratch: Scratch,
}

impl Prometheus {
    pub(crate) fn start(target: &str) -> Self {
        let scratch = Scratch::new();
        let file = scratch.path().join("prometheus.yml");
        let config = fs::read_to_string(tree("deploy/prometheus/prometheus.yml")).unwrap();
        let rules = tree("deploy/prometheus/darban.rules.yml").display().to_string();
        let config = config
            .replace("15s", "1s")
            .replace("- darban.rules.yml", &format!("- {rules}"))
            .replace("DARBAN:9464", target)
            .replace("ALERTMANAGER:9093", "127.0.0.1:9");
        fs::write(&file, config).unwrap();
        let port = free_port();
        let process = Command::new(PROMETHEUS)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), process, _scratch: scratch }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Asks a Prometheus.
pub(crate) struct Asker {
    url: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Asker {
    pub(crate) fn new(url: &str) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Self {
            url: url.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// The numbers that an expression has now; "not a number" counts as none.
    pub(crate) fn query(&self, expr: &str) -> Vec<f64> {
        let number = |it: &Value| it["value"][1].as_str()?.parse::<f64>().ok();
        self.rows(expr).iter().filter_map(number).filter(|it| !it.is_nan()).collect()
    }

    /// The series that an expression has now, with their labels.
    pub(crate) fn rows(&self, expr: &str) -> Vec<Value> {
        let escaped: String = expr.bytes().map(|it| format!("%{it:02x}")).collect();
        let address = format!("{}/api/v1/query?query={escaped}", self.url);
        let text = self
            .runtime
            .block_on(async { self.client.get(address).send().await.ok()?.text().await.ok() });
        let answer: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expr}: {answer}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}

/// Waits until every panel of the dashboard has data, except those whose titles are in `except`.
/// `nudge` is called between looks, to keep what counts rising.
pub(crate) fn assert_panels_have_data(
    prometheus_url: &str,
    except: &[&str],
    mut nudge: impl FnMut(),
) {
    let asker = Asker::new(prometheus_url);
    let mut wanting = queries();
    wanting.retain(|(title, _)| !except.contains(&title.as_str()));
    let mut said = String::new();
    wait_until("a sample of every panel; the last line says which have none", || {
        nudge();
        wanting.retain(|(_, expr)| asker.query(&filled_in(expr)).is_empty());
        let left: Vec<&str> = wanting.iter().map(|it| it.0.as_str()).collect();
        let now = format!("without data yet: {}", left.join(", "));
        if now != said {
            println!("{now}");
            said = now;
        }
        left.is_empty()
    });
}

#[test]
fn every_panel_has_data_and_a_healthy_darban_fires_no_rule() {
    if !present(PROMETHEUS, "a real Prometheus") {
        return;
    }
    let served = Served::new(&["beneficiary"], &["pager"]);
    let mut round = 1;
    fill(&served.shared.telemetry, round);
    let prometheus = Prometheus::start(&served.addr.to_string());
    let asker = Asker::new(&prometheus.url);
    wait_until("the first scrape", || asker.query("up{job=\"darban\"}") == [1.0]);
    assert_panels_have_data(&prometheus.url, &[], || {
        round += 1;
        fill(&served.shared.telemetry, round);
    });
    assert_eq!(asker.query("darban_alerts_open{severity=\"page\",mode=\"page\"}"), [1.0]);
    let firing = asker.query("ALERTS{alertstate=\"firing\"}");
    assert!(firing.is_empty(), "{firing:?}");
}
