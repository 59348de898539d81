//! The portals that harvests run on, and their histories.
//!
//! A history is judged once a seed and portal; every harvest goes on from a copy of it. Few portals
//! serve all gates, because what a harvest needs (a partner as busy as that of S4, readers of
//! lists, visitors of reports) can all be in one of them. What cannot has a portal of its own: ids
//! of households, ids that begin with a birth date, and months that nobody could wait for on a
//! portal of full size.

use super::super::catalogue::{nation, readers_of_a_list, readers_of_reports, screened};
use super::super::gates::{Lengths, Logins, begin, ids};
use super::super::id::Id;
use super::super::merge::{Merge, Source};
use super::super::partners::Partner;
use super::super::people::Ids;
use super::super::portal::Portal;
use super::super::random::Random;
use super::super::request::Request;
use super::super::route::Route;
use super::super::rules::Rulebook;
use super::super::{Trial, config_toml};
use super::rows::Draw;
use crate::alert::Alert;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};

/// Honest requests from a harvest's beginning on are kept for so long; what is longer makes them
/// anew.
const KEPT_MS: i64 = 4 * HOUR_MS;
/// Rules have counted for so long when a harvest begins.
const RULES_MS: i64 = DAY_MS;
/// How many decoys are planted among mobile numbers.
const DECOYS: u64 = 20;
/// The longest harvest, and a day.
const DAYS_MAX: i64 = 91;

/// A kind of portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ground {
    /// The whole of it, in this seed's layout of ids, after its history.
    Usual,
    /// The same on its first morning: nobody is known.
    Cold,
    /// Families have adjacent ids, and the configuration says so.
    Households,
    /// Ids begin with a birth date.
    BirthDates,
    /// A tenth of the traffic, for harvests of days and months.
    Quiet,
}

impl Ground {
    pub(super) const ALL: [Self; 5] =
        [Self::Usual, Self::Quiet, Self::Households, Self::BirthDates, Self::Cold];

    fn portal(self, seed: u64, lengths: Lengths) -> Portal {
        let days = self.history_days(lengths) + DAYS_MAX;
        let mut portal = Portal::with_acts_and_passes(seed, begin(), days);
        portal.ids = match self {
            Self::Households => Ids { households: true, ..Ids::default() },
            Self::BirthDates => nation(Ids::default()),
            _ => ids(seed),
        };
        portal.guests.extend([readers_of_reports(), screened()]);
        let lists = [Route::Pages, Route::Offsets, Route::Cursors];
        portal.mixtures.extend(lists.map(readers_of_a_list));
        let usual = Partner::default().per_second;
        let busy = if self == Self::Quiet { usual } else { Partner::busy().per_second };
        if self == Self::Quiet {
            // By day and night partners are most of the traffic, and none of these is theirs.
            portal.partners.truncate(1);
        }
        if let Some(first) = portal.partners.first_mut() {
            first.per_second = (busy / f64::from(lengths.smaller)).max(usual);
        }
        let smaller = if self == Self::Quiet { 10 } else { 1 };
        shrink(&mut portal, smaller.max(lengths.smaller));
        portal
    }

    const fn history_days(self, lengths: Lengths) -> i64 {
        if matches!(self, Self::Cold) { 0 } else { lengths.history_days }
    }
}

/// Divides everybody who is many. Staff stay, because they are learned from each other, and so do
/// partners: a nightly batch is as large as it is against what its partner does by day.
pub(super) fn shrink(portal: &mut Portal, times: u32) {
    let times = f64::from(times);
    portal.citizens.per_day /= times;
    portal.visitors.per_day /= times;
    portal.guests.iter_mut().for_each(|it| it.per_day /= times);
}

/// A portal with its history judged.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) portal: Portal,
    /// When harvests begin.
    pub(super) at: Moment,
    pub(super) trial: Trial,
    /// The rules, with what they counted on the day before.
    pub(super) rules: Rulebook,
    /// Alert changes of the history.
    pub(super) changes: Vec<Alert>,
    pub(super) decoys: Vec<Id>,
    dies_daily: bool,
    login: u32,
    careful: u32,
    average: u32,
    first: u64,
    /// Honest requests from then on.
    kept: Vec<Request>,
}

impl Prepared {
    /// Runs the history of a seed.
    pub(super) fn new(ground: Ground, seed: u64, lengths: Lengths) -> Result<Self, String> {
        let portal = ground.portal(seed, lengths);
        let mut random = Random::of(seed, 0x626f, 0);
        let minutes = i64::try_from(random.below(240)).unwrap_or(0);
        let start = portal.start.plus(ground.history_days(lengths) * DAY_MS);
        let at = start.plus(9 * HOUR_MS + minutes * MINUTE_MS);
        let Logins { any: login, careful, average } = Logins::draw(&portal, &mut random);
        let first = 200_000 + random.below(1_000_000);
        let decoys: Vec<Id> = (0..DECOYS).map(|it| portal.decoy(Route::ByMobile, it)).collect();
        let trial = Trial::watching(&config_toml(&portal), seed, decoys.iter().copied())?;
        let mut trial = trial.dying_daily(lengths.dies_daily);
        let mut rules = Rulebook::default();
        let mut kept = Vec::new();
        for request in portal.requests().take_while(|it| it.at < at.plus(KEPT_MS)) {
            if request.at >= at {
                kept.push(request);
                continue;
            }
            trial.feed(&request);
            if request.at >= at.plus(-RULES_MS) {
                rules.feed(&request);
            }
        }
        trial.judge();
        let changes = trial.take_alerts();
        let dies_daily = lengths.dies_daily;
        Ok(Self {
            dies_daily,
            portal,
            at,
            trial,
            rules,
            changes,
            decoys,
            login,
            careful,
            average,
            first,
            kept,
        })
    }

    /// An engine and rules that have seen nothing of this portal, for what begins with its log.
    pub(super) fn unjudged(&self) -> Result<(Trial, Rulebook), String> {
        let decoys = self.decoys.iter().copied();
        let trial = Trial::watching(&config_toml(&self.portal), self.portal.seed, decoys)?;
        Ok((trial.dying_daily(self.dies_daily), Rulebook::default()))
    }

    /// What harvests draw that begin at `at`.
    pub(super) fn draw(&self, at: Moment) -> Draw<'_> {
        let Self { portal, login, careful, average, first, .. } = self;
        let reads = self.kept.iter().filter(|it| it.route == Route::Protocol).count();
        let register_per_second = reads as f64 / (KEPT_MS / SECOND_MS) as f64;
        Draw {
            portal,
            at,
            login: *login,
            careful: *careful,
            average: *average,
            first: *first,
            register_per_second,
        }
    }

    /// Honest requests from `from` on, together with `more`.
    pub(super) fn beside(&self, from: Moment, until: Moment, more: Source) -> Merge {
        let honest: Source = if from == self.at && until <= self.at.plus(KEPT_MS) {
            Box::new(self.kept.clone().into_iter())
        } else {
            Box::new(self.portal.requests().skip_while(move |it| it.at < from))
        };
        Merge::new(vec![honest, more], until)
    }
}
