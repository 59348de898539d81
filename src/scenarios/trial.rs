//! The production engine in process: simulated requests in, alerts out, no text between.
//!
//! It is the pipeline of one partition from attribution on, with the configuration that the portal
//! comes with and everything in `[detect]` at its default. A trial can be cloned, so that a
//! fortnight of honest history is judged once and any number of harvests go on from there.

use super::id::Id;
use super::mortal::Mortal;
use super::record::{Scratch as Texts, as_record};
use super::request::{Client, Request};
use crate::alert::Alert;
use crate::attribute::{Attributed, Attributor, HashKey, KeyKind, Scratch};
use crate::config::Config;
use crate::decode::{AccessRecord, Decoder};
use crate::engine::{Engine, Serial};
use crate::judge::{Explained, WatchList};
use crate::pipeline::{Keys, build};
use crate::source::{BATCH_RECORDS_MAX, Partition, Place};
use crate::time::Moment;
use crate::timeline::{self, Chunk, Cut, Stamp, Timeline};
use std::path::Path;
use std::sync::Arc;

/// The one partition.
const PARTITION: Partition = Partition(0);

/// An engine and what stands before it.
#[derive(Debug)]
pub struct Trial {
    decoder: Arc<Decoder>,
    attributor: Attributor,
    pub(super) timeline: Timeline,
    pub(super) engine: Engine,
    scratch: Scratch,
    texts: Texts,
    chunk: Chunk,
    /// When the last request was delivered.
    pub(super) delivered: Moment,
    pub(super) offset: i64,
    alerts: Vec<Alert>,
    pub(super) mortal: Mortal,
}

impl Clone for Trial {
    fn clone(&self) -> Self {
        Self {
            decoder: Arc::clone(&self.decoder),
            attributor: self.attributor.clone(),
            timeline: self.timeline.clone(),
            engine: self.engine.clone(),
            scratch: Scratch::default(),
            texts: Texts::default(),
            chunk: self.chunk.clone(),
            delivered: self.delivered,
            offset: self.offset,
            alerts: self.alerts.clone(),
            mortal: self.mortal.clone(),
        }
    }
}

impl Trial {
    /// An engine that has seen nothing, with this configuration. Hashes are keyed with `seed`.
    ///
    /// # Errors
    /// When the configuration is wrong, in words.
    pub fn new(toml: &str, seed: u64) -> Result<Self, String> {
        Self::watching(toml, seed, [])
    }

    /// The same with decoys planted.
    ///
    /// # Errors
    /// When the configuration is wrong, in words.
    pub fn watching(
        toml: &str,
        seed: u64,
        decoys: impl IntoIterator<Item = Id>,
    ) -> Result<Self, String> {
        let config = Config::parse_without_files(toml, Path::new("."));
        let config = config.map_err(|problems| problems.to_string())?;
        let key = u128::from(seed) << 64 | u128::from(!seed);
        let (hash, state) = (HashKey::new(key.to_le_bytes()), crate::state::Key::new([0; 32]));
        let keys = Keys { hash, alert: (seed, !seed), state };
        let options = timeline::Options { slice_ms: config.detect.slice_ms };
        let hash = |id: Id| {
            let mut text = Vec::new();
            id.write(&mut text);
            keys.hash.subject(&text)
        };
        let decoys: Vec<u64> = decoys.into_iter().map(hash).collect();
        let watch_list = WatchList::new(&decoys, &[]);
        let settings = build::settings_watching(&config, &keys, watch_list);
        let mut trial = Self {
            decoder: Arc::new(build::decoder(&config)),
            attributor: build::attributor(&config, &keys)?,
            timeline: Timeline::new(options),
            engine: Engine::new(settings.clone()),
            scratch: Scratch::default(),
            texts: Texts::default(),
            chunk: Chunk::default(),
            delivered: Moment(0),
            offset: 0,
            alerts: Vec::new(),
            mortal: Mortal::new(settings, options, seed),
        };
        trial.begin(0);
        Ok(trial)
    }

    /// The one partition is read from here on.
    pub(super) fn begin(&mut self, next: i64) {
        self.engine.name(PARTITION, Place { topic: "portal".into(), number: 0 });
        self.timeline.assigned(PARTITION, next, self.delivered);
    }

    /// The next request, delivered when it was made.
    pub fn feed(&mut self, request: &Request) {
        self.deliver(request, request.at);
    }

    /// The next request, delivered at this time.
    pub fn deliver(&mut self, request: &Request, at: Moment) {
        let mut texts = std::mem::take(&mut self.texts);
        self.take(&as_record(request, &mut texts), at);
        self.texts = texts;
    }

    /// The next line as a gateway wrote it, delivered at this time; whether it could be read.
    pub fn deliver_line(&mut self, line: &[u8], at: Moment) -> bool {
        let decoder = Arc::clone(&self.decoder);
        let Ok((_, record)) = decoder.decode(line) else { return false };
        self.take(&record, at);
        true
    }

    fn take(&mut self, record: &AccessRecord<'_>, at: Moment) {
        let attributed =
            self.attributor.attribute(record, at, &mut self.scratch, &mut self.chunk.names);
        if let Attributed::Lookup(lookup) = attributed {
            let row = u32::try_from(self.chunk.stamps.len()).unwrap_or(u32::MAX);
            self.chunk.lookups.push((row, lookup));
        }
        let event = Some(record.time.unwrap_or(at));
        self.chunk.stamps.push(Stamp { offset: self.offset, record: Some(at), event });
        self.offset += 1;
        self.delivered = self.delivered.max(at);
        if self.chunk.stamps.len() >= BATCH_RECORDS_MAX {
            self.judge();
        }
    }

    /// Whether the next request makes a batch full, which is then judged.
    #[must_use]
    pub fn is_nearly_full(&self) -> bool {
        self.chunk.stamps.len() + 1 >= BATCH_RECORDS_MAX
    }

    /// Judges as [`judge`](Self::judge) does, and opens up every finest key that was among what
    /// was delivered, each once a route: its hash and how it stands.
    pub fn judge_and_explain(&mut self) -> Vec<(u64, Explained)> {
        let lookups = self.chunk.lookups.iter();
        let mut keys: Vec<(u64, u16)> =
            lookups.filter_map(|(_, it)| Some((it.finest()?.1, it.route.0))).collect();
        keys.sort_unstable();
        keys.dedup();
        self.judge();
        let open = |(key, route)| Some((key, self.engine.explain(key, route)?.1));
        keys.into_iter().filter_map(open).collect()
    }

    /// Judges what was delivered, as far as its slices are over.
    pub fn judge(&mut self) {
        self.judge_each(|_, _| {});
    }

    /// The same, and shows every cut with the engine that has just judged it.
    pub fn judge_each(&mut self, mut judged: impl FnMut(&Cut, &Engine)) {
        self.timeline.feed(&self.chunk, self.delivered);
        self.mortal.feed(&self.chunk);
        while let Some(cut) = self.timeline.cut(self.delivered) {
            self.alerts.extend(self.engine.step(&cut, &Serial).alerts);
            self.mortal.judged(&cut);
            judged(&cut, &self.engine);
        }
        let mut fed = std::mem::take(&mut self.chunk);
        self.live(&fed);
        fed.stamps.clear();
        fed.lookups.clear();
        fed.names.clear();
        self.chunk = fed;
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
