//! `miss`: first contacts that found nobody, or were denied.
//!
//! Who knows the id of a person asks for that id. Who guesses, misses: a ten-digit id with a
//! check digit exists in a few of a hundred cases. Honest clients mistype, with rates that differ
//! between them far more than within one, so the rate is each client's own, shrunk to its class.

use super::Ladder;

/// The stream's name.
pub const NAME: &str = "miss";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "asks for ids that do not exist";
/// Honest rate before anything is learned.
pub const RATE: f64 = 0.05;
/// Honest rate of a client that nobody knows yet: twice the mean, since it is the spread between
/// honest clients, not the noise within one, that makes false pages. With the mean alone a robot
/// that asked for nine pages of which eight were gone was a page.
pub const RATE_UNKNOWN: f64 = 0.1;
/// Alternatives.
pub const ALTERNATIVES: usize = 3;

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|_| [0.2, 0.5, 0.8])
}

#[cfg(test)]
mod tests {
    use super::super::{Cusum, Rate, as_f64};
    use super::*;

    #[test]
    fn a_client_that_misses_every_other_time_is_told_within_thirty_attempts() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..30).for_each(|at| sums.update(&ladder, step, at % 2 == 0));
        assert!(as_f64(sums.log_e(&ladder)) > 18.0);
    }

    #[test]
    fn a_client_that_mistypes_one_in_twenty_says_nothing() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..2_000).for_each(|at| sums.update(&ladder, step, at % 20 == 0));
        assert!(as_f64(sums.log_e(&ladder)) < 1.5);
    }
}
