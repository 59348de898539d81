//! Delivery to a real Alertmanager.

use super::alertmanager::{Alertmanager, present, quiet};
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::wait::{wait_for, wait_until};
use darban::alert::{Alert, Mode, Severity, Status};
use darban::deliver::{Delivery, Endpoint, Options, Outbox, Policy, ReceiverKind, ReceiverSpec};
use darban::time::{Clock, wall};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

struct Running {
    delivery: Delivery,
    _runtime: tokio::runtime::Runtime,
    _scratch: Scratch,
}

/// A delivery to some Alertmanagers that posts what is open again every 200 ms.
fn start(urls: &[&str]) -> Running {
    let scratch = Scratch::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let urls = urls.iter().map(|it| Endpoint::alertmanager(it).unwrap()).collect();
    let kind = ReceiverKind::Alertmanager { urls };
    let options = Options {
        receivers: vec![ReceiverSpec { name: "am".to_owned(), severity: Vec::new(), kind }],
        policy: Policy { late_after_ms: Some(3_600_000), ..Policy::default() },
        repost: Duration::from_millis(200),
        ..Options::default()
    };
    let outbox = Outbox::open(scratch.path()).unwrap();
    let delivery = Delivery::start(options, outbox, Clock::system(), runtime.handle()).unwrap();
    Running { delivery, _runtime: runtime, _scratch: scratch }
}

fn offer(running: &Running, alert: &Alert) {
    running.delivery.offer(vec![alert.clone()]).unwrap();
    wait_until("it to be posted", || running.delivery.pending() == 0);
}

fn find(alertmanager: &Alertmanager, id: &str) -> Option<Value> {
    alertmanager.alerts().into_iter().find(|it| it["labels"]["alert_id"] == id)
}

#[test]
fn an_alert_is_seen_with_its_labels_and_ends_when_it_is_resolved() {
    let Ok(alertmanager) = Alertmanager::start(&quiet("5m")) else { return };
    let running = start(&[&alertmanager.url]);
    let fired = page("a");
    offer(&running, &fired);
    let seen = wait_for("the alert", || find(&alertmanager, "a"));
    for (name, value) in [
        ("alertname", "DarbanWalk"),
        ("kind", "walk"),
        ("route", "beneficiary"),
        ("severity", "page"),
        ("mode", "page"),
        ("key_kind", "staff"),
    ] {
        assert_eq!(seen["labels"][name], value, "{seen}");
    }
    assert!(seen["annotations"]["summary"].as_str().unwrap().contains("clinic-17"), "{seen}");
    offer(&running, &then(&fired, Status::Updated));
    let records = |it: Value| it["annotations"]["records"] == "27";
    wait_until("the update", || find(&alertmanager, "a").is_some_and(records));
    let mut resolved = then(&fired, Status::Resolved);
    resolved.changed_at = wall().plus(2_000);
    offer(&running, &resolved);
    wait_until("its end", || find(&alertmanager, "a").is_none());
    assert_eq!(running.delivery.stats().receivers[0].dead, 0);
}

#[test]
fn an_open_alert_outlives_the_timeout_because_it_is_posted_again() {
    let Ok(alertmanager) = Alertmanager::start(&quiet("4s")) else { return };
    let running = start(&[&alertmanager.url]);
    offer(&running, &page("a"));
    let first = wait_for("the alert", || find(&alertmanager, "a"));
    let later = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let end = later(&first["endsAt"]);
    // Beyond the first end and still there: it was prolonged in between.
    wait_until("two timeouts", || {
        let now = find(&alertmanager, "a").expect("it ended although it is open");
        later(&now["updatedAt"]) > end + jiff::SignedDuration::from_secs(1)
    });
    drop(running);
    wait_until("its end once nobody posts it", || find(&alertmanager, "a").is_none());
}

#[test]
fn every_replica_is_told_and_one_that_is_down_delays_no_other() {
    let Ok(alertmanager) = Alertmanager::start(&quiet("5m")) else { return };
    let running = start(&["http://127.0.0.1:9", &alertmanager.url]);
    running.delivery.offer(vec![page("a")]).unwrap();
    wait_until("the alert", || find(&alertmanager, "a").is_some());
    let stats = running.delivery.stats();
    let names: Vec<&str> = stats.receivers.iter().map(|it| it.receiver.as_str()).collect();
    assert_eq!(names, ["am/1", "am/2"]);
    assert_eq!(stats.receivers[0].sent, 0);
}

#[test]
fn a_ticket_that_becomes_a_page_is_one_alert_and_observed_or_late_ones_are_tickets() {
    let Ok(alertmanager) = Alertmanager::start(&quiet("5m")) else { return };
    let running = start(&[&alertmanager.url]);
    let first = ticket("a");
    offer(&running, &first);
    wait_until("the ticket", || find(&alertmanager, "a").is_some());
    offer(&running, &Alert { severity: Severity::Page, ..then(&first, Status::Firing) });
    let severities = || -> Vec<Value> {
        let alerts = alertmanager.alerts().into_iter();
        alerts.map(|it| it["labels"]["severity"].clone()).collect()
    };
    wait_until("the page alone", || severities() == ["page"]);
    offer(&running, &Alert { mode: Mode::Observe, ..page("observed") });
    let late = Alert { changed_at: wall().plus(-3_700_000), ..page("late") };
    offer(&running, &late);
    for id in ["observed", "late"] {
        let seen = wait_for("a ticket", || find(&alertmanager, id));
        assert_eq!(seen["labels"]["severity"], "ticket");
    }
    assert_eq!(find(&alertmanager, "observed").unwrap()["labels"]["mode"], "observe");
}

#[test]
fn hostile_names_cannot_have_an_alert_refused() {
    let Ok(alertmanager) = Alertmanager::start(&quiet("5m")) else { return };
    let running = start(&[&alertmanager.url]);
    let mut alert = page("a");
    alert.clients[0].id = "\u{0}\u{1b}]0;x\u{7}\u{202e}\u{10ffff}\"}{{ .Evil }}".repeat(500);
    offer(&running, &alert);
    let seen = wait_for("the alert", || find(&alertmanager, "a"));
    let text = seen.to_string();
    assert!(!text.contains('\u{202e}') && !text.contains("\\u001b"), "{text}");
    assert_eq!(running.delivery.stats().receivers[0].dead, 0);
}

#[test]
fn the_example_configuration_is_accepted_by_alertmanager_itself() {
    if !present("/usr/bin/amtool", "amtool check-config") {
        return;
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alertmanager.yml");
    let checked = Command::new("/usr/bin/amtool").arg("check-config").arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
