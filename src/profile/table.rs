//! The profiles of one logical shard, within a bound.

use super::frozen::{Frozen, Pages};
use super::index::Index;
use super::{Flag, Profile};
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};

/// An index into a shard's profiles.
pub type Slot = u32;

/// Profiles looked at when one must go: enough that a telling one is never the worst of them by
/// bad luck, few enough that a flood of new identities costs a constant.
const CANDIDATES: usize = 16;
/// Profiles of a block. A table that grows by blocks never moves a profile, and never has room for
/// twice as many as there are.
pub(super) const BLOCK: usize = 128;

/// Where a profile is, and how it came there.
#[derive(Clone, Copy, Debug)]
pub enum Opened {
    /// It was there.
    Known(Slot),
    /// It is new.
    Fresh(Slot),
    /// It is new, and the one that had this slot had to go.
    Instead(Slot),
}

/// The profiles of one shard. Never iterated in hash order.
#[derive(Clone, Debug)]
pub struct Table {
    index: Index,
    /// Blocks of [`BLOCK`] profiles, those of the last one blank from `length` on.
    blocks: Vec<Box<[Profile]>>,
    length: usize,
    capacity: usize,
    hand: usize,
    evicted: u64,
    /// How it stood at a cut, while that is being written down.
    frozen: Option<Box<Frozen>>,
}

/// What a table is besides its profiles.
#[derive(Clone, Copy, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct TableState {
    /// Profiles.
    pub length: u32,
    /// Where the next one to go is looked for.
    pub hand: u32,
    /// How many had to go.
    pub evicted: u64,
}

impl Table {
    /// An empty table of at most `capacity` profiles (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let (index, blocks) = (Index::default(), Vec::new());
        Self { index, blocks, length: 0, capacity, hand: 0, evicted: 0, frozen: None }
    }

    /// The slot of the profile with this id.
    #[must_use]
    pub fn find(&self, id: u64) -> Option<Slot> {
        self.index.find(id, |it| self.get(it).is_some_and(|it| it.id == id))
    }

    /// The profile in a slot.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Profile> {
        let at = slot as usize;
        self.blocks.get(at / BLOCK)?.get(at % BLOCK)
    }

    /// The profile in a slot.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Profile> {
        let at = slot as usize;
        if let Some(frozen) = &mut self.frozen {
            frozen.before(at, &self.blocks);
        }
        self.blocks.get_mut(at / BLOCK)?.get_mut(at % BLOCK)
    }

    /// The slot of the profile with this id, which begins at `at` where there is none: of this
    /// route, class and kind of key. Where no slot is left the least telling of sixteen profiles
    /// goes: first those without evidence, idle longest first; then the one with the least.
    pub fn entry(&mut self, id: u64, place: (u16, u8, u8), at: Moment) -> Opened {
        if let Some(known) = self.find(id) {
            return Opened::Known(known);
        }
        if self.length < self.capacity {
            let slot = Slot::try_from(self.length).unwrap_or(Slot::MAX);
            self.index.insert(id, slot);
            self.grow();
            if let Some(fresh) = self.get_mut(slot) {
                fresh.start(id, place, at);
            }
            return Opened::Fresh(slot);
        }
        let slot = self.worst();
        let Some(profile) = self.get_mut(slot) else { return Opened::Known(slot) };
        let gone = std::mem::replace(profile, Profile::new(id, place, at));
        self.index.remove(gone.id, slot);
        self.index.insert(id, slot);
        self.evicted += 1;
        Opened::Instead(slot)
    }

    /// Room for one more, blank: written a block at a time, and so in the cache, or
    /// [warmed](Self::warm), when its turn comes.
    fn grow(&mut self) {
        if self.length.is_multiple_of(BLOCK) {
            let more = BLOCK.min(self.capacity - self.length);
            self.blocks.push(vec![Profile::blank(); more].into());
        }
        self.length += 1;
    }

    /// Brings what [`find`](Self::find) reads first into the cache; what it returns only keeps the
    /// reading from being optimised away.
    #[must_use]
    pub fn warm_index(&self, id: u64) -> u64 {
        self.index.warm(id)
    }

    /// Brings a profile, or the place of the next new one, into the cache; what it returns only
    /// keeps the reading from being optimised away.
    #[must_use]
    pub fn warm(&self, slot: Option<Slot>) -> u64 {
        let next = || Slot::try_from(self.length).unwrap_or(Slot::MAX);
        self.get(slot.unwrap_or_else(next)).map_or(0, Profile::warm)
    }

    fn worst(&mut self) -> Slot {
        let start = self.hand;
        self.hand = (self.hand + CANDIDATES) % self.length;
        let candidates = (0..CANDIDATES).map(|it| (start + it) % self.length);
        let telling =
            |at: &Slot| self.get(*at).map(|it| (it.is(Flag::Firing), it.log_e >> 10, it.last));
        candidates.filter_map(|it| Slot::try_from(it).ok()).min_by_key(telling).unwrap_or(0)
    }

    /// Every profile, in the order of slots.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.blocks.iter().flat_map(|it| it.iter()).take(self.length)
    }

    /// How many profiles there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many had to go.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// From here on everything is kept as it is now until it is [taken](Self::take_frozen).
    pub fn freeze(&mut self) -> TableState {
        self.frozen = Some(Box::new(Frozen::new(self.length)));
        let small = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        TableState { length: small(self.length), hand: small(self.hand), evicted: self.evicted }
    }

    /// Profiles as they were when the table was frozen, about so many bytes of them, and those that
    /// changed since; `None` when all were taken.
    pub fn take_frozen(&mut self, bytes: usize) -> Option<Pages> {
        let taken = self.frozen.as_mut()?.take(bytes, &self.blocks);
        if taken.is_none() {
            self.frozen = None;
        }
        taken
    }

    /// Forgets that it was frozen.
    pub fn give_up_frozen(&mut self) {
        self.frozen = None;
    }

    /// A table with the profiles that were written down, less those that `keeps` refuses; where
    /// each of them is now, by the slot that it had. Of more than `capacity` the last are left out.
    /// `None` where a profile is missing.
    #[must_use]
    pub fn restore(
        capacity: usize,
        state: TableState,
        pages: &[Pages],
        keeps: impl Fn(&Profile) -> bool,
    ) -> Option<(Self, Vec<Option<Slot>>)> {
        let mut table = Self::new(capacity);
        let length = state.length as usize;
        let mut order: Vec<Option<&Profile>> = vec![None; length];
        for (slot, profile) in pages.iter().flat_map(Pages::by_slot) {
            order.get_mut(slot).into_iter().for_each(|it| *it = Some(profile));
        }
        let order: Vec<&Profile> = order.into_iter().collect::<Option<_>>()?;
        let mut moved = vec![None; length];
        let kept = order.into_iter().zip(&mut moved).filter(|it| keeps(it.0));
        for (profile, to) in kept.take(table.capacity) {
            let slot = Slot::try_from(table.length).unwrap_or(Slot::MAX);
            table.index.insert(profile.id, slot);
            table.grow();
            table.get_mut(slot).into_iter().for_each(|it| *it = *profile);
            *to = Some(slot);
        }
        table.hand = state.hand as usize % table.length.max(1);
        table.evicted = state.evicted;
        Some((table, moved))
    }

    /// Bytes of memory, index included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let profiles: usize = self.blocks.iter().map(|it| it.len()).sum();
        profiles * size_of::<Profile>() + self.index.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_lets_the_least_telling_go_and_counts_it() {
        let mut table = Table::new(8);
        for id in 1..=8_u64 {
            let Opened::Fresh(slot) = table.entry(id, (0, 0, 0), Moment(0)) else { panic!("{id}") };
            let profile = table.get_mut(slot).unwrap();
            profile.log_e = if id == 3 { 0 } else { 9_000 };
            profile.last = Moment(i64::try_from(id).unwrap());
        }
        let Opened::Instead(slot) = table.entry(99, (0, 0, 0), Moment(0)) else {
            panic!("there was room");
        };
        assert_eq!(table.get(slot).unwrap().id, 99);
        assert_eq!((table.len(), table.evicted(), table.find(3)), (8, 1, None));
        assert_eq!(table.find(99), Some(slot));
    }

    #[test]
    fn a_profile_stays_where_it_is_while_thousands_are_added() {
        let mut table = Table::new(1_000);
        for id in 1..=1_000_u64 {
            table.entry(id, (7, 2, 5), Moment(0));
        }
        for id in 1..=1_000_u64 {
            let Opened::Known(slot) = table.entry(id, (0, 0, 0), Moment(0)) else { panic!("{id}") };
            let profile = table.get(slot).unwrap();
            assert_eq!((profile.id, profile.route, profile.class, profile.kind), (id, 7, 2, 5));
        }
        assert_eq!(table.len(), 1_000);
    }
}
