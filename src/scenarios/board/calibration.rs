//! How rare evidence is among honest clients, against what it claims.
//!
//! Evidence of `x` nats should come up after at most a share `e^-x` of contacts: that is what makes
//! a budget a threshold. It is read at the end of each batch, of every client that was in it, so a
//! client's evidence that rose and fell within one batch is not seen.

use crate::evidence::{STREAMS, Stream, as_f64};
use crate::judge::Explained;
use crate::time::{DAY_MS, Moment};
use std::collections::BTreeMap;

/// Thresholds that are counted: 0 to this many nats.
pub const NATS_SHOWN: usize = 24;

/// Evidence of honest clients, counted.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// Readings: a client on a route at the end of a batch.
    pub readings: u64,
    /// Readings at which evidence was at least so many nats.
    pub above: [u64; NATS_SHOWN + 1],
    /// The same of each stream alone, where it is live.
    pub streams: [[u64; NATS_SHOWN + 1]; STREAMS],
    /// Readings of each stream where it is live.
    pub live: [u64; STREAMS],
    /// The most evidence of each client on each day.
    days: BTreeMap<(u64, i64), f64>,
}

impl Calibration {
    /// Takes the clients of a batch that ended at `at`.
    pub(super) fn take(&mut self, clients: &[(u64, Explained)], at: Moment) {
        for (key, opened) in clients {
            self.readings += 1;
            let log_e = as_f64(opened.log_e);
            count(&mut self.above, log_e);
            for (stream, evidence, _) in opened.streams.into_iter().filter(|it| it.2) {
                self.take_stream(stream, as_f64(evidence));
            }
            let most = self.days.entry((*key, at.index(DAY_MS))).or_insert(log_e);
            *most = most.max(log_e);
        }
    }

    fn take_stream(&mut self, stream: Stream, evidence: f64) {
        let at = stream.index();
        if let Some((above, live)) = self.streams.get_mut(at).zip(self.live.get_mut(at)) {
            *live += 1;
            count(above, evidence);
        }
    }

    /// Adds the readings of another seed.
    pub fn add(&mut self, other: &Self, seed: u64) {
        self.readings += other.readings;
        sum(&mut self.above, &other.above);
        for (own, others) in self.streams.iter_mut().zip(&other.streams) {
            sum(own, others);
        }
        sum(&mut self.live, &other.live);
        // The same login of another seed is somebody else.
        self.days.extend(other.days.iter().map(|((key, day), it)| ((key ^ seed << 32, *day), *it)));
    }

    /// Clients times days on which they were seen.
    #[must_use]
    pub fn client_days(&self) -> u64 {
        self.days.len() as u64
    }

    /// Of a thousand client-days, those on which evidence came to at least so many nats.
    #[must_use]
    pub fn per_thousand_days(&self, nats: f64) -> f64 {
        let above = self.days.values().filter(|it| **it >= nats).count();
        above as f64 * 1_000.0 / self.days.len().max(1) as f64
    }

    /// The share of readings at which evidence was at least so many nats.
    #[must_use]
    pub fn share(&self, nats: usize) -> f64 {
        let above = self.above.get(nats).copied().unwrap_or(0);
        above as f64 / self.readings.max(1) as f64
    }

    /// The same of one stream.
    #[must_use]
    pub fn share_of(&self, stream: Stream, nats: usize) -> f64 {
        let at = stream.index();
        let above = self.streams.get(at).and_then(|it| it.get(nats)).copied().unwrap_or(0);
        above as f64 / self.live.get(at).copied().unwrap_or(0).max(1) as f64
    }
}

fn count(above: &mut [u64], log_e: f64) {
    for (nats, count) in above.iter_mut().enumerate() {
        // Evidence of nothing is below every threshold but the first.
        if nats == 0 || log_e >= nats as f64 {
            *count += 1;
        }
    }
}

fn sum(own: &mut [u64], other: &[u64]) {
    own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_counts_what_reaches_it() {
        let mut above = [0; NATS_SHOWN + 1];
        for log_e in [-1.0, 0.5, 2.0, 19.0] {
            count(&mut above, log_e);
        }
        assert_eq!(
            (above[0], above[1], above[2], above[3], above[19], above[20]),
            (4, 2, 2, 1, 1, 0)
        );
    }

    #[test]
    fn the_same_client_of_two_seeds_is_two() {
        let mut one = Calibration::default();
        one.days.insert((7, 1), 3.0);
        let mut all = Calibration::default();
        all.add(&one, 1);
        all.add(&one, 2);
        assert_eq!(all.client_days(), 2);
        assert!((all.per_thousand_days(2.0) - 1_000.0).abs() < 1e-9);
    }
}
