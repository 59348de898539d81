//! One partition, or one file: its clock, how far it was read, what of it waits.

use super::clock::{Clock, Kind};
use super::{Chunk, Stamp};
use crate::attribute::Lookup;
use crate::time::{Moment, SECOND_MS};
use std::collections::VecDeque;

/// How long a partition of Kafka that says nothing, though it is not at its end, may hold a slice
/// open, whether or not it ever spoke: a partition that lost its leader must not silence the
/// others for longer than a person waits for a page.
pub const SILENT_HOLD_MS: i64 = 30 * SECOND_MS;

#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) clock: Clock,
    /// Rows that wait for those after them (files only).
    pub(super) waiting: VecDeque<Stamp>,
    pub(super) parked: VecDeque<(i64, Lookup, Vec<u8>)>,
    pub(super) active: bool,
    pub(super) caught_up: bool,
    /// We hold it back ourselves: that it says nothing is no wonder.
    pub(super) held_back: bool,
    pub(super) heard: Moment,
    pub(super) next: i64,
    /// Slices with unjudged lookups of this partition. Record time is monotone, so slices and
    /// offsets rise together.
    pub(super) open: VecDeque<OpenSlice>,
}

/// The unjudged lookups of a slice and a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSlice {
    pub(super) slice: i64,
    /// The first of them.
    pub(super) offset: i64,
    /// The partition's clock before it.
    pub(super) before: Option<Moment>,
}

impl Lane {
    /// One that has not been read, from `next` on.
    pub(super) const fn new(kind: Kind, next: i64, heard: Moment) -> Self {
        Self {
            clock: Clock::new(kind),
            waiting: VecDeque::new(),
            parked: VecDeque::new(),
            active: true,
            caught_up: false,
            held_back: false,
            heard,
            next,
            open: VecDeque::new(),
        }
    }

    /// It is not at its end and says nothing for too long. A file is never silent: whoever reads
    /// it either finds a line or its end.
    pub(super) fn is_silent(&self, reading: Moment) -> bool {
        self.clock.kind() == Kind::Record
            && !self.held_back
            && reading.since(self.heard) >= SILENT_HOLD_MS
    }

    /// Keeps the rows of a file until those after them are known.
    pub(super) fn park(&mut self, chunk: &Chunk) {
        for (index, (row, lookup)) in chunk.lookups.iter().enumerate() {
            if let Some(stamp) = chunk.stamps.get(*row as usize) {
                self.parked.push_back((stamp.offset, *lookup, chunk.names_of(index).to_vec()));
            }
        }
        self.waiting.extend(&chunk.stamps);
    }

    pub(super) fn first_parked(&self) -> i64 {
        self.waiting.front().map_or(self.next, |it| it.offset)
    }
}
