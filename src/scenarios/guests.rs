//! Guests: people without a login who look at a thing or two of one route and leave.
//!
//! What visitors are to the register of protocols, for any other route: reports, the screening
//! form, free slots. Some of what they look at is what everybody looks at.

use super::crowd::{Crowd, Visit};
use super::merge::Source;
use super::people::People;
use super::random::{Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{Moment, SECOND_MS};

/// Seconds between two requests, on average, beside one.
const PAUSE_SECONDS: f64 = 12.0;
/// Carrier addresses that share guests.
const NATS: u64 = 20;

/// The guests of one route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guests {
    /// What they look at.
    pub route: Route,
    /// Visits a day.
    pub per_day: f64,
    /// Things a visit, on average.
    pub things: f64,
    /// The share of ids that are mistyped.
    pub misses: f64,
    /// The share of what they look at that is popular.
    pub popular: f64,
    /// How many things are popular.
    pub pool: u64,
    /// The share of guests behind carriers' addresses.
    pub nat_share: f64,
}

impl Guests {
    /// Guests who look at 1.5 things, one in fifty mistyped, none of them more popular than others.
    #[must_use]
    pub const fn new(route: Route, per_day: f64) -> Self {
        let (things, misses, nat_share) = (1.5, 0.02, 0.3);
        Self { route, per_day, things, misses, popular: 0.0, pool: 500, nat_share }
    }

    /// Their requests from `start` on; `number` tells guests of a portal from others.
    pub(super) fn requests(self, people: People, seed: u64, number: u64, start: Moment) -> Source {
        let of = mix(seed ^ mix(number ^ 0x6775));
        let open = move |at, visit| {
            let mut random = Random::of(of, 0x6776, visit);
            let bits = random.bits();
            let is_behind = coin(0x6e61_7473, bits, self.nat_share);
            let address =
                if is_behind { address::nat(bits % NATS) } else { address::citizen(bits) };
            let client = Client { who: Who::Nobody, address };
            let left = random.geometric(self.things);
            Guest { guests: self, people, random, at, client, left }
        };
        let random = Random::of(of, 0x6777, 0);
        Box::new(Crowd::new(random, Season::Citizens, self.per_day, start, open))
    }
}

/// One visit.
struct Guest {
    guests: Guests,
    people: People,
    random: Random,
    at: Moment,
    client: Client,
    /// Things left to look at.
    left: u64,
}

impl Visit for Guest {
    fn due(&self) -> Moment {
        self.at
    }

    fn step(&mut self) -> (Request, bool) {
        let route = self.guests.route;
        let register = self.people.register(route);
        let is_missed = self.random.chance(self.guests.misses);
        let is_popular = !is_missed && self.random.chance(self.guests.popular);
        let ordinal = match (is_missed, is_popular) {
            (true, _) => register.size + self.random.below(register.size),
            (_, true) => self.people.popular(route, self.random.below(self.guests.pool)),
            _ => self.random.below(register.size),
        };
        let answer = if is_missed { Answer::Missing } else { Answer::Found };
        let (status, bytes) = answer.shown(&mut self.random);
        let records = answer.records();
        let agent = Agent::browser(u64::from(u32::from(self.client.address)));
        let (at, client, subject) = (self.at, self.client, register.id(ordinal));
        let request =
            Request { at, client, route, subject, status, bytes, records, agent, label: 0 };
        let pause = SECOND_MS as f64 * (1.0 + self.random.exponential(PAUSE_SECONDS));
        self.at = at.plus(whole(pause));
        self.left = self.left.saturating_sub(1);
        (request, self.left > 0)
    }
}
