//! The manner of a client: how it works, whatever it reads.
//!
//! Members of one campaign who read in no order share no ids, but they run one program: it waits as
//! long between two records, asks for the same kind of page, is answered alike, was started on all
//! machines at about one time, and rents its machines side by side. Each of these says how much
//! more likely two clients are one program's than two strangers' that were both suspected, as a
//! log-likelihood ratio in nats; they are added. None of them is enough alone, and the manner of
//! working without a common start or neighbourhood seldom is: on a real register (EDGAR's day, 41
//! harvesters who have nothing to do with each other) the most alike two that are compared reach
//! 6.0 nats by it, after twenty contacts of one and sixteen hundred of the other. What is asked for
//! lies above that.

use crate::attribute::{KeyKind, Lookup, Nearness, Network, names};
use crate::evidence::math::{exp, ln};
use crate::time::{DAY_MS, MINUTE_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// From here on two clients are taken for one campaign's, in nats.
const ALIKE_NATS: f64 = 6.2;
/// So many clients of a campaign tell what is common to them; from here on another is one of them.
const MANY: usize = 3;
const ALIKE_MANY_NATS: f64 = 4.5;
/// Forms of requests told apart at a client.
const FORMS_MAX: usize = 6;
/// Contacts from which a mean says anything.
const CONTACTS_MIN: f64 = 3.0;
/// Contacts that shares are read as at most: there are no programs that are alike to the last page.
const SHARES_MAX: f64 = 24.0;
/// Pseudo-counts of a category that nobody was seen in.
const UNSEEN: f64 = 0.3;
/// How far the logarithms of strangers' pauses lie apart, and those of one program's machines
/// (standard deviations).
const PAUSES: (f64, f64) = (1.7, 0.15);
/// The same of how evenly they pause, and of the sizes of answers.
const EVENNESS: (f64, f64) = (0.6, 0.15);
const SIZES: (f64, f64) = (1.0, 0.2);
/// What the sizes, the evenness, the answers and the forms say for one program at most: they are of
/// a few kinds, and two in five harvesters are of the commonest.
const EVENNESS_MAX: f64 = 1.0;
const SIZES_MAX: f64 = 1.2;
const ANSWERS_MAX: f64 = 1.0;
const FORMS_SAY_MAX: f64 = 1.5;
/// What any of these says against it at most: a machine that is turned away early, or that has the
/// slower half of the work, may still be one of many.
const UNLIKE_MAX: f64 = 4.0;
/// Machines of one campaign begin within so long of each other, on average, if they begin together.
const START_MS: f64 = 5.0 * MINUTE_MS as f64;
/// Who was there when the log began may have begun at any time before.
const LOG_BEGINS_MS: i64 = 10 * MINUTE_MS;
/// What a /24 (a /48) and a /16 (a /32) in common say.
const NEIGHBOURS_SAY: f64 = 4.0;
const NEAR_SAYS: f64 = 2.0;

/// How a client works, from where it came under suspicion.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Manner {
    contacts: u32,
    pauses: Moments,
    sizes: Moments,
    answers: [f64; ANSWERS],
    forms: Vec<(u8, f64)>,
    last: Option<Moment>,
    network: Option<Network>,
}

/// Outcomes.
const ANSWERS: usize = 5;

/// Count, mean and sum of squared deviations (Welford 1962).
#[derive(Clone, Copy, Debug, Default, BorshSerialize, BorshDeserialize)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn take(&mut self, value: f64) {
        self.count += 1.0;
        let apart = value - self.mean;
        self.mean += apart / self.count;
        self.squares += apart * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

impl Manner {
    /// The manner of a client that has just come under suspicion with this look-up.
    pub(super) fn new(lookup: &Lookup, arena: &[u8]) -> Self {
        let name = names::read(arena, lookup.names, KeyKind::Address);
        Self { network: name.and_then(Network::of), ..Self::default() }
    }

    /// Whether both are in one /24, or /48.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let both = self.network.zip(other.network);
        both.is_some_and(|(own, other)| own.nearness(other) == Nearness::Side)
    }

    /// Whether it is worth comparing: after six contacts, and at every doubling.
    pub(super) const fn has_doubled(&self) -> bool {
        self.contacts.is_multiple_of(COMPARED_FROM)
            && (self.contacts / COMPARED_FROM).is_power_of_two()
    }

    /// Takes a first contact.
    pub(super) fn take(&mut self, lookup: &Lookup) {
        self.contacts = self.contacts.saturating_add(1);
        if let Some(last) = self.last {
            let pause_ms = lookup.event.since(last).max(500);
            self.pauses.take(ln(pause_ms as f64));
        }
        self.last = Some(lookup.event);
        self.sizes.take(ln(1.0 + f64::from(lookup.bytes)));
        if let Some(count) = self.answers.get_mut(lookup.outcome as usize) {
            *count += 1.0;
        }
        if let Some(known) = self.forms.iter_mut().find(|it| it.0 == lookup.form) {
            known.1 += 1.0;
        } else if self.forms.len() < FORMS_MAX {
            self.forms.push((lookup.form, 1.0));
        }
    }
}

/// Contacts after which a client that is only under suspicion is compared first.
const COMPARED_FROM: u32 = 6;

/// How a client works, and when it began to.
pub(super) type Since<'a> = (&'a Manner, Moment);

/// Whether a client looks like one more machine of the program that `others` run, in a log that
/// began at `log_begins`: like one of them beyond doubt, or, where they are many already, like most
/// of them as far as can be expected.
pub(super) fn is_one_of<'a>(
    one: Since<'_>,
    others: impl Iterator<Item = Since<'a>>,
    log_begins: Option<Moment>,
) -> bool {
    let mut all: Vec<f64> = others.map(|it| likeness(one, it, log_begins)).collect();
    all.sort_by(f64::total_cmp);
    let count = all.len() as f64;
    let (Some(most), Some(middle)) = (all.last(), all.get(all.len() / 2)) else { return false };
    // The more one is compared with, the likelier is one that is alike by chance.
    *most >= ALIKE_NATS + ln(count) / 2.0 || all.len() >= MANY && *middle >= ALIKE_MANY_NATS
}

/// How much likelier two clients are one program's than two strangers', in nats.
fn likeness((a, a_since): Since<'_>, (b, b_since): Since<'_>, log_begins: Option<Moment>) -> f64 {
    let forms = pairs(&a.forms, &b.forms);
    let answers: Vec<(f64, f64)> = a.answers.into_iter().zip(b.answers).collect();
    let at_most = |says: f64, most: f64| says.clamp(-UNLIKE_MAX, most);
    at_most(normal(mean(&a.pauses), mean(&b.pauses), PAUSES), f64::INFINITY)
        + at_most(normal(evenness(&a.pauses), evenness(&b.pauses), EVENNESS), EVENNESS_MAX)
        + at_most(normal(mean(&a.sizes), mean(&b.sizes), SIZES), SIZES_MAX)
        + at_most(shares(&answers), ANSWERS_MAX)
        + at_most(shares(&forms), FORMS_SAY_MAX)
        + starts((a_since, b_since), log_begins)
        + neighbours(a.network, b.network)
}

/// A mean and the variance of its error; nothing of too few.
fn mean(moments: &Moments) -> Option<(f64, f64)> {
    let enough = moments.count >= CONTACTS_MIN;
    enough.then(|| (moments.mean, (moments.variance() + 0.1) / moments.count))
}

/// The logarithm of a standard deviation, and the variance of its error.
fn evenness(pauses: &Moments) -> Option<(f64, f64)> {
    let enough = pauses.count >= 2.0 * CONTACTS_MIN;
    enough.then(|| (ln(pauses.variance() + 0.05) / 2.0, 0.6 / pauses.count))
}

/// Two measured values: how much likelier they are of one program, whose machines differ by `same`,
/// than of strangers, who differ by `apart` besides (both normal).
fn normal(a: Option<(f64, f64)>, b: Option<(f64, f64)>, (apart, same): (f64, f64)) -> f64 {
    let (Some((a, error_a)), Some((b, error_b))) = (a, b) else { return 0.0 };
    let same = error_a + error_b + same * same;
    let strangers = same + apart * apart;
    ln(strangers / same) / 2.0 - (a - b) * (a - b) / 2.0 * (1.0 / same - 1.0 / strangers)
}

/// How often each form was seen at either client.
fn pairs(a: &[(u8, f64)], b: &[(u8, f64)]) -> Vec<(f64, f64)> {
    let seen =
        |all: &[(u8, f64)], form: u8| all.iter().find(|it| it.0 == form).map_or(0.0, |it| it.1);
    let only_b = b.iter().filter(|it| seen(a, it.0) <= 0.0).map(|it| (0.0, it.1));
    a.iter().map(|it| (it.1, seen(b, it.0))).chain(only_b).collect()
}

/// Counts by category of two clients: how much worse one set of shares explains both than shares of
/// their own (the G statistic of two samples, with pseudo-counts), and half a nat for every e-fold
/// of what was compared.
fn shares(counts: &[(f64, f64)]) -> f64 {
    let (all_a, all_b) = counts.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    if all_a < CONTACTS_MIN || all_b < CONTACTS_MIN {
        return 0.0;
    }
    let scale = |all: f64| (SHARES_MAX / all).min(1.0);
    let (scale_a, scale_b) = (scale(all_a), scale(all_b));
    let (all_a, all_b) = (all_a * scale_a, all_b * scale_b);
    let unseen = UNSEEN * counts.len() as f64;
    let mut worse = 0.0;
    for (a, b) in counts.iter().map(|it| (it.0 * scale_a, it.1 * scale_b)) {
        let both = (a + b + UNSEEN) / (all_a + all_b + unseen);
        let own = |count: f64, all: f64| count * ln((count + UNSEEN) / (all + unseen) / both);
        worse += own(a, all_a) + own(b, all_b);
    }
    ln(1.0 + all_a.min(all_b)) / 2.0 - worse
}

/// Beginnings: one campaign's machines begin together half of the time, strangers at any time of a
/// day.
fn starts((a, b): (Moment, Moment), log_begins: Option<Moment>) -> f64 {
    let was_there = |at: Moment| log_begins.is_none_or(|it| at.since(it) < LOG_BEGINS_MS);
    if was_there(a) || was_there(b) {
        return 0.0;
    }
    let apart = a.since(b).abs() as f64;
    ln(0.5 + 0.5 * DAY_MS as f64 / START_MS * exp(-apart / START_MS))
}

fn neighbours(a: Option<Network>, b: Option<Network>) -> f64 {
    match a.zip(b).map(|(a, b)| a.nearness(b)) {
        Some(Nearness::Side) => NEIGHBOURS_SAY,
        Some(Nearness::Near) => NEAR_SAYS,
        Some(Nearness::Far) | None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_BEGINS: Moment = Moment(20_000 * DAY_MS);

    /// How a machine works that asks for pages of this form and size every so many seconds.
    #[derive(Clone, Copy)]
    struct Machine {
        address: [u8; 4],
        pause_ms: i64,
        form: u8,
        bytes: u32,
        /// Minutes after the log began.
        since: i64,
    }

    const MACHINE: Machine =
        Machine { address: [203, 0, 113, 7], pause_ms: 9_000, form: 1, bytes: 9_000, since: 100 };

    impl Machine {
        fn manner(self) -> (Manner, Moment) {
            let name = self.address.map(|it| it.to_string()).join(".");
            let mut manner = Manner { network: Network::of(name.as_bytes()), ..Manner::default() };
            let since = LOG_BEGINS.plus(self.since * MINUTE_MS);
            let mut at = since;
            for number in 0..16 {
                // Pauses and sizes within a factor of two, not in step with each other.
                at = at.plus(self.pause_ms * (2 + number * 5 % 4) / 4);
                let bytes = self.bytes / 4 * (2 + u32::try_from(number).unwrap() * 3 % 5);
                manner.take(&Lookup { event: at, bytes, form: self.form, ..Lookup::EMPTY });
            }
            (manner, since)
        }
    }

    /// Whether a machine is taken for one more of the program that the others run.
    fn joins(one: Machine, others: &[Machine]) -> bool {
        let own = one.manner();
        let others: Vec<_> = others.iter().map(|it| it.manner()).collect();
        let others = others.iter().map(|it| (&it.0, it.1));
        is_one_of((&own.0, own.1), others, Some(LOG_BEGINS))
    }

    #[test]
    fn machines_that_begin_together_or_stand_side_by_side_are_one_programs() {
        let elsewhere = [198, 51, 100, 9];
        assert!(joins(Machine { address: elsewhere, since: 102, ..MACHINE }, &[MACHINE]));
        let neighbour = [203, 0, 113, 99];
        assert!(joins(Machine { address: neighbour, since: 700, ..MACHINE }, &[MACHINE]));
    }

    #[test]
    fn who_works_alike_elsewhere_and_at_another_time_is_a_stranger_until_many_do() {
        let other = |number: u8| Machine {
            address: [number, 51, 100, 9],
            since: 100 + 300 * i64::from(number),
            ..MACHINE
        };
        assert!(!joins(other(1), &[MACHINE]));
        assert!(joins(other(1), &[MACHINE, other(2), other(3), other(4)]));
    }

    #[test]
    fn a_neighbour_with_another_program_or_another_pace_is_a_stranger() {
        assert!(!joins(Machine { form: 9, since: 700, ..MACHINE }, &[MACHINE]));
        assert!(!joins(Machine { pause_ms: 400_000, since: 700, ..MACHINE }, &[MACHINE]));
    }

    #[test]
    fn who_was_there_when_the_log_began_did_not_begin_together() {
        let there = Machine { since: 1, ..MACHINE };
        let slower = Machine { address: [198, 51, 100, 9], pause_ms: 12_000, ..MACHINE };
        assert!(joins(slower, &[MACHINE]));
        assert!(!joins(Machine { since: 1, ..slower }, &[there]));
    }
}
