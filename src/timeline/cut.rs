//! What the timeline is told at start and what it gives out.

use super::Placed;
use crate::source::Partition;
use crate::time::{Moment, SECOND_MS};

/// What the timeline is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of a slice in milliseconds.
    pub slice_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { slice_ms: SECOND_MS }
    }
}

/// How far a partition has been judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Which partition.
    pub partition: Partition,
    /// The lowest offset that is not judged yet: where a restart resumes.
    pub resume: i64,
}

/// A closed slice.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// The slice's number: record time divided by the slice's length.
    pub slice: i64,
    /// The end of the slice: the time that lifecycle and silences go by.
    pub at: Moment,
    /// Its lookups by (event time, id order, content, partition, offset).
    pub lookups: Vec<Placed>,
    /// The names of their keys.
    pub names: Vec<u8>,
    /// Every partition's bound once this cut is judged, in partition order.
    pub bounds: Vec<Bound>,
    /// The log alone does not imply this cut: a partition was caught up, or cut without.
    pub by_clock: bool,
}

/// Counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records fed.
    pub records: u64,
    /// Cuts made.
    pub cuts: u64,
    /// Lookups whose slice was closed already and that went into the next one.
    pub late: u64,
    /// Stamps clamped.
    pub clamped: u64,
    /// Slices cut without a partition that said nothing.
    pub cut_without: u64,
    /// How often a partition was held back because it was far ahead of the others.
    pub held_back: u64,
}

/// Lookups by (event time, id, content, partition, offset). Their order is found among small keys
/// and each is moved once: a lookup is four times as large as what it is compared by.
pub(super) fn in_order(lookups: &[Placed]) -> Vec<Placed> {
    let key = |(placed, at): (&Placed, u32)| {
        let it = &placed.lookup;
        // An id without a place comes first.
        let id = it.position.ordinal().map_or(0, |it| it.saturating_add(1));
        (it.event, id, it.content, at)
    };
    let mut keys: Vec<(Moment, u64, u64, u32)> = lookups.iter().zip(0_u32..).map(key).collect();
    let place = |at: u32| lookups.get(at as usize).map(|it| (it.partition, it.offset));
    keys.sort_unstable_by(|a, b| {
        (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then_with(|| place(a.3).cmp(&place(b.3)))
    });
    let mut ordered = Vec::with_capacity(lookups.len());
    ordered.extend(keys.iter().filter_map(|it| lookups.get(it.3 as usize)).copied());
    ordered
}
