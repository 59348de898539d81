//! `walk`: first contacts that continue one of the client's open runs of ids.
//!
//! A run is continued by an id within the route's gap of its last one, or exactly one stride
//! further. A client keeps four runs, so that interleaved walkers, and a thief who walks inside
//! an honest key's traffic, do not hide each other. Which run gives way matters more than how
//! many there are: if the least recent always went, a thief who is one contact in six would lose
//! his run to honest ids before he could continue it. So a run that was continued once is kept
//! while it lives (256 contacts at most), and runs of a single id go by lot.
//!
//! At a roll-up key (an address with many sessions) only continuations *across* different
//! children count: one child's walk is that child's own evidence, and families read adjacent ids.

use super::Ladder;
use crate::attribute::Position;
use borsh::{BorshDeserialize, BorshSerialize};

/// The stream's name.
pub const NAME: &str = "walk";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "reads one id after the other";
/// Honest rate before anything is learned, where ids are dense.
pub const RATE: f64 = 0.03;
/// Honest rate before anything is learned, on date-led national ids.
pub const RATE_NATIONAL: f64 = 1e-4;
/// Alternatives.
pub const ALTERNATIVES: usize = 3;
/// The widest gap that continues a run.
pub const GAP_MAX: u64 = 64;
/// Runs kept.
pub const RUNS: usize = 4;
/// Contacts without a continuation after which a run is given up.
const IDLE_MAX: u16 = 256;
/// Where families hold adjacent ids, continuations of a run that give no sign.
pub const HOUSEHOLD_FREE: u8 = 4;

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|p0| [p0 + 0.02, p0.max(0.2), 0.7])
}

/// The stream's table where families hold adjacent ids.
#[must_use]
pub fn household_ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|p0| [p0 + 0.05, 0.4, 0.9])
}

/// One open run.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
struct Run {
    last: u64,
    stride: i32,
    /// Contacts since it was continued.
    idle: u16,
    length: u8,
    /// Which child continued it, at a roll-up key.
    child: u8,
}

const NO_RUN: Run = Run { last: u64::MAX, stride: 0, idle: u16::MAX, length: 0, child: 0 };

/// The open runs of a client on a route.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
pub struct Runs([Run; RUNS]);

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub struct Tip {
    /// Its last id.
    pub at: Position,
    /// Ids in it so far.
    pub length: u8,
}

impl Default for Runs {
    fn default() -> Self {
        Self([NO_RUN; RUNS])
    }
}

/// What a first contact says about walking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It continues a run of this many ids so far.
    Continues(u8),
    /// It continues a run of the same child: that child's evidence, not the roll-up's.
    Own,
    /// It opens a run.
    Opens,
}

impl Runs {
    /// A word of it, to bring its cache line.
    pub(crate) const fn warm(&self) -> u64 {
        let [run, ..] = &self.0;
        run.last
    }

    /// Where each run stands that may still be continued.
    pub fn tips(&self) -> impl Iterator<Item = Tip> + '_ {
        let open = self.0.iter().filter(|it| it.length > 0 && it.idle <= IDLE_MAX);
        open.map(|it| Tip { at: Position::new(it.last), length: it.length })
    }

    /// Takes a first contact at `position`. `child` is 0 for a finest key.
    pub fn step(&mut self, position: Position, gap: u64, child: u8) -> Option<Step> {
        let at = position.ordinal()?;
        for run in &mut self.0 {
            run.idle = run.idle.saturating_add(1);
        }
        let best =
            self.0.iter_mut().filter(|it| it.continued_by(at, gap)).max_by_key(|it| it.length);
        if let Some(run) = best {
            let stride = i128::from(at) - i128::from(run.last);
            let length = run.length;
            let own = child != 0 && run.child == child;
            *run = Run {
                last: at,
                stride: i32::try_from(stride).unwrap_or(0),
                idle: 0,
                length: run.length.saturating_add(1),
                child,
            };
            return Some(if own { Step::Own } else { Step::Continues(length) });
        }
        // A stride too wide for the gap shows as the same difference twice: remember this one.
        let before = self.0.iter().filter(|it| it.length > 0).min_by_key(|it| it.idle);
        let stride = before.map_or(0, |it| i128::from(at) - i128::from(it.last));
        let stride = i32::try_from(stride).unwrap_or(0);
        let gives_way = self.gives_way(at);
        if let Some(run) = self.0.get_mut(gives_way) {
            *run = Run { last: at, stride, idle: 0, length: 1, child };
        }
        Some(Step::Opens)
    }

    /// The run that makes room for a new id: an empty or dead one; else one of the single ids,
    /// drawn by the new id's hash, since a thief in step with honest traffic would lose to any
    /// fixed turn; else the run that was not continued for longest.
    fn gives_way(&self, at: u64) -> usize {
        if let Some(dead) = self.0.iter().position(|it| it.length == 0 || it.idle > IDLE_MAX) {
            return dead;
        }
        let singles = self.0.iter().filter(|it| it.length == 1).count();
        if singles == 0 {
            let oldest = self.0.iter().enumerate().max_by_key(|(_, it)| it.idle);
            return oldest.map_or(0, |(index, _)| index);
        }
        let drawn = (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % singles;
        let mut single = self.0.iter().enumerate().filter(|(_, it)| it.length == 1);
        single.nth(drawn).map_or(0, |(index, _)| index)
    }
}

impl Run {
    fn continued_by(&self, at: u64, gap: u64) -> bool {
        let delta = i128::from(at) - i128::from(self.last);
        self.length > 0
            && delta != 0
            && (delta.unsigned_abs() <= u128::from(gap)
                || self.stride != 0 && delta == i128::from(self.stride))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuations(ids: impl IntoIterator<Item = u64>) -> usize {
        let mut runs = Runs::default();
        let mut continues = |it: &u64| {
            matches!(runs.step(Position::new(*it), GAP_MAX, 0), Some(Step::Continues(_)))
        };
        ids.into_iter().filter(|it| continues(it)).count()
    }

    fn scattered(at: u64) -> u64 {
        at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
    }

    #[test]
    fn a_walk_continues_with_every_id_after_the_first() {
        assert_eq!(continuations(1_000..1_050), 49);
        assert_eq!(continuations((0..50).map(|it| 9_000 - 40 * it)), 49);
    }

    #[test]
    fn a_constant_stride_wider_than_the_gap_is_seen_from_the_third_id_on() {
        assert_eq!(continuations((0..50).map(|it| 1_000 * it)), 48);
    }

    #[test]
    fn four_interleaved_walkers_do_not_hide_each_other() {
        let ids = (0..100).flat_map(|it| [it, 10_000 + it, 20_000 + it, 30_000 + it]);
        assert!(continuations(ids) >= 390);
    }

    #[test]
    fn a_walk_of_one_contact_in_six_survives_the_honest_five() {
        let honest =
            |it: u64| if it.is_multiple_of(6) { (1_u64 << 50) | (it / 6) } else { scattered(it) };
        let kept = continuations((0..3_000).map(honest));
        assert!(kept > 400, "{kept} of 500");
    }

    #[test]
    fn ids_in_no_order_open_runs_only() {
        assert!(continuations((0..2_000).map(scattered)) < 3);
    }

    #[test]
    fn at_a_roll_up_a_childs_own_walk_is_not_the_roll_ups() {
        let mut runs = Runs::default();
        runs.step(Position::new(10), GAP_MAX, 1);
        assert_eq!(runs.step(Position::new(11), GAP_MAX, 1), Some(Step::Own));
        assert_eq!(runs.step(Position::new(12), GAP_MAX, 2), Some(Step::Continues(2)));
    }
}
