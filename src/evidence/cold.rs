//! `cold`: first contacts with records that nobody else has touched within a day.
//!
//! On a register honest clients read each other's records: what one looks up today, somebody
//! looked up yesterday or will tomorrow. A harvester reads what lies next, wanted or not.
//! Coldness is asked at the level of records and novelty at the level of subjects: asking both of
//! the person cut recall from 68 to 44 of 73 on real data.
//!
//! The honest rate is never learned upwards: the median honest client of a register reads 97 % cold,
//! and stays silent because it reads few. So what keeps honest people silent is less the rate than what
//! is forgiven them ([`allowance`]), and the two are weighed against each other: a lower rate with more
//! forgiven finds who is fast sooner, and leaves who comes every day alone. On a personal route nearly
//! every honest first contact is cold and the stream is not live.

use super::math::add_logs;
use super::{Ladder, Nats, ONE_NAT, accrued};
use crate::time::Moment;

/// The stream's name.
pub const NAME: &str = "cold";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "reads records that nobody else reads";
/// Honest rate of who is new to a register, and its ceiling.
pub const RATE: f64 = 0.4;
/// The same of who is known, by ten days of its own: the median regular reads little but cold records,
/// and what tells it from a harvester is how many.
pub const RATE_KNOWN: f64 = 0.5;
/// How many times the usual a day may hold, a stranger's as a regular's: what nobody else reads comes
/// in batches.
pub const BUSY_DAY: f64 = 2.0;
/// Relative variance of the days of a regular of whom that is true, and the most times of it that count.
/// The tail of a gamma distribution falls as `e^(-x / variance)`, so what is exceeded as seldom lies as
/// many times further out.
const BUSY_VARIANCE: f64 = 0.4;
const BUSY_TIMES_MAX: f64 = 2.5;
/// The most that counts add to coldness: what is beyond says that somebody reads much, which stream
/// `volume` says itself. A follower of everything reads hundreds in its first hours, few of them cold.
const HASTE_MAX: Nats = 4 * ONE_NAT;
/// Alternatives.
pub const ALTERNATIVES: usize = 2;

/// How many times the usual a day of a regular may hold whose days differ by this relative variance.
#[must_use]
pub fn busy_day(variance: f64) -> f64 {
    BUSY_DAY * (variance / BUSY_VARIANCE).clamp(1.0, BUSY_TIMES_MAX)
}

/// What a client gathers honestly between two moments at `a_day` subjects a day: without it a
/// regular visitor of a quiet register, every record of whose is cold, would be a harvester after a
/// week, or on one busy day. A day's share accrues in eight hours, so that an honest day at work is
/// covered, and a harvest, which takes minutes for as much, is not slowed down. Who is slower than
/// that is told by the absolute count of cold subjects in stream `volume`.
#[must_use]
pub fn allowance(a_day: f64, from: Moment, until: Moment) -> Nats {
    // ln(.95/.4) a subject; of who is known, at .5, it covers a third more.
    accrued(0.865 * a_day, from, until)
}

/// The stream's log e-value where the counts say `volume` besides: the mean of what coldness says
/// alone and of both together. At an honest client how many records it reads tells nothing of whether
/// each is cold, so given the counts coldness is still a draw at its honest rate, and the product of
/// the two e-values is one.
#[must_use]
pub fn with_volume(cold: Nats, volume: Nats) -> Nats {
    // ln 2 is 710/1024.
    cold + (add_logs(0, volume.min(HASTE_MAX)) - 710).max(0)
}

/// What of it a child says to its network. There e-values of many are multiplied, and half of all
/// honest clients read nothing but cold records: at a rate of .4 each of them would push its network
/// on, so it speaks as at one of one half.
#[must_use]
pub fn among_others(cold: Nats) -> Nats {
    // ln(.95/.5) of ln(.95/.4).
    cold * 3 / 4
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
    fn counts_add_to_coldness_up_to_a_bound_and_their_absence_takes_nothing() {
        let cold = 10 * ONE_NAT;
        assert!((with_volume(cold, 0) - cold).abs() <= 5);
        let hasty = as_f64(with_volume(cold, 3 * ONE_NAT)) - 10.0;
        assert!((hasty - ((1.0 + 3.0_f64.exp()) / 2.0).ln()).abs() < 0.01, "{hasty}");
        assert_eq!(with_volume(cold, 60 * ONE_NAT), with_volume(cold, HASTE_MAX));
    }

    #[test]
    fn a_busy_day_of_a_stranger_is_forgiven_and_a_harvest_of_minutes_is_not() {
        let (start, shift) = (Moment(0), Moment(8 * 3_600_000));
        let nats = |until| as_f64(allowance(40.0, start, until));
        assert!((nats(shift) - 40.0 * 0.865).abs() < 0.1, "{}", nats(shift));
        assert!(nats(Moment(600_000)) < 1.0, "{}", nats(Moment(600_000)));
    }

    #[test]
    fn a_client_whose_every_second_record_is_cold_says_nothing() {
        let (ladder, mut sums) = (ladder(), Cusum::default());
        let step = Rate::default().step(RATE, 5.0, 0.0);
        (0..1_000).for_each(|at| sums.update(&ladder, step, at % 2 == 0));
        assert!(as_f64(sums.log_e(&ladder)) < 1.0);
    }
}
