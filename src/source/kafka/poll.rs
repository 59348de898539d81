//! The poll thread.

use super::context::{Consumer, Rebalanced};
use super::lists::{list_of, list_of_owned};
use super::start::{Decision, Found, decide};
use super::{Fault, Options, Owned, Shared, Start};
use crate::source::{BATCH_RECORDS_MAX, Batch, Event, Partition, Place};
use crate::time::{Clock, Moment};
use crossbeam_channel::{SendTimeoutError, Sender};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, MutexGuard, PoisonError};
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
    gone: bool,
}

impl Poller {
    pub(super) fn new(
        consumer: Arc<Consumer>,
        shared: Arc<Shared>,
        events: Sender<Event>,
        (options, clock): (Options, Clock),
    ) -> Self {
        Self {
            consumer,
            shared,
            events,
            options,
            clock,
            known: BTreeMap::new(),
            handed: BTreeMap::new(),
            batch: Batch::new(Partition(0)),
            waiting: VecDeque::new(),
            gone: false,
        }
    }

    pub(super) fn run(mut self) {
        self.look_for_topics();
        while !self.gone && !self.shared.stop.load(Relaxed) {
            self.shared.last_poll.store(self.clock.now().0, Relaxed);
            // What is there already is taken without waiting; a batch leaves before we wait.
            if !self.poll(Duration::ZERO) {
                self.flush();
                self.stand();
                self.poll(POLL);
            }
            self.rebalance();
            self.drain();
        }
        self.flush();
        self.drain();
        self.consumer.context().close();
        self.rebalance();
    }

    /// Never committed and "no such topic" look the same later: ask once, at the start.
    fn look_for_topics(&self) {
        for topic in &self.options.topics {
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

    /// Takes one event of librdkafka; whether there was one.
    fn poll(&mut self, wait: Duration) -> bool {
        let consumer = self.consumer.clone();
        match consumer.poll(wait) {
            None => false,
            Some(Ok(message)) => {
                self.record(&message);
                true
            }
            Some(Err(KafkaError::PartitionEOF(number))) => {
                self.end_of(number);
                true
            }
            Some(Err(error)) => {
                self.error(&error);
                true
            }
        }
    }

    fn record(&mut self, message: &BorrowedMessage<'_>) {
        let key = (message.topic(), message.partition());
        let Some((partition, _)) = self.owned_named(key) else { return };
        let offset = message.offset();
        let mut owned = self.shared.owned.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = owned.get_mut(&partition) else { return };
        if offset < own.next {
            self.shared.duplicates.fetch_add(1, Relaxed);
            return;
        }
        let holes = u64::try_from(offset - own.next).unwrap_or(0);
        self.shared.holes.fetch_add(holes, Relaxed);
        self.shared.received.fetch_add(1, Relaxed);
        own.next = offset + 1;
        own.high = own.high.max(own.next);
        own.at_end = false;
        drop(owned);
        if self.batch.partition != partition || self.batch.rows.len() >= BATCH_RECORDS_MAX {
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

    /// The end of a partition, which librdkafka names by its number alone.
    fn end_of(&mut self, number: i32) {
        self.flush();
        let candidates: Vec<(Partition, Owned)> = {
            let owned = self.lock();
            owned
                .iter()
                .filter(|it| it.1.number == number)
                .map(|it| (*it.0, it.1.clone()))
                .collect()
        };
        let alone = candidates.len() == 1;
        for (partition, own) in candidates {
            let at_end = alone
                || self
                    .consumer
                    .fetch_watermarks(&own.topic, number, LOOK_UP)
                    .is_ok_and(|(_, high)| own.next >= high);
            if !at_end {
                continue;
            }
            if let Some(own) = self.lock().get_mut(&partition) {
                own.high = own.high.max(own.next);
                own.at_end = true;
            }
            self.send(Event::End { partition, next: own.next });
        }
    }

    /// Reads librdkafka's statistics, when nothing is left to be taken from it. Marks of
    /// transactions at the end of a log are no records and no event tells of them: where the end
    /// was met beyond the last record, and nothing came since, what lies between are holes.
    fn stand(&mut self) {
        for standing in self.consumer.context().take_standing() {
            let place = (standing.topic.as_str(), standing.number);
            let Some((partition, _)) = self.owned_named(place) else { continue };
            let mut owned = self.lock();
            let Some(own) = owned.get_mut(&partition) else { continue };
            own.high = standing.high.max(own.next);
            let Some(next) = standing.ended_at.filter(|it| own.at_end && *it > own.next) else {
                continue;
            };
            let holes = u64::try_from(next - own.next).unwrap_or(0);
            (own.next, own.high) = (next, own.high.max(next));
            drop(owned);
            self.shared.holes.fetch_add(holes, Relaxed);
            self.send(Event::End { partition, next });
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
            self.mend();
        } else {
            self.consumer.context().tell(Fault::of(error, &error.to_string()));
        }
    }

    /// Some partition's next offset is no longer in the log; which one is not said.
    fn mend(&mut self) {
        let owned: Vec<(Partition, Owned)> =
            self.lock().iter().map(|it| (*it.0, it.1.clone())).collect();
        for (partition, own) in owned {
            let Ok((low, high)) = self.consumer.fetch_watermarks(&own.topic, own.number, LOOK_UP)
            else {
                continue;
            };
            let found = Found { committed: Some(own.next), low, high, since: None };
            let Decision { next, gap: Some((first, missing)) } = decide(found, Start::Latest)
            else {
                continue;
            };
            self.flush();
            self.send(Event::Gap { partition, first, missing });
            if let Some(own) = self.lock().get_mut(&partition) {
                (own.next, own.high, own.at_end) = (next, high, false);
            }
            let list = list_of([(own.topic.as_ref(), own.number, Some(next))]);
            let again = self
                .consumer
                .incremental_unassign(&list)
                .and_then(|()| self.consumer.incremental_assign(&list));
            if let Err(error) = again {
                self.consumer.context().tell(Fault::of(&error, &error.to_string()));
            }
        }
    }

    /// Does what the group asked for since.
    fn rebalance(&mut self) {
        for told in self.consumer.context().take() {
            match told {
                Rebalanced::Assigned(partitions) => self.assign(&partitions),
                Rebalanced::Revoked(partitions) => self.revoke(&partitions),
            }
        }
    }

    fn assign(&mut self, partitions: &[(String, i32)]) {
        let mut begin = TopicPartitionList::new();
        let asked = list_of(partitions.iter().map(|it| (it.0.as_str(), it.1, None)));
        let stopping = self.shared.stop.load(Relaxed);
        let committed =
            if stopping { None } else { self.consumer.committed_offsets(asked, LOOK_UP).ok() };
        for (topic, number) in partitions {
            let committed = committed.as_ref().and_then(|it| it.find_partition(topic, *number));
            let committed = committed.and_then(|it| match it.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            });
            let handed = self.owned_named((topic, *number)).and_then(|it| self.handed.get(&it.0));
            let committed = committed.max(handed.copied());
            let watermarks = self.consumer.fetch_watermarks(topic, *number, LOOK_UP);
            // Unknown (a broker is down): begin where we were, or wait for the broker to say.
            let (low, high) = watermarks.unwrap_or((0, committed.unwrap_or(0)));
            let since = self.since(topic, *number).filter(|_| committed.is_none());
            let decision = decide(Found { committed, low, high, since }, self.options.start);
            let added = begin.add_partition_offset(topic, *number, Offset::Offset(decision.next));
            if added.is_ok() {
                self.own((topic.as_str().into(), *number), decision, high);
            }
        }
        if let Err(error) = self.consumer.incremental_assign(&begin) {
            self.consumer.context().tell(Fault::of(&error, &error.to_string()));
        }
    }

    /// The first offset at or after the time that the configuration wants to begin at.
    fn since(&self, topic: &str, number: i32) -> Option<i64> {
        let Start::Back(ms) = self.options.start else { return None };
        let at = self.clock.now().plus(-ms).0;
        let list = list_of([(topic, number, Some(at))]);
        let found = self.consumer.offsets_for_times(list, LOOK_UP).ok()?;
        match found.find_partition(topic, number)?.offset() {
            Offset::Offset(offset) if offset >= 0 => Some(offset),
            _ => None,
        }
    }

    fn own(&mut self, place: (Arc<str>, i32), decision: Decision, high: i64) {
        let next_index = Partition(u16::try_from(self.known.len()).unwrap_or(u16::MAX));
        let partition = *self.known.entry(place.clone()).or_insert(next_index);
        let (topic, number) = place;
        let own = Owned { topic: topic.clone(), number, next: decision.next, high, at_end: false };
        self.lock().insert(partition, own);
        let place = Place { topic, number };
        self.send(Event::Assigned { partition, place, next: decision.next });
        if let Some((first, missing)) = decision.gap {
            self.send(Event::Gap { partition, first, missing });
        }
    }

    fn revoke(&mut self, partitions: &[(String, i32)]) {
        self.flush();
        for (topic, number) in partitions {
            if let Some((partition, _)) = self.owned_named((topic, *number)) {
                let own = self.lock().remove(&partition);
                self.handed.extend(own.map(|it| (partition, it.next)));
                self.send(Event::Revoked { partition });
            }
        }
        let list = list_of(partitions.iter().map(|it| (it.0.as_str(), it.1, None)));
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::debug!("partitions were not given back: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Owned>> {
        self.shared.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&mut self) {
        if self.batch.rows.is_empty() {
            return;
        }
        let fresh = Batch::new(self.batch.partition);
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
        let owned = || list_of_owned(&self.lock());
        let paused = owned();
        // What librdkafka had fetched is fetched again: its end is none until it is met again.
        self.lock().values_mut().for_each(|it| it.at_end = false);
        let is_paused = self.consumer.pause(&paused).is_ok();
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
            self.shared.last_poll.store(self.clock.now().0, Relaxed);
            if !self.shared.stop.load(Relaxed) {
                self.rebalance();
            }
        }
        let resumed = list_of_owned(&self.lock());
        if is_paused && let Err(error) = self.consumer.resume(&resumed) {
            self.consumer.context().tell(Fault::of(&error, &error.to_string()));
        }
    }
}
