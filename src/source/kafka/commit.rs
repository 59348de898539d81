//! The committer: a small thread that commits synchronously, so that every outcome is known.
//!
//! Only what is ours is committed. The coordinator fences members, not partitions, so a commit on
//! its way while a partition goes to somebody else could overwrite theirs. Giving a partition back
//! therefore waits for the commit on its way, for a moment only ([`Busy`]): the group waits for us,
//! and a commit that comes too late costs a second reading, never a record.

use super::context::Consumer;
use super::lists::list_of;
use super::owned::Owned;
use super::{CLOSING, Partition, Shared, end_within};
use crate::killpoint;
use crate::time::{Clock, HOUR_MS, Moment};
use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
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
    /// Say again what was committed, and answer whether another process has taken our place.
    RollCall(Sender<bool>),
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
                    let again = now.since(done.1) >= AGAIN_AFTER_MS;
                    commit(&consumer, &shared, (offsets, again), (&mut done, now, &counted));
                }
                Order::Answer(to) => drop(to),
                Order::RollCall(to) => {
                    let last = (last_said(floors_of(&shared.owned()), &done.0), true);
                    let now = clock.now();
                    let fenced = commit(&consumer, &shared, last, (&mut done, now, &counted));
                    // Whoever asked may have given up.
                    let _told = to.send(fenced);
                }
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

    /// Whether another process has taken our place in the group, as far as the brokers say so within
    /// this time.
    pub(super) fn is_fenced(&self, wait_ms: u64) -> bool {
        let Some(orders) = &self.orders else { return false };
        let wait = Duration::from_millis(wait_ms);
        let (to, answer) = bounded(1);
        let asked = orders.send_timeout(Order::RollCall(to), wait).is_ok();
        asked && answer.recv_timeout(wait).unwrap_or(false)
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        Outcomes { ok: self.counters.ok.load(Relaxed), failed: self.counters.failed.load(Relaxed) }
    }

    pub(super) fn stop(&mut self) {
        self.orders = None;
        self.thread.take().into_iter().for_each(|it| end_within(it, CLOSING));
    }
}

type Done<'a> = (&'a mut (BTreeMap<Partition, i64>, Moment), Moment, &'a Counters);

/// Commits what is due of these offsets; whether the brokers refuse it because another process has
/// joined under our name.
fn commit(
    consumer: &Consumer,
    shared: &Shared,
    (offsets, again): (Vec<(Partition, i64)>, bool),
    ((done, last), now, counters): Done<'_>,
) -> bool {
    // From before it is looked up who owns what until the answer: see `Busy`.
    shared.committing.set(true);
    let owned = shared.owned();
    let floors = floors_of(&owned);
    let asked = due(&floors, offsets, done, again);
    let named = asked.iter().filter_map(|(at, next)| Some((owned.get(at)?, *next)));
    let list = list_of(named.map(|(it, next)| (it.topic.as_ref(), it.number, Some(next))));
    drop(owned);
    shared.give_words(&list);
    let outcome = (!asked.is_empty()).then(|| {
        killpoint::pass("commit");
        let outcome = consumer.commit(&list, CommitMode::Sync);
        killpoint::pass("committed");
        outcome
    });
    shared.committing.set(false);
    match outcome {
        None => false,
        Some(Ok(())) => {
            counters.ok.fetch_add(1, Relaxed);
            done.extend(asked);
            *last = now;
            false
        }
        // A rebalance, a coordinator that moves, an outage: the next commit says it again.
        Some(Err(error)) => {
            counters.failed.fetch_add(1, Relaxed);
            tracing::debug!("offsets were not committed: {error}");
            // The answer comes before librdkafka has drawn its conclusion from it.
            let code = error.rdkafka_error_code();
            matches!(code, Some(RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::Fatal))
                || consumer.client().fatal_error().is_some()
        }
    }
}

/// What the group had of each partition that is ours when it came to us.
fn floors_of(owned: &BTreeMap<Partition, Owned>) -> BTreeMap<Partition, i64> {
    owned.iter().map(|(at, it)| (*at, it.floor)).collect()
}

/// What a roll call says again, of everything that is ours: what was committed last, and before the
/// first commit where we began. Only a commit is refused to whom another has replaced, and who says
/// nothing is not told.
fn last_said(
    floors: BTreeMap<Partition, i64>,
    done: &BTreeMap<Partition, i64>,
) -> Vec<(Partition, i64)> {
    floors.into_iter().map(|(at, floor)| (at, done.get(&at).copied().unwrap_or(floor))).collect()
}

/// Which offsets to commit: those of partitions that are ours, not below what the group had when
/// they came to us (`floors`, by partition), and not those that were committed before, unless all are
/// said again. `done` forgets what is not ours.
pub fn due(
    floors: &BTreeMap<Partition, i64>,
    mut offsets: Vec<(Partition, i64)>,
    done: &mut BTreeMap<Partition, i64>,
    again: bool,
) -> Vec<(Partition, i64)> {
    done.retain(|it, _| floors.contains_key(it));
    offsets.retain(|(partition, next)| {
        let ours = floors.get(partition).is_some_and(|floor| next >= floor);
        ours && (again || done.get(partition) != Some(next))
    });
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(offsets: &[(u16, i64)]) -> Vec<(Partition, i64)> {
        offsets.iter().map(|it| (Partition(it.0), it.1)).collect()
    }

    #[test]
    fn a_roll_call_before_the_first_commit_says_where_we_began() {
        let floors: BTreeMap<_, _> = of(&[(0, 5), (1, 7)]).into_iter().collect();
        let mut done = BTreeMap::from([(Partition(1), 9)]);
        let said = last_said(floors.clone(), &done);
        assert_eq!(said, of(&[(0, 5), (1, 9)]));
        assert_eq!(due(&floors, said.clone(), &mut done, true), said);
    }

    #[test]
    fn only_what_is_ours_and_new_is_committed_and_nothing_below_what_another_committed() {
        let offsets = of(&[(0, 7), (1, 7), (2, 7), (3, 7)]);
        let mut done = BTreeMap::from([(Partition(0), 7), (Partition(9), 7)]);
        let floors = of(&[(0, 5), (1, 7), (2, 8)]).into_iter().collect();
        assert_eq!(due(&floors, offsets.clone(), &mut done, false), of(&[(1, 7)]));
        assert_eq!(done, BTreeMap::from([(Partition(0), 7)]));
        assert_eq!(due(&floors, offsets, &mut done, true), of(&[(0, 7), (1, 7)]));
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
