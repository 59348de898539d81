//! How many distinct records left: exactly while they are few, then by a sketch with its error.
//!
//! A profile has 64 bytes for it: sixteen 32-bit hashes, then the same bytes as 128 HyperLogLog
//! registers of four bits (Flajolet et al. 2007; small range by linear counting). A profile under
//! suspicion gets a [`Large`] one: 128 hashes, then 1,024 registers. What was counted before is
//! added with its error, since registers of one precision cannot become those of another.

use crate::evidence::math::{exp, ln};
use borsh::{BorshDeserialize, BorshSerialize};

/// Hashes that a small sketch keeps exactly.
const SMALL_EXACT: usize = 16;
/// Registers of a small sketch: two a byte.
const SMALL_REGISTERS: u32 = 128;
/// Hashes that a large sketch keeps exactly.
const LARGE_EXACT: usize = 128;
/// Registers of a large sketch.
const LARGE_REGISTERS: u32 = 1024;
/// Half a 95 % interval in standard deviations.
const HALF_WIDTH: f64 = 1.96;
/// HyperLogLog's standard error times the root of its registers.
const STANDARD_ERROR: f64 = 1.04;

/// A count and half the width of its 95 % interval.
pub(super) type Counted = (u64, u64);

/// The sketch inside a profile. Cells are bytes, so that it adds no padding to a profile.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
pub struct Small {
    cells: [[u8; 4]; SMALL_EXACT],
    /// Hashes kept, or [`Self::SKETCHED`].
    length: u8,
}

impl Default for Small {
    fn default() -> Self {
        Self { cells: [[0; 4]; SMALL_EXACT], length: 0 }
    }
}

impl Small {
    const SKETCHED: u8 = u8::MAX;

    /// Takes a record by its 64-bit hash.
    pub fn insert(&mut self, hash: u64) {
        let short = shorten(hash);
        if self.length != Self::SKETCHED {
            if self.kept().any(|it| it == short) {
                return;
            }
            if let Some(cell) = self.cells.get_mut(usize::from(self.length)) {
                *cell = short.to_le_bytes();
                self.length += 1;
                return;
            }
            let kept = std::mem::replace(&mut self.cells, [[0; 4]; SMALL_EXACT]);
            self.length = Self::SKETCHED;
            kept.into_iter().for_each(|it| self.register(u32::from_le_bytes(it)));
        }
        self.register(short);
    }

    fn register(&mut self, short: u32) {
        let (index, rank) = place(short, SMALL_REGISTERS);
        // Two registers of four bits a byte.
        let byte = self.cells.as_flattened_mut().get_mut(index / 2);
        let rank = u8::try_from(rank.min(15)).unwrap_or(15);
        if let Some(byte) = byte {
            let shift = index % 2 * 4;
            if rank > *byte >> shift & 15 {
                *byte = *byte & !(15 << shift) | rank << shift;
            }
        }
    }

    /// How many, and within what.
    #[must_use]
    pub fn count(&self) -> Counted {
        if self.length != Self::SKETCHED {
            return (u64::from(self.length), 0);
        }
        let bytes = self.cells.as_flattened().iter();
        let registers = bytes.flat_map(|it| [u32::from(it & 15), u32::from(it >> 4)]);
        estimate(registers, SMALL_REGISTERS)
    }

    /// The hashes that are kept exactly.
    fn kept(&self) -> impl Iterator<Item = u32> + '_ {
        self.cells.iter().take(usize::from(self.length)).map(|it| u32::from_le_bytes(*it))
    }

    /// The hashes, while all are kept exactly.
    fn exact(&self) -> Option<Vec<u32>> {
        (self.length != Self::SKETCHED).then(|| self.kept().collect())
    }

    /// Back to nothing.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The sketch of a profile under suspicion.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Large {
    /// What was counted before, where that was a sketch already.
    before: Counted,
    exact: Vec<u32>,
    registers: Vec<u8>,
    /// What the registers come to: read far more often than it changes.
    estimate: Counted,
}

impl Large {
    /// Takes over from a small sketch.
    #[must_use]
    pub fn after(small: &Small) -> Self {
        match small.exact() {
            Some(exact) => Self { before: (0, 0), exact, ..Self::default() },
            None => Self { before: small.count(), ..Self::default() },
        }
    }

    /// Takes a record by its 64-bit hash.
    pub fn insert(&mut self, hash: u64) {
        let short = shorten(hash);
        if self.registers.is_empty() {
            if self.exact.contains(&short) {
                return;
            }
            self.exact.push(short);
            if self.exact.len() <= LARGE_EXACT {
                return;
            }
            self.registers = vec![0; LARGE_REGISTERS as usize];
            for kept in std::mem::take(&mut self.exact) {
                self.register(kept);
            }
            self.read();
        } else if self.register(short) {
            self.read();
        }
    }

    /// Whether the register of a hash rose.
    fn register(&mut self, short: u32) -> bool {
        let (index, rank) = place(short, LARGE_REGISTERS);
        let rank = u8::try_from(rank).unwrap_or(u8::MAX);
        match self.registers.get_mut(index) {
            Some(register) if *register < rank => {
                *register = rank;
                true
            }
            _ => false,
        }
    }

    fn read(&mut self) {
        self.estimate = estimate(self.registers.iter().map(|it| u32::from(*it)), LARGE_REGISTERS);
    }

    /// The share of the smaller count's records that are among the other's too, where both are
    /// still kept exactly.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Option<f64> {
        let known = |it: &Self| it.registers.is_empty() && it.before.0 == 0;
        if !known(self) || !known(other) {
            return None;
        }
        let both = self.exact.iter().filter(|it| other.exact.contains(it)).count();
        let fewer = self.exact.len().min(other.exact.len());
        (fewer > 0).then(|| both as f64 / fewer as f64)
    }

    /// How many, and within what.
    #[must_use]
    pub fn count(&self) -> Counted {
        let (own, error) =
            if self.registers.is_empty() { (self.exact.len() as u64, 0) } else { self.estimate };
        (self.before.0 + own, self.before.1 + error)
    }
}

/// Thirty-two bits of the hash: two records in a million share them among 100,000.
fn shorten(hash: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let short = (hash >> 32 ^ hash) as u32;
    short
}

/// The register of a hash, and one more than the zeroes that lead the rest of it.
fn place(short: u32, registers: u32) -> (usize, u32) {
    let bits = registers.trailing_zeros();
    let rest = short << bits | 1 << (bits - 1);
    ((short >> (32 - bits)) as usize, rest.leading_zeros() + 1)
}

fn estimate(registers: impl Iterator<Item = u32>, count: u32) -> Counted {
    let (mut sum, mut empty) = (0.0, 0_u32);
    for rank in registers {
        sum += 1.0 / f64::from(1_u32 << rank.min(31));
        empty += u32::from(rank == 0);
    }
    let m = f64::from(count);
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let (estimate, relative) = if raw <= 2.5 * m && empty > 0 {
        // Linear counting (Whang et al. 1990): variance m (e^t - t - 1) at t items a register.
        let load = ln(m / f64::from(empty));
        let deviation = (m * (exp(load) - load - 1.0)).max(0.0);
        (m * load, deviation.sqrt() / (m * load).max(1.0))
    } else {
        (raw, STANDARD_ERROR / m.sqrt())
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let counted = ((estimate + 0.5) as u64, (estimate * relative * HALF_WIDTH + 1.0) as u64);
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(at: u64) -> u64 {
        let mut it = at.wrapping_add(77).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    #[test]
    fn few_records_are_counted_exactly_however_often_they_come() {
        let mut small = Small::default();
        (0..3).for_each(|_| (0..16).for_each(|it| small.insert(hash(it))));
        assert_eq!(small.count(), (16, 0));
        let mut large = Large::after(&small);
        (0..128).for_each(|it| large.insert(hash(it)));
        assert_eq!(large.count(), (128, 0));
    }

    #[test]
    fn nineteen_of_twenty_estimates_lie_within_their_stated_error() {
        let mut outside = (0, 0);
        for seed in 0..200_u64 {
            let true_count = 60 + seed * 37;
            let mut small = Small::default();
            let mut large = Large::after(&small);
            for it in 0..true_count {
                small.insert(hash(seed * 1_000_003 + it));
                large.insert(hash(seed * 1_000_003 + it));
            }
            let off = |(count, error): Counted| u32::from(count.abs_diff(true_count) > error);
            outside = (outside.0 + off(small.count()), outside.1 + off(large.count()));
        }
        assert!(outside.0 <= 20 && outside.1 <= 20, "{outside:?} of 200 outside");
    }

    #[test]
    fn what_a_small_sketch_counted_is_added_with_its_error() {
        let mut small = Small::default();
        (0..100).for_each(|it| small.insert(hash(it)));
        let before = small.count();
        let mut large = Large::after(&small);
        (100..150).for_each(|it| large.insert(hash(it)));
        assert_eq!(large.count(), (before.0 + 50, before.1));
    }
}
