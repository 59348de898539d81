//! Integration events of Jira Service Management: a creation with the alias of an open alert joins
//! it, one after its end is a new alert, answers are 202 before anything is done.

use super::driver::{IMPATIENCE, Running};
use super::pagerduty::Fault;
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::stand_in::{Seen, StandIn};
use axum::http::Method;
use darban::alert::Status;
use darban::deliver::{Endpoint, Policy, ReceiverKind, ReceiverSpec, Secret};
use serde_json::Value;

const BASE: &str = "/jsm/ops/integration/v2/alerts";
const KEY: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// An alert as whoever is on call sees it.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    alias: String,
    open: bool,
    count: usize,
    notes: usize,
}

fn jsm() -> StandIn<Vec<Shown>> {
    StandIn::start(Vec::new(), receive)
}

fn spec(stand_in: &StandIn<Vec<Shown>>) -> ReceiverSpec {
    let url = Endpoint::jsm(&stand_in.url).unwrap();
    let kind = ReceiverKind::Jsm { url, key: Secret::new(KEY) };
    ReceiverSpec { name: "jira".to_owned(), severity: Vec::new(), kind }
}

fn receive(alerts: &mut Vec<Shown>, seen: &Seen) -> (u16, String) {
    if seen.header("authorization") != format!("GenieKey {KEY}") {
        return (403, "{\"message\":\"Key format is not valid!\"}".to_owned());
    }
    let accepted = (202, "{\"result\":\"Request will be processed\"}".to_owned());
    if seen.method == Method::POST && seen.path == BASE {
        let created = seen.json();
        if let Some(problem) = problem(&created) {
            return (422, problem.to_owned());
        }
        let alias = created["alias"].as_str().unwrap().to_owned();
        match alerts.iter_mut().find(|it| it.open && it.alias == alias) {
            Some(open) => open.count += 1,
            None => alerts.push(Shown { alias, open: true, count: 1, notes: 0 }),
        }
        return accepted;
    }
    let rest = seen.path.strip_prefix(BASE).and_then(|it| it.strip_prefix('/'));
    let rest = rest.and_then(|it| it.strip_suffix("?identifierType=alias"));
    let Some((alias, what)) = rest.and_then(|it| it.split_once('/')) else {
        return (404, "not found".to_owned());
    };
    let open = alerts.iter_mut().find(|it| it.open && it.alias == alias);
    match (what, open) {
        ("close", Some(open)) => open.open = false,
        ("notes", Some(open)) => open.notes += 1,
        ("close" | "notes", None) => {}
        _ => return (404, "not found".to_owned()),
    }
    accepted
}

/// What the service would not take of a creation.
fn problem(created: &Value) -> Option<&'static str> {
    let known = ["message", "alias", "description", "details", "entity", "source", "tags"];
    let length = |name: &str| created[name].as_str().map_or(0, |it| it.chars().count());
    let details = created["details"].as_object();
    let texts = details.is_some_and(|it| it.values().all(Value::is_string));
    let fields = created.as_object().cloned().unwrap_or_default();
    [
        (!(1..=130).contains(&length("message")), "message"),
        (!(1..=512).contains(&length("alias")), "alias"),
        (length("description") > 15_000, "description"),
        (length("entity") > 512, "entity"),
        (length("source") > 100, "source"),
        (!texts, "details"),
        (fields.keys().any(|it| !known.contains(&it.as_str())), "unknown field"),
        (created["tags"].as_array().is_none_or(|it| it.len() > 20), "tags"),
    ]
    .into_iter()
    .find_map(|(wrong, why)| wrong.then_some(why))
}

fn shown(alias: &str, open: bool, notes: usize) -> Shown {
    Shown { alias: alias.to_owned(), open, count: 1, notes }
}

#[test]
fn a_harvest_is_one_alert_with_notes_and_the_next_one_another() {
    let (jsm, scratch) = (jsm(), Scratch::new());
    let running = Running::start(&scratch, vec![spec(&jsm)], Policy::default());
    let fired = page("a");
    let updated = then(&fired, Status::Updated);
    let resolved = then(&updated, Status::Resolved);
    for alert in [&fired, &updated, &resolved, &fired, &page("b"), &ticket("c")] {
        running.offer(alert);
        running.settled();
    }
    assert_eq!(jsm.state(Vec::clone), [shown("a", false, 1), shown("b", true, 0)]);
    assert_eq!(running.delivery.stats().receivers[0].dead, 0);
}

#[test]
fn a_page_whose_answer_was_lost_joins_itself() {
    for fault in [Fault::ReplyLost, Fault::Status(429), Fault::Status(403), Fault::Status(500)] {
        let (jsm, scratch) = (jsm(), Scratch::new());
        jsm.fail_next(&[fault]);
        let receivers = vec![spec(&jsm)];
        let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
        running.offer(&page("a"));
        running.settled();
        let alerts = jsm.state(Vec::clone);
        assert_eq!((alerts.len(), alerts[0].open), (1, true), "{fault:?}");
        assert!(jsm.seen().len() >= 2, "{fault:?}");
    }
}

#[test]
fn what_the_service_calls_invalid_is_sent_once_and_no_key_is_shown() {
    let (jsm, scratch) = (jsm(), Scratch::new());
    jsm.fail_next(&[Fault::Status(422)]);
    let running = Running::start(&scratch, vec![spec(&jsm)], Policy::default());
    running.offer(&page("a"));
    running.settled();
    assert_eq!((jsm.seen().len(), running.delivery.stats().receivers[0].dead), (1, 1));
    assert!(!format!("{:?}", running.delivery).contains(KEY));
}
