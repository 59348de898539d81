//! The only file that reads a clock; everything else takes time as an argument.
//!
//! One unit everywhere: milliseconds since 1970 in UTC, in a signed 64-bit integer. Gateways
//! write milliseconds at best (nginx combined writes seconds), Kafka stamps milliseconds, and an
//! integer compares and subtracts the same on every machine, which floating seconds do not.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Moment(pub i64);

impl Moment {
    /// The same point `ms` milliseconds later, or earlier where `ms` is negative.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this point; negative where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The number of whole spans of `ms` since 1970.
    #[must_use]
    pub const fn index(self, ms: i64) -> i64 {
        self.0.div_euclid(ms)
    }
}

/// RFC 3339 in UTC with milliseconds, the form of every time that darban prints.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
        let (second, ms) = (ms % MINUTE_MS / SECOND_MS, ms % SECOND_MS);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
        let parsed = text.parse::<jiff::Timestamp>().map_err(serde::de::Error::custom)?;
        Ok(Self(parsed.as_millisecond()))
    }
}

/// The civil date of a day number (days since 1970-01-01), proleptic Gregorian: year, month, day.
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
#[must_use]
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The day number (days since 1970-01-01) of a civil date, proleptic Gregorian.
/// The inverse of [`civil_from_days`]; same source, `days_from_civil`.
#[must_use]
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Where `run` gets its readings from: the machine, or a clock that runs faster for the demo.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The reading that the clock started from.
    origin: Moment,
    /// The machine's own monotonic reading at that point.
    started: Instant,
    /// Simulated milliseconds a real one.
    factor: i64,
}

impl Clock {
    /// The machine's clock. It follows the monotonic clock from its first reading on, so that a
    /// stepped wall clock never makes a slice end twice.
    #[must_use]
    pub fn system() -> Self {
        Self::scaled(wall(), 1)
    }

    /// A clock that reads `origin` now and from then on runs `factor` times as fast.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one file that reads clocks")]
    pub fn scaled(origin: Moment, factor: i64) -> Self {
        Self { origin, started: Instant::now(), factor: factor.max(1) }
    }

    /// The reading now.
    #[must_use]
    pub fn now(&self) -> Moment {
        let real = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.origin.plus(real.saturating_mul(self.factor))
    }

    /// When, by the machine's clock, this one read `at`: the same, unless it runs fast.
    #[must_use]
    pub fn wall_at(&self, at: Moment) -> Moment {
        if self.factor == 1 {
            return at;
        }
        wall().plus(-(self.now().since(at) / self.factor))
    }

    /// Real milliseconds since its first reading.
    #[must_use]
    pub fn elapsed_ms(&self) -> u128 {
        self.started.elapsed().as_millis()
    }

    /// How many of this clock's milliseconds pass in a real one.
    #[must_use]
    pub const fn factor(&self) -> i64 {
        self.factor
    }
}

/// Counts real time from its start, whatever the machine's clock is set to.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one file that reads clocks")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since its start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The machine's wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one file that reads clocks")]
pub fn wall() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_rfc_3339_and_dates_survive_the_round_trip() {
        assert_eq!(Moment(1_795_289_416_042).to_string(), "2026-11-21T19:30:16.042Z");
        assert_eq!(Moment(-1).to_string(), "1969-12-31T23:59:59.999Z");
        for days in (-200_000..200_000).step_by(37) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn a_scaled_clock_starts_at_its_origin_and_never_runs_backwards() {
        let clock = Clock::scaled(Moment(5), 1_000);
        let first = clock.now();
        assert!(first >= Moment(5) && clock.now() >= first);
    }

    #[test]
    fn a_fast_clocks_readings_have_their_place_in_real_time() {
        let clock = Clock::scaled(Moment(0), 1_000);
        let (before, then, after) = (wall(), clock.wall_at(clock.now()), wall());
        assert!((before..=after.plus(1)).contains(&then.plus(1)), "{before} {then} {after}");
        let earlier = clock.wall_at(clock.now().plus(-HOUR_MS));
        assert!((3_550..=3_650).contains(&wall().since(earlier)), "{earlier}");
        assert_eq!(Clock::scaled(Moment(7), 1).wall_at(Moment(3)), Moment(3));
    }
}
