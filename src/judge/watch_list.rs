//! Subjects that nobody has a reason to look up, and those whose every look-up is asked about.
//!
//! A decoy is a person who does not exist, put into the portal to be found: whoever asks for it
//! found its id in a list or by guessing, so the first touch is proof, and no level is needed. It
//! is also the only sign of those who take one record from each of many addresses. A watched
//! subject is a real person of whom every look-up has to be asked about.
//!
//! The lists hold keyed hashes, which is all that is ever known of an id here.

use borsh::{BorshDeserialize, BorshSerialize};

/// Why a subject is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Listed {
    /// It does not exist.
    Decoy,
    /// It is watched.
    Watched,
}

/// Keyed hashes of subjects, as [`Lookup::subject`](crate::attribute::Lookup::subject) has them.
#[derive(Clone, Default)]
pub struct WatchList {
    decoys: Hashes,
    watched: Hashes,
}

impl WatchList {
    /// The lists of these hashes.
    #[must_use]
    pub fn new(decoys: &[u64], watched: &[u64]) -> Self {
        Self { decoys: Hashes::new(decoys), watched: Hashes::new(watched) }
    }

    /// Whether a subject is on a list; a decoy that is watched too is a decoy.
    #[must_use]
    pub fn of(&self, subject: u64) -> Option<Listed> {
        if self.decoys.has(subject) {
            return Some(Listed::Decoy);
        }
        self.watched.has(subject).then_some(Listed::Watched)
    }
}

impl std::fmt::Debug for WatchList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchList").finish_non_exhaustive()
    }
}

/// Sorted and each once. Every look-up asks, and a list of a thousand is ten steps in one page.
#[derive(Clone, Default)]
struct Hashes(Vec<u64>);

impl Hashes {
    fn new(hashes: &[u64]) -> Self {
        let mut sorted = hashes.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        Self(sorted)
    }

    fn has(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_what_was_put_into_it_and_nothing_else() {
        let hash = |it: u64| (it + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let list = Hashes::new(&(0..1_000).chain(0..10).map(hash).collect::<Vec<_>>());
        assert!((0..1_000).all(|it| list.has(hash(it))));
        assert!(!(1_000..200_000).any(|it| list.has(hash(it))));
        assert!(!Hashes::default().has(7));
    }

    #[test]
    fn a_decoy_that_is_watched_too_is_a_decoy() {
        let list = WatchList::new(&[3], &[3, 4]);
        let of = [3, 4, 5].map(|it| list.of(it));
        assert_eq!(of, [Some(Listed::Decoy), Some(Listed::Watched), None]);
    }

    #[test]
    fn a_list_prints_no_hash() {
        assert_eq!(format!("{:?}", WatchList::new(&[77], &[])), "WatchList { .. }");
    }
}
