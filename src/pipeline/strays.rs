//! Requests on no route, some of them as they were read: what a survey of them is made of.
//!
//! A portal gains paths, and nobody tells darban. So a fair sample of what was answered on no route
//! is held, an hour's at most: each such record has the same chance to be in it, however many there
//! are, so that a flood of junk thins a sample and does not displace it. What was refused or not
//! found is left out: a scanner makes up paths at will, and only answers show people.
//!
//! The rows hold ids as the log has them. They stay in memory, and what leaves is templates
//! (`survey`).

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rows held at most.
const ROWS_MAX: usize = 1_000;
/// Bytes of a row at most; longer ones are counted only.
const ROW_BYTES_MAX: usize = 8_192;

/// A sample of what is on no route, filled by all workers.
#[derive(Debug, Default)]
pub struct Strays {
    seen: AtomicU64,
    rows: Mutex<Vec<Box<[u8]>>>,
    lot: RandomState,
}

impl Strays {
    /// Offers a record of the log; it is kept by lot (Vitter's algorithm R).
    pub fn offer(&self, bytes: &[u8]) {
        let before = self.seen.fetch_add(1, Relaxed);
        let drawn = if before < ROWS_MAX as u64 { before } else { self.drawn(before) };
        let at = usize::try_from(drawn).unwrap_or(usize::MAX);
        if at >= ROWS_MAX || bytes.len() > ROW_BYTES_MAX {
            return;
        }
        let mut rows = self.rows();
        match rows.get_mut(at) {
            Some(row) => *row = bytes.into(),
            None => rows.push(bytes.into()),
        }
    }

    /// A place among as many as were seen, this one included. Nobody outside can foretell it.
    fn drawn(&self, before: u64) -> u64 {
        self.lot.hash_one(before) % (before + 1)
    }

    /// What is held, and of how many.
    #[must_use]
    pub fn sample(&self) -> (Vec<Box<[u8]>>, u64) {
        (self.rows().clone(), self.seen.load(Relaxed))
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut rows = self.rows();
        rows.clear();
        self.seen.store(0, Relaxed);
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_a_fair_part_of_early_and_late_ones_is_held() {
        let strays = Strays::default();
        (0_u32..20_000).for_each(|it| strays.offer(&it.to_le_bytes()));
        let (rows, seen) = strays.sample();
        assert_eq!((rows.len(), seen), (ROWS_MAX, 20_000));
        let number = |it: &[u8]| u32::from_le_bytes(it.try_into().unwrap());
        let early = rows.iter().filter(|it| number(it) < 10_000).count();
        // A thousand throws of a coin: 10 standard deviations.
        assert!((342..=658).contains(&early), "{early}");
    }

    #[test]
    fn what_is_too_long_is_counted_only_and_nothing_is_held_after_a_clear() {
        let strays = Strays::default();
        strays.offer(&[b'x'; ROW_BYTES_MAX + 1]);
        strays.offer(b"x");
        assert_eq!(strays.sample(), (vec![b"x"[..].into()], 2));
        strays.clear();
        assert_eq!(strays.sample(), (Vec::new(), 0));
    }
}
