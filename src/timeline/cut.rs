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
