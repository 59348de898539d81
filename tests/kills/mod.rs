//! `kill -9` of the shipped binary, over and over, against a real broker: at random moments, and at
//! every named point between a write and its sync, a request and its reply.
//!
//! What it told in all, over every life, has to be what an engine tells that is run once over the
//! topic with the cuts of the journal (`darban replay --topic --journal`). `DARBAN_KILLS` says how
//! often; `make test-kill` says a thousand times.

mod leaks;
pub(crate) mod lives;
mod outage;
mod storm;
mod traffic;

use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::{wait_for, wait_until};
use crate::determinism::Mix;
use crate::kafka::broker::Broker;
use darban::killpoint::POINTS;
use lives::Lives;
use std::collections::BTreeSet;
use traffic::{TOPIC, Traffic};

const KILLS: u64 = 60;

fn kills() -> u64 {
    std::env::var("DARBAN_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(KILLS)
}

#[test]
fn nothing_is_lost_invented_or_paged_twice_however_often_it_is_killed() {
    let Some(broker) = Broker::start("kills") else { return };
    let kills = kills();
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let lives = Lives::new(scratch.path(), &broker.address(), &pager.url);
    traffic::visit(broker.client());
    let traffic = Traffic::start(broker.client());
    let mut mix = Mix(kills);
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for life in 0..kills {
        let point = usize::try_from(life).unwrap() % (POINTS.len() * 2);
        let dies_at = POINTS.get(point).map(|it| format!("{it}:{}", 1 + mix.below(3)));
        let until = traffic.written() + 20 + mix.below(480);
        let patience = if dies_at.is_some() { until + 1_600 } else { until };
        let mut child = lives.begin(dies_at);
        let ended = wait_for("the next kill", || match child.0.try_wait().unwrap() {
            Some(status) => Some(Some(status)),
            None => (traffic.written() >= patience).then_some(None),
        });
        match ended {
            // It aborted at the point.
            Some(status) => {
                assert_eq!(
                    std::os::unix::process::ExitStatusExt::signal(&status),
                    Some(6),
                    "{}",
                    lives.said()
                );
                reached.extend(POINTS.get(point).copied());
            }
            None => {
                child.0.kill().unwrap();
                child.0.wait().unwrap();
            }
        }
    }
    let harvests = traffic.end();
    let last = lives.begin_last();
    wait_until("a page names a thief", || {
        lives.page("/alerts?format=json").is_some_and(|it| it.contains("thief-"))
    });
    lives.keep_what_is_seen(&pager);
    lives.end(last, harvests);
    let people = traffic::people(harvests);
    let (leaked, files) = leaks::search(scratch.path(), &people);
    assert!(
        leaked.is_empty() && files > 9 && people.len() >= 10_000,
        "{leaked:?} in {files} files"
    );
    let outcome = lives.check(&pager);
    assert!(harvests >= 12 && reached.len() * 4 >= POINTS.len() * 3, "{harvests}, {reached:?}");
    println!("{kills} kills, {harvests} harvests, {outcome}, points: {reached:?}");
}
