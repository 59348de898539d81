//! Harvests: who reads what in which order, how fast, with how many misses.
//!
//! Every harvest is one point in the same few dimensions (clients, route, order, pace, hits), so
//! the published shapes are constructors here and their variations are changed fields: no
//! scenario has code of its own that a method could be tuned to.

use super::merge::Source;
use super::portal::Portal;
use super::random::{Permutation, Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Label, Request, Route, Who, address};
use super::season::Season;
use super::{id::Register, people::People};
use crate::time::{Moment, SECOND_MS};

/// Milliseconds from a record to its parts.
const PART_MS: i64 = 120;
/// Where walks begin unless they are told: well inside every register.
const WALK_FIRST: u64 = 700_000;
/// Numbers that a prefix-ordered harvest takes at random before it moves to the next prefix.
const PREFIX_NUMBERS: u64 = 10_000;

/// In which order a harvest goes through the ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// One after the other.
    Serial {
        /// The first ordinal.
        first: u64,
        /// From one to the next.
        stride: u64,
    },
    /// Ascending with irregular gaps.
    Gaps {
        /// The first ordinal.
        first: u64,
        /// From one to the next, on average.
        mean: f64,
    },
    /// All of them in random order.
    Random,
    /// Prefix after prefix, at random within each.
    Prefixes {
        /// The first ordinal.
        first: u64,
        /// Numbers of a prefix.
        numbers: u64,
    },
}

/// How fast a harvest goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// At even intervals, each longer or shorter by up to the share `jitter`.
    Every {
        /// From one look-up to the next.
        ms: i64,
        /// 0 for a metronome.
        jitter: f64,
    },
    /// At independent times.
    Poisson {
        /// Look-ups a second.
        per_second: f64,
    },
    /// At independent times in the hours of a season.
    Daily {
        /// Look-ups a day.
        per_day: f64,
        /// In which hours.
        season: Season,
    },
}

/// How several clients share a harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One after the other.
    Turns,
    /// Whoever is free.
    Random,
}

/// One harvest.
#[derive(Clone, Debug, PartialEq)]
pub struct Harvest {
    /// Which scenario it is: `S3b`.
    pub scenario: &'static str,
    /// Who takes part.
    pub clients: Vec<Client>,
    /// How they share the work.
    pub sharing: Sharing,
    /// What they read.
    pub route: Route,
    /// In which order.
    pub order: Order,
    /// How fast, all of them together.
    pub pace: Pace,
    /// The share of ids that exist; which ones is the same for every harvest of a portal.
    pub hits: f64,
    /// Requests a record: 1, or up to 3 with a protocol's photo and vehicle.
    pub parts: u8,
    /// With which program.
    pub agent: Agent,
    /// When it begins.
    pub start: Moment,
    /// When it ends at the latest.
    pub end: Moment,
    /// How many ids it tries at most.
    pub attempts_max: u64,
}

impl Harvest {
    /// A harvest without hurry by one client in random order.
    #[must_use]
    pub fn new(scenario: &'static str, client: Client, route: Route, start: Moment) -> Self {
        Self {
            scenario,
            clients: vec![client],
            sharing: Sharing::Turns,
            route,
            order: Order::Random,
            pace: Pace::Every { ms: 20 * SECOND_MS, jitter: 0.5 },
            hits: 1.0,
            parts: 1,
            agent: Agent::SCRIPT,
            start,
            end: Moment(i64::MAX),
            attempts_max: u64::MAX,
        }
    }

    /// S3b: a stolen staff login tries mobile numbers day and night from a hosting address, one
    /// every 20 seconds, six in ten of them somebody's.
    #[must_use]
    pub fn s3b(login: u32, start: Moment) -> Self {
        let address = address::hosting(100 + u64::from(login));
        let client = Client { who: Who::Staff(login), address };
        Self { hits: 0.6, ..Self::new("S3b", client, Route::ByMobile, start) }
    }

    /// S3b with its mobile numbers prefix by prefix.
    #[must_use]
    pub fn s3b_by_prefix(login: u32, start: Moment) -> Self {
        let order = Order::Prefixes { first: WALK_FIRST, numbers: PREFIX_NUMBERS };
        Self { order, ..Self::s3b(login, start) }
    }

    /// S4: somebody with a partner's key, on the partner's own addresses, adds two look-ups a
    /// second of consecutive mobile numbers, of which 35 % are somebody's.
    #[must_use]
    pub fn s4(portal: &Portal, partner: u16, start: Moment) -> Self {
        let [first, second] = [0, 1].map(|turn| portal.partner(partner, turn));
        let clients = if first == second { vec![first] } else { vec![first, second] };
        Self {
            clients,
            sharing: Sharing::Random,
            order: Order::Serial { first: WALK_FIRST, stride: 1 },
            pace: Pace::Poisson { per_second: 2.0 },
            hits: 0.35,
            agent: Agent::SERVER,
            ..Self::new("S4", first, Route::Person, start)
        }
    }

    /// S4 in random order.
    #[must_use]
    pub fn s4_at_random(portal: &Portal, partner: u16, start: Moment) -> Self {
        Self { order: Order::Random, ..Self::s4(portal, partner, start) }
    }

    /// S5: the register in serial order from hosting addresses without a login, three requests a
    /// second in all, 85 % of the numbers given out, each record with its photo and vehicle.
    #[must_use]
    pub fn s5(addresses: u64, start: Moment) -> Self {
        let client = |number| Client { who: Who::Nobody, address: address::hosting(number) };
        Self {
            clients: (0..addresses).map(client).collect(),
            order: Order::Serial { first: WALK_FIRST, stride: 1 },
            pace: Pace::Poisson { per_second: 1.0 },
            hits: 0.85,
            parts: 3,
            ..Self::new("S5", client(0), Route::Protocol, start)
        }
    }

    /// S5 with the record alone, three a second.
    #[must_use]
    pub fn s5_records(addresses: u64, start: Moment) -> Self {
        Self { parts: 1, pace: Pace::Poisson { per_second: 3.0 }, ..Self::s5(addresses, start) }
    }

    /// S9: a member of staff, whose honest day goes on, adds strangers: with `per_day` look-ups
    /// more, 40 % of them after hours.
    #[must_use]
    pub fn s9(portal: &Portal, login: u32, per_day: f64, start: Moment) -> Self {
        Self {
            pace: Pace::Daily { per_day, season: Season::AfterHours(0.4) },
            agent: Agent::CLINIC,
            ..Self::new("S9", portal.staff(login), Route::Beneficiary, start)
        }
    }

    /// A citizen's session that reads people at random, one every two to five seconds, all of whom
    /// exist.
    #[must_use]
    pub fn reader(number: u64, start: Moment) -> Self {
        let who = Who::Session(mix(number ^ 0x7265_6164));
        let client = Client { who, address: address::hosting(300 + number) };
        let pace = Pace::Every { ms: 3_500, jitter: 0.43 };
        Self { pace, ..Self::new("reader", client, Route::Beneficiary, start) }
    }

    /// Its requests, in time order.
    pub(super) fn requests(&self, people: People, seed: u64, label: Label) -> Source {
        let register = match self.route {
            Route::ByMobile | Route::Person => Register::mobiles(),
            Route::Protocol | Route::Photo | Route::Vehicle => people.protocols,
            _ => people.beneficiaries,
        };
        let mut random = Random::of(seed, 0x4a27, u64::from(label));
        let bound = match self.order {
            Order::Prefixes { numbers, .. } => numbers,
            _ => register.size,
        };
        let permutation = Permutation::new(random.bits(), bound);
        let ordinal = match self.order {
            Order::Gaps { first, .. } => first,
            _ => 0,
        };
        let (harvest, at) = (self.clone(), self.start);
        let (due, client, attempts) = (self.start, self.clients.first().copied(), 0);
        let (parts_left, found) = (0, 0);
        Box::new(Running {
            harvest,
            register,
            seed,
            random,
            permutation,
            label,
            at,
            due,
            client,
            attempts,
            ordinal,
            parts_left,
            found,
        })
    }
}

/// A harvest under way.
struct Running {
    harvest: Harvest,
    register: Register,
    seed: u64,
    random: Random,
    permutation: Permutation,
    label: Label,
    /// The last request.
    at: Moment,
    /// When the next id is tried.
    due: Moment,
    client: Option<Client>,
    attempts: u64,
    /// The last ordinal of an ascending order.
    ordinal: u64,
    /// Parts of the record just found.
    parts_left: u8,
    found: u64,
}

impl Running {
    /// The next ordinal in the order.
    fn next_ordinal(&mut self) -> u64 {
        let index = self.attempts;
        match self.harvest.order {
            Order::Serial { first, stride } => first + index * stride,
            Order::Random => self.permutation.at(index),
            Order::Prefixes { first, numbers } => {
                first + index / numbers * numbers + self.permutation.at(index % numbers)
            }
            Order::Gaps { mean, .. } => {
                let gap = if index == 0 { 0 } else { self.random.geometric(mean) };
                self.ordinal += gap;
                self.ordinal
            }
        }
    }

    /// When the id after this one is tried.
    fn pace(&mut self) {
        self.due = match self.harvest.pace {
            Pace::Every { ms, jitter } => {
                let factor = 1.0 + jitter * (2.0 * self.random.unit() - 1.0);
                self.due.plus(whole(ms as f64 * factor))
            }
            Pace::Poisson { per_second } => {
                let wait_ms = self.random.exponential(SECOND_MS as f64 / per_second);
                self.due.plus(whole(wait_ms))
            }
            Pace::Daily { per_day, season } => season.next(self.due, per_day, &mut self.random),
        };
    }

    fn choose_client(&mut self) {
        let count = self.harvest.clients.len() as u64;
        let turn = match self.harvest.sharing {
            Sharing::Turns => self.attempts % count.max(1),
            Sharing::Random => self.random.below(count),
        };
        let turn = usize::try_from(turn).unwrap_or(0);
        self.client = self.harvest.clients.get(turn).copied();
    }

    fn request(&mut self, route: Route, answer: Answer) -> Option<Request> {
        let (status, bytes) = answer.shown(&mut self.random);
        Some(Request {
            at: self.at,
            client: self.client?,
            route,
            subject: self.register.id(self.found),
            status,
            bytes,
            agent: self.harvest.agent,
            label: self.label,
        })
    }
}

impl Iterator for Running {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.parts_left > 0 {
            self.parts_left -= 1;
            self.at = self.at.plus(PART_MS);
            let route = if self.parts_left == 0 { Route::Vehicle } else { Route::Photo };
            return self.request(route, Answer::Found);
        }
        let is_first = self.attempts == 0;
        let waits_first = matches!(self.harvest.pace, Pace::Daily { .. });
        if !is_first || waits_first {
            self.pace();
        }
        self.at = self.at.max(self.due);
        if self.at >= self.harvest.end || self.attempts >= self.harvest.attempts_max {
            return None;
        }
        self.choose_client();
        self.found = self.next_ordinal();
        self.attempts += 1;
        let hit = coin(self.seed ^ 0x6869_7473, self.found, self.harvest.hits);
        if hit {
            self.parts_left = self.harvest.parts.saturating_sub(1);
        }
        let answer = if hit { Answer::Found } else { Answer::Missing };
        self.request(self.harvest.route, answer)
    }
}
