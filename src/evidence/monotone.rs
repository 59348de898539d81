//! `monotone`: first contacts whose id is above (below) the one before.
//!
//! A walker whose gaps are too wide or too irregular for `walk` still goes one way. An honest
//! client's next id is as often above as below. Both directions are watched, each with its own
//! alternatives, so that a client who sweeps downwards is not hidden by the upward sums.

use super::{Cusum, Ladder, Nats};
use crate::attribute::Position;
use borsh::{BorshDeserialize, BorshSerialize};

/// The stream's name.
pub const NAME: &str = "monotone";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "goes through the ids in one direction";
/// Honest rate before anything is learned.
pub const RATE: f64 = 0.5;
/// Alternatives of a direction.
pub const ALTERNATIVES: usize = 2;

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|_| [0.7, 0.9])
}

/// The stream's state.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
pub struct Monotone {
    last: Position,
    up: Cusum<ALTERNATIVES>,
    down: Cusum<ALTERNATIVES>,
}

impl Default for Monotone {
    fn default() -> Self {
        Self { last: Position::NONE, up: Cusum::default(), down: Cusum::default() }
    }
}

impl Monotone {
    /// Takes a first contact. `simultaneous` contacts of one key carry no order. Whether the id
    /// rose, or `None` where that says nothing.
    pub fn update(
        &mut self,
        ladder: &Ladder<ALTERNATIVES>,
        steps: (u8, u8),
        at: Position,
        simultaneous: bool,
    ) -> Option<bool> {
        let before = std::mem::replace(&mut self.last, at);
        let (Some(before), Some(at)) = (before.ordinal(), at.ordinal()) else { return None };
        if simultaneous || before == at {
            return None;
        }
        let rose = at > before;
        self.up.update(ladder, steps.0, rose);
        self.down.update(ladder, steps.1, !rose);
        Some(rose)
    }

    /// The log of the mean of both directions' e-values.
    #[must_use]
    pub fn log_e(&self, ladder: &Ladder<ALTERNATIVES>) -> Nats {
        let (up, down) = (self.up.log_e(ladder), self.down.log_e(ladder));
        if up == 0 && down == 0 {
            return 0;
        }
        // The mean of two: a sum of logs less ln 2 (710/1024).
        super::math::add_logs(up, down) - 710
    }

    /// Evidence of rising and of falling ids, each of its own.
    #[must_use]
    pub fn log_e_each(&self, ladder: &Ladder<ALTERNATIVES>) -> (Nats, Nats) {
        (self.up.log_e(ladder), self.down.log_e(ladder))
    }

    /// Evidence back to rest; the last id is kept.
    pub const fn reset(&mut self) {
        self.up.reset();
        self.down.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rate, as_f64};
    use super::*;

    fn sweep(ids: impl Iterator<Item = u64>, simultaneous: bool) -> f64 {
        let (ladder, mut stream) = (ladder(), Monotone::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        for id in ids {
            stream.update(&ladder, (step, step), Position::new(id), simultaneous);
        }
        as_f64(stream.log_e(&ladder))
    }

    #[test]
    fn a_sweep_is_told_in_either_direction_whatever_its_gaps() {
        assert!(sweep((0_u64..50).map(|it| it * it * 997), false) > 18.0);
        assert!(sweep((0_u64..50).rev().map(|it| it * it * 997), false) > 18.0);
    }

    #[test]
    fn ids_in_no_order_and_ids_at_one_instant_say_nothing() {
        let scattered = |it: u64| ((it * it * 2_654_435_761) ^ (it << 40)) % 1_000_003;
        assert!(sweep((1..500).map(scattered), false) < 6.5);
        assert!(sweep(0..500, true) < 0.01);
    }
}
