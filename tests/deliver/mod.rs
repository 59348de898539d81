//! Delivery against receivers that behave as the real ones do, and against the real ones.

pub(crate) mod alertmanager;
mod driver;
mod heartbeat;
mod jsm;
mod mail;
mod outbox;
pub(crate) mod pagerduty;
mod reach;
mod real_alertmanager;
pub(crate) mod sample;
pub(crate) mod scratch;
mod slack;
pub(crate) mod stand_in;
pub(crate) mod wait;
mod webhook;
