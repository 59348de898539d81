//! The production engine in process: simulated requests in, alerts out, no text between.
//!
//! It is the pipeline of one partition from attribution on, with the configuration that the portal
//! comes with and everything in `[detect]` at its default. A trial can be cloned, so that a
//! fortnight of honest history is judged once and any number of harvests go on from there.

use super::record::{Scratch as Texts, as_record};
use super::request::{Client, Request};
use crate::alert::Alert;
use crate::attribute::{Attributed, Attributor, HashKey, KeyKind, Scratch};
use crate::config::Config;
use crate::engine::{Engine, Serial};
use crate::pipeline::{Keys, build};
use crate::source::{BATCH_RECORDS_MAX, Partition, Place};
use crate::time::Moment;
use crate::timeline::{self, Chunk, Stamp, Timeline};
use std::path::Path;

/// The one partition.
const PARTITION: Partition = Partition(0);

/// An engine and what stands before it.
#[derive(Debug)]
pub struct Trial {
    attributor: Attributor,
    timeline: Timeline,
    engine: Engine,
    scratch: Scratch,
    texts: Texts,
    chunk: Chunk,
    /// When the last request was delivered.
    delivered: Moment,
    offset: i64,
    alerts: Vec<Alert>,
}

impl Clone for Trial {
    fn clone(&self) -> Self {
        Self {
            attributor: self.attributor.clone(),
            timeline: self.timeline.clone(),
            engine: self.engine.clone(),
            scratch: Scratch::default(),
            texts: Texts::default(),
            chunk: self.chunk.clone(),
            delivered: self.delivered,
            offset: self.offset,
            alerts: self.alerts.clone(),
        }
    }
}

impl Trial {
    /// An engine that has seen nothing, with this configuration. Hashes are keyed with `seed`.
    ///
    /// # Errors
    /// When the configuration is wrong, in words.
    pub fn new(toml: &str, seed: u64) -> Result<Self, String> {
        let config = Config::parse_without_files(toml, Path::new("."));
        let config = config.map_err(|problems| problems.to_string())?;
        let key = u128::from(seed) << 64 | u128::from(!seed);
        let keys = Keys { hash: HashKey::new(key.to_le_bytes()), alert: (seed, !seed) };
        let mut timeline = Timeline::new(timeline::Options { slice_ms: config.detect.slice_ms });
        let mut engine = build::engine(&config, &keys)?;
        engine.name(PARTITION, Place { topic: "portal".into(), number: 0 });
        timeline.assigned(PARTITION, 0, Moment(0));
        Ok(Self {
            attributor: build::attributor(&config, &keys)?,
            timeline,
            engine,
            scratch: Scratch::default(),
            texts: Texts::default(),
            chunk: Chunk::default(),
            delivered: Moment(0),
            offset: 0,
            alerts: Vec::new(),
        })
    }

    /// The next request, delivered when it was made.
    pub fn feed(&mut self, request: &Request) {
        self.deliver(request, request.at);
    }

    /// The next request, delivered at this time.
    pub fn deliver(&mut self, request: &Request, at: Moment) {
        let record = as_record(request, &mut self.texts);
        let attributed =
            self.attributor.attribute(&record, at, &mut self.scratch, &mut self.chunk.names);
        if let Attributed::Lookup(lookup) = attributed {
            let row = u32::try_from(self.chunk.stamps.len()).unwrap_or(u32::MAX);
            self.chunk.lookups.push((row, lookup));
        }
        let stamp = Stamp { offset: self.offset, record: Some(at), event: Some(request.at) };
        self.chunk.stamps.push(stamp);
        self.offset += 1;
        self.delivered = self.delivered.max(at);
        if self.chunk.stamps.len() >= BATCH_RECORDS_MAX {
            self.judge();
        }
    }

    /// Judges what was delivered, as far as its slices are over.
    pub fn judge(&mut self) {
        self.timeline.feed(&self.chunk, self.delivered);
        self.chunk.stamps.clear();
        self.chunk.lookups.clear();
        self.chunk.names.clear();
        while let Some(cut) = self.timeline.cut(self.delivered) {
            self.alerts.extend(self.engine.step(&cut, &Serial).alerts);
        }
    }

    /// Alert changes since they were last taken.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    /// The finest key of a client as alerts name it.
    #[must_use]
    pub fn name_of(&self, client: &Client) -> (KeyKind, String) {
        let (kind, name) = client.finest();
        match kind {
            KeyKind::Session => {
                let hash = self.attributor.key_hash(kind, name.as_bytes());
                (kind, format!("{hash:016x}"))
            }
            _ => (kind, name),
        }
    }
}
