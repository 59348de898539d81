//! What happens to honest records on their way: delivered twice, delivered late.

use super::random::{Random, mix};
use super::request::Request;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use std::collections::VecDeque;

/// B8: the share of records that are sent again, and how many at a time.
pub(super) const REDELIVERED: (f64, usize) = (0.02, 500);
/// B7: for so many milliseconds nothing is delivered.
pub(super) const LATE_MS: i64 = 30 * MINUTE_MS;

/// B8: now and then a producer sends its last records once more. The repeats stand later in the
/// log with their old times, so the stream is no longer in time order.
#[derive(Clone, Debug)]
pub struct Redelivered<I> {
    inner: I,
    random: Random,
    share: f64,
    block: usize,
    /// The last records.
    recent: VecDeque<Request>,
    /// Records that are being sent again.
    again: VecDeque<Request>,
}

impl<I: Iterator<Item = Request>> Redelivered<I> {
    /// Repeats about the share `share` of all records, `block` at a time.
    #[must_use]
    pub fn new(inner: I, seed: u64, share: f64, block: usize) -> Self {
        let random = Random::of(seed, 0x2ede, 0);
        let block = block.max(1);
        Self { inner, random, share, block, recent: VecDeque::new(), again: VecDeque::new() }
    }
}

impl<I: Iterator<Item = Request>> Iterator for Redelivered<I> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if let Some(request) = self.again.pop_front() {
            return Some(request);
        }
        let request = self.inner.next()?;
        self.recent.push_back(request);
        if self.recent.len() > self.block {
            self.recent.pop_front();
        }
        if self.random.chance(self.share / self.block as f64) {
            self.again.clone_from(&self.recent);
        }
        Some(request)
    }
}

/// B7: nothing is delivered between two times, then what was held back comes at once. A marker:
/// the requests stay as they are, and whoever writes them asks when each is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When deliveries stop.
    pub from: Moment,
    /// When they go on.
    pub until: Moment,
    /// How many times as fast as it was made the backlog is delivered.
    pub catch_up: i64,
}

impl Outage {
    /// That of the day of `at` in a log that begins at `start`: every day deliveries stop for so
    /// long, each day three hours later.
    #[must_use]
    pub fn daily(start: Moment, at: Moment, for_ms: i64) -> Self {
        let day = at.since(start).div_euclid(DAY_MS);
        let from = start.plus(day * DAY_MS + (day * 3 + 5) % 23 * HOUR_MS);
        Self { from, until: from.plus(for_ms), catch_up: 20 }
    }

    /// When a request of this time is delivered. Times stay in order.
    #[must_use]
    pub fn delivered(&self, at: Moment) -> Moment {
        if at < self.from {
            return at;
        }
        let caught_up = self.until.plus(at.since(self.from) / self.catch_up.max(1));
        caught_up.max(at)
    }
}

/// B9: one of several gateways has a wrong clock. Its lines stand where they always stood, with
/// other stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// How many gateways share the clients; each client goes through one.
    pub gateways: u64,
    /// How far the first one's clock is ahead, in milliseconds; negative for one that is behind.
    pub skew_ms: i64,
}

impl Skew {
    /// What the log says of when this request was.
    #[must_use]
    pub fn stamped(&self, request: &Request) -> Moment {
        let gateway = mix(u64::from(u32::from(request.client.address))) % self.gateways.max(1);
        if gateway == 0 { request.at.plus(self.skew_ms) } else { request.at }
    }
}
