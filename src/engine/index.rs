//! Where in the log a minute stands: the offsets that alerts name.

use crate::alert::OffsetSpan;
use crate::source::{Partition, Place};
use crate::time::{MINUTE_MS, Moment};
use crate::timeline::Cut;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, VecDeque};

/// Minutes kept a partition: a week. An older episode's span begins where the index does.
const MINUTES_MAX: usize = 7 * 24 * 60;

#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
struct Minute {
    minute: i64,
    first: i64,
    last: i64,
}

/// One entry a minute of record time and partition.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct CutIndex {
    lanes: BTreeMap<Partition, VecDeque<Minute>>,
    places: BTreeMap<Partition, Place>,
}

impl CutIndex {
    pub(super) fn name(&mut self, partition: Partition, place: Place) {
        self.places.insert(partition, place);
    }

    pub(super) fn take(&mut self, cut: &Cut) {
        let minute = cut.at.plus(-1).index(MINUTE_MS);
        // Partitions are numbered from 0; what a cut has of each is gathered first.
        let mut spans: Vec<Option<(i64, i64)>> = Vec::new();
        for placed in &cut.lookups {
            let at = usize::from(placed.partition.0);
            if spans.len() <= at {
                spans.resize(at + 1, None);
            }
            let Some(span) = spans.get_mut(at) else { continue };
            let (first, last) = span.get_or_insert((placed.offset, placed.offset));
            (*first, *last) = ((*first).min(placed.offset), (*last).max(placed.offset));
        }
        for (partition, span) in (0..).map(Partition).zip(spans) {
            let Some((first, last)) = span else { continue };
            let lane = self.lanes.entry(partition).or_default();
            match lane.back_mut() {
                Some(known) if known.minute >= minute => {
                    known.first = known.first.min(first);
                    known.last = known.last.max(last);
                }
                _ => lane.push_back(Minute { minute, first, last }),
            }
            if lane.len() > MINUTES_MAX {
                lane.pop_front();
            }
        }
    }

    /// The spans of every partition from `since` to now.
    pub(super) fn spans(&self, since: Moment) -> Vec<OffsetSpan> {
        let since = since.index(MINUTE_MS);
        let span = |(partition, lane): (&Partition, &VecDeque<Minute>)| {
            let place = self.places.get(partition)?;
            let begin = lane.partition_point(|it| it.minute < since);
            let minutes = || lane.iter().skip(begin);
            Some(OffsetSpan {
                topic: place.topic.clone(),
                partition: place.number,
                first: minutes().map(|it| it.first).min()?,
                last: minutes().map(|it| it.last).max()?,
            })
        };
        self.lanes.iter().filter_map(span).collect()
    }
}
