//! Mixed Poisson clients: many clients, each with a rate of its own, and nothing else about them.
//!
//! The plainest honest traffic there is. It is here because a method tuned on portals with shifts
//! and families may lean on them: with a mixture only rate, misses and order are left.

use super::merge::Source;
use super::people::People;
use super::random::{Random, coin};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::Moment;

/// The first login of staff in a mixture, above those of a portal.
const LOGIN_FIRST: u32 = 500_000;
/// Subjects of its own that a client repeats.
const RECENT: u64 = 30;

/// Clients with gamma-distributed rates that read at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    /// What they read. Where nobody logs in (registers, the screening form) they are addresses, on
    /// other routes staff.
    pub route: Route,
    /// How many.
    pub clients: u32,
    /// Look-ups a day, on average over all clients.
    pub per_day: f64,
    /// How alike their rates are: the shape of a gamma distribution.
    pub shape: f64,
    /// The share of look-ups that find nobody, on average.
    pub misses: f64,
    /// How alike clients are in that: `a + b` of a beta distribution.
    pub misses_alike: f64,
    /// The share of look-ups of a recent subject.
    pub repeats: f64,
    /// When they come.
    pub season: Season,
}

impl Mixture {
    /// Clients with ten look-ups a day at all hours.
    #[must_use]
    pub const fn new(route: Route, clients: u32) -> Self {
        Self {
            route,
            clients,
            per_day: 10.0,
            shape: 2.0,
            misses: 0.03,
            misses_alike: 5.0,
            repeats: 0.2,
            season: Season::Flat,
        }
    }

    pub(super) fn requests(self, people: People, seed: u64, start: Moment) -> Source {
        let mut random = Random::of(seed, 0x314c, 0);
        let (shape, scale) = (self.shape, self.per_day / self.shape);
        let mut per_day = 0.0;
        let clients: Vec<One> = (0..self.clients)
            .map(|number| {
                per_day += random.gamma(shape, scale);
                let (a, b) = (self.misses, 1.0 - self.misses);
                let misses = random.beta(a * self.misses_alike, b * self.misses_alike);
                One { number, up_to: per_day, misses, seen: 0 }
            })
            .collect();
        Box::new(Mixed { mixture: self, people, seed, random, clients, per_day, at: start })
    }
}

/// One client of a mixture.
struct One {
    number: u32,
    /// Its rate and those of all before it.
    up_to: f64,
    misses: f64,
    /// Subjects so far.
    seen: u64,
}

struct Mixed {
    mixture: Mixture,
    people: People,
    seed: u64,
    random: Random,
    clients: Vec<One>,
    per_day: f64,
    at: Moment,
}

impl Iterator for Mixed {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.at = self.mixture.season.next(self.at, self.per_day, &mut self.random);
        let drawn = self.random.unit() * self.per_day;
        let index = self.clients.partition_point(|it| it.up_to <= drawn);
        let one = self.clients.get_mut(index)?;
        let again = one.seen > 0 && self.random.chance(self.mixture.repeats);
        if !again {
            one.seen += 1;
        }
        let back = if again { self.random.below(one.seen.min(RECENT)) } else { 0 };
        // A subject is a function of client and count, so that nothing is remembered.
        let subject = (u64::from(one.number) << 32) | (one.seen - 1 - back);
        let missed = coin(self.seed, subject, one.misses);
        let register = self.people.register(self.mixture.route);
        let ordinal = Random::of(self.seed, 0x5b1e, subject).below(register.size);
        let beyond = if missed { register.size } else { 0 };
        let answer = if missed { Answer::Missing } else { Answer::Found };
        let (status, bytes) = answer.shown(&mut self.random);
        let records = answer.records();
        let (at, route, client) = (self.at, self.mixture.route, client(self.mixture.route, one));
        let subject = register.id(ordinal + beyond);
        let agent = Agent::browser(u64::from(one.number));
        Some(Request { at, client, route, subject, status, bytes, records, agent, label: 0 })
    }
}

fn client(route: Route, one: &One) -> Client {
    let number = u64::from(one.number);
    match route {
        Route::Protocol | Route::Photo | Route::Vehicle | Route::Report | Route::Screening => {
            Client { who: Who::Nobody, address: address::office(40_000 + number) }
        }
        _ => Client {
            who: Who::Staff(LOGIN_FIRST + one.number),
            address: address::office(30_000 + number / 4),
        },
    }
}
