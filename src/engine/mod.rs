//! The stages from novelty to alert as one pure function: cuts in, alert changes out.
//!
//! No clock, no input or output, no randomness, no order of hashing or of threads. State lives in
//! [`SHARDS`] logical shards, always, and every bound is a shard's own: otherwise the number of
//! threads would decide who is evicted. A cut passes them three times: novelty by subject, then
//! the finest keys by client, then the addresses above them. Within a pass shards do not know of
//! each other, so [`Lanes`] may spread them over threads; what is learned across shards is merged
//! in shard order when an hour of record time ends.

mod index;
mod lanes;
mod pass;
mod progress;
mod settings;
mod shares;
mod snapshot;
mod standing;
mod step;
mod turns;

pub use lanes::{Lanes, Serial};
pub use progress::{Drawn, Progress};
pub use settings::{SHARDS, Settings};
pub use snapshot::{Section, Unfit};
pub use step::{Engine, Outputs, Stats};
