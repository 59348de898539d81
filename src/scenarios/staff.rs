//! Members of staff: office hours, work in bursts, patients of their own.
//!
//! What makes honest staff hard to tell from a harvest is not their level but how uneven it is:
//! days differ (a gamma factor a day), and within a day look-ups come in batches, so that counts
//! of an hour spread 4.5 times as far as independent ones would, and counts of a minute 1.4 times.

use super::followed::{Followed, acts};
use super::id::Id;
use super::merge::Source;
use super::people::People;
use super::random::{Permutation, Random, coin, mix, whole};
use super::request::{Agent, Answer, Client, Request, Who, address};
use super::route::Route;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};
use std::ops::Range;

/// Seconds between two look-ups of a batch, on average.
const PAUSE_SECONDS: f64 = 80.0;
/// Hours of a shift.
const SHIFT_HOURS: i64 = 8;
/// The earliest hour at which a shift begins, and how many hours later at most.
const FIRST_HOUR: i64 = 7;
const LATE_HOURS: i64 = 9;
/// Offices that staff may move to.
const OFFICES_FIRST: u64 = 1_000;
const OFFICES: u64 = 200;
/// How far the levels of staff spread: sigma of their logarithm.
const LEVEL_SIGMA: f64 = 0.5;
/// Colleagues at one office's address.
const OFFICE_STAFF: u64 = 5;
/// Patients that are likely to be looked up again.
const RECENT: u64 = 50;
/// The share of patients whose family is looked up with them.
const FAMILIES: f64 = 0.3;

/// The staff of a portal, or of one call centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staff {
    /// How many.
    pub count: u32,
    /// New patients a working day, on average over all staff.
    pub per_day: f64,
    /// How alike the days of one are: the shape of a gamma distribution.
    pub day_shape: f64,
    /// Look-ups in a batch.
    pub batch: f64,
    /// The share of look-ups that find nobody, on average over all staff.
    pub misses: f64,
    /// How alike staff are in that: `a + b` of a beta distribution.
    pub misses_alike: f64,
    /// The share of look-ups of patients that were seen before.
    pub repeats: f64,
    /// The share of families from the region of the office.
    pub own_region: f64,
    /// The share of look-ups by mobile number.
    pub by_mobile: f64,
    /// Whether all sit behind one address and work seven days in shifts, as in a call centre.
    pub one_address: bool,
    /// Officers who work with one login.
    pub officers: u32,
    /// The share of look-ups that find somebody and are followed by an act on them (a
    /// vaccination) within minutes. It leaves the look-ups as they are.
    pub acts: f64,
    /// The share of staff who on a given day change their network, their shift or their office,
    /// and stay there.
    pub moves: f64,
    /// A day with more patients.
    pub busy: Option<BusyDay>,
}

/// A day on which staff have several times as many patients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BusyDay {
    /// Days since 1970.
    pub index: i64,
    /// How many times as many.
    pub times: f64,
}

impl Default for Staff {
    fn default() -> Self {
        Self {
            count: 300,
            per_day: 20.0,
            day_shape: 4.0,
            batch: 3.2,
            misses: 0.05,
            misses_alike: 5.0,
            repeats: 0.25,
            own_region: 0.85,
            by_mobile: 0.2,
            one_address: false,
            officers: 1,
            acts: 0.0,
            moves: 0.0,
            busy: None,
        }
    }
}

impl Staff {
    /// A call centre with this many agents.
    #[must_use]
    pub fn call_centre(count: u32) -> Self {
        Self {
            count,
            per_day: 40.0,
            batch: 1.5,
            own_region: 0.0,
            one_address: true,
            ..Self::default()
        }
    }

    /// Each member's requests from `start` on; their logins count from `first`.
    pub(super) fn requests(
        self,
        people: People,
        seed: u64,
        first: u32,
        start: Moment,
    ) -> impl Iterator<Item = Source> {
        let officers = move |login| (0..self.officers).map(move |it| Officer::new(login, it));
        (first..first + self.count).flat_map(officers).map(move |officer| {
            let member = Member::new(&self, people, seed, officer, start);
            if self.acts > 0.0 {
                let random = Random::of(seed, 0xac75, officer.number());
                Box::new(Followed::new(member, acts(self.acts, random))) as Source
            } else {
                Box::new(member)
            }
        })
    }

    /// An officer's random numbers, its new patients on an average day, and its share of misses.
    fn drawn(&self, seed: u64, officer: Officer) -> (Random, f64, f64) {
        let mut random = Random::of(seed, 0x57af, officer.number());
        let level = random.log_normal(self.per_day, LEVEL_SIGMA);
        let (a, b) = (self.misses, 1.0 - self.misses);
        let misses = if self.misses > 0.0 {
            random.beta(a * self.misses_alike, b * self.misses_alike)
        } else {
            0.0
        };
        (random, level, misses)
    }

    /// The share of a login's look-ups that find nobody.
    pub(super) fn misses_of(&self, seed: u64, login: u32) -> f64 {
        self.drawn(seed, Officer::new(login, 0)).2
    }

    /// New patients of a login on an average day.
    pub(super) fn level_of(&self, seed: u64, login: u32) -> f64 {
        self.drawn(seed, Officer::new(login, 0)).1
    }

    /// The client that a login is on ordinary days.
    pub(super) fn client(&self, login: u32) -> Client {
        let number = u64::from(login);
        let office = if self.one_address { 50_000 } else { number / OFFICE_STAFF };
        Client { who: Who::Staff(login), address: address::office(office) }
    }
}

/// The families that come to an office.
#[derive(Clone)]
struct Families {
    /// Those of its region.
    region: Range<u64>,
    /// In which order they come.
    order: Permutation,
    /// The first visit since the office is there.
    since: u64,
}

impl Families {
    fn of(people: People, region: u64, order: u64, since: u64) -> Self {
        let region = people.families_of(region);
        let order = Permutation::new(order, region.end - region.start);
        Self { region, order, since }
    }

    fn at(&self, visit: u64) -> u64 {
        self.region.start + self.order.at(visit)
    }
}

/// The region of the office of a login.
pub(super) const fn region_of(seed: u64, login: u32) -> u64 {
    mix(seed ^ mix(login as u64))
}

/// One of those who work with a login.
#[derive(Clone, Copy)]
struct Officer {
    login: u32,
    place: u32,
}

impl Officer {
    const fn new(login: u32, place: u32) -> Self {
        Self { login, place }
    }

    /// Whom random numbers belong to.
    fn number(self) -> u64 {
        u64::from(self.place) << 32 | u64::from(self.login)
    }
}

/// One member of staff.
struct Member {
    staff: Staff,
    people: People,
    random: Random,
    /// The one for moves: a stream of its own, so that they change nothing else.
    moving: Random,
    client: Client,
    /// New patients on an average day.
    level: f64,
    misses: f64,
    /// The first hour of the shift.
    first_hour: i64,
    /// The first of two days off in a week that begins on Monday.
    day_off: i64,
    /// Where patients come from: an order of families of their own, from everywhere, and those of the
    /// office's region, before and after the last move.
    families: Permutation,
    offices: [Families; 2],
    /// The beginning of the day, and this day's new patients as they were meant to be.
    day: Moment,
    meant: f64,
    at: Moment,
    /// Look-ups left in this batch.
    left: u64,
    /// Families seen so far, and members left of the last one.
    visits: u64,
    members_left: u64,
}

impl Member {
    fn new(staff: &Staff, people: People, seed: u64, officer: Officer, start: Moment) -> Self {
        let (mut random, level, misses) = staff.drawn(seed, officer);
        let moving = Random::of(seed, 0x6d6f, officer.number());
        let late = if staff.one_address { 9 } else { 3 };
        let first_hour = FIRST_HOUR + i64::try_from(random.below(late)).unwrap_or(0);
        let works_weekends = staff.one_address || random.chance(0.2);
        let day_off = if works_weekends { random.below(6) } else { 5 };
        let day_off = i64::try_from(day_off).unwrap_or(0);
        let day = Moment(start.index(DAY_MS) * DAY_MS).plus(-DAY_MS);
        let order = random.bits();
        let families = Permutation::new(order, people.families());
        let office = Families::of(people, region_of(seed, officer.login), order, 0);
        let mut member = Self {
            staff: *staff,
            people,
            random,
            moving,
            client: staff.client(officer.login),
            level,
            misses,
            first_hour,
            day_off,
            families,
            offices: [office.clone(), office],
            day,
            meant: 0.0,
            at: day,
            left: 0,
            visits: 0,
            members_left: 0,
        };
        while member.left == 0 || member.at < start {
            member.next_batch();
        }
        member
    }

    /// Moves on to the next day of work.
    fn next_day(&mut self) {
        self.day = self.day.plus(DAY_MS);
        let weekday = (self.day.index(DAY_MS) + 3).rem_euclid(7);
        let is_off = (self.day_off..self.day_off + 2).contains(&weekday);
        let shape = self.staff.day_shape;
        let factor = self.random.gamma(shape, 1.0 / shape);
        self.meant = if is_off { 0.0 } else { self.level * factor };
        if let Some(busy) = self.staff.busy.filter(|it| it.index == self.day.index(DAY_MS)) {
            self.meant *= busy.times;
        }
        if self.staff.moves > 0.0 && self.moving.chance(self.staff.moves) {
            self.move_on();
        }
        self.at = self.day.plus(self.first_hour * HOUR_MS);
    }

    /// Changes network, shift or office.
    fn move_on(&mut self) {
        let to = self.moving.bits();
        match self.moving.below(3) {
            0 => self.client.address = address::citizen(to),
            1 => {
                let later = self.first_hour - FIRST_HOUR + 4 + i64::try_from(to % 2).unwrap_or(0);
                self.first_hour = FIRST_HOUR + later % LATE_HOURS;
            }
            _ => {
                self.client.address = address::office(OFFICES_FIRST + to % OFFICES);
                let [_, office] = self.offices.clone();
                self.offices = [office, Families::of(self.people, to, to, self.visits)];
            }
        }
    }

    /// Moves on to the next batch, or to the next day where the shift ends before it.
    fn next_batch(&mut self) {
        let end = self.day.plus((self.first_hour + SHIFT_HOURS) * HOUR_MS);
        let looks = self.meant / (1.0 - self.staff.repeats);
        let batches = looks / self.staff.batch;
        let span_ms = (SHIFT_HOURS * HOUR_MS) as f64;
        // A batch takes its own time, which is not waited for again.
        let busy_ms = (self.staff.batch - 1.0) * PAUSE_SECONDS * SECOND_MS as f64;
        let wait_ms = (span_ms / batches - busy_ms).max(10.0 * SECOND_MS as f64);
        let next = self.at.plus(whole(self.random.exponential(wait_ms)));
        if batches <= 0.0 || next >= end {
            self.next_day();
            self.left = 0;
        } else {
            self.at = next;
            self.left = self.random.geometric(self.staff.batch);
        }
    }

    /// Whom this look-up is about, and whether there is such a person.
    fn patient(&mut self) -> (u64, Answer) {
        if self.random.chance(self.misses) {
            return (self.people.nobody(&mut self.random), Answer::Missing);
        }
        let is_again = self.visits > 0 && self.random.chance(self.staff.repeats);
        if is_again {
            let back = self.random.below(self.visits.min(RECENT));
            let family = self.family(self.visits - 1 - back);
            return (self.people.member(family, 0), Answer::Found);
        }
        if self.members_left == 0 {
            self.visits += 1;
            let together = self.random.chance(FAMILIES);
            self.members_left = if together { People::family_size(&mut self.random) } else { 1 };
        }
        self.members_left -= 1;
        let family = self.family(self.visits - 1);
        (self.people.member(family, self.members_left), Answer::Found)
    }

    /// The family of a visit: of the region in which the office was then, or from anywhere.
    fn family(&self, visit: u64) -> u64 {
        let anywhere = self.families.at(visit);
        if !coin(anywhere, visit, self.staff.own_region) {
            return anywhere;
        }
        let [before, now] = &self.offices;
        if visit < now.since { before } else { now }.at(visit)
    }

    fn subject(&mut self) -> (Route, Id, Answer) {
        let (ordinal, answer) = self.patient();
        let by_mobile = self.random.chance(self.staff.by_mobile);
        let route = if by_mobile { Route::ByMobile } else { Route::Beneficiary };
        (route, self.people.id_on(route, ordinal), answer)
    }
}

impl Iterator for Member {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        while self.left == 0 {
            self.next_batch();
        }
        let (route, subject, answer) = self.subject();
        let (status, bytes) = answer.shown(&mut self.random);
        let records = answer.records();
        let (at, client, agent) = (self.at, self.client, Agent::CLINIC);
        self.left -= 1;
        let pause = SECOND_MS as f64 * self.random.exponential(PAUSE_SECONDS);
        if self.left > 0 {
            self.at = at.plus(whole(pause));
        }
        Some(Request { at, client, route, subject, status, bytes, records, agent, label: 0 })
    }
}
