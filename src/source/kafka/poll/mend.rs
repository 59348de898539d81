//! A partition whose next offset is no longer in the log.
//!
//! librdkafka says so once, names no partition, and that one is silent for ever after. So all are
//! looked at until every one has been answered for, a second after each look-up that failed. One
//! that is out of its log's bounds is begun anew. If none is, the log has grown past the offset
//! again in the meantime: then all are, for one of them is silent and it cannot be told which.

use super::{AGAIN_MS, LOOK_UP, Poller};
use crate::source::Partition;
use crate::time::Moment;
use rdkafka::consumer::Consumer as _;
use std::collections::VecDeque;

/// Partitions to be looked at.
#[derive(Debug, Default)]
pub(super) struct Mending {
    pub(super) left: VecDeque<Partition>,
    /// Those that are out of bounds.
    broken: Vec<Partition>,
    /// Not before.
    look_at: Moment,
}

impl Poller {
    /// Some partition is to be mended.
    pub(super) fn look_for_broken(&mut self) {
        let left = self.shared.owned().keys().copied().collect();
        self.mending = Mending { left, broken: Vec::new(), look_at: self.mending.look_at };
    }

    /// Looks at those that are left, when it is time.
    pub(super) fn mend(&mut self) {
        if self.mending.left.is_empty() || self.clock.now() < self.mending.look_at {
            return;
        }
        while let Some(partition) = self.mending.left.pop_front() {
            let Some(own) = self.shared.owned().get(&partition).cloned() else { continue };
            match self.consumer.fetch_watermarks(&own.topic, own.number, LOOK_UP) {
                Ok((low, high)) if (low..=high).contains(&own.next) => {}
                Ok(_out_of_bounds) => self.mending.broken.push(partition),
                Err(error) => {
                    self.tell(&error);
                    self.mending.left.push_back(partition);
                    self.mending.look_at = self.later(AGAIN_MS);
                    return;
                }
            }
        }
        let broken = std::mem::take(&mut self.mending.broken);
        let again = match broken.is_empty() {
            true => self.shared.owned().keys().copied().collect(),
            false => broken,
        };
        self.mending.look_at = self.later(AGAIN_MS);
        self.begin_anew(&again);
    }
}
