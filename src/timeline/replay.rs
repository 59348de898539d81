//! Cuts that are made again after a restart.
//!
//! Which lookups a cut had follows from its bounds: of every partition all that were not judged
//! before, up to an offset. So until the last cut of the journal is made again, lookups wait here by
//! partition, whatever slice they would go to, and a cut is made as soon as each partition has been
//! read up to its bound. Then what is left goes the usual way.

use super::{CutRow, Reading};
use crate::attribute::Lookup;
use crate::source::Partition;
use crate::time::{MINUTE_MS, Moment};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long a cut waits for a partition that is not ours, which it had been. The group may have
/// given it to another process, which then judges it.
const FOREIGN_WAIT_MS: i64 = MINUTE_MS;

/// Where a record stands in the log and in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    /// Its record time.
    pub(super) record: Moment,
    /// Its partition's clock before it.
    pub(super) before: Option<Moment>,
}

/// A lookup that waits for its cut.
#[derive(Clone, Debug)]
pub(super) struct HeldBack {
    pub(super) spot: Spot,
    pub(super) lookup: Lookup,
    pub(super) names: Vec<u8>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    cuts: VecDeque<CutRow>,
    /// How many of them were made again.
    made: usize,
    readings: BTreeMap<(Partition, i64), Moment>,
    /// By partition, the bound of the last cut: of what lies before it, it is known which record
    /// times came from our clock.
    covered: BTreeMap<Partition, i64>,
    held: BTreeMap<Partition, VecDeque<HeldBack>>,
    count: usize,
    lost: BTreeSet<Partition>,
    /// Since when the next cut waits.
    since: Option<Moment>,
}

impl Replay {
    pub(super) fn new(cuts: Vec<CutRow>, readings: &[Reading]) -> Self {
        let mut covered = BTreeMap::new();
        for (partition, bound) in cuts.iter().flat_map(|it| &it.bounds) {
            let known = covered.entry(*partition).or_insert(*bound);
            *known = (*known).max(*bound);
        }
        let readings = readings.iter().map(|it| ((it.partition, it.offset), it.at)).collect();
        Self { cuts: cuts.into(), readings, covered, ..Self::default() }
    }

    /// Cuts that are left.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.len()
    }

    /// Cuts that were made again.
    pub(super) const fn made(&self) -> usize {
        self.made
    }

    /// Lookups that wait.
    pub(super) const fn held(&self) -> usize {
        self.count
    }

    /// What our clock said when this record was read before, or that it was not asked: then the
    /// record's own time stands, however far ahead of our clock it looks.
    pub(super) fn reading(&self, partition: Partition, offset: i64) -> Option<Moment> {
        let known = self.readings.get(&(partition, offset)).copied();
        let covered = || self.covered.get(&partition).is_some_and(|it| offset < *it);
        known.or_else(|| covered().then_some(Moment(i64::MAX / 2)))
    }

    /// Some of a partition's records are gone.
    pub(super) fn lost(&mut self, partition: Partition) {
        self.lost.insert(partition);
    }

    pub(super) fn hold(&mut self, spot: Spot, lookup: Lookup, names: &[u8]) {
        let held = HeldBack { spot, lookup, names: names.to_vec() };
        self.held.entry(spot.partition).or_default().push_back(held);
        self.count += 1;
    }

    /// The first lookup of a partition that waits: its offset and the clock before it.
    pub(super) fn first_of(&self, partition: Partition) -> Option<(i64, Option<Moment>)> {
        let first = self.held.get(&partition)?.front()?;
        Some((first.spot.offset, first.spot.before))
    }

    /// The next cut, if every partition `has` been read up to its bound (`None`: it is not ours).
    pub(super) fn next(
        &mut self,
        has: impl Fn(Partition, i64) -> Option<bool>,
        reading: Moment,
    ) -> Option<CutRow> {
        let next = self.cuts.front()?;
        let since = *self.since.get_or_insert(reading);
        let waited = reading.since(since) >= FOREIGN_WAIT_MS;
        let is_there = |(partition, bound): &(Partition, i64)| {
            self.lost.contains(partition) || has(*partition, *bound).unwrap_or(waited)
        };
        if !next.bounds.iter().all(is_there) {
            return None;
        }
        self.since = None;
        self.made += 1;
        self.cuts.pop_front()
    }

    /// The lookups of a partition below an offset.
    pub(super) fn take_below(&mut self, partition: Partition, bound: i64) -> Vec<HeldBack> {
        let Some(held) = self.held.get_mut(&partition) else { return Vec::new() };
        let taken: Vec<HeldBack> =
            held.drain(..held.partition_point(|it| it.spot.offset < bound)).collect();
        self.count -= taken.len();
        taken
    }

    /// All that is left, by partition.
    pub(super) fn take_all(&mut self) -> Vec<HeldBack> {
        self.count = 0;
        std::mem::take(&mut self.held).into_values().flatten().collect()
    }
}
