//! Keeps what must not be forgotten: the journal before alerts leave, a snapshot once a minute.
//!
//! A snapshot is begun between two cuts and written by a thread of its own while judging goes on;
//! the judging thread hands it profiles a few megabytes at a time. Whatever the disk does to it,
//! pages leave: a snapshot that fails is told, counted, and tried again.

use super::judging::{Judging, Kept};
use crate::engine::Section;
use crate::source::Partition;
use crate::state::{Directory, Journal, Layout, Meta, Row, Stats, Written};
use crate::time::{HOUR_MS, Moment, Stopwatch};
use crossbeam_channel::{Sender, TrySendError, bounded};
use std::collections::VecDeque;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of profiles that are copied at a time: two milliseconds.
const COPIED_AT_ONCE: usize = 4 << 20;
/// Sections on their way to the writer at most.
const SECTIONS_MAX: usize = 256;
/// Where nothing was looked up there is nothing new to be kept, but for how far the log was read.
const IDLE_MS: i64 = HOUR_MS;

/// What a keeper is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where things are kept.
    pub directory: Directory,
    /// What the numbers in the state mean.
    pub layout: Layout,
    /// The state that this is.
    pub lineage: u64,
    /// The last number of a snapshot or journal that is there.
    pub number: u64,
    /// Milliseconds between two snapshots.
    pub every_ms: i64,
}

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    options: Options,
    journal: Journal,
    begun: Option<Moment>,
    /// Lookups judged when the last one was begun.
    lookups: u64,
    writing: Option<Writing>,
    stats: Stats,
}

/// A snapshot on its way.
#[derive(Debug)]
struct Writing {
    sections: Option<Sender<Option<Section>>>,
    /// `None` behind the last one: a snapshot that ends without it is not whole.
    waiting: VecDeque<Option<Section>>,
    writer: JoinHandle<io::Result<Written>>,
    begun: Moment,
}

impl Keeper {
    /// A keeper whose journal goes on where the last one ends.
    ///
    /// # Errors
    /// Where the journal cannot be opened.
    pub fn start(options: Options) -> io::Result<Self> {
        let journal = options.directory.open_journal(options.number)?;
        let stats = Stats::default();
        Ok(Self { options, journal, begun: None, lookups: 0, writing: None, stats })
    }

    /// The state's name in commits.
    #[must_use]
    pub fn name(lineage: u64) -> String {
        format!("darban:{lineage:016x}")
    }

    /// Notes what was judged together. `durable`: alerts are about to leave on its account.
    pub fn note(&mut self, rows: &[Row], durable: bool) {
        let mut noted = rows.iter().try_for_each(|it| self.journal.push(it));
        noted = noted.and_then(|()| match durable {
            true => self.journal.sync(),
            false => self.journal.write(),
        });
        if let Err(error) = noted {
            self.stats.journal_failures += 1;
            tracing::error!(
                "the journal of cuts cannot be written, alerts leave all the same: {error}"
            );
        }
    }

    /// Goes on with a snapshot, or begins one when it is due and what was told is `safe`: a state in
    /// which an alert was told that stands nowhere must not outlive the process. `factor` of our
    /// clock's milliseconds pass in a real one. What every commit is to say from now on, where that
    /// has changed.
    pub fn tick(
        &mut self,
        judging: &mut Judging,
        (now, factor): (Moment, i64),
        safe: bool,
    ) -> Option<String> {
        if self.writing.is_none() && safe && self.is_due(judging, now, factor) {
            self.begin(judging, now);
        }
        self.pump(judging);
        if self.writing.as_ref().is_some_and(|it| it.writer.is_finished()) {
            return self.settle(judging);
        }
        None
    }

    /// Whether everything that a state must have is in it by now.
    fn may_begin(judging: &Judging) -> bool {
        let is_all_told = judging.untold().next().is_none();
        judging.has_begun() && judging.to_replay() == 0 && is_all_told
    }

    fn is_due(&self, judging: &Judging, now: Moment, factor: i64) -> bool {
        if !Self::may_begin(judging) {
            return false;
        }
        let Some(begun) = self.begun else { return true };
        let real_ms = now.since(begun) / factor;
        let idle = || judging.engine().stats().lookups == self.lookups;
        real_ms >= IDLE_MS || real_ms >= self.options.every_ms && !idle()
    }

    fn begin(&mut self, judging: &mut Judging, now: Moment) {
        let began = Stopwatch::start();
        (self.begun, self.lookups) = (Some(now), judging.engine().stats().lookups);
        let number = self.options.number + 1;
        // What a snapshot that fails would have had is told by the old one alone.
        let synced = self.journal.sync();
        let opened = synced.and_then(|()| self.options.directory.open_journal(number));
        let sections = opened.and_then(|journal| Ok((journal, judging.freeze()?)));
        let (journal, sections) = match sections {
            Ok(it) => it,
            Err(error) => return self.failed(judging, &error),
        };
        // What follows is told by the new journal, whatever becomes of the snapshot.
        (self.journal, self.options.number) = (journal, number);
        let meta = self.meta(judging, number, now);
        let (to, from) = bounded(SECTIONS_MAX);
        let directory = self.options.directory.clone();
        let work = move || directory.write(&meta, from);
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(work) {
            Ok(writer) => {
                let waiting = sections.into_iter().map(Some).collect();
                self.writing = Some(Writing { sections: Some(to), waiting, writer, begun: now });
            }
            Err(error) => self.failed(judging, &error),
        }
        self.paused(began);
    }

    fn meta(&self, judging: &Judging, number: u64, now: Moment) -> Meta {
        let (Kept { places, gaps }, timeline) = judging.kept();
        Meta {
            number,
            lineage: self.options.lineage,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: now,
            layout: self.options.layout.clone(),
            places: places.into_values().collect(),
            timeline,
            gaps: gaps.into_iter().map(|(Partition(at), it)| (at, it)).collect(),
        }
    }

    /// Hands the writer what it can take.
    fn pump(&mut self, judging: &mut Judging) {
        let began = Stopwatch::start();
        let Some(writing) = &mut self.writing else { return };
        let Some(to) = &writing.sections else { return };
        if writing.waiting.is_empty() {
            let more = judging.take_frozen(COPIED_AT_ONCE);
            let is_all = more.is_empty();
            writing.waiting.extend(more.into_iter().map(Some).chain(is_all.then_some(None)));
        }
        while let Some(section) = writing.waiting.pop_front() {
            let is_last = section.is_none();
            match to.try_send(section) {
                Ok(()) if !is_last => {}
                Err(TrySendError::Full(section)) => {
                    writing.waiting.push_front(section);
                    break;
                }
                // That was all, or the writer has given up and says why.
                Ok(()) | Err(TrySendError::Disconnected(_)) => {
                    writing.sections = None;
                    break;
                }
            }
        }
        self.paused(began);
    }

    fn paused(&mut self, began: Stopwatch) {
        let pause_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stats.pause_us = self.stats.pause_us.max(pause_us);
    }

    fn settle(&mut self, judging: &mut Judging) -> Option<String> {
        let Writing { writer, begun, .. } = self.writing.take()?;
        match writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer panicked"))) {
            Ok(written) => {
                self.stats.written += 1;
                (self.stats.bytes, self.stats.made_at) = (written.bytes, Some(begun));
                let name = Self::name(self.options.lineage);
                Some(format!("{name}:{}:{:016x}", written.number, written.tag))
            }
            Err(error) => {
                self.failed(judging, &error);
                None
            }
        }
    }

    fn failed(&mut self, judging: &mut Judging, error: &io::Error) {
        judging.give_up_frozen();
        self.stats.failed += 1;
        tracing::error!(
            "the state cannot be kept, a kill now costs what was learned since: {error}"
        );
    }

    /// Writes a last snapshot, for at most so long; what the last commit is to say.
    pub fn finish(&mut self, judging: &mut Judging, now: Moment, wait: Duration) -> Option<String> {
        let waited = (Stopwatch::start(), wait);
        let mut words = self.work_on(judging, waited);
        if Self::may_begin(judging) && self.writing.is_none() {
            self.begin(judging, now);
            words = self.work_on(judging, waited).or(words);
        }
        words
    }

    /// Writes the first snapshot of a state, before anything is judged: whatever ends the process
    /// after that, the next one has a snapshot and all cuts since. Commits speak of the second one.
    pub fn first(&mut self, judging: &mut Judging, now: Moment, wait: Duration) {
        self.begin(judging, now);
        // What is still to be told of the state before has no other place from now on.
        let rows: Vec<Row> = judging.untold().map(Row::Note).collect();
        self.note(&rows, !rows.is_empty());
        let _words = self.work_on(judging, (Stopwatch::start(), wait));
    }

    fn work_on(
        &mut self,
        judging: &mut Judging,
        (since, wait): (Stopwatch, Duration),
    ) -> Option<String> {
        while self.writing.is_some() && since.elapsed() < wait {
            self.pump(judging);
            if self.writing.as_ref().is_some_and(|it| it.writer.is_finished()) {
                return self.settle(judging);
            }
            std::thread::yield_now();
        }
        None
    }

    /// Counters and gauges.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}
