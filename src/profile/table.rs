//! The profiles of one logical shard, within a bound.

use super::{Flag, Profile};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// An index into a shard's profiles.
pub type Slot = u32;

/// Profiles looked at when one must go: enough that a telling one is never the worst of them by
/// bad luck, few enough that a flood of new identities costs a constant.
const CANDIDATES: usize = 16;

/// Keys are keyed hashes already; hashing them again would buy nothing.
#[derive(Clone, Copy, Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A profile that had to go.
#[derive(Clone, Copy, Debug)]
pub struct Evicted {
    /// Its slot, which the new profile has now.
    pub slot: Slot,
    /// What it was.
    pub profile: Profile,
}

/// The profiles of one shard. Never iterated in hash order.
#[derive(Clone, Debug)]
pub struct Table {
    index: HashMap<u64, Slot, BuildHasherDefault<AsIs>>,
    profiles: Vec<Profile>,
    capacity: usize,
    hand: usize,
    evicted: u64,
}

impl Table {
    /// An empty table of at most `capacity` profiles (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { index: HashMap::default(), profiles: Vec::new(), capacity, hand: 0, evicted: 0 }
    }

    /// The slot of the profile with this id.
    #[must_use]
    pub fn find(&self, id: u64) -> Option<Slot> {
        self.index.get(&id).copied()
    }

    /// The profile in a slot.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Profile> {
        self.profiles.get(slot as usize)
    }

    /// The profile in a slot.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Profile> {
        self.profiles.get_mut(slot as usize)
    }

    /// The slot of the profile with this id, which `make` makes where there is none. Where no
    /// slot is left the least telling of sixteen profiles goes: first those without
    /// evidence, idle longest first; then the one with the least.
    pub fn entry(&mut self, id: u64, make: impl FnOnce() -> Profile) -> (Slot, Option<Evicted>) {
        if let Some(slot) = self.find(id) {
            return (slot, None);
        }
        if self.profiles.len() < self.capacity {
            let slot = Slot::try_from(self.profiles.len()).unwrap_or(Slot::MAX);
            self.profiles.push(make());
            self.index.insert(id, slot);
            return (slot, None);
        }
        let worst = self.worst();
        let slot = Slot::try_from(worst).unwrap_or(Slot::MAX);
        let Some(place) = self.profiles.get_mut(worst) else { return (0, None) };
        let profile = std::mem::replace(place, make());
        self.index.remove(&profile.id);
        self.index.insert(id, slot);
        self.evicted += 1;
        (slot, Some(Evicted { slot, profile }))
    }

    fn worst(&mut self) -> usize {
        let start = self.hand;
        self.hand = (self.hand + CANDIDATES) % self.profiles.len();
        let candidates = (0..CANDIDATES).map(|it| (start + it) % self.profiles.len());
        let telling = |at: &usize| {
            self.profiles.get(*at).map(|it| (it.is(Flag::Firing), it.log_e >> 10, it.last))
        };
        candidates.min_by_key(telling).unwrap_or(0)
    }

    /// How many profiles there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// How many had to go.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Bytes of memory, index included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.profiles.capacity() * size_of::<Profile>() + self.index.capacity() * 17
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    #[test]
    fn a_full_table_lets_the_least_telling_go_and_counts_it() {
        let mut table = Table::new(8);
        for id in 1..=8_u64 {
            let (slot, _) = table.entry(id, || Profile::new(id, (0, 0, 0), Moment(0)));
            let profile = table.get_mut(slot).unwrap();
            profile.log_e = if id == 3 { 0 } else { 9_000 };
            profile.last = Moment(i64::try_from(id).unwrap());
        }
        let (_, evicted) = table.entry(99, || Profile::new(99, (0, 0, 0), Moment(0)));
        assert_eq!(evicted.unwrap().profile.id, 3);
        assert_eq!((table.len(), table.evicted(), table.find(3)), (8, 1, None));
        assert!(table.find(99).is_some());
    }
}
