//! The merge of the streams: a weighted mean of their e-values.
//!
//! `ln E = ln sum_i w_i e^{S_i}` with weights that sum to 1 over the streams live on the route.
//! The weighted mean is the only admissible merge under arbitrary dependence (arXiv 2409.19888).
//! Which streams are live comes from the configuration alone, so that `ln E` never jumps because
//! something was learned.

use super::math::{add_logs, ln};
use super::{Nats, STREAMS, Stream, nats};

/// What stands for the weight of a stream that is not live.
const DEAD: Nats = Nats::MIN / 4;

/// The logs of the weights of the live streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights([Nats; STREAMS]);

impl Weights {
    /// Weights in proportion to `parts`; 0 is a stream that is not live.
    #[must_use]
    pub fn new(parts: [f64; STREAMS]) -> Self {
        let total: f64 = parts.iter().sum();
        Self(parts.map(|it| if it > 0.0 { nats(ln(it / total)) } else { DEAD }))
    }

    /// Whether the stream with this index is live.
    #[must_use]
    pub fn is_live(&self, stream: usize) -> bool {
        self.0.get(stream).is_some_and(|it| *it != DEAD)
    }

    /// `ln E` of the streams' log e-values.
    #[must_use]
    pub fn merge(&self, streams: &[Nats; STREAMS]) -> Nats {
        let live = streams.iter().zip(self.0).filter(|(_, weight)| *weight != DEAD);
        let mut sums = live.map(|(log_e, weight)| log_e + weight);
        let first = sums.next().unwrap_or(0);
        sums.fold(first, add_logs)
    }

    /// `ln E` where one stream says so much and all others nothing.
    #[must_use]
    pub fn alone(&self, stream: Stream, log_e: Nats) -> Nats {
        let mut streams = [0; STREAMS];
        if let Some(own) = streams.get_mut(stream.index()) {
            *own = log_e;
        }
        self.merge(&streams)
    }

    /// The stream that contributes most.
    #[must_use]
    pub fn loudest(&self, streams: &[Nats; STREAMS]) -> usize {
        let live = streams.iter().zip(self.0).enumerate().filter(|(_, (_, it))| *it != DEAD);
        live.max_by_key(|(at, (log_e, weight))| (**log_e + weight, std::cmp::Reverse(*at)))
            .map_or(0, |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_at_rest_merge_to_nothing_and_one_loud_stream_loses_its_weight_only() {
        let weights = Weights::new([3.0, 2.0, 2.0, 1.0, 2.0, 0.0, 0.0]);
        assert!(weights.merge(&[0; STREAMS]).abs() < 20);
        let loud = weights.merge(&[20_480, 0, 0, 0, 0, 0, 0]);
        assert!((loud - 20_480 - nats(ln(0.3))).abs() < 20, "{loud}");
    }

    #[test]
    fn a_stream_that_is_not_live_adds_nothing() {
        let weights = Weights::new([0.0, 2.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        assert!(weights.merge(&[60_000, 0, 60_000, 0, 0, 60_000, 0]).abs() < 20);
        assert_eq!(weights.loudest(&[60_000, 1, 60_000, 0, 9, 0, 0]), 4);
    }
}
