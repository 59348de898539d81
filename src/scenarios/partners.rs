//! Partner organisations: servers that look up their own customers, steadily, and by the hundred
//! thousand at night.

use super::id::{MOBILES, Register};
use super::merge::Source;
use super::random::{Permutation, Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// Where the customers of the first partner begin among all mobile numbers, and how far apart
/// those of different partners lie at least.
const CUSTOMERS_FIRST: u64 = 100_000_000;
/// Numbers that belong to one partner's customers and those around them.
const CUSTOMERS_SPAN: u64 = MOBILES / 64;
/// For rates a second where a season takes them a day.
const SECONDS_A_DAY: f64 = 86_400.0;

/// In which order a batch goes through the customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOrder {
    /// As a hash table would.
    Random,
    /// By their numbers.
    Sorted,
}

/// A partner's nightly reconciliation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nightly {
    /// The hour at which it begins.
    pub hour: i64,
    /// How long it takes.
    pub hours: f64,
    /// Look-ups a second.
    pub per_second: f64,
    /// In which order.
    pub order: BatchOrder,
}

impl Nightly {
    /// 40 look-ups a second for two hours from one o'clock on.
    #[must_use]
    pub const fn usual(order: BatchOrder) -> Self {
        Self { hour: 1, hours: 2.0, per_second: 40.0, order }
    }
}

/// A partner organisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner {
    /// Look-ups a second by day and night, each of any customer.
    pub per_second: f64,
    /// The share of look-ups that find somebody.
    pub hits: f64,
    /// Fixed addresses that it uses in turn.
    pub addresses: u64,
    /// How many customers it has.
    pub customers: u64,
    /// Numbers from one customer to the next, on average: 1 for a block without gaps.
    pub spread: u64,
    /// Its reconciliation.
    pub nightly: Option<Nightly>,
}

impl Default for Partner {
    fn default() -> Self {
        let (addresses, customers, spread) = (2, 1_000_000, 40);
        Self { per_second: 0.2, hits: 0.95, addresses, customers, spread, nightly: None }
    }
}

impl Partner {
    /// Ten look-ups a second, as in scenario S4.
    #[must_use]
    pub fn busy() -> Self {
        Self { per_second: 10.0, ..Self::default() }
    }

    /// Its requests from `start` on; `number` counts partners from 1.
    pub(super) fn requests(self, seed: u64, number: u16, start: Moment) -> Vec<Source> {
        let random = |part: u64| Random::of(seed, 0x9a27 + part, u64::from(number));
        let customers = Customers { partner: self, number, served: 0 };
        let mut sources: Vec<Source> = Vec::new();
        if self.per_second > 0.0 {
            sources.push(Box::new(Steady { customers, random: random(0), at: start }));
        }
        if let Some(nightly) = self.nightly {
            let first = Moment(start.index(DAY_MS) * DAY_MS).plus(nightly.hour * HOUR_MS);
            let begin = if first < start { first.plus(DAY_MS) } else { first };
            let (random, order) = (random(1), Permutation::new(0, 1));
            let mut batch =
                Reconciliation { customers, random, nightly, begin, at: begin, place: 0, order };
            batch.begin_night(begin);
            sources.push(Box::new(batch));
        }
        sources
    }

    /// The client that this partner is, at one of its addresses.
    pub(super) fn client(&self, number: u16, turn: u64) -> Client {
        let first = u64::from(number) * 2;
        let address = address::partner(first + turn % self.addresses.max(1));
        Client { who: Who::Partner(number), address }
    }
}

/// A partner's customers and its look-ups of them.
#[derive(Clone, Copy)]
struct Customers {
    partner: Partner,
    number: u16,
    served: u64,
}

impl Customers {
    /// The look-up of a customer, or of somebody who is none any more.
    fn request(&mut self, at: Moment, customer: u64, random: &mut Random) -> Request {
        let partner = &self.partner;
        let first = CUSTOMERS_FIRST + u64::from(self.number % 60) * CUSTOMERS_SPAN;
        let within = mix(customer ^ u64::from(self.number)) % partner.spread.max(1);
        let subject = Register::mobiles().id(first + customer * partner.spread.max(1) + within);
        // Who has left is the same whenever they are looked up.
        let is_customer = coin(0x6c65_6674, subject.number, partner.hits);
        let answer = if is_customer { Answer::Found } else { Answer::Missing };
        let (status, bytes) = answer.shown(random);
        let records = answer.records();
        self.served += 1;
        let client = partner.client(self.number, self.served);
        let (route, agent) = (Route::Person, Agent::SERVER);
        Request { at, client, route, subject, status, bytes, records, agent, label: 0 }
    }
}

/// Look-ups of any customer, one after the other.
struct Steady {
    customers: Customers,
    random: Random,
    at: Moment,
}

impl Iterator for Steady {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let partner = self.customers.partner;
        self.at = Season::Flat.next(self.at, partner.per_second * SECONDS_A_DAY, &mut self.random);
        let customer = self.random.below(partner.customers);
        Some(self.customers.request(self.at, customer, &mut self.random))
    }
}

/// A batch every night.
struct Reconciliation {
    customers: Customers,
    random: Random,
    nightly: Nightly,
    /// When this night's batch begins, and its next look-up.
    begin: Moment,
    at: Moment,
    /// How far it is through the customers, and in which order.
    place: u64,
    order: Permutation,
}

impl Reconciliation {
    /// Begins a night's batch, in an order of its own.
    fn begin_night(&mut self, begin: Moment) {
        self.order = Permutation::new(self.random.bits(), self.customers.partner.customers);
        self.place = self.random.below(self.stride());
        (self.begin, self.at) = (begin, begin);
        self.pause();
    }

    fn pause(&mut self) {
        let gap_ms = self.random.exponential(SECOND_MS as f64 / self.nightly.per_second);
        self.at = self.at.plus(whole(gap_ms));
    }

    /// Customers a look-up: more than 1 where only some of them changed since last night.
    fn stride(&self) -> u64 {
        let looks = self.nightly.per_second * self.nightly.hours * 3_600.0;
        let stride = self.customers.partner.customers as f64 / looks.max(1.0);
        u64::try_from(whole(stride)).unwrap_or(1).max(1)
    }

    fn is_over(&self) -> bool {
        let end = self.begin.plus(whole(self.nightly.hours * HOUR_MS as f64));
        self.at >= end || self.place >= self.customers.partner.customers
    }
}

impl Iterator for Reconciliation {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.is_over() {
            self.begin_night(self.begin.plus(DAY_MS));
        }
        let customer = match self.nightly.order {
            BatchOrder::Random => self.order.at(self.place),
            BatchOrder::Sorted => self.place,
        };
        self.place += self.random.geometric(self.stride() as f64);
        let request = self.customers.request(self.at, customer, &mut self.random);
        self.pause();
        Some(request)
    }
}
