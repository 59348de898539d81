//! What classes teach: where a new client starts, and what its own numbers shrink towards.
//!
//! A class has start values from the configuration. Every quiet day of every client is a
//! [`Lesson`] for its class on its route; lessons are merged in shard order at hour boundaries, so
//! that threads decide nothing. Quantiles are client-weighted: a class is its clients, and one
//! busy client must not speak for all. A new key starts at its class's 90th percentile, because it
//! is differences *between* honest clients, not noise within one, that make false pages.

use super::busy::{Factors, Pulses};
use crate::evidence::GROWTH_A_DAY;
use crate::evidence::volume::Spread;
use crate::time::HOUR_MS;
use borsh::{BorshDeserialize, BorshSerialize, io};
use hdrhistogram::Histogram;

/// Streams with a learned rate: cold or guess, miss, walk, and the share of rising ids.
pub const RATES: usize = 4;
/// A session ends this long after its last look-up.
pub const SESSION_IDLE_MS: i64 = HOUR_MS;
/// A session ends this long after its first look-up.
pub const SESSION_LIFE_MS: i64 = 24 * HOUR_MS;
/// Client-days after which a class is believed more than its start values.
const LESSONS_MIN: u64 = 200;
/// The most subjects a day that a class is known by.
const SUBJECTS_MAX: u64 = 10_000_000;
/// Hours in which what a class teaches may move freely.
const FREE_HOURS: u32 = 14 * 24;
/// How fast it may rise from then on: a tenth in thirty days.
const GROWTH_AN_HOUR: f64 = GROWTH_A_DAY / 24.0;
/// Contacts that a prior is worth against a client's own rate.
pub(super) const CONCENTRATION: f64 = 5.0;

/// What a class starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSpec {
    /// Its name in the configuration.
    pub name: String,
    /// Subjects a day, or a session.
    pub subjects: f64,
    /// `subjects` counts a session, not a day.
    pub per_session: bool,
    /// How far a client's days spread (shape of a gamma distribution).
    pub k: f64,
    /// Variance to mean of counts within a minute.
    pub minute: f64,
    /// Variance to mean of counts within an hour and longer.
    pub longer: f64,
    /// `k` of a client that has not ten days of its own.
    pub k_new: f64,
    /// The honest share of misses that a client's own is shrunk to.
    pub misses: f64,
    /// Days that a client is observed before it may page.
    pub observe_days: i64,
}

impl ClassSpec {
    /// How counts spread, for a client that is known by its own days or a new one.
    #[must_use]
    pub const fn spread(&self, known: bool) -> Spread {
        let k = if known { self.k } else { self.k_new.min(self.k) };
        Spread { k, minute: self.minute, longer: self.longer }
    }
}

/// A quiet day of a client.
#[derive(Clone, Copy, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Lesson {
    /// Which route.
    pub route: u16,
    /// Which class.
    pub class: u8,
    /// Novel subjects of the day (or of the session); 0 where it is not over yet.
    pub subjects: u32,
    /// How far the client's days differ, where it has days enough: `1/k`.
    pub uneven: Option<f32>,
    /// Rates of the day; `None` below [`Lesson::TRIALS_MIN`] contacts.
    pub rates: [Option<f32>; RATES],
}

impl Lesson {
    /// Contacts below which a day's rate says nothing.
    pub const TRIALS_MIN: u16 = 5;
}

/// What one class on one route has taught.
#[derive(Clone, Debug)]
struct Taught {
    subjects: Histogram<u32>,
    /// How far each client's days differ, as [`steps_of`] it.
    uneven: Histogram<u32>,
    /// In thousandths.
    rates: [Histogram<u32>; RATES],
    learned: Learned,
    /// Hours since the first lesson.
    hours: u32,
}

/// What is read of it during a cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Learned {
    /// Subjects a day (or a session) of the 90th client in a hundred.
    pub subjects: Option<f32>,
    /// Mean subjects a session.
    pub mean: Option<f32>,
    /// How far a client's days differ, on average: `1/k`.
    pub uneven: Option<f32>,
    /// Variance of a client's day, over the square of the mean: within clients and between them.
    pub variance: Option<f32>,
    /// Rates of the 90th client in a hundred.
    pub rates: [Option<f32>; RATES],
    /// How busy the last days were.
    pub busy: Factors,
}

/// What a class that is not known has taught.
static NOTHING: Learned = Learned {
    subjects: None,
    mean: None,
    uneven: None,
    variance: None,
    rates: [None; RATES],
    busy: Factors::NONE,
};

impl Learned {
    /// The same, but risen by at most this share since `before`.
    fn held(self, before: &Self, share: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a bound needs no more digits")]
        let most = (1.0 + share) as f32;
        let held = |now: Option<f32>, before: Option<f32>| match (now, before) {
            (Some(now), Some(before)) => Some(now.min(before * most)),
            (now, _) => now,
        };
        let mut rates = self.rates;
        rates.iter_mut().zip(before.rates).for_each(|(it, before)| *it = held(*it, before));
        let subjects = held(self.subjects, before.subjects);
        let (mean, uneven) = (held(self.mean, before.mean), held(self.uneven, before.uneven));
        Self { subjects, mean, uneven, rates, busy: before.busy, variance: self.variance }
    }
}

/// What every class on every route has taught.
#[derive(Clone, Debug)]
pub struct Baselines {
    taught: Vec<Taught>,
    pulses: Pulses,
    classes: usize,
    version: u8,
}

impl Baselines {
    /// Nothing learned yet, for this many routes and classes.
    #[must_use]
    pub fn new(routes: usize, classes: usize) -> Self {
        // Two digits: a quantile within 1 %, in about 10 KB a histogram.
        let histogram = |high| Histogram::new_with_bounds(1, high, 2).ok();
        let taught = || {
            Some(Taught {
                subjects: histogram(SUBJECTS_MAX)?,
                uneven: histogram(UNEVEN_MAX)?,
                rates: [histogram(1_001)?, histogram(1_001)?, histogram(1_001)?, histogram(1_001)?],
                learned: Learned::default(),
                hours: 0,
            })
        };
        let taught = (0..routes * classes).map_while(|_| taught()).collect();
        Self { taught, pulses: Pulses::new(routes, classes), classes, version: 0 }
    }

    /// What a class on a route has taught.
    #[must_use]
    pub fn of(&self, route: u16, class: u8) -> &Learned {
        let at = usize::from(route) * self.classes + usize::from(class);
        self.taught.get(at).map_or(&NOTHING, |it| &it.learned)
    }

    /// The mean rates of a class's quiet days on a route, where there were enough of them; for
    /// `tune`.
    #[must_use]
    pub fn mean_rates(&self, route: u16, class: u8) -> [Option<f64>; RATES] {
        let at = usize::from(route) * self.classes + usize::from(class);
        let Some(taught) = self.taught.get(at) else { return [None; RATES] };
        let mean = |it: &Histogram<u32>| {
            (it.len() >= LESSONS_MIN).then(|| ((it.mean() - 1.0) / 1_000.0).max(0.0))
        };
        taught.rates.each_ref().map(mean)
    }

    /// Changes whenever something was learned, modulo 256.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// Takes a shard's lessons, and how busy its clients are.
    pub fn take(&mut self, lessons: &[Lesson], pulses: &mut Pulses) {
        self.pulses.take(pulses);
        for lesson in lessons {
            let at = usize::from(lesson.route) * self.classes + usize::from(lesson.class);
            let Some(taught) = self.taught.get_mut(at) else { continue };
            if lesson.subjects > 0 {
                taught.subjects.saturating_record(u64::from(lesson.subjects));
            }
            if let Some(uneven) = lesson.uneven {
                taught.uneven.saturating_record(steps_of(uneven));
            }
            let rates = taught.rates.iter_mut().zip(lesson.rates);
            rates.for_each(|(rates, rate)| rate.into_iter().for_each(|it| record(rates, it)));
        }
    }

    /// Once every shard's lessons were taken, `hours` after the last time: what was learned is used
    /// from now on. After the first fortnight nothing may rise by more than a tenth in thirty days:
    /// a class is what anybody may join.
    pub fn settle(&mut self, hours: u32) {
        for taught in self.taught.iter_mut().filter(|it| it.has_begun()) {
            let fresh = taught.read();
            taught.learned = match taught.hours {
                FREE_HOURS.. => fresh.held(&taught.learned, GROWTH_AN_HOUR * f64::from(hours)),
                _ => Learned { busy: taught.learned.busy, ..fresh },
            };
            taught.hours = taught.hours.saturating_add(hours);
        }
        for (place, taught) in self.taught.iter_mut().enumerate() {
            self.pulses.read(place, &mut taught.learned.busy);
        }
        self.touch();
    }

    /// What profiles derive from the baselines must be derived anew.
    pub const fn touch(&mut self) {
        self.version = self.version.wrapping_add(1);
    }
}

/// A histogram's values with their counts: the values are the last of their buckets, and so go back
/// into the same ones.
type Buckets = Vec<(u32, u32)>;

fn buckets(of: &Histogram<u32>) -> Buckets {
    let narrow = |it: u64| u32::try_from(it).unwrap_or(u32::MAX);
    of.iter_recorded().map(|it| (narrow(it.value_iterated_to()), it.count_at_value())).collect()
}

fn refill(of: &mut Histogram<u32>, buckets: Buckets) {
    of.clear();
    for (value, count) in buckets {
        of.saturating_record_n(u64::from(value), count);
    }
}

/// What classes taught, as it is written down.
#[derive(BorshSerialize, BorshDeserialize)]
struct Written {
    taught: Vec<(Buckets, Buckets, [Buckets; RATES], Learned, u32)>,
    pulses: Pulses,
    version: u8,
}

impl BorshSerialize for Baselines {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let taught = |it: &Taught| {
            let (subjects, uneven) = (buckets(&it.subjects), buckets(&it.uneven));
            (subjects, uneven, it.rates.each_ref().map(buckets), it.learned, it.hours)
        };
        let (taught, pulses) = (self.taught.iter().map(taught).collect(), self.pulses.clone());
        Written { taught, pulses, version: self.version }.serialize(writer)
    }
}

impl Baselines {
    /// Baselines as they were written down, for as many routes and classes as there are now; what a
    /// route has taught of which `keeps` says no is left out.
    ///
    /// # Errors
    /// Where the bytes are none.
    pub fn restore(&mut self, bytes: &mut &[u8], keeps: impl Fn(usize) -> bool) -> io::Result<()> {
        let written = Written::deserialize(bytes)?;
        let places = self.taught.iter_mut().zip(written.taught).enumerate();
        for (place, (taught, (subjects, uneven, rates, learned, hours))) in places {
            if keeps(place / self.classes.max(1)) {
                refill(&mut taught.subjects, subjects);
                refill(&mut taught.uneven, uneven);
                taught.rates.iter_mut().zip(rates).for_each(|(it, buckets)| refill(it, buckets));
                (taught.learned, taught.hours) = (learned, hours);
            }
        }
        self.pulses.restore(written.pulses, |place| keeps(place / self.classes.max(1)));
        self.version = written.version;
        Ok(())
    }
}

/// The most that a client's days count as differing by, as [`steps_of`] it: `k` of a third.
const UNEVEN_MAX: u64 = 4_000;
/// What it may be below nothing: estimates of few days scatter around it.
const UNEVEN_BELOW: f32 = 1.0;

/// `1/k` in thousandths, from -1 on.
fn steps_of(uneven: f32) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4,000")]
    let steps = ((uneven + UNEVEN_BELOW).clamp(0.0, 4.0) * 1_000.0) as u64;
    steps.max(1)
}

fn from_steps(steps: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "two digits are kept")]
    let steps = steps as f32;
    (steps / 1_000.0 - UNEVEN_BELOW).max(0.0)
}

/// Takes a rate in thousandths.
fn record(rates: &mut Histogram<u32>, rate: f32) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
    rates.saturating_record((rate * 1_000.0) as u64 + 1);
}

impl Taught {
    /// Whether anybody has taught it anything.
    fn has_begun(&self) -> bool {
        !self.subjects.is_empty() || self.rates.iter().any(|it| !it.is_empty())
    }

    fn read(&self) -> Learned {
        #[expect(clippy::cast_possible_truncation, reason = "two digits are kept")]
        let count = |it: f64| it as f32;
        let known = self.subjects.len() >= LESSONS_MIN;
        let quantile = |it: &Histogram<u32>| {
            let share = (it.value_at_quantile(0.9).saturating_sub(1)) as f64 / 1_000.0;
            (it.len() >= LESSONS_MIN).then_some(count(share))
        };
        let [cold, miss, walk, rising] = &self.rates;
        Learned {
            subjects: known.then(|| count(self.subjects.value_at_quantile(0.9) as f64)),
            mean: known.then(|| count(self.subjects.mean())),
            variance: known.then(|| {
                let of_mean = self.subjects.stdev() / self.subjects.mean().max(1.0);
                count(of_mean * of_mean)
            }),
            uneven: (self.uneven.len() >= LESSONS_MIN).then(|| from_steps(self.uneven.mean())),
            rates: [quantile(cold), quantile(miss), quantile(walk), quantile(rising)],
            busy: Factors::NONE,
        }
    }
}

/// The class of logins as it is built in.
#[cfg(test)]
pub(super) fn staff() -> ClassSpec {
    ClassSpec {
        name: "staff".to_owned(),
        subjects: 20.0,
        per_session: false,
        k: 4.0,
        minute: 1.4,
        longer: 4.5,
        k_new: 1.2,
        misses: 0.05,
        observe_days: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(subjects: u32) -> Lesson {
        Lesson { route: 0, class: 0, subjects, uneven: None, rates: [None; RATES] }
    }

    #[test]
    fn a_class_learns_how_far_its_clients_days_differ_and_by_how_much_days_do() {
        let mut baselines = Baselines::new(1, 1);
        let lesson = |at: u32| Lesson {
            uneven: Some(if at.is_multiple_of(2) { -0.2 } else { 1.4 }),
            ..day(if at.is_multiple_of(2) { 10 } else { 30 })
        };
        let lessons: Vec<Lesson> = (0..300).map(lesson).collect();
        baselines.take(&lessons, &mut Pulses::new(1, 1));
        baselines.settle(1);
        let Learned { mean, uneven, variance, .. } = *baselines.of(0, 0);
        let about = |it: Option<f32>, expected: f32| (it.unwrap() - expected).abs() < 0.01;
        assert!(about(mean, 20.0) && about(uneven, 0.6) && about(variance, 0.25), "{uneven:?}");
    }

    #[test]
    fn whoever_joins_a_class_moves_it_by_a_tenth_a_month_at_most() {
        let mut baselines = Baselines::new(1, 1);
        let mut idle = Pulses::new(1, 1);
        baselines.take(&[day(20); 300], &mut idle);
        baselines.settle(1);
        assert_eq!(baselines.of(0, 0).subjects, Some(20.0));
        baselines.settle(15 * 24);
        baselines.take(&[day(900); 3_000], &mut idle);
        (0..30 * 24).for_each(|_| baselines.settle(1));
        let subjects = baselines.of(0, 0).subjects.unwrap();
        assert!((21.9..22.2).contains(&subjects), "{subjects}");
    }
}
