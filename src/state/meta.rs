//! What a snapshot says of itself.

use crate::source::Place;
use crate::time::Moment;
use crate::timeline;
use borsh::{BorshDeserialize, BorshSerialize};

/// What the numbers in a state mean, as far as the configuration decides it.
///
/// State is addressed by the number of a route, of a class and of a kind of key, and by keyed
/// hashes. A route that has changed loses its own state; where anything else here has changed all
/// of it would mean something else, and is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Layout {
    /// Keys of hashes, kinds of keys with their patterns, classes.
    pub common: u64,
    /// The routes in their order: name, and everything that says which look-ups are its.
    pub routes: Vec<(String, u64)>,
}

impl Layout {
    /// For each route of `self`, whether `before` had the same one in its place; `None` where
    /// nothing can be kept.
    #[must_use]
    pub fn keeps(&self, before: &Self) -> Option<Vec<bool>> {
        let same = |(at, route)| before.routes.get(at) == Some(route);
        (self.common == before.common).then(|| self.routes.iter().enumerate().map(same).collect())
    }
}

/// The beginning of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Meta {
    /// Its number, rising by one each time.
    pub number: u64,
    /// The state that it is one of, by a number that was drawn when that began.
    pub lineage: u64,
    /// The version of darban that wrote it.
    pub written_by: String,
    /// Our clock when it was begun.
    pub made_at: Moment,
    /// What its numbers mean.
    pub layout: Layout,
    /// The partitions by their index.
    pub places: Vec<Place>,
    /// How far each of them is judged.
    pub timeline: timeline::State,
    /// Records that are known to be missing from the log, by partition.
    pub gaps: Vec<(u16, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_changed_loses_its_own_state_and_other_keys_lose_all() {
        let route = |name: &str, hash| (name.to_owned(), hash);
        let before = Layout { common: 1, routes: vec![route("a", 1), route("b", 2)] };
        let now = Layout { common: 1, routes: vec![route("a", 1), route("b", 3), route("c", 4)] };
        assert_eq!(now.keeps(&before), Some(vec![true, false, false]));
        assert_eq!(Layout { common: 2, ..now }.keeps(&before), None);
    }
}
