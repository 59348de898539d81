//! `together`: what the children of a network say as one, as its stream `cold`.
//!
//! A harvest that is dealt out to thirty addresses of one /24 leaves each of them a little beyond
//! what an honest client may read, and none of them far enough for an alert. Each child's own stream
//! already forgives it what honest clients do, so what is left of it can be put together: children
//! that have nothing to do with each other are independent, and the product of independent e-values
//! is one.
//!
//! A child's sum `S` is no e-value, because it begins anew at zero: at an honest client it stands
//! above `x` about `e^-x` of the time. Counted up to `m` nats, `e^min(S, m)` is `1 + m` in the mean,
//! so `e^min(S, m) / (1 + m)` is one at most, and no child alone can say more than `m - ln(1 + m)`:
//! a network is for what many say, and who says more has an alert of its own. A silent child speaks
//! against a campaign as an honest one does, so that a crowd of strangers (a carrier, a cloud, the
//! machines of a search engine) is quiet however large it is. Few of a crowd may be a campaign
//! though: a child takes part with probability `p`, one alternative each, and says
//! `ln(1 - p + p e^min(S, m) / (1 + m))`.
//!
//! Nothing is kept of the children. One that comes back replaces what it has said before, both
//! faded by how long ago that was: so what is summed up is who was there within a shift.

use super::math::{add_logs, exp, ln};
use super::{Nats, ONE_NAT, SHIFT_HOURS, nats};
use crate::time::{HOUR_MS, MINUTE_MS};

/// The share of the children that take part, an alternative each: most of them, and some.
const SHARES: [f64; ALTERNATIVES] = [0.9, 0.3];
/// How many alternatives there are.
pub const ALTERNATIVES: usize = 2;
/// What counts of a child's evidence at most, in nats: what a fourth part of a page is.
const MOST: Nats = 4;
/// Steps of a nat in which it is read.
const STEPS: Nats = 32;
/// How many steps there are, and one before them for a child that is not counted.
const SAYS: usize = (MOST * STEPS) as usize + 2;
/// Minutes in which what was said fades to a third: a shift, in which an honest share accrues.
const FADES_MINUTES: f64 = SHIFT_HOURS * (HOUR_MS / MINUTE_MS) as f64;

/// The sums of the alternatives.
pub type Sums = [Nats; ALTERNATIVES];

/// What a child says, in few bits; nothing where it was not there, or has an alert of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Says(pub u8);

impl Says {
    /// That of a child with so much evidence.
    #[must_use]
    pub fn of(log_e: Nats) -> Self {
        let steps = log_e.clamp(0, MOST * ONE_NAT) * STEPS / ONE_NAT;
        Self(u8::try_from(steps + 1).unwrap_or(u8::MAX))
    }
}

/// What children say, by [`Says`].
#[derive(Clone, Debug)]
pub struct Table(Vec<Sums>);

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// The table.
    #[must_use]
    pub fn new() -> Self {
        let toll = 1.0 + f64::from(MOST);
        let row = |says: usize| {
            let Some(steps) = says.checked_sub(1) else { return [0; ALTERNATIVES] };
            let likelier = exp(steps as f64 / f64::from(STEPS)) / toll;
            SHARES.map(|share| nats(ln(1.0 - share + share * likelier)))
        };
        Self((0..SAYS).map(row).collect())
    }

    /// A child that said `before`, so many minutes ago, says something else `now`.
    pub fn take(&self, sums: &mut Sums, (before, minutes): (Says, i64), now: Says) {
        let of = |says: Says| self.0.get(usize::from(says.0)).copied().unwrap_or_default();
        let mut before = of(before);
        fade(&mut before, minutes);
        for ((sum, before), now) in sums.iter_mut().zip(before).zip(of(now)) {
            *sum = sum.saturating_add(now - before);
        }
    }
}

/// The most that one child says.
#[must_use]
pub fn most() -> Nats {
    MOST * ONE_NAT - nats(ln(1.0 + f64::from(MOST)))
}

/// What was said so many minutes ago.
pub fn fade(sums: &mut Sums, minutes: i64) {
    if minutes <= 0 || *sums == [0; ALTERNATIVES] {
        return;
    }
    let left = exp(-(minutes as f64) / FADES_MINUTES);
    #[expect(clippy::cast_possible_truncation, reason = "smaller than what it was")]
    let faded = sums.map(|it| (f64::from(it) * left) as Nats);
    *sums = faded;
}

/// The log of the mean of the alternatives' e-values, and nothing below it.
#[must_use]
pub fn log_e([most, some]: Sums) -> Nats {
    // ln 2 is 710/1024.
    (add_logs(most, some) - 710).max(0)
}

#[cfg(test)]
mod tests {
    use super::super::as_f64;
    use super::*;

    /// What so many children say that stand at so many nats each.
    fn say(children: &[(usize, f64)]) -> f64 {
        let (table, mut sums) = (Table::new(), Sums::default());
        for (count, evidence) in children {
            let says = Says::of(nats(*evidence));
            (0..*count).for_each(|_| table.take(&mut sums, (Says::default(), 0), says));
        }
        as_f64(log_e(sums))
    }

    #[test]
    fn twelve_children_half_way_to_a_ticket_are_a_campaign_and_a_loud_one_is_not() {
        assert!(say(&[(12, 6.0)]) > 20.0);
        assert!(say(&[(1, 60.0)]) < 3.0);
    }

    #[test]
    fn a_crowd_of_silent_children_hides_few_loud_ones_and_not_many() {
        assert!(say(&[(40, 0.6), (6, 6.0)]) < 1.0);
        assert!(say(&[(20, 0.6), (30, 6.0)]) > 20.0);
    }

    #[test]
    fn honest_children_say_nothing_in_the_mean() {
        // At an honest child the sum stands above x for e^-x of the time.
        let (table, mut means) = (Table::new(), [0.0; ALTERNATIVES]);
        let steps = f64::from(STEPS);
        for step in 0..i32::from(u8::try_from(SAYS).unwrap()) * 2 {
            let (from, until) = (f64::from(step) / steps, f64::from(step + 1) / steps);
            let mut sums = Sums::default();
            table.take(&mut sums, (Says::default(), 0), Says::of(nats(from)));
            for (mean, sum) in means.iter_mut().zip(sums) {
                *mean += (exp(-from) - exp(-until)) * exp(as_f64(sum));
            }
        }
        assert!(means.iter().all(|it| *it < 1.0), "{means:?}");
    }

    #[test]
    fn who_comes_back_replaces_what_it_said_and_who_stays_away_fades() {
        let (table, loud) = (Table::new(), Says::of(9 * ONE_NAT));
        let mut sums = Sums::default();
        (0..20).for_each(|_| table.take(&mut sums, (Says::default(), 0), loud));
        let before = log_e(sums);
        table.take(&mut sums, (loud, 0), loud);
        assert_eq!(log_e(sums), before);
        fade(&mut sums, 480);
        table.take(&mut sums, (loud, 480), loud);
        let left = as_f64(log_e(sums)) / as_f64(before);
        assert!((0.35..0.48).contains(&left), "{left}");
        // One that has an alert of its own speaks for itself.
        let mut one = Sums::default();
        table.take(&mut one, (Says::default(), 0), loud);
        table.take(&mut one, (loud, 0), Says::default());
        assert_eq!(one, Sums::default());
    }
}
