//! The committer: a small thread that commits synchronously, so that every outcome is known.
//!
//! Only what is ours is committed. The coordinator fences members, not partitions, so a commit on
//! its way while a partition goes to somebody else could overwrite theirs. Giving a partition back
//! therefore waits for the commit on its way, for a moment only ([`Busy`]): the group waits for us,
//! and a commit that comes too late costs a second reading, never a record.

use super::context::Consumer;
use super::lists::list_of;
use super::{Owned, Partition, Shared};
use crate::killpoint;
use crate::time::{Clock, HOUR_MS, Moment};
use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{CommitMode, Consumer as _};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Committed offsets of an idle group expire after seven days: say them again every hour.
const AGAIN_AFTER_MS: i64 = HOUR_MS;

/// How long giving partitions back waits for a commit on its way: longer than a commit takes
/// (30 ms), shorter than the five seconds that one takes in a rebalance.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// Whether a commit is on its way.
#[derive(Debug, Default)]
pub(super) struct Busy {
    now: Mutex<bool>,
    done: Condvar,
}

impl Busy {
    fn set(&self, now: bool) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.done.notify_all();
    }

    /// Waits until no commit is on its way that was begun before, for a moment at most; whether
    /// none is. To be called when what is to be given back is no longer owned.
    pub(super) fn settle(&self) -> bool {
        self.settle_within(GIVING_BACK)
    }

    fn settle_within(&self, wait: Duration) -> bool {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.done.wait_timeout_while(now, wait, |now| *now);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

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
    // From before it is looked up who owns what until the answer: see `Busy`.
    shared.committing.set(true);
    let asked = due(&shared.owned(), offsets, done, again);
    let list = list_of(asked.iter().map(|it| (it.0.topic.as_ref(), it.0.number, Some(it.1.1))));
    let words = shared.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if !words.is_empty() {
        list.elements().iter_mut().for_each(|it| it.set_metadata(&words));
    }
    let outcome = (!asked.is_empty()).then(|| {
        killpoint::pass("commit");
        let outcome = consumer.commit(&list, CommitMode::Sync);
        killpoint::pass("committed");
        outcome
    });
    shared.committing.set(false);
    match outcome {
        None => {}
        Some(Ok(())) => {
            counters.ok.fetch_add(1, Relaxed);
            done.extend(asked.into_iter().map(|it| it.1));
            *last = now;
        }
        // A rebalance, a coordinator that moves, an outage: the next commit says it again.
        Some(Err(error)) => {
            counters.failed.fetch_add(1, Relaxed);
            tracing::debug!("offsets were not committed: {error}");
        }
    }
}

/// Which offsets to commit: those of partitions that are ours, not below what the group had when
/// they came to us, and not those that were committed before, unless all are said again.
fn due(
    owned: &BTreeMap<Partition, Owned>,
    offsets: Vec<(Partition, i64)>,
    done: &mut BTreeMap<Partition, i64>,
    again: bool,
) -> Vec<(Owned, (Partition, i64))> {
    done.retain(|it, _| owned.contains_key(it));
    let ours = |it: (Partition, i64)| owned.get(&it.0).map(|own| (own.clone(), it));
    let is_due = |(own, (partition, next)): &(Owned, (Partition, i64))| {
        *next >= own.floor && (again || done.get(partition) != Some(next))
    };
    offsets.into_iter().filter_map(ours).filter(is_due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(floors: &[(u16, i64)]) -> BTreeMap<Partition, Owned> {
        let own = |(number, floor): &(u16, i64)| {
            (Partition(*number), Owned::new(("log".into(), i32::from(*number)), *floor, 100))
        };
        floors.iter().map(own).collect()
    }

    fn asked(found: Vec<(Owned, (Partition, i64))>) -> Vec<(u16, i64)> {
        found.into_iter().map(|it| (it.1.0.0, it.1.1)).collect()
    }

    #[test]
    fn only_what_is_ours_and_new_is_committed_and_nothing_below_what_another_committed() {
        let offsets = vec![(Partition(0), 7), (Partition(1), 7), (Partition(2), 7)];
        let mut done = BTreeMap::from([(Partition(0), 7), (Partition(9), 7)]);
        let owned = owned(&[(0, 5), (1, 7), (2, 8)]);
        let found = due(&owned, offsets.clone(), &mut done, false);
        assert_eq!(asked(found), [(1, 7)]);
        assert_eq!(done, BTreeMap::from([(Partition(0), 7)]));
        assert_eq!(asked(due(&owned, offsets, &mut done, true)), [(0, 7), (1, 7)]);
    }

    #[test]
    fn giving_back_waits_for_a_commit_on_its_way_and_not_for_ever() {
        let busy = Arc::new(Busy::default());
        assert!(busy.settle());
        busy.set(true);
        assert!(!busy.settle_within(Duration::ZERO));
        let other = busy.clone();
        let ended = std::thread::spawn(move || other.settle_within(Duration::from_secs(60)));
        busy.set(false);
        assert!(ended.join().unwrap());
    }
}
