//! What became of records: counted by the workers, added up by whoever publishes.

use crate::attribute::Skip;
use crate::decode::{Format, Refusal};
use std::collections::BTreeMap;

/// What became of records, since the counts were last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of the log.
    pub received: u64,
    /// Access records beyond the first of each record of the log: received and unwrapped together
    /// are decoded and refused together.
    pub unwrapped: u64,
    /// Access records decoded, by format.
    pub decoded: BTreeMap<Format, u64>,
    /// Access records refused, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Access records that gave no lookup, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// Lookups, by route index.
    pub lookups: BTreeMap<u16, u64>,
}

impl Counts {
    /// Adds another batch's.
    pub fn add(&mut self, other: &Self) {
        fn sum<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (key, count) in from {
                *into.entry(*key).or_default() += count;
            }
        }
        self.received += other.received;
        self.unwrapped += other.unwrapped;
        sum(&mut self.decoded, &other.decoded);
        sum(&mut self.refused, &other.refused);
        sum(&mut self.skipped, &other.skipped);
        sum(&mut self.lookups, &other.lookups);
    }

    /// All records decoded.
    #[must_use]
    pub fn decoded_total(&self) -> u64 {
        self.decoded.values().sum()
    }

    /// All lookups.
    #[must_use]
    pub fn lookups_total(&self) -> u64 {
        self.lookups.values().sum()
    }
}
