//! The engine over files: cuts follow from record times alone, so two backtests always agree.

use super::distinct::Distinct;
use super::{Counts, Intake, Keys, Pool, build};
use crate::alert::Alert;
use crate::config::Config;
use crate::engine::Engine;
use crate::source::Partition;
use crate::source::files::{self, Files};
use crate::time::Moment;
use crate::timeline::{self, Cut, Timeline};
use std::path::PathBuf;
use std::sync::Arc;

/// Why a backtest cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be read.
    #[error(transparent)]
    Input(#[from] files::Error),
    /// Routes or keys do not fit together, or a list of subjects is not one.
    #[error("{0}")]
    Setup(String),
}

/// What a backtest saw in all.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Records and lookups.
    pub counts: Counts,
    /// Different clients: finest keys (the most trusted of a request) that made look-ups. Exact up
    /// to a million, within 0.24 % beyond. Not profiles: of these an
    /// address has one beside its clients, and each has one a route.
    pub clients: u64,
    /// Different alerts.
    pub alerts: u64,
}

/// Whoever watches a backtest.
pub trait Watcher {
    /// An alert changed.
    fn alert(&mut self, alert: Alert);
    /// So far: bytes read, bytes in all where known, records.
    fn progress(&mut self, _read: u64, _total: Option<u64>, _records: u64) {}
    /// A cut is about to be judged; for `explain`.
    fn cut(&mut self, _cut: &Cut, _engine: &Engine) {}
}

/// Runs the engine over files; the engine as it stands at the end, with open alerts open.
///
/// # Errors
/// When the input cannot be read, or routes and keys do not fit together.
pub fn run(
    config: &Config,
    keys: &Keys,
    paths: &[PathBuf],
    watcher: &mut impl Watcher,
) -> Result<(Engine, Totals), Error> {
    let mut files = Files::open(paths)?;
    let attributor = build::attributor(config, keys).map_err(Error::Setup)?;
    let mut intake = Intake::new(Arc::new(build::decoder(config)), Arc::new(attributor));
    let mut engine = build::engine(config, keys).map_err(Error::Setup)?;
    let mut timeline = Timeline::new(timeline::Options { slice_ms: config.detect.slice_ms });
    for (partition, place) in files.places() {
        engine.name(partition, place.clone());
        timeline.opened(partition);
    }
    let pool = Pool::new(config.threads.unwrap_or(1));
    let mut judged = Judged { engine, pool, totals: Totals::default(), ids: Vec::new() };
    let mut clients = Distinct::default();
    // No clock: files are at their end only when they are read to it.
    let never = Moment(0);
    while let Some(partition) = timeline.furthest_behind() {
        match read(&mut files, partition)? {
            None => timeline.end(partition, 0, never),
            Some(batch) => {
                let (chunk, counts) = intake.take(&batch);
                judged.totals.counts.add(&counts);
                chunk
                    .lookups
                    .iter()
                    .for_each(|(_, it)| clients.insert(it.finest().map_or(0, |it| it.1)));
                timeline.feed(&chunk, never);
            }
        }
        judged.judge(&mut timeline, watcher);
        let (read, total) = files.progress();
        watcher.progress(read, total, judged.totals.counts.received);
    }
    judged.totals.clients = clients.count();
    judged.ids.sort_unstable();
    judged.ids.dedup();
    judged.totals.alerts = judged.ids.len() as u64;
    Ok((judged.engine, judged.totals))
}

fn read(files: &mut Files, of: Partition) -> Result<Option<crate::source::Batch>, files::Error> {
    files.next_batch(of)
}

struct Judged {
    engine: Engine,
    pool: Pool,
    totals: Totals,
    ids: Vec<String>,
}

impl Judged {
    fn judge(&mut self, timeline: &mut Timeline, watcher: &mut impl Watcher) {
        while let Some(cut) = timeline.cut(Moment(0)) {
            watcher.cut(&cut, &self.engine);
            for alert in self.engine.step(&cut, &self.pool).alerts {
                self.ids.push(alert.id.clone());
                watcher.alert(alert);
            }
        }
    }
}
