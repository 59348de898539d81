//! `miss`: first contacts that found nobody, or were denied.
//!
//! Who knows the id of a person asks for that id. Who guesses, misses: a ten-digit id with a
//! check digit exists in a few of a hundred cases. Honest clients mistype, with rates that differ
//! between them far more than within one, so the rate is each client's own, shrunk to its class.

use super::math::ln;
use super::{Cusum, Ladder, Nats, accrued, nats};
use crate::time::Moment;

/// The stream's name.
pub const NAME: &str = "miss";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "asks for ids that do not exist";
/// Honest rate before anything is learned.
pub const RATE: f64 = 0.05;
/// How many times its class's mean the honest rate of a client is that nobody knows yet, since it is the spread between
/// honest clients, not the noise within one, that makes false pages. With the mean alone a robot
/// that asked for nine pages of which eight were gone was a page.
pub const UNKNOWN_TIMES: f64 = 2.0;
/// Alternatives.
pub const ALTERNATIVES: usize = 3;

/// What a look-up of a client tells that misses two of three times:
/// `2/3 ln(.5/.1) + 1/3 ln(.5/.9)`.
const NATS_A_LOOKUP: f64 = 0.877;
/// How many times its average an honest day may hold.
const BUSY_DAY: f64 = 3.0;
/// Look-ups a day at most for which anything is forgiven: what one person does by hand. A partner's
/// thousands would hide a robot.
const A_DAY_MAX: f64 = 60.0;

/// What a client that nobody knows yet gathers honestly between two moments at `a_day` look-ups a
/// day. A few honest clients miss more often than not (a clinic whose patients have no card yet),
/// and until their own days tell so, they cannot be told from one who guesses but by their pace:
/// one guesses for minutes, the other works all day. Who guesses as slowly as that, with a login
/// that nobody knows, is left to stream `volume`.
#[must_use]
pub fn allowance(a_day: f64, from: Moment, until: Moment) -> Nats {
    accrued(NATS_A_LOOKUP * BUSY_DAY * a_day.min(A_DAY_MAX), from, until)
}

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|_| [0.2, 0.5, 0.8])
}

/// The stream's log e-value for a client that misses so many times on an honest day: that of its
/// sums, less the logarithm of those.
///
/// Honest misses come in clusters (a list of former customers, a clerk who tries three spellings),
/// and who misses hundreds of times a day has hundreds of chances a day for one. At a rate that
/// were the same at every moment eight misses in a row call somebody, which is luck alone in one of
/// a billion look-ups, and far more often where a customer base is a little out of date. So each of its misses is taken as one chance among those of its day:
/// for a clerk that is next to nothing, for such a partner two or three misses more.
#[must_use]
pub fn log_e(
    sums: &Cusum<ALTERNATIVES>,
    ladder: &Ladder<ALTERNATIVES>,
    misses_a_day: impl FnOnce() -> f64,
) -> Nats {
    match sums.log_e(ladder) {
        0 => 0,
        log_e => (log_e - nats(ln(1.0 + misses_a_day()))).max(0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rate, as_f64};
    use super::*;

    #[test]
    fn a_client_that_misses_every_other_time_is_told_within_thirty_attempts() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..30).for_each(|at| sums.update(&ladder, step, at % 2 == 0));
        assert!(as_f64(log_e(&sums, &ladder, || 1.0)) > 18.0);
    }

    #[test]
    fn a_guesser_in_a_hurry_is_forgiven_next_to_nothing_and_a_day_of_bad_typing_is() {
        let (start, hour) = (Moment(20_000 * crate::time::DAY_MS), crate::time::HOUR_MS);
        assert!(as_f64(allowance(20.0, start, start.plus(hour / 12))) < 0.6);
        // 45 look-ups in a shift, two of three of which find nobody.
        assert!(as_f64(allowance(20.0, start, start.plus(8 * hour))) > 45.0 * NATS_A_LOOKUP);
        // A class of 20,000 a day hides no robot: one attempt in 3 s tells more than is forgiven.
        assert!(as_f64(allowance(20_000.0, start, start.plus(3_000))) < 0.1 * NATS_A_LOOKUP);
    }

    #[test]
    fn nine_misses_in_a_row_tell_of_a_clerk_and_not_of_a_partner_with_hundreds_a_day() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 1_000.0, 0.0);
        (0..9).for_each(|_| sums.update(&ladder, step, true));
        // A personal route gives the stream a quarter of the weight.
        let page = 18.06 + 4_f64.ln();
        assert!(as_f64(log_e(&sums, &ladder, || 1.0)) > page);
        assert!(as_f64(log_e(&sums, &ladder, || 864.0)) < page);
        (0..3).for_each(|_| sums.update(&ladder, step, true));
        assert!(as_f64(log_e(&sums, &ladder, || 864.0)) > page);
    }

    #[test]
    fn a_client_that_mistypes_one_in_twenty_says_nothing() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..2_000).for_each(|at| sums.update(&ladder, step, at % 20 == 0));
        assert!(as_f64(log_e(&sums, &ladder, || 1.0)) < 1.5);
    }
}
