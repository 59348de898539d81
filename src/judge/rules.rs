//! What a contact is judged by: tables, weights and levels, fixed at start.

use super::WatchList;
use crate::attribute::RouteClass;
use crate::evidence::merge::Weights;
use crate::evidence::{Ladder, Nats, STREAMS, act, cold, guess, miss, monotone, together, walk};
use crate::profile::ClassSpec;
use std::sync::Arc;

/// The levels of `ln E`, in 1/1024 nat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// From here on it is a page: `H = ln(contacts a week / pages a week)`.
    pub page: Nats,
    /// From here on it is a ticket: `H - ln 100`.
    pub ticket: Nats,
    /// A ticket with this many records out is a page.
    pub records_page: u64,
}

/// What a route is judged by.
#[derive(Clone, Debug)]
pub struct RouteRules {
    /// Its name.
    pub name: Arc<str>,
    /// What it serves.
    pub class: RouteClass,
    /// Whether its ids have an order: streams `walk` and `monotone` are live.
    pub ordered: bool,
    /// Whether it is a list whose pages are told by cursors: they have no order that anybody could
    /// read, but who has one got it with the page before.
    pub by_cursor: bool,
    /// Whether its ids are national ids led by a date.
    pub national: bool,
    /// Whether the log says where its people are; else their ids may.
    pub names_regions: bool,
    /// Whether families hold adjacent ids.
    pub households: bool,
    /// What its clients could do besides looking up.
    pub acts: Acts,
    /// Weights of its live streams.
    pub weights: Weights,
    /// Whether its alerts are shown and never paged.
    pub observe: bool,
    /// The classes as they start on this route, by class index.
    pub classes: Vec<ClassSpec>,
    /// Whether alerts of a class are shown and never paged, by class index.
    pub class_observe: Vec<bool>,
}

impl RouteRules {
    /// Whether the configuration shows alerts of a class and never pages them.
    #[must_use]
    pub fn observes(&self, class: u8) -> bool {
        self.class_observe.get(usize::from(class)).copied().unwrap_or(false)
    }
}

/// What a portal's clients could do besides looking people up, by its configured routes: without
/// any of it, that nothing was done says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acts {
    /// It has routes of class `write`.
    pub follow: bool,
    /// It has routes that check passes.
    pub passes: bool,
}

/// Weights in parts, streams cold, miss, walk, monotone, volume, guess, act, hours, spread, and the joint component,
/// renormalised over what is live. On a register `cold` has the two parts of the design's `joint` besides
/// its own three, since it is read together with the counts ([`crate::evidence::cold::with_volume`]). `act` keeps its ninth
/// where nobody can act: a route that somebody adds must not move the level of all others.
#[must_use]
pub fn weights_of(class: RouteClass, ordered: bool) -> Weights {
    let (mut parts, joint): ([f64; STREAMS], f64) = match class {
        RouteClass::Register => ([5.0, 2.0, 2.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        RouteClass::Personal => ([0.0, 2.0, 2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 6.0),
        RouteClass::List => ([0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        RouteClass::PassRequest => ([0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        RouteClass::PassCheck => ([0.0, 2.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0], 0.0),
        RouteClass::Write | RouteClass::Public => {
            ([0.0, 1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0], 0.0)
        }
    };
    if !ordered {
        let [_, _, walk, monotone, ..] = &mut parts;
        (*walk, *monotone) = (0.0, 0.0);
    }
    Weights::new(parts, joint)
}

/// Everything that stays the same while the engine runs.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The routes, by route index.
    pub routes: Vec<RouteRules>,
    /// The levels.
    pub levels: Levels,
    /// An alert resolves after this many milliseconds without evidence.
    pub resolve_after_ms: i64,
    /// An alert's picture has changed when its records have grown this many times.
    pub update_factor: f64,
    /// Subjects whose look-up is a page.
    pub watch_list: Arc<WatchList>,
    pub(super) cold: Ladder<{ cold::ALTERNATIVES }>,
    pub(super) guess: Ladder<{ guess::ALTERNATIVES }>,
    pub(super) act: Ladder<{ act::ALTERNATIVES }>,
    pub(super) miss: Ladder<{ miss::ALTERNATIVES }>,
    pub(super) walk: Ladder<{ walk::ALTERNATIVES }>,
    pub(super) household: Ladder<{ walk::ALTERNATIVES }>,
    pub(super) monotone: Ladder<{ monotone::ALTERNATIVES }>,
    pub(super) together: together::Table,
}

impl Rules {
    /// Builds the tables.
    #[must_use]
    pub fn new(
        routes: Vec<RouteRules>,
        levels: Levels,
        (resolve_after_ms, update_factor): (i64, f64),
        watch_list: Arc<WatchList>,
    ) -> Self {
        Self {
            routes,
            levels,
            resolve_after_ms,
            update_factor,
            watch_list,
            cold: cold::ladder(),
            guess: guess::ladder(),
            act: act::ladder(),
            miss: miss::ladder(),
            walk: walk::ladder(),
            household: walk::household_ladder(),
            monotone: monotone::ladder(),
            together: together::Table::new(),
        }
    }
}

/// Whether an alert is worth telling again: `told` records out the last time, `now` by now.
#[must_use]
pub fn has_grown(told: u64, now: u64, factor: f64) -> bool {
    now > told && now as f64 >= told.max(1) as f64 * factor
}
