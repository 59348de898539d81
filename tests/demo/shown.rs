//! The demo as it is shipped: its pages, its metrics in a real Prometheus, its account.

use super::process::{Demo, Said, is_page};
use crate::dashboards::queries;
use crate::deliver::alertmanager::present;
use crate::deliver::wait::wait_longer;
use crate::kafka::broker::Broker;
use crate::prometheus::{Asker, PROMETHEUS, Prometheus, filled_in};
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// The first page comes this soon after the process's start.
const FIRST_PAGE_MS: u128 = 10_000;
/// When the last of the three has been paged, by the demo's design.
const LAST_PAGE_MS: i64 = 60_000;
/// The panel that shows what left.
const RECORDS_PANEL: &str = "Records out to open alerts";

#[test]
fn every_harvest_is_paged_once_and_every_panel_has_data_meanwhile() {
    let mut demo = Demo::start(&["--output", "ndjson"]);
    let prometheus = present(PROMETHEUS, "a real Prometheus on the demo")
        .then(|| Prometheus::start(&demo.address));
    let first = demo.wait("the first page", |it| is_page(&it.row()));
    println!("the first page came {} ms after the start", first.after_ms);
    assert!(first.after_ms < FIRST_PAGE_MS, "{} ms", first.after_ms);
    let pages =
        wait_longer("three pages", LAST_PAGE_MS, || Some(demo.pages()).filter(|it| it.len() >= 3));
    if let Some(prometheus) = &prometheus {
        assert_panels_show(prometheus, &pages);
    }
    let (said, complaints) = demo.interrupt();
    assert_eq!(complaints, "");
    check_account(&said);
}

/// Waits until all panels have data at once, and those of alerts show these.
fn assert_panels_show(prometheus: &Prometheus, pages: &BTreeSet<String>) {
    let asker = Asker::new(&prometheus.url);
    let all = queries();
    let (_, records) = all.iter().find(|it| it.0 == RECORDS_PANEL).unwrap();
    let of = |row: &Value| row["metric"]["alert"].as_str().unwrap().to_owned();
    let mut said = String::new();
    wait_longer("a sample of every panel and all pages; the last line says what misses", 0, || {
        let empty = all.iter().filter(|(_, expr)| asker.query(&filled_in(expr)).is_empty());
        let left: Vec<&str> = empty.map(|it| it.0.as_str()).collect();
        let shown: BTreeSet<String> = asker.rows(&filled_in(records)).iter().map(of).collect();
        let unseen: Vec<&String> = pages.difference(&shown).collect();
        let now = format!("of {} queries without data: {left:?}, unseen: {unseen:?}", all.len());
        if now != said {
            println!("{now}");
            said = now;
        }
        (left.is_empty() && unseen.is_empty()).then_some(())
    });
    let none = asker.query("ALERTS{alertstate=\"firing\"}");
    assert!(none.is_empty(), "a rule about darban itself fires: {none:?}");
}

/// Each harvest has one alert, a page, that counts what its label counts; nobody else is paged.
fn check_account(said: &[Said]) {
    let rows: Vec<Value> = said.iter().map(Said::row).collect();
    let of = |name: &str| rows.iter().filter(|it| it["type"] == name).collect::<Vec<_>>();
    let mut paged = BTreeSet::new();
    let harvests = of("harvest");
    assert_eq!(harvests.len(), 3);
    for harvest in harvests {
        let fired = harvest["fired"].as_array().unwrap();
        let ids: BTreeSet<&str> = fired.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1, "{harvest}");
        paged.extend(ids);
        assert_eq!(fired.iter().filter(|it| it["severity"] == "page").count(), 1, "{harvest}");
        for it in fired {
            let out = |name: &str| it["records_out"][name].as_u64().unwrap();
            let by_label = it["records_by_label"].as_u64().unwrap();
            assert!(out("estimate").abs_diff(by_label) <= out("error"), "{it}");
        }
        println!("{harvest}");
    }
    for alert in of("alert").into_iter().filter(|it| is_page(it)) {
        assert!(paged.contains(alert["id"].as_str().unwrap()), "{alert}");
    }
    let summary = rows.last().unwrap();
    assert_eq!((&summary["type"], &summary["honest_paged"]), (&"summary".into(), &0.into()));
    assert!(summary["refused"]["malformed"].as_u64().unwrap() > 0, "{summary}");
    println!("{summary}");
}

#[test]
fn ctrl_c_ends_the_demo_with_what_was_found_so_far() {
    let mut demo = Demo::start(&["--seed", "7"]);
    let page = demo.wait("a page", |it| it.line.starts_with("PAGE    "));
    let named = page.line.contains("address 203.0.113.1 on protocol");
    assert!(named, "{}", page.line);
    let (said, complaints) = demo.interrupt();
    assert_eq!(complaints, "");
    let text: Vec<&str> = said.iter().map(|it| it.line.as_str()).collect();
    let text = text.join("\n");
    for part in [
        "S5  address 203.0.113.1: paged once",
        "S9  staff clinic-21: had not begun",
        "honest clients paged: nobody",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colour for nobody:\n{text}");
}

#[test]
fn a_demo_on_a_cluster_leaves_no_topic_behind() {
    let Some(broker) = Broker::start("demo") else { return };
    let topics = || {
        let consumer: BaseConsumer = broker.client().create().unwrap();
        let metadata = consumer.fetch_metadata(None, Duration::from_secs(20)).unwrap();
        let names = metadata.topics().iter().map(|it| it.name().to_owned());
        names.filter(|it| it.starts_with("darban-demo-")).collect::<Vec<_>>()
    };
    let mut demo = Demo::start(&["--output", "ndjson", "--brokers", &broker.address()]);
    let first = demo.wait("the first page", |it| is_page(&it.row()));
    println!("on a real broker the first page came {} ms after the start", first.after_ms);
    assert_eq!(topics().len(), 1);
    let (said, complaints) = demo.interrupt();
    assert_eq!(complaints, "");
    assert_eq!(said.last().unwrap().row()["type"], "summary");
    wait_longer("the topic is gone", 0, || topics().is_empty().then_some(()));
}
