//! Bytes of a profile whose meaning follows from where its key stands.
//!
//! A roll-up, above other keys, has what its children were expected to look up in the current windows.
//! A finest key has none, and keeps its own past there instead: what it looked up in the thirty days
//! before the current ones, in which hours it works, and how far its days differ.

use super::dispersion::Dispersion;
use super::usual::Rough;
use crate::evidence::hours::Hours;
use crate::evidence::volume::HORIZONS;
use crate::time::{DAY_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// How many they are.
const BYTES: usize = 16;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ByPlace([u32; HORIZONS]);

impl ByPlace {
    /// At a roll-up: subjects that its children were expected to look up in the current windows.
    #[must_use]
    pub fn expected(self) -> [f32; HORIZONS] {
        self.0.map(f32::from_bits)
    }

    /// See [`Self::expected`].
    pub fn set_expected(&mut self, expected: [f32; HORIZONS]) {
        self.0 = expected.map(f32::to_bits);
    }

    /// At a finest key: its own past.
    #[must_use]
    pub fn past(self) -> Past {
        let mut bytes = [0; BYTES];
        for (to, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let [a, b, c, d, e, f, hours @ ..] = bytes;
        let blocks = [[a, b], [c, d], [e, f]].map(|it| Rough::from_bits(u16::from_le_bytes(it)));
        Past { blocks, hours: Hours::from_bytes(hours) }
    }

    /// See [`Self::past`].
    pub fn set_past(&mut self, past: Past) {
        let [[a, b], [c, d], [e, f]] = past.blocks.map(|it| it.bits().to_le_bytes());
        let [g, h, i, j, k, l, m, n, o, p] = past.hours.to_bytes();
        let words = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
        self.0 = words.map(u32::from_le_bytes);
    }

    /// The first word, as it lies.
    pub(super) const fn warm(self) -> u32 {
        let [first, ..] = self.0;
        first
    }
}

/// No class.
pub const NO_CLASS: u8 = u8::MAX;

/// Two more bytes: at a roll-up, which children it has; at a finest key, how far its own days differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ByKin {
    /// At a roll-up the child of the last contact.
    low: u8,
    /// At a roll-up the class of the child whose counts spread furthest.
    high: u8,
}

/// No child, of no class; and of its own days nothing is known.
const NOTHING: ByKin = ByKin { low: 0, high: NO_CLASS };

impl Default for ByKin {
    fn default() -> Self {
        NOTHING
    }
}

impl ByKin {
    /// At a roll-up: the child of the last contact, and the class of the child whose counts spread
    /// furthest, [`NO_CLASS`] for none.
    #[must_use]
    pub const fn children(self) -> (u8, u8) {
        (self.low, self.high)
    }

    /// See [`Self::children`].
    pub const fn set_children(&mut self, (last, class): (u8, u8)) {
        (self.low, self.high) = (last, class);
    }

    /// At a finest key: how far its days differ.
    #[must_use]
    pub fn dispersion(self) -> Dispersion {
        if self == NOTHING {
            return Dispersion::default();
        }
        Dispersion::from_bits(u16::from_le_bytes([self.low, self.high]))
    }

    /// See [`Self::dispersion`].
    pub fn set_dispersion(&mut self, dispersion: Dispersion) {
        if dispersion != Dispersion::default() {
            [self.low, self.high] = dispersion.bits().to_le_bytes();
        }
    }
}

/// Blocks of days that are kept.
const BLOCKS: usize = 3;
/// Days of a block: three are the thirty days that the longest window holds, and begin where it does.
const BLOCK_MS: i64 = 10 * DAY_MS;
const MONTH_MS: i64 = 30 * DAY_MS;

/// A finest key's past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Subjects of the last blocks of ten days that ended, the latest first.
    blocks: [Rough; BLOCKS],
    /// When it works.
    pub hours: Hours,
}

impl Past {
    /// Closes the blocks that ended between a contact at `before`, when `month` subjects were counted in
    /// the thirty days of the calendar, and one at `at`.
    pub fn close(&mut self, before: Moment, at: Moment, month: u32) {
        let (first, ended) = (before.index(BLOCK_MS), at.index(BLOCK_MS) - before.index(BLOCK_MS));
        let Some(ended) = usize::try_from(ended).ok().filter(|it| *it > 0) else { return };
        let this_month = self.blocks.iter().take(place(first));
        let earlier: f64 = this_month.map(|it| it.value()).sum();
        let closed = Rough::of((f64::from(month) - earlier).max(0.0));
        // Blocks without a contact lie between the one that ended with the last contact and now.
        let kept = self.blocks;
        self.blocks = std::array::from_fn(|at| match (at + 1).checked_sub(ended) {
            None => Rough::default(),
            Some(0) => closed,
            Some(older) => kept.get(older - 1).copied().unwrap_or_default(),
        });
    }

    /// Subjects of the thirty days up to `at` that the calendar's thirty days do not hold. Those of the
    /// block that is only partly within are taken as spread evenly over it.
    #[must_use]
    pub fn before_this_month(&self, at: Moment) -> f64 {
        let of_block = at.0.rem_euclid(BLOCK_MS) as f64 / BLOCK_MS as f64;
        let [.., oldest] = self.blocks;
        let older = self.blocks.iter().take(BLOCKS - 1).skip(place(at.index(BLOCK_MS)));
        older.map(|it| it.value()).sum::<f64>() + oldest.value() * (1.0 - of_block)
    }

    /// Forgets what was counted, and keeps the hours.
    pub fn reset(&mut self) {
        self.blocks = [Rough::default(); BLOCKS];
        self.hours.reset();
    }
}

/// How many blocks of its thirty days ended before this one.
fn place(block: i64) -> usize {
    usize::try_from(block.rem_euclid(MONTH_MS / BLOCK_MS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known at the end of each day of a client that looks up so many people on each.
    fn lived(days: impl IntoIterator<Item = u32>) -> Vec<f64> {
        let (mut past, mut month, mut last) = (Past::default(), 0, Moment(0));
        let mut known = Vec::new();
        for (day, count) in (0_i64..).zip(days) {
            let at = Moment(day * DAY_MS + DAY_MS - 1);
            if count > 0 {
                past.close(last, at, month);
                let goes_on = last.index(MONTH_MS) == at.index(MONTH_MS);
                (month, last) = (month * u32::from(goes_on) + count, at);
            }
            known.push(past.before_this_month(at) + f64::from(month));
        }
        known
    }

    #[test]
    fn thirty_days_are_counted_wherever_the_calendar_begins_to() {
        let even = lived((0..200).map(|_| 100));
        assert!(even.iter().skip(30).all(|it| (it - 3_000.0).abs() < 15.0), "{even:?}");
        let mut growing = vec![2_000];
        while let Some(last) = growing.last().copied().filter(|_| growing.len() < 70) {
            growing.push(last * 21 / 20);
        }
        let known = lived(growing.iter().copied());
        for (known, days) in known.iter().skip(29).zip(growing.windows(30)) {
            let exact = f64::from(days.iter().sum::<u32>());
            assert!((known / exact - 1.0).abs() < 0.02, "{known} of {exact}");
        }
    }

    #[test]
    fn an_absence_is_counted_as_one() {
        let known = lived((0..60).map(|it| if (10..45).contains(&it) { 0 } else { 100 }));
        assert!((known[45] - 100.0).abs() < 1.0, "{}", known[45]);
        assert!((known[59] - 1_500.0).abs() < 8.0, "{}", known[59]);
    }

    #[test]
    fn what_is_put_into_sixteen_bytes_comes_out() {
        let mut past = Past { blocks: [12.0, 3_400.0, 0.0].map(Rough::of), ..Past::default() };
        past.hours.take(Moment(7 * 3_600_000), false);
        let mut kept = ByPlace::default();
        kept.set_past(past);
        assert_eq!(kept.past(), past);
        kept.set_expected([1.5, 0.0, 20.25, 1e6]);
        assert_eq!(kept.expected().map(f32::to_bits), [1.5, 0.0, 20.25, 1e6].map(f32::to_bits));
    }
}
