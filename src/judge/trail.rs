//! Where the ids lie that a client asked for, look-up by look-up in their order.
//!
//! What numbers say slowly a person sees at once: a line is a walk, a cloud is none, a line in a
//! cloud is a thief in an honest client's key. A position is as good as the id itself, so nothing
//! leaves a trail but where one lies between the client's own lowest and its highest, in a few
//! steps.
//!
//! It is of a fixed size however long a harvest lasts: once it is full, every second point goes, and
//! from then on every second look-up is kept, and so on. Sampling by lot would need a random number,
//! and would draw gaps that nobody left.

use crate::attribute::Position;

/// Points below which there is nothing to see.
const POINTS_MIN: usize = 8;
/// Steps of a [`Shape`] from the lowest id to the highest: more than a screen can show.
pub const SHAPE_STEPS: u16 = 1_000;

/// The positions of a client's look-ups on a route in their order, `MAX` of them at most.
#[derive(Clone, Debug, Default)]
pub struct Trail<const MAX: usize> {
    points: Vec<Position>,
    /// Look-ups with a position.
    seen: u64,
    /// One of so many is kept, as a power of two.
    thinned: u32,
}

/// A trail as it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Where each look-up that was kept lies, of [`SHAPE_STEPS`].
    pub places: Vec<u16>,
    /// Look-ups with a position, kept or not.
    pub look_ups: u64,
}

impl<const MAX: usize> Trail<MAX> {
    /// Takes the position of a look-up.
    pub fn take(&mut self, position: Position) {
        if position.ordinal().is_none() {
            return;
        }
        if self.seen.is_multiple_of(1 << self.thinned) {
            self.points.push(position);
        }
        self.seen = self.seen.saturating_add(1);
        if self.points.len() >= MAX {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.thinned += 1;
        }
    }

    /// Whether there is anything to see.
    #[must_use]
    pub const fn is_worth_drawing(&self) -> bool {
        self.points.len() >= POINTS_MIN
    }

    /// Look-ups with a position.
    #[must_use]
    pub const fn look_ups(&self) -> u64 {
        self.seen
    }

    /// Where each point lies in so many rows, from the lowest id upwards.
    #[must_use]
    pub fn rows(&self, rows: usize) -> Vec<usize> {
        let ordinals = || self.points.iter().filter_map(|it| it.ordinal());
        let low = ordinals().min().unwrap_or(0);
        let span = ordinals().max().unwrap_or(0) - low;
        let scaled = |at: u64| {
            let up = u128::from(at - low) * (rows.max(1) - 1) as u128 / u128::from(span.max(1));
            usize::try_from(up).unwrap_or(0)
        };
        ordinals().map(scaled).collect()
    }

    /// What may be shown of it, if there is anything to see.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        let rows = || self.rows(usize::from(SHAPE_STEPS)).into_iter();
        self.is_worth_drawing().then(|| Shape {
            places: rows().map(|it| u16::try_from(it).unwrap_or(u16::MAX)).collect(),
            look_ups: self.seen,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 4_096;

    fn trail(ids: impl IntoIterator<Item = u64>) -> Trail<MAX> {
        let mut trail = Trail::default();
        ids.into_iter().for_each(|it| trail.take(Position::new(it)));
        trail
    }

    #[test]
    fn half_a_million_look_ups_are_kept_from_their_first_to_their_last() {
        let trail = trail(0..500_000);
        assert_eq!(trail.look_ups(), 500_000);
        assert!((MAX / 2..MAX).contains(&trail.points.len()));
        assert_eq!(trail.points[0], Position::new(0));
        assert!(*trail.points.last().unwrap() > Position::new(499_000));
        assert!(trail.points.is_sorted());
    }

    #[test]
    fn one_id_asked_for_again_and_again_and_the_widest_span_have_a_shape_too() {
        let same = trail([7; 20]).shape().unwrap();
        assert_eq!(same, Shape { places: vec![0; 20], look_ups: 20 });
        let wide = trail([0, u64::MAX - 1].repeat(20)).shape().unwrap();
        assert_eq!(wide.places, [0, SHAPE_STEPS - 1].repeat(20));
        assert_eq!(trail([1, 2, 3]).shape(), None);
    }

    #[test]
    fn ids_without_an_order_leave_no_trail() {
        let mut trail = trail(0..9);
        (0..9).for_each(|_| trail.take(Position::NONE));
        assert_eq!((trail.look_ups(), trail.points.len()), (9, 9));
    }

    #[test]
    fn a_shape_is_the_same_wherever_among_all_ids_the_walk_was() {
        let low = trail((0..50).map(|it| 1_000 + it));
        let high = trail((0..50).map(|it| 7_123_456_000 + it));
        assert_eq!(low.shape(), high.shape());
        assert!(!format!("{high:?}").contains("7123456"));
    }
}
