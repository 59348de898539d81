//! What of every harvest of a simulation can be had otherwise, by name: `hits=0.5`.
//!
//! A method that works at the published rates only does not work, so these change what a method
//! could have been tuned to: rates, orders, misses, padding.

use super::super::harvest::{Harvest, Order};
use super::super::request::Agent;
use super::super::route::Route;
use super::options::{Choice, NUMBER, SHARE, option, put, read, share};
use crate::time::DAY_MS;

const FROM_1: &str = "a number from 1 to 1e6";
const AGENTS: [(&str, Agent); 4] = [
    ("script", Agent::SCRIPT),
    ("server", Agent::SERVER),
    ("clinic", Agent::CLINIC),
    ("crawler", Agent::CRAWLER),
];

/// Every option of harvests, in the order of lists.
pub const HARVEST_OPTIONS: &[Choice<Harvest>] = &[
    option("hits", "share of ids that exist", SHARE, |it, text| share(text, &mut it.hits)),
    option("faster", "times as fast", "a number from 0.0001 to 10000", |it, text| {
        let times = text.parse().ok().filter(|it| (1e-4..=1e4).contains(it))?;
        let pace = it.pace.faster(times);
        put(&mut it.pace, Some(pace))
    }),
    option("later_days", "days by which it begins later", NUMBER, |it, text| {
        let days: i64 = text.parse().ok().filter(|it| (0..100_000).contains(it))?;
        let start = it.start.plus(days * DAY_MS);
        put(&mut it.start, Some(start))
    }),
    option("attempts", "ids that it tries at most", NUMBER, |it, text| {
        read(text, &mut it.attempts_max)
    }),
    option("stride", "in a row, with this stride", FROM_1, |it, text| {
        let stride = text.parse().ok().filter(|it| (1..=1_000_000).contains(it))?;
        let order = Order::Serial { first: first(it), stride };
        put(&mut it.order, Some(order))
    }),
    option("gaps", "ascending, with irregular gaps of this mean", FROM_1, |it, text| {
        let mean = text.parse().ok().filter(|it| (1.0..=1e6).contains(it))?;
        let order = Order::Gaps { first: first(it), mean };
        put(&mut it.order, Some(order))
    }),
    option("random", "in random order", "true", |it, text| {
        put(&mut it.order, Some(Order::Random).filter(|_| text == "true"))
    }),
    option("parts", "requests a protocol, with photo and vehicle", "1, 2 or 3", |it, text| {
        let parts = text.parse().ok().filter(|it| (1..=3).contains(it))?;
        put(&mut it.parts, Some(if it.route == Route::Protocol { parts } else { 1 }))
    }),
    option("repeats", "share of requests that repeat what it read", SHARE, |it, text| {
        let mut part = 0.0;
        share(text, &mut part)?;
        put(it, Some(it.clone().with_repeats(part)))
    }),
    option(
        "popular",
        "share of requests for what is popular, and how much is",
        "a share and a number, such as 0.2/200",
        |it, text| {
            let (text, pool) = text.split_once('/')?;
            let (mut part, mut of) = (0.0, 0);
            share(text, &mut part)?;
            read(pool, &mut of)?;
            put(it, Some(it.clone().with_popular(part, of)))
        },
    ),
    option("acts", "share of records found that an act follows", SHARE, |it, text| {
        share(text, &mut it.acts)
    }),
    option("agent", "its program", "script, server, clinic or crawler", |it, text| {
        put(&mut it.agent, AGENTS.iter().find(|(name, _)| *name == text).map(|it| it.1))
    }),
];

/// Where an order begins.
const fn first(harvest: &Harvest) -> u64 {
    match harvest.order {
        Order::Serial { first, .. } | Order::Gaps { first, .. } | Order::Prefixes { first, .. } => {
            first
        }
        Order::Same { ordinal } => ordinal,
        Order::Random | Order::Region { .. } => 0,
    }
}
