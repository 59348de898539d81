//! What darban says about itself: one catalogue of metrics, and the log.
//!
//! Stages count in plain structs of their own and know nothing of Prometheus; `publish` carries
//! those structs into the series of the catalogue. So a pure module stays pure, a metric has one
//! name in one place, and dashboards and rules are tested against that place.

pub mod catalogue;
mod counts;
mod kept;
pub mod logs;
mod open;
mod publish;
mod series;

pub use counts::Counts;
pub use open::SHOWN_MAX;
pub use publish::{Lag, Telemetry};
