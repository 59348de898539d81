//! Bytes with their partition, offset and record time, from Kafka, files or standard input.
//!
//! A source hands over [`Event`]s on a bounded channel and knows nothing of what the bytes mean.
//! Records travel in batches of [`BATCH_RECORDS_MAX`] copied into one arena: a channel operation
//! a record costs more than decoding it, and moving borrowed Kafka messages is no faster.

pub mod embedded;
pub mod files;
pub mod kafka;

use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// Records in a batch at most: large enough that a hand-over costs nothing a record, small
/// enough that eight batches in flight stay in the cache and below a slice.
pub const BATCH_RECORDS_MAX: usize = 512;
/// Bytes of a batch at which it is handed over, however few its records: some may be batches
/// themselves, of thousands of access records.
pub const BATCH_BYTES_MAX: usize = 1 << 20;
/// Batches that wait between two stages at most: the back-pressure.
pub const CHANNEL_BATCHES_MAX: usize = 8;

/// A partition of this run: an index into the list of places in the order of assignment.
/// A partition that is revoked and comes back keeps its index.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Partition(pub u16);

/// What a partition is called outside: a topic's partition, or a file (its path, number 0).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Place {
    /// The topic, or the path of the file, or `-` for standard input.
    pub topic: Arc<str>,
    /// The partition's number in the topic; 0 for files.
    pub number: i32,
}

/// One record of a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Kafka's offset, or the line's number in the file, from 1.
    pub offset: i64,
    /// Kafka's record timestamp; `None` for files and where the producer wrote -1.
    pub time: Option<Moment>,
    /// Where the record's bytes begin in the arena.
    pub start: u32,
    /// How many bytes it has; 0 for a tombstone, which decode refuses as empty.
    pub length: u32,
}

/// Records of one partition in offset order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where they come from.
    pub partition: Partition,
    /// Their bytes, one after the other.
    pub arena: Vec<u8>,
    /// One row a record, offsets strictly increasing.
    pub rows: Vec<Row>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new(partition: Partition) -> Self {
        Self { partition, arena: Vec::new(), rows: Vec::new() }
    }

    /// An empty batch with room for as much as another holds: lines of one log are alike, and a
    /// batch that grows from nothing is copied a dozen times.
    #[must_use]
    pub fn like(other: &Self) -> Self {
        let arena = Vec::with_capacity(other.arena.len());
        Self { partition: other.partition, arena, rows: Vec::with_capacity(other.rows.len()) }
    }

    /// Appends a record.
    pub fn push(&mut self, offset: i64, time: Option<Moment>, bytes: &[u8]) {
        let start = u32::try_from(self.arena.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.arena.extend_from_slice(bytes);
        self.rows.push(Row { offset, time, start, length });
    }

    /// The bytes of a row.
    #[must_use]
    pub fn bytes(&self, row: &Row) -> &[u8] {
        let start = row.start as usize;
        self.arena.get(start..start + row.length as usize).unwrap_or_default()
    }
}

/// What a source reports, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A partition is ours from offset `next` on.
    Assigned {
        /// Its index from now on.
        partition: Partition,
        /// Its name.
        place: Place,
        /// The first offset that will be read.
        next: i64,
    },
    /// Records.
    Batch(Batch),
    /// Everything before `next` was handed over and nothing more is there at the moment.
    End {
        /// Which partition.
        partition: Partition,
        /// The offset that the next record will have at least.
        next: i64,
    },
    /// A partition is no longer ours; nothing of it follows.
    Revoked {
        /// Which partition.
        partition: Partition,
    },
    /// Records that were in the log and that nobody can read any more.
    Gap {
        /// Which partition.
        partition: Partition,
        /// The first offset that is missing.
        first: i64,
        /// How many are missing; `None` where the topic was cut short or made anew.
        missing: Option<u64>,
    },
}
