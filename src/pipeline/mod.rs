//! Wires the stages, owns threads and shutdown; the only module that knows them all.

pub mod backtest;
pub mod build;
mod intake;
mod keys;
mod lanes;

pub use crate::telemetry::Counts;
pub use build::Keys;
pub use intake::Intake;
pub use lanes::Pool;
