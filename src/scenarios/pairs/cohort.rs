//! The days of a cohort: who does what when.

use super::super::random::{Random, mix, whole};
use super::super::request::{Agent, Answer, Client, Request, Who, address};
use super::super::route::Route;
use super::client::Honest;
use super::{Kind, SESSIONS};
use crate::attribute::KeyKind;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// The hours of a day in which clients work: from, and for so long.
const FIRST_HOUR: i64 = 8;
const WORK_MS: u64 = 10 * 3_600_000;
/// Colleagues at one address.
const OFFICE: u32 = 5;
/// Seconds from a look-up to its act, beside twenty, and between the look-ups of a session.
const ACT_SECONDS: f64 = 150.0;
const PAUSE_SECONDS: f64 = 15.0;

/// The clients of a cohort.
pub(super) struct Clients {
    kind: Kind,
    seed: u64,
    count: u32,
    level: f64,
    random: Random,
    /// Those that come back; sessions are new each time.
    clients: Vec<Honest>,
}

impl Clients {
    pub(super) fn new(kind: Kind, seed: u64, count: u32, level: f64) -> Self {
        let own = |number| Honest::new(&kind, Random::of(seed, 0x7061, u64::from(number)), count);
        let comes_back = if kind.is_session() { 0 } else { count };
        let clients = (0..comes_back).map(own).collect();
        Self { kind, seed, count, level, random: Random::of(seed, 0x6461, 0), clients }
    }

    /// Everybody's requests of the day that begins at `day`, in time order; acts may fall into the
    /// next one.
    pub(super) fn day(&mut self, day: Moment, out: &mut Vec<Request>) {
        if self.kind.is_session() {
            self.sessions(day, out);
        } else {
            self.returning(day, out);
        }
        out.sort_by_key(|it| it.at);
    }

    fn returning(&mut self, day: Moment, out: &mut Vec<Request>) {
        let Self { kind, level, clients, .. } = self;
        let mut times = Vec::new();
        for (number, honest) in (0_u32..).zip(clients) {
            let count = honest.random.negative_binomial(*level, kind.k);
            times.clear();
            times.extend((0..count).map(|_| time_of(day, &mut honest.random)));
            times.sort_unstable();
            let client = client(kind, number);
            times.iter().for_each(|at| looked(kind, honest, client, *at, out));
        }
    }

    fn sessions(&mut self, day: Moment, out: &mut Vec<Request>) {
        for _ in 0..self.count.saturating_mul(SESSIONS) {
            let token = self.random.bits();
            let mut honest = Honest::new(&self.kind, Random::of(self.seed, 0x7365, token), 0);
            let client = Client { who: Who::Session(token), address: address::citizen(mix(token)) };
            let mut at = time_of(day, &mut honest.random);
            let (status, bytes) = Answer::Found.shown(&mut honest.random);
            let (agent, subject) = (Agent::browser(token), honest.look().subject);
            let route = Route::PassCheck;
            out.push(Request {
                at,
                client,
                route,
                subject,
                status,
                bytes,
                records: 0,
                agent,
                label: 0,
            });
            let count = 1 + honest.random.negative_binomial(self.level - 1.0, self.kind.k);
            for _ in 0..count {
                let pause = 1.0 + honest.random.exponential(PAUSE_SECONDS);
                at = at.plus(whole(pause * SECOND_MS as f64));
                looked(&self.kind, &mut honest, client, at, out);
            }
        }
    }
}

fn time_of(day: Moment, random: &mut Random) -> Moment {
    let within = i64::try_from(random.below(WORK_MS)).unwrap_or(0);
    day.plus(FIRST_HOUR * HOUR_MS + within)
}

fn client(kind: &Kind, number: u32) -> Client {
    if kind.key == KeyKind::Address {
        return Client { who: Who::Nobody, address: address::citizen(u64::from(number)) };
    }
    Client { who: Who::Staff(number), address: address::office(u64::from(number / OFFICE)) }
}

/// Adds a look-up, and the act behind it.
fn looked(kind: &Kind, honest: &mut Honest, client: Client, at: Moment, out: &mut Vec<Request>) {
    let look = honest.look();
    let answer = if look.missed { Answer::Missing } else { Answer::Found };
    let (status, bytes) = answer.shown(&mut honest.random);
    let (subject, records) = (look.subject, answer.records());
    let agent = Agent::browser(0);
    let request =
        Request { at, client, route: kind.route, subject, status, bytes, records, agent, label: 0 };
    out.push(request);
    if look.acts && kind.key == KeyKind::Staff {
        let wait = 20.0 + honest.random.exponential(ACT_SECONDS);
        let (status, bytes) = Answer::Done.shown(&mut honest.random);
        let at = at.plus(whole(wait * SECOND_MS as f64).min(DAY_MS / 4));
        out.push(Request { at, route: Route::Vaccination, status, bytes, records: 0, ..request });
    }
}
