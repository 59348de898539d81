//! The engine over files or a topic. Over files cuts follow from record times alone, so that two
//! backtests always agree; over a topic they are those of a journal that a daemon has kept, so that a
//! backtest agrees with the daemon.

use super::distinct::Distinct;
use super::{Counts, Intake, Keys, Pool, build};
use crate::alert::Alert;
use crate::config::Config;
use crate::engine::Engine;
use crate::source::files::{self, Files};
use crate::source::kafka;
use crate::source::{CHANNEL_BATCHES_MAX, Event, Partition};
use crate::time::{Clock, Moment};
use crate::timeline::{self, Chunk, Cut, CutRow, Timeline, Told};
use crossbeam_channel::{RecvTimeoutError, bounded};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Why a backtest cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read.
    #[error(transparent)]
    Input(#[from] files::Error),
    /// Kafka cannot be read.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Routes or keys do not fit together, or a list of subjects is not one.
    #[error("{0}")]
    Setup(String),
}

/// What a backtest saw in all.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Records and lookups.
    pub counts: Counts,
    /// Different clients: finest keys (the most trusted of a request) that made look-ups. Exact up
    /// to a million, within 0.24 % beyond. Not profiles: of these an
    /// address has one beside its clients, and each has one a route.
    pub clients: u64,
    /// Different alerts.
    pub alerts: u64,
}

/// Whoever watches a backtest.
pub trait Watcher {
    /// An alert changed.
    fn alert(&mut self, alert: Alert);
    /// So far: bytes read, bytes in all where known, records.
    fn progress(&mut self, _read: u64, _total: Option<u64>, _records: u64) {}
    /// A cut is about to be judged; for `explain`.
    fn cut(&mut self, _cut: &Cut, _engine: &Engine) {}
}

/// Runs the engine over files; the engine as it stands at the end, with open alerts open.
///
/// # Errors
/// When the input cannot be read, or routes and keys do not fit together.
pub fn run(
    config: &Config,
    keys: &Keys,
    paths: &[PathBuf],
    watcher: &mut impl Watcher,
) -> Result<(Engine, Totals), Error> {
    let mut files = Files::open(paths)?;
    let attributor = build::attributor(config, keys).map_err(Error::Setup)?;
    let mut intake = Intake::new(Arc::new(build::decoder(config)), Arc::new(attributor));
    let mut engine = build::engine(config, keys).map_err(Error::Setup)?;
    let mut timeline = Timeline::new(timeline::Options { slice_ms: config.detect.slice_ms });
    for (partition, place) in files.places() {
        engine.name(partition, place.clone());
        timeline.opened(partition);
    }
    let pool = Pool::new(config.threads.unwrap_or(1));
    let mut judged = Judged::new(engine, pool);
    // No clock: files are at their end only when they are read to it.
    let never = Moment(0);
    while let Some(partition) = timeline.furthest_behind() {
        match read(&mut files, partition)? {
            None => timeline.end(partition, 0, never),
            Some(batch) => {
                timeline.feed(&judged.count(intake.take(&batch)), never);
            }
        }
        judged.judge(&mut timeline, watcher);
        let (read, total) = files.progress();
        watcher.progress(read, total, judged.totals.counts.received);
    }
    Ok(judged.end())
}

/// What of a journal cannot be judged again.
const NOT_FROM_THE_BEGINNING: &str = "the journals do not reach back to the first cut: they do where \
    [state] keep_journal was on from the first start on, or since --discard-state";

/// A range of Kafka's log, and the cuts that were made in it.
#[derive(Debug)]
pub struct Range {
    /// Where to read. Nothing is committed.
    pub source: kafka::Options,
    /// What the journals of a daemon say.
    pub told: Told,
}

/// Runs the engine over what a daemon has judged, with the cuts that it made.
///
/// # Errors
/// When Kafka cannot be read, or routes and keys do not fit together.
pub fn run_again(
    config: &Config,
    keys: &Keys,
    range: Range,
    watcher: &mut impl Watcher,
) -> Result<(Engine, Totals), Error> {
    let Range { mut source, told } = range;
    let attributor = build::attributor(config, keys).map_err(Error::Setup)?;
    let mut intake = Intake::new(Arc::new(build::decoder(config)), Arc::new(attributor));
    let engine = build::engine(config, keys).map_err(Error::Setup)?;
    let is_named = |it: &CutRow| it.bounds.iter().all(|it| told.places.contains_key(&it.0));
    if told.cuts.is_empty() || !told.cuts.iter().all(is_named) {
        return Err(Error::Setup(NOT_FROM_THE_BEGINNING.to_owned()));
    }
    let stood = |next| Some(kafka::Stood { next, time: None });
    let places = told.places.values().map(|(place, next)| (place.clone(), stood(*next)));
    source.resume = kafka::Resume { name: String::new(), places: places.collect() };
    let options = timeline::Options { slice_ms: config.detect.slice_ms };
    let mut timeline = Timeline::restore(options, &timeline::State::default(), told);
    let pool = Pool::new(config.threads.unwrap_or(1));
    let mut judged = Judged::new(engine, pool);
    let (event_in, events) = bounded(CHANNEL_BATCHES_MAX);
    let (fault_in, faults) = bounded(CHANNEL_BATCHES_MAX);
    let clock = Clock::system();
    let consumer = kafka::start(&source, event_in, fault_in, clock)?;
    while timeline.to_replay() > 0 {
        let now = clock.now();
        if let Some(fault) = faults.try_iter().find(|it| it.fatal) {
            return Err(Error::Kafka(kafka::Error::Configuration(fault.words)));
        }
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(Event::Assigned { partition, place, next }) => {
                judged.engine.name(partition, place);
                timeline.assigned(partition, next, now);
            }
            Ok(Event::Batch(batch)) => {
                timeline.feed(&judged.count(intake.take(&batch)), now);
            }
            Ok(Event::End { partition, next }) => timeline.end(partition, next, now),
            Ok(Event::Revoked { partition }) => timeline.revoked(partition, now),
            Ok(Event::Gap { partition, .. }) => timeline.lost(partition),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        judged.judge_again(&mut timeline, now, watcher);
        watcher.progress(0, None, judged.totals.counts.received);
    }
    consumer.stop();
    while events.recv().is_ok() {}
    consumer.join();
    Ok(judged.end())
}

fn read(files: &mut Files, of: Partition) -> Result<Option<crate::source::Batch>, files::Error> {
    files.next_batch(of)
}

struct Judged {
    engine: Engine,
    pool: Pool,
    totals: Totals,
    clients: Distinct,
    ids: Vec<String>,
}

impl Judged {
    fn new(engine: Engine, pool: Pool) -> Self {
        let (totals, clients) = (Totals::default(), Distinct::default());
        Self { engine, pool, totals, clients, ids: Vec::new() }
    }

    /// Counts what was read, and hands it on.
    fn count(&mut self, (chunk, counts): (Chunk, Counts)) -> Chunk {
        self.totals.counts.add(&counts);
        let finest = chunk.lookups.iter().map(|(_, it)| it.finest().map_or(0, |it| it.1));
        finest.for_each(|it| self.clients.insert(it));
        chunk
    }

    fn end(mut self) -> (Engine, Totals) {
        self.totals.clients = self.clients.count();
        self.ids.sort_unstable();
        self.ids.dedup();
        self.totals.alerts = self.ids.len() as u64;
        (self.engine, self.totals)
    }

    fn judge(&mut self, timeline: &mut Timeline, watcher: &mut impl Watcher) {
        while let Some(cut) = timeline.cut(Moment(0)) {
            self.step(&cut, watcher);
        }
    }

    /// The same for cuts of a journal, and no others. By the clock's reading `now` a partition that
    /// is no longer there is waited for, and nothing else.
    fn judge_again(&mut self, timeline: &mut Timeline, now: Moment, watcher: &mut impl Watcher) {
        loop {
            for (note, _) in timeline.take_notes() {
                let alert = self.engine.note(&note);
                alert.into_iter().for_each(|it| self.tell(it, watcher));
            }
            match (timeline.to_replay() > 0).then(|| timeline.cut(now)).flatten() {
                Some(cut) => self.step(&cut, watcher),
                None => return,
            }
        }
    }

    fn step(&mut self, cut: &Cut, watcher: &mut impl Watcher) {
        watcher.cut(cut, &self.engine);
        for alert in self.engine.step(cut, &self.pool).alerts {
            self.tell(alert, watcher);
        }
    }

    fn tell(&mut self, alert: Alert, watcher: &mut impl Watcher) {
        self.ids.push(alert.id.clone());
        watcher.alert(alert);
    }
}
