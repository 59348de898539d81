//! How fast a harvest goes.
//!
//! Where a rate changes from day to day, the waiting time is drawn anew at midnight: independent
//! times remember nothing, so the part that was already waited does not count.

use super::random::{Random, whole};
use super::season::{NEVER, Season};
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// Days without a single request after which a rate is given up.
const IDLE_DAYS_MAX: u32 = 400;

/// How fast a harvest goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// At even intervals, each longer or shorter by up to the share `jitter`.
    Every {
        /// From one look-up to the next.
        ms: i64,
        /// 0 for a metronome.
        jitter: f64,
    },
    /// At independent times.
    Poisson {
        /// Look-ups a second.
        per_second: f64,
    },
    /// At independent times in the hours of a season.
    Daily {
        /// Look-ups a day.
        per_day: f64,
        /// In which hours.
        season: Season,
    },
    /// At independent times for some hours, then nothing until it begins again.
    Bursts {
        /// Look-ups a second, in a burst.
        per_second: f64,
        /// How long a burst takes.
        hours: f64,
        /// From the beginning of one burst to that of the next, in hours.
        apart_hours: f64,
    },
    /// As [`Daily`](Self::Daily), but some days are busier.
    Surging {
        /// Look-ups on other days.
        per_day: f64,
        /// In which hours.
        season: Season,
        /// Days from the day on which the harvest begins to the first busy one.
        after_days: i64,
        /// How many days are busy.
        days: i64,
        /// How many times as busy.
        times: f64,
    },
    /// As [`Daily`](Self::Daily), but each day is busier than the one before.
    Growing {
        /// Look-ups on the first day.
        per_day: f64,
        /// The share by which a day is busier than the one before.
        a_day: f64,
        /// How alike days are beside that: the shape of a gamma distribution.
        day_shape: f64,
        /// In which hours.
        season: Season,
    },
}

impl Pace {
    /// Whether the first look-up comes at the beginning, and not at a time like all others.
    pub(super) const fn begins_at_once(&self) -> bool {
        matches!(self, Self::Every { .. } | Self::Poisson { .. } | Self::Bursts { .. })
    }

    /// The same, this many times as fast.
    #[must_use]
    pub fn faster(self, times: f64) -> Self {
        match self {
            Self::Every { ms, jitter } => {
                Self::Every { ms: whole(ms as f64 / times).max(1), jitter }
            }
            Self::Poisson { per_second } => Self::Poisson { per_second: per_second * times },
            Self::Daily { per_day, season } => Self::Daily { per_day: per_day * times, season },
            Self::Bursts { per_second, hours, apart_hours } => {
                Self::Bursts { per_second: per_second * times, hours, apart_hours }
            }
            Self::Surging { per_day, season, after_days, days, times: busy } => {
                let per_day = per_day * times;
                Self::Surging { per_day, season, after_days, days, times: busy }
            }
            Self::Growing { per_day, a_day, day_shape, season } => {
                Self::Growing { per_day: per_day * times, a_day, day_shape, season }
            }
        }
    }

    /// When the look-up after the one that was due at `due` is due, in a harvest that began at
    /// `start`. What a day is like follows from `seed`.
    pub(super) fn next(
        &self,
        due: Moment,
        start: Moment,
        seed: u64,
        random: &mut Random,
    ) -> Moment {
        match *self {
            Self::Every { ms, jitter } => {
                let factor = 1.0 + jitter * (2.0 * random.unit() - 1.0);
                due.plus(whole(ms as f64 * factor))
            }
            Self::Poisson { per_second } => {
                let wait_ms = random.exponential(SECOND_MS as f64 / per_second);
                due.plus(whole(wait_ms))
            }
            Self::Daily { per_day, season } => season.next(due, per_day, random),
            Self::Bursts { per_second, hours, apart_hours } => {
                let mut draw = || whole(random.exponential(SECOND_MS as f64 / per_second));
                let hours_ms = |hours: f64| whole(hours * HOUR_MS as f64);
                let apart_ms = hours_ms(apart_hours).max(1);
                let next = due.plus(draw());
                let burst = next.since(start) / apart_ms;
                if next.since(start) - burst * apart_ms < hours_ms(hours) {
                    return next;
                }
                start.plus((burst + 1) * apart_ms + draw())
            }
            Self::Surging { per_day, season, after_days, days, times } => {
                let busy = after_days..after_days + days;
                let rate = |day| if busy.contains(&day) { per_day * times } else { per_day };
                by_day(due, start, season, (&rate, random))
            }
            Self::Growing { per_day, a_day, day_shape, season } => {
                let rate = |day: i64| {
                    let mut of_day = Random::of(seed, 0x6772_6f77, day.cast_unsigned());
                    let factor = of_day.gamma(day_shape, 1.0 / day_shape);
                    per_day * (1.0 + a_day).powf(day as f64) * factor
                };
                by_day(due, start, season, (&rate, random))
            }
        }
    }
}

/// The next of independent times, at a rate for each day since `start`.
fn by_day(
    due: Moment,
    start: Moment,
    season: Season,
    (rate, random): (&dyn Fn(i64) -> f64, &mut Random),
) -> Moment {
    let mut from = due;
    for _ in 0..IDLE_DAYS_MAX {
        let day = from.index(DAY_MS);
        let next = season.next(from, rate(day - start.index(DAY_MS)), random);
        let midnight = Moment((day + 1) * DAY_MS);
        if next < midnight {
            return next;
        }
        from = midnight;
    }
    NEVER
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Look-ups by day of a pace, which begins at noon.
    fn days(pace: Pace, count: i64) -> Vec<u32> {
        let start = Moment(DAY_MS / 2);
        let (mut at, mut random) = (start, Random::new(5));
        let mut days = vec![0; usize::try_from(count).unwrap()];
        loop {
            at = pace.next(at, start, 9, &mut random);
            match days.get_mut(usize::try_from(at.index(DAY_MS)).unwrap()) {
                Some(day) => *day += 1,
                None => return days,
            }
        }
    }

    #[test]
    fn a_surge_is_over_after_its_days() {
        let (per_day, times) = (1_000.0, 20.0);
        let season = Season::Flat;
        let days = days(Pace::Surging { per_day, season, after_days: 2, days: 1, times }, 4);
        assert!((19_000..21_000).contains(&days[2]), "{days:?}");
        assert!((850..1_150).contains(&days[1]) && (850..1_150).contains(&days[3]), "{days:?}");
    }

    #[test]
    fn every_pace_can_be_faster() {
        let season = Season::Flat;
        for pace in [
            Pace::Every { ms: 60_000, jitter: 0.5 },
            Pace::Poisson { per_second: 0.02 },
            Pace::Daily { per_day: 2_000.0, season },
            Pace::Bursts { per_second: 0.05, hours: 6.0, apart_hours: 12.0 },
            Pace::Surging { per_day: 1_000.0, season, after_days: 1, days: 1, times: 3.0 },
            Pace::Growing { per_day: 1_000.0, a_day: 0.3, day_shape: 1e6, season },
        ] {
            let sum = |pace| f64::from(days(pace, 4).iter().sum::<u32>());
            let ratio = sum(pace.faster(3.0)) / sum(pace);
            assert!((2.8..3.2).contains(&ratio), "{pace:?}: {ratio}");
        }
    }

    #[test]
    fn growth_adds_up() {
        let season = Season::Flat;
        let days = days(Pace::Growing { per_day: 200.0, a_day: 0.2, day_shape: 1e6, season }, 20);
        let expected = 200.0 * 1.2_f64.powi(19);
        assert!((f64::from(days[19]) / expected - 1.0).abs() < 0.07, "{days:?}");
    }

    #[test]
    fn a_burst_is_followed_by_silence() {
        let pace = Pace::Bursts { per_second: 1.0, hours: 6.0, apart_hours: 24.0 };
        let start = Moment(7);
        let (mut at, mut random) = (start, Random::new(5));
        for _ in 0..100_000 {
            at = pace.next(at, start, 9, &mut random);
            assert!(at.since(start) % DAY_MS < 6 * HOUR_MS);
        }
        assert!((3..=5).contains(&at.since(start).div_euclid(DAY_MS)), "{at:?}");
    }
}
