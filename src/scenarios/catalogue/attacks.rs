//! What must be caught.

use super::super::guests::Guests;
use super::super::harvest::{Harvest, Order};
use super::super::id::Layout;
use super::super::mixture::Mixture;
use super::super::partners::Partner;
use super::super::people::Ids;
use super::super::request::{Client, Who, address};
use super::super::route::Route;
use super::super::season::Season;
use super::{Scenario, Simulation};
use crate::time::{DAY_MS, HOUR_MS};

/// Logins of staff whose owners do, or are robbed of, what a scenario says: for each scenario its
/// own, so that any of them can be put into one log.
const RELAYS: [u32; 2] = [5, 15];
const STOLEN: [u32; 3] = [7, 8, 9];
const INSIDERS: [u32; 2] = [21, 22];
const LISTERS: [u32; 3] = [31, 32, 33];
const SLOW: [u32; 2] = [41, 42];
/// The first of fifty institutions' logins, among those of staff.
pub(in super::super) const INSTITUTIONS: u32 = 200;
/// Addresses of walks through the register, in hosting companies' ranges, and how far apart they
/// begin: what one has read is cold no more for the others.
const WALKERS: u64 = 80;
const WALKS_APART: u64 = 150_000;
/// The first of the logins without an honest past.
pub(in super::super) const GROWING: u32 = 220_000;
/// An insider's look-ups a day beside twenty honest ones.
pub(in super::super) const INSIDER_PER_DAY: f64 = 180.0;
/// People who are enough for a month of S6, and how many of them have one birthday.
const NATION: u64 = 20_000_000;
const BORN_A_DAY: u64 = 640;

/// In the order of their numbers.
pub(super) const ATTACKS: &[Scenario] = &[
    Scenario::new(
        "S1",
        "a normal month and a public claim of 150 million records; nobody harvests",
        |_| {},
    ),
    Scenario::new("S2", "a declared search crawler takes reports, then one address does", s2),
    Scenario::new("S3a", "a staff login relays for a chat bot, by mobile number", |it| {
        it.harvests.push(Harvest::s3a(RELAYS[0], it.begin));
    }),
    Scenario::new("S3b", "two stolen staff logins try mobile numbers day and night", |it| {
        it.harvests.push(Harvest::s3b(STOLEN[0], it.begin));
        it.harvests.push(Harvest::s3b_by_prefix(STOLEN[1], it.begin.plus(HOUR_MS)));
    }),
    Scenario::new("S4", "a walk through mobile numbers, hidden in a partner's key", |it| {
        busy_partner(it, 1);
        it.harvests.push(Harvest::s4(&it.portal, 1, it.begin));
    }),
    Scenario::new("S4b", "the same in random order", |it| {
        busy_partner(it, 2);
        it.harvests.push(Harvest::s4_at_random(&it.portal, 2, it.begin));
    }),
    Scenario::new(
        "S5",
        "the open register in a row, by six addresses and two other collectors",
        s5,
    ),
    Scenario::new(
        "S6",
        "fifty institutions' logins share the people in the order of their birth",
        s6,
    ),
    Scenario::new("S7", "the screening form, from 1,500 mobile addresses in bursts", |it| {
        it.portal.guests.push(screened());
        it.harvests.push(Harvest::s7(1_500, it.begin));
    }),
    Scenario::new("S8", "the register in random order, from 5,000 homes' addresses", |it| {
        it.harvests.push(Harvest::s8(5_000, it.begin));
    }),
    Scenario::new("S9", "an insider looks up ten times as many, no act follows", |it| {
        it.harvests.push(Harvest::s9(&it.portal, INSIDERS[0], INSIDER_PER_DAY, it.begin));
    }),
    Scenario::new("S9b", "the same with an act behind each look-up", |it| {
        it.harvests.push(Harvest::s9_with_acts(&it.portal, INSIDERS[1], INSIDER_PER_DAY, it.begin));
    }),
    Scenario::new("S10a", "one client asks for passes for thousands of mobile numbers", |it| {
        it.harvests.push(Harvest::s10_many_passes(it.begin));
    }),
    Scenario::new("S10b", "one client tries codes for one mobile number", |it| {
        it.harvests.push(Harvest::s10_codes(it.begin));
    }),
    Scenario::new("S10c", "a session reads people without a pass that was checked", |it| {
        it.harvests.push(Harvest::s10_without_pass(1, it.begin));
    }),
    Scenario::new("S11a", "a list is walked page by page", |it| list(it, Route::Pages, LISTERS[0])),
    Scenario::new("S11b", "a list is walked by its offset", |it| {
        list(it, Route::Offsets, LISTERS[1])
    }),
    Scenario::new("S11c", "a list is walked by its cursor", |it| {
        list(it, Route::Cursors, LISTERS[2])
    }),
    Scenario::new("S12", "a walk through the register begins to change and delete", |it| {
        it.harvests.push(Harvest::s12(1_000, it.begin));
    }),
    Scenario::new("S13", "a relay by mobile number touches decoys", |it| {
        it.harvests.push(Harvest::s13(RELAYS[1], it.begin));
    }),
    Scenario::new("S14a", "S5 by one address, 40 % of it repeats", |it| {
        it.harvests.push(walk(it, 0).with_repeats(0.4));
    }),
    Scenario::new("S14b", "S5 by one address, 20 % of it on the 200 most popular records", |it| {
        it.harvests.push(walk(it, 1).with_popular(0.2, 200));
    }),
    Scenario::new(
        "S14c",
        "S5 by one address, 60 % of it on the 10,000 most popular records",
        |it| {
            it.harvests.push(walk(it, 2).with_popular(0.6, 10_000));
        },
    ),
    Scenario::new("S14d", "S3b, 60 % of it repeats", |it| {
        it.harvests.push(Harvest::s3b(STOLEN[2], it.begin).with_repeats(0.6));
    }),
    Scenario::new("S15a", "a session reads one more person every ten minutes", |it| {
        it.harvests.push(Harvest::s15_session(it.begin));
    }),
    Scenario::new("S15b", "a login does, day and night", |it| {
        it.harvests.push(Harvest::s15_login(&it.portal, SLOW[0], it.begin));
    }),
    Scenario::new("S15c", "a login does, in office hours", |it| {
        it.harvests.push(Harvest::s15_office(&it.portal, SLOW[1], it.begin));
    }),
    Scenario::new("S16a", "200 records a day, and 1 % more each day", |it| {
        growing(it, GROWING, 0.01)
    }),
    Scenario::new("S16b", "200 records a day, and 5 % more each day", |it| {
        growing(it, GROWING + 1, 0.05)
    }),
    Scenario::new("S16c", "200 records a day, and 20 % more each day", |it| {
        growing(it, GROWING + 2, 0.2)
    }),
    Scenario::new("S16d", "200 records a day and no more: must stay silent", |it| {
        growing(it, GROWING + 3, 0.0)
    }),
    Scenario::new("S17", "S5 by one address, each line with bytes that are to break it", |it| {
        it.faults.hostile = true;
        it.harvests.push(walk(it, 3));
    }),
];

/// Honest readers of reports, each from an address of its own, as visitors of the register of
/// protocols.
pub(in super::super) fn readers_of_reports() -> Guests {
    Guests { nat_share: 0.0, ..Guests::new(Route::Report, 3_000.0) }
}

/// Honest people who fill in the screening form.
pub(in super::super) fn screened() -> Guests {
    Guests::new(Route::Screening, 5_000.0)
}

/// Honest readers of a list: a few pages a day.
pub(in super::super) fn readers_of_a_list(route: Route) -> Mixture {
    Mixture { per_day: 3.0, misses: 0.0, season: Season::Office, ..Mixture::new(route, 40) }
}

/// Ids that begin with a birth date, of people enough for S6.
pub(in super::super) fn nation(ids: Ids) -> Ids {
    Ids { layout: Layout::DateLed, people: NATION, born_a_day: BORN_A_DAY, ..ids }
}

fn s2(it: &mut Simulation) {
    it.portal.guests.push(readers_of_reports());
    it.harvests.push(Harvest::s2_crawler(it.begin));
    // The second begins when the first has shown where the files are: a third of what is left.
    let left_ms = it.portal.end.since(it.begin);
    it.harvests.push(Harvest::s2(it.begin.plus(left_ms / 3)));
}

/// Makes a partner busy, and adds it with those before it where there are fewer.
fn busy_partner(it: &mut Simulation, number: usize) {
    let partners = &mut it.portal.partners;
    partners.resize(partners.len().max(number), Partner::default());
    if let Some(partner) = partners.get_mut(number - 1) {
        partner.per_second = Partner::busy().per_second;
    }
}

/// A walk through the register by one address of its own.
fn walk(it: &Simulation, number: u64) -> Harvest {
    let address = address::hosting(WALKERS + number);
    let order = Order::Serial { first: 50_000 + number * WALKS_APART, stride: 1 };
    let clients = vec![Client { who: Who::Nobody, address }];
    Harvest { clients, order, ..Harvest::s5_records(1, it.begin) }
}

fn s5(it: &mut Simulation) {
    it.harvests.push(Harvest::s5(6, it.begin));
    it.harvests.push(Harvest::s5_collector(0, it.begin.plus(2 * HOUR_MS)));
    it.harvests.push(Harvest::s5_collector(1, it.begin.plus(5 * HOUR_MS)));
}

fn s6(it: &mut Simulation) {
    it.portal.ids = nation(it.portal.ids);
    it.harvests.push(Harvest::s6(INSTITUTIONS, it.begin));
}

fn list(it: &mut Simulation, route: Route, login: u32) {
    it.portal.mixtures.push(readers_of_a_list(route));
    it.harvests.push(Harvest::s11(&it.portal, login, route, it.begin));
}

/// From the second day on: a client that grows has no history but its own.
fn growing(it: &mut Simulation, login: u32, a_day: f64) {
    let start = it.begin.min(it.portal.start.plus(DAY_MS));
    it.harvests.push(Harvest::s16(login, a_day, start));
}
