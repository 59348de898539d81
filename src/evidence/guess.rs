//! `guess`: pass checks that fail, on a subject that the client has tried before.
//!
//! A one-time pass of six digits is guessed in a million tries, one of four in five thousand, so
//! whoever holds a telephone number and patience needs no database. The check of a pass is the one
//! request whose repeats are evidence: what a client tries again on the same subject, and fails at
//! again. A first check that fails is stream [`miss`](super::miss)'s, since many people mistype
//! once; the second and third are few, and most of them succeed.
//!
//! Behind one carrier's address thousands of people check their passes, each on a number of their
//! own, so the stream of their repeats stays at its honest rate; what one of them tries alone
//! stands out only where the address is their finest key.

use super::Ladder;
use super::cusum::OFTEN;

/// The stream's name.
pub const NAME: &str = "guess";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "tries pass after pass on the same person";
/// Honest rate before anything is learned.
pub const RATE: f64 = 0.1;
/// What the honest rate may not fall below: a client of few checks has not shown that none fails.
pub const RATE_MIN: f64 = 0.02;
/// Alternatives.
pub const ALTERNATIVES: usize = 2;

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|_| OFTEN)
}

#[cfg(test)]
mod tests {
    use super::super::cusum::log_e_after;
    use super::*;

    #[test]
    fn ten_passes_tried_in_a_row_say_more_than_a_page_needs() {
        // The stream has two thirds of the weight of its route.
        assert!(log_e_after(&ladder(), RATE, [true; 10]) > 18.06 + 1.5_f64.ln());
    }

    #[test]
    fn people_who_succeed_at_their_second_try_say_nothing() {
        assert!(log_e_after(&ladder(), RATE, (0..2_000).map(|at| at % 12 == 0)) < 3.0);
    }
}
