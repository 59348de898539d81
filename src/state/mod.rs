//! State that outlives the process: the snapshot and the journal of cuts.
//!
//! Kafka's log is the log of changes; what lies here is a state at one cut and which cuts followed
//! it. A restart loads the last snapshot, reads Kafka from where that stands and makes the same cuts
//! again, so that the same alerts come out of it under the same identities, and the outbox knows
//! which of them were told. Two generations are kept: one that a disk has damaged is refused with
//! words, and the one before it is as good, because its journals are kept too.
//!
//! Snapshots are encrypted and authenticated (`seal.rs`): open runs hold positions in the id space,
//! which are as good as ids. The journal has offsets and times only, and a keyed checksum a row, so
//! that a torn end is told from a forged one.

mod directory;
mod journal;
mod meta;
mod seal;

pub use directory::{Directory, Ours, Sections, Written};
pub use journal::{Journal, Row};
pub use meta::{Layout, Meta};
pub use seal::{Key, Refusal, VERSION};

use crate::time::Moment;

/// Counters and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Snapshots that were written.
    pub written: u64,
    /// Snapshots that were not.
    pub failed: u64,
    /// Bytes of the last one.
    pub bytes: u64,
    /// Our clock when the last one was begun.
    pub made_at: Option<Moment>,
    /// How long the longest pause of judging for it was, in microseconds.
    pub pause_us: u64,
    /// Times that the journal could not be written.
    pub journal_failures: u64,
}
