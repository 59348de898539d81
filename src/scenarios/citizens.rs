//! Citizens: a one-time pass, then the records of their own family, over and over.

use super::crowd::{Crowd, Visit};
use super::id::Id;
use super::merge::Source;
use super::people::{DISTRICTS, People};
use super::random::{Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{Moment, SECOND_MS};

/// Requests for a record, on average.
const READS_A_RECORD: f64 = 2.0;
/// Seconds between two requests, on average, beside one.
const PAUSE_SECONDS: f64 = 18.0;
/// The share of requests that the portal fails to answer.
const FAILURES: f64 = 0.003;

/// The citizens of a portal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Citizens {
    /// Sessions a day.
    pub per_day: f64,
    /// Carrier addresses that share citizens.
    pub nats: u64,
    /// The number of the first of them.
    pub nat_first: u64,
    /// The share of citizens behind them.
    pub nat_share: f64,
    /// The share of look-ups with a mistyped id.
    pub misses: f64,
    /// Whether the requests around a look-up are made too: passes, searches for free slots.
    pub chatter: bool,
    /// Whether the log has the mobile number that a pass is for. It makes no request differ but
    /// the passes.
    pub passes: bool,
}

impl Default for Citizens {
    fn default() -> Self {
        let (nats, nat_first, nat_share) = (20, 0, 0.3);
        let (per_day, misses, chatter, passes) = (20_000.0, 0.003, true, false);
        Self { per_day, nats, nat_first, nat_share, misses, chatter, passes }
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
            address::nat(self.nat_first + mix(family) % self.nats)
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
    passes: bool,
}

impl Session {
    fn new(citizens: &Citizens, people: People, mut random: Random, at: Moment) -> Self {
        let family = random.below(people.families());
        let members = People::family_size(&mut random);
        let reads = (0..members).map(|_| random.geometric(READS_A_RECORD)).sum::<u64>();
        let chatter = if citizens.chatter { 2 + random.poisson(1.5) } else { 0 };
        let client = Client { who: Who::Session(random.bits()), address: citizens.address(family) };
        let (total, made) = (chatter + reads, 0);
        let Citizens { misses, passes, .. } = *citizens;
        Self { random, people, at, client, family, members, made, chatter, total, misses, passes }
    }

    /// A citizen who asks for the same four records, this often in all.
    pub(super) fn anxious(people: People, mut random: Random, at: Moment, reads: u64) -> Self {
        let family = random.below(people.families());
        let client =
            Client { who: Who::Session(random.bits()), address: address::citizen(mix(family)) };
        let (made, chatter, total) = (0, 2, reads + 2);
        let (members, misses, passes) = (4, 0.0, false);
        Self { random, people, at, client, family, members, made, chatter, total, misses, passes }
    }

    /// The mobile number that a pass is for, where the log has it: the first member's.
    fn mobile(&self, route: Route) -> Id {
        let member = || self.people.id_on(route, self.people.member(self.family, 0));
        if self.passes { member() } else { Id::NONE }
    }

    /// Route, subject and answer of the next request.
    fn look(&mut self) -> (Route, Id, Answer) {
        let made = self.made;
        self.made += 1;
        let answer = if self.random.chance(FAILURES) { Answer::Failed } else { Answer::Found };
        if made < self.chatter {
            return match made {
                0 => (Route::Pass, self.mobile(Route::Pass), answer),
                1 => (Route::PassCheck, self.mobile(Route::PassCheck), answer),
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
        let records = answer.records();
        let agent = Agent::browser(self.family);
        let (at, client) = (self.at, self.client);
        let request =
            Request { at, client, route, subject, status, bytes, records, agent, label: 0 };
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
