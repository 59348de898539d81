//! The end of a client's day: what it did becomes what it is expected to do.

use super::baseline::{CONCENTRATION, Learned};
use super::dispersion::Alike;
use super::{ClassSpec, Flag, Lesson, Profile, RATES};
use crate::attribute::KeyKind;
use crate::evidence::math::{exp, ln};
use crate::evidence::volume::{Doubt, Level, Spread};
use crate::evidence::{Daily, Nats, ONE_NAT, Rate, STEP_MAX, act, cold, guess, miss, monotone};
use crate::time::{DAY_MS, MINUTE_MS, Moment};

/// Own working days after which a client is known.
pub(super) const KNOWN_DAYS: u8 = 10;
/// Days after which rates are settled and may rise by at most a tenth in thirty days.
const SETTLED_DAYS: u8 = 14;
/// Days that a level looks back: its EWMA forgets as fast as it learns from there on.
pub(super) const LEVEL_DAYS: f64 = 28.0;
/// What a client may look up in thirty days, whatever its own have taught: as much as ten of its class,
/// and 2.7 standard deviations of thirty days that differ as those of its class do, by `1/sqrt(k)`
/// each. It is what is left against who grows by a percent a day, whose days differ by far more than that
/// from one to the next.
const BUDGET_TIMES: f64 = 10.0;
const BUDGET_SIGMAS: f64 = 2.7;
const MONTH_DAYS: f64 = 30.0;
/// Days that the class's 90th percentile is worth against a new client's own level.
const START_DAYS: f64 = 2.0;
/// Own days after which a level tells something.
pub(super) const OWN_DAYS_TELLING: u8 = 5;
/// Contacts below which a client teaches nothing about coldness.
const COLD_TRIALS_MIN: u16 = 20;

/// The highest evidence of a day from which on it teaches a known client no more than a usual day
/// does: an honest day has as much once in a month, a slow harvest from its third day on.
pub const DOUBT: Nats = 3 * ONE_NAT;
/// Steps by which a stream's honest rate is raised at once: .44 of a logit.
const TAUGHT_STEPS: u8 = 2;
/// Steps of a nat in which the busiest hour is kept.
const RUSH_STEPS: f64 = 8.0;
/// The busiest hour by its steps; none at 0.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler makes it, and would refuse to go beyond the end"
)]
static RUSH: [f64; 256] = {
    let mut table = [0.0; 256];
    let mut steps = 1;
    while steps < table.len() {
        table[steps] = exp(steps as f64 / RUSH_STEPS);
        steps += 1;
    }
    table
};

/// Honest rates before anything is learned, and what they may not fall below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors {
    /// Mean of stream `miss`'s rate.
    pub miss: f64,
    /// Mean of stream `walk`'s rate.
    pub walk: f64,
    /// What chance alone continues, at this route's density.
    pub walk_floor: f64,
    /// The stream that the route's class chooses.
    pub by_class: ByClass,
}

/// The first of a profile's streams, which the route's class chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByClass {
    /// `cold`.
    Cold,
    /// `guess`, on checks of passes.
    Guess,
    /// `act`, on routes of personal records; of a session, passes that were checked before.
    Act {
        /// Its clients are sessions.
        per_session: bool,
    },
}

/// What a day that has ended teaches of how much its client looks up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Teaches {
    /// All of it: the day was quiet, or its client is only observed.
    All,
    /// So many subjects at most, and nothing else: there was a ticket, and no page.
    AtMost(f64),
    /// Nothing.
    Nothing,
}

/// What a client's day is closed in.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Its class.
    pub class: &'a ClassSpec,
    /// What that has taught.
    pub learned: &'a Learned,
    /// The stream that its route's class chooses.
    pub by_class: ByClass,
}

impl Profile {
    /// Whether the client has ten working days of its own.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.own_days >= KNOWN_DAYS
    }

    /// Whether it has days enough of its own to tell what is usual for it.
    #[must_use]
    pub const fn days_tell(&self) -> bool {
        self.own_days >= OWN_DAYS_TELLING
    }

    /// How many days ago it was first seen.
    #[must_use]
    pub fn age_days(&self, at: Moment) -> i64 {
        at.since(Moment(i64::from(self.born_minute) * MINUTE_MS)) / DAY_MS
    }

    /// What its counts are read against. A level learned over d days is used with the uncertainty
    /// of d days on top. A new client has its class's 90th percentile, and after five days its own
    /// level, shrunk to that, where it lies below: who looks up less than most is known sooner.
    /// One above it is not taken at its word before ten days: it may be growing. Days that differ by
    /// more than its class's make fewer of these.
    #[inline]
    #[must_use]
    pub fn level(&self, class: &ClassSpec, learned: &Learned, at: Moment) -> Level {
        let own = self.usual.a_day();
        let (known, new) = (class.spread(true), class.spread(false));
        let alike = self.alike(class, learned);
        let (days, known) = (alike.days, Spread { k: known.k * alike.k, ..known });
        let (a_day, spread, carries) = if self.is_known() {
            let mean = learned.mean.map_or(0.0, f64::from);
            let own = own + (mean - own).max(0.0) * alike.of_class;
            (own * margin(days), known, true)
        } else {
            let start = learned.subjects.map_or(class.subjects, |it| f64::from(it).max(1.0));
            let shrunk = (own * days + start * START_DAYS) / (days + START_DAYS);
            let shrunk = shrunk * margin(days.max(1.0));
            if self.own_days >= OWN_DAYS_TELLING && shrunk < start {
                (shrunk, known, true)
            } else {
                (start, new, false)
            }
        };
        let busy = learned.busy.on(at);
        let a_day = a_day * busy;
        let an_hour = self.rush().max(a_day / 24.0);
        let budget = self.budget(class);
        // What is on top of the level covers most of how far it may be too low, and the rest is doubted.
        let doubt = Doubt { error: alike.error, margin: margin(days.max(1.0)) };
        let doubt = if carries { doubt } else { Doubt::NONE };
        let before = if budget < f64::INFINITY { self.past().before_this_month(at) } else { 0.0 };
        Level { a_day, busy, an_hour, spread, carries, budget, doubt, before }
    }

    /// By how much its days differ: their variance over the square of their mean.
    #[must_use]
    pub fn days_variance(&self) -> f64 {
        self.dispersion().variance(self.own_days)
    }

    fn alike(&self, class: &ClassSpec, learned: &Learned) -> Alike {
        self.dispersion().alike((self.usual.a_day(), self.own_days), class, learned)
    }

    /// Subjects in thirty days beyond which no baseline helps. Not for an address or a network, which
    /// a whole town may share, nor for those who are observed first: how much a partner reads is
    /// agreed with it.
    fn budget(&self, class: &ClassSpec) -> f64 {
        let is_one = usize::from(self.kind) < KeyKind::Address.index();
        if is_one && !class.per_session && class.observe_days == 0 {
            class.subjects
                * BUDGET_TIMES
                * (MONTH_DAYS + BUDGET_SIGMAS * (MONTH_DAYS / class.k).sqrt())
        } else {
            f64::INFINITY
        }
    }

    /// Sets the honest rates from the class's and its own.
    pub fn refresh(&mut self, learned: &Learned, priors: Priors, version: u8) {
        self.learned = version;
        let class = |at: usize, start: f64| {
            learned.rates.get(at).copied().flatten().map_or(start, f64::from)
        };
        let [by_class, miss, walk, rising] = self.rates;
        let [taught_walk, taught_rising, taught_falling] = self.school().taught;
        let known = self.is_known();
        let miss_start = priors.miss * if known { 1.0 } else { miss::UNKNOWN_TIMES };
        let prior = |at: usize, start: f64| if known { start } else { class(at, start).max(start) };
        let first = match priors.by_class {
            ByClass::Guess => by_class.step(prior(0, guess::RATE), CONCENTRATION, guess::RATE_MIN),
            ByClass::Cold => {
                let most = if known { cold::RATE_KNOWN } else { cold::RATE };
                by_class.step(most, CONCENTRATION, 0.05).min(step_at_most(most))
            }
            ByClass::Act { per_session } => {
                // What a session has not told itself its class has, or nobody.
                let start = if per_session { class(0, act::RATE) } else { act::RATE };
                let least = if per_session { act::SESSION_RATE_MIN } else { act::RATE_MIN };
                by_class.step(start, act::CONCENTRATION, least)
            }
        };
        self.steps = [
            first,
            miss.step(prior(1, miss_start), CONCENTRATION, 0.01),
            walk.step(prior(2, priors.walk), CONCENTRATION, priors.walk_floor).max(taught_walk),
            rising.step(monotone::RATE, CONCENTRATION, monotone::RATE).max(taught_rising),
            fell(rising).step(monotone::RATE, CONCENTRATION, monotone::RATE).max(taught_falling),
        ];
    }

    /// While a client is only observed, what it does is honest, and streams whose null cannot hold
    /// for it are taught so. An average is not enough: a partner that sorts its nightly batch has
    /// ids that rise nearly always for two hours and half of the time for twenty-two, and at the
    /// average its every night is a sweep. So a stream that would have spoken has its honest rate
    /// raised by a step, until a fortnight passes without.
    pub fn teach(&mut self, spoke: [bool; 3]) {
        // Walk, rising and falling are the last three steps.
        let mut steps = self.steps;
        self.change_school(|school| {
            let each = school.taught.iter_mut().zip(steps.iter_mut().skip(2)).zip(spoke);
            for ((taught, step), _) in each.filter(|(_, spoke)| *spoke) {
                *taught = (*step).max(*taught).saturating_add(TAUGHT_STEPS).min(STEP_MAX);
                *step = *taught;
            }
        });
        self.steps = steps;
    }

    /// First contacts of today that were no miss.
    #[must_use]
    pub const fn found_today(&self) -> u16 {
        let [_, miss, ..] = self.today;
        miss.trials - miss.hits
    }

    /// The step of its honest rate of misses, where that is its own; else 0.
    #[must_use]
    pub fn known_misses(&self) -> u8 {
        let [_, miss, ..] = self.steps;
        if self.is_known() { miss } else { 0 }
    }

    /// Subjects of its busiest hour while it was only observed; nothing where it never was.
    #[must_use]
    pub fn rush(&self) -> f64 {
        RUSH.get(usize::from(self.school().rush)).copied().unwrap_or(0.0)
    }

    /// Takes an hour of this many subjects of a client that is only observed.
    pub fn learn_hour(&mut self, subjects: u32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 177")]
        let steps = (ln(f64::from(subjects.max(1))) * RUSH_STEPS + 1.0) as u8;
        self.change_school(|it| it.rush = it.rush.max(steps));
    }

    /// Closes a day of `subjects` novel subjects, `ended` days ago. A day that teaches trains as what
    /// it would have been had its class not been so many times as `busy`. At a roll-up its level is
    /// what it looked up itself: what its children do is expected of them.
    pub fn close_day(
        &mut self,
        (subjects, busy): (u32, f64),
        ended: i64,
        teaches: Teaches,
        Setting { class, learned, by_class }: Setting<'_>,
    ) -> Option<Lesson> {
        let today = std::mem::replace(&mut self.today, [Daily::default(); RATES]);
        let own_today = self.windows.take_own();
        let in_doubt = self.usual.is_bound() && self.peak() >= DOUBT;
        self.begin_peak();
        if subjects == 0 {
            return None;
        }
        let days = ended as f64;
        let subjects = if self.is(Flag::RollUp) { own_today } else { subjects };
        match teaches {
            Teaches::All => {}
            Teaches::AtMost(most) => {
                if subjects > 0 {
                    self.own_days = self.own_days.saturating_add(1);
                    let alike = self.alike(class, learned);
                    self.usual.learn(
                        f64::from(subjects).min(most),
                        (self.own_days, alike.days),
                        days,
                    );
                }
                return None;
            }
            Teaches::Nothing => return None,
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part")]
        let subjects =
            if busy > 1.0 { (f64::from(subjects) / busy).ceil() as u32 } else { subjects };
        let settled = if self.is(Flag::RollUp) {
            self.age_days(self.last) >= i64::from(SETTLED_DAYS)
        } else {
            self.own_days >= SETTLED_DAYS
        };
        if subjects > 0 {
            self.own_days = self.own_days.saturating_add(1);
            // What is half-way to an alert may still become one. A usual day is all it teaches.
            let (own, alike) = (self.usual.a_day(), self.alike(class, learned));
            let usual = own * margin(alike.days);
            let counted = f64::from(subjects);
            if !in_doubt || counted < own {
                let mut dispersion = self.dispersion();
                dispersion.learn(counted, own, self.own_days);
                self.set_dispersion(dispersion);
            }
            // With its busy days cut off the quiet ones would wear its level down.
            let counted = if in_doubt { counted.clamp(own, usual) } else { counted };
            self.usual.learn(counted, (self.own_days, alike.days), days);
        }
        let rates = self.learn_rates(today, (days, settled), by_class);
        let uneven = (!class.per_session && self.days_tell())
            .then(|| self.dispersion().uneven((self.usual.a_day(), self.own_days), class));
        let (route, class) = (self.route, self.class);
        (subjects > 0).then_some(Lesson { route, class, subjects, uneven, rates })
    }

    /// Learns the day's rates; those that tell the class something.
    fn learn_rates(
        &mut self,
        today: [Daily; RATES],
        (days, settled): (f64, bool),
        by_class: ByClass,
    ) -> [Option<f32>; RATES] {
        let mut rates = [None; RATES];
        for (at, (rate, day)) in self.rates.iter_mut().zip(today).enumerate() {
            let is_cold = at == 0 && by_class == ByClass::Cold;
            let least = if is_cold { COLD_TRIALS_MIN } else { 1 };
            if day.trials >= least {
                rate.learn(day, settled, days);
            }
            if day.trials >= Lesson::TRIALS_MIN
                && let Some(taught) = rates.get_mut(at)
            {
                *taught = Some(f32::from(day.hits) / f32::from(day.trials));
            }
        }
        rates
    }

    /// Whether the day stayed below `quiet`.
    #[must_use]
    pub const fn was_quiet(&self, quiet: Nats) -> bool {
        self.peak() < quiet && !self.is(Flag::Firing)
    }
}

/// The uncertainty of a level that rests on so many days as alike as its class's, twice that before four
/// weeks. It looks back no further than [`LEVEL_DAYS`], so more days than that do not make it more certain.
pub(super) fn margin(days: f64) -> f64 {
    let margin = 1.0 / (4.0 * days.min(LEVEL_DAYS)).sqrt();
    1.0 + if days < LEVEL_DAYS { 2.0 * margin } else { margin }
}

fn step_at_most(rate: f64) -> u8 {
    Rate::default().step(rate, 1.0, 0.0)
}

/// The share of falling ids, from that of rising ones.
fn fell(rising: Rate) -> Rate {
    rising.complement()
}

#[cfg(test)]
mod tests {
    use super::super::baseline::staff;
    use super::*;

    /// Closes a day of so many subjects on which evidence stood so high.
    fn day(profile: &mut Profile, subjects: u32, log_e: Nats) {
        let (class, learned) = (staff(), Learned::default());
        profile.set_evidence(u16::try_from(log_e).unwrap_or(u16::MAX));
        profile.log_e = 0;
        let by_class = ByClass::Act { per_session: false };
        let setting = Setting { class: &class, learned: &learned, by_class };
        let _lesson = profile.close_day((subjects, 1.0), 1, Teaches::All, setting);
    }

    /// A login after twelve days of twenty people.
    fn regular() -> Profile {
        let mut profile = Profile::new(1, (0, 0, 0), Moment(0));
        (0..12).for_each(|_| day(&mut profile, 20, 0));
        profile
    }

    #[test]
    fn quiet_days_in_doubt_do_not_wear_a_level_down_and_without_doubt_they_do() {
        let after = |log_e: Nats| {
            let mut profile = regular();
            (0..20).for_each(|_| day(&mut profile, 5, log_e));
            profile.usual.a_day()
        };
        assert!((after(DOUBT) - 20.0).abs() < 0.1, "{}", after(DOUBT));
        assert!(after(0) < 14.0, "{}", after(0));
    }

    #[test]
    fn busy_days_in_doubt_teach_no_more_than_usual_ones_and_widen_nothing() {
        let mut profile = regular();
        (0..5).for_each(|_| day(&mut profile, 60, DOUBT));
        assert!(profile.usual.a_day() < 22.0, "{}", profile.usual.a_day());
        let level = profile.level(&staff(), &Learned::default(), Moment(0));
        assert!(level.spread.k >= 4.0, "{level:?}");
    }

    #[test]
    fn a_low_level_is_taken_to_be_nearer_to_a_class_whose_clients_are_alike() {
        let a_day = |mean: f32, variance: f32| {
            let (mean, variance) = (Some(mean), Some(variance));
            let learned = Learned { mean, variance, ..Learned::default() };
            regular().level(&staff(), &learned, Moment(0)).a_day
        };
        let own = a_day(20.0, 0.3);
        assert!(a_day(40.0, 0.3) > 1.2 * own, "{} {own}", a_day(40.0, 0.3));
        assert!(a_day(40.0, 3.0) < 1.05 * own, "{} {own}", a_day(40.0, 3.0));
        assert!(a_day(5.0, 0.3) >= own, "nobody is lowered");
    }
}
