//! What has changed about a client and stays so: a regime, and no sum of draws.
//!
//! Honest people change shifts, offices and telephones. From then on every contact says yes until that is
//! what is usual for them, so that what is told of it ends at ln(1/rho), where rho is the honest rate of
//! such changes, and speaks only through [`merge`](super::merge)'s joint component, beside what another
//! stream says. Told once it stands until the end of the next day, or of this one where that was quiet and
//! taught what is usual now: that an insider does honest work between takes nothing from the rest. To stand
//! longer it has to be told anew: some honest contacts are unusual on any day.
//!
//! It takes one byte: there is one alternative, kept in steps of 1/32 nat.

use super::math::ln;
use super::{Nats, ONE_NAT};

/// The most it says: one client in a thousand changes on a given day.
pub const MOST: Nats = 7 * ONE_NAT;
/// Steps of a nat in which the sum is kept.
const STEPS: Nats = 32;
/// The alternative: half of the contacts.
const RATE: f64 = 0.5;
/// [`MOST`] in such steps, where it was said on the day before; those above hold what today says of it, a
/// seventh of it each, up to where it was said today.
const HELD: u8 = 224;
const TOLD: u8 = u8::MAX;
const AGAIN_PART: u8 = 7;
const _: () = assert!(HELD as Nats * ONE_NAT == MOST * STEPS);
const _: () = assert!((TOLD - HELD) * AGAIN_PART <= HELD && (TOLD - HELD + 1) * AGAIN_PART >= HELD);
/// What is left of it a day later: it takes some more of the same to be told again.
const FADED: u8 = HELD - 73;
/// Days from one with a contact to the next beyond which nothing is left of what was said.
const WEEKEND_DAYS: i64 = 3;

/// What a contact adds or takes away, in steps: `ln(p1/p0)` and `ln((1 - p1)/(1 - p0))`, rounded so that
/// the mean e-value of an honest contact stays below one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    /// Where it is unusual.
    yes: u8,
    /// Where it is not.
    no: u8,
}

impl Says {
    /// Of a client of whose contacts the share `p0` says yes; that is below one half. Where contacts come
    /// in groups that say the same, each says this `part`.
    #[must_use]
    pub const fn at(p0: f64, part: f64) -> Self {
        let steps = STEPS as f64 * part;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let (yes, no) = ((ln(RATE / p0) * steps) as u8, (ln((1.0 - p0) / RATE) * steps) as u8 + 1);
        Self { yes, no }
    }
}

/// The sum of the alternative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regime(u8);

impl Regime {
    /// Takes a contact that is unusual, or not.
    pub const fn take(&mut self, yes: bool, says: Says) {
        self.0 = match (self.0, yes) {
            (TOLD, _) => TOLD,
            (sum @ HELD.., true) => sum.saturating_add(says.yes / AGAIN_PART),
            (sum @ HELD.., false) => {
                HELD + (sum - HELD).saturating_sub(says.no.div_ceil(AGAIN_PART))
            }
            (sum, true) => match sum.saturating_add(says.yes) {
                HELD.. => TOLD,
                sum => sum,
            },
            (sum, false) => sum.saturating_sub(says.no),
        };
    }

    /// The log e-value.
    #[must_use]
    pub const fn log_e(self) -> Nats {
        let most = if self.0 < HELD { self.0 } else { HELD };
        most as Nats * (ONE_NAT / STEPS)
    }

    /// A day has ended, so many days before the next one with a contact. Where it `teaches` what is usual
    /// there is nothing unusual any more.
    pub const fn close_day(&mut self, teaches: bool, ended: i64) {
        self.0 = match self.0 {
            _ if teaches || ended > WEEKEND_DAYS => 0,
            TOLD => HELD,
            HELD.. => FADED,
            sum => sum,
        };
    }

    /// As a byte of a profile.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// From a byte of a profile.
    #[must_use]
    pub const fn from_byte(sum: u8) -> Self {
        Self(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWENTIETH: Says = Says::at(0.05, 1.0);

    fn told() -> Regime {
        let mut regime = Regime::default();
        (0..4).for_each(|_| regime.take(true, TWENTIETH));
        regime
    }

    #[test]
    fn an_honest_contact_multiplies_the_e_value_by_no_more_than_one() {
        let rates = (1..45).flat_map(|it| [(it, 1.0), (it, 0.5)]);
        for (percent, part) in rates {
            let p0 = f64::from(percent) / 100.0;
            let says = Says::at(p0, part);
            let times = |steps: f64| (steps / f64::from(STEPS)).exp();
            let mean = p0 * times(f64::from(says.yes)) + (1.0 - p0) * times(-f64::from(says.no));
            assert!(mean <= 1.0, "{percent} % {part}: {mean}");
            assert!(part < 1.0 || mean > 0.93, "{percent} %: {mean}");
        }
    }

    #[test]
    fn what_was_told_is_not_taken_back_by_usual_contacts() {
        let mut regime = told();
        (0..500).for_each(|_| regime.take(false, TWENTIETH));
        assert_eq!(regime.log_e(), MOST);
    }

    #[test]
    fn what_was_not_told_to_the_end_is() {
        let mut regime = Regime::default();
        regime.take(true, TWENTIETH);
        (0..4).for_each(|_| regime.take(false, TWENTIETH));
        assert_eq!(regime.log_e(), 0);
    }

    #[test]
    fn it_stands_for_the_day_after_and_no_longer() {
        let mut regime = told();
        regime.close_day(false, 1);
        assert_eq!(regime.log_e(), MOST);
        regime.close_day(false, 1);
        assert!(regime.log_e() < MOST);
    }

    #[test]
    fn what_is_held_is_told_anew_by_as_much_as_at_first_and_by_no_single_contact() {
        let stands = |contacts: usize| {
            let mut regime = told();
            regime.close_day(false, 1);
            (0..contacts).for_each(|_| regime.take(true, TWENTIETH));
            regime.close_day(false, 1);
            regime.log_e() == MOST
        };
        assert_eq!([1, 3, 4].map(stands), [false, false, true]);
    }

    #[test]
    fn a_day_that_teaches_ends_it() {
        let mut regime = told();
        regime.close_day(true, 1);
        assert_eq!(regime.log_e(), 0);
    }

    #[test]
    fn it_outlives_a_weekend_and_no_leave() {
        let (mut weekend, mut leave) = (told(), told());
        weekend.close_day(false, 3);
        leave.close_day(false, 4);
        assert_eq!((weekend.log_e(), leave.log_e()), (MOST, 0));
    }
}
