//! What one client does on one route, day by day, and what many of them say of their class.
//!
//! A client's days are counted when they are over: how many people, how far its hours and minutes
//! differ within the day, how far its days differ from each other. Between the first and the last
//! contact of a day only, since what lies outside is no work; and within a client only, since that
//! clients differ is what its own level is for.

use crate::evidence::volume::Spread;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};

/// Hours and minutes between the first and the last of a day below which it says nothing of how its
/// counts cluster.
const HOURS_MIN: i64 = 3;
const MINUTES_MIN: i64 = 60;
/// Days of a client below which they say nothing of how they differ.
const DAYS_MIN: u32 = 5;
/// Contacts of a client below which its share of misses says nothing.
const CONTACTS_MIN: u32 = 20;
/// The share of clients at either end that a mean leaves out: one of a hundred may be a thief.
const TRIMMED: f64 = 0.01;
/// Where estimates are kept.
const K_RANGE: (f64, f64) = (0.1, 50.0);
const F_RANGE: (f64, f64) = (1.0, 1_000.0);

/// The windows of one length within a day.
#[derive(Clone, Copy, Debug, Default)]
struct Within {
    /// The first and the current one, and how many fell into these.
    first: i64,
    current: i64,
    of_first: u32,
    count: u32,
    /// Those before the current one: the sum of squares.
    squares: f64,
}

impl Within {
    fn take(&mut self, window: i64, begins: bool) {
        if begins {
            *self = Self { first: window, current: window, ..Self::default() };
        } else if window != self.current {
            self.close();
            self.current = window;
        }
        self.count += 1;
    }

    fn close(&mut self) {
        if self.current == self.first {
            self.of_first = self.count;
        } else {
            self.squares += f64::from(self.count).powi(2);
        }
        self.count = 0;
    }

    /// The sum of squared differences between the windows after the first and before the last, and
    /// what it would be were counts independent. `all` fell into the day.
    fn spread(&self, all: u32, least: i64) -> Option<Clusters> {
        let windows = self.current - self.first - 1;
        if windows < least {
            return None;
        }
        let between = f64::from(all.saturating_sub(self.of_first).saturating_sub(self.count));
        let mean = between / windows as f64;
        (between > 0.0).then(|| Clusters {
            seen: self.squares - between * mean,
            independent: (windows - 1) as f64 * mean,
        })
    }
}

/// How far counts spread, against independent ones.
#[derive(Clone, Copy, Debug, Default)]
struct Clusters {
    seen: f64,
    independent: f64,
}

impl Clusters {
    fn add(&mut self, other: Option<Self>) {
        if let Some(other) = other {
            self.seen += other.seen;
            self.independent += other.independent;
        }
    }

    fn ratio(&self) -> Option<f64> {
        (self.independent > 0.0).then(|| (self.seen / self.independent).clamp(F_RANGE.0, F_RANGE.1))
    }
}

/// One client on one route.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) class: u8,
    /// First contacts, and how many of them found nobody.
    contacts: u32,
    misses: u32,
    day: i64,
    of_day: u32,
    hours: Within,
    minutes: Within,
    /// Days that are over and whole: how many, their subjects and the squares of these.
    days: u32,
    sum: f64,
    squares: f64,
    hourly: Clusters,
    a_minute: Clusters,
}

impl Counted {
    /// Takes a first contact; days before `from` are not whole.
    pub(super) fn take(&mut self, at: Moment, missed: bool, from: i64) {
        let day = at.index(DAY_MS);
        if day != self.day {
            self.close(from);
            self.day = day;
        }
        let begins = self.of_day == 0;
        self.contacts += 1;
        self.misses += u32::from(missed);
        self.hours.take(at.index(HOUR_MS), begins);
        self.minutes.take(at.index(MINUTE_MS), begins);
        self.of_day += 1;
    }

    /// Closes the day that was counted.
    pub(super) fn close(&mut self, from: i64) {
        let count = std::mem::take(&mut self.of_day);
        if count == 0 || self.day < from {
            return;
        }
        self.days += 1;
        self.sum += f64::from(count);
        self.squares += f64::from(count).powi(2);
        self.hourly.add(self.hours.spread(count, HOURS_MIN));
        self.a_minute.add(self.minutes.spread(count, MINUTES_MIN));
    }

    /// The day that is being counted.
    pub(super) const fn day(&self) -> i64 {
        self.day
    }

    fn mean(&self) -> f64 {
        self.sum / f64::from(self.days.max(1))
    }

    /// The variance of its days, where there are enough.
    fn variance(&self) -> Option<f64> {
        let days = f64::from(self.days);
        (self.days >= DAYS_MIN)
            .then(|| (self.squares - self.sum * self.mean()).max(0.0) / (days - 1.0))
    }
}

/// What a class does on a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub clients: usize,
    /// Days of all clients (or sessions).
    pub days: u64,
    pub contacts: u64,
    pub subjects: f64,
    /// Most of its clients come back day after day (or it is of sessions): it has a level at all.
    pub has_level: bool,
    pub k: Option<f64>,
    pub f_minute: Option<f64>,
    pub f_hour: Option<f64>,
    pub misses: Option<f64>,
}

impl Estimate {
    /// Of clients that are counted by the day, or of sessions.
    pub(super) fn of(all: &[&Counted], per_session: bool) -> Self {
        let known: Vec<&&Counted> = all.iter().filter(|it| it.days > 0).collect();
        let levels = known.iter().map(|it| it.mean()).collect();
        let (mut hourly, mut minutes) = (Clusters::default(), Clusters::default());
        known.iter().for_each(|it| {
            hourly.add(Some(it.hourly));
            minutes.add(Some(it.a_minute));
        });
        let regulars = known.iter().filter(|it| it.days >= DAYS_MIN).count();
        // Of who comes once for a minute nobody knows how its days and hours differ.
        let has_level = per_session || regulars * 2 >= known.len().max(1);
        let is_clocked = has_level && !per_session;
        let f_hour = hourly.ratio().filter(|_| is_clocked);
        let k =
            if per_session { sessions_k(&known) } else { days_k(&known, f_hour.unwrap_or(1.0)) };
        Self {
            clients: known.len(),
            days: known.iter().map(|it| u64::from(it.days)).sum(),
            contacts: all.iter().map(|it| u64::from(it.contacts)).sum(),
            subjects: trimmed(levels),
            has_level,
            k: k.filter(|_| has_level),
            f_minute: minutes.ratio().filter(|_| is_clocked),
            f_hour,
            misses: misses(all, per_session),
        }
    }

    /// How counts spread by it, and by what is configured where it says nothing.
    pub(super) fn spread(&self, otherwise: Spread) -> Spread {
        Spread {
            k: self.k.unwrap_or(otherwise.k),
            minute: self.f_minute.unwrap_or(otherwise.minute),
            longer: self.f_hour.unwrap_or(otherwise.longer),
        }
    }
}

/// The share of misses: of all sessions together, which are too short to have one each, or the mean
/// over clients.
fn misses(all: &[&Counted], per_session: bool) -> Option<f64> {
    let least = if per_session { 1 } else { CONTACTS_MIN };
    let telling = all.iter().filter(|it| it.contacts >= least);
    let weight = |it: &Counted| if per_session { f64::from(it.contacts) } else { 1.0 };
    let (sum, weights) = telling.fold((0.0, 0.0), |(sum, weights), it| {
        let share = f64::from(it.misses) / f64::from(it.contacts);
        (sum + share * weight(it), weights + weight(it))
    });
    (weights > 0.0).then(|| sum / weights)
}

/// How alike the days of clients are: a day of `m` on average has the variance `F m + m^2 / k`.
fn days_k(clients: &[&&Counted], f: f64) -> Option<f64> {
    let (mut squares, mut beyond, mut none) = (0.0, 0.0, true);
    for client in clients {
        let Some(variance) = client.variance() else { continue };
        let mean = client.mean();
        // A mean of few days has a square that is too large by its own variance.
        squares += mean * mean - variance / f64::from(client.days);
        beyond += variance - f * mean;
        none = false;
    }
    let k = if beyond > 0.0 { squares / beyond } else { K_RANGE.1 };
    (!none).then(|| k.clamp(K_RANGE.0, K_RANGE.1))
}

/// How alike sessions are beyond their first subject.
fn sessions_k(sessions: &[&&Counted]) -> Option<f64> {
    let count = sessions.len() as f64;
    if count < 200.0 {
        return None;
    }
    let mean = sessions.iter().map(|it| it.sum - 1.0).sum::<f64>() / count;
    let variance = sessions.iter().map(|it| (it.sum - 1.0 - mean).powi(2)).sum::<f64>() / count;
    let beyond = variance - mean;
    let k = if beyond > 0.0 { mean * mean / beyond } else { K_RANGE.1 };
    Some(k.clamp(K_RANGE.0, K_RANGE.1))
}

/// The mean without the most extreme.
fn trimmed(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of all")]
    let out = (values.len() as f64 * TRIMMED) as usize;
    let kept = values.get(out..values.len() - out).unwrap_or_default();
    kept.iter().sum::<f64>() / kept.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::Random;

    /// A month of clients whose days are negative binomial around 30 and whose look-ups come in
    /// batches.
    fn clients(k: f64, batch: f64) -> Vec<Counted> {
        let mut random = Random::new(11);
        let day = |random: &mut Random| {
            let mut times: Vec<i64> = Vec::new();
            for _ in 0..random.negative_binomial(30.0 / batch, k) {
                let at = i64::try_from(random.below(10 * 3_600_000)).unwrap();
                let count = i64::try_from(random.geometric(batch)).unwrap();
                times.extend((0..count).map(|it| at + it * 1_000));
            }
            times.sort_unstable();
            times
        };
        let one = |random: &mut Random| {
            let mut client = Counted::default();
            for begins in (1..29).map(|it| Moment(it * DAY_MS + 8 * HOUR_MS)) {
                let times = day(random).into_iter();
                times.for_each(|it| client.take(begins.plus(it), false, 0));
            }
            client.close(0);
            client
        };
        (0..200).map(|_| one(&mut random)).collect()
    }

    #[test]
    fn what_days_were_drawn_from_is_what_they_say() {
        let all = clients(2.0, 3.0);
        let estimate = Estimate::of(&all.iter().collect::<Vec<_>>(), false);
        assert!((27.0..33.0).contains(&estimate.subjects), "{estimate:?}");
        // A batch of three on average, geometric, has a variance of five times independent ones.
        assert!((4.2..5.5).contains(&estimate.f_hour.unwrap()), "{estimate:?}");
        assert!((1.6..2.5).contains(&estimate.k.unwrap()), "{estimate:?}");
    }

    #[test]
    fn independent_contacts_do_not_cluster() {
        let all = clients(4.0, 1.0);
        let estimate = Estimate::of(&all.iter().collect::<Vec<_>>(), false);
        assert!(estimate.f_minute.unwrap() < 1.1 && estimate.f_hour.unwrap() < 1.2, "{estimate:?}");
    }

    #[test]
    fn one_thief_in_a_hundred_moves_no_level() {
        let mut levels = vec![20.0; 99];
        levels.push(50_000.0);
        assert!((trimmed(levels) - 20.0).abs() < 1e-9);
    }
}
