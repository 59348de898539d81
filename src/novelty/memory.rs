//! Who saw whom, in two generations.

use super::Filter;
use crate::time::{DAY_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// What novelty is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Pairs of client and subject that a generation of one shard holds.
    pub pairs_max: u64,
    /// Records that a generation of one shard holds.
    pub records_max: u64,
    /// How long a pair is remembered at least, in milliseconds; at most twice that.
    pub pair_horizon_ms: i64,
    /// How long a record is remembered at least, in milliseconds; at most twice that.
    pub record_horizon_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pairs_max: 1 << 18,
            records_max: 1 << 17,
            pair_horizon_ms: 7 * DAY_MS,
            record_horizon_ms: DAY_MS,
        }
    }
}

/// What novelty knows of a lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The finest key had not touched this subject: a first contact.
    pub novel: bool,
    /// Nobody had touched this record within its horizon.
    pub cold: bool,
    /// Memory was cut short: the contact carries no evidence of breadth.
    pub weightless: bool,
}

/// Counters of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stats {
    /// First contacts.
    pub novel: u64,
    /// Generations of pairs given up because they were full.
    pub forced_pairs: u64,
    /// Generations of records given up because they were full.
    pub forced_records: u64,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Generations {
    current: Filter,
    previous: Filter,
    period: i64,
    horizon_ms: i64,
    /// What a generation that begins is made for.
    capacity: u64,
}

impl Generations {
    fn new(capacity: u64, horizon_ms: i64) -> Self {
        let filter = Filter::new(capacity);
        let capacity = filter.capacity();
        Self { previous: filter.clone(), current: filter, period: i64::MIN, horizon_ms, capacity }
    }

    /// Gives up what is older than the horizon; whether the generation had to go for want of room.
    fn rotate(&mut self, at: Moment) -> bool {
        let period = at.index(self.horizon_ms);
        let forced = self.current.is_full();
        if self.period != i64::MIN && (period > self.period || forced) {
            std::mem::swap(&mut self.current, &mut self.previous);
            if self.current.capacity() == self.capacity {
                self.current.clear();
            } else {
                self.current = Filter::new(self.capacity);
            }
            if period > self.period.saturating_add(1) {
                self.previous.clear();
            }
        }
        self.period = self.period.max(period);
        forced
    }

    /// Goes on with another's memory, with its own bounds from the next generation on. Where the
    /// horizon is another, generations are counted anew.
    fn go_on(&mut self, kept: Self) {
        let period = if kept.horizon_ms == self.horizon_ms { kept.period } else { i64::MIN };
        *self = Self { current: kept.current, previous: kept.previous, period, ..*self };
    }

    fn warm(&self, hash: u64) -> u64 {
        self.previous.warm(hash) ^ self.current.warm(hash)
    }

    /// Whether the hash is remembered; it is from now on.
    fn touch(&mut self, hash: u64) -> bool {
        let before = self.previous.contains(hash);
        self.current.insert(hash) || before
    }
}

/// The memory of one logical shard of subjects.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Novelty {
    pairs: Generations,
    records: Generations,
    /// First contacts carry no weight before this moment.
    weightless_until: Moment,
    stats: Stats,
}

impl Novelty {
    /// An empty memory.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            pairs: Generations::new(options.pairs_max, options.pair_horizon_ms),
            records: Generations::new(options.records_max, options.record_horizon_ms),
            weightless_until: Moment(i64::MIN),
            stats: Stats::default(),
        }
    }

    /// Goes on with a memory that was written down.
    pub fn go_on(&mut self, kept: Self) {
        self.pairs.go_on(kept.pairs);
        self.records.go_on(kept.records);
        (self.weightless_until, self.stats) = (kept.weightless_until, kept.stats);
    }

    /// Called at every cut before its lookups, with the end of its slice.
    pub fn rotate(&mut self, at: Moment) {
        if self.pairs.rotate(at) {
            self.stats.forced_pairs += 1;
            self.weightless_until = at.plus(self.pairs.horizon_ms);
        }
        if self.records.rotate(at) {
            self.stats.forced_records += 1;
        }
    }

    /// Brings what [`Novelty::contact`] will ask for into the cache; what it returns only keeps the
    /// reading from being optimised away.
    #[must_use]
    pub fn warm(&self, pair: u64, record: u64) -> u64 {
        self.pairs.warm(pair) ^ self.records.warm(record)
    }

    /// What is known of a lookup, which is known from now on. `pair` is a hash of route, finest
    /// key and subject.
    pub fn contact(&mut self, pair: u64, record: u64, at: Moment) -> Contact {
        let novel = !self.pairs.touch(pair);
        let cold = !self.records.touch(record);
        self.stats.novel += u64::from(novel);
        Contact { novel, cold, weightless: at < self.weightless_until }
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        2 * (self.pairs.current.bytes() + self.records.current.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(pairs_max: u64) -> Novelty {
        let mut memory = Novelty::new(&Options { pairs_max, ..Options::default() });
        memory.rotate(Moment(0));
        memory
    }

    #[test]
    fn a_pair_is_new_once_and_again_after_two_horizons() {
        let mut memory = memory(1_000);
        assert!(memory.contact(7, 7, Moment(0)).novel);
        assert!(!memory.contact(7, 7, Moment(0)).novel);
        memory.rotate(Moment(8 * DAY_MS));
        assert!(!memory.contact(7, 8, Moment(0)).novel);
        memory.rotate(Moment(30 * DAY_MS));
        assert!(memory.contact(7, 9, Moment(0)).novel);
    }

    #[test]
    fn a_record_is_cold_again_after_two_days() {
        let mut memory = memory(1_000);
        assert!(memory.contact(1, 5, Moment(0)).cold);
        assert!(!memory.contact(2, 5, Moment(0)).cold);
        memory.rotate(Moment(DAY_MS));
        memory.rotate(Moment(2 * DAY_MS));
        assert!(memory.contact(3, 5, Moment(0)).cold);
    }

    #[test]
    fn a_flood_of_junk_takes_the_weight_from_first_contacts_for_one_horizon() {
        let mut memory = memory(64);
        for hash in 0..80_u64 {
            memory.contact(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1, Moment(0));
        }
        memory.rotate(Moment(1_000));
        assert_eq!(memory.stats().forced_pairs, 1);
        assert!(memory.contact(1, 1, Moment(1_000)).weightless);
        memory.rotate(Moment(8 * DAY_MS));
        assert!(!memory.contact(2, 1, Moment(8 * DAY_MS)).weightless);
    }
}
