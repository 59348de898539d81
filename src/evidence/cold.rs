//! `cold`: first contacts with records that nobody else has touched within a day.
//!
//! On a register honest clients read each other's records: what one looks up today, somebody
//! looked up yesterday or will tomorrow. A harvester reads what lies next, wanted or not.
//! Coldness is asked at the level of records and novelty at the level of subjects: asking both of
//! the person cut recall from 68 to 44 of 73 on real data.
//!
//! The honest rate starts at one half and is never learned upwards from there: the median honest
//! client of a register reads 97 % cold, and stays silent because it reads fewer than ten. On a
//! personal route nearly every honest first contact is cold and the stream is not live.

use super::{Ladder, Nats, accrued};
use crate::time::Moment;

/// The stream's name.
pub const NAME: &str = "cold";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "reads records that nobody else reads";
/// Honest rate on a register, and its ceiling.
pub const RATE: f64 = 0.5;
/// How many times its usual a regular's day may hold: what nobody else reads comes in batches.
pub const BUSY_DAY: f64 = 2.0;
/// Alternatives.
pub const ALTERNATIVES: usize = 2;

/// What a client gathers honestly between two moments at `a_day` subjects a day: without it a
/// regular visitor of a quiet register, every record of whose is cold, would be a harvester after a
/// week, or on one busy day. A day's share accrues in eight hours, so that an honest day at work is
/// covered, and a harvest, which takes minutes for as much, is not slowed down. Who is slower than
/// that is told by the absolute count of cold subjects in stream `volume`.
#[must_use]
pub fn allowance(a_day: f64, from: Moment, until: Moment) -> Nats {
    // ln(.95/.5) a subject.
    accrued(0.642 * a_day, from, until)
}

/// The stream's table.
#[must_use]
pub fn ladder() -> Ladder<ALTERNATIVES> {
    Ladder::new(|_| [0.8, 0.95])
}

#[cfg(test)]
mod tests {
    use super::super::{Cusum, Rate, as_f64};
    use super::*;

    #[test]
    fn forty_cold_records_in_a_row_say_more_than_twenty_nats() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..40).for_each(|_| sums.update(&ladder, step, true));
        assert!(as_f64(sums.log_e(&ladder)) > 20.0);
    }

    #[test]
    fn a_client_whose_every_second_record_is_cold_says_nothing() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..1_000).for_each(|at| sums.update(&ladder, step, at % 2 == 0));
        assert!(as_f64(sums.log_e(&ladder)) < 1.0);
    }
}
