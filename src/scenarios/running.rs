//! A harvest under way: one request after the other.
//!
//! What a harvest does not have (padding, tampering, decoys) draws no random number, so a harvest
//! stays what it was when the next dimension is added.

use super::followed::{Followed, acts};
use super::harvest::{Filler, Harvest, Order, Padding, Sharing};
use super::id::Register;
use super::merge::Source;
use super::people::People;
use super::random::{Permutation, Random, coin, mix};
use super::request::{Answer, Client, Label, Request};
use super::route::Route;
use crate::time::Moment;
use std::collections::VecDeque;

/// Milliseconds from a record to its parts.
const PART_MS: i64 = 120;
/// The last ids that a harvest repeats to look normal.
const RECENT: usize = 200;

impl Harvest {
    /// Its requests, in time order.
    pub(super) fn requests(&self, people: People, seed: u64, label: Label) -> Source {
        let register = people.register(self.route);
        let mut random = Random::of(seed, 0x4a27, u64::from(label));
        let bound = match self.order {
            Order::Prefixes { numbers, .. } => numbers,
            Order::Region { region } => people.people_of(region),
            _ => register.size,
        };
        let permutation = Permutation::new(random.bits(), bound);
        let ordinal = match self.order {
            Order::Gaps { first, .. } => first,
            _ => 0,
        };
        let running = Running {
            harvest: self.clone(),
            people,
            register,
            seed,
            random,
            permutation,
            label,
            at: self.start,
            due: self.start,
            client: self.clients.first().copied(),
            attempts: 0,
            turns: 0,
            ordinal,
            recent: VecDeque::new(),
            parts_left: 0,
            tampered: None,
            found: 0,
        };
        if self.acts > 0.0 {
            let random = Random::of(seed, 0xac76, u64::from(label));
            return Box::new(Followed::new(running, acts(self.acts, random)));
        }
        Box::new(running)
    }
}

/// A harvest under way.
struct Running {
    harvest: Harvest,
    people: People,
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
    /// The same with what it is padded with.
    turns: u64,
    /// The last ordinal of an ascending order.
    ordinal: u64,
    /// What it tried last, where it is padded with repeats.
    recent: VecDeque<u64>,
    /// Parts of the record just found.
    parts_left: u8,
    /// How it is changed or removed behind them.
    tampered: Option<Route>,
    found: u64,
}

impl Running {
    /// The next ordinal in the order.
    fn next_ordinal(&mut self) -> u64 {
        let index = self.attempts;
        match self.harvest.order {
            Order::Serial { first, stride } => first + index * stride,
            Order::Random => self.permutation.at(index),
            Order::Region { region } => self.people.person_of(region, self.permutation.at(index)),
            Order::Prefixes { first, numbers } => {
                first + index / numbers * numbers + self.permutation.at(index % numbers)
            }
            Order::Gaps { mean, .. } => {
                let gap = if index == 0 { 0 } else { self.random.geometric(mean) };
                self.ordinal += gap;
                self.ordinal
            }
            Order::Same { ordinal } => ordinal,
        }
    }

    /// Something to look normal by, where it is time for that, and whether it exists.
    fn filler(&mut self) -> Option<(u64, bool)> {
        let padding = self.harvest.padding.filter(|_| self.attempts > 0)?;
        if !self.random.chance(padding.share) {
            return None;
        }
        match padding.filler {
            Filler::Popular { pool } => {
                let place = self.random.below(pool);
                Some((self.people.popular(self.harvest.route, place), true))
            }
            Filler::Repeats => {
                let place = self.random.below(self.recent.len() as u64);
                let ordinal = *self.recent.get(usize::try_from(place).ok()?)?;
                Some((ordinal, self.is_hit(ordinal)))
            }
        }
    }

    /// The next id of the harvest itself, and whether it exists.
    fn attempt(&mut self) -> (u64, bool) {
        let ordinal = self.next_ordinal();
        self.attempts += 1;
        let decoys = self.harvest.decoys;
        if let Some(decoys) = decoys.filter(|it| self.random.chance(it.share)) {
            let number = self.random.below(decoys.count);
            return (self.people.decoy(self.harvest.route, number), true);
        }
        if matches!(self.harvest.padding, Some(Padding { filler: Filler::Repeats, .. })) {
            self.recent.push_back(ordinal);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        (ordinal, self.is_hit(ordinal))
    }

    /// Whether an id is somebody's. Beyond its end a register has nobody.
    fn is_hit(&self, ordinal: u64) -> bool {
        ordinal < self.register.size && coin(self.seed ^ 0x6869_7473, ordinal, self.harvest.hits)
    }

    fn choose_client(&mut self) {
        let count = self.harvest.clients.len() as u64;
        let turn = match self.harvest.sharing {
            Sharing::Turns => self.turns % count.max(1),
            Sharing::Random => self.random.below(count),
        };
        self.turns += 1;
        let turn = usize::try_from(turn).unwrap_or(0);
        self.client = self.harvest.clients.get(turn).copied();
    }

    /// Changes or removes the record just found, where it is time for that.
    fn tamper(&mut self) {
        let attempts = self.attempts;
        let tampering = self.harvest.tampering.filter(|it| attempts > it.after);
        if tampering.is_some_and(|it| self.random.chance(it.share)) {
            let is_change = self.random.chance(0.5);
            self.tampered = Some(if is_change { Route::Change } else { Route::Removal });
        }
    }

    /// Records behind the id just found: the same whenever it is looked up.
    fn records(&self) -> u16 {
        let [least, most] = self.harvest.records;
        let more = mix(self.found ^ 0x7265_636f) % (u64::from(most.saturating_sub(least)) + 1);
        least.saturating_add(u16::try_from(more).unwrap_or(0))
    }

    fn request(&mut self, route: Route, answer: Answer) -> Option<Request> {
        let (status, bytes) = answer.shown(&mut self.random);
        let records = answer.records() * self.records();
        Some(Request {
            at: self.at,
            client: self.client?,
            route,
            subject: match route {
                Route::Beneficiary => self.people.beneficiary(self.found),
                _ => self.register.id(self.found),
            },
            status,
            bytes: bytes * u32::from(records.max(1)),
            records,
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
        if let Some(route) = self.tampered.take() {
            self.at = self.at.plus(PART_MS);
            return self.request(route, Answer::Done);
        }
        let pace = self.harvest.pace;
        if self.turns > 0 || !pace.begins_at_once() {
            let (start, days) = (self.harvest.start, self.seed ^ u64::from(self.label));
            self.due = pace.next(self.due, start, days, &mut self.random);
        }
        self.at = self.at.max(self.due);
        if self.at >= self.harvest.end || self.attempts >= self.harvest.attempts_max {
            return None;
        }
        self.choose_client();
        let (found, hit) = self.filler().unwrap_or_else(|| self.attempt());
        self.found = found;
        if hit {
            self.parts_left = self.harvest.parts.saturating_sub(1);
            self.tamper();
        }
        let refused = self.harvest.route == Route::PassCheck;
        let answer = match hit {
            true => Answer::Found,
            false if refused => Answer::Refused,
            false => Answer::Missing,
        };
        self.request(self.harvest.route, answer)
    }
}
