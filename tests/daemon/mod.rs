//! The daemon as it is shipped: a real broker in front, a real Alertmanager and a pager behind.

mod hour;
pub(crate) mod process;

use crate::deliver::alertmanager::{Alertmanager, quiet};
use crate::deliver::pagerduty::PagerDutyStandIn;
use crate::deliver::scratch::Scratch;
use crate::deliver::wait::wait_until;
use crate::kafka::broker::Broker;
use crate::kafka::secure::{PASSWORD, USER};
use darban::time::wall;
use hour::{HARVESTS, LINES, Line, PARTITIONS};
use process::{Daemon, Installed, Setup};
use std::collections::BTreeSet;

const TOPIC: &str = "gateway-access";

/// What a topic holds and a daemon made of it.
#[derive(Debug, PartialEq)]
struct Account {
    /// End less start of every partition.
    offsets: u64,
    received: u64,
    holes: u64,
    decoded: u64,
    refused: u64,
}

/// Waits until a daemon has read everything, and takes its account from these offsets on.
fn account(broker: &Broker, daemon: &Daemon, start: &[i64]) -> Account {
    let end: i64 = broker.ends(TOPIC, PARTITIONS).iter().sum();
    let offsets = u64::try_from(end - start.iter().sum::<i64>()).unwrap();
    let now = || {
        let decoded = daemon.sum("darban_records_total", "outcome=\"decoded\"");
        let refused = daemon.sum("darban_records_total", "outcome=\"refused\"");
        let holes = daemon.sum("darban_offset_holes_total", "");
        let received = daemon.sum("darban_records_received_total", "");
        Account { offsets, received, holes, decoded, refused }
    };
    wait_until("everything is read and decoded", || {
        let it = now();
        it.received + it.holes >= offsets && it.decoded + it.refused >= it.received
    });
    now()
}

fn write(broker: &Broker, lines: &[Line]) {
    broker.write(TOPIC, lines.iter().map(|it| (it.partition, it.at.0, it.text.as_slice())));
}

/// An hour of traffic through a daemon that is stopped and started in the middle, and a broker
/// that is killed and comes back: every harvest pages once, nobody else does, no record is lost.
fn runs_through(broker: &mut Broker, source: &str, stamps: &str) {
    broker.create_topic(TOPIC, PARTITIONS, &[("message.timestamp.type", stamps)]);
    let Ok(alertmanager) = Alertmanager::start(&quiet("5m")) else { return };
    let pager = PagerDutyStandIn::start();
    let folder = Scratch::new();
    let (portal, harvests) = (hour::portal(), hour::harvests(&hour::portal()));
    let setup = Setup {
        portal: &portal,
        source: source.to_owned(),
        pagerduty: &pager.url,
        alertmanager: &alertmanager.url,
    };
    let installed = Installed::new(folder.path(), &setup);
    let lines = hour::lines(&portal, &harvests, wall());
    let (first, rest) = lines.split_at(LINES / 2);
    let (second, third) = rest.split_at(LINES / 4);

    let daemon = installed.start();
    broker.write_in_transaction(
        TOPIC,
        first.iter().map(|it| (it.partition, it.at.0, it.text.as_slice())),
    );
    // A transaction's marks are written after its commit was answered.
    let end = i64::try_from(first.len()).unwrap() + i64::from(PARTITIONS);
    wait_until("the transaction's end", || {
        broker.ends(TOPIC, PARTITIONS).iter().sum::<i64>() == end
    });
    let whole = account(broker, &daemon, &[0; 6]);
    assert_eq!(whole.offsets, whole.received + whole.holes, "{whole:?}");
    assert_eq!(whole.holes, 6, "one mark for the end of the transaction in each partition");
    assert_eq!(whole.received, first.len() as u64);
    assert_eq!(whole.decoded + whole.refused, whole.received, "{whole:?}");
    wait_until("the first pages", || pager.incidents().len() > 3);
    let mut said = daemon.stop();

    write(broker, second);
    let committed = broker.committed("darban", TOPIC, PARTITIONS);
    assert!(committed.iter().all(|it| *it > 0), "{committed:?}");
    let daemon = installed.start();
    wait_until("some of it is read", || daemon.sum("darban_records_total", "") > 1_000);
    broker.kill();
    broker.restart();
    write(broker, third);
    let half = account(broker, &daemon, &committed);
    assert_eq!(half.offsets, half.received + half.holes, "{half:?}");
    assert_eq!((half.decoded, half.refused), (half.received, 0));
    wait_until("every harvest is paged", || pager.incidents().len() >= HARVESTS);
    let pages =
        || alertmanager.alerts().iter().filter(|it| it["labels"]["severity"] == "page").count();
    wait_until("Alertmanager knows", || pages() >= HARVESTS);
    wait_until("all is judged", || daemon.sum("darban_consumer_lag_records", "") == 0);
    said.push_str(&daemon.stop());

    let paged: Vec<String> =
        pager.incidents().iter().map(|it| it.payload["summary"].to_string()).collect();
    let expected = hour::names(&harvests);
    let named = |summary: &String| {
        let mut words = summary.split(|it: char| !it.is_ascii_alphanumeric() && !"-.".contains(it));
        words.find(|it| expected.contains(*it)).map(str::to_owned)
    };
    let names: BTreeSet<String> = paged.iter().filter_map(named).collect();
    let told = format!("{}\n{said}", paged.join("\n"));
    assert_eq!(names, expected, "{told}");
    assert_eq!((paged.len(), pages()), (HARVESTS, HARVESTS), "{told}");
    assert_eq!(pager.refused(), Vec::<String>::new());
}

#[test]
fn an_hour_with_the_clients_stamps_pages_every_harvest_once_through_restarts() {
    let Some(mut broker) = Broker::start("create-time") else { return };
    let source = format!("brokers = [\"{}\"]", broker.address());
    runs_through(&mut broker, &source, "CreateTime");
}

#[test]
fn an_hour_with_the_brokers_stamps_behind_a_login_pages_every_harvest_once_through_restarts() {
    let Some(mut broker) = Broker::start_secure("append-time") else { return };
    let doors = broker.secure();
    let password = doors.file("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let source = format!(
        "brokers = [\"127.0.0.1:{}\"]\n[source.security]\nprotocol = \"sasl_tls\"\n\
         mechanism = \"SCRAM-SHA-512\"\nusername = \"{USER}\"\npassword_file = \"{}\"\n\
         ca_file = \"{}\"",
        doors.sasl_port,
        password.display(),
        doors.file("broker.crt").display()
    );
    runs_through(&mut broker, &source, "LogAppendTime");
}
