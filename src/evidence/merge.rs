//! The merge of the streams: a weighted mean of their e-values.
//!
//! `ln E = ln sum_i w_i e^{S_i}` with weights that sum to 1 over the streams live on the route.
//! The weighted mean is the only admissible merge under arbitrary dependence (arXiv 2409.19888).
//! On personal routes one of what it averages is the joint component, which adds parts of the streams up
//! and asks for more: that honest signs are independent given the client.
//! Which streams are live comes from the configuration alone, so that `ln E` never jumps because
//! something was learned.

use super::math::{add_logs, ln};
use super::{Nats, STREAMS, Stream, nats};

/// What stands for the weight of a stream that is not live.
const DEAD: Nats = Nats::MIN / 4;

/// The logs of the weights of the live streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    streams: [Nats; STREAMS],
    joint: Nats,
}

/// Part of what a stream says that counts in the joint component, in twentieths; a stream of
/// [`Stream::ALL`] each. Counts count in full, so that a weight of their own beside it would be given away. Signs of one cause come together more often than by chance
/// (who is stood in for looks up more people, at other hours, for whom somebody else acts), so that not
/// all of the others may.
const JOINT_PARTS: [Nats; STREAMS] = [13, 16, 13, 13, 20, 13, 16, 13, 13];

/// Weak signs together, which a mean never adds up: the sum of parts of the streams' log e-values. Where
/// honest signs are independent given the client, that is the log of an e-value.
fn joint(streams: &[Nats; STREAMS]) -> Nats {
    Stream::ALL.into_iter().zip(streams).map(|(stream, log_e)| of_joint(stream, *log_e)).sum()
}

/// What of a stream's log e-value counts there.
#[must_use]
pub fn of_joint(stream: Stream, log_e: Nats) -> Nats {
    let part = JOINT_PARTS.get(stream.index()).copied().unwrap_or(0);
    log_e.max(0) * part / 20
}

impl Weights {
    /// Weights in proportion to `parts` and that of the joint component; 0 is one that is not live.
    #[must_use]
    pub fn new(parts: [f64; STREAMS], joint: f64) -> Self {
        let total = parts.iter().sum::<f64>() + joint;
        let weight = |it: f64| if it > 0.0 { nats(ln(it / total)) } else { DEAD };
        Self { streams: parts.map(weight), joint: weight(joint) }
    }

    /// Whether the stream with this index is live: some speak in the joint component only.
    #[must_use]
    pub fn is_live(&self, stream: usize) -> bool {
        let regimes = [Stream::Hours, Stream::Spread].map(Stream::index);
        let is_in_joint = regimes.contains(&stream) && self.joint != DEAD;
        is_in_joint || self.weight(stream) != DEAD
    }

    /// The weight of what the stream with this index says in full: its own, or of counts, which have all of
    /// their weight there, the joint component's.
    fn weight(&self, stream: usize) -> Nats {
        let joint = if stream == Stream::Volume.index() { self.joint } else { DEAD };
        self.streams.get(stream).map_or(DEAD, |own| joint.max(*own))
    }

    /// `ln E` of the streams' log e-values.
    #[must_use]
    pub fn merge(&self, streams: &[Nats; STREAMS]) -> Nats {
        let live = streams.iter().zip(self.streams).filter(|(_, weight)| *weight != DEAD);
        let mut sums = live.map(|(log_e, weight)| log_e + weight);
        let first = sums.next().unwrap_or(0);
        let apart = sums.fold(first, add_logs);
        if self.joint == DEAD { apart } else { add_logs(apart, joint(streams) + self.joint) }
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
        let weighed = streams.iter().enumerate().map(|(at, log_e)| (at, *log_e, self.weight(at)));
        let live = weighed.filter(|(.., weight)| *weight != DEAD);
        live.max_by_key(|(at, log_e, weight)| (log_e + weight, std::cmp::Reverse(*at)))
            .map_or(0, |(at, ..)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ONE_NAT;
    use super::*;

    #[test]
    fn streams_at_rest_merge_to_nothing_and_one_loud_stream_loses_its_weight_only() {
        let weights = Weights::new([3.0, 2.0, 2.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0], 0.0);
        assert!(weights.merge(&[0; STREAMS]).abs() < 20);
        let loud = weights.merge(&[20_480, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!((loud - 20_480 - nats(ln(0.3))).abs() < 20, "{loud}");
    }

    #[test]
    fn weak_signs_that_no_mean_would_tell_are_told_together_and_hours_alone_are_not() {
        let weights = Weights::new([0.0, 2.0, 2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 6.0);
        let said = |volume: Nats, hours: Nats| {
            let mut streams = [0; STREAMS];
            (streams[Stream::Volume.index()], streams[Stream::Hours.index()]) = (volume, hours);
            weights.merge(&streams)
        };
        let seven = 7 * ONE_NAT;
        let gained = said(2 * seven, seven) - said(2 * seven, 0);
        assert!((3 * ONE_NAT..5 * ONE_NAT).contains(&gained), "{gained}");
        assert!(said(0, seven) < 4 * ONE_NAT, "{}", said(0, seven));
        assert!(weights.is_live(Stream::Hours.index()));
        let mut loud = [seven; STREAMS];
        loud[Stream::Volume.index()] += ONE_NAT;
        assert_eq!(weights.loudest(&loud), Stream::Volume.index());
        assert!(!weights.is_live(Stream::Cold.index()));
    }

    #[test]
    fn a_stream_that_is_not_live_adds_nothing() {
        let weights = Weights::new([0.0, 2.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0], 0.0);
        assert!(weights.merge(&[60_000, 0, 60_000, 0, 0, 60_000, 0, 60_000, 60_000]).abs() < 20);
        assert_eq!(weights.loudest(&[60_000, 1, 60_000, 0, 9, 0, 0, 0, 0]), 4);
    }
}
