//! The daemon: Kafka to notifications, from the first poll to the last commit.
//!
//! Data moves on plain threads (one polls, some decode, one judges), tokio runs delivery and
//! nothing else. Offsets are committed only behind alerts that stand in the outbox, which is
//! synced before the commit is asked for: what a kill takes away is read and judged again.

use super::blind::Blindness;
use super::judged::Judged;
use super::judging::{Judging, Round};
use super::keeper::Keeper;
use super::recover::Recovered;
use super::strays::Strays;
use super::waits::Waits;
use super::workers::{self, Fact};
use super::{Intake, Keys, Order, Pool, build};
use crate::alert::{Alert, Standing};
use crate::config::Config;
use crate::deliver::Delivery;
use crate::source::kafka::{self, Fault, FaultKind};
use crate::source::{CHANNEL_BATCHES_MAX, Event, Partition};
use crate::state;
use crate::time::{Clock, Moment, SECOND_MS};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How long the judging thread waits for a fact before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// How often it is looked at who of a backlog waits for the others.
const PACE_EVERY_MS: i64 = SECOND_MS / 20;
/// Between two looks at the clock the judging thread takes milliseconds. Beyond this it was
/// stopped, or a disk held it up, and what the partitions had to say waited meanwhile.
const AWAY_MS: i64 = SECOND_MS;
/// Beyond this another process may have taken over meanwhile: one that stands by on another machine
/// takes a third of a second from its start to its first alert.
const ROLL_CALL_AFTER_MS: i64 = SECOND_MS / 4;
/// How long a process that was away waits to hear that it still belongs to its group.
const ROLL_CALL_MS: u64 = 5_000;
/// How often offsets are committed at most.
const COMMIT_EVERY_MS: i64 = SECOND_MS;
/// How long the last commit may take when the daemon ends.
const LAST_COMMIT_MS: u64 = 2_000;
/// How long the last snapshot may take when the daemon ends.
const LAST_SNAPSHOT: Duration = Duration::from_secs(20);
/// Faults that wait to be told; more of the same tell nothing.
const FAULTS_MAX: usize = 64;

/// Why the daemon ends before it is asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Routes or keys do not fit together, or a list of subjects is not one.
    #[error("{0}")]
    Setup(String),
    /// The consumer cannot be started.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// A thread cannot be started, or the journal not be opened.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// Kafka said no for good.
    #[error("{0}")]
    Fatal(String),
    /// Another process has our place.
    #[error("another process joined under the same instance_id: this one judges nothing any more")]
    TakenOver,
}

impl Error {
    fn of(fault: Fault) -> Self {
        if fault.kind == FaultKind::Fenced { Self::TakenOver } else { Self::Fatal(fault.words) }
    }
}

/// Whoever watches the daemon.
pub trait Watcher {
    /// An alert changed; it stands in the outbox.
    fn alert(&mut self, alert: &Alert);
    /// An alert that an earlier process left open goes on.
    fn adopted(&mut self, _alert: &Alert) {}
    /// Open alerts came further.
    fn progress(&mut self, _progress: &[crate::engine::Progress]) {}
    /// Kafka is in trouble, in words.
    fn fault(&mut self, fault: &Fault);
    /// Once a second: how what is kept stands, where anything is.
    fn kept(&mut self, _kept: &state::Stats) {}
    /// Once a second: how things stand.
    fn tick(&mut self, _judging: &mut Judging, _kafka: &kafka::Stats, _now: Moment) {}
}

/// What the daemon is made of besides its configuration.
pub struct Parts<'a> {
    /// Where records come from.
    pub source: kafka::Options,
    /// The keys of hashes and identities.
    pub keys: &'a Keys,
    /// Where alerts go.
    pub delivery: &'a Delivery,
    /// The alerts that an earlier process left open.
    pub standing: Vec<Standing>,
    /// What an earlier process has kept, and where it is kept from now on; `None` for nowhere.
    pub recovered: Option<Recovered>,
    /// Where some of what is on no route is kept for a look.
    pub strays: Arc<Strays>,
    /// The clock.
    pub clock: Clock,
    /// Set when it is time to end.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Runs until it is told to stop, or Kafka says no for good.
///
/// # Errors
/// When it cannot start, or Kafka says no for good.
pub fn run(config: &Config, parts: Parts<'_>, watcher: &mut impl Watcher) -> Result<(), Error> {
    let Parts { mut source, keys, delivery, standing, recovered, strays, clock, stop } = parts;
    let threads = threads(config);
    let (judging, keeper) = match recovered {
        Some(Recovered { mut judging, resume, keeper, snapshot, .. }) => {
            source.resume = resume;
            let mut keeper = Keeper::start(keeper)?;
            if snapshot.is_none() {
                keeper.first(&mut judging, clock.now(), LAST_SNAPSHOT);
            }
            (judging, Some(keeper))
        }
        None => {
            let engine = build::engine(config, keys).map_err(Error::Setup)?;
            (Judging::new(engine, config.detect.slice_ms, Pool::new(threads)), None)
        }
    };
    let decoder = Arc::new(build::decoder(config));
    let attributor = Arc::new(build::attributor(config, keys).map_err(Error::Setup)?);
    let (event_in, event_out) = bounded::<Event>(CHANNEL_BATCHES_MAX);
    let (fact_in, fact_out) = bounded(CHANNEL_BATCHES_MAX);
    let (fault_in, fault_out) = bounded(FAULTS_MAX);
    let intake = || Intake::new(decoder.clone(), attributor.clone()).keeping(strays.clone());
    // One core polls and judges, the others decode.
    let decoders = workers::start(threads.saturating_sub(1).max(1), intake, event_out, &fact_in)?;
    drop(fact_in);
    let consumer = kafka::start(&source, event_in, fault_in, clock)?;
    let mut daemon = Daemon {
        judging,
        keeper,
        standing,
        order: Order::default(),
        consumer,
        delivery,
        clock,
        ticked: clock.now(),
        committed: clock.now(),
        paced: clock.now(),
        looked: clock.now(),
        held_back: BTreeSet::new(),
        waits: Waits::FirstRecord(clock.now()),
        blindness: Blindness::default(),
        judged: Judged::default(),
        safe: true,
    };
    for alert in daemon.judging.engine().open() {
        watcher.adopted(alert);
        delivery.goes_on(alert);
    }
    daemon.adopt(watcher);
    let outcome = daemon.work(&fact_out, &fault_out, &stop, watcher);
    daemon.consumer.stop();
    // The poll thread may be waiting to hand something over.
    while fact_out.recv_timeout(Duration::from_secs(5)).is_ok() {}
    // What was counted since the last look.
    watcher.tick(&mut daemon.judging, &daemon.consumer.stats(), clock.now());
    if !matches!(outcome, Err(Error::TakenOver)) {
        daemon.put_down();
    }
    daemon.consumer.join();
    for decoder in decoders {
        // A panicked worker has said so itself.
        let _ended = decoder.join();
    }
    outcome
}

/// Threads of the engine.
#[must_use]
pub fn threads(config: &Config) -> usize {
    config.threads.unwrap_or_else(cores)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

struct Daemon<'a> {
    judging: Judging,
    keeper: Option<Keeper>,
    /// Alerts that an earlier process left open, until its cuts are made again.
    standing: Vec<Standing>,
    order: Order<Fact>,
    consumer: kafka::Handle,
    delivery: &'a Delivery,
    clock: Clock,
    ticked: Moment,
    committed: Moment,
    paced: Moment,
    /// When it was last listened.
    looked: Moment,
    held_back: BTreeSet<Partition>,
    waits: Waits,
    blindness: Blindness,
    judged: Judged,
    /// What was told stands in the outbox.
    safe: bool,
}

impl Daemon<'_> {
    fn work(
        &mut self,
        facts: &Receiver<(u64, Fact)>,
        faults: &Receiver<Fault>,
        stop: &AtomicBool,
        watcher: &mut impl Watcher,
    ) -> Result<(), Error> {
        while !stop.load(Relaxed) {
            match facts.recv_timeout(TICK) {
                Ok((sequence, fact)) => self.order.put(sequence, fact),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return told_fatal(faults, watcher),
            }
            let now = self.clock.now();
            self.look(now)?;
            while let Some(fact) = self.order.take() {
                self.waits.hear(&fact, now, self.clock.factor());
                self.judging.take(fact, now);
            }
            while self.round(now, watcher) {
                // Of many rounds it may be stopped in any.
                self.look(self.clock.now())?;
            }
            let mut told = faults.try_iter().inspect(|it| {
                watcher.fault(it);
                self.waits.begin(it.kind, now);
            });
            if let Some(fault) = told.find(|it| it.fatal) {
                return Err(Error::of(fault));
            }
            self.tick(now, watcher);
        }
        Ok(())
    }

    /// Leaves everything so that the next process goes on with it.
    fn put_down(&mut self) {
        let standing = self.judging.standing_all();
        let offered = self.delivery.offer_standing(Vec::new(), &standing);
        if let Err(error) = &offered {
            tracing::error!("the outbox cannot be written, nothing is committed any more: {error}");
        }
        let now = self.clock.now();
        if let Some(keeper) = self.keeper.as_mut().filter(|_| offered.is_ok())
            && let Some(words) = keeper.finish(&mut self.judging, now, LAST_SNAPSHOT)
        {
            self.consumer.say(words);
        }
        if let Some(offsets) = self.judged.behind(&offered) {
            self.consumer.commit_now(offsets, LAST_COMMIT_MS);
        }
    }

    /// Looks at the clock. Who was away for long may have been stopped, and replaced meanwhile: then
    /// nothing that was read before is judged any more.
    fn look(&mut self, now: Moment) -> Result<(), Error> {
        let away_ms = now.since(std::mem::replace(&mut self.looked, now));
        let real_ms = away_ms / self.clock.factor();
        if real_ms <= ROLL_CALL_AFTER_MS {
            return Ok(());
        }
        if real_ms > AWAY_MS {
            self.judging.was_away(away_ms);
        }
        match self.consumer.is_fenced(ROLL_CALL_MS) {
            true => Err(Error::TakenOver),
            false => Ok(()),
        }
    }

    /// Goes on with what was open, unless what was kept has it. Not before the cuts of the process
    /// before are made again: that opens alerts under the identities that they had.
    fn adopt(&mut self, watcher: &mut impl Watcher) {
        if self.judging.to_replay() > 0 {
            return;
        }
        for standing in std::mem::take(&mut self.standing) {
            let alert = standing.alert.clone();
            if self.judging.engine().is_open(&alert.id) {
                continue;
            }
            if self.judging.adopt(standing) {
                watcher.adopted(&alert);
                self.delivery.goes_on(&alert);
            } else {
                let (id, route) = (alert.id, alert.route);
                tracing::warn!("alert {id} was open on route {route}, which is gone");
            }
        }
    }

    /// Judges up to the next alerts and sends them; whether there may be more.
    fn round(&mut self, now: Moment, watcher: &mut impl Watcher) -> bool {
        let Round { alerts, resume, progress, rows } = self.judging.judge(now);
        watcher.progress(&progress);
        let found = !alerts.is_empty();
        if let Some(keeper) = &mut self.keeper
            && !rows.is_empty()
        {
            keeper.note(&rows, found);
        }
        self.adopt(watcher);
        if found {
            alerts.iter().for_each(|it| watcher.alert(it));
            let standing = self.judging.standing(&alerts);
            let offered = self.delivery.offer_standing(alerts, &standing);
            self.safe = offered.is_ok();
            if let Err(error) = offered {
                // Nothing is committed until the outbox takes it; the pages are on their way.
                tracing::error!("the outbox cannot be written, offsets are held back: {error}");
                return false;
            }
        }
        self.judged = Judged(resume.into_iter().map(|it| (it.partition, it.resume)).collect());
        found
    }

    fn tick(&mut self, now: Moment, watcher: &mut impl Watcher) {
        // A demo's clock runs fast; commits and readings go by real time.
        let real = |since: Moment| now.since(since) / self.clock.factor();
        let (commit, publish) =
            (real(self.committed) >= COMMIT_EVERY_MS, real(self.ticked) >= SECOND_MS);
        if let Some(keeper) = &mut self.keeper
            && let Some(words) =
                keeper.tick(&mut self.judging, (now, self.clock.factor()), self.safe)
        {
            self.consumer.say(words);
        }
        if real(self.paced) >= PACE_EVERY_MS {
            self.paced = now;
            self.pace(now);
        }
        if commit {
            self.committed = now;
            let offered = self.delivery.offer(Vec::new());
            self.safe = offered.is_ok();
            if let Err(error) = &offered {
                tracing::error!("the outbox cannot be written: {error}");
            }
            if let Some(offsets) = self.judged.behind(&offered) {
                self.consumer.commit(offsets);
            }
        }
        if publish {
            self.ticked = now;
            let kafka = self.consumer.stats();
            // What it says stands in the journal: without one, in a demo, it says nothing.
            if self.keeper.is_some() {
                self.blindness.watch(&mut self.judging, &kafka, &self.delivery.stats(), now);
            }
            watcher.tick(&mut self.judging, &kafka, now);
            self.keeper.iter().for_each(|it| watcher.kept(&it.stats()));
        }
    }

    /// Partitions of a backlog that are far ahead wait for the others.
    fn pace(&mut self, now: Moment) {
        let held_back = self.judging.hold_back(now);
        if held_back != self.held_back {
            self.consumer.hold_back(held_back.clone());
            self.held_back = held_back;
        }
    }
}

/// The consumer ended by itself: its last fault says why.
fn told_fatal(faults: &Receiver<Fault>, watcher: &mut impl Watcher) -> Result<(), Error> {
    let told = faults.try_iter().inspect(|it| watcher.fault(it));
    let unsaid = || Error::Fatal("the consumer ended by itself".to_owned());
    Err(told.last().map_or_else(unsaid, Error::of))
}
