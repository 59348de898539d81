//! When requests come: hours of the day and days of the week.

use super::random::{Random, whole};
use crate::time::{DAY_MS, HOUR_MS, Moment};

/// Days after which a season without a single busy hour is given up.
const SEARCH_HOURS_MAX: u32 = 24 * 8;
/// 1970-01-01 was a Thursday, day 3 of a week that begins on Monday.
const FIRST_WEEKDAY: i64 = 3;

/// How busy each hour of a day and each day of a week is, against the average of 1. All in UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Season {
    /// The same at all hours of all days.
    Flat,
    /// Citizens: quiet nights, a peak in the evening, busier weekends.
    Citizens,
    /// Offices: Monday to Friday, eight to five.
    Office,
    /// Every day, this share after hours (17 to 23) and the rest in them (9 to 17).
    AfterHours(f64),
}

/// The hours of citizens.
const CITIZENS_HOURS: [f64; 24] = [
    0.25, 0.12, 0.08, 0.06, 0.08, 0.2, 0.5, 0.85, 1.15, 1.35, 1.4, 1.35, 1.25, 1.2, 1.2, 1.2, 1.25,
    1.4, 1.7, 2.0, 2.05, 1.7, 1.1, 0.56,
];
/// Their days, from Monday on.
const CITIZENS_DAYS: [f64; 7] = [0.95, 0.95, 0.95, 0.95, 1.0, 1.1, 1.1];
/// The hours of offices.
const OFFICE_HOURS: [f64; 24] = [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.6, 3.2, 3.2, 2.9, 1.6, 2.6, 2.9, 2.9, 2.1, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0,
];
/// Their days, from Monday on.
const OFFICE_DAYS: [f64; 7] = [1.4, 1.4, 1.4, 1.4, 1.4, 0.0, 0.0];

impl Season {
    /// How busy the hour of this moment is.
    #[must_use]
    pub fn weight(&self, at: Moment) -> f64 {
        let hour = usize::try_from(at.index(HOUR_MS).rem_euclid(24)).unwrap_or(0);
        let day = usize::try_from((at.index(DAY_MS) + FIRST_WEEKDAY).rem_euclid(7)).unwrap_or(0);
        let of = |list: &[f64], index| list.get(index).copied().unwrap_or(0.0);
        match self {
            Self::Flat => 1.0,
            Self::Citizens => of(&CITIZENS_HOURS, hour) * of(&CITIZENS_DAYS, day),
            Self::Office => of(&OFFICE_HOURS, hour) * of(&OFFICE_DAYS, day),
            Self::AfterHours(share) => match hour {
                9..17 => (1.0 - share) * 24.0 / 8.0,
                17..23 => share * 24.0 / 6.0,
                _ => 0.0,
            },
        }
    }

    /// The next of `per_day` requests a day after `at`, each independent of all others: the
    /// waiting time is used up faster in busy hours.
    pub(super) fn next(&self, at: Moment, per_day: f64, random: &mut Random) -> Moment {
        let mut left = random.exponential(1.0);
        let mut now = at;
        for _ in 0..SEARCH_HOURS_MAX {
            let per_ms = per_day * self.weight(now) / DAY_MS as f64;
            let end = Moment((now.index(HOUR_MS) + 1) * HOUR_MS);
            let within = end.since(now) as f64 * per_ms;
            if left < within {
                return now.plus(whole(left / per_ms));
            }
            left -= within;
            now = end;
        }
        // At less than one request in eight days the rest of the waiting time is taken at the
        // average rate.
        if per_day > 0.0 { now.plus(whole(left / per_day * DAY_MS as f64)) } else { NEVER }
    }
}

/// After everything.
pub(super) const NEVER: Moment = Moment(i64::MAX);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::days_from_civil;

    #[test]
    fn a_season_averages_one() {
        for season in [Season::Flat, Season::Citizens, Season::Office, Season::AfterHours(0.4)] {
            let week = (0..24 * 7).map(|hour| season.weight(Moment(hour * HOUR_MS))).sum::<f64>();
            assert!((week / 168.0 - 1.0).abs() < 0.01, "{}", week / 168.0);
        }
    }

    #[test]
    fn requests_come_at_their_rate_and_in_their_hours() {
        let monday = Moment(days_from_civil(2026, 11, 23) * DAY_MS);
        let mut random = Random::new(4);
        let (mut at, mut count) = (monday, 0);
        while at < monday.plus(70 * DAY_MS) {
            at = Season::Office.next(at, 50.0, &mut random);
            assert!(Season::Office.weight(at) > 0.0);
            count += 1;
        }
        assert!((3_300..3_700).contains(&count), "{count}");
    }

    #[test]
    fn seldom_and_never_come_late_and_never() {
        let mut random = Random::new(4);
        let late: i64 =
            (0..200).map(|_| Season::Flat.next(Moment(0), 0.01, &mut random).0).sum::<i64>() / 200;
        assert!((80 * DAY_MS..125 * DAY_MS).contains(&late), "{}", late / DAY_MS);
        assert_eq!(Season::Flat.next(Moment(0), 0.0, &mut random), NEVER);
    }
}
