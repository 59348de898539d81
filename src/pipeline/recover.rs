//! What a start finds of the process before.
//!
//! The latest snapshot that can be read is taken, and the journals from there on. One that cannot be
//! read is told in words, and the one before it is tried; where there is none left, darban begins
//! cold at what was committed, and says so. A snapshot of a later version ends the start: going on
//! without it would throw away what that version has learned.

use super::judging::{Judging, Kept};
use super::keeper::{self, Keeper};
use super::{Keys, Pool, build};
use crate::config::Config;
use crate::engine::{Engine, Settings};
use crate::source::kafka::{Resume, Stood, is_pattern};
use crate::source::{Partition, Place};
use crate::state::{Directory, Layout, Meta, Refusal, Sections};
use crate::time::Moment;
use crate::timeline::{self, Note, Noted, Timeline};
use std::io;

/// Why nothing can be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration does not fit together.
    #[error("{0}")]
    Setup(String),
    /// A later version wrote the state.
    #[error("snapshot {0}: {1}")]
    Newer(u64, Refusal),
    /// The disk refuses.
    #[error("the state directory cannot be used: {0}")]
    Io(#[from] io::Error),
}

/// What was found.
#[derive(Debug)]
pub struct Recovered {
    /// Timeline and engine where they stood.
    pub judging: Judging,
    /// Where in the log that is.
    pub resume: Resume,
    /// What keeps it from now on.
    pub keeper: keeper::Options,
    /// The snapshot that was loaded.
    pub snapshot: Option<Meta>,
    /// What is wrong with those that were not.
    pub refused: Vec<String>,
}

/// Reads the state directory of a configuration, at `now` by our clock.
///
/// # Errors
/// Where it cannot be read at all, or a later version wrote it.
pub fn recover(
    config: &Config,
    keys: &Keys,
    directory: &Directory,
    (pool, now): (Pool, Moment),
) -> Result<Recovered, Error> {
    let settings = build::settings(config, keys).map_err(Error::Setup)?;
    let layout = build::layout(config);
    let mut refused = Vec::new();
    let numbers = directory.snapshots()?;
    let mut loaded = None;
    for number in &numbers {
        match load((directory, *number), &settings, (&layout, &config.source.topics)) {
            Ok(it) => {
                loaded = Some(it);
                break;
            }
            Err(newer @ Refusal::Newer(_)) => return Err(Error::Newer(*number, newer)),
            Err(error) => refused.push(format!("snapshot {number}: {error}")),
        }
    }
    let refusal = (!refused.is_empty()).then(|| Note {
        at: now,
        what: Noted::StateRefused {
            snapshots: u32::try_from(refused.len()).unwrap_or(u32::MAX),
            cold: loaded.is_none(),
        },
    });
    let journals = directory.journals()?;
    let number = numbers.iter().chain(&journals).max().copied().unwrap_or(0);
    let options = timeline::Options { slice_ms: config.detect.slice_ms };
    let keeper = |lineage, number| keeper::Options {
        directory: directory.clone(),
        layout: layout.clone(),
        lineage,
        number,
        every_ms: config.state.snapshot_every_ms,
    };
    let Some((meta, engine)) = loaded else {
        let mut judging = Judging::new(Engine::new(settings), config.detect.slice_ms, pool);
        refusal.into_iter().for_each(|it| judging.note(it));
        let lineage = fresh_lineage()?;
        let resume = Resume { name: Keeper::name(lineage), places: Vec::new() };
        let keeper = keeper(lineage, number + 1);
        return Ok(Recovered { judging, resume, keeper, snapshot: None, refused });
    };
    let told = directory.told_from(meta.number)?;
    let mut kept = Kept {
        places: (0..).map(Partition).zip(meta.places.iter().cloned()).collect(),
        gaps: meta.gaps.iter().map(|(at, it)| (Partition(*at), *it)).collect(),
    };
    kept.places.extend(told.places.iter().map(|(at, (place, _))| (*at, place.clone())));
    let lane = |at: Partition| meta.timeline.lanes.iter().find(|it| it.partition == at);
    // One that came to us after the snapshot was read from where the journal says.
    let stood = |at: &Partition| {
        let named = || told.places.get(at).map(|it| Stood { next: it.1, time: None });
        lane(*at).map(|it| Stood { next: it.resume, time: it.clock }).or_else(named)
    };
    let places = kept.places.iter().map(|(at, it)| (it.clone(), stood(at)));
    let resume = Resume { name: Keeper::name(meta.lineage), places: places.collect() };
    let timeline = Timeline::restore(options, &meta.timeline, told);
    let mut judging = Judging::restore(engine, timeline, pool, kept);
    refusal.into_iter().for_each(|it| judging.note(it));
    let keeper = keeper(meta.lineage, number);
    Ok(Recovered { judging, resume, keeper, snapshot: Some(meta), refused })
}

fn load(
    (directory, number): (&Directory, u64),
    settings: &Settings,
    (layout, topics): (&Layout, &[String]),
) -> Result<(Meta, Engine), Refusal> {
    let (meta, mut sections) = directory.read(number)?;
    let content = |words: &str| Refusal::Content(words.to_owned());
    let keeps = layout.keeps(&meta.layout).ok_or_else(|| {
        content("client keys, classes or the length of slices are not those that it was made with")
    })?;
    // What a pattern matches only the brokers' client says; the partitions that it is given tell.
    let is_read = |it: &Place| topics.iter().any(|at| is_pattern(at) || **at == *it.topic);
    if !meta.places.is_empty() && !meta.places.iter().any(is_read) {
        return Err(content("it is about other topics"));
    }
    let engine = restore(settings, &mut sections, &keeps)?;
    Ok((meta, engine))
}

/// An engine of these sections.
///
/// # Errors
/// Why they are none.
pub fn restore(
    settings: &Settings,
    sections: &mut Sections,
    keeps: &[bool],
) -> Result<Engine, Refusal> {
    let restored = Engine::restore(settings.clone(), sections.by_ref(), keeps);
    restored.map_err(|error| match sections.broken() {
        Some(chunk) => Refusal::Sealed(chunk),
        None => Refusal::Content(error.to_string()),
    })
}

fn fresh_lineage() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}
