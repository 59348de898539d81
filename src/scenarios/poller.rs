//! Machines that ask for the same few things all day: probes, monitors, pollers, feed followers,
//! search crawlers. Nothing that they read is new to them after the first round.

use super::merge::Source;
use super::people::People;
use super::random::{Permutation, Random, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use crate::time::{Moment, SECOND_MS};

/// Login of the poller, above those of all staff.
const POLLER_LOGIN: u32 = 600_000;

/// One machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poller {
    /// Who it is.
    pub client: Client,
    /// What it asks for.
    pub route: Route,
    /// How many different things, one after the other and then again.
    pub things: u64,
    /// Whether these are what everybody looks at, the most popular first.
    pub popular: bool,
    /// From one request to the next, in milliseconds.
    pub every_ms: i64,
    /// The share by which that is longer or shorter at most.
    pub jitter: f64,
    /// With which program.
    pub agent: Agent,
    /// When it begins, unless the log begins later.
    pub from: Moment,
}

impl Poller {
    fn new(client: Client, route: Route, every_ms: i64, agent: Agent) -> Self {
        let (things, popular, jitter) = (1, false, 0.05);
        let from = Moment(i64::MIN);
        Self { client, route, things, popular, every_ms, jitter, agent, from }
    }

    /// B12: the probe of a cluster asks every ten seconds whether the portal lives.
    #[must_use]
    pub fn probe(number: u64) -> Self {
        let client = Client { who: Who::Nobody, address: address::office(58_000 + number) };
        Self::new(client, Route::Health, 10 * SECOND_MS, Agent::PROBE)
    }

    /// B12: a monitor asks for one protocol, always the same, once a minute.
    #[must_use]
    pub fn monitor(number: u64) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(200 + number) };
        Self::new(client, Route::Protocol, 60 * SECOND_MS, Agent::MONITOR)
    }

    /// B15: a clinic's program asks for the same 200 people all day, one every four seconds.
    #[must_use]
    pub fn of_200() -> Self {
        let client = Client { who: Who::Staff(POLLER_LOGIN), address: address::office(58_100) };
        let poller = Self::new(client, Route::Beneficiary, 4 * SECOND_MS, Agent::SERVER);
        Self { things: 200, ..poller }
    }

    /// B15: a follower of the register reads the 500 protocols that everybody reads.
    #[must_use]
    pub fn follower(from: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(210) };
        let poller = Self::new(client, Route::Protocol, 20 * SECOND_MS, Agent::SERVER);
        Self { things: 500, popular: true, from, ..poller }
    }

    /// B13: a program searches for free slots in all districts, five times a second.
    #[must_use]
    pub fn slots() -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(220) };
        let poller = Self::new(client, Route::Slots, SECOND_MS / 5, Agent::SCRIPT);
        Self { things: 700, jitter: 0.5, ..poller }
    }

    /// B14: a search engine's crawler goes through the public pages, one in two seconds.
    #[must_use]
    pub fn crawler() -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(230) };
        let poller = Self::new(client, Route::Slots, 2 * SECOND_MS, Agent::CRAWLER);
        Self { things: 700, jitter: 0.5, ..poller }
    }

    /// Its requests from `start` on; `number` tells it from the portal's other ones.
    pub(super) fn requests(self, people: People, seed: u64, number: u64, start: Moment) -> Source {
        let mut random = Random::of(seed, 0x9011, number);
        let places = Permutation::new(random.bits(), people.register(self.route).size);
        let at = start.max(self.from).plus(whole(random.unit() * self.every_ms as f64));
        Box::new(Polling { poller: self, people, random, places, at, made: 0 })
    }
}

struct Polling {
    poller: Poller,
    people: People,
    random: Random,
    places: Permutation,
    at: Moment,
    made: u64,
}

impl Iterator for Polling {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let Poller { client, route, agent, .. } = self.poller;
        let place = self.made % self.poller.things.max(1);
        let ordinal = if self.poller.popular {
            self.people.popular(route, place)
        } else {
            self.places.at(place)
        };
        self.made += 1;
        let (status, bytes) = Answer::Found.shown(&mut self.random);
        let (at, subject) = (self.at, self.people.register(route).id(ordinal));
        let factor = 1.0 + self.poller.jitter * (2.0 * self.random.unit() - 1.0);
        self.at = at.plus(whole(self.poller.every_ms as f64 * factor).max(1));
        let records = Answer::Found.records();
        Some(Request { at, client, route, subject, status, bytes, records, agent, label: 0 })
    }
}
