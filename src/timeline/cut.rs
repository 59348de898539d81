//! What the timeline is told at start and what it gives out.

use super::Placed;
use crate::source::Partition;
use crate::time::{Moment, SECOND_MS};
use borsh::{BorshDeserialize, BorshSerialize};

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
    /// The process before made it.
    pub again: bool,
}

impl Cut {
    /// What the journal keeps of it.
    #[must_use]
    pub fn row(&self) -> CutRow {
        let bounds = self.bounds.iter().map(|it| (it.partition, it.resume)).collect();
        CutRow { slice: self.slice, bounds }
    }
}

/// A cut as it is kept: which slice it closed, and the lowest offset of every partition that was not
/// judged then.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CutRow {
    /// The slice's number.
    pub slice: i64,
    /// By partition.
    pub bounds: Vec<(Partition, i64)>,
}

/// A record whose time was taken from our clock: its own lay too far ahead, or it had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reading {
    /// Which partition.
    pub partition: Partition,
    /// Which record.
    pub offset: i64,
    /// What our clock said.
    pub at: Moment,
}

/// Where a timeline stands, with nothing pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct State {
    /// The last slice that was closed.
    pub closed: Option<i64>,
    /// Every partition that was ever read.
    pub lanes: Vec<LaneState>,
}

/// How far a partition is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LaneState {
    /// Which one.
    pub partition: Partition,
    /// The lowest unjudged offset.
    pub resume: i64,
    /// The record time before it.
    pub clock: Option<Moment>,
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
