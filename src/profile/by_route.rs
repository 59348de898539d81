//! Eight bytes of a profile whose meaning the route's class chooses.
//!
//! On a register they are the subjects that were cold, by horizon; on a route of personal records
//! the people looked up last for whom nothing was done yet, each by eight bits of its hash: two of
//! eight people share them once in ten times, and then an act is taken for the other's. At a network
//! above its clients they are what these say together.

use crate::evidence::together::Sums;
use crate::evidence::volume::HORIZONS;
use borsh::{BorshDeserialize, BorshSerialize};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ByRoute([u16; HORIZONS]);

impl ByRoute {
    /// On a register: cold subjects in the current windows.
    #[must_use]
    pub const fn cold(self) -> [u16; HORIZONS] {
        self.0
    }

    /// Counts a cold subject.
    pub fn count_cold(&mut self) {
        self.0 = self.0.map(|it| it.saturating_add(1));
    }

    /// The windows of the first `horizons` have ended.
    pub fn close_cold(&mut self, horizons: usize) {
        self.0.iter_mut().take(horizons).for_each(|it| *it = 0);
    }

    /// On a route of personal records: somebody was looked up. Whether nothing was done for the one
    /// who makes room.
    pub fn look_up(&mut self, subject: u64) -> bool {
        let [oldest, rest @ ..] = self.people();
        let [a, b, c, d, e, f, g] = rest;
        self.set_people([a, b, c, d, e, f, g, short(subject)]);
        oldest != NOBODY
    }

    /// Something was done for somebody; whether that is one of those looked up last.
    pub fn act(&mut self, subject: u64) -> bool {
        let mut people = self.people();
        let Some(found) = people.iter().position(|it| *it == short(subject)) else { return false };
        // Those before it move up, so that the oldest still makes room first.
        if let Some(until) = people.get_mut(..=found) {
            until.rotate_right(1);
        }
        if let Some(first) = people.first_mut() {
            *first = NOBODY;
        }
        self.set_people(people);
        true
    }

    /// At a network: what its children say together.
    #[must_use]
    pub fn together(self) -> Sums {
        let [a, b, c, d, e, f, g, h] = self.people();
        [[a, b, c, d], [e, f, g, h]].map(i32::from_le_bytes)
    }

    /// Takes what they say.
    pub fn set_together(&mut self, sums: Sums) {
        let [[a, b, c, d], [e, f, g, h]] = sums.map(i32::to_le_bytes);
        self.set_people([a, b, c, d, e, f, g, h]);
    }

    fn people(self) -> [u8; 8] {
        let [[a, b], [c, d], [e, f], [g, h]] = self.0.map(u16::to_le_bytes);
        [a, b, c, d, e, f, g, h]
    }

    fn set_people(&mut self, [a, b, c, d, e, f, g, h]: [u8; 8]) {
        self.0 = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
    }
}

const NOBODY: u8 = 0;

/// Eight bits of a subject's hash, none of them [`NOBODY`].
fn short(subject: u64) -> u8 {
    let [.., byte, _, _] = subject.to_le_bytes();
    byte.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn person(number: u64) -> u64 {
        number << 40
    }

    #[test]
    fn nothing_was_done_for_who_is_pushed_out_by_eight_others_and_something_for_who_is_not() {
        let mut recent = ByRoute::default();
        assert!((1..=8).all(|it| !recent.look_up(person(it))));
        assert!(recent.act(person(3)));
        assert!(!recent.act(person(3)), "once");
        assert!(!recent.look_up(person(9)), "the third has made room");
        assert!(recent.look_up(person(10)), "for the first nothing was done");
        assert!(!recent.act(person(1)));
        assert!(recent.act(person(2)));
    }
}
