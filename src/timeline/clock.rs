//! A partition's clock: record time made monotone, and guarded against stamps from the future.
//!
//! Kafka stamps a record itself, so there record time is the stamp, clamped when it lies more
//! than an hour ahead of our own clock. A file has only what the gateway wrote, and gateways
//! write late and out of order (94 % of the lines of one real log lie up to 59 s behind the
//! file's own clock). A line of the year 2099 must not close every slice to come, and yet a
//! night without traffic is an honest jump: so a file's clock moves more than an hour only when
//! the following [`AGREEING`] lines agree that it did.

use super::Stamp;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use std::collections::VecDeque;

/// How far ahead of our clock a record time may lie before it is clamped.
pub const RECORD_AHEAD_MAX_MS: i64 = HOUR_MS;
/// How far behind record time an event time may lie before it is clamped.
pub const EVENT_BEHIND_MAX_MS: i64 = DAY_MS;
/// How far ahead of record time an event time may lie before it is clamped.
pub const EVENT_AHEAD_MAX_MS: i64 = 5 * MINUTE_MS;
/// How many following lines must agree before a file's clock jumps.
pub(super) const AGREEING: usize = 16;

/// What a partition's clock goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Kafka's record timestamps.
    Record,
    /// The event times of a file's lines.
    Event,
}

/// The clock of one partition.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    kind: Kind,
    now: Option<Moment>,
    clamped: u64,
}

impl Clock {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, now: None, clamped: 0 }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn now(&self) -> Option<Moment> {
        self.now
    }

    /// It stood here before.
    pub(super) const fn set(&mut self, now: Option<Moment>) {
        self.now = now;
    }

    /// Whether the time of a record of Kafka's will come from our own clock's `reading`.
    pub(super) fn reads(&self, stamp: &Stamp, reading: Moment) -> bool {
        match stamp.record.or(stamp.event) {
            Some(time) => time.since(reading) > RECORD_AHEAD_MAX_MS,
            None => self.now.is_none(),
        }
    }

    /// How many stamps were clamped.
    pub(super) const fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Moves on by one record and returns its record time. `ahead` holds the event times of the
    /// lines that follow (for files), `reading` is our own clock (for Kafka).
    pub(super) fn advance(
        &mut self,
        stamp: &Stamp,
        ahead: &VecDeque<Stamp>,
        reading: Moment,
    ) -> Moment {
        let now = match self.kind {
            Kind::Record => self.by_record(stamp, reading),
            Kind::Event => self.by_event(stamp, ahead),
        };
        self.now = Some(now);
        now
    }

    fn by_record(&mut self, stamp: &Stamp, reading: Moment) -> Moment {
        let Some(time) = stamp.record.or(stamp.event) else {
            return self.now.unwrap_or(reading);
        };
        let far = time.since(reading) > RECORD_AHEAD_MAX_MS;
        self.clamped += u64::from(far);
        let time = if far { reading } else { time };
        self.now.map_or(time, |now| now.max(time))
    }

    fn by_event(&mut self, stamp: &Stamp, ahead: &VecDeque<Stamp>) -> Moment {
        let Some(time) = stamp.event else {
            return self.now.or_else(|| earliest(ahead)).unwrap_or_default();
        };
        let Some(now) = self.now else {
            // The first line may be the forged one: start at the earliest of those in sight.
            return earliest(ahead).map_or(time, |it| it.min(time));
        };
        if time.since(now) <= RECORD_AHEAD_MAX_MS {
            return now.max(time);
        }
        let later = |it: &Stamp| it.event.is_none_or(|at| at.since(now) > RECORD_AHEAD_MAX_MS);
        if !ahead.iter().take(AGREEING).all(later) {
            self.clamped += 1;
            return now;
        }
        // They agree that it is later, and the earliest of them says how much.
        earliest(ahead).map_or(time, |it| it.min(time))
    }
}

fn earliest(ahead: &VecDeque<Stamp>) -> Option<Moment> {
    ahead.iter().take(AGREEING).filter_map(|it| it.event).min()
}

/// Event time as a feature: what the gateway wrote, within a day behind and five minutes ahead of
/// record time.
pub(super) fn clamp_event(event: Moment, record: Moment) -> Moment {
    event.max(record.plus(-EVENT_BEHIND_MAX_MS)).min(record.plus(EVENT_AHEAD_MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(event: i64) -> Stamp {
        Stamp { offset: 0, record: None, event: Some(Moment(event)) }
    }

    fn walk(times: &[i64]) -> Vec<i64> {
        let mut clock = Clock::new(Kind::Event);
        let mut ahead: VecDeque<Stamp> = times.iter().map(|it| stamp(*it)).collect();
        let mut out = Vec::new();
        while let Some(next) = ahead.pop_front() {
            out.push(clock.advance(&next, &ahead, Moment(0)).0);
        }
        out
    }

    #[test]
    fn one_line_of_the_year_2099_does_not_move_a_files_clock() {
        let mut times: Vec<i64> = (0..40).map(|it| it * 1_000).collect();
        times[0] = 4_000_000_000_000;
        times[20] = 4_000_000_000_000;
        let clock = walk(&times);
        assert!(clock.iter().all(|it| *it < 40_000), "{clock:?}");
    }

    #[test]
    fn a_night_without_traffic_moves_it_at_once() {
        let day = 8 * HOUR_MS;
        let times: Vec<i64> = (0..40).map(|it| if it < 20 { it } else { day + it }).collect();
        assert_eq!(walk(&times), times);
    }

    #[test]
    fn a_record_stamp_far_ahead_of_our_clock_is_clamped_to_it() {
        let mut clock = Clock::new(Kind::Record);
        let reading = Moment(HOUR_MS);
        let far = Stamp { offset: 0, record: Some(Moment(9 * HOUR_MS)), event: None };
        assert_eq!(clock.advance(&far, &VecDeque::new(), reading), reading);
        assert_eq!(clock.clamped(), 1);
    }
}
