//! A timeline that goes on where another stood.

use super::clock::Kind;
use super::cuts::{Pending, placed};
use super::lane::Lane;
use super::note::Notes;
use super::placed::in_order;
use super::replay::{HeldBack, Replay};
use super::{Bound, Cut, CutRow, LaneState, Note, Options, Reading, State, Timeline, Told};
use crate::attribute::NameRef;
use crate::source::Partition;
use crate::time::Moment;

impl Timeline {
    /// A timeline that goes on where another stood, and makes the cuts first that were `told`, as
    /// soon as the records before their bounds are there.
    #[must_use]
    pub fn restore(options: Options, state: &State, told: Told) -> Self {
        let mut timeline = Self::new(options);
        timeline.closed = state.closed;
        for lane in &state.lanes {
            timeline.join(lane.partition, Kind::Record, lane.resume, Moment(0));
            if let Some(own) = timeline.lanes.get_mut(&lane.partition) {
                own.clock.set(lane.clock);
                own.active = false;
            }
        }
        timeline.replay = Replay::new(told.cuts, &told.readings);
        timeline.notes = Notes::again(told.notes);
        timeline
    }

    /// How far everything is judged, for a later [`restore`](Self::restore).
    #[must_use]
    pub fn state(&self) -> State {
        let lane = |(partition, it): (&Partition, &Lane)| {
            let (resume, clock) = self.resume_of(*partition, it);
            LaneState { partition: *partition, resume, clock }
        };
        State { closed: self.closed, lanes: self.lanes.iter().map(lane).collect() }
    }

    /// Record times that were taken from our clock since they were last taken, for the journal.
    pub fn take_readings(&mut self) -> Vec<Reading> {
        std::mem::take(&mut self.readings)
    }

    /// Something is to be told that no look-up says.
    pub fn note(&mut self, note: Note) {
        self.notes.add(note);
    }

    /// What is to be told and was not taken yet.
    pub fn untold(&self) -> impl Iterator<Item = &Note> {
        self.notes.fresh()
    }

    /// What is to be told before the next cut, that of the process before first; whether it is that.
    pub fn take_notes(&mut self) -> Vec<(Note, bool)> {
        let made = self.replay.made();
        let again = std::iter::from_fn(|| self.notes.next_again(made)).map(|it| (it, true));
        let mut taken: Vec<(Note, bool)> = again.collect();
        if self.replay.cuts() == 0 {
            taken.extend(self.notes.take_fresh().into_iter().map(|it| (it, false)));
        }
        taken
    }

    /// Cuts of the process before that are not made again yet.
    #[must_use]
    pub fn to_replay(&self) -> usize {
        self.replay.cuts()
    }

    /// Some records of a partition cannot be read any more, so that cuts wait in vain for them.
    pub fn lost(&mut self, partition: Partition) {
        self.replay.lost(partition);
    }

    /// The next cut of the process before, once all that was judged in it is there again.
    pub(super) fn cut_again(&mut self, reading: Moment) -> Option<Cut> {
        let lanes = &self.lanes;
        let has = |partition: Partition, bound: i64| match lanes.get(&partition) {
            Some(lane) if lane.active || lane.next >= bound => Some(lane.next >= bound),
            // Nobody has given it to us yet, and perhaps nobody will. What is read of it is there,
            // also where the topic is not read any more.
            _ => None,
        };
        let CutRow { slice, bounds } = self.replay.next(has, reading)?;
        let mut pending = Pending::default();
        for (partition, bound) in &bounds {
            for HeldBack { spot, lookup, names } in self.replay.take_below(*partition, *bound) {
                let at = u32::try_from(pending.names.len()).unwrap_or(u32::MAX);
                pending.names.extend(names);
                pending.lookups.push(placed(&spot, &lookup, NameRef(at)));
            }
        }
        let at = Moment((slice + 1).saturating_mul(self.options.slice_ms));
        let lookups = in_order(&pending.lookups);
        self.closed = Some(slice);
        self.stats.cuts += 1;
        if self.replay.cuts() == 0 {
            for HeldBack { spot, lookup, names } in self.replay.take_all() {
                let names_first = lookup.names.0 as usize;
                self.place([(&spot, &lookup)].into_iter(), (&names, names_first), reading);
            }
        }
        let bound = |(partition, resume)| Bound { partition, resume };
        let bounds = bounds.into_iter().map(bound).collect();
        Some(Cut { slice, at, lookups, names: pending.names, bounds, by_clock: true, again: true })
    }

    /// The lowest unjudged offset of a partition, and its clock before that.
    pub(super) fn resume_of(&self, partition: Partition, lane: &Lane) -> (i64, Option<Moment>) {
        let open = || lane.open.front().map(|it| (it.offset, it.before));
        let first = self.replay.first_of(partition).or_else(open);
        first.unwrap_or_else(|| (lane.first_parked(), lane.clock.now()))
    }
}
