//! What is wrong with a running daemon is a ticket within its time, and ends when it is over: a real
//! broker, a real receiver's semantics, and a clock that runs faster than real ones.

use crate::deliver::pagerduty::{Fault as Refusal, PagerDutyStandIn};
use crate::deliver::sample;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::{wait_longer, wait_until};
use crate::kafka::broker::Broker;
use darban::alert::{Alert, Kind, Severity, Status};
use darban::config::Config;
use darban::deliver::{self, Delivery, Outbox, Policy};
use darban::pipeline::judging::Judging;
use darban::pipeline::recover::recover;
use darban::pipeline::run::{self, Parts, Watcher};
use darban::pipeline::{Keys, Pool, receivers};
use darban::source::kafka::{self, Fault};
use darban::state::Directory;
use darban::time::{Clock, HOUR_MS, MINUTE_MS, Moment, SECOND_MS, wall};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TOPIC: &str = "access";
/// What a ticket may take beyond the time that it is held back for.
const MORE_MS: i64 = 30 * SECOND_MS;

/// Keeps what is told.
#[derive(Clone, Default)]
struct Told {
    alerts: Arc<Mutex<Vec<Alert>>>,
    read: Arc<AtomicU64>,
    /// The time of the log up to which everything is judged.
    judged_to: Arc<AtomicI64>,
    /// How far that lay back when a daemon that is behind said so.
    behind_ms: Arc<AtomicI64>,
}

/// Ends the daemon, also where the test fails.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Watcher for Told {
    fn alert(&mut self, alert: &Alert) {
        if alert.kind == Kind::Behind && alert.status == Status::Firing {
            let judged_to = Moment(self.judged_to.load(Relaxed));
            self.behind_ms.store(alert.fired_at.since(judged_to), Relaxed);
        }
        self.alerts.lock().unwrap().push(alert.clone());
    }

    fn tick(&mut self, judging: &mut Judging, kafka: &kafka::Stats, _: Moment) {
        self.judged_to.store(judging.judged_to().map_or(0, |it| it.0), Relaxed);
        self.read.store(kafka.received, Relaxed);
    }

    fn fault(&mut self, _: &Fault) {}
}

/// A daemon and what stands before and behind it.
struct House {
    clock: Clock,
    told: Told,
    producer: BaseProducer,
    pager: PagerDutyStandIn,
}

impl House {
    /// Writes a line.
    fn write(&self, line: &str) {
        let now = self.clock.now();
        let text = line.replace("TIME", &now.to_string());
        let record: BaseRecord<'_, (), str> = BaseRecord::to(TOPIC).timestamp(now.0).payload(&text);
        self.producer.send(record).map_err(|it| it.0).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    /// Writes lines like this one until something was told; how long it took, by the daemon's clock.
    fn speak(&self, line: &str, is_told: impl Fn(&Alert) -> bool) -> i64 {
        let begun = self.clock.now();
        wait_longer("it is told", 120_000, || {
            self.write(line);
            self.told.alerts.lock().unwrap().iter().any(&is_told).then_some(())
        });
        self.clock.now().since(begun)
    }
}

fn is(kind: Kind, status: Status, words: &str) -> impl Fn(&Alert) -> bool {
    move |it| it.kind == kind && it.status == status && it.seen.quantity.contains(words)
}

fn line(path: &str) -> String {
    format!(
        r#"{{"time":"TIME","remote_addr":"10.0.0.7","remote_user":"clerk","request_method":"GET","request_uri":"{path}","status":"200","body_bytes_sent":"512"}}"#
    )
}

/// A configuration of `[state]` with `more` keys and tables.
fn config(folder: &Scratch, broker: &str, pager: &str, more: &str) -> Config {
    std::fs::write(folder.path().join("pager.key"), "0123456789abcdef0123456789abcdef").unwrap();
    let text = format!(
        r#"
[source]
brokers = ["{broker}"]
topics = ["{TOPIC}"]
start = "earliest"
security = {{ protocol = "plaintext" }}
[state]
directory = "state"
{more}
[privacy]
key_file = "state/key"
[[routes]]
name = "person"
path = "/people/{{subject}}"
class = "personal"
[[receivers]]
name = "pager"
type = "pagerduty"
routing_key_file = "pager.key"
url = "{pager}"
"#
    );
    Config::parse(&text, folder.path()).unwrap()
}

/// Runs a daemon whose clock is so many times as fast beside `watched`, and ends it after that.
fn beside(broker: &Broker, factor: i64, watched: impl FnOnce(&House, &Delivery)) {
    beside_one_in(&Scratch::new(), broker, (factor, ""), watched);
}

/// The same for one with a folder that outlives it and `more` of a configuration.
fn beside_one_in(
    folder: &Scratch,
    broker: &Broker,
    (factor, more): (i64, &str),
    watched: impl FnOnce(&House, &Delivery),
) {
    let pager = PagerDutyStandIn::start();
    let config = config(folder, &broker.address(), &pager.url, more);
    let keys = Keys::of_file_or_new(&config.privacy.key_file).unwrap();
    let clock = Clock::scaled(wall(), factor);
    let directory = Directory::open(&config.state.directory, keys.state.clone(), false).unwrap();
    let recovered = recover(&config, &keys, &directory, (Pool::new(1), clock.now())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = deliver::Options {
        receivers: receivers::receivers(&config).unwrap(),
        policy: Policy { late_after_ms: None, ..Policy::default() },
        ..deliver::Options::default()
    };
    let outbox = Outbox::open(&config.state.directory).unwrap();
    let delivery = Delivery::start(options, outbox, clock, runtime.handle()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let producer = broker.client().set("linger.ms", "0").create().unwrap();
    let house = House { clock, told: Told::default(), producer, pager };
    let parts = Parts {
        source: receivers::source(&config, None),
        keys: &keys,
        delivery: &delivery,
        standing: Vec::new(),
        recovered: Some(recovered),
        strays: Arc::default(),
        clock,
        stop: stop.clone(),
    };
    let mut told = house.told.clone();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| run::run(&config, parts, &mut told));
        let stop = Stop(stop);
        watched(&house, &delivery);
        drop(stop);
        daemon.join().unwrap().unwrap();
    });
    house.producer.flush(Duration::from_secs(30)).unwrap();
    runtime.shutdown_background();
}

#[test]
fn a_daemon_that_sees_nothing_reads_rubbish_or_reaches_nobody_says_so_in_time_and_when_it_is_over()
{
    let Some(broker) = Broker::start("blindness") else { return };
    broker.create_topic(TOPIC, 1, &[]);
    beside(&broker, 10, |house, delivery| {
        let (person, other) = (line("/people/1234567"), line("/health/live"));
        let (blind, refused, failing) =
            ("no look-up among them", "records refused", "pager does not take");
        let mut took = Vec::new();
        house.write(&person);
        wait_until("it is read", || house.told.read.load(Relaxed) > 0);
        took.push(house.speak(&other, is(Kind::BlindSpot, Status::Firing, blind)));
        house.speak(&person, is(Kind::BlindSpot, Status::Resolved, blind));
        took.push(house.speak("{\"cut short", is(Kind::BlindSpot, Status::Firing, refused)));
        house.speak(&person, is(Kind::BlindSpot, Status::Resolved, refused));
        house.pager.fail_always(Some(Refusal::Status(503)));
        delivery.offer(vec![sample::page("a")]).unwrap();
        took.push(house.speak(&person, is(Kind::ReceiverFailing, Status::Firing, failing)));
        house.pager.fail_always(None);
        house.speak(&person, is(Kind::ReceiverFailing, Status::Resolved, failing));
        let stated = [5 * MINUTE_MS, 5 * MINUTE_MS, 2 * MINUTE_MS];
        let in_time = |(took, stated): (&i64, i64)| *took <= stated + MORE_MS;
        assert!(took.iter().zip(stated).all(in_time), "{took:?} ms");
        let told = house.told.alerts.lock().unwrap();
        let own = told.iter().filter(|it| it.kind.is_own());
        assert!(own.clone().all(|it| it.severity == Severity::Ticket), "{told:?}");
        assert_eq!(own.count(), 6, "{told:?}");
    });
}

/// Logins that look up somebody each.
fn crowd(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|it| {
        line(&format!("/people/{}", 2_000_000 + it)).replace("clerk", &format!("clerk-{it}"))
    })
}

const CROWD: u32 = 8_000;
/// Filters that are full before all of them were seen.
const SMALL: &str = "novelty_pairs_max = 4_096";
const FORGETS: &str = "filters of who has seen whom were full";

/// Fills the filters of a daemon whose clock is so many times as fast; how long it took until that was
/// told.
fn beside_one_that_forgets(name: &str, factor: i64, watched: impl FnOnce(&House, &Broker, i64)) {
    let Some(broker) = Broker::start(name) else { return };
    broker.create_topic(TOPIC, 1, &[]);
    beside_one_in(&Scratch::new(), &broker, (factor, SMALL), |house, _| {
        let person = line("/people/1234567");
        house.write(&person);
        wait_until("it is read", || house.told.read.load(Relaxed) > 0);
        crowd(CROWD).for_each(|it| house.write(&it));
        let took = house.speak(&person, is(Kind::BlindSpot, Status::Firing, FORGETS));
        watched(house, &broker, took);
    });
}

#[test]
fn filters_that_have_to_forget_and_a_log_that_comes_too_slowly_are_told_in_time() {
    let person = line("/people/1234567");
    beside_one_that_forgets("behind", 4, |house, broker, took| {
        assert!(took <= MORE_MS, "{took} ms");
        // As much as comes in two minutes.
        broker.throttle(Some(100_000));
        crowd(60_000).for_each(|it| house.write(&it));
        let late = "minutes behind the log";
        house.speak(&person, is(Kind::Behind, Status::Firing, late));
        // A broker lets through some seconds' worth before it holds anybody back.
        let behind = house.told.behind_ms.load(Relaxed);
        assert!((5 * MINUTE_MS..=5 * MINUTE_MS + MORE_MS).contains(&behind), "{behind} ms");
        broker.throttle(None);
        house.speak(&person, is(Kind::Behind, Status::Resolved, late));
    });
}

#[test]
fn filters_that_had_to_forget_an_hour_ago_are_well_again() {
    let person = line("/people/1234567");
    beside_one_that_forgets("forgets", 240, |house, _, _| {
        let lasted = house.speak(&person, is(Kind::BlindSpot, Status::Resolved, FORGETS));
        assert!(lasted >= HOUR_MS / 2, "{lasted} ms");
    });
}

#[test]
fn records_that_went_while_nobody_read_are_told_at_the_next_start_and_the_ticket_ends() {
    let (folder, quiet) = (Scratch::new(), "[alert]\nresolve_after = \"2m\"");
    let Some(broker) = Broker::start("went") else { return };
    broker.create_topic(TOPIC, 1, &[]);
    let person = line("/people/1234567");
    beside_one_in(&folder, &broker, (4, quiet), |house, _| {
        (0..9).for_each(|_| house.write(&person));
        wait_until("it is read", || house.told.read.load(Relaxed) == 9);
    });
    let time = wall();
    let lines: Vec<String> = (0..20).map(|_| person.replace("TIME", &time.to_string())).collect();
    broker.write(TOPIC, lines.iter().map(|it| (0, time.0, it.as_bytes())));
    broker.delete_before(TOPIC, 0, 22);
    beside_one_in(&folder, &broker, (4, quiet), |house, _| {
        let words = "records of access/0 that nobody can read any more";
        let took = house.speak(&person, is(Kind::CoverageGap, Status::Firing, words));
        let told = house.told.alerts.lock().unwrap().clone();
        let gap = told.iter().find(|it| it.kind == Kind::CoverageGap).unwrap();
        assert_eq!((gap.seen.subjects, gap.severity), (13.0, Severity::Ticket), "{gap:?}");
        assert!(took <= MORE_MS, "{took} ms");
        house.speak(&person, is(Kind::CoverageGap, Status::Resolved, words));
    });
}

#[test]
fn a_route_that_holds_less_than_half_of_what_it_did_for_a_week_says_so_until_it_does_again() {
    const AN_HOUR: i64 = 300;
    let Some(broker) = Broker::start("dry") else { return };
    broker.create_topic(TOPIC, 1, &[("retention.ms", "-1")]);
    let (now, person) = (wall(), line("/people/1234567"));
    let times = (1..=9 * 24 * AN_HOUR).rev().map(|it| now.0 - it * HOUR_MS / AN_HOUR);
    let lines: Vec<(i64, String)> =
        times.map(|at| (at, person.replace("TIME", &Moment(at).to_string()))).collect();
    broker.write(TOPIC, lines.iter().map(|(at, it)| (0, *at, it.as_bytes())));
    beside(&broker, 60, |house, _| {
        wait_longer("it is read", 60_000, || {
            (house.told.read.load(Relaxed) == lines.len() as u64).then_some(())
        });
        let words = "look-ups on person in 15 minutes";
        let begun = wait_longer("it is told", 60_000, || {
            let told = house.told.alerts.lock().unwrap();
            told.iter().find(|it| is(Kind::BlindSpot, Status::Firing, words)(it)).cloned()
        });
        let silent_ms = begun.fired_at.since(now);
        assert!((7 * MINUTE_MS..=15 * MINUTE_MS + MORE_MS).contains(&silent_ms), "{silent_ms} ms");
        assert_eq!(begun.severity, Severity::Ticket);
        house.speak(&person, is(Kind::BlindSpot, Status::Resolved, words));
    });
}
