//! The judging thread's state: facts in, alert changes and what may be committed out.
//!
//! It holds timeline and engine and no judgement of its own. What it gives out is in order: the
//! alerts of a cut before the offsets behind it, so that whoever commits after the alerts are safe
//! never loses one.

use super::workers::Fact;
use super::{Counts, Pool};
use crate::alert::{Alert, Standing};
use crate::engine::{Engine, Progress, Section};
use crate::source::{Partition, Place};
use crate::state::Row;
use crate::time::{Moment, SECOND_MS};
use crate::timeline::{self, Bound, Chunk, Note, Noted, Timeline};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};

/// Lags are told up to a week; a backlog behind that is no longer a lag.
const LAG_SECONDS_MAX: u64 = 7 * 24 * 3_600;

/// What came of a round.
#[derive(Debug, Default)]
pub struct Round {
    /// Alert changes.
    pub alerts: Vec<Alert>,
    /// Where open alerts stand.
    pub progress: Vec<Progress>,
    /// The lowest unjudged offset of every partition.
    pub resume: Vec<Bound>,
    /// What the journal has to have before the alerts leave.
    pub rows: Vec<Row>,
}

/// What is kept beside engine and timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What the partitions are called, by their index.
    pub places: BTreeMap<Partition, Place>,
    /// Records that are missing from the log.
    pub gaps: BTreeMap<Partition, u64>,
}

/// Timeline, engine and counters.
#[derive(Debug)]
pub struct Judging {
    timeline: Timeline,
    engine: Engine,
    pool: Pool,
    /// What the partitions are called, by their index.
    places: BTreeMap<Partition, Place>,
    /// Those that were named since the last round.
    named: Vec<Row>,
    counts: Counts,
    /// What was counted since it was last taken.
    fresh: Counts,
    gaps: BTreeMap<Partition, u64>,
    /// The end of the last slice that was judged.
    judged_to: Option<Moment>,
    /// Seconds between event time and our clock, by lookup.
    lag: Option<Histogram<u64>>,
}

impl Judging {
    /// Nothing judged yet.
    #[must_use]
    pub fn new(engine: Engine, slice_ms: i64, pool: Pool) -> Self {
        Self::of(engine, Timeline::new(timeline::Options { slice_ms }), pool)
    }

    fn of(engine: Engine, timeline: Timeline, pool: Pool) -> Self {
        Self {
            timeline,
            engine,
            pool,
            places: BTreeMap::new(),
            named: Vec::new(),
            counts: Counts::default(),
            fresh: Counts::default(),
            gaps: BTreeMap::new(),
            judged_to: None,
            lag: Histogram::new_with_bounds(1, LAG_SECONDS_MAX, 2).ok(),
        }
    }

    /// Goes on with a state that was kept: an engine, where it stands, and the cuts that followed.
    #[must_use]
    pub fn restore(engine: Engine, timeline: Timeline, pool: Pool, kept: Kept) -> Self {
        let mut judging = Self::of(engine, timeline, pool);
        for (partition, place) in &kept.places {
            judging.engine.name(*partition, place.clone());
        }
        (judging.places, judging.gaps) = (kept.places, kept.gaps);
        judging
    }

    /// Whether any partition was ever ours.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.places.is_empty()
    }

    /// Where everything stands that is not in the engine.
    #[must_use]
    pub fn kept(&self) -> (Kept, timeline::State) {
        let kept = Kept { places: self.places.clone(), gaps: self.gaps.clone() };
        (kept, self.timeline.state())
    }

    /// Takes a fact.
    pub fn take(&mut self, fact: Fact, reading: Moment) {
        match fact {
            Fact::Assigned(partition, place, next) => {
                if self.places.insert(partition, place.clone()).is_none() {
                    self.named.push(Row::Place(partition, place.clone(), next));
                }
                self.engine.name(partition, place);
                self.timeline.assigned(partition, next, reading);
            }
            Fact::Chunk(chunk, counts) => {
                self.counts.add(&counts);
                self.fresh.add(&counts);
                self.measure(&chunk, reading);
                self.timeline.feed(&chunk, reading);
            }
            Fact::End(partition, next) => self.timeline.end(partition, next, reading),
            Fact::Revoked(partition) => self.timeline.revoked(partition, reading),
            Fact::Gap(partition, first, missing) => {
                *self.gaps.entry(partition).or_default() += missing.unwrap_or(1);
                if missing.is_none() {
                    self.timeline.lost(partition);
                }
                if let Some(place) = self.places.get(&partition).cloned() {
                    self.note(Note { at: reading, what: Noted::Gap { place, first, missing } });
                }
            }
        }
    }

    /// Something is to be told that no look-up says.
    pub fn note(&mut self, note: Note) {
        self.timeline.note(note);
    }

    /// What is to be told and was not yet.
    pub fn untold(&self) -> impl Iterator<Item = Note> + '_ {
        self.timeline.untold().cloned()
    }

    fn measure(&mut self, chunk: &Chunk, reading: Moment) {
        let Some(lag) = &mut self.lag else { return };
        // Every sixteenth is enough for quantiles and costs a sixteenth.
        for (_, lookup) in chunk.lookups.iter().step_by(16) {
            let seconds = reading.since(lookup.event).max(0) / SECOND_MS;
            lag.saturating_record(u64::try_from(seconds).unwrap_or(0).max(1));
        }
    }

    /// Judges what can be judged by now.
    pub fn judge(&mut self, reading: Moment) -> Round {
        let mut round = Round { rows: std::mem::take(&mut self.named), ..Round::default() };
        loop {
            for (note, again) in self.timeline.take_notes() {
                round.alerts.extend(self.engine.note(&note));
                round.rows.extend((!again).then_some(Row::Note(note)));
            }
            let Some(cut) = self.timeline.cut(reading) else { break };
            let read = self.timeline.take_readings();
            round.rows.extend(read.into_iter().map(Row::Reading));
            if !cut.again {
                round.rows.push(Row::Cut(cut.row()));
            }
            self.judged_to = Some(cut.at);
            let outputs = self.engine.step(&cut, &self.pool);
            round.alerts.extend(outputs.alerts);
            if !outputs.progress.is_empty() {
                round.progress = outputs.progress;
            }
            if !round.alerts.is_empty() {
                // What was found leaves before more is judged.
                break;
            }
        }
        round.resume = self.timeline.resume();
        round
    }

    /// Cuts of the process before that are not made again yet.
    #[must_use]
    pub fn to_replay(&self) -> usize {
        self.timeline.to_replay()
    }

    /// Begins a snapshot of this moment; see [`Engine::freeze`].
    ///
    /// # Errors
    /// None are expected.
    pub fn freeze(&mut self) -> std::io::Result<Vec<Section>> {
        self.engine.freeze()
    }

    /// More of the snapshot; see [`Engine::take_frozen`].
    pub fn take_frozen(&mut self, bytes: usize) -> Vec<Section> {
        self.engine.take_frozen(bytes)
    }

    /// Gives a snapshot up.
    pub fn give_up_frozen(&mut self) {
        self.engine.give_up_frozen();
    }

    /// Nobody listened for so long.
    pub fn was_away(&mut self, ms: i64) {
        self.timeline.was_away(ms);
    }

    /// The partitions of a backlog that wait for the others from now on.
    pub fn hold_back(&mut self, reading: Moment) -> BTreeSet<Partition> {
        self.timeline.hold_back(reading)
    }

    /// How alerts that have just changed stand, one row an alert.
    #[must_use]
    pub fn standing(&self, changes: &[Alert]) -> Vec<Standing> {
        let mut seen = BTreeSet::new();
        let last = changes.iter().rev().filter(|it| seen.insert(&it.id));
        last.map(|it| self.engine.standing(it)).collect()
    }

    /// Every open alert as it stands now, for the next process.
    pub fn standing_all(&mut self) -> Vec<Standing> {
        self.engine.standing_all()
    }

    /// Goes on with an alert that an earlier process left open; whether its route is still
    /// configured.
    pub fn adopt(&mut self, standing: Standing) -> bool {
        self.engine.adopt(standing)
    }

    /// Records and lookups so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Records and lookups since they were last taken.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.fresh)
    }

    /// The end of the last slice that this process has judged, in record time.
    #[must_use]
    pub const fn judged_to(&self) -> Option<Moment> {
        self.judged_to
    }

    /// Records that are missing from the log, in all.
    #[must_use]
    pub fn gap_records(&self) -> u64 {
        self.gaps.values().sum()
    }

    /// The engine's counters and gauges.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The timeline's counters.
    #[must_use]
    pub fn timeline(&self) -> timeline::Stats {
        self.timeline.stats()
    }

    /// Event-time lags in seconds since they were last taken.
    pub fn take_lag(&mut self) -> Option<Histogram<u64>> {
        let fresh = Histogram::new_with_bounds(1, LAG_SECONDS_MAX, 2).ok();
        std::mem::replace(&mut self.lag, fresh)
    }
}
