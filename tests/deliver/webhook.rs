//! Standard Webhooks 1.0.0 as a receiver has to take it: it verifies id, time and signature with
//! arithmetic of its own, and takes each id once.

use super::driver::{IMPATIENCE, Running, stdout};
use super::pagerduty::Fault;
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::stand_in::{Seen, StandIn};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darban::alert::Status;
use darban::deliver::{Endpoint, Policy, ReceiverKind, ReceiverSpec, SigningKeys};
use darban::time::wall;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const KEY: [u8; 32] = *b"a key of thirty-two bytes, a key";

/// The messages by id.
type Inbox = BTreeMap<String, Value>;

fn webhook() -> StandIn<Inbox> {
    StandIn::start(Inbox::new(), receive)
}

fn spec(stand_in: &StandIn<Inbox>) -> ReceiverSpec {
    let url = Endpoint::webhook(&format!("{}/hook?token=SECRET", stand_in.url)).unwrap();
    let keys = SigningKeys::parse(&format!("whsec_{}", STANDARD.encode(KEY))).unwrap();
    let kind = ReceiverKind::Webhook { url, keys };
    ReceiverSpec { name: "hook".to_owned(), severity: Vec::new(), kind }
}

fn receive(inbox: &mut Inbox, seen: &Seen) -> (u16, String) {
    match problem(seen) {
        Some(problem) => (401, problem.to_owned()),
        None => {
            inbox.entry(seen.header("webhook-id").to_owned()).or_insert_with(|| seen.json());
            (204, String::new())
        }
    }
}

fn problem(seen: &Seen) -> Option<&'static str> {
    let (id, time) = (seen.header("webhook-id"), seen.header("webhook-timestamp"));
    let signed = [format!("{id}.{time}.").as_bytes(), &seen.body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac(&KEY, &signed)));
    let seconds = time.parse::<i64>().unwrap_or_default();
    let body = seen.json();
    let data_is_all = body.as_object().is_some_and(|it| it.len() == 3);
    [
        (id.is_empty() || id.contains('.'), "no id"),
        ((wall().0 / 1_000 - seconds).abs() > 300, "too old or too new"),
        (!seen.header("webhook-signature").split(' ').any(|it| it == expected), "signature"),
        (seen.body.len() >= 20_000, "too long"),
        (seen.header("content-type") != "application/json", "type of content"),
        (!data_is_all || !body["data"].is_object(), "body"),
        (body["type"].as_str().is_none_or(|it| !it.contains("alert.")), "type"),
        (body["timestamp"].as_str().is_none_or(|it| !it.ends_with('Z')), "timestamp"),
    ]
    .into_iter()
    .find_map(|(wrong, why)| wrong.then_some(why))
}

/// HMAC as RFC 2104 writes it, for a key shorter than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[test]
fn each_change_is_a_signed_message_with_an_id_of_its_own() {
    let (hook, scratch) = (webhook(), Scratch::new());
    let running = Running::start(&scratch, vec![spec(&hook)], Policy::default());
    let fired = page("a");
    let updated = then(&fired, Status::Updated);
    for alert in [&fired, &updated, &then(&updated, Status::Resolved)] {
        running.offer(alert);
        running.settled();
    }
    let types: Vec<String> =
        hook.seen().iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(types, ["alert.firing", "alert.updated", "alert.resolved"]);
    assert_eq!(hook.state(Inbox::len), 3);
    let stats = running.delivery.stats();
    assert_eq!((stats.receivers[0].sent, stats.receivers[0].retried), (3, 0));
}

#[test]
fn what_is_repeated_has_the_same_id_and_is_taken_once() {
    for fault in [
        Fault::ReplyLost,
        Fault::Hang,
        Fault::Status(302),
        Fault::Status(401),
        Fault::Status(404),
        Fault::Status(503),
        Fault::Throttled(20),
    ] {
        let (hook, scratch) = (webhook(), Scratch::new());
        hook.fail_next(&[fault]);
        let receivers = vec![spec(&hook)];
        let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
        running.offer(&page("a"));
        running.settled();
        assert_eq!(hook.state(Inbox::len), 1, "{fault:?}");
        let seen = hook.seen();
        assert!(seen.len() >= 2, "{fault:?}");
        let first = (seen[0].header("webhook-id"), &seen[0].body);
        assert!(seen.iter().all(|it| (it.header("webhook-id"), &it.body) == first), "{fault:?}");
    }
}

#[test]
fn after_a_kill_the_same_change_has_the_same_id() {
    let (hook, scratch, other) = (webhook(), Scratch::new(), Scratch::new());
    let fired = page("a");
    for scratch in [&scratch, &other] {
        let running = Running::start(scratch, vec![spec(&hook)], Policy::default());
        running.offer(&fired);
        running.settled();
    }
    // Even where the outbox was lost.
    assert_eq!((hook.seen().len(), hook.state(Inbox::len)), (2, 1));
}

#[test]
fn gone_ends_it_for_this_receiver_and_for_no_other() {
    let (hook, scratch) = (webhook(), Scratch::new());
    hook.fail_next(&[Fault::Status(410)]);
    let running = Running::start(&scratch, vec![spec(&hook), stdout()], Policy::default());
    for id in ["a", "b", "c"] {
        running.offer(&page(id));
        running.settled();
    }
    let stats = running.delivery.stats();
    assert_eq!((hook.seen().len(), stats.receivers[0].dead), (1, 3));
    assert_eq!((stats.receivers[1].sent, running.printed().lines().count()), (3, 3));
}

#[test]
fn the_end_of_what_was_told_is_told_beyond_the_budget() {
    let (hook, scratch) = (webhook(), Scratch::new());
    let policy = Policy { per_hour: 1, ..Policy::default() };
    let running = Running::start(&scratch, vec![spec(&hook)], policy);
    let (told, held) = (ticket("told"), ticket("held"));
    for alert in [&told, &held, &then(&told, Status::Resolved), &then(&held, Status::Resolved)] {
        running.offer(alert);
    }
    running.settled();
    let told: Vec<(String, String)> = hook
        .seen()
        .iter()
        .map(|it| (it.json()["type"].to_string(), it.json()["data"]["id"].to_string()))
        .collect();
    let pair = |kind: &str| (format!("\"alert.{kind}\""), "\"told\"".to_owned());
    assert_eq!(told, [pair("firing"), pair("resolved")]);
}

#[test]
fn neither_the_address_nor_the_secret_is_shown() {
    let (hook, scratch) = (webhook(), Scratch::new());
    let running = Running::start(&scratch, vec![spec(&hook)], Policy::default());
    let shown = format!("{:?} {:?}", running.delivery, spec(&hook));
    assert!(!shown.contains("SECRET") && !shown.contains("token"), "{shown}");
    assert!(!shown.contains(&STANDARD.encode(KEY)), "{shown}");
}
