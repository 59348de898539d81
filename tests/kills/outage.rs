//! A broker that dies and comes back, and an owner who wakes up when another has taken over.

use super::lives::Lives;
use super::traffic::{self, TOPIC, Traffic};
use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::{wait_for, wait_until};
use crate::kafka::broker::Broker;
use darban::time::Clock;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const OUTAGES: usize = 5;
/// More than a cut takes in the journal, and less than three.
const CUT_BYTES: u64 = 150;

#[test]
fn a_broker_that_is_killed_five_times_costs_no_alert_and_invents_none() {
    let Some(mut broker) = Broker::start("outage") else { return };
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let lives = Lives::new(scratch.path(), &broker.address(), &pager.url);
    let life = lives.begin(None);
    let traffic = Traffic::start(broker.client());
    let (clock, mut took) = (Clock::system(), Vec::new());
    let again = || lives.said().matches("records come again").count();
    wait_until("the first record", || lives.said().contains("the first record came"));
    for outage in 0..OUTAGES {
        wait_until("the pager hears of it", || pager.incidents().len() > outage);
        broker.kill();
        broker.restart();
        let answers = clock.now();
        wait_until("records come again", || again() > outage);
        took.push(clock.now().since(answers));
    }
    let harvests = traffic.end();
    lives.end(life, harvests);
    println!("back after {took:?} ms, {harvests} harvests, {}", lives.check(&pager));
}

#[test]
fn an_owner_that_was_stopped_while_another_took_over_ends_and_tells_nothing() {
    let Some(broker) = Broker::start("fence") else { return };
    broker.create_topic(TOPIC, traffic::PARTITIONS, &[]);
    let (scratch, pager) = (Scratch::new(), PagerDutyStandIn::start());
    let [old, new] = ["old", "new"].map(|it| scratch.path().join(it));
    [&old, &new].into_iter().for_each(|it| fs::create_dir(it).unwrap());
    let lives = [&old, &new].map(|it| Lives::new(it, &broker.address(), &pager.url));
    let mut owner = lives[0].begin(None);
    wait_until("the owner reads", || lives[0].said().contains("reading"));
    let traffic = Traffic::start(broker.client());
    wait_until("the owner pages", || pager.incidents().len() > 7);
    owner.signal("-STOP");
    let (judged, told) = (journalled(&old), lives[0].told().len());
    copy(&old.join("state"), &new.join("state"));
    let heir = lives[1].begin_last();
    wait_until("the heir pages", || pager.incidents().len() > 11);
    owner.signal("-CONT");
    let status = wait_for("the former owner ends", || owner.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(70), "{}", lives[0].said());
    assert!(lives[0].said().contains("another process joined"), "{}", lives[0].said());
    // It may have been stopped within a cut, which it then tells as far as that goes; unless that stood in
    // the journal already the heir has made another of the same records.
    let judged_on = journalled(&old) - judged;
    assert!(judged_on <= CUT_BYTES, "it judged on");
    let harvests = traffic.end();
    lives[1].take_over(&lives[0], if judged_on > 0 { told } else { usize::MAX });
    lives[1].end(heir, harvests);
    let ids = |life: &Lives| -> BTreeSet<String> {
        life.told().iter().map(|it| it["id"].to_string()).collect()
    };
    assert!(ids(&lives[0]).is_subset(&ids(&lives[1])), "it told what is none of its heir's");
    println!("{harvests} harvests, {}", lives[1].check(&pager));
}

/// Bytes in the journals of a folder.
fn journalled(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder.join("state")).unwrap().map(Result::unwrap);
    let journals = entries.filter(|it| it.file_name().to_str().unwrap().starts_with("journal-"));
    journals.map(|it| it.metadata().unwrap().len()).sum()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
