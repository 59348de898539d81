//! The committer: a small thread that commits synchronously, so that every outcome is known.

use super::context::Consumer;
use super::{Partition, Shared};
use crate::time::{Clock, HOUR_MS, Moment};
use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Committed offsets of an idle group expire after seven days: say them again every hour.
const AGAIN_AFTER_MS: i64 = HOUR_MS;

/// Commits by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Done.
    pub ok: u64,
    /// Not done, and tried again with the next.
    pub failed: u64,
}

#[derive(Debug)]
enum Order {
    Commit(Vec<(Partition, i64)>),
    /// Answer when everything before is done.
    Answer(Sender<()>),
}

#[derive(Debug, Default)]
struct Counters {
    ok: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Committer {
    orders: Option<Sender<Order>>,
    /// The other end of the same channel, for taking back an order that is out of date.
    stale: Receiver<Order>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn start(
        consumer: Arc<Consumer>,
        shared: Arc<Shared>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (orders, taken) = bounded(1);
        let stale = taken.clone();
        let counters = Arc::new(Counters::default());
        let counted = counters.clone();
        let work = move || {
            let mut done = (BTreeMap::new(), Moment(0));
            taken.iter().for_each(|order| match order {
                Order::Commit(offsets) => {
                    let now = clock.now();
                    commit(&consumer, &shared, offsets, (&mut done, now, &counted));
                }
                Order::Answer(to) => drop(to),
            });
        };
        let thread = std::thread::Builder::new().name("kafka-commit".to_owned()).spawn(work)?;
        Ok(Self { orders: Some(orders), stale, counters, thread: Some(thread) })
    }

    pub(super) fn commit(&self, offsets: Vec<(Partition, i64)>) {
        let Some(orders) = &self.orders else { return };
        if let Err(full) = orders.try_send(Order::Commit(offsets)) {
            // The committer is busy: what waits is older than this.
            let _older = self.stale.try_recv();
            let _raced = orders.try_send(full.into_inner());
        }
    }

    pub(super) fn commit_now(&self, offsets: Vec<(Partition, i64)>, wait_ms: u64) {
        let Some(orders) = &self.orders else { return };
        let wait = Duration::from_millis(wait_ms);
        let (to, answer) = bounded(1);
        let sent = orders
            .send_timeout(Order::Commit(offsets), wait)
            .and_then(|()| orders.send_timeout(Order::Answer(to), wait));
        if sent.is_ok() {
            // The answer is the end of its channel.
            let _done = answer.recv_timeout(wait);
        }
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        Outcomes { ok: self.counters.ok.load(Relaxed), failed: self.counters.failed.load(Relaxed) }
    }

    pub(super) fn stop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

type Done<'a> = (&'a mut (BTreeMap<Partition, i64>, Moment), Moment, &'a Counters);

fn commit(
    consumer: &Consumer,
    shared: &Shared,
    offsets: Vec<(Partition, i64)>,
    ((done, last), now, counters): Done<'_>,
) {
    let again = now.since(*last) >= AGAIN_AFTER_MS;
    let mut list = TopicPartitionList::new();
    let mut asked = Vec::new();
    {
        let owned = shared.owned.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, next) in offsets {
            let Some(place) = owned.get(&partition) else {
                done.remove(&partition);
                continue;
            };
            if !again && done.get(&partition) == Some(&next) {
                continue;
            }
            let added = list.add_partition_offset(&place.topic, place.number, Offset::Offset(next));
            if added.is_ok() {
                asked.push((partition, next));
            }
        }
    }
    if asked.is_empty() {
        return;
    }
    match consumer.commit(&list, CommitMode::Sync) {
        Ok(()) => {
            counters.ok.fetch_add(1, Relaxed);
            done.extend(asked);
            *last = now;
        }
        // A rebalance, a coordinator that moves, an outage: the next commit says it again.
        Err(error) => {
            counters.failed.fetch_add(1, Relaxed);
            tracing::debug!("offsets were not committed: {error}");
        }
    }
}
