//! The policy that turns facts into cuts.

use super::clock::{AGREEING, Kind, clamp_event};
use super::lane::{Lane, OpenSlice};
use super::note::Notes;
use super::pace::{Runner, held_back};
use super::placed::{Placed, in_order};
use super::replay::{Replay, Spot};
use super::{Bound, Chunk, Cut, Options, Reading, Stats};
use crate::attribute::{Lookup, NameRef};
use crate::source::Partition;
use crate::time::{MINUTE_MS, Moment};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) lookups: Vec<Placed>,
    pub(super) names: Vec<u8>,
    first_read: Moment,
}

/// Facts in, cuts out.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub(super) options: Options,
    pub(super) lanes: BTreeMap<Partition, Lane>,
    pending: BTreeMap<i64, Pending>,
    pub(super) closed: Option<i64>,
    pub(super) stats: Stats,
    /// The cuts of the process before, to be made again.
    pub(super) replay: Replay,
    /// Record times that were taken from our clock, since they were last taken.
    pub(super) readings: Vec<Reading>,
    pub(super) notes: Notes,
}

impl Timeline {
    /// A timeline without partitions.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            lanes: BTreeMap::new(),
            pending: BTreeMap::new(),
            closed: None,
            stats: Stats::default(),
            replay: Replay::default(),
            readings: Vec::new(),
            notes: Notes::default(),
        }
    }

    /// A Kafka partition is ours from `next` on, by our clock's `reading`.
    pub fn assigned(&mut self, partition: Partition, next: i64, reading: Moment) {
        self.join(partition, Kind::Record, next, reading);
    }

    /// A file is read from its first line on; its clock is the event time of its lines.
    pub fn opened(&mut self, partition: Partition) {
        self.join(partition, Kind::Event, 1, Moment(0));
    }

    pub(super) fn join(&mut self, partition: Partition, kind: Kind, next: i64, heard: Moment) {
        let lane = self.lanes.entry(partition).or_insert_with(|| Lane::new(kind, next, heard));
        lane.active = true;
        lane.caught_up = false;
        lane.held_back = false;
        lane.heard = heard;
        // One that comes back goes on where the source says: another may have read on meanwhile.
        lane.next = next;
    }

    /// Nobody listened for so long (the process was stopped, or a disk held it up): that is no
    /// silence of the partitions.
    pub fn was_away(&mut self, ms: i64) {
        self.lanes.values_mut().for_each(|it| it.heard = it.heard.plus(ms));
    }

    /// A partition is gone; what was read of it is still judged.
    pub fn revoked(&mut self, partition: Partition, reading: Moment) {
        self.drain(partition, reading, 0);
        if let Some(lane) = self.lanes.get_mut(&partition) {
            lane.active = false;
        }
    }

    /// A partition was read to its end (for a file: it is finished).
    pub fn end(&mut self, partition: Partition, next: i64, reading: Moment) {
        self.drain(partition, reading, 0);
        if let Some(lane) = self.lanes.get_mut(&partition) {
            lane.caught_up = true;
            lane.heard = reading;
            lane.next = lane.next.max(next);
        }
    }

    /// Records were read.
    pub fn feed(&mut self, chunk: &Chunk, reading: Moment) {
        self.stats.records += chunk.stamps.len() as u64;
        let Some(lane) = self.lanes.get_mut(&chunk.partition) else { return };
        lane.caught_up = false;
        lane.heard = reading;
        if lane.clock.kind() == Kind::Event {
            lane.park(chunk);
            self.drain(chunk.partition, reading, AGREEING);
            return;
        }
        let nothing = VecDeque::new();
        let (clock, partition) = (&mut lane.clock, chunk.partition);
        let began = clock.now();
        let mut records: Vec<Moment> = Vec::with_capacity(chunk.stamps.len());
        for stamp in &chunk.stamps {
            let known = self.replay.reading(partition, stamp.offset);
            if known.is_none() && clock.reads(stamp, reading) {
                self.readings.push(Reading { partition, offset: stamp.offset, at: reading });
            }
            records.push(clock.advance(stamp, &nothing, known.unwrap_or(reading)));
        }
        lane.next = chunk.stamps.last().map_or(lane.next, |it| it.offset.saturating_add(1));
        let spot = |row: u32| {
            let (stamp, record) = (chunk.stamps.get(row as usize)?, records.get(row as usize)?);
            let before = (row as usize).checked_sub(1).and_then(|it| records.get(it).copied());
            let before = before.or(began);
            Some(Spot { partition: chunk.partition, offset: stamp.offset, record: *record, before })
        };
        let spots = chunk.lookups.iter().map(|(row, _)| spot(*row));
        let spots: Vec<Spot> = spots.map_while(|it| it).collect();
        let slice_ms = self.options.slice_ms;
        let mut first = 0;
        for same in spots.chunk_by(|a, b| a.record.index(slice_ms) == b.record.index(slice_ms)) {
            let names = chunk.names_from(first)..chunk.names_from(first + same.len());
            let lookups = chunk.lookups.iter().skip(first).map(|(_, it)| it);
            first += same.len();
            let names_first = names.start;
            let names = chunk.names.get(names).unwrap_or_default();
            self.place(same.iter().zip(lookups), (names, names_first), reading);
        }
    }

    /// Places the rows of a file that have at least `keep` lines after them.
    fn drain(&mut self, partition: Partition, reading: Moment, keep: usize) {
        loop {
            let Some(lane) = self.lanes.get_mut(&partition) else { return };
            if lane.waiting.len() <= keep {
                return;
            }
            let Some(stamp) = lane.waiting.pop_front() else { return };
            let before = lane.clock.now();
            let record = lane.clock.advance(&stamp, &lane.waiting, reading);
            lane.next = stamp.offset.saturating_add(1);
            while let Some(lane) = self.lanes.get_mut(&partition)
                && lane.parked.front().is_some_and(|it| it.0 == stamp.offset)
                && let Some((offset, lookup, names)) = lane.parked.pop_front()
            {
                let spot = Spot { partition, offset, record, before };
                let names_first = lookup.names.0 as usize;
                self.place([(&spot, &lookup)].into_iter(), (&names, names_first), reading);
            }
        }
    }

    /// Places lookups of one partition and one slice, whose names begin at `names_first`.
    pub(super) fn place<'a>(
        &mut self,
        lookups: impl Iterator<Item = (&'a Spot, &'a Lookup)>,
        (names, names_first): (&[u8], usize),
        reading: Moment,
    ) {
        let mut lookups = lookups.peekable();
        let Some(&(&Spot { partition, offset, record, before }, _)) = lookups.peek() else {
            return;
        };
        if self.replay.cuts() > 0 {
            while let Some((spot, lookup)) = lookups.next() {
                let from = (lookup.names.0 as usize).wrapping_sub(names_first);
                let to = lookups.peek().map(|it| (it.1.names.0 as usize).wrapping_sub(names_first));
                let own = names.get(from..to.unwrap_or(names.len())).unwrap_or_default();
                self.replay.hold(*spot, *lookup, own);
            }
            return;
        }
        let own = record.index(self.options.slice_ms);
        let slice = self.closed.map_or(own, |closed| own.max(closed + 1));
        let pending = self
            .pending
            .entry(slice)
            .or_insert_with(|| Pending { first_read: reading, ..Pending::default() });
        let names_at = pending.names.len().wrapping_sub(names_first);
        pending.names.extend_from_slice(names);
        let already = pending.lookups.len();
        pending.lookups.extend(lookups.map(|(spot, lookup)| {
            let names = (lookup.names.0 as usize).wrapping_add(names_at);
            placed(spot, lookup, NameRef(u32::try_from(names).unwrap_or(u32::MAX)))
        }));
        if slice != own {
            self.stats.late += (pending.lookups.len() - already) as u64;
        }
        if let Some(lane) = self.lanes.get_mut(&partition)
            && lane.open.back().is_none_or(|it| it.slice < slice)
        {
            lane.open.push_back(OpenSlice { slice, offset, before });
        }
    }

    /// The next slice that can be closed by our clock's `reading`, oldest first.
    pub fn cut(&mut self, reading: Moment) -> Option<Cut> {
        if self.replay.cuts() > 0 {
            return self.cut_again(reading);
        }
        let held = self.held(reading)?;
        let Some((&slice, pending)) = self.pending.first_key_value() else {
            return self.idle_cut(held, reading);
        };
        if slice >= held.open_until {
            return None;
        }
        let waits = held.open_until == i64::MAX && !self.all_finished();
        if waits && reading.since(pending.first_read) < self.options.slice_ms {
            return None;
        }
        let without = slice >= held.silent_from;
        self.stats.cut_without += u64::from(without);
        Some(self.close(slice, held.caught_up || without))
    }

    /// What holds slices open; `None` while a partition may still speak for the first time.
    fn held(&self, reading: Moment) -> Option<Held> {
        let mut held = Held { open_until: i64::MAX, silent_from: i64::MAX, caught_up: false };
        for lane in self.lanes.values().filter(|it| it.active) {
            let slice = lane.clock.now().map(|it| it.index(self.options.slice_ms));
            if lane.caught_up {
                held.caught_up = true;
            } else if lane.is_silent(reading) {
                held.silent_from = held.silent_from.min(slice.unwrap_or(i64::MIN));
            } else {
                held.open_until = held.open_until.min(slice?);
            }
        }
        Some(held)
    }

    /// The partitions that wait for the others from now on (`pace.rs`).
    pub fn hold_back(&mut self, reading: Moment) -> BTreeSet<Partition> {
        let slice_ms = self.options.slice_ms;
        let runs = |it: &Lane| it.active && !it.caught_up && !it.is_silent(reading);
        let runner = |(partition, it): (&Partition, &Lane)| Runner {
            partition: *partition,
            slice: it.clock.now().map(|it| it.index(slice_ms)),
            held: it.held_back,
        };
        let runners: Vec<Runner> = self.lanes.iter().filter(|it| runs(it.1)).map(runner).collect();
        let pending = self.pending.values().map(|it| it.lookups.len()).sum::<usize>();
        let pending = pending + self.replay.held();
        let held = held_back(&runners, pending);
        for (partition, lane) in &mut self.lanes {
            let now = held.contains(partition);
            self.stats.held_back += u64::from(now && !lane.held_back);
            if lane.held_back && !now {
                lane.heard = reading;
            }
            lane.held_back = now;
        }
        held
    }

    /// With nothing to judge and every partition at its end or silent, an empty cut a minute, so
    /// that alerts resolve while nobody asks anything. It stays a minute behind our clock: a
    /// gateway that is a little late is not late here.
    fn idle_cut(&mut self, held: Held, reading: Moment) -> Option<Cut> {
        let slice = reading.plus(-MINUTE_MS).index(self.options.slice_ms);
        let step = (MINUTE_MS / self.options.slice_ms).max(1);
        let closed = self.closed?;
        let idle = held.caught_up && held.open_until == i64::MAX && !self.all_finished();
        if !idle || slice < closed.saturating_add(step) {
            return None;
        }
        self.stats.cut_without += u64::from(slice >= held.silent_from);
        Some(self.close(slice, true))
    }

    /// Files never get another line after their end, so nothing is waited for.
    fn all_finished(&self) -> bool {
        let files = |it: &Lane| it.clock.kind() == Kind::Event;
        self.lanes.values().filter(|it| it.active).all(files)
    }

    fn close(&mut self, slice: i64, by_clock: bool) -> Cut {
        let pending = self.pending.remove(&slice).unwrap_or_default();
        let lookups = in_order(&pending.lookups);
        self.closed = Some(slice);
        self.stats.cuts += 1;
        let at = Moment((slice + 1).saturating_mul(self.options.slice_ms));
        let bounds = self.bounds(slice);
        Cut { slice, at, lookups, names: pending.names, bounds, by_clock, again: false }
    }

    /// The lowest unjudged offset of every partition once `slice` is judged.
    fn bounds(&mut self, slice: i64) -> Vec<Bound> {
        let mut bounds = Vec::with_capacity(self.lanes.len());
        for (&partition, lane) in &mut self.lanes {
            while lane.open.front().is_some_and(|it| it.slice <= slice) {
                lane.open.pop_front();
            }
            let resume = lane.open.front().map_or_else(|| lane.first_parked(), |it| it.offset);
            bounds.push(Bound { partition, resume });
        }
        bounds
    }

    /// The lowest unjudged offset of every partition.
    #[must_use]
    pub fn resume(&self) -> Vec<Bound> {
        let bound = |(partition, lane): (&Partition, &Lane)| Bound {
            partition: *partition,
            resume: self.resume_of(*partition, lane).0,
        };
        self.lanes.iter().map(bound).collect()
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { clamped: self.lanes.values().map(|it| it.clock.clamped()).sum(), ..self.stats }
    }

    /// The partition to read next: the one whose clock is furthest behind, of those that can
    /// still give records. So partitions of a backlog advance together.
    #[must_use]
    pub fn furthest_behind(&self) -> Option<Partition> {
        let open = self.lanes.iter().filter(|(_, it)| it.active && !it.caught_up);
        open.min_by_key(|(partition, it)| (it.clock.now(), **partition)).map(|(it, _)| *it)
    }
}

/// What holds slices open.
#[derive(Clone, Copy)]
struct Held {
    /// Slices from this one on may still get records.
    open_until: i64,
    /// From this slice on a partition that says nothing is passed over.
    silent_from: i64,
    /// Some partition was read to its end.
    caught_up: bool,
}

/// A lookup in its slice.
pub(super) fn placed(spot: &Spot, lookup: &Lookup, names: NameRef) -> Placed {
    let event = clamp_event(lookup.event, spot.record);
    let lookup = Lookup { event, names, ..*lookup };
    Placed { lookup, partition: spot.partition, offset: spot.offset }
}
