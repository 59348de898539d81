//! The source against a real Apache Kafka broker.

pub(crate) mod broker;
pub(crate) mod secure;
mod token;

use crate::deliver::wait::wait_until;
use broker::Broker;
use crossbeam_channel::{Receiver, bounded};
use darban::source::kafka::{
    self, Fault, FaultKind, Handle, Options, Resume, Security, Start, Stood,
};
use darban::source::{Event, Partition, Place};
use darban::time::{Clock, Moment};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use secure::{PASSWORD, USER};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(40);

fn options(broker: &str, topic: &str, group: &str) -> Options {
    Options {
        brokers: vec![broker.to_owned()],
        topics: vec![topic.to_owned()],
        group: group.to_owned(),
        instance_id: Some(format!("{group}-1")),
        start: Start::Earliest,
        session_timeout_ms: 6_000,
        ..Options::default()
    }
}

fn consume(options: &Options) -> (Handle, Receiver<Event>, Receiver<Fault>) {
    let (events, event_out) = bounded(8);
    let (faults, fault_out) = bounded(64);
    let handle = kafka::start(options, events, faults, Clock::system()).unwrap();
    (handle, event_out, fault_out)
}

/// Reads until `count` records came; the offsets of each partition in the order of reading.
fn read(events: &Receiver<Event>, count: usize) -> BTreeMap<Partition, Vec<i64>> {
    let mut found: BTreeMap<Partition, Vec<i64>> = BTreeMap::new();
    while found.values().map(Vec::len).sum::<usize>() < count {
        if let Event::Batch(batch) = events.recv_timeout(WITHIN).expect("records come in time") {
            let offsets = batch.rows.iter().map(|it| it.offset);
            found.entry(batch.partition).or_default().extend(offsets);
        }
    }
    found
}

/// The first records of a topic with one partition, byte for byte.
pub(crate) fn read_all(broker: &Broker, topic: &str, count: usize) -> Vec<Vec<u8>> {
    let (handle, events, _) = consume(&options(&broker.address(), topic, "read-all"));
    let mut found = Vec::new();
    while found.len() < count {
        if let Event::Batch(batch) = events.recv_timeout(WITHIN).expect("records come in time") {
            found.extend(batch.rows.iter().map(|it| batch.bytes(it).to_vec()));
        }
    }
    end(handle, &events);
    found
}

fn end(handle: Handle, events: &Receiver<Event>) {
    handle.stop();
    while events.recv().is_ok() {}
    handle.join();
}

fn lines(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|it| format!("line {it}").into_bytes()).collect()
}

fn spread(lines: &[Vec<u8>], partitions: usize) -> impl Iterator<Item = (i32, i64, &[u8])> {
    lines.iter().enumerate().map(move |(at, line)| {
        (i32::try_from(at % partitions).unwrap(), 1_795_289_416_000, line.as_slice())
    })
}

#[test]
fn records_of_six_partitions_come_once_and_in_order_and_a_commit_is_where_it_goes_on() {
    let Some(broker) = Broker::start("once-and-in-order") else { return };
    broker.create_topic("log", 6, &[]);
    let first = lines(20_000);
    broker.write("log", spread(&first, 6));
    let options = options(&broker.address(), "log", "g");
    let (handle, events, _) = consume(&options);
    let found = read(&events, 20_000);
    assert_eq!(found.len(), 6);
    for offsets in found.values() {
        let expected: Vec<i64> = (0..i64::try_from(offsets.len()).unwrap()).collect();
        assert_eq!(*offsets, expected);
    }
    let next = |offsets: &Vec<i64>| offsets.last().map_or(0, |it| it + 1);
    handle.commit_now(found.iter().map(|it| (*it.0, next(it.1))).collect(), 10_000);
    assert_eq!(handle.stats().commits.ok, 1);
    end(handle, &events);
    let more = lines(600);
    broker.write("log", spread(&more, 6));
    let (handle, events, _) = consume(&options);
    let again = read(&events, 600);
    let lowest = again.values().filter_map(|it| it.first()).min().copied();
    assert_eq!((again.values().map(Vec::len).sum::<usize>(), lowest), (600, Some(3_333)));
    end(handle, &events);
}

#[test]
fn a_killed_broker_that_comes_back_loses_nothing() {
    let Some(mut broker) = Broker::start("killed") else { return };
    broker.create_topic("log", 3, &[]);
    let first = lines(3_000);
    broker.write("log", spread(&first, 3));
    let (handle, events, _) = consume(&options(&broker.address(), "log", "g"));
    let mut found = read(&events, 3_000);
    broker.kill();
    broker.restart();
    broker.write("log", spread(&first, 3));
    for (partition, offsets) in read(&events, 3_000) {
        found.entry(partition).or_default().extend(offsets);
    }
    let gaps: Vec<_> = found
        .values()
        .map(|it| (it.len(), it.windows(2).find(|it| it[1] != it[0] + 1).map(<[i64]>::to_vec)))
        .collect();
    assert_eq!(gaps, [(2_000, None), (2_000, None), (2_000, None)]);
    end(handle, &events);
}

/// librdkafka's own broker with a hundred records, of which a group has committed forty.
fn half_read() -> (MockCluster<'static, DefaultProducerContext>, Options) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("log", 1, 1).unwrap();
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "g");
    let producer: BaseProducer = client.create().unwrap();
    for line in lines(100) {
        producer
            .send(BaseRecord::<(), [u8]>::to("log").partition(0).payload(&line))
            .map_err(|it| it.0)
            .unwrap();
    }
    producer.flush(WITHIN).unwrap();
    let consumer: BaseConsumer = client.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("log", 0, Offset::Offset(40)).unwrap();
    consumer.commit(&list, CommitMode::Sync).unwrap();
    let options = Options {
        instance_id: None,
        start: Start::Latest,
        ..options(&cluster.bootstrap_servers(), "log", "g")
    };
    (cluster, options)
}

#[test]
fn a_look_up_that_fails_is_no_first_start() {
    for (request, error) in [
        (RDKafkaApiKey::OffsetFetch, RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
        (RDKafkaApiKey::ListOffsets, RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
    ] {
        let (cluster, options) = half_read();
        cluster.request_errors(request, &[error, error]);
        let (handle, events, _) = consume(&options);
        let found = read(&events, 60);
        assert_eq!(found[&Partition(0)], (40..100).collect::<Vec<i64>>(), "{request:?}");
        end(handle, &events);
    }
}

#[test]
fn ends_behind_transactions_are_known_in_several_topics() {
    let Some(broker) = Broker::start("several") else { return };
    let first = lines(10);
    for topic in ["one", "two"] {
        broker.create_topic(topic, 1, &[]);
        broker.write_in_transaction(topic, spread(&first, 1));
    }
    let topics = vec!["one".to_owned(), "two".to_owned()];
    let (handle, events, _) =
        consume(&Options { topics, ..options(&broker.address(), "one", "g") });
    let mut ended = BTreeSet::new();
    while ended.len() < 2 {
        if let Event::End { partition, .. } = events.recv_timeout(WITHIN).expect("ends come") {
            ended.insert(partition);
        }
    }
    let lags = handle.stats().lag;
    assert!(lags.iter().all(|it| it.2 == 0), "{lags:?}");
    for topic in ["one", "two"] {
        broker.write(topic, spread(&first, 1));
    }
    let more: Vec<i64> = (11..21).collect();
    let found = read(&events, 20);
    assert_eq!(found.into_values().collect::<Vec<_>>(), [more.clone(), more]);
    assert_eq!(handle.stats().holes, 2);
    end(handle, &events);
}

#[test]
fn a_pattern_reads_every_topic_that_it_matches() {
    let Some(broker) = Broker::start("pattern") else { return };
    let first = lines(10);
    for topic in ["gateway-a", "gateway-b", "other"] {
        broker.create_topic(topic, 1, &[]);
        broker.write(topic, spread(&first, 1));
    }
    let options = options(&broker.address(), "^gateway-[a-z]+$", "g");
    let (handle, events, faults) = consume(&options);
    let mut topics = BTreeSet::new();
    let (mut found, mut ended) = (0, BTreeSet::new());
    while ended.len() < 2 || found < 20 {
        match events.recv_timeout(WITHIN).expect("records and ends come in time") {
            Event::Assigned { place, .. } => drop(topics.insert(place.topic.to_string())),
            Event::Batch(batch) => found += batch.rows.len(),
            Event::End { partition, .. } => drop(ended.insert(partition)),
            _ => {}
        }
    }
    assert_eq!(topics.into_iter().collect::<Vec<_>>(), ["gateway-a", "gateway-b"]);
    assert_eq!((found, faults.try_recv().ok()), (20, None));
    end(handle, &events);
}

#[test]
fn whoever_comes_back_with_other_topics_reads_those_and_no_other() {
    let Some(broker) = Broker::start("other-topics") else { return };
    for (topic, count) in [("before", 10), ("after", 20)] {
        broker.create_topic(topic, 2, &[]);
        broker.write(topic, spread(&lines(count), 2));
    }
    let topics_read = |topics: &[&str], count: usize| {
        let topics = topics.iter().map(|it| (*it).to_owned()).collect();
        let options = Options { topics, ..options(&broker.address(), "", "g") };
        let (handle, events, _) = consume(&options);
        let (mut topics, mut found) = (BTreeSet::new(), 0);
        while found < count {
            match events.recv_timeout(WITHIN).expect("records come in time") {
                Event::Assigned { place, .. } => drop(topics.insert(place.topic.to_string())),
                Event::Batch(batch) => found += batch.rows.len(),
                _ => {}
            }
        }
        end(handle, &events);
        (topics.into_iter().collect::<Vec<_>>(), found)
    };
    let read = |topics: &[&str]| topics.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(topics_read(&["before"], 10), (read(&["before"]), 10));
    assert_eq!(topics_read(&["after"], 20), (read(&["after"]), 20));
    assert_eq!(topics_read(&["before", "after"], 30), (read(&["after", "before"]), 30));
}

#[test]
fn what_is_deleted_while_the_workers_are_busy_is_a_gap_and_reading_goes_on_behind_it() {
    let Some(broker) = Broker::start("deleted") else { return };
    broker.create_topic("log", 1, &[]);
    let many = lines(20_000);
    broker.write("log", spread(&many, 1));
    let (handle, events, _) = consume(&options(&broker.address(), "log", "g"));
    // Nobody takes a batch: once the channel is full the partition is paused, and polling goes on.
    wait_until("the channel is full", || handle.stats().received >= 8 * 512);
    let then = handle.stats().last_poll_ms;
    wait_until("polling goes on", || handle.stats().last_poll_ms > then + 2_000);
    let next = i64::try_from(handle.stats().received).unwrap();
    broker.delete_before("log", 0, 19_990);
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    while found.last() != Some(&19_999) {
        match events.recv_timeout(WITHIN).expect("records come in time") {
            Event::Batch(batch) => found.extend(batch.rows.iter().map(|it| it.offset)),
            Event::Gap { first, missing, .. } => gaps.push((first, missing)),
            _ => {}
        }
    }
    assert_eq!(gaps, [(next, u64::try_from(19_990 - next).ok())]);
    assert_eq!(found, (0..next).chain(19_990..20_000).collect::<Vec<_>>());
    end(handle, &events);
}

#[test]
fn a_topic_that_was_made_anew_and_has_grown_past_where_we_were_is_read_from_its_beginning() {
    const THEN: i64 = 1_795_289_416_000;
    let Some(broker) = Broker::start("anew") else { return };
    let write = |count, at| {
        broker.create_topic("log", 1, &[]);
        broker.write("log", lines(count).iter().map(|it| (0, at, it.as_slice())));
    };
    let stood = Stood { next: 12, time: Some(Moment(THEN)) };
    let place = Place { topic: "log".into(), number: 0 };
    let resume = Resume { name: "ours".to_owned(), places: vec![(place, Some(stood))] };
    let options = Options { resume, ..options(&broker.address(), "log", "g") };
    let gone_on = |last: i64| {
        let (handle, events, _) = consume(&options);
        let (mut found, mut gaps) = (Vec::new(), Vec::new());
        while found.last() != Some(&last) {
            match events.recv_timeout(WITHIN).expect("records come in time") {
                Event::Batch(batch) => found.extend(batch.rows.iter().map(|it| it.offset)),
                Event::Gap { first, missing, .. } => gaps.push((first, missing)),
                _ => {}
            }
        }
        end(handle, &events);
        (found, gaps)
    };
    write(20, THEN);
    assert_eq!(gone_on(19), ((12..20).collect(), vec![]));
    broker.delete_topic("log");
    write(30, THEN + 1);
    assert_eq!(gone_on(29), ((0..30).collect(), vec![(12, None)]));
}

#[test]
fn a_topic_that_is_missing_is_said_in_words() {
    let Some(broker) = Broker::start("missing") else { return };
    let (handle, events, faults) = consume(&options(&broker.address(), "no-such-topic", "g"));
    let fault = faults.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(fault.kind, FaultKind::MissingTopic);
    assert!(fault.words.contains("no-such-topic"), "{}", fault.words);
    end(handle, &events);
}

#[test]
fn a_broker_that_nobody_can_reach_is_said_in_words() {
    let (handle, events, faults) = consume(&options("127.0.0.1:1", "log", "g"));
    let fault = faults.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{}", fault.words);
    end(handle, &events);
}

#[test]
fn every_locked_door_opens_with_its_key_and_says_in_words_why_it_stays_shut() {
    let Some(broker) = Broker::start_secure("locked") else { return };
    let doors = broker.secure();
    broker.create_topic("log", 1, &[]);
    let first = lines(10);
    broker.write("log", spread(&first, 1));
    let sasl = |mechanism: &str, password: &str, ca: &str| Options {
        brokers: vec![format!("127.0.0.1:{}", doors.sasl_port)],
        security: Security {
            protocol: "sasl_ssl".to_owned(),
            ca_file: Some(doors.file(ca)),
            mechanism: Some(mechanism.to_owned()),
            username: Some(USER.to_owned()),
            password: Some(password.to_owned()),
            ..Security::default()
        },
        ..options("", "log", &format!("g-{mechanism}-{password}-{ca}"))
    };
    let tls = |client: &str| Options {
        brokers: vec![format!("127.0.0.1:{}", doors.tls_port)],
        security: Security {
            protocol: "ssl".to_owned(),
            ca_file: Some(doors.file("broker.crt")),
            cert_file: Some(doors.file(&format!("{client}.crt"))),
            key_file: Some(doors.file(&format!("{client}.key"))),
            ..Security::default()
        },
        ..options("", "log", &format!("g-{client}"))
    };
    for open in [
        sasl("PLAIN", PASSWORD, "broker.crt"),
        sasl("SCRAM-SHA-512", PASSWORD, "broker.crt"),
        tls("client"),
    ] {
        let (handle, events, _) = consume(&open);
        read(&events, 10);
        end(handle, &events);
    }
    for (shut, kind, word) in [
        (sasl("PLAIN", "wrong", "broker.crt"), FaultKind::Authentication, "password"),
        (sasl("SCRAM-SHA-512", "wrong", "broker.crt"), FaultKind::Authentication, "password"),
        (sasl("PLAIN", PASSWORD, "other.crt"), FaultKind::Tls, "ca_file"),
        (tls("other"), FaultKind::Tls, "certificate"),
    ] {
        let (handle, events, faults) = consume(&shut);
        let fault = faults.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(fault.kind, kind, "{}", fault.words);
        assert!(fault.words.contains(word), "{word}: {}", fault.words);
        end(handle, &events);
    }
}
