//! Metrics of what is kept: snapshots and the journal of cuts.

use super::Telemetry;
use super::catalogue::{Metric, counter, gauge};
use crate::state;
use crate::time::{Moment, SECOND_MS};

pub(super) const SNAPSHOTS: Metric = counter(
    "darban_snapshots_total",
    &["outcome"],
    "Snapshots of what was learned, by outcome: written or failed.",
    "failed: free or mend the disk; a kill then costs what was learned since the last one.",
);
pub(super) const SNAPSHOT_BYTES: Metric = gauge(
    "darban_snapshot_bytes",
    &[],
    "Bytes of the last snapshot; two are kept.",
    "Room for three of them must be free.",
);
pub(super) const SNAPSHOT_TIME: Metric = gauge(
    "darban_snapshot_timestamp_seconds",
    &[],
    "When the last snapshot was begun, in seconds since 1970.",
    "Older than a few minutes while look-ups are judged: see darban_snapshots_total and the log.",
);
pub(super) const SNAPSHOT_PAUSE: Metric = gauge(
    "darban_snapshot_pause_seconds",
    &[],
    "The longest that judging stood still for a snapshot since the start.",
    "Above a tenth of a second: fewer profiles_max, or more memory bandwidth.",
);
pub(super) const JOURNAL_FAILURES: Metric = counter(
    "darban_journal_failures_total",
    &[],
    "Writes to the journal of cuts that the disk refused; alerts leave all the same.",
    "Free or mend the disk: after a kill alerts may be found once more under other identities.",
);

pub(super) const OUTCOMES: [&str; 2] = ["written", "failed"];

impl Telemetry {
    /// What is kept, where anything is.
    pub fn publish_state(&self, stats: &state::Stats) {
        for (outcome, total) in OUTCOMES.into_iter().zip([stats.written, stats.failed]) {
            self.series.total(&SNAPSHOTS, &[outcome], total);
        }
        self.series.set(&SNAPSHOT_BYTES, &[], stats.bytes as f64);
        let Moment(made_ms) = stats.made_at.unwrap_or(Moment(0));
        self.series.set(&SNAPSHOT_TIME, &[], made_ms as f64 / SECOND_MS as f64);
        self.series.set(&SNAPSHOT_PAUSE, &[], stats.pause_us as f64 / 1_000_000.0);
        self.series.total(&JOURNAL_FAILURES, &[], stats.journal_failures);
    }
}
