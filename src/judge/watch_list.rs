//! Subjects that nobody has a reason to look up, and those whose every look-up is asked about.
//!
//! A decoy is a person who does not exist, put into the portal to be found: whoever asks for it
//! found its id in a list or by guessing, so the first touch is proof, and no level is needed. It
//! is also the only sign of those who take one record from each of many addresses. A watched
//! subject is a real person of whom every look-up has to be asked about.
//!
//! The lists hold keyed hashes, which is all that is ever known of an id here.

/// Why a subject is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It does not exist.
    Decoy,
    /// It is watched.
    Watched,
}

/// Keyed hashes of subjects, as [`Lookup::subject`](crate::attribute::Lookup::subject) has them.
#[derive(Clone, Default)]
pub struct WatchList {
    decoys: HashedSet,
    watched: HashedSet,
}

impl WatchList {
    /// The lists of these hashes.
    #[must_use]
    pub fn new(decoys: &[u64], watched: &[u64]) -> Self {
        Self { decoys: HashedSet::new(decoys), watched: HashedSet::new(watched) }
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

/// A set of hashes that are well mixed already: open addressing, at most half full, 0 for nothing.
/// Every look-up asks it, so it is one cache line and no hashing; an empty one is no memory at all.
#[derive(Clone, Default)]
struct HashedSet(Box<[u64]>);

impl HashedSet {
    fn new(hashes: &[u64]) -> Self {
        if hashes.is_empty() {
            return Self::default();
        }
        let mut set = Self(vec![0; (hashes.len() * 2).next_power_of_two()].into());
        for hash in hashes {
            let free = set
                .places(*hash)
                .find(|at| set.0.get(*at).is_some_and(|it| *it == 0 || it == hash));
            if let Some(place) = free.and_then(|at| set.0.get_mut(at)) {
                *place = *hash;
            }
        }
        set
    }

    fn has(&self, hash: u64) -> bool {
        let held = self.places(hash).filter_map(|at| self.0.get(at));
        hash != 0 && held.take_while(|it| **it != 0).any(|it| *it == hash)
    }

    /// Where a hash may be, in the order in which it is looked for.
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.0.len().wrapping_sub(1);
        #[expect(clippy::cast_possible_truncation, reason = "the low bits choose the place")]
        let first = hash as usize;
        (0..self.0.len()).map(move |step| first.wrapping_add(step) & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it_and_nothing_else() {
        let hash = |it: u64| (it + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let set = HashedSet::new(&(0..1_000).map(hash).collect::<Vec<_>>());
        assert!((0..1_000).all(|it| set.has(hash(it))));
        assert!(!(1_000..200_000).any(|it| set.has(hash(it))));
    }

    #[test]
    fn hashes_that_share_a_place_are_all_held_and_nothing_is_found_in_an_empty_set() {
        let same = [7, 7 + 8, 7 + 16, 7 + 24];
        let set = HashedSet::new(&same);
        assert!(same.into_iter().all(|it| set.has(it)) && !set.has(7 + 32) && !set.has(0));
        assert!(!HashedSet::default().has(7) && !HashedSet::default().has(0));
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
