//! Wires the stages, owns threads and shutdown; the only module that knows them all.

mod intake;
mod lanes;

pub use intake::{Counts, Intake};
pub use lanes::Pool;
