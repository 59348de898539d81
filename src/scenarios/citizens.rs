//! Citizens: a one-time pass, then the records of their own family, over and over.

use super::crowd::{Crowd, Visit};
use super::id::Id;
use super::merge::Source;
use super::people::People;
use super::random::{Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Request, Route, Who, address};
use super::season::Season;
use crate::time::{Moment, SECOND_MS};

/// Requests for a record, on average.
const READS_A_RECORD: f64 = 2.0;
/// Seconds between two requests, on average, beside one.
const PAUSE_SECONDS: f64 = 18.0;
/// The share of requests that the portal fails to answer.
const FAILURES: f64 = 0.003;
/// Districts that slots are searched in.
const DISTRICTS: u64 = 700;

/// The citizens of a portal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Citizens {
    /// Sessions a day.
    pub per_day: f64,
    /// Carrier addresses that share citizens.
    pub nats: u64,
    /// The share of citizens behind them.
    pub nat_share: f64,
    /// The share of look-ups with a mistyped id.
    pub misses: f64,
    /// Whether the requests around a look-up are made too: passes, searches for free slots.
    pub chatter: bool,
}

impl Default for Citizens {
    fn default() -> Self {
        Self { per_day: 20_000.0, nats: 20, nat_share: 0.3, misses: 0.003, chatter: true }
    }
}

impl Citizens {
    /// Their requests from `start` on. `part` tells one crowd of a portal from another.
    pub(super) fn requests(self, people: People, seed: u64, part: u64, start: Moment) -> Source {
        let open = move |at, number| {
            let random = Random::of(seed, mix(part), number);
            Session::new(&self, people, random, at)
        };
        let random = Random::of(seed, part, 0);
        Box::new(Crowd::new(random, Season::Citizens, self.per_day, start, open))
    }

    /// The address of a family.
    fn address(&self, family: u64) -> std::net::Ipv4Addr {
        if self.nats > 0 && coin(0x6e61_7473, family, self.nat_share) {
            address::nat(mix(family) % self.nats)
        } else {
            address::citizen(mix(family))
        }
    }
}

/// A citizen's session.
pub(super) struct Session {
    random: Random,
    people: People,
    at: Moment,
    client: Client,
    family: u64,
    members: u64,
    /// Requests so far, before the first record, and in all.
    made: u64,
    chatter: u64,
    total: u64,
    misses: f64,
}

impl Session {
    fn new(citizens: &Citizens, people: People, mut random: Random, at: Moment) -> Self {
        let family = random.below(people.families());
        let members = People::family_size(&mut random);
        let reads = (0..members).map(|_| random.geometric(READS_A_RECORD)).sum::<u64>();
        let chatter = if citizens.chatter { 2 + random.poisson(1.5) } else { 0 };
        let client = Client { who: Who::Session(random.bits()), address: citizens.address(family) };
        let (total, misses) = (chatter + reads, citizens.misses);
        Self { random, people, at, client, family, members, made: 0, chatter, total, misses }
    }

    /// A citizen who asks for the same four records, this often in all.
    pub(super) fn anxious(people: People, mut random: Random, at: Moment, reads: u64) -> Self {
        let family = random.below(people.families());
        let client =
            Client { who: Who::Session(random.bits()), address: address::citizen(mix(family)) };
        let (made, chatter, total) = (0, 2, reads + 2);
        Self { random, people, at, client, family, members: 4, made, chatter, total, misses: 0.0 }
    }

    /// Route, subject and answer of the next request.
    fn look(&mut self) -> (Route, Id, Answer) {
        let made = self.made;
        self.made += 1;
        let answer = if self.random.chance(FAILURES) { Answer::Failed } else { Answer::Found };
        if made < self.chatter {
            return match made {
                0 => (Route::Pass, Id::NONE, answer),
                1 => (Route::PassCheck, Id::NONE, answer),
                _ => (Route::Slots, Id::number(1 + self.random.below(DISTRICTS)), answer),
            };
        }
        let route = Route::Beneficiary;
        if self.random.chance(self.misses) {
            let nobody = self.people.nobody(&mut self.random);
            return (route, self.people.id_on(route, nobody), Answer::Missing);
        }
        // Everybody once, then whoever comes to mind.
        let read = made - self.chatter;
        let member = if read < self.members { read } else { self.random.below(self.members) };
        (route, self.people.id_on(route, self.people.member(self.family, member)), answer)
    }
}

impl Visit for Session {
    fn due(&self) -> Moment {
        self.at
    }

    fn step(&mut self) -> (Request, bool) {
        let (route, subject, answer) = self.look();
        let (status, bytes) = answer.shown(&mut self.random);
        let agent = Agent::browser(self.family);
        let (at, client) = (self.at, self.client);
        let request = Request { at, client, route, subject, status, bytes, agent, label: 0 };
        let pause = SECOND_MS as f64 * (1.0 + self.random.exponential(PAUSE_SECONDS));
        self.at = at.plus(whole(pause));
        (request, self.made < self.total)
    }
}

impl Iterator for Session {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        (self.made < self.total).then(|| self.step().0)
    }
}
