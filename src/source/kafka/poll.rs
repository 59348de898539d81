//! The poll thread.
//!
//! It takes records and hands them on; what the group wants is done in `poll/assign.rs`, what is
//! broken is mended in `poll/mend.rs`. Nothing here waits for a broker without a limit, and
//! nothing that fails is given up: it is asked again a second later.

mod assign;
mod mend;

use super::context::Consumer;
use super::lists::list_of_owned;
use super::{Fault, Options, Owned, Shared, is_pattern};
use crate::source::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Batch, Event, Partition};
use crate::time::{Clock, Moment, SECOND_MS};
use assign::Unanswered;
use crossbeam_channel::{SendTimeoutError, Sender};
use mend::Mending;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How long a look-up may take while the group waits for our answer.
const LOOK_UP: Duration = Duration::from_secs(2);
/// How long the first question for the topics may take.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How long a poll waits for a record.
const POLL: Duration = Duration::from_millis(100);
/// How long the workers may be busy before partitions are paused and polling goes on for the
/// group's sake alone.
const BUSY: Duration = Duration::from_secs(1);
/// How long after a look-up that failed it is tried again.
const AGAIN_MS: i64 = SECOND_MS;

/// What a poll gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polled {
    /// A record, an end or an error.
    Event,
    /// A callback; what waits behind it is not known.
    Callback,
    /// Nothing waits.
    Nothing,
}

pub(super) struct Poller {
    consumer: Arc<Consumer>,
    shared: Arc<Shared>,
    events: Sender<Event>,
    options: Options,
    clock: Clock,
    /// Every partition that was ever ours, by name.
    known: BTreeMap<(Arc<str>, i32), Partition>,
    /// How far partitions were handed over that were ours before: what came once within this
    /// process is in its state, and must not come again only because it was not committed yet.
    handed: BTreeMap<Partition, i64>,
    batch: Batch,
    /// What came while the workers were busy.
    waiting: VecDeque<Event>,
    unanswered: Unanswered,
    /// The group has given us something to read before.
    is_assigned: bool,
    /// It was asked to share out anew.
    has_joined_anew: bool,
    mending: Mending,
    /// The change of who is held back that was last followed.
    followed: Option<u64>,
    /// When we last polled.
    polled: Moment,
    gone: bool,
}

impl Poller {
    pub(super) fn new(
        consumer: Arc<Consumer>,
        shared: Arc<Shared>,
        events: Sender<Event>,
        (options, clock): (Options, Clock),
    ) -> Self {
        let kept = (0..).map(Partition).zip(&options.resume.places);
        let known = kept.map(|(at, (it, _))| ((it.topic.clone(), it.number), at)).collect();
        Self {
            consumer,
            shared,
            events,
            options,
            clock,
            known,
            handed: BTreeMap::new(),
            batch: Batch::new(Partition(0)),
            waiting: VecDeque::new(),
            unanswered: Unanswered::default(),
            is_assigned: false,
            has_joined_anew: false,
            mending: Mending::default(),
            followed: None,
            polled: clock.now(),
            gone: false,
        }
    }

    pub(super) fn run(mut self) {
        self.look_for_topics();
        self.polled = self.clock.now();
        while !self.gone && !self.shared.stop.load(Relaxed) {
            self.turn();
        }
        self.flush();
        self.drain();
        self.consumer.context().close();
        self.rebalance();
        // Whoever listens hears the end before the consumer is closed, which may take for ever.
        let Self { consumer, events, .. } = self;
        drop(events);
        drop(consumer);
    }

    fn turn(&mut self) {
        // What is there already is taken without waiting; a batch leaves before we wait.
        if self.poll(Duration::ZERO) == Polled::Nothing {
            self.flush();
            self.stand();
            self.poll(POLL);
        }
        self.rebalance();
        self.ask_again();
        self.mend();
        self.hold_back();
        self.drain();
    }

    /// Never committed and "no such topic" look the same later: ask once, at the start.
    fn look_for_topics(&self) {
        // That a pattern has no topic yet is nothing to tell: they come when they are made.
        for topic in self.options.topics.iter().filter(|it| !is_pattern(it)) {
            let Ok(metadata) = self.consumer.fetch_metadata(Some(topic), FIRST_LOOK) else {
                return;
            };
            let known = metadata
                .topics()
                .iter()
                .any(|it| it.name() == topic && !it.partitions().is_empty());
            if !known {
                self.consumer.context().tell(Fault::missing_topic(topic));
            }
        }
    }

    /// Takes one event of librdkafka.
    fn poll(&mut self, wait: Duration) -> Polled {
        let consumer = self.consumer.clone();
        let served = consumer.context().served();
        let polled = consumer.poll(wait);
        if self.stood_still() {
            self.give_all_up();
        }
        match polled {
            None if consumer.context().served() == served => return Polled::Nothing,
            None => return Polled::Callback,
            Some(Ok(message)) => self.record(&message),
            Some(Err(KafkaError::PartitionEOF(number))) => self.end_of(number),
            Some(Err(error)) => self.error(&error),
        }
        Polled::Event
    }

    /// Notes that we polled; whether so long passed since the last time that the group has given
    /// our partitions to somebody else. A process that was stopped finds that out only later: by
    /// then all that librdkafka had fetched before would have been taken.
    fn stood_still(&mut self) -> bool {
        let now = self.clock.now();
        self.shared.last_poll.store(now.0, Relaxed);
        let gap_ms = now.since(self.polled) / self.clock.factor();
        self.polled = now;
        gap_ms > i64::from(self.options.session_timeout_ms)
    }

    fn record(&mut self, message: &BorrowedMessage<'_>) {
        let key = (message.topic(), message.partition());
        let Some((partition, _)) = self.owned_named(key) else { return };
        let offset = message.offset();
        let taken = self.shared.owned().get_mut(&partition).map(|it| it.take(offset));
        let holes = match taken {
            None => return,
            Some(None) => {
                self.shared.duplicates.fetch_add(1, Relaxed);
                return;
            }
            Some(Some(holes)) => holes,
        };
        self.shared.holes.fetch_add(holes, Relaxed);
        self.shared.received.fetch_add(1, Relaxed);
        let is_full =
            self.batch.rows.len() >= BATCH_RECORDS_MAX || self.batch.arena.len() >= BATCH_BYTES_MAX;
        if self.batch.partition != partition || is_full {
            self.flush();
            self.batch.partition = partition;
        }
        let time = message.timestamp().to_millis().filter(|it| *it >= 0).map(Moment);
        self.batch.push(offset, time, message.payload().unwrap_or_default());
    }

    fn owned_named(&self, (topic, number): (&str, i32)) -> Option<(Partition, Arc<str>)> {
        // A handful of topics: a walk is cheaper than a key made for the look-up.
        let mut known = self.known.iter();
        known.find(|(it, _)| it.1 == number && *it.0 == *topic).map(|(it, at)| (*at, it.0.clone()))
    }

    /// The end of a partition, which librdkafka names by its number alone. Where several topics
    /// have that number, statistics tell (`owned.rs`).
    fn end_of(&mut self, number: i32) {
        self.flush();
        let mut owned = self.shared.owned();
        let mut named = owned.iter_mut().filter(|it| it.1.number == number);
        let (Some((partition, own)), None) = (named.next(), named.next()) else { return };
        own.meet_end();
        let end = Event::End { partition: *partition, next: own.next };
        drop(owned);
        self.send(end);
    }

    /// Reads librdkafka's statistics, when nothing is left to be taken from it.
    fn stand(&mut self) {
        for standing in self.consumer.context().take_standing() {
            let place = (standing.topic.as_str(), standing.number);
            let Some((partition, _)) = self.owned_named(place) else { continue };
            let mut owned = self.shared.owned();
            let alone = owned.values().filter(|it| it.number == standing.number).count() == 1;
            let Some(own) = owned.get_mut(&partition) else { continue };
            let Some(holes) = own.stand(&standing, alone) else { continue };
            let end = Event::End { partition, next: own.next };
            drop(owned);
            self.shared.holes.fetch_add(holes, Relaxed);
            self.send(end);
        }
    }

    fn error(&mut self, error: &KafkaError) {
        let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_))
            || self.consumer.client().fatal_error().is_some();
        if fatal {
            let mut fault = Fault::of(error, &error.to_string());
            fault.fatal = true;
            self.consumer.context().tell(fault);
            self.gone = true;
        } else if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            self.look_for_broken();
        } else {
            self.tell(error);
        }
    }

    fn tell(&self, error: &KafkaError) {
        self.consumer.context().tell(Fault::of(error, &error.to_string()));
    }

    /// Pauses who is to wait for the others from now on, and lets go who is not.
    fn hold_back(&mut self) {
        let change = self.shared.held_back_changes.load(Relaxed);
        if self.followed.replace(change) == Some(change) {
            return;
        }
        let wanted = self.shared.held_back.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let switched = |to: bool| -> Vec<Partition> {
            let owned = self.shared.owned();
            let differs =
                |it: &(&Partition, &Owned)| it.1.held_back != to && wanted.contains(it.0) == to;
            owned.iter().filter(differs).map(|it| *it.0).collect()
        };
        for (partitions, to) in [(switched(true), true), (switched(false), false)] {
            if partitions.is_empty() {
                continue;
            }
            let list = list_of_owned(&self.shared.owned(), |it| partitions.contains(it.0));
            let done = if to { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
            if let Err(error) = done {
                self.tell(&error);
                self.followed = None;
                continue;
            }
            let mut owned = self.shared.owned();
            for (_, own) in owned.iter_mut().filter(|it| partitions.contains(it.0)) {
                own.held_back = to;
                own.pause(to);
            }
        }
    }

    fn flush(&mut self) {
        if self.batch.rows.is_empty() {
            return;
        }
        let fresh = Batch::like(&self.batch);
        let batch = std::mem::replace(&mut self.batch, fresh);
        self.send(Event::Batch(batch));
    }

    /// Hands an event over, behind those that wait.
    fn send(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
            return;
        }
        match self.events.send_timeout(event, BUSY) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(event)) => self.waiting.push_back(event),
            Err(SendTimeoutError::Disconnected(_)) => self.gone = true,
        }
    }

    /// Hands over what waits. The workers were busy for a second: partitions are paused so that
    /// polling brings callbacks and nothing else, until they are not.
    fn drain(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let all = list_of_owned(&self.shared.owned(), |_| true);
        match self.consumer.pause(&all) {
            Ok(()) => self.shared.owned().values_mut().for_each(|it| it.pause(true)),
            Err(error) => self.tell(&error),
        }
        while let Some(event) = self.waiting.pop_front() {
            match self.events.send_timeout(event, POLL) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(event)) => self.waiting.push_front(event),
                Err(SendTimeoutError::Disconnected(_)) => {
                    self.gone = true;
                    return;
                }
            }
            self.poll(Duration::ZERO);
            if !self.shared.stop.load(Relaxed) {
                self.rebalance();
            }
        }
        let is_free = |it: &Owned| it.paused && !it.held_back;
        let resumed = list_of_owned(&self.shared.owned(), |it| is_free(it.1));
        match self.consumer.resume(&resumed) {
            Ok(()) => {
                let mut owned = self.shared.owned();
                owned.values_mut().filter(|it| is_free(it)).for_each(|it| it.pause(false));
            }
            Err(error) => self.tell(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::Context;
    use super::*;
    use crossbeam_channel::{Receiver, bounded, unbounded};
    use rdkafka::config::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    const RECORDS: i64 = 50;
    /// Turns of the loop within which everything comes: each waits a tenth of a second at most.
    const TURNS_MAX: usize = 600;

    /// A poll thread by hand, on librdkafka's own broker.
    struct Bench {
        cluster: MockCluster<'static, DefaultProducerContext>,
        poller: Poller,
        events: Receiver<Event>,
        seen: Vec<Event>,
    }

    impl Bench {
        fn new(partitions: i32) -> Self {
            let cluster = MockCluster::new(1).unwrap();
            cluster.create_topic("log", partitions, 1).unwrap();
            let options = Options {
                brokers: vec![cluster.bootstrap_servers()],
                topics: vec!["log".to_owned()],
                group: "g".to_owned(),
                start: super::super::Start::Earliest,
                session_timeout_ms: 45_000,
                ..Options::default()
            };
            let (faults, _) = bounded(8);
            let consumer = Arc::new(options.consumer(Context::new(faults, None)).unwrap());
            let (sender, events) = unbounded();
            let parts = (options, Clock::system());
            let poller = Poller::new(consumer, Arc::default(), sender, parts);
            let mut bench = Self { cluster, poller, events, seen: Vec::new() };
            bench.write(partitions);
            bench
        }

        fn write(&mut self, partitions: i32) {
            let brokers = self.cluster.bootstrap_servers();
            let producer: BaseProducer =
                ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
            for partition in (0..partitions).flat_map(|it| vec![it; 50]) {
                let record: BaseRecord<'_, (), str> =
                    BaseRecord::to("log").partition(partition).payload("line");
                producer.send(record).map_err(|it| it.0).unwrap();
            }
            producer.flush(Duration::from_secs(10)).unwrap();
        }

        /// Turns the loop until something is so.
        fn turn_until(&mut self, is_so: impl Fn(&mut Self) -> bool) {
            let mut turn = |_: &usize| {
                self.poller.turn();
                self.seen.extend(self.events.try_iter());
                is_so(self)
            };
            let came = (0..TURNS_MAX).find(&mut turn).is_some();
            assert!(came, "waited in vain: {:?}", self.seen);
        }

        fn offsets(&self, of: Partition) -> Vec<i64> {
            let batches = self.seen.iter().filter_map(|it| match it {
                Event::Batch(batch) if batch.partition == of => Some(batch),
                _ => None,
            });
            batches.flat_map(|it| it.rows.iter().map(|row| row.offset)).collect()
        }

        fn ended(&self, of: Partition) -> bool {
            self.seen
                .iter()
                .any(|it| matches!(it, Event::End { partition, .. } if *partition == of))
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            // Nobody turns any more, and closing would wait for an answer.
            self.poller.consumer.context().close();
        }
    }

    #[test]
    fn a_process_that_was_stopped_takes_nothing_that_was_fetched_before_and_misses_nothing() {
        let mut bench = Bench::new(1);
        bench.turn_until(|it| !it.poller.batch.rows.is_empty());
        let session_ms = i64::from(bench.poller.options.session_timeout_ms);
        bench.poller.polled = bench.poller.clock.now().plus(-session_ms - SECOND_MS);
        let taken = i64::try_from(bench.poller.batch.rows.len()).unwrap();
        assert!(taken < RECORDS, "something is fetched and not taken");
        bench.poller.poll(Duration::ZERO);
        assert_eq!(bench.poller.shared.standstills.load(Relaxed), 1);
        bench.seen.extend(bench.events.try_iter());
        assert!(matches!(bench.seen.last(), Some(Event::Revoked { .. })), "{:?}", bench.seen);
        assert_eq!(bench.offsets(Partition(0)), (0..taken).collect::<Vec<_>>());
        // The group is given time to say that we are no longer in it.
        assert!(bench.poller.unanswered.ask_at > bench.poller.clock.now());
        bench.poller.unanswered.ask_at = Moment(0);
        bench.turn_until(|it| it.ended(Partition(0)));
        let assigned = bench.seen.iter().filter_map(|it| match it {
            Event::Assigned { next, .. } => Some(*next),
            _ => None,
        });
        assert_eq!(assigned.collect::<Vec<_>>(), [0, taken]);
        assert_eq!(bench.offsets(Partition(0)), (0..RECORDS).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_looked_up_is_mended_at_a_later_turn() {
        let mut bench = Bench::new(1);
        bench.turn_until(|it| it.ended(Partition(0)));
        bench.seen.clear();
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        // librdkafka asks by itself too, for the lag: enough is refused for both.
        bench.cluster.request_errors(RDKafkaApiKey::ListOffsets, &[refused; 100]);
        bench.poller.look_for_broken();
        bench.poller.mend();
        assert_eq!(bench.poller.mending.left.len(), 1);
        bench.cluster.clear_request_errors(RDKafkaApiKey::ListOffsets);
        bench.turn_until(|it| it.ended(Partition(0)));
        bench.write(1);
        bench.turn_until(|it| it.offsets(Partition(0)).len() == 50);
        let expected: Vec<i64> = (RECORDS..2 * RECORDS).collect();
        assert_eq!(bench.offsets(Partition(0)), expected);
    }

    #[test]
    fn a_partition_that_is_held_back_is_not_read_until_it_is_let_go() {
        let mut bench = Bench::new(2);
        bench.turn_until(|it| it.ended(Partition(0)) && it.ended(Partition(1)));
        bench.seen.clear();
        let hold = |bench: &Bench, partitions: &[Partition]| {
            *bench.poller.shared.held_back.lock().unwrap() = partitions.iter().copied().collect();
            bench.poller.shared.held_back_changes.fetch_add(1, Relaxed);
        };
        hold(&bench, &[Partition(1)]);
        bench.poller.hold_back();
        bench.write(2);
        bench.turn_until(|it| it.ended(Partition(0)));
        assert!(bench.offsets(Partition(1)).is_empty());
        hold(&bench, &[]);
        bench.turn_until(|it| it.ended(Partition(1)));
        let expected: Vec<i64> = (RECORDS..2 * RECORDS).collect();
        assert_eq!([0, 1].map(|it| bench.offsets(Partition(it))), [expected.clone(), expected]);
        // A partition that is lost while it is held back is not paused when it comes back.
        hold(&bench, &[Partition(1)]);
        bench.poller.hold_back();
        hold(&bench, &[]);
        bench.seen.clear();
        bench.poller.begin_anew(&[Partition(1)]);
        bench.turn_until(|it| it.ended(Partition(1)));
    }
}
