//! Delivery against receivers that behave as the real ones do, and against the real ones.

pub(crate) mod alertmanager;
mod driver;
mod outbox;
pub(crate) mod pagerduty;
mod reach;
mod real_alertmanager;
pub(crate) mod sample;
pub(crate) mod scratch;
pub(crate) mod wait;
