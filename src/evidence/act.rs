//! `act`: look-ups that nothing is done for.
//!
//! Who works with people does something about those it looks up: a vaccination is written down, a
//! booking made. Who collects them does not. So on a route of personal records, where the
//! configuration knows of writes, a disclosed first contact counts once the client has looked up
//! eight more people and has not written about this one; an act within that time counts against. A
//! session has no writes of its own to be known by, but a pass that was checked before it reads: on
//! portals that check passes its every first contact without one counts.
//!
//! How often nothing follows differs between honest clients far more than within one (a clerk of a
//! registry only reads), so the stream is silent for a login until its own days tell its rate, on
//! this route or on another of personal records, and for sessions until their class has taught it.

use super::Ladder;
use super::cusum::OFTEN;

/// The stream's name.
pub const NAME: &str = "act";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "looks people up and does nothing for them";
/// Honest rate before anything is learned: no alternative lies above it, so nothing is said.
pub const RATE: f64 = 0.99;
/// What a login's honest rate may not fall below.
pub const RATE_MIN: f64 = 0.05;
/// The same of a session's class: at .02 six people read without a pass are a page, and a household
/// of five is none.
pub const SESSION_RATE_MIN: f64 = 0.02;
/// Contacts that this is worth against a client's own: after a day of twenty people its own counts
/// for most.
pub const CONCENTRATION: f64 = 10.0;
/// Contacts from which what a login does on one route tells what it will do on another.
pub const HABIT_FROM: u16 = 50;
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
    fn thirty_people_for_whom_nothing_is_done_say_more_than_a_page_needs() {
        // A clerk who does something for two of three; the stream has a ninth of its route.
        assert!(log_e_after(&ladder(), 0.35, [true; 30]) > 18.06 + 9_f64.ln());
    }

    #[test]
    fn nothing_is_said_of_a_client_that_is_not_known() {
        assert!(log_e_after(&ladder(), RATE, [true; 1_000]) <= 0.0);
    }

    #[test]
    fn a_clerk_who_does_something_for_two_of_three_says_nothing() {
        assert!(log_e_after(&ladder(), 0.35, (0..3_000).map(|it| it % 3 == 0)) < 3.0);
    }
}
