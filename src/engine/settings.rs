//! What an engine is built from.

use crate::judge::{Levels, Limits, RouteRules, WatchList};
use crate::novelty;
use std::sync::Arc;

/// Logical shards, whatever the number of threads: enough for the cores of one machine, few
/// enough that the fixed cost of a shard does not count.
pub const SHARDS: usize = 64;

/// What an engine is built from; `config` fills it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The routes.
    pub routes: Vec<RouteRules>,
    /// The levels of evidence.
    pub levels: Levels,
    /// An alert resolves after this many milliseconds without evidence.
    pub resolve_after_ms: i64,
    /// An open alert is told again when its records out have grown this many times.
    pub update_factor: f64,
    /// Subjects whose look-up is a page.
    pub watch_list: Arc<WatchList>,
    /// Length of a slice in milliseconds.
    pub slice_ms: i64,
    /// The bounds and horizons of novelty, of one shard.
    pub novelty: novelty::Options,
    /// The bounds of one shard of clients.
    pub limits: Limits,
    /// The key of alert identities.
    pub alert_key: (u64, u64),
}
