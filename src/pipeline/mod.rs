//! Wires the stages, owns threads and shutdown; the only module that knows them all.

pub mod backtest;
pub mod blind;
pub mod build;
mod distinct;
mod intake;
mod judged;
pub mod judging;
pub mod keeper;
mod keys;
mod lanes;
pub mod lists;
mod order;
pub mod receivers;
pub mod recover;
pub mod run;
pub mod strays;
pub mod supervisor;
pub mod surveyor;
mod waits;
pub mod watch;
pub mod workers;

pub use crate::telemetry::Counts;
pub use build::Keys;
pub(crate) use distinct::Distinct;
pub use intake::Intake;
pub use lanes::Pool;
pub use order::Order;
pub use strays::Strays;
