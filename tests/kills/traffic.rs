//! Logins that walk through people, eight at any moment, among some that do their work.

use darban::time::{Clock, Moment};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) const TOPIC: &str = "kills";
pub(super) const PARTITIONS: i32 = 3;
/// Harvests at any moment.
const HARVESTS: u64 = 8;
/// People of each: many times what a page takes.
const PEOPLE: u64 = 60;
/// People whom visitors look up.
const VISITED: u64 = 10_000;
const FIRST_VISITED: u64 = 1 << 30;
/// Between two records of the log.
const PAUSE: Duration = Duration::from_millis(2);

/// Writes until it is told to end, and then what is begun to its end.
pub(super) struct Traffic {
    written: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Traffic {
    pub(super) fn start(mut client: ClientConfig) -> Self {
        let (written, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, ending) = (written.clone(), stop.clone());
        let client = client.set("linger.ms", "0").set("reconnect.backoff.max.ms", "100");
        let producer: BaseProducer = client.create().unwrap();
        let thread = std::thread::spawn(move || write(&producer, &count, &ending));
        Self { written, stop, thread: Some(thread) }
    }

    /// Records in the log.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// The number of the first harvest that has not begun.
    pub(super) fn next_harvest(&self) -> u64 {
        (self.written() / HARVESTS / PEOPLE + 1) * HARVESTS
    }

    /// Ends it; how many harvests there were.
    pub(super) fn end(mut self) -> usize {
        self.stop.store(true, Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

fn write(producer: &BaseProducer, written: &AtomicU64, stop: &AtomicBool) -> usize {
    let clock = Clock::system();
    for step in 0_u64.. {
        let (lane, turn) = (step % HARVESTS, step / HARVESTS);
        let (harvest, person) = (turn / PEOPLE * HARVESTS + lane, turn % PEOPLE);
        if stop.load(Relaxed) && person == 0 && lane == 0 {
            producer.flush(Duration::from_secs(30)).unwrap();
            return usize::try_from(harvest).unwrap();
        }
        let now = clock.now();
        send(producer, (&format!("thief-{harvest}"), harvest), anywhere(harvest) + person, now);
        if step % 16 == 0 {
            let clerk = step / 16 % 20;
            send(
                producer,
                (&format!("clerk-{clerk}"), 60_000 + clerk),
                anywhere(step + (1 << 20)),
                now,
            );
        }
        producer.poll(Duration::ZERO);
        written.fetch_add(1, Relaxed);
        std::thread::park_timeout(PAUSE);
    }
    0
}

/// Visitors who look two people up each, before anything else happens.
pub(super) fn visit(mut client: ClientConfig) {
    let producer: BaseProducer = client.set("linger.ms", "5").create().unwrap();
    let now = Clock::system().now();
    for at in 0..VISITED {
        let visitor = at / 2;
        let from = (&*format!("visitor-{visitor}"), 30_000 + visitor);
        send(&producer, from, anywhere(at + FIRST_VISITED), now);
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// Everybody whom visitors and the first harvests looked up.
pub(super) fn people(harvests: usize) -> HashSet<u64> {
    let harvests = 0..u64::try_from(harvests).unwrap();
    let taken = harvests.flat_map(|it| (0..PEOPLE).map(move |person| anywhere(it) + person));
    taken.chain((0..VISITED).map(|at| anywhere(at + FIRST_VISITED))).collect()
}

/// A person far from those of other numbers, with 48 bits, the highest set: fifteen digits. What has
/// fewer is found sooner or later by chance, in the microseconds of a log, or across the partition
/// and the offset of a journal's row; a time in milliseconds has 41.
const fn anywhere(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16 | 1 << 47
}

/// A look-up by a login from an office of its own.
fn send(producer: &BaseProducer, (login, office): (&str, u64), person: u64, now: Moment) {
    let stamp = now.to_string();
    let line = format!(
        r#"{{"time":"{stamp}","msec":"{}.{:03}","remote_addr":"10.{}.{}.7","remote_user":"{login}","request_method":"GET","uri":"/people/{person}","request_uri":"/people/{person}","status":"200","body_bytes_sent":"512","http_user_agent":"curl/8"}}"#,
        now.0 / 1_000,
        now.0 % 1_000,
        office / 250 % 250,
        office % 250
    );
    let number = i32::try_from(person % 3).unwrap();
    let record: BaseRecord<'_, (), str> =
        BaseRecord::to(TOPIC).partition(number).timestamp(now.0).payload(&line);
    producer.send(record).map_err(|it| it.0).unwrap();
}
