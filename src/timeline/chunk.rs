//! What decoding and attribution make of a batch.

use crate::attribute::Lookup;
use crate::source::Partition;
use crate::time::Moment;

/// One record's place and time, whether or not it gave a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Kafka's offset or the line's number.
    pub offset: i64,
    /// Kafka's record timestamp.
    pub record: Option<Moment>,
    /// What the gateway wrote; `None` where the record was refused.
    pub event: Option<Moment>,
}

/// The records of one partition, in offset order, after attribution.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Where they come from.
    pub partition: Partition,
    /// One stamp a record.
    pub stamps: Vec<Stamp>,
    /// The lookups with the index of their stamp, in the same order.
    pub lookups: Vec<(u32, Lookup)>,
    /// The names of the lookups' keys, in the same order.
    pub names: Vec<u8>,
}

impl Chunk {
    /// Where the names of the lookup with this index begin: where those of the one before end.
    pub(super) fn names_from(&self, index: usize) -> usize {
        self.lookups.get(index).map_or(self.names.len(), |(_, it)| it.names.0 as usize)
    }

    /// The names of the lookup with this index.
    #[must_use]
    pub fn names_of(&self, index: usize) -> &[u8] {
        self.names.get(self.names_from(index)..self.names_from(index + 1)).unwrap_or_default()
    }
}
