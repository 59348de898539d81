//! How dense a route's ids are, from a sample of its distinct subjects.
//!
//! The 512 subjects with the smallest hashes are a uniform sample of all distinct subjects,
//! whoever asked and however often (Bar-Yossef et al. 2002, k minimum values), and the largest of
//! those hashes tells how many there are. Pairs of sampled ids that lie within a gap of each other
//! tell how often chance alone continues a run, clusters included, where a plain span would not.

use crate::attribute::{Lookup, Position};
use crate::evidence::spread::{Region, Regions};
use crate::evidence::walk::{GAP_MAX, RUNS};
use borsh::{BorshDeserialize, BorshSerialize};

/// Subjects in a sample.
const SAMPLE_MAX: usize = 512;
/// Subjects below which a sample says nothing.
const SAMPLE_MIN: usize = 64;
/// Two ids are close within this share of the ids at most.
const CLOSE_SHARE: u64 = 1_000;
/// How often those of two strangers may be.
const CLOSE_CHANCE: f64 = 0.002;
/// The gap that continues a run spans this many ids that exist.
const GAP_IDS: f64 = 8.0;

/// The smallest hashes of one shard, or of a route, and some more on their way.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct SpaceSample {
    /// Sorted up to where they were sorted last; those behind may be among them.
    subjects: Vec<(u64, Position)>,
    /// The largest hash of a full sample: none that is not smaller belongs to it.
    bound: Option<u64>,
}

impl SpaceSample {
    /// Takes a subject. Sorted now and then and not each time, which would move half a sample a
    /// subject.
    pub fn insert(&mut self, hash: u64, position: Position) {
        if position == Position::NONE || self.bound.is_some_and(|it| it <= hash) {
            return;
        }
        self.subjects.push((hash, position));
        if self.subjects.len() >= 2 * SAMPLE_MAX {
            self.sort();
        }
    }

    /// Leaves the smallest hashes, each once.
    fn sort(&mut self) {
        self.subjects.sort_unstable_by_key(|it| it.0);
        self.subjects.dedup_by_key(|it| it.0);
        self.subjects.truncate(SAMPLE_MAX);
        let is_full = self.subjects.len() == SAMPLE_MAX;
        self.bound = self.subjects.last().filter(|_| is_full).map(|it| it.0);
    }

    /// One sample of what several have seen.
    fn merged<'a>(samples: impl Iterator<Item = &'a Self>) -> Self {
        let subjects = samples.flat_map(|it| it.subjects.iter().copied()).collect();
        let mut all = Self { subjects, bound: None };
        all.sort();
        all
    }
}

/// What a route's sample says.
#[derive(Clone, Copy, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Space {
    /// The widest difference that continues a run.
    pub gap: u64,
    /// The share of honest first contacts that chance alone lets continue one of a client's runs.
    pub chance: f64,
    /// The widest difference within which two strangers' ids lie once in five hundred times.
    pub close: u64,
    /// How its ids are cut into regions.
    pub regions: Regions,
}

impl Default for Space {
    fn default() -> Self {
        Self { gap: GAP_MAX, chance: 0.0, close: GAP_MAX, regions: Regions::NONE }
    }
}

impl Space {
    /// Reads the samples of all shards as one. Of what was read `before` the regions are kept, where the
    /// ids still have about as many.
    #[must_use]
    pub fn read<'a>(samples: impl Iterator<Item = &'a SpaceSample>, before: &Self) -> Self {
        let sample = SpaceSample::merged(samples);
        let mut ids: Vec<u64> = sample.subjects.iter().filter_map(|it| it.1.ordinal()).collect();
        if ids.len() < SAMPLE_MIN {
            return Self::default();
        }
        ids.sort_unstable();
        let count = ids.len() as f64;
        // How many distinct subjects the sample stands for.
        let largest = sample.subjects.last().map_or(u64::MAX, |it| it.0) as f64 / u64::MAX as f64;
        let distinct =
            if sample.subjects.len() < SAMPLE_MAX { count } else { (count - 1.0) / largest };
        let low = ids.get(ids.len() / 20).copied().unwrap_or(0);
        let high = ids.get(ids.len() - 1 - ids.len() / 20).copied().unwrap_or(0);
        let span = ((high - low) as f64 / 0.9).max(1.0);
        let density = distinct / span;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 64")]
        let gap = (GAP_IDS / density).clamp(1.0, GAP_MAX as f64) as u64;
        // Ids come in clusters, so that the share of the span alone promises too much.
        let mut close = (high - low) / CLOSE_SHARE;
        while close > gap && near(&ids, close) > CLOSE_CHANCE {
            close /= 2;
        }
        // Of the middle half: ids that nobody has cannot stretch it before they are every fourth.
        let quarter = |part: usize| ids.get(ids.len() * part / 4).copied().unwrap_or(0);
        let regions = before.regions.over((quarter(3) - quarter(1)).saturating_mul(2));
        Self { gap, chance: RUNS as f64 * near(&ids, gap), close: close.max(gap), regions }
    }

    /// Where the person of a look-up is: where the log names regions the one that it names, else that of
    /// the id.
    #[must_use]
    pub fn region_of(&self, lookup: &Lookup, is_named: bool) -> Option<Region> {
        match (is_named, lookup.region) {
            (true, 0) => None,
            (true, region) => Some(Region::Named(region)),
            (false, _) => lookup.position.ordinal().and_then(|it| self.regions.of(it)),
        }
    }
}

/// The share of pairs of ids (sorted) that lie within `gap` of each other.
fn near(ids: &[u64], gap: u64) -> f64 {
    let mut pairs = 0_usize;
    let mut first = 0;
    for (at, id) in ids.iter().enumerate() {
        while ids.get(first).is_some_and(|it| id - it > gap) {
            first += 1;
        }
        pairs += at - first;
    }
    let count = ids.len() as f64;
    2.0 * pairs as f64 / (count * (count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ids: impl Iterator<Item = u64>) -> Space {
        let mut sample = SpaceSample::default();
        for id in ids {
            sample
                .insert(id.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15), Position::new(id));
        }
        Space::read(std::iter::once(&sample), &Space::default())
    }

    #[test]
    fn every_id_taken_makes_the_gap_eight_and_a_sparse_space_the_widest() {
        let dense = sample(0..20_000);
        assert!((10..=20).contains(&dense.close), "{dense:?}");
        assert!((7..=9).contains(&dense.gap), "{dense:?}");
        assert_eq!(sample((0..20_000).map(|it| it * 1_000)).gap, GAP_MAX);
    }

    #[test]
    fn a_subject_that_clients_of_several_shards_ask_for_counts_once() {
        let sample = |ids: std::ops::Range<u64>| {
            let mut sample = SpaceSample::default();
            for id in ids {
                let hash = id.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                sample.insert(hash, Position::new(50 * id));
            }
            sample
        };
        let all = sample(0..20_000);
        let thrice = [sample(0..15_000), sample(5_000..20_000), sample(0..20_000)];
        let before = Space::default();
        assert_eq!(
            Space::read(thrice.iter(), &before),
            Space::read(std::iter::once(&all), &before)
        );
    }

    #[test]
    fn chance_is_the_share_of_ids_that_lie_next_to_an_open_run() {
        // Of 2,000 ids with a gap of 8 (16 neighbours) and four runs: about 3 %.
        let space = sample(0..2_000);
        assert!((0.02..0.05).contains(&space.chance), "{space:?}");
        assert!(sample((0..20_000).map(|it| it * 1_000)).chance < 0.001);
    }

    #[test]
    fn a_region_is_that_of_the_id_or_the_one_that_the_log_names_and_never_both() {
        let space = sample(0..20_000);
        let lookup = Lookup { position: Position::new(7), region: 3, ..Lookup::EMPTY };
        let unnamed = Lookup { region: 0, ..lookup };
        assert_eq!(space.region_of(&lookup, true), Some(Region::Named(3)));
        assert_eq!(space.region_of(&unnamed, true), None);
        assert_eq!(space.region_of(&unnamed, false), space.regions.of(7));
    }

    #[test]
    fn regions_stay_as_the_ids_grow_by_half_and_as_a_tenth_of_them_are_nobodys() {
        let read = |ids: Vec<u64>, before: &Space| {
            let mut sample = SpaceSample::default();
            for id in ids {
                sample.insert(id.wrapping_mul(0x9e37_79b9_7f4a_7c15), Position::new(id));
            }
            Space::read(std::iter::once(&sample), before)
        };
        let first = read((1..20_000).collect(), &Space::default());
        assert_ne!(first.regions, Regions::NONE);
        assert_eq!(read((1..30_000).collect(), &first).regions, first.regions);
        let stretched = (1..20_000).chain((1..2_000).map(|it| it << 40)).collect();
        assert_eq!(read(stretched, &first).regions, first.regions);
        assert_ne!(read((1..200_000).collect(), &first).regions, first.regions);
    }
}
