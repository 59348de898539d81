//! Members of staff: office hours, work in bursts, patients of their own.
//!
//! What makes honest staff hard to tell from a harvest is not their level but how uneven it is:
//! days differ (a gamma factor a day), and within a day look-ups come in batches, so that counts
//! of an hour spread 4.5 times as far as independent ones would, and counts of a minute 1.4 times.

use super::id::Id;
use super::merge::Source;
use super::people::People;
use super::random::{Permutation, Random, whole};
use super::request::{Agent, Answer, Client, Request, Route, Who, address};
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// Seconds between two look-ups of a batch, on average.
const PAUSE_SECONDS: f64 = 80.0;
/// Hours of a shift.
const SHIFT_HOURS: i64 = 8;
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
    /// The share of look-ups by mobile number.
    pub by_mobile: f64,
    /// Whether all sit behind one address and work seven days in shifts, as in a call centre.
    pub one_address: bool,
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
            by_mobile: 0.2,
            one_address: false,
        }
    }
}

impl Staff {
    /// A call centre with this many agents.
    #[must_use]
    pub fn call_centre(count: u32) -> Self {
        Self { count, per_day: 40.0, batch: 1.5, one_address: true, ..Self::default() }
    }

    /// Each member's requests from `start` on; their logins count from `first`.
    pub(super) fn requests(
        self,
        people: People,
        seed: u64,
        first: u32,
        start: Moment,
    ) -> impl Iterator<Item = Source> {
        (first..first + self.count)
            .map(move |login| Box::new(Member::new(&self, people, seed, login, start)) as Source)
    }

    /// A login's random numbers, its new patients on an average day, and its share of misses.
    fn drawn(&self, seed: u64, login: u32) -> (Random, f64, f64) {
        let mut random = Random::of(seed, 0x57af, u64::from(login));
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
        self.drawn(seed, login).2
    }

    /// The client that a login is on ordinary days.
    pub(super) fn client(&self, login: u32) -> Client {
        let number = u64::from(login);
        let office = if self.one_address { 50_000 } else { number / OFFICE_STAFF };
        Client { who: Who::Staff(login), address: address::office(office) }
    }
}

/// One member of staff.
struct Member {
    staff: Staff,
    people: People,
    random: Random,
    client: Client,
    /// New patients on an average day.
    level: f64,
    misses: f64,
    /// The first hour of the shift.
    first_hour: i64,
    /// The first of two days off in a week that begins on Monday.
    day_off: i64,
    /// Where patients come from: an order of families of their own.
    families: Permutation,
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
    fn new(staff: &Staff, people: People, seed: u64, login: u32, start: Moment) -> Self {
        let (mut random, level, misses) = staff.drawn(seed, login);
        let late = if staff.one_address { 9 } else { 3 };
        let first_hour = 7 + i64::try_from(random.below(late)).unwrap_or(0);
        let works_weekends = staff.one_address || random.chance(0.2);
        let day_off = if works_weekends { random.below(6) } else { 5 };
        let day_off = i64::try_from(day_off).unwrap_or(0);
        let day = Moment(start.index(DAY_MS) * DAY_MS).plus(-DAY_MS);
        let families = Permutation::new(random.bits(), people.families());
        let mut member = Self {
            staff: *staff,
            people,
            random,
            client: staff.client(login),
            level,
            misses,
            first_hour,
            day_off,
            families,
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
        self.at = self.day.plus(self.first_hour * HOUR_MS);
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
            let family = self.families.at(self.visits - 1 - back);
            return (self.people.member(family, 0), Answer::Found);
        }
        if self.members_left == 0 {
            self.visits += 1;
            let together = self.random.chance(FAMILIES);
            self.members_left = if together { People::family_size(&mut self.random) } else { 1 };
        }
        self.members_left -= 1;
        let family = self.families.at(self.visits - 1);
        (self.people.member(family, self.members_left), Answer::Found)
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
        let (at, client, agent) = (self.at, self.client, Agent::CLINIC);
        self.left -= 1;
        let pause = SECOND_MS as f64 * self.random.exponential(PAUSE_SECONDS);
        if self.left > 0 {
            self.at = at.plus(whole(pause));
        }
        Some(Request { at, client, route, subject, status, bytes, agent, label: 0 })
    }
}
