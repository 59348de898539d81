//! Which partitions of a backlog wait for the others.
//!
//! Slices close by the partition whose clock is furthest behind, so what the others bring from
//! beyond that is kept in memory until it catches up. A backlog of days on six partitions would be
//! kept whole if one of them were slow. So partitions far ahead are held back at the broker, and
//! let go again when the slowest comes near. The slowest itself is never held back, so that one is
//! always read; and nothing is held back while little is kept, because a partition that is paused
//! gives away what was fetched of it already.

use crate::source::Partition;
use std::collections::BTreeSet;

/// Look-ups kept from beyond the slowest partition before those ahead are held back: some 60 MB,
/// and far more than traffic in real time ever keeps.
pub const PENDING_MAX: usize = 1 << 18;
/// Slices that a partition must be ahead of the slowest to be held back.
const AHEAD_SLICES: i64 = 5;
/// Slices ahead at which it is let go: near enough that it is fetched again in time.
const NEAR_SLICES: i64 = 1;

/// A partition that may still give records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runner {
    pub(super) partition: Partition,
    /// The slice that its clock is in; `None` before its first record.
    pub(super) slice: Option<i64>,
    /// It is held back now.
    pub(super) held: bool,
}

/// Who is held back, given how many look-ups are kept.
pub(super) fn held_back(runners: &[Runner], pending: usize) -> BTreeSet<Partition> {
    let slowest = runners.iter().map(|it| it.slice).min().flatten();
    let ahead = |it: &&Runner| {
        let Some(slice) = it.slice else { return false };
        let by = slice.saturating_sub(slowest.unwrap_or(i64::MIN));
        if it.held { by > NEAR_SLICES } else { by > AHEAD_SLICES && pending > PENDING_MAX }
    };
    runners.iter().filter(ahead).map(|it| it.partition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: [u16; 0] = [];

    fn held(runners: &[(Option<i64>, bool)], pending: usize) -> Vec<u16> {
        let runner = |(at, (slice, held)): (usize, &(Option<i64>, bool))| Runner {
            partition: Partition(u16::try_from(at).unwrap()),
            slice: *slice,
            held: *held,
        };
        let runners: Vec<Runner> = runners.iter().enumerate().map(runner).collect();
        held_back(&runners, pending).into_iter().map(|it| it.0).collect()
    }

    #[test]
    fn those_far_ahead_are_held_back_when_too_much_is_kept_and_the_slowest_never() {
        let runners = [(Some(100), false), (Some(103), false), (Some(900), false)];
        assert_eq!(held(&runners, PENDING_MAX), NOBODY);
        assert_eq!(held(&runners, PENDING_MAX + 1), [2]);
        assert_eq!(held(&[(Some(7), false)], usize::MAX), NOBODY);
    }

    #[test]
    fn one_is_let_go_when_the_slowest_comes_near_or_is_gone_and_not_before() {
        assert_eq!(held(&[(Some(898), false), (Some(900), true)], 0), [1]);
        assert_eq!(held(&[(Some(899), false), (Some(900), true)], usize::MAX), NOBODY);
        assert_eq!(held(&[(Some(900), true), (Some(950), true)], 0), [1]);
    }

    #[test]
    fn who_has_not_spoken_yet_is_slower_than_all() {
        assert_eq!(held(&[(None, false), (Some(900), false)], usize::MAX), [1]);
        assert_eq!(held(&[(None, false), (Some(900), true)], 0), [1]);
    }
}
