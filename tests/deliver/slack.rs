//! Slack's incoming webhooks: the limits of Block Kit, `invalid_payload` for what breaks them, and
//! no word of which message is which.

use super::driver::{IMPATIENCE, Running};
use super::pagerduty::Fault;
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::stand_in::{Seen, StandIn};
use darban::alert::{Client, Status};
use darban::attribute::KeyKind;
use darban::deliver::{Endpoint, Policy, ReceiverKind, ReceiverSpec};
use serde_json::Value;

fn slack() -> StandIn<Vec<Value>> {
    StandIn::start(Vec::new(), |channel, seen| match problem(seen) {
        Some(problem) => (400, problem.to_owned()),
        None => {
            channel.push(seen.json());
            (200, "ok".to_owned())
        }
    })
}

fn spec(stand_in: &StandIn<Vec<Value>>) -> ReceiverSpec {
    let url = Endpoint::webhook(&format!("{}/services/T0/B0/SECRET", stand_in.url)).unwrap();
    ReceiverSpec {
        name: "slack".to_owned(),
        severity: Vec::new(),
        kind: ReceiverKind::Slack { url },
    }
}

/// What Slack would not take, and what it would take for a mention or a link.
fn problem(seen: &Seen) -> Option<&'static str> {
    let message = seen.json();
    let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
    let text = |it: &Value| it["text"]["text"].as_str().unwrap_or_default().to_owned();
    let long = |it: &Value| !(1..=3_000).contains(&text(it).chars().count());
    let kinds = ["plain_text", "mrkdwn"];
    let marked = |it: &Value| it["text"]["type"] == "plain_text" && text(it).contains(['<', '>']);
    let bare = |it: &str| {
        let entities = ["&amp;", "&lt;", "&gt;"].iter().map(|entity| it.matches(entity).count());
        it.matches('&').count() != entities.sum::<usize>()
    };
    [
        (seen.header("content-type") != "application/json", "invalid_payload"),
        (message["text"].as_str().is_none_or(str::is_empty), "no_text"),
        (blocks.is_empty() || blocks.len() > 50, "invalid_blocks"),
        (blocks.iter().any(|it| it["type"] != "section"), "invalid_blocks"),
        (blocks.iter().any(|it| !kinds.iter().any(|kind| it["text"]["type"] == *kind)), "kind"),
        (blocks.iter().any(long), "msg_too_long"),
        (blocks.iter().any(marked), "markup in plain text"),
        (blocks.iter().any(|it| bare(&text(it))), "an ampersand that is none"),
        (seen.body.len() > 40_000, "msg_too_long"),
    ]
    .into_iter()
    .find_map(|(wrong, why)| wrong.then_some(why))
}

#[test]
fn every_change_is_a_message_that_slack_takes() {
    let (slack, scratch) = (slack(), Scratch::new());
    let running = Running::start(&scratch, vec![spec(&slack)], Policy::default());
    let mut fired = page("a");
    let id = "<!channel> & <https://evil.example|you>".to_owned();
    fired.clients = vec![Client { key: KeyKind::Staff, id }; 1_000];
    fired.members_total = 1_000;
    let updated = then(&fired, Status::Updated);
    for alert in [&fired, &updated, &then(&updated, Status::Resolved), &ticket("b")] {
        running.offer(alert);
        running.settled();
    }
    let texts: Vec<String> = slack.state(|it| it.iter().map(|it| it["text"].to_string()).collect());
    let begins: Vec<&str> = texts.iter().filter_map(|it| it.get(1..17)).collect();
    assert_eq!(
        begins,
        ["PAGE    Walk thr", "PAGE    Update: ", "PAGE    Resolved", "TICKET  Walk thr"]
    );
    assert_eq!(running.delivery.stats().receivers[0].dead, 0);
}

#[test]
fn a_page_arrives_after_each_of_slacks_refusals() {
    for fault in [
        Fault::Throttled(30),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(410),
        Fault::Status(500),
        Fault::Hang,
    ] {
        let (slack, scratch) = (slack(), Scratch::new());
        slack.fail_next(&[fault]);
        let receivers = vec![spec(&slack)];
        let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
        running.offer(&page("a"));
        running.settled();
        // At least once: a webhook of Slack has nothing by which it could know a repetition.
        assert!(slack.state(|it| !it.is_empty()), "{fault:?}");
    }
}

#[test]
fn what_slack_calls_invalid_is_sent_once_and_holds_up_nothing() {
    let (slack, scratch) = (slack(), Scratch::new());
    slack.fail_next(&[Fault::Status(400)]);
    let running = Running::start(&scratch, vec![spec(&slack)], Policy::default());
    running.offer(&page("a"));
    running.offer(&page("b"));
    running.settled();
    assert_eq!((slack.seen().len(), slack.state(Vec::len)), (2, 1));
    assert!(!format!("{:?}", running.delivery).contains("SECRET"));
}
