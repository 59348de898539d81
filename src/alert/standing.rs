//! An open alert as it outlives the process: what a restart needs to know it again.
//!
//! A snapshot has the open alerts, but it may be damaged, or of an older configuration. Open alerts
//! must not be forgotten even then: a harvest that goes on would page a second time under another
//! identity, and one that ended while nobody looked would stay open for ever. So every change of an alert leaves this beside its notifications, before the offsets
//! behind it are committed. Keys are the keyed hashes that the engine judges by; names stand in
//! the alert already.

use super::change::{Alert, Status};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Records out by one judged profile.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
pub struct KeyRecords {
    /// The judged key and its route, as one.
    pub key: u64,
    /// Distinct records.
    pub estimate: u64,
    /// Half a 95 % interval.
    pub error: u64,
}

/// An alert and the keys that it is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// As of its last change.
    pub alert: Alert,
    /// The judged profiles in it.
    pub records: Vec<KeyRecords>,
    /// The hashes of its clients, in their order.
    pub members: Vec<u64>,
}

impl Standing {
    /// Whether there is something to go on with.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.alert.status != Status::Resolved
    }
}

impl KeyRecords {
    /// What left in all, when `self` was counted by a process that ended and `after` by the next,
    /// which may have met the same records again: between the larger of the two and their sum,
    /// told as the middle with half the width between.
    #[must_use]
    pub fn and(self, after: (u64, u64)) -> (u64, u64) {
        let least = |(estimate, error): (u64, u64)| estimate.saturating_sub(error);
        let before = (self.estimate, self.error);
        let low = least(before).max(least(after));
        let high = before.0 + before.1 + after.0 + after.1;
        let half = (high - low).div_ceil(2);
        (low + half, half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_before_and_after_a_restart_are_told_with_what_is_not_known() {
        let before = KeyRecords { key: 1, estimate: 100, error: 10 };
        assert_eq!(before.and((0, 0)), (100, 10));
        assert_eq!(before.and((50, 0)), (125, 35));
        assert_eq!(KeyRecords { error: 0, ..before }.and((0, 0)), (100, 0));
        assert_eq!(before.and((400, 20)), (455, 75));
    }

    #[test]
    fn a_standing_alert_comes_back_from_its_row_as_it_was() {
        let standing = Standing {
            alert: super::super::sample::alert(),
            records: vec![KeyRecords { key: u64::MAX, estimate: 7, error: 1 }],
            members: vec![u64::MAX - 1],
        };
        let row = serde_json::to_string(&standing).unwrap();
        assert_eq!(serde_json::from_str::<Standing>(&row).unwrap(), standing);
    }
}
