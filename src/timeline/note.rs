//! What darban has to say of itself: no look-up tells it, so the journal has to.
//!
//! An alert about a gap in the log is as much an alert as any: it is told once, survives a kill, and a
//! backtest with the journal tells it again. So it takes its place among the cuts.

use crate::source::{Partition, Place};
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, VecDeque};

use super::{CutRow, Reading};

/// Something that happened to darban and not on the portal.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Note {
    /// Our clock when it was noticed.
    pub at: Moment,
    /// What it was.
    pub what: Noted,
}

/// See [`Note`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Noted {
    /// Records that nobody can read any more.
    Gap {
        /// Of which partition.
        place: Place,
        /// The first offset that is missing.
        first: i64,
        /// How many are missing; `None` where the log was cut short or made anew.
        missing: Option<u64>,
    },
    /// Snapshots that could not be read when darban started.
    StateRefused {
        /// How many.
        snapshots: u32,
        /// There was none that could: every baseline is learned anew.
        cold: bool,
    },
    /// Something is wrong with darban while it runs, or no longer.
    Trouble {
        /// What.
        trouble: Trouble,
        /// Since when.
        since: Moment,
        /// What there is of it: records, minutes, notifications.
        count: u64,
        /// Of how many, where that says more.
        of: u64,
        /// It is over.
        over: bool,
    },
}

/// What can be wrong with darban while it runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Trouble {
    /// Records are read, and there is no look-up in any.
    NoLookups,
    /// Too many records cannot be read.
    Refusing,
    /// Filters were full before their time.
    Forgetting,
    /// Look-ups are judged late.
    Behind,
    /// A receiver takes nothing.
    ReceiverFailing {
        /// Which one.
        name: String,
    },
    /// A route has far fewer look-ups than at these hours before.
    RunDry {
        /// Which one.
        route: String,
    },
}

impl Trouble {
    /// That a route has run dry.
    #[must_use]
    pub fn run_dry(route: &str) -> Self {
        Self::RunDry { route: route.to_owned() }
    }

    /// The trouble by its name alone.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoLookups => "no_lookups",
            Self::Refusing => "refusing",
            Self::Forgetting => "forgetting",
            Self::Behind => "behind",
            Self::ReceiverFailing { .. } => "receiver_failing",
            Self::RunDry { .. } => "run_dry",
        }
    }
}

/// What journals say, by what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The partitions that got their index, each with the first offset that was read of it.
    pub places: BTreeMap<Partition, (Place, i64)>,
    /// Record times that were taken from our clock.
    pub readings: Vec<Reading>,
    /// Cuts in order.
    pub cuts: Vec<CutRow>,
    /// Notes in order, each with how many of the cuts came before it.
    pub notes: Vec<(usize, Note)>,
}

/// Notes that were not taken yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    again: VecDeque<(usize, Note)>,
    fresh: Vec<Note>,
    /// What the process before told since its snapshot.
    known: Vec<Noted>,
}

impl Notes {
    /// Those of the process before, to be taken again among its cuts.
    pub(super) fn again(notes: Vec<(usize, Note)>) -> Self {
        let known = notes.iter().map(|it| it.1.what.clone()).collect();
        Self { again: notes.into(), fresh: Vec::new(), known }
    }

    /// A gap that is found again because we begin before it again is no news.
    pub(super) fn add(&mut self, note: Note) {
        let is_gap = matches!(note.what, Noted::Gap { .. });
        if !(is_gap && self.known.contains(&note.what)) {
            self.fresh.push(note);
        }
    }

    /// The next one of the process before, once so many of its cuts are made again.
    pub(super) fn next_again(&mut self, made: usize) -> Option<Note> {
        self.again.pop_front_if(|it| it.0 <= made).map(|it| it.1)
    }

    pub(super) fn fresh(&self) -> impl Iterator<Item = &Note> {
        self.fresh.iter()
    }

    pub(super) fn take_fresh(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.fresh)
    }
}
