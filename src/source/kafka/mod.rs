//! Kafka, through librdkafka.
//!
//! One thread polls a `BaseConsumer` and does nothing else (`poll.rs`), a small one commits
//! (`commit.rs`): a commit on the poll thread blocked 3 to 6 s in an unclean rebalance and 14 to
//! 28 s over a broker's outage. No `StreamConsumer` (it stalls), no queue a partition (limits then
//! hold a partition), no transactions. Callbacks only forward a closed enum (`context.rs`); what to
//! do about it is decided on the poll thread, and where to begin by a pure function (`start.rs`),
//! which is asked only when the brokers have answered: a look-up that fails is no first start.

mod commit;
mod context;
mod fault;
mod lists;
mod options;
mod owned;
mod poll;
mod sample;
mod start;
mod token;

pub use commit::{Outcomes, due};
pub use fault::{Fault, FaultKind};
pub use options::{Options, Resume, Security, Stood, is_pattern};
pub use sample::sample;
pub use start::{Answers, Decision, Found, Start, decide};
pub use token::{TokenSource, is_token_address};

use super::{Event, Partition};
use crate::time::{Clock, Stopwatch};
use crossbeam_channel::Sender;
use owned::Owned;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long closing may take, which takes some milliseconds.
const CLOSING: Duration = Duration::from_secs(5);
/// Between two looks at whether a thread has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why the consumer cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// librdkafka refuses the configuration.
    #[error("kafka: {0}")]
    Configuration(String),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the poll thread and everybody else share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    received: AtomicU64,
    holes: AtomicU64,
    duplicates: AtomicU64,
    standstills: AtomicU64,
    last_poll: AtomicI64,
    owned: Mutex<BTreeMap<Partition, Owned>>,
    /// A commit is on its way to the broker.
    committing: commit::Busy,
    /// Who is to wait for the others, and how often that changed.
    held_back: Mutex<BTreeSet<Partition>>,
    held_back_changes: AtomicU64,
    /// What every commit says beside its offsets.
    words: Mutex<String>,
}

impl Shared {
    fn owned(&self) -> MutexGuard<'_, BTreeMap<Partition, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a list of offsets the words that every commit says.
    fn give_words(&self, list: &TopicPartitionList) {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !words.is_empty() {
            list.elements().iter_mut().for_each(|it| it.set_metadata(&words));
        }
    }
}

/// Counters and gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records handed over.
    pub received: u64,
    /// Offsets that hold no record: transaction markers, compacted records.
    pub holes: u64,
    /// Records that came again within an assignment and were dropped.
    pub duplicates: u64,
    /// Times that we stood still for longer than the group waits.
    pub standstills: u64,
    /// Our clock at the last poll, in milliseconds since 1970.
    pub last_poll_ms: i64,
    /// Lag by topic and partition, in records.
    pub lag: Vec<(Arc<str>, i32, u64)>,
    /// Commits by outcome.
    pub commits: Outcomes,
}

/// A running consumer.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    committer: commit::Committer,
    poller: Option<JoinHandle<()>>,
}

/// Starts consuming. Events end when the consumer is stopped or fails for good.
///
/// # Errors
/// When librdkafka refuses the configuration or a thread cannot be started.
pub fn start(
    options: &Options,
    events: Sender<Event>,
    faults: Sender<Fault>,
    clock: Clock,
) -> Result<Handle, Error> {
    let shared = Arc::new(Shared::default());
    shared.words.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&options.resume.name);
    let context = context::Context::new(faults, options.security.token.clone());
    let consumer = options.consumer(context)?;
    let consumer = Arc::new(consumer);
    let committer = commit::Committer::start(consumer.clone(), shared.clone(), clock)?;
    let poller = poll::Poller::new(consumer, shared.clone(), events, (options.clone(), clock));
    let poller =
        std::thread::Builder::new().name("kafka-poll".to_owned()).spawn(|| poller.run())?;
    Ok(Handle { shared, committer, poller: Some(poller) })
}

impl Handle {
    /// Asks for these offsets (the next to read) to be committed; a later call replaces one that
    /// was not taken up yet. Partitions that are not ours any more are left out.
    pub fn commit(&self, offsets: Vec<(Partition, i64)>) {
        self.committer.commit(offsets);
    }

    /// Whether another process has taken our place in the group, as far as the brokers say so within
    /// so many milliseconds. To be asked by a process that was stopped, before it does anything.
    #[must_use]
    pub fn is_fenced(&self, wait_ms: u64) -> bool {
        self.committer.is_fenced(wait_ms)
    }

    /// From now on every commit says this beside its offsets: the state's name and what else there
    /// is to be said of it, in ASCII.
    pub fn say(&self, words: String) {
        *self.shared.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    /// Commits what was asked for and waits for it, at most this many milliseconds.
    pub fn commit_now(&self, offsets: Vec<(Partition, i64)>, wait_ms: u64) {
        self.committer.commit_now(offsets, wait_ms);
    }

    /// From now on these partitions are paused and no others: they wait, because they are far
    /// ahead of the rest of a backlog.
    pub fn hold_back(&self, partitions: BTreeSet<Partition>) {
        *self.shared.held_back.lock().unwrap_or_else(PoisonError::into_inner) = partitions;
        self.shared.held_back_changes.fetch_add(1, Relaxed);
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let owned = self.shared.owned();
        Stats {
            received: self.shared.received.load(Relaxed),
            holes: self.shared.holes.load(Relaxed),
            duplicates: self.shared.duplicates.load(Relaxed),
            standstills: self.shared.standstills.load(Relaxed),
            last_poll_ms: self.shared.last_poll.load(Relaxed),
            lag: owned.values().map(|it| (it.topic.clone(), it.number, it.lag())).collect(),
            commits: self.committer.outcomes(),
        }
    }

    /// Stops polling; events end once what was read is handed over.
    pub fn stop(&self) {
        self.shared.stop.store(true, Relaxed);
    }

    /// Waits for the threads; call after [`Handle::stop`], with the events drained.
    pub fn join(mut self) {
        self.committer.stop();
        self.poller.take().into_iter().for_each(|it| end_within(it, CLOSING));
    }
}

/// Waits for a thread to end, for a while. Whichever thread lets go of the consumer last closes it, and
/// once in thousands of times librdkafka never answers what is asked of it then. Everything is
/// committed and kept by now, so the process ends without it.
fn end_within(thread: JoinHandle<()>, limit: Duration) {
    let since = Stopwatch::start();
    while !thread.is_finished() {
        if since.elapsed() >= limit {
            tracing::warn!("the consumer does not close, so it is left to end with the process");
            return;
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    // A panicked thread has said so itself.
    let _ended = thread.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_does_not_end_is_left_behind() {
        let (never, waits) = crossbeam_channel::bounded::<()>(0);
        let thread = std::thread::spawn(move || assert!(waits.recv().is_err()));
        end_within(thread, Duration::ZERO);
        drop(never);
    }
}
