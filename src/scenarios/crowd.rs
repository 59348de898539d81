//! Many short visits at once: citizens' sessions, visitors of a register.
//!
//! Visits arrive independently of each other and run side by side. Only those that are under way
//! are in memory, so a crowd needs as much of it in a year as in an hour.

use super::random::Random;
use super::request::Request;
use super::season::Season;
use crate::time::Moment;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// One visit.
pub(super) trait Visit {
    /// When its next request is due.
    fn due(&self) -> Moment;
    /// Its next request, and whether another one follows. The next one is due no earlier.
    fn step(&mut self) -> (Request, bool);
}

/// The visits of a crowd, as requests in time order.
pub(super) struct Crowd<V, F> {
    random: Random,
    season: Season,
    per_day: f64,
    /// When the next visit begins.
    arrival: Moment,
    /// Visits so far.
    count: u64,
    open: F,
    active: BinaryHeap<Active<V>>,
}

impl<V: Visit, F: FnMut(Moment, u64) -> V> Crowd<V, F> {
    /// A crowd of `per_day` visits; `open` makes the visit with this number.
    pub(super) fn new(
        mut random: Random,
        season: Season,
        per_day: f64,
        start: Moment,
        open: F,
    ) -> Self {
        let arrival = season.next(start, per_day, &mut random);
        Self { random, season, per_day, arrival, count: 0, open, active: BinaryHeap::new() }
    }
}

impl<V: Visit, F: FnMut(Moment, u64) -> V> Iterator for Crowd<V, F> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        while self.active.peek().is_none_or(|first| self.arrival <= first.visit.due()) {
            if self.arrival == super::season::NEVER {
                break;
            }
            let visit = (self.open)(self.arrival, self.count);
            self.active.push(Active { number: self.count, visit });
            self.count += 1;
            self.arrival = self.season.next(self.arrival, self.per_day, &mut self.random);
        }
        let mut first = self.active.peek_mut()?;
        let (request, more) = first.visit.step();
        if !more {
            PeekMut::pop(first);
        }
        Some(request)
    }
}

/// A visit under way, the earliest due first in a heap.
struct Active<V> {
    number: u64,
    visit: V,
}

impl<V: Visit> Active<V> {
    fn rank(&self) -> (Moment, u64) {
        (self.visit.due(), self.number)
    }
}

impl<V: Visit> Ord for Active<V> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl<V: Visit> PartialOrd for Active<V> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<V: Visit> PartialEq for Active<V> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<V: Visit> Eq for Active<V> {}
