//! A batch of bytes to a chunk of lookups: decode and attribute, on any thread.
//!
//! Both are pure functions of a record, so any number of workers may take batches; the timeline
//! puts their chunks back into the order of each partition. The look-ups of all access records in one
//! record share its stamp, and so its offset: a batch is judged, and committed, as a whole.

use super::strays::Strays;
use crate::attribute::{Attributed, Attributor, Scratch, Skip};
use crate::decode::{Decoded, Decoder, Format, Refusal, Shapes};
use crate::source::{Batch, Row};
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
    strays: Option<Arc<Strays>>,
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
            strays: None,
        }
    }

    /// The same, with some of what is on no route kept there.
    #[must_use]
    pub fn keeping(self, strays: Arc<Strays>) -> Self {
        Self { strays: Some(strays), ..self }
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
        let Self { decoder, attributor, scratch, shapes, strays, .. } = self;
        let mut into =
            Building { attributor, scratch, chunk: &mut chunk, tally: &mut tally, strayed: false };
        for (at, row) in batch.rows.iter().enumerate() {
            let (mut event, mut found): (Option<Moment>, u64) = (None, 0);
            decoder.each(batch.bytes(row), shapes, |decoded| {
                found += 1;
                // A batch was sent when the last of it had happened.
                event = event.max(into.put(to_row(at), row, decoded));
            });
            if std::mem::take(&mut into.strayed)
                && let Some(strays) = strays
            {
                strays.offer(batch.bytes(row));
            }
            into.tally.unwrapped += found.saturating_sub(1);
            into.chunk.stamps.push(Stamp { offset: row.offset, record: row.time, event });
        }
        self.names_room = chunk.names.len();
        let counts = tally.counts(&chunk);
        (chunk, counts)
    }
}

/// What a batch is made into.
struct Building<'a> {
    attributor: &'a Attributor,
    scratch: &'a mut Scratch,
    chunk: &'a mut Chunk,
    tally: &'a mut Tally,
    /// Something was answered that is on no route.
    strayed: bool,
}

impl Building<'_> {
    /// Counts an access record and keeps its look-up; its event time. By reference: a record is half
    /// a kilobyte.
    fn put(&mut self, at: u32, row: &Row, decoded: &Decoded<'_>) -> Option<Moment> {
        let (format, record) = match decoded {
            Ok(it) => it,
            Err(refusal) => {
                bump(&mut self.tally.refused, *refusal as usize);
                return None;
            }
        };
        bump(&mut self.tally.decoded, *format as usize);
        let fallback = row.time.unwrap_or_default();
        let names = &mut self.chunk.names;
        match self.attributor.attribute(record, fallback, self.scratch, names) {
            Attributed::Skipped(skip) => {
                let is_answer = record.status.is_none_or(|it| (200..300).contains(&it));
                self.strayed |= skip == Skip::NoRoute && is_answer;
                bump(&mut self.tally.skipped, skip as usize);
            }
            Attributed::Lookup(it) => self.chunk.lookups.push((at, it)),
        }
        record.time
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
#[derive(Default)]
struct Tally {
    decoded: [u64; Format::ALL.len()],
    refused: [u64; Refusal::ALL.len()],
    skipped: [u64; Skip::ALL.len()],
    unwrapped: u64,
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
            unwrapped: self.unwrapped,
            decoded: named(Format::ALL, &self.decoded),
            refused: named(Refusal::ALL, &self.refused),
            skipped: named(Skip::ALL, &self.skipped),
            lookups,
        }
    }
}
