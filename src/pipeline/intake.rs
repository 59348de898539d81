//! A batch of bytes to a chunk of lookups: decode and attribute, on any thread.
//!
//! Both are pure functions of a record, so any number of workers may take batches; the timeline
//! puts their chunks back into the order of each partition.

use crate::attribute::{Attributed, Attributor, Scratch, Skip};
use crate::decode::{Decoder, Format, Refusal};
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
}

impl Intake {
    /// A worker; decoder and attributor are shared by all.
    #[must_use]
    pub fn new(decoder: Arc<Decoder>, attributor: Arc<Attributor>) -> Self {
        Self { decoder, attributor, scratch: Scratch::default() }
    }

    /// Decodes and attributes a batch. Every record leaves a stamp, so that refused and skipped
    /// ones move their partition's clock too.
    pub fn take(&mut self, batch: &Batch) -> (Chunk, Counts) {
        let mut chunk = Chunk {
            partition: batch.partition,
            stamps: Vec::with_capacity(batch.rows.len()),
            lookups: Vec::with_capacity(batch.rows.len()),
            names: Vec::new(),
        };
        let mut tally = Tally::default();
        for (at, row) in batch.rows.iter().enumerate() {
            let mut stamp = Stamp { offset: row.offset, record: row.time, event: None };
            match self.decoder.decode(batch.bytes(row)) {
                Err(refusal) => tally.refused[refusal as usize] += 1,
                Ok((format, record)) => {
                    tally.decoded[format as usize] += 1;
                    stamp.event = record.time;
                    let fallback = row.time.unwrap_or(Moment(0));
                    let names = &mut chunk.names;
                    match self.attributor.attribute(&record, fallback, &mut self.scratch, names) {
                        Attributed::Skipped(skip) => tally.skipped[skip as usize] += 1,
                        Attributed::Lookup(lookup) => {
                            chunk.lookups.push((u32::try_from(at).unwrap_or(u32::MAX), lookup));
                        }
                    }
                }
            }
            chunk.stamps.push(stamp);
        }
        let counts = tally.counts(&chunk);
        (chunk, counts)
    }
}

/// Counts a batch by index; maps are filled once a batch.
#[derive(Default)]
struct Tally {
    decoded: [u64; 16],
    refused: [u64; 16],
    skipped: [u64; 8],
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
