//! What must stay silent.

use super::super::faults::Skew;
use super::super::faults::{LATE_MS, REDELIVERED};
use super::super::followed::Storm;
use super::super::guests::Guests;
use super::super::occasions::{Campaign, Group, Joining};
use super::super::partners::BatchOrder;
use super::super::poller::Poller;
use super::super::portal::Portal;
use super::super::route::Route;
use super::{Scenario, Simulation};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

/// The share of staff who change network, shift or office on a day of the scoreboard's week.
const MOVES: f64 = 0.01;

/// In the order of their numbers.
pub(super) const HONEST: &[Scenario] = &[
    Scenario::new("B1", "20,000 more citizens a day behind one carrier's address", |it| {
        change(it, Portal::b1);
    }),
    Scenario::new("B2", "sites at which five officers work with one login", |it| {
        group(it, Group::shared_logins(it.portal.start));
    }),
    Scenario::new("B3", "a partner reconciles every night, in random order", |it| {
        change(it, |portal| portal.b3(BatchOrder::Random));
    }),
    Scenario::new("B3b", "a partner reconciles every night, in the order of numbers", |it| {
        change(it, |portal| portal.b3(BatchOrder::Sorted));
    }),
    Scenario::new("B4", "a call centre of 200 behind one address", |it| change(it, Portal::b4)),
    Scenario::new("B5", "anxious citizens ask for their family's records 150 times", |it| {
        change(it, Portal::b5);
    }),
    Scenario::new("B6", "a campaign day: everybody does three times as much", campaign),
    Scenario::new(
        "B7",
        "deliveries stop for half an hour every day (a file does not show it)",
        |it| {
            it.faults.late_ms = Some(LATE_MS);
        },
    ),
    Scenario::new("B8", "one record in fifty is delivered again, 500 at a time", |it| {
        it.faults.redelivered = Some(REDELIVERED);
    }),
    Scenario::new("B9", "one gateway of four has a clock three minutes behind", |it| {
        it.faults.skew = Some(Skew { gateways: 4, skew_ms: -3 * MINUTE_MS });
    }),
    Scenario::new("B10", "500 new accounts begin on one morning", newcomers),
    Scenario::new("B11", "an app's release fails and tries again, for three hours", |it| {
        let (from, until) = (it.begin, it.begin.plus(3 * HOUR_MS));
        it.portal.storm = Some(Storm { from, until, share: 0.3, times: 8 });
    }),
    Scenario::new("B12", "health checks and uptime monitors", |it| {
        it.portal.pollers.extend((0..6).map(Poller::probe));
        it.portal.pollers.extend((0..4).map(Poller::monitor));
    }),
    Scenario::new("B13", "searches for free slots in any volume", |it| {
        it.portal.guests.push(Guests { things: 8.0, ..Guests::new(Route::Slots, 20_000.0) });
        it.portal.pollers.push(Poller::slots());
    }),
    Scenario::new("B14", "a search engine's crawler on public pages", |it| {
        it.portal.pollers.push(Poller::crawler());
    }),
    Scenario::new("B15a", "a program reads the same 200 people all day", |it| {
        it.portal.pollers.push(Poller::of_200());
    }),
    Scenario::new("B15b", "a follower of the register reads what everybody reads", |it| {
        let guests = Guests::new(Route::Protocol, 2_000.0);
        it.portal.guests.push(Guests { popular: 0.9, pool: 500, ..guests });
        // It comes when there is something that everybody reads.
        it.portal.pollers.push(Poller::follower(it.begin));
    }),
    Scenario::new(
        "honest",
        "movers, a carrier's new address, a campaign day and new accounts",
        |it| {
            it.portal.staff.moves = MOVES;
            it.portal.joining = Some(Joining::new_nat(it.begin));
            newcomers(it);
            campaign(it);
            // Not all on one day.
            if let Some(campaign) = &mut it.portal.campaign {
                campaign.day = campaign.day.plus(2 * DAY_MS);
            }
        },
    ),
];

fn change(it: &mut Simulation, more: fn(Portal) -> Portal) {
    it.portal = more(it.portal.clone());
}

fn campaign(it: &mut Simulation) {
    it.portal.campaign = Some(Campaign { day: it.begin, times: 3 });
}

fn newcomers(it: &mut Simulation) {
    group(it, Group::newcomers(it.begin));
}

/// Adds staff who act as the portal's own do.
fn group(it: &mut Simulation, mut group: Group) {
    group.staff.acts = it.portal.staff.acts;
    it.portal.groups.push(group);
}
