//! What a client has come to look up on a day, and how far that may rise.
//!
//! The level follows the days of the last four weeks and stays below a bound that rises by a tenth
//! in thirty days: who grows faster than that does not take its baseline along. The bound is kept
//! beside the level because a level that may fall with every quiet day and rise by a third of a
//! percent with every busy one sinks to what the client does on its quietest days; two months of
//! that made an honest client look twice as busy as it was. Both fit into the four bytes that the
//! level alone had.

use super::day::{KNOWN_DAYS, LEVEL_DAYS, OWN_DAYS_TELLING, margin};
use crate::evidence::GROWTH_A_DAY;
use borsh::{BorshDeserialize, BorshSerialize};

/// How far one day may lie above a level and still be learned in full.
const DAY_FACTOR_MAX: f64 = 3.0;
/// Days since the one before for which a bound may rise at most: an absence is no growth.
const GROWTH_DAYS_MAX: f64 = 30.0;

/// A level and its bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Usual {
    level: Rough,
    most: Rough,
}

impl Usual {
    /// Subjects a day.
    #[must_use]
    pub fn a_day(self) -> f64 {
        self.level.value()
    }

    /// Whether it has a bound: it rests on ten days that are as alike as its class's, or on up to four
    /// weeks of days that are less so.
    #[must_use]
    pub fn is_bound(self) -> bool {
        self.most != Rough::default()
    }

    /// Takes a day of so many subjects, the client's `own_days`th, so many days after the one before; its
    /// days are worth so many `alike` ones. Its bound begins as far above its level as that is uncertain.
    pub(super) fn learn(&mut self, subjects: f64, (own_days, alike): (u8, f64), days: f64) {
        let (before, most) = (self.level.value(), self.most.value());
        // One day far beyond all others says little about the days to come, and may be the theft.
        let subjects = if own_days > OWN_DAYS_TELLING {
            subjects.min(before * DAY_FACTOR_MAX)
        } else {
            subjects
        };
        let mut level = before + (subjects - before) / f64::from(own_days).min(LEVEL_DAYS);
        let begins = alike >= f64::from(KNOWN_DAYS) || f64::from(own_days) >= LEVEL_DAYS;
        if self.is_bound() || begins {
            let free = level * margin(alike.min(f64::from(KNOWN_DAYS)));
            let most = if !self.is_bound() {
                free
            } else {
                let risen = most * (1.0 + GROWTH_A_DAY * days.min(GROWTH_DAYS_MAX));
                level = level.min(risen);
                risen.min(free)
            };
            self.most = Rough::of(most);
        }
        self.level = Rough::of(level);
    }
}

/// A number from 1/128 to 33 million to within a fortieth of a percent, or nothing, in two bytes:
/// the middle bits of its binary form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Rough(u16);

/// Bits of a single-precision mantissa that are left out.
const LEFT_OUT: u32 = 12;
/// What stands before 1/128: its exponent with an empty mantissa.
const BELOW: u32 = 120 << 11;

impl Rough {
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn of(value: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "eleven bits of it are kept")]
        let bits = (value.max(0.0) as f32).to_bits();
        let rounded = (bits + (1 << (LEFT_OUT - 1))) >> LEFT_OUT;
        Self(u16::try_from(rounded.saturating_sub(BELOW)).unwrap_or(u16::MAX))
    }

    pub(super) fn value(self) -> f64 {
        if self.0 == 0 {
            return 0.0;
        }
        f64::from(f32::from_bits((u32::from(self.0) + BELOW) << LEFT_OUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(days: impl IntoIterator<Item = f64>) -> Usual {
        let mut usual = Usual::default();
        for (own_days, subjects) in (1_u32..).zip(days) {
            let own_days = u8::try_from(own_days).unwrap_or(u8::MAX);
            usual.learn(subjects, (own_days, f64::from(own_days)), 1.0);
        }
        usual
    }

    #[test]
    fn two_bytes_hold_a_level_to_within_a_fortieth_of_a_percent() {
        for value in [0.01, 0.7, 1.0, 19.3, 200.0, 86_400.0, 9_999_999.0] {
            let kept = Rough::of(value).value();
            assert!((kept / value - 1.0).abs() < 0.000_25, "{value} {kept}");
        }
        assert_eq!(Rough::of(0.0), Rough::default());
    }

    #[test]
    fn days_that_differ_do_not_wear_a_level_down() {
        let level = taught((0..400).map(|it| [5.0, 30.0, 8.0, 37.0][it % 4])).a_day();
        assert!((18.0..22.0).contains(&level), "{level}");
    }

    #[test]
    fn days_that_are_worth_little_begin_a_bound_after_four_weeks_at_the_latest() {
        let learned = |days: u8| {
            let mut usual = Usual::default();
            (1..=days).for_each(|it| usual.learn(20.0, (it, f64::from(it) / 4.0), 1.0));
            usual
        };
        assert!(!learned(27).is_bound());
        assert!(learned(28).is_bound());
        assert!(taught([20.0; 10]).is_bound() && !taught([20.0; 9]).is_bound());
    }

    #[test]
    fn who_grows_by_a_twentieth_a_day_takes_its_level_along_for_a_fortnight_only() {
        let grown = |days| taught((0..days).map(|it| 200.0 * 1.05_f64.powi(it))).a_day();
        let (fortnight, later) = (grown(14), grown(44));
        assert!(fortnight < 300.0, "{fortnight}");
        assert!(later < 1.35 * 200.0 * 1.26 * 1.12, "{later}");
    }
}
