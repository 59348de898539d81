//! The fixed-size state of one (client key, route), and what it is measured against.
//!
//! A [`Profile`] is `Copy`, holds no pointer and is composed of the streams' own states; its size
//! is asserted at compile time, because it times the number of clients is the memory that an
//! attacker who rotates identities can ask for. [`Table`] keeps the profiles of one logical shard
//! within a bound and evicts the least telling; [`Baselines`] holds what classes teach.

mod baseline;
mod busy;
mod by_place;
mod by_route;
mod by_trust;
mod day;
mod dispersion;
mod frozen;
mod index;
mod sketch;
mod state;
mod table;
mod usual;

pub use baseline::{
    Baselines, ClassSpec, Learned, Lesson, RATES, SESSION_IDLE_MS, SESSION_LIFE_MS,
};
pub use busy::{Factors, Pulses};
pub use by_place::{ByKin, ByPlace, NO_CLASS, Past};
pub use day::{ByClass, DOUBT, Priors, Setting, Teaches};
pub use dispersion::Dispersion;
pub use frozen::Pages;
pub use sketch::{Large, Small};
pub use state::{Episode, Flag, PROFILE_BYTES_MAX, Profile, Tally};
pub use table::{Opened, Slot, Table, TableState};
pub use usual::Usual;
