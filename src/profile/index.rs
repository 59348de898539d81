//! Where the profile of an id is: open addressing, one word a cell.
//!
//! A look-up that finds its client costs two waits for the memory, one here and one for the
//! profile. A general map keeps its marks, its keys and its values apart and waits for two of
//! them; here a cell has half of the id and the slot, and the profile itself says the rest of the
//! id. Cells may be [warmed](Index::warm) some at a time, which a general map does not offer.
//! Linear probing, no tombstones (Knuth 6.4, algorithm R).

use super::Slot;

/// Cells that a new index has.
const CELLS_MIN: usize = 16;
/// It grows when more than so many of ten cells are taken ...
const TAKEN_OF_TEN: usize = 7;
/// ... to so many halves of what it had.
const GROWTH_HALVES: usize = 3;
/// Nobody's cell. Slots are kept one higher than they are.
const FREE: u64 = 0;

/// The slots of a table by the ids of its profiles.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The lower half of an id above, one more than the slot below.
    cells: Box<[u64]>,
    taken: usize,
}

impl Index {
    /// Brings an id's cell into the cache; what it returns only keeps the reading from being
    /// optimised away.
    pub(super) fn warm(&self, id: u64) -> u64 {
        self.cells.get(self.home(tag(id))).copied().unwrap_or(0)
    }

    /// The slot of an id. Of those that share half of it `is` tells the right one.
    pub(super) fn find(&self, id: u64, is: impl Fn(Slot) -> bool) -> Option<Slot> {
        let tag = tag(id);
        let mut at = self.home(tag);
        loop {
            let cell = *self.cells.get(at)?;
            if cell == FREE {
                return None;
            }
            if tag_of(cell) == tag && is(slot_of(cell)) {
                return Some(slot_of(cell));
            }
            at = self.after(at);
        }
    }

    /// Adds an id that is not there.
    pub(super) fn insert(&mut self, id: u64, slot: Slot) {
        if (self.taken + 1) * 10 > self.cells.len() * TAKEN_OF_TEN {
            self.grow();
        }
        self.taken += 1;
        self.put(u64::from(tag(id)) << 32 | (u64::from(slot) + 1));
    }

    /// Takes an id away whose slot this is. What stands behind it moves up where it may, so that
    /// nobody is looked for in vain.
    pub(super) fn remove(&mut self, id: u64, slot: Slot) {
        let mut hole = self.home(tag(id));
        loop {
            match self.cells.get(hole) {
                None | Some(&FREE) => return,
                Some(cell) if slot_of(*cell) == slot => break,
                Some(_) => hole = self.after(hole),
            }
        }
        self.taken -= 1;
        let mut at = self.after(hole);
        while let Some(&cell) = self.cells.get(at).filter(|it| **it != FREE) {
            // It may move to the hole unless its home lies behind that.
            if self.steps(self.home(tag_of(cell)), at) >= self.steps(hole, at) {
                self.set(hole, cell);
                hole = at;
            }
            at = self.after(at);
        }
        self.set(hole, FREE);
    }

    /// Bytes of memory.
    pub(super) const fn bytes(&self) -> usize {
        self.cells.len() * size_of::<u64>()
    }

    fn grow(&mut self) {
        let more = (self.cells.len() * GROWTH_HALVES / 2).max(CELLS_MIN);
        let before = std::mem::replace(&mut self.cells, vec![FREE; more].into());
        before.iter().filter(|it| **it != FREE).for_each(|it| self.put(*it));
    }

    fn put(&mut self, cell: u64) {
        let mut at = self.home(tag_of(cell));
        while self.cells.get(at).is_some_and(|it| *it != FREE) {
            at = self.after(at);
        }
        self.set(at, cell);
    }

    fn set(&mut self, at: usize, cell: u64) {
        if let Some(place) = self.cells.get_mut(at) {
            *place = cell;
        }
    }

    /// Where an id belongs: multiply-shift, so that the count need not be a power of two.
    const fn home(&self, tag: u32) -> usize {
        ((tag as u64 * self.cells.len() as u64) >> 32) as usize
    }

    const fn after(&self, at: usize) -> usize {
        if at + 1 < self.cells.len() { at + 1 } else { 0 }
    }

    /// How many cells lie from one to another, past the end to the beginning.
    const fn steps(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.cells.len() - from }
    }
}

/// Ids are keyed hashes: each half of one is as good as a hash of its own.
#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn tag(id: u64) -> u32 {
    id as u32
}

const fn tag_of(cell: u64) -> u32 {
    (cell >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn slot_of(cell: u64) -> Slot {
    (cell as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

        #[test]
        fn it_knows_what_a_map_knows_after_any_insertions_and_removals(
            // Few halves, so that many ids share one and whole neighbourhoods are taken.
            steps in proptest::collection::vec((any::<bool>(), 0..4_u64, 0..12_u64), 1..400),
        ) {
            let (mut index, mut map) = (Index::default(), BTreeMap::new());
            let mut ids = Vec::new();
            for (add, upper, lower) in steps {
                let id = upper << 32 | lower.wrapping_mul(0x1555_5555);
                let slot = Slot::try_from(ids.len()).unwrap();
                if add && !map.contains_key(&id) {
                    ids.push(id);
                    index.insert(id, slot);
                    map.insert(id, slot);
                } else if let Some(slot) = map.remove(&id) {
                    index.remove(id, slot);
                }
                for id in &ids {
                    let found = index.find(*id, |it| ids[it as usize] == *id);
                    prop_assert_eq!(found, map.get(id).copied());
                }
            }
            prop_assert_eq!(index.taken, map.len());
            prop_assert_eq!(index.cells.iter().filter(|it| **it != FREE).count(), map.len());
        }
    }

    #[test]
    fn a_hundred_thousand_ids_lie_within_a_cache_line_of_their_homes() {
        let mut index = Index::default();
        let id = |it: u64| it.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        (0..100_000).for_each(|it| index.insert(id(it), Slot::try_from(it).unwrap()));
        let away = |(at, cell): (usize, &u64)| index.steps(index.home(tag_of(*cell)), at);
        let cells = index.cells.iter().enumerate().filter(|it| *it.1 != FREE);
        let mean = cells.map(away).sum::<usize>() / 100_000;
        assert!(mean < 8, "{mean} cells away on average");
        assert!(index.bytes() < 100_000 * 18);
    }
}
