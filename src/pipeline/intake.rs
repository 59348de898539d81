//! A batch of bytes to a chunk of lookups: decode and attribute, on any thread.
//!
//! Both are pure functions of a record, so any number of workers may take batches; the timeline
//! puts their chunks back into the order of each partition.

use crate::attribute::{Attributed, Attributor, Scratch, Skip};
use crate::decode::{AccessRecord, Decoder, Format, Refusal, Shapes};
use crate::source::Batch;
use crate::telemetry::Counts;
use crate::time::Moment;
use crate::timeline::{Chunk, Stamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One worker's decoder and attributor.
#[derive(Debug)]
pub struct Intake {
    decoder: Arc<Decoder>,
    attributor: Arc<Attributor>,
    scratch: Scratch,
    shapes: Shapes,
    /// Bytes of names of the batch before: the next one begins with as much room.
    names_room: usize,
}

impl Intake {
    /// A worker; decoder and attributor are shared by all.
    #[must_use]
    pub fn new(decoder: Arc<Decoder>, attributor: Arc<Attributor>) -> Self {
        Self {
            decoder,
            attributor,
            scratch: Scratch::default(),
            shapes: Shapes::default(),
            names_room: 0,
        }
    }

    /// Decodes and attributes a batch. Every record leaves a stamp, so that refused and skipped
    /// ones move their partition's clock too.
    pub fn take(&mut self, batch: &Batch) -> (Chunk, Counts) {
        let mut chunk = Chunk {
            partition: batch.partition,
            stamps: Vec::with_capacity(batch.rows.len()),
            lookups: Vec::with_capacity(batch.rows.len()),
            names: Vec::with_capacity(self.names_room),
        };
        let mut tally = Tally::default();
        for (at, row) in batch.rows.iter().enumerate() {
            let decoded = self.decoder.decode_like(batch.bytes(row), &mut self.shapes);
            // By reference: a record is half a kilobyte.
            let event = match &decoded {
                Err(refusal) => {
                    bump(&mut tally.refused, *refusal as usize);
                    None
                }
                Ok((format, record)) => {
                    bump(&mut tally.decoded, *format as usize);
                    let fallback = row.time.unwrap_or_default();
                    let lookup = self.attribute(record, fallback, &mut chunk.names);
                    match lookup {
                        Attributed::Skipped(skip) => bump(&mut tally.skipped, skip as usize),
                        Attributed::Lookup(it) => chunk.lookups.push((to_row(at), it)),
                    }
                    record.time
                }
            };
            chunk.stamps.push(Stamp { offset: row.offset, record: row.time, event });
        }
        self.names_room = chunk.names.len();
        let counts = tally.counts(&chunk);
        (chunk, counts)
    }

    fn attribute(
        &mut self,
        record: &AccessRecord<'_>,
        fallback: Moment,
        names: &mut Vec<u8>,
    ) -> Attributed {
        self.attributor.attribute(record, fallback, &mut self.scratch, names)
    }
}

fn bump(counts: &mut [u64], at: usize) {
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

fn to_row(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Counts a batch by index; maps are filled once a batch.
struct Tally {
    decoded: [u64; Format::ALL.len()],
    refused: [u64; Refusal::ALL.len()],
    skipped: [u64; Skip::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            decoded: [0; Format::ALL.len()],
            refused: [0; Refusal::ALL.len()],
            skipped: [0; Skip::ALL.len()],
        }
    }
}

impl Tally {
    fn counts(&self, chunk: &Chunk) -> Counts {
        fn named<K: Ord + Copy>(all: &[K], counts: &[u64]) -> BTreeMap<K, u64> {
            all.iter().copied().zip(counts.iter().copied()).filter(|it| it.1 > 0).collect()
        }
        let mut lookups: BTreeMap<u16, u64> = BTreeMap::new();
        for (_, lookup) in &chunk.lookups {
            *lookups.entry(lookup.route.0).or_default() += 1;
        }
        Counts {
            received: chunk.stamps.len() as u64,
            decoded: named(Format::ALL, &self.decoded),
            refused: named(Refusal::ALL, &self.refused),
            skipped: named(Skip::ALL, &self.skipped),
            lookups,
        }
    }
}
