//! A table as it stood at a cut, copied while it is worked on.
//!
//! A million profiles take a tenth of a second to copy, and judging must not stand still for that.
//! So a table is only marked: a page of it is copied before it is next written to, and the others a
//! few at a time between cuts. What comes out is the table of one moment whatever happened since.
//! Pages are small, because a busy second touches ten thousand profiles anywhere, each of which
//! costs a page.

use super::Profile;
use super::table::BLOCK;
use borsh::{BorshDeserialize, BorshSerialize};

/// Profiles of a page: a kilobyte.
const PAGE: usize = 4;
const _: () = assert!(BLOCK.is_multiple_of(PAGE));

/// Some pages of a table.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Pages {
    /// Their numbers.
    numbers: Vec<u32>,
    /// Their profiles, of each page as many as it has.
    profiles: Vec<Profile>,
}

impl Pages {
    fn push(&mut self, number: usize, blocks: &[Box<[Profile]>]) {
        let first = number * PAGE;
        let block = blocks.get(first / BLOCK).map(|it| &**it).unwrap_or_default();
        let page = block.get(first % BLOCK..).unwrap_or_default();
        self.numbers.push(u32::try_from(number).unwrap_or(u32::MAX));
        self.profiles.extend(page.iter().take(PAGE));
        // The last block of a table may end within a page.
        let missing = PAGE.saturating_sub(page.len());
        self.profiles.extend(std::iter::repeat_n(Profile::blank(), missing));
    }

    /// The profiles with their slots.
    pub(super) fn by_slot(&self) -> impl Iterator<Item = (usize, &Profile)> {
        let slots = self.numbers.iter().flat_map(|it| {
            let first = *it as usize * PAGE;
            first..first + PAGE
        });
        slots.zip(&self.profiles)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    /// By page: whether it was copied.
    done: Box<[bool]>,
    /// The first that may not be.
    next: usize,
    /// Copied and not taken.
    pages: Pages,
}

impl Frozen {
    /// Of a table of so many profiles.
    pub(super) fn new(length: usize) -> Self {
        let done = vec![false; length.div_ceil(PAGE)].into();
        Self { done, next: 0, pages: Pages::default() }
    }

    /// A profile is about to change.
    pub(super) fn before(&mut self, slot: usize, blocks: &[Box<[Profile]>]) {
        let number = slot / PAGE;
        if self.done.get(number) == Some(&false) {
            self.copy(number, blocks);
        }
    }

    #[cold]
    fn copy(&mut self, number: usize, blocks: &[Box<[Profile]>]) {
        self.done.get_mut(number).into_iter().for_each(|it| *it = true);
        self.pages.push(number, blocks);
    }

    /// What was copied, and more up to about so many bytes; `None` when there is no more.
    pub(super) fn take(&mut self, bytes: usize, blocks: &[Box<[Profile]>]) -> Option<Pages> {
        let most = bytes / (PAGE * size_of::<Profile>());
        while self.pages.numbers.len() < most.max(1) && self.next < self.done.len() {
            if self.done.get(self.next) == Some(&false) {
                self.copy(self.next, blocks);
            }
            self.next += 1;
        }
        let pages = std::mem::take(&mut self.pages);
        (!pages.numbers.is_empty()).then_some(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{Opened, Table};
    use super::*;
    use crate::time::Moment;

    #[test]
    fn what_is_written_down_is_the_table_of_one_moment_whatever_happens_meanwhile() {
        let mut table = Table::new(1_000);
        for id in 1..=700 {
            table.entry(id, (0, 0, 0), Moment(0));
        }
        for slot in 0..700 {
            table.get_mut(slot).unwrap().log_e = 1;
        }
        let state = table.freeze();
        let mut pages = Vec::new();
        // Every seventh changes, a hundred come, and three hundred are evicted between the parts.
        for round in 0.. {
            let changed = (round * 97..700).step_by(7).take(20);
            changed.for_each(|it| table.get_mut(it).unwrap().log_e = 9);
            let id = 10_000 + u64::from(round) * 50;
            for it in id..id + 50 {
                table.entry(it, (0, 0, 0), Moment(0));
            }
            let Some(more) = table.take_frozen(40_000) else { break };
            pages.push(more);
        }
        let (restored, moved) = Table::restore(1_000, state, &pages, |_| true).unwrap();
        assert_eq!((restored.len(), moved.len()), (700, 700));
        for id in 1..=700_u64 {
            let slot = restored.find(id).unwrap();
            assert_eq!(u64::from(slot), id - 1);
            assert_eq!(restored.get(slot).unwrap().log_e, 1);
        }
    }

    #[test]
    fn a_smaller_table_takes_what_it_can_hold_and_says_where_that_went() {
        let mut table = Table::new(100);
        for id in 1..=100 {
            let Opened::Fresh(slot) = table.entry(id, (u16::from(id > 50), 0, 0), Moment(0)) else {
                panic!("there is room");
            };
            table.get_mut(slot).unwrap().last = Moment(5);
        }
        let state = table.freeze();
        let pages: Vec<Pages> = std::iter::from_fn(|| table.take_frozen(10_000)).collect();
        let (restored, moved) = Table::restore(30, state, &pages, |it| it.route == 1).unwrap();
        assert_eq!((restored.len(), moved.iter().flatten().count()), (30, 30));
        assert_eq!((moved[49], moved[50], moved[80]), (None, Some(0), None));
        assert_eq!(restored.get(0).unwrap().id, 51);
        assert!(Table::restore(100, state, &pages[1..], |_| true).is_none());
    }
}
