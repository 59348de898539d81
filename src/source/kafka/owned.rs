//! A partition that is ours, and how its end is known.
//!
//! librdkafka tells the end of a partition as an event that names a number and no topic. Where one
//! partition has that number the event is its own, in order behind its records: the end was *met*,
//! and what statistics later say lies between the last record and the end are marks of
//! transactions, which are skipped. Where several topics have a partition of that number only the
//! statistics tell them apart. They are not in order with the records, so such an end is merely
//! *seen*: slices close by it, but no offset is skipped on its word.

use super::context::Standing;
use std::sync::Arc;

/// Statistics to let pass after fetching began anew: the first ones may tell of the time before.
const UNSETTLED: u8 = 2;

/// Whether a partition is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Records came or may come.
    Ahead,
    /// Statistics place it there.
    Seen(i64),
    /// Its own event came, and neither a record nor a pause since.
    Met,
}

/// A partition that is ours.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
    /// The next offset to be taken.
    pub(super) next: i64,
    /// The end of the log.
    pub(super) high: i64,
    pub(super) end: End,
    /// What the group had committed: nothing below is committed, because whoever had it meanwhile
    /// has judged that far.
    pub(super) floor: i64,
    /// It is paused because it is far ahead of the others.
    pub(super) held_back: bool,
    /// It is paused, for that or because the workers are busy. librdkafka keeps a pause over the
    /// loss of a partition, so it is taken back before that.
    pub(super) paused: bool,
    unsettled: u8,
}

impl Owned {
    /// Ours from `next` on.
    pub(super) fn new((topic, number): (Arc<str>, i32), next: i64, high: i64) -> Self {
        Self {
            topic,
            number,
            next,
            high,
            end: End::Ahead,
            floor: next,
            held_back: false,
            paused: false,
            unsettled: UNSETTLED,
        }
    }

    /// It was paused or let go: what was fetched is thrown away and comes again, and so does its
    /// end.
    pub(super) const fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.end = End::Ahead;
        self.unsettled = UNSETTLED;
    }

    /// Takes a record; how many offsets before it hold none. `None` where it came before.
    pub(super) fn take(&mut self, offset: i64) -> Option<u64> {
        let holes = u64::try_from(offset.saturating_sub(self.next)).ok()?;
        self.next = offset.saturating_add(1);
        self.high = self.high.max(self.next);
        self.end = End::Ahead;
        Some(holes)
    }

    /// Its own end event came.
    pub(super) fn meet_end(&mut self) {
        self.high = self.high.max(self.next);
        self.end = End::Met;
    }

    /// Takes statistics, when nothing is left to be taken from librdkafka since they were made.
    /// `alone`: no other partition has its number. How many offsets were skipped, where its end
    /// is to be told.
    pub(super) fn stand(&mut self, standing: &Standing, alone: bool) -> Option<u64> {
        self.high = standing.high.max(self.next);
        let settled = self.unsettled == 0;
        self.unsettled = self.unsettled.saturating_sub(1);
        let at = standing.ended_at.filter(|it| *it >= self.next)?;
        match self.end {
            End::Met if at > self.next => {
                let holes = u64::try_from(at.saturating_sub(self.next)).unwrap_or(0);
                (self.next, self.high) = (at, self.high.max(at));
                Some(holes)
            }
            End::Ahead if !alone && settled => {
                self.end = End::Seen(at);
                Some(0)
            }
            End::Seen(_) => {
                self.end = End::Seen(at);
                None
            }
            End::Met | End::Ahead => None,
        }
    }

    /// Records that stand in the log and were not taken.
    pub(super) fn lag(&self) -> u64 {
        let next = match self.end {
            End::Seen(at) => at.max(self.next),
            End::Met | End::Ahead => self.next,
        };
        u64::try_from(self.high.saturating_sub(next)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Owned {
        let mut own = Owned::new(("log".into(), 0), 5, 5);
        assert_eq!((own.take(7), own.take(6)), (Some(2), None));
        own
    }

    fn standing(high: i64, ended_at: Option<i64>) -> Standing {
        Standing { topic: "log".to_owned(), number: 0, high, ended_at }
    }

    #[test]
    fn the_marks_of_a_transaction_are_skipped_when_the_end_was_met() {
        let mut own = own();
        assert_eq!(own.stand(&standing(9, Some(9)), true), None);
        assert_eq!((own.next, own.lag()), (8, 1));
        own.meet_end();
        assert_eq!(own.stand(&standing(9, Some(9)), true), Some(1));
        assert_eq!((own.next, own.lag()), (9, 0));
        assert_eq!(own.stand(&standing(9, Some(9)), true), None);
    }

    #[test]
    fn of_several_topics_the_end_is_seen_behind_a_mark_and_nothing_is_skipped() {
        let mut own = own();
        for _ in 0..UNSETTLED {
            assert_eq!(own.stand(&standing(9, Some(9)), false), None);
        }
        assert_eq!(own.stand(&standing(9, Some(9)), false), Some(0));
        assert_eq!((own.next, own.lag(), own.end), (8, 0, End::Seen(9)));
        assert_eq!(own.stand(&standing(9, Some(9)), false), None);
        assert_eq!(own.stand(&standing(12, Some(9)), false), None);
        assert_eq!((own.lag(), own.take(10)), (3, Some(2)));
        assert_eq!(own.end, End::Ahead);
    }

    #[test]
    fn statistics_from_before_a_pause_tell_of_no_end() {
        let mut own = own();
        own.meet_end();
        own.pause(true);
        for alone in [true, false] {
            assert_eq!(own.stand(&standing(90, Some(90)), alone), None);
        }
        assert_eq!(own.next, 8);
    }

    #[test]
    fn an_end_behind_which_records_were_taken_is_none() {
        let mut own = own();
        own.pause(true);
        (0..9).for_each(|_| assert_eq!(own.stand(&standing(8, Some(7)), false), None));
        assert_eq!(own.end, End::Ahead);
    }
}
