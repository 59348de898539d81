//! What delivery counts, for the metric catalogue and the readiness page.

use crate::time::Moment;

/// What one target took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// The receiver's name; replicas of several are numbered from 1 (`am/2`).
    pub receiver: String,
    /// Notifications that arrived.
    pub sent: u64,
    /// Attempts that failed and were or will be repeated.
    pub retried: u64,
    /// Notifications that will never arrive: refused for good, or tickets a day old.
    pub dead: u64,
    /// Notifications that the budget held back.
    pub budgeted: u64,
    /// Notifications that wait.
    pub waiting: usize,
    /// It has said that it wants no more.
    pub gone: bool,
    /// When an attempt last succeeded, by the run's clock.
    pub last_success: Option<Moment>,
    /// When an attempt last failed, by the run's clock.
    pub last_failure: Option<Moment>,
}

/// What delivery did since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// One a target, in the order of the configuration.
    pub receivers: Vec<ReceiverStats>,
    /// Changes that a silence held back.
    pub silenced: u64,
    /// Changes that were found in a backlog.
    pub late: u64,
    /// Notifications that waited in the outbox for a receiver that is not configured any more.
    pub orphaned: u64,
    /// Rows of the outbox that could not be read at start.
    pub outbox_damaged: u64,
    /// Writes to the outbox that the disk refused.
    pub outbox_failures: u64,
    /// Bytes in the outbox.
    pub outbox_bytes: u64,
}
