//! Nine published fixed rules, to be run on the very traffic that darban is measured with.
//!
//! Each is written down as its publication has it, with its own numbers and its own key: nothing
//! was tuned, and where a publication leaves something open the choice favours the rule and its
//! documentation says so. A rule that runs every few minutes over the last ones is asked at every
//! request instead, so it finds nothing later than it would.
//!
//! A rule that calls for a key whose honest owner makes it call anyway has found nothing: whoever
//! reads it has long stopped. So alarms are kept by day and by who caused them, and
//! [`Rulebook::verdict`] tells finding from noise.

mod errors;
mod leaky;
mod limits;

use super::id::Id;
use super::request::{Client, Request};
use super::route::Route;
use crate::time::{DAY_MS, HOUR_MS, Moment};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// How many rules there are.
pub const RULES: usize = 9;

/// What a rule counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    /// The address that a request comes from.
    Address(Ipv4Addr),
    /// One address on one route.
    AddressOn(Ipv4Addr, Route),
    /// Whoever is logged in, else the address.
    Client(Client),
}

impl Key {
    /// Whether it is this client's, or one that it shares.
    fn is_of(self, client: &Client) -> bool {
        match self {
            Self::Address(address) | Self::AddressOn(address, _) => address == client.address,
            Self::Client(it) => it.is_same(client),
        }
    }

    /// The key of a request's client, whichever address it uses.
    fn client(request: &Request) -> Self {
        Self::Client(request.client.known_as())
    }
}

/// A rule as a table lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// A few words.
    pub name: &'static str,
    /// What it says, in one line.
    pub says: &'static str,
    /// Where it is published.
    pub source: &'static str,
}

/// The rules, in the order of every table.
#[must_use]
pub const fn published() -> &'static [Published; RULES] {
    &[
        leaky::CRAWL,
        leaky::PROBING,
        errors::FUZZING,
        errors::WAZUH,
        errors::DATADOG,
        limits::WALLARM,
        limits::SIX_MINUTES,
        limits::COWIN_15_MINUTES,
        limits::COWIN_DAY,
    ]
}

/// What a rule came to in a harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It never called because of it.
    Silent,
    /// It called because of it at this time, and not for the same key before.
    Found(Moment),
    /// It calls for that key, whoever uses it.
    Noise,
}

/// All rules, with their counters.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    leaky: leaky::Counters,
    errors: errors::Counters,
    limits: limits::Counters,
    /// When keys were last forgotten of which nothing counts any more.
    hour: i64,
    /// Rules, keys and days of alarms that honest requests set off.
    honest: BTreeSet<(usize, Key, i64)>,
    /// The first alarm of each rule that a harvest's request set off, by key.
    harvest: BTreeMap<(usize, Key), Moment>,
}

impl Rulebook {
    /// Takes the next request, in time order.
    pub fn feed(&mut self, request: &Request) {
        let hour = request.at.index(HOUR_MS);
        if hour > self.hour {
            self.hour = hour;
            self.leaky.forget(request.at);
            self.errors.forget(request.at);
            self.limits.forget(request.at);
        }
        let fired = [
            self.leaky.crawl(request),
            self.leaky.probing(request),
            self.errors.fuzzing(request),
            self.errors.wazuh(request),
            self.errors.datadog(request),
            self.limits.wallarm(request),
            self.limits.six_minutes(request),
            self.limits.cowin_15_minutes(request),
            self.limits.cowin_day(request),
        ];
        for (rule, key) in fired.into_iter().enumerate() {
            let Some(key) = key else { continue };
            if request.label == 0 {
                self.honest.insert((rule, key, request.at.index(DAY_MS)));
            } else {
                self.harvest.entry((rule, key)).or_insert(request.at);
            }
        }
    }

    /// What a rule came to in a harvest by these clients: the first key for which it called, and
    /// had not called in the harvest's time or the day before because of somebody honest.
    #[must_use]
    pub fn verdict(&self, rule: usize, clients: &[Client], start: Moment) -> Verdict {
        let own = |key: &Key| clients.iter().any(|it| key.is_of(it));
        let called = self.harvest.iter().filter(|((it, key), _)| *it == rule && own(key));
        let mut first = None;
        let mut is_noise = false;
        for ((_, key), at) in called {
            let days = start.index(DAY_MS) - 1..=at.index(DAY_MS);
            let known = days.into_iter().any(|day| self.honest.contains(&(rule, *key, day)));
            if known {
                is_noise = true;
            } else {
                first = Some(first.map_or(*at, |it: Moment| it.min(*at)));
            }
        }
        match first {
            Some(at) => Verdict::Found(at),
            None if is_noise => Verdict::Noise,
            None => Verdict::Silent,
        }
    }

    /// Whether every rule has called because of a harvest: then nothing later changes a verdict.
    #[must_use]
    pub fn all_called(&self) -> bool {
        let called: BTreeSet<usize> = self.harvest.keys().map(|it| it.0).collect();
        called.len() == RULES
    }

    /// Keys that honest requests made a rule call for, each once a day on which it did.
    #[must_use]
    pub fn false_alarms(&self, rule: usize) -> u64 {
        self.honest.iter().filter(|it| it.0 == rule).count() as u64
    }

    /// The same as numbers by rule, and nothing remembered of them.
    pub fn take_false_alarms(&mut self) -> [u64; RULES] {
        let counts = std::array::from_fn(|rule| self.false_alarms(rule));
        self.honest.clear();
        counts
    }
}

/// What a request asks for, as a path and query tell it apart from others.
const fn target(request: &Request) -> (Route, Id) {
    (request.route, request.subject)
}

/// Whether it looks somebody or something up: neither a write, nor a check of a pass or of health.
const fn looks_up(request: &Request) -> bool {
    !request.route.is_write()
        && !matches!(request.route, Route::Health | Route::Pass | Route::PassCheck)
}

/// Whether it is a GET.
fn is_get(request: &Request) -> bool {
    request.route.method() == "GET"
}

/// A request of a client on a route at a second, for the tests of rules.
#[cfg(test)]
fn request_at(second: i64, who: super::Who, route: Route, number: u64, status: u16) -> Request {
    use super::request::Agent;
    Request {
        at: Moment(second * crate::time::SECOND_MS),
        client: Client { who, address: Ipv4Addr::new(198, 51, 100, 7) },
        route,
        subject: Id::number(number),
        status,
        bytes: 0,
        records: 1,
        agent: Agent::SCRIPT,
        label: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Who;
    use super::*;

    fn walk(label: u16, from: i64, to: i64) -> impl Iterator<Item = Request> {
        (from..to).map(move |second| {
            let number = u64::try_from(second).unwrap();
            Request { label, ..request_at(second, Who::Partner(1), Route::Person, number, 200) }
        })
    }

    #[test]
    fn a_rule_that_calls_for_the_honest_owner_of_a_key_finds_no_thief_with_it() {
        let clients = [request_at(0, Who::Partner(1), Route::Person, 0, 200).client];
        let start = Moment(100_000);
        let mut alone = Rulebook::default();
        walk(1, 100, 200).for_each(|it| alone.feed(&it));
        assert!(matches!(alone.verdict(7, &clients, start), Verdict::Found(_)));
        assert_eq!(alone.take_false_alarms()[7], 0);
        let mut beside = Rulebook::default();
        walk(0, 0, 100).for_each(|it| beside.feed(&it));
        walk(1, 100, 200).for_each(|it| beside.feed(&it));
        assert_eq!(beside.verdict(7, &clients, start), Verdict::Noise);
        assert_eq!(beside.take_false_alarms()[7], 1);
    }

    #[test]
    fn what_is_forgotten_hourly_does_not_count_any_more() {
        let mut rules = Rulebook::default();
        let look_up = |it: i64| {
            let number = it.unsigned_abs();
            let who = Who::Staff(3);
            Request { label: 1, ..request_at(it * 80, who, Route::Beneficiary, number, 200) }
        };
        // A thousand and one in 22 hours, none of them close to the next.
        (0..1_001).map(look_up).for_each(|it| rules.feed(&it));
        let clients = [look_up(0).client];
        let called: Vec<bool> = (0..RULES)
            .map(|it| rules.verdict(it, &clients, Moment(0)) != Verdict::Silent)
            .collect();
        assert_eq!(called, [false, false, false, false, false, false, false, false, true]);
    }

    #[test]
    fn an_alarm_for_somebody_else_is_no_finding() {
        let mut rules = Rulebook::default();
        walk(1, 0, 200).for_each(|it| rules.feed(&it));
        let somebody = Client { who: Who::Staff(9), address: Ipv4Addr::new(198, 51, 100, 8) };
        assert!((0..RULES).all(|it| rules.verdict(it, &[somebody], Moment(0)) == Verdict::Silent));
    }

    #[test]
    fn every_rule_says_where_it_is_published() {
        for rule in published() {
            assert!(!rule.name.is_empty() && !rule.says.is_empty() && !rule.source.is_empty());
        }
    }
}
