//! Visitors of the public register: people who look up a protocol of their own, and a few regulars
//! (lawyers, insurers) who do so every day. Nobody logs in.

use super::crowd::{Crowd, Visit};
use super::merge::Source;
use super::mixture::Mixture;
use super::people::People;
use super::random::{Random, mix, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{Moment, SECOND_MS};

/// Seconds between two requests, on average, beside one.
const PAUSE_SECONDS: f64 = 12.0;
/// Protocols a visit, on average.
const PROTOCOLS: f64 = 1.3;

/// Visitors of the register of protocols.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visitors {
    /// Visits a day, nearly each from an address of its own.
    pub per_day: f64,
    /// Addresses that come every working day.
    pub regulars: u32,
    /// Protocols that a regular looks up a day, on average.
    pub regulars_per_day: f64,
    /// The share of protocols whose photo or vehicle is looked at too.
    pub parts: f64,
    /// The share of numbers that are mistyped.
    pub misses: f64,
}

impl Default for Visitors {
    fn default() -> Self {
        Self { per_day: 3_000.0, regulars: 20, regulars_per_day: 10.0, parts: 0.3, misses: 0.03 }
    }
}

impl Visitors {
    /// Their requests from `start` on.
    pub(super) fn requests(self, people: People, seed: u64, start: Moment) -> Vec<Source> {
        let open = move |at, number| {
            let mut random = Random::of(seed, 0x7157, number);
            let address = address::citizen(random.bits());
            let protocols = random.geometric(PROTOCOLS);
            let client = Client { who: Who::Nobody, address };
            Visitor { visitors: self, people, random, at, client, protocols, last: None }
        };
        let random = Random::of(seed, 0x7158, 0);
        let mut sources: Vec<Source> =
            vec![Box::new(Crowd::new(random, Season::Citizens, self.per_day, start, open))];
        if self.regulars > 0 {
            let mixture = Mixture {
                per_day: self.regulars_per_day,
                misses: self.misses,
                season: Season::Office,
                ..Mixture::new(Route::Protocol, self.regulars)
            };
            sources.push(mixture.requests(people, mix(seed), start));
        }
        sources
    }
}

/// One visit.
struct Visitor {
    visitors: Visitors,
    people: People,
    random: Random,
    at: Moment,
    client: Client,
    /// Protocols left.
    protocols: u64,
    /// The protocol just read, where a part of it follows.
    last: Option<u64>,
}

impl Visit for Visitor {
    fn due(&self) -> Moment {
        self.at
    }

    fn step(&mut self) -> (Request, bool) {
        let size = self.people.protocols.size;
        let (route, number, answer) = if let Some(number) = self.last.take() {
            let route = if self.random.chance(0.7) { Route::Photo } else { Route::Vehicle };
            (route, number, Answer::Found)
        } else {
            self.protocols -= 1;
            let missed = self.random.chance(self.visitors.misses);
            let number = self.random.below(size) + if missed { size } else { 0 };
            let with_part = !missed && self.random.chance(self.visitors.parts);
            self.last = with_part.then_some(number);
            (Route::Protocol, number, if missed { Answer::Missing } else { Answer::Found })
        };
        let (status, bytes) = answer.shown(&mut self.random);
        let records = answer.records();
        let (at, client, subject) = (self.at, self.client, self.people.protocols.id(number));
        let agent = Agent::browser(u64::from(u32::from(client.address)));
        let request =
            Request { at, client, route, subject, status, bytes, records, agent, label: 0 };
        let pause = SECOND_MS as f64 * (1.0 + self.random.exponential(PAUSE_SECONDS));
        self.at = at.plus(whole(pause));
        (request, self.protocols > 0 || self.last.is_some())
    }
}
