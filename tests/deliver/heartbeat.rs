//! Signs of life at a stand-in for a dead man's switch.

use super::pagerduty::Fault;
use super::scratch::Scratch;
use super::stand_in::StandIn;
use super::wait::wait_until;
use darban::deliver::{Delivery, Endpoint, HeartbeatSpec, Internal, Options, Outbox, Reach};
use darban::time::Clock;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(20);

fn switch() -> StandIn<()> {
    StandIn::start((), |(), _| (200, "OK".to_owned()))
}

/// Delivery to nobody, with a heart whose signs go to `switch`; `reach` says where they may.
fn beating(
    switch: &StandIn<()>,
    scratch: &Scratch,
    reach: Reach,
) -> (tokio::runtime::Runtime, Delivery) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = Endpoint::webhook(&format!("{}/ping/secret", switch.url)).unwrap();
    let heartbeat = Some(HeartbeatSpec { url, every: EVERY });
    let options = Options { heartbeat, reach, ..Options::default() };
    let outbox = Outbox::open(scratch.path()).unwrap();
    let delivery = Delivery::start(options, outbox, Clock::system(), runtime.handle()).unwrap();
    (runtime, delivery)
}

fn listed() -> Reach {
    Reach { internal: Internal::parse("127.0.0.1").into_iter().collect(), ..Reach::default() }
}

#[test]
fn a_sign_of_life_is_given_for_a_beat_and_never_without() {
    let (switch, scratch) = (switch(), Scratch::new());
    let (runtime, delivery) = beating(&switch, &scratch, listed());
    for beats in 1..=3 {
        delivery.heart().beat();
        wait_until("the sign is counted", || delivery.heart().counts() == (beats, 0));
    }
    assert_eq!(runtime.block_on(delivery.stop(Duration::from_secs(20))), 0);
    let seen: Vec<_> = switch.seen().into_iter().map(|it| (it.method, it.path, it.body)).collect();
    let sign = (axum::http::Method::POST, "/ping/secret".to_owned(), Vec::new());
    assert_eq!(seen, [sign.clone(), sign.clone(), sign]);
}

#[test]
fn a_sign_that_nobody_takes_is_counted_and_the_next_one_is_given_all_the_same() {
    let (switch, scratch) = (switch(), Scratch::new());
    switch.fail_next(&[Fault::Status(503)]);
    let (runtime, delivery) = beating(&switch, &scratch, listed());
    for counts in [(0, 1), (1, 1)] {
        delivery.heart().beat();
        wait_until("the sign is counted", || delivery.heart().counts() == counts);
    }
    runtime.block_on(delivery.stop(Duration::from_secs(20)));
}

#[test]
fn no_sign_goes_into_our_own_network_unless_its_host_is_listed() {
    let (switch, scratch) = (switch(), Scratch::new());
    let (runtime, delivery) = beating(&switch, &scratch, Reach::default());
    delivery.heart().beat();
    wait_until("the sign is counted", || delivery.heart().counts() == (0, 1));
    runtime.block_on(delivery.stop(Duration::from_secs(20)));
    assert_eq!(switch.seen().len(), 0);
}
