//! Where in the log a minute stands: the offsets that alerts name.

use crate::alert::OffsetSpan;
use crate::source::{Partition, Place};
use crate::time::{MINUTE_MS, Moment};
use crate::timeline::Cut;
use std::collections::{BTreeMap, VecDeque};

/// Minutes kept a partition: a week. An older episode's span begins where the index does.
const MINUTES_MAX: usize = 7 * 24 * 60;

#[derive(Clone, Copy, Debug)]
struct Minute {
    minute: i64,
    first: i64,
    last: i64,
}

/// One entry a minute of record time and partition.
#[derive(Clone, Debug, Default)]
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
        for placed in &cut.lookups {
            let lane = self.lanes.entry(placed.partition).or_default();
            match lane.back_mut() {
                Some(last) if last.minute >= minute => {
                    last.first = last.first.min(placed.offset);
                    last.last = last.last.max(placed.offset);
                }
                _ => lane.push_back(Minute { minute, first: placed.offset, last: placed.offset }),
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
