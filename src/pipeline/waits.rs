//! How long nothing came: after a start, and after an outage. It is the first thing that somebody asks
//! who looks at the log of either.

use super::workers::Fact;
use crate::source::kafka::FaultKind;
use crate::time::{Moment, SECOND_MS};

/// What records are waited for after.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waits {
    /// A start, then.
    FirstRecord(Moment),
    /// No broker has answered, then.
    Outage(Moment),
    /// Nothing.
    No,
}

impl Waits {
    /// Kafka is in trouble.
    pub(super) fn begin(&mut self, fault: FaultKind, now: Moment) {
        if matches!((*self, fault), (Self::No, FaultKind::Unreachable)) {
            *self = Self::Outage(now);
        }
    }

    /// Where records are there, says how long that took. Our clock runs `factor` times as fast as a
    /// real one.
    pub(super) fn hear(&mut self, fact: &Fact, now: Moment, factor: i64) {
        if !matches!(fact, Fact::Chunk(..)) {
            return;
        }
        let ms = |since: Moment| now.since(since) / factor;
        match std::mem::replace(self, Self::No) {
            Self::FirstRecord(since) => {
                tracing::info!("the first record came {} ms after the start", ms(since));
            }
            // What was fetched before still comes.
            Self::Outage(since) if ms(since) >= SECOND_MS => {
                tracing::info!("records come again, {} ms after no broker answered", ms(since));
            }
            Self::Outage(_) | Self::No => {}
        }
    }
}
