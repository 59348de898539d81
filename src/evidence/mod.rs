//! Evidence streams: one file a stream, each with its state, its update, its argument, its tests.
//!
//! A stream turns first contacts into a log e-value: the logarithm of how much better a harvest
//! explains what was seen than this client's honest rate does. Six streams draw a yes or no a
//! contact ([`cold`], [`miss`], [`walk`], [`monotone`], [`act`]; [`guess`] of repeats) and share
//! [`Cusum`]; [`volume`] compares counts with an expectation; [`hours`] knows when a client works and [`spread`] where
//! its people are, each as a [`regime`]. [`crowd`] reads a route's strangers as one client, and [`surge`] how many more of them there are than [`tide`] has seen; [`together`]
//! puts together what the children of a network say. [`ebb`] speaks against nobody: it says where
//! there is less to be seen than there was.
//! E-values may be averaged under any dependence between streams (arXiv 2409.19888), which is why
//! [`merge`] is a weighted mean; one of what it averages is a joint component, in which streams are added.
//!
//! Evidence is fixed point ([`Nats`], 1/1024 nat) and every logarithm comes from tables that are
//! built once from exact IEEE operations ([`math`]): the same log gives the same alert on every
//! machine, and the hot path holds no call into a math library.

pub mod act;
pub mod cold;
pub mod crowd;
mod cusum;
pub mod ebb;
pub mod guess;
pub mod hours;
pub mod math;
pub mod merge;
pub mod miss;
pub mod monotone;
mod polya;
mod rate;
pub mod regime;
pub mod spread;
pub mod surge;
pub mod tide;
pub mod together;
pub mod volume;
pub mod walk;

pub use cusum::{Cusum, Ladder, STEP_MAX};
pub use rate::{Daily, GROWTH_A_DAY, Rate, rate_of_step};

use crate::time::{HOUR_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// Evidence in 1/1024 nat.
pub type Nats = i32;
/// One nat.
pub const ONE_NAT: Nats = 1024;
/// The most a stream can hold: 63.999 nats, far above any threshold, in sixteen bits.
pub const NATS_MAX: Nats = u16::MAX as Nats;

/// A stream of evidence.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Stream {
    /// Records that nobody else reads.
    Cold,
    /// Ids that do not exist.
    Miss,
    /// Ids in rows.
    Walk,
    /// Ids that only rise, or only fall.
    Monotone,
    /// More subjects than expected.
    Volume,
    /// Failing checks of passes.
    Guess,
    /// Nothing follows, or no pass came before.
    Act,
    /// Hours in which it never works.
    Hours,
    /// People from elsewhere than its own.
    Spread,
}

/// How many streams there are.
pub const STREAMS: usize = 9;

impl Stream {
    /// Every stream, in the order of every array indexed by stream.
    pub const ALL: [Self; STREAMS] = [
        Self::Cold,
        Self::Miss,
        Self::Walk,
        Self::Monotone,
        Self::Volume,
        Self::Guess,
        Self::Act,
        Self::Hours,
        Self::Spread,
    ];

    /// The name in alerts, in `explain` and in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cold => cold::NAME,
            Self::Miss => miss::NAME,
            Self::Walk => walk::NAME,
            Self::Monotone => monotone::NAME,
            Self::Volume => volume::NAME,
            Self::Guess => guess::NAME,
            Self::Act => act::NAME,
            Self::Hours => hours::NAME,
            Self::Spread => spread::NAME,
        }
    }

    /// What it tells the person who was woken up.
    #[must_use]
    pub const fn pager_line(self) -> &'static str {
        match self {
            Self::Cold => cold::PAGER_LINE,
            Self::Miss => miss::PAGER_LINE,
            Self::Walk => walk::PAGER_LINE,
            Self::Monotone => monotone::PAGER_LINE,
            Self::Volume => volume::PAGER_LINE,
            Self::Guess => guess::PAGER_LINE,
            Self::Act => act::PAGER_LINE,
            Self::Hours => hours::PAGER_LINE,
            Self::Spread => spread::PAGER_LINE,
        }
    }

    /// Its place in arrays indexed by stream.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A number of nats as fixed point, rounded to the nearest and kept within what a stream holds.
#[must_use]
pub const fn nats(value: f64) -> Nats {
    let most = NATS_MAX as f64;
    let scaled = (value * ONE_NAT as f64).clamp(-most, most);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to seventeen bits above")]
    let fixed = (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as Nats;
    fixed
}

/// Hours in which a client's honest share of a day accrues: a shift.
const SHIFT_HOURS: f64 = 8.0;

/// What accrues between two moments of `nats_a_shift`. Counted from the same zero for everybody, so
/// that it does not matter how often one looks: rounding gap by gap made and lost evidence by
/// repeats.
fn accrued(nats_a_shift: f64, from: Moment, until: Moment) -> Nats {
    let a_ms = nats_a_shift * f64::from(ONE_NAT) / (SHIFT_HOURS * HOUR_MS as f64);
    let since = |at: Moment| (a_ms * at.0 as f64).floor();
    let accrued = (since(until) - since(from)).clamp(0.0, f64::from(NATS_MAX));
    #[expect(clippy::cast_possible_truncation, reason = "clamped to sixteen bits above")]
    let fixed = accrued as Nats;
    fixed
}

/// Fixed point as a number of nats.
#[must_use]
pub fn as_f64(value: Nats) -> f64 {
    f64::from(value) / f64::from(ONE_NAT)
}
