//! Three processes on one state directory, of which one has it: each joins, leaves, is killed, or is
//! stopped and goes on, in any order. Whoever is left takes over, and all that any of them told is
//! what one engine tells.

use super::lives::{Life, Lives};
use super::traffic::{self, TOPIC, Traffic};
use super::{KILLS, kills};
use crate::deliver::pagerduty::{Incident, PagerDutyStandIn};
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::{wait_longer, wait_until};
use crate::determinism::Mix;
use crate::kafka::broker::Broker;
use darban::time::Clock;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

const PROCESSES: usize = 3;
/// Joins, leaves, kills and stops in `make test`; `make test-kill` has a hundred.
const EVENTS: u64 = 30;

/// A process, if it runs, and whether it is stopped.
#[derive(Default)]
struct Slot {
    life: Option<Life>,
    is_stopped: bool,
}

impl Slot {
    /// Something happens to it; what.
    fn happen(&mut self, lives: &Lives, mix: &mut Mix) -> &'static str {
        let Some(life) = self.life.take() else {
            self.life = Some(lives.stand_by());
            return "joins";
        };
        if std::mem::take(&mut self.is_stopped) {
            life.signal("-CONT");
            self.life = Some(life);
            return "goes on";
        }
        match mix.below(3) {
            0 => {
                drop(life);
                "is killed"
            }
            1 => {
                let status = life.end();
                // One that was asked before it could hear is ended by the system.
                assert!(status.success() || status.signal() == Some(15), "{}", lives.said());
                "leaves"
            }
            _ => {
                life.signal("-STOP");
                (self.life, self.is_stopped) = (Some(life), true);
                "is stopped"
            }
        }
    }
}

impl Incident {
    /// The number of the thief that it names first.
    fn thief(&self) -> Option<u64> {
        let (_, named) = self.payload["summary"].as_str()?.split_once("thief-")?;
        named.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    }
}

#[test]
fn whoever_of_three_joins_leaves_dies_or_stops_the_alerts_are_those_of_one() {
    let Some(broker) = Broker::start("storm") else { return };
    let events = if kills() > KILLS { 100 } else { EVENTS };
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let lives = Lives::new(scratch.path(), &broker.address(), &pager.url);
    let traffic = Traffic::start(broker.client());
    let (mut mix, mut happened) = (Mix(events), BTreeMap::<&str, u32>::new());
    let mut slots: [Slot; PROCESSES] = Default::default();
    for _ in 0..events {
        let slot = usize::try_from(mix.below(PROCESSES as u64)).unwrap();
        *happened.entry(slots[slot].happen(&lives, &mut mix)).or_default() += 1;
        let until = traffic.written() + 10 + mix.below(120);
        wait_until("the next event", || traffic.written() >= until);
    }
    drop(slots);
    let harvests = traffic.end();
    let last = lives.begin_last();
    lives.end(last, harvests);
    let outcome = lives.check(&pager);
    assert!(happened.len() == 5 && lives.said().contains("standby"), "{happened:?}");
    println!("{happened:?}, {harvests} harvests, {outcome}");
}

#[test]
fn a_standby_pages_within_twenty_seconds_of_the_owners_end() {
    let Some(broker) = Broker::start("standby") else { return };
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let lives = Lives::new(scratch.path(), &broker.address(), &pager.url);
    let owner = lives.begin(None);
    wait_until("the owner reads", || lives.said().contains("reading"));
    let standby = lives.stand_by();
    wait_until("the other waits", || lives.said().contains("standby"));
    let traffic = Traffic::start(broker.client());
    wait_until("the owner pages", || !pager.incidents().is_empty());
    drop(owner);
    let (clock, next) = (Clock::system(), traffic.next_harvest());
    let killed = clock.now();
    let is_new = |it: &Incident| it.thief().is_some_and(|it| it >= next);
    // Twenty seconds: the wait itself allows a minute.
    let paged = || pager.incidents().iter().any(is_new).then_some(());
    wait_longer("the standby pages somebody new", -40_000, paged);
    println!("the standby paged {} ms after the owner was killed", clock.now().since(killed));
    let harvests = traffic.end();
    lives.end(standby, harvests);
    lives.check(&pager);
}
