//! Gates: how much a harvest takes before the page, and who must never be paged.
//!
//! A harvest gate runs one harvest after a fortnight of honest history, once a seed, and reads what
//! it had taken when the page fired; one that was missed counts as infinite. A silence gate runs a
//! week of something that looks like a harvest and is none. Every run has the default
//! configuration, and every seed other people, other logins, another hour and another layout of
//! ids: a bar met at one of them says little.

mod harvests;
mod silence;

pub use harvests::{HarvestGate, HarvestRuns, harvest_gates};
pub use silence::{SilenceGate, SilenceRun, silence_gates};

use super::id::Layout;
use super::people::Ids;
use super::portal::Portal;
use super::random::Random;
use crate::alert::{Alert, Mode, Severity, Status};
use crate::time::{DAY_MS, Moment, days_from_civil};
use std::collections::BTreeMap;

/// How long history is, and a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Days of honest history before anything else.
    pub history_days: i64,
    /// Days of a silence gate.
    pub week_days: i64,
    /// Divides the honest traffic, for a quick look.
    pub smaller: u32,
    /// The engine is killed once a simulated day, and goes on from a snapshot.
    pub dies_daily: bool,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { history_days: 14, week_days: 7, smaller: 1, dies_daily: false }
    }
}

/// History begins on a Monday.
pub(super) fn begin() -> Moment {
    Moment(days_from_civil(2026, 3, 2) * DAY_MS)
}

/// The ids of this seed's portal: each layout comes up.
pub(super) fn ids(seed: u64) -> Ids {
    let layouts = [Layout::Dense, Layout::Sparse, Layout::DateLed, Layout::Uuid];
    let index = usize::try_from(seed % 4).unwrap_or(0);
    Ids { layout: layouts.get(index).copied().unwrap_or_default(), ..Ids::default() }
}

/// The share of misses that a careful login stays below: twice the mean over all staff, which four
/// in five do. A guess tells `ln(p1 / p0)`, and the bars have their floor at a login's .05. Who
/// misses every fourth time himself hides a guesser who misses every second: .14 nats an attempt,
/// 140 attempts, whatever the method. Such logins have a row without a bar.
const CAREFUL: f64 = 0.1;
/// How far the days of one may lie from those of all on average, as a share.
const AVERAGE: f64 = 0.15;

/// Logins of staff that a seed draws.
pub(super) struct Logins {
    /// Any of them.
    pub(super) any: u32,
    /// One that seldom mistypes.
    pub(super) careful: u32,
    /// One with about as many people a day as all staff on average.
    pub(super) average: u32,
}

impl Logins {
    pub(super) fn draw(portal: &Portal, random: &mut Random) -> Self {
        let mut draw = || u32::try_from(random.below(u64::from(portal.staff.count))).unwrap_or(0);
        let any = draw();
        let mut careful = any;
        while portal.misses_of(careful) > CAREFUL {
            careful = draw();
        }
        let count = portal.staff.count.max(1);
        let is_average =
            |login: &u32| (portal.level_of(*login) / portal.staff.per_day - 1.0).abs() < AVERAGE;
        let average = (any..any + count).map(|it| it % count).find(is_average).unwrap_or(any);
        Self { any, careful, average }
    }
}

/// Whether a change of an alert calls somebody.
pub(super) fn pages(alert: &Alert) -> bool {
    alert.severity == Severity::Page && alert.mode == Mode::Page && alert.status != Status::Resolved
}

/// Adds the pages among these changes, one for each alert.
fn collect(pages_by_id: &mut BTreeMap<String, Alert>, changes: Vec<Alert>) {
    for alert in changes.into_iter().filter(pages) {
        pages_by_id.entry(alert.id.clone()).or_insert(alert);
    }
}

/// The value that this share of values does not exceed; `None`, which counts as infinite, where
/// too many were missed.
#[must_use]
pub fn quantile(values: &[Option<u64>], share: f64) -> Option<u64> {
    let mut sorted: Vec<u64> = values.iter().map(|it| it.unwrap_or(u64::MAX)).collect();
    sorted.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a list"
    )]
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().filter(|it| *it != u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_harvest_is_infinite() {
        let values = [Some(3), None, Some(1), Some(2)];
        assert_eq!(quantile(&values, 0.5), Some(2));
        assert_eq!(quantile(&values, 0.75), Some(3));
        assert_eq!(quantile(&values, 0.9), None);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
