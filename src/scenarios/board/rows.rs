//! What each gate runs: which harvest, on which portal, for how long at most.

use super::super::catalogue::{GROWING, INSIDER_PER_DAY, INSTITUTIONS};
use super::super::harvest::{Harvest, Order};
use super::super::pace::Pace;
use super::super::portal::Portal;
use super::super::request::{Client, Who, address};
use super::super::route::Route;
use super::super::season::Season;
use super::bars::Gate;
use super::ground::Ground;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// How long a harvest may go on before it counts as missed, unless its gate says otherwise.
const WINDOW_MS: i64 = 4 * HOUR_MS;
/// What a seed draws for its harvests.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    pub(super) portal: &'a Portal,
    /// When the harvest begins.
    pub(super) at: Moment,
    /// Any login of staff.
    pub(super) login: u32,
    /// One that seldom mistypes.
    pub(super) careful: u32,
    /// One with about as many people a day as all staff on average.
    pub(super) average: u32,
    /// Where walks begin.
    pub(super) first: u64,
    /// Honest look-ups of the register a second, at that time of the day.
    pub(super) register_per_second: f64,
}

/// What a gate runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    scenario: &'static str,
    name: &'static str,
    pub(super) ground: Ground,
    pub(super) window_ms: i64,
    /// Begins with the log itself: a client that grows has no history but its own.
    pub(super) from_start: bool,
    /// Its requests go through lines that are to break the reader.
    pub(super) hostile: bool,
    pub(super) harvest: fn(&Draw<'_>) -> Harvest,
}

impl Row {
    /// That of a gate, where there is one.
    pub(super) fn of(gate: &Gate) -> Option<&'static Self> {
        ROWS.iter().find(|it| it.scenario == gate.scenario && it.name == gate.name)
    }
}

const fn row(
    scenario: &'static str,
    name: &'static str,
    ground: Ground,
    harvest: fn(&Draw<'_>) -> Harvest,
) -> Row {
    let (window_ms, from_start, hostile) = (WINDOW_MS, false, false);
    Row { scenario, name, ground, window_ms, from_start, hostile, harvest }
}

/// One that is given more time.
const fn within(window_ms: i64, row: Row) -> Row {
    Row { window_ms, ..row }
}

use Ground::{BirthDates, Cold, Households, Quiet, Usual};

const ROWS: &[Row] = &[
    row("S2", "one address, reports at random", Usual, |it| Harvest::s2(it.at)),
    row("S2", "a declared crawler: a ticket", Usual, |it| Harvest::s2_crawler(it.at)),
    within(DAY_MS, row("S3a", "relay for a chat bot", Quiet, |it| Harvest::s3a(it.login, it.at))),
    row("S3b", "stolen login, day and night", Usual, |it| Harvest::s3b(it.careful, it.at)),
    row("S3b", "half misses", Usual, |it| guesser(it.careful, 0.5, it)),
    row("S3b", "40 % misses", Usual, |it| guesser(it.careful, 0.6, it)),
    row("S3b", "half misses, whatever the login", Usual, |it| guesser(it.login, 0.5, it)),
    row("S4", "a walk in a partner's key", Usual, |it| partner(it, 2.0)),
    row("S4", "one in 20 of the key's look-ups", Usual, |it| {
        partner(it, 2.0 / 40.0 * honest_partner(it))
    }),
    row("S4b", "a partner's key, random order", Usual, |it| {
        Harvest::s4_at_random(it.portal, 1, it.at)
    }),
    row("S5", "in a row, one address", Usual, |it| walk(it, 1)),
    row("S5", "in a row, six addresses", Usual, |it| Harvest {
        order: serial(it, 1),
        ..Harvest::s5_records(6, it.at)
    }),
    row("S5", "every 40th, one in 5 s", Usual, |it| Harvest {
        pace: Pace::Every { ms: 5 * SECOND_MS, jitter: 0.5 },
        ..walk(it, 40)
    }),
    row("S5", "every 1,000th", Usual, |it| Harvest {
        order: Order::Serial { first: it.first % 100_000, stride: 1_000 },
        ..walk(it, 1)
    }),
    row("S5", "gaps of about 40", Usual, |it| gaps(walk(it, 1), it, 40.0)),
    row("S5", "households, a login in a row", Households, |it| Harvest {
        order: serial(it, 1),
        ..login(it, it.careful, 5 * SECOND_MS)
    }),
    row("S5", "households, gaps of about 40", Households, |it| {
        gaps(login(it, it.careful, 5 * SECOND_MS), it, 40.0)
    }),
    row("S5", "ascending, gaps of about 5,000", Usual, |it| Harvest {
        order: Order::Gaps { first: it.first % 100_000, mean: 5_000.0 },
        ..walk(it, 1)
    }),
    within(
        DAY_MS,
        row("S6", "fifty institutions, one page", BirthDates, |it| {
            Harvest::s6(INSTITUTIONS, it.at)
        }),
    ),
    row("S7", "the screening form, 1,500 addresses", Usual, |it| Harvest::s7(1_500, it.at)),
    row("S8", "5,000 homes, 4.4 times the honest", Usual, |it| homes(it, 4.4)),
    row("S8", "5,000 homes, twice the honest", Usual, |it| homes(it, 2.0)),
    within(
        2 * DAY_MS,
        row("S9", "insider, no act follows", Quiet, |it| {
            Harvest::s9(it.portal, it.average, INSIDER_PER_DAY, it.at)
        }),
    ),
    within(
        3 * DAY_MS,
        row("S9b", "insider, acts are done", Quiet, |it| {
            Harvest::s9_with_acts(it.portal, it.average, INSIDER_PER_DAY, it.at)
        }),
    ),
    within(
        3 * DAY_MS,
        row("S9b", "acts are done, whatever the login", Quiet, |it| {
            Harvest::s9_with_acts(it.portal, it.login, INSIDER_PER_DAY, it.at)
        }),
    ),
    within(
        4 * DAY_MS,
        row("S9", "insider, volume only", Quiet, |it| in_office_hours(it, it.average)),
    ),
    within(
        4 * DAY_MS,
        row("S9", "volume only, whatever the login", Quiet, |it| in_office_hours(it, it.login)),
    ),
    row("S10a", "passes for many mobiles", Usual, |it| Harvest::s10_many_passes(it.at)),
    row("S10b", "codes tried on one mobile", Usual, |it| Harvest::s10_codes(it.at)),
    row("S10c", "reads without a pass", Usual, |it| Harvest::s10_without_pass(it.first, it.at)),
    row("S11a", "a list by page", Usual, |it| {
        Harvest::s11(it.portal, it.login, Route::Pages, it.at)
    }),
    row("S11b", "a list by offset", Usual, |it| {
        Harvest::s11(it.portal, it.login, Route::Offsets, it.at)
    }),
    row("S11c", "a list by cursor", Usual, |it| {
        Harvest::s11(it.portal, it.login, Route::Cursors, it.at)
    }),
    row("S12", "a walk begins to write", Usual, |it| Harvest {
        order: serial(it, 1),
        ..Harvest::s12(200, it.at)
    }),
    within(DAY_MS, row("S13", "a relay touches decoys", Quiet, |it| Harvest::s13(it.login, it.at))),
    row("S14a", "a walk, 40 % repeats", Usual, |it| walk(it, 1).with_repeats(0.4)),
    row("S14b", "a walk, 20 % of 200 popular", Usual, |it| walk(it, 1).with_popular(0.2, 200)),
    row("S14c", "a walk, 60 % of 10,000 popular", Usual, |it| {
        walk(it, 1).with_popular(0.6, 10_000)
    }),
    row("S14b", "random order, 20 % of 200 popular", Usual, |it| {
        Harvest { order: Order::Random, ..walk(it, 1) }.with_popular(0.2, 200)
    }),
    row("S14c", "random order, 60 % of 10,000", Usual, |it| {
        Harvest { order: Order::Random, ..walk(it, 1) }.with_popular(0.6, 10_000)
    }),
    row("S14d", "stolen login, 60 % repeats", Usual, |it| {
        Harvest::s3b(it.careful, it.at).with_repeats(0.6)
    }),
    within(
        2 * DAY_MS,
        row("S15a", "a session, one in ten minutes", Quiet, |it| Harvest::s15_session(it.at)),
    ),
    within(
        30 * DAY_MS,
        row("S15b", "a login, day and night", Quiet, |it| {
            Harvest::s15_login(it.portal, it.login, it.at)
        }),
    ),
    within(
        30 * DAY_MS,
        row("S15c", "a login, in office hours", Quiet, |it| {
            Harvest::s15_office(it.portal, it.login, it.at)
        }),
    ),
    growing("S16a", "200 a day and 1 % more each day", |it| Harvest::s16(GROWING, 0.01, it.at)),
    growing("S16b", "200 a day and 5 % more each day", |it| Harvest::s16(GROWING, 0.05, it.at)),
    growing("S16c", "200 a day and 20 % more each day", |it| Harvest::s16(GROWING, 0.2, it.at)),
    growing("S16d", "200 a day for 90 days", |it| Harvest::s16(GROWING, 0.0, it.at)),
    Row {
        hostile: true,
        ..row("S17", "S5 by lines that are to break it", Usual, |it| walk(it, 1))
    },
    row("reader", "session, valid ids, priors only", Cold, |it| Harvest::reader(it.first, it.at)),
    row("reader", "session, valid ids, after history", Usual, |it| {
        Harvest::reader(it.first, it.at)
    }),
    row("reader", "login, valid ids, one a second", Usual, |it| login(it, it.login, SECOND_MS)),
    row("reader", "login, valid ids, one in 10 s", Usual, |it| login(it, it.login, 10 * SECOND_MS)),
];

const fn growing(
    scenario: &'static str,
    name: &'static str,
    harvest: fn(&Draw<'_>) -> Harvest,
) -> Row {
    Row { from_start: true, ..within(90 * DAY_MS, row(scenario, name, Quiet, harvest)) }
}

const fn serial(draw: &Draw<'_>, stride: u64) -> Order {
    Order::Serial { first: draw.first, stride }
}

/// The register by one address of a hosting company, in a row.
fn walk(draw: &Draw<'_>, stride: u64) -> Harvest {
    let client = Client { who: Who::Nobody, address: address::hosting(draw.first % 40) };
    Harvest {
        clients: vec![client],
        order: serial(draw, stride),
        ..Harvest::s5_records(1, draw.at)
    }
}

fn gaps(harvest: Harvest, draw: &Draw<'_>, mean: f64) -> Harvest {
    Harvest { order: Order::Gaps { first: draw.first, mean }, ..harvest }
}

fn guesser(login: u32, hits: f64, draw: &Draw<'_>) -> Harvest {
    Harvest { hits, ..Harvest::s3b(login, draw.at) }
}

/// An insider in office hours who reads people of the own region, and does what honest staff do
/// afterwards.
fn in_office_hours(draw: &Draw<'_>, login: u32) -> Harvest {
    Harvest {
        order: Order::Region { region: draw.portal.region_of(login) },
        pace: Pace::Daily { per_day: INSIDER_PER_DAY, season: Season::AfterHours(0.0) },
        acts: draw.portal.staff.acts,
        ..Harvest::s9(draw.portal, login, 0.0, draw.at)
    }
}

/// A login that reads people who exist, beside its honest day.
fn login(draw: &Draw<'_>, login: u32, ms: i64) -> Harvest {
    Harvest {
        hits: 1.0,
        pace: Pace::Every { ms, jitter: 0.5 },
        ..Harvest::s9(draw.portal, login, 0.0, draw.at)
    }
}

/// S4 at a rate, from where the seed says.
fn partner(draw: &Draw<'_>, per_second: f64) -> Harvest {
    Harvest {
        order: serial(draw, 1),
        pace: Pace::Poisson { per_second },
        ..Harvest::s4(draw.portal, 1, draw.at)
    }
}

/// What the busy partner does a second.
fn honest_partner(draw: &Draw<'_>) -> f64 {
    draw.portal.partners.first().map_or(0.0, |it| it.per_second)
}

/// S8 at so many times the honest look-ups of the register.
fn homes(draw: &Draw<'_>, times: f64) -> Harvest {
    let per_second = (draw.register_per_second * times).max(0.01);
    Harvest { pace: Pace::Poisson { per_second }, ..Harvest::s8(5_000, draw.at) }
}

#[cfg(test)]
mod tests {
    use super::super::bars::GATES;
    use super::*;

    #[test]
    fn every_row_is_a_gates() {
        for row in ROWS {
            let of = |it: &&Gate| it.scenario == row.scenario && it.name == row.name;
            assert_eq!(GATES.iter().filter(of).count(), 1, "{} {}", row.scenario, row.name);
        }
    }
}
