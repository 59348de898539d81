//! Wires the stages, owns threads and shutdown; the only module that knows them all.

mod lanes;

pub use lanes::Pool;
