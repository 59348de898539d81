//! Never green but blind: what is wrong with darban itself, seen from inside, once a second.
//!
//! Prometheus has rules for the same; who has none, or whose Prometheus is what broke, hears of it all
//! the same, as a ticket that ends when the trouble does. A pure function of the times and totals that it
//! is shown. A trouble that lasts is said again now and then, to nobody: so one that a killed process
//! left open ends by itself once nobody says it any more.

use super::judging::Judging;
use crate::deliver::{self, ReceiverStats};
use crate::source::kafka;
use crate::time::{HOUR_MS, MINUTE_MS, Moment, SECOND_MS};
use crate::timeline::{Note, Noted, Trouble};
use std::collections::{BTreeMap, VecDeque};

/// What counts as wrong is read over so long.
const WINDOW_MS: i64 = 5 * MINUTE_MS;
/// Between two marks that are kept of the window.
const MARK_MS: i64 = 10 * SECOND_MS;
/// One refused in so many is too many.
const REFUSED_OF: u64 = 20;
/// Fewer refused are no share of anything.
const REFUSED_MIN: u64 = 20;
/// Look-ups are judged so late, and late no more.
const BEHIND_MS: i64 = 5 * MINUTE_MS;
const BEHIND_NO_MORE_MS: i64 = BEHIND_MS / 2;
/// A receiver has taken nothing for so long.
const RECEIVER_MS: i64 = 2 * MINUTE_MS;
/// Filters that had to forget are said to be well after so long.
const FORGETTING_MS: i64 = HOUR_MS;
/// A trouble that lasts is said again after so long.
const AGAIN_MS: i64 = 10 * MINUTE_MS;

/// How things stand. Counts are totals since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample<'a> {
    /// Access records that could be read.
    pub decoded: u64,
    /// Those that could not.
    pub refused: u64,
    /// Look-ups found in the former.
    pub lookups: u64,
    /// Filter generations that were given up because they were full.
    pub forgotten: u64,
    /// Milliseconds of record time between what was judged last and our clock, where more is there to
    /// be read.
    pub behind_ms: i64,
    /// The receivers.
    pub receivers: &'a [ReceiverStats],
}

/// Totals at a moment.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Moment,
    decoded: u64,
    refused: u64,
    lookups: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Blindness {
    marks: VecDeque<Mark>,
    /// Filter generations that were given up by the last look.
    forgotten: Option<u64>,
    /// When filters last had to forget.
    forgot_at: Option<Moment>,
    /// Receivers that take nothing, with since when.
    failing: BTreeMap<String, Moment>,
    /// What is wrong: since when, and when that was last said.
    wrong: BTreeMap<Trouble, (Moment, Moment)>,
}

impl Blindness {
    /// Looks at the running parts; what is wrong is told like anything else.
    pub(super) fn watch(
        &mut self,
        judging: &mut Judging,
        kafka: &kafka::Stats,
        delivery: &deliver::Stats,
        now: Moment,
    ) {
        let (counts, stats) = (judging.counts(), judging.engine().stats());
        let lags = kafka.lag.iter().any(|it| it.2 > 0);
        let judged_to = judging.judged_to().filter(|_| lags);
        let sample = Sample {
            decoded: counts.decoded_total(),
            refused: counts.refused.values().sum(),
            lookups: counts.lookups_total(),
            forgotten: stats.forced_pairs + stats.forced_records,
            behind_ms: judged_to.map_or(0, |it| now.since(it)),
            receivers: &delivery.receivers,
        };
        for what in self.look(now, &sample) {
            judging.note(Note { at: now, what });
        }
    }

    /// Looks at how things stand; what is to be said.
    pub fn look(&mut self, now: Moment, sample: &Sample<'_>) -> Vec<Noted> {
        let mut found = BTreeMap::new();
        found.extend(self.blind(now, sample));
        found.extend(self.forgetting(now, sample));
        let is_behind = self.wrong.contains_key(&Trouble::Behind);
        if sample.behind_ms > if is_behind { BEHIND_NO_MORE_MS } else { BEHIND_MS } {
            found.insert(Trouble::Behind, (sample.behind_ms / MINUTE_MS).unsigned_abs());
        }
        found.extend(self.receivers(now, sample.receivers));
        self.say(now, &found)
    }

    /// Records that are read and give nothing to watch.
    fn blind(&mut self, now: Moment, sample: &Sample<'_>) -> Vec<(Trouble, u64)> {
        let Sample { decoded, refused, lookups, .. } = *sample;
        if self.marks.back().is_none_or(|it| now.since(it.at) >= MARK_MS) {
            self.marks.push_back(Mark { at: now, decoded, refused, lookups });
        }
        while self.marks.get(1).is_some_and(|it| now.since(it.at) >= WINDOW_MS) {
            self.marks.pop_front();
        }
        let Some(first) = self.marks.front().filter(|it| now.since(it.at) >= WINDOW_MS) else {
            return Vec::new();
        };
        let (good, bad) = (decoded - first.decoded, refused - first.refused);
        let mut found = Vec::new();
        if good > 0 && lookups == first.lookups {
            found.push((Trouble::NoLookups, good));
        }
        let all = good + bad;
        if bad >= REFUSED_MIN && bad * REFUSED_OF > all {
            found.push((Trouble::Refusing { of: all }, bad));
        }
        found
    }

    fn forgetting(&mut self, now: Moment, sample: &Sample<'_>) -> Option<(Trouble, u64)> {
        let before = self.forgotten.replace(sample.forgotten);
        if before.is_some_and(|it| sample.forgotten > it) {
            self.forgot_at = Some(now);
        }
        let at = self.forgot_at.filter(|it| now.since(*it) < FORGETTING_MS);
        at.map(|_| (Trouble::Forgetting, sample.forgotten))
    }

    fn receivers(&mut self, now: Moment, stats: &[ReceiverStats]) -> Vec<(Trouble, u64)> {
        let fails = |it: &&ReceiverStats| it.waiting > 0 && it.last_failure > it.last_success;
        let failing: Vec<&ReceiverStats> = stats.iter().filter(fails).collect();
        self.failing.retain(|name, _| failing.iter().any(|it| it.receiver == *name));
        let mut found = Vec::new();
        for it in failing {
            let since = *self.failing.entry(it.receiver.clone()).or_insert(now);
            if now.since(since) >= RECEIVER_MS {
                let trouble = Trouble::ReceiverFailing { name: it.receiver.clone() };
                found.push((trouble, it.waiting as u64));
            }
        }
        found
    }

    /// What begins, what goes on, and what is over.
    fn say(&mut self, now: Moment, found: &BTreeMap<Trouble, u64>) -> Vec<Noted> {
        let mut said = Vec::new();
        let mut note = |trouble: &Trouble, since: Moment, count: u64, over: bool| {
            said.push(Noted::Trouble { trouble: trouble.clone(), since, count, over });
        };
        self.wrong.retain(|trouble, (since, _)| {
            let goes_on = found.keys().any(|it| it.is_same(trouble));
            if !goes_on {
                note(trouble, *since, 0, true);
            }
            goes_on
        });
        for (trouble, count) in found {
            let known = self.wrong.iter_mut().find(|it| it.0.is_same(trouble));
            match known {
                Some((known, (since, said_at))) if now.since(*said_at) >= AGAIN_MS => {
                    *said_at = now;
                    note(known, *since, *count, false);
                }
                Some(_) => {}
                None => {
                    self.wrong.insert(trouble.clone(), (now, now));
                    note(trouble, now, *count, false);
                }
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment(1_795_000_000_000);

    /// What is said when totals rise by these each second for so many minutes.
    fn run(
        blindness: &mut Blindness,
        from: &mut (Moment, [u64; 3]),
        (minutes, rates): (i64, [u64; 3]),
    ) -> Vec<(i64, Trouble, bool)> {
        let mut said = Vec::new();
        for _ in 0..minutes * 60 {
            from.0 = from.0.plus(SECOND_MS);
            from.1.iter_mut().zip(rates).for_each(|(total, rate)| *total += rate);
            let [decoded, refused, lookups] = from.1;
            let sample = Sample { decoded, refused, lookups, ..Sample::default() };
            let second = from.0.since(START) / SECOND_MS;
            let noted = blindness.look(from.0, &sample);
            said.extend(noted.into_iter().filter_map(|it| match it {
                Noted::Trouble { trouble, over, .. } => Some((second, trouble, over)),
                _ => None,
            }));
        }
        said
    }

    #[test]
    fn records_without_a_look_up_for_five_minutes_are_told_and_ended_when_there_is_one() {
        let (mut blindness, mut from) = (Blindness::default(), (START, [0; 3]));
        let mut run = |minutes, rates| run(&mut blindness, &mut from, (minutes, rates));
        assert_eq!(run(10, [9, 0, 5]), []);
        let blind = run(9, [9, 0, 0]);
        assert!(matches!(blind[..], [(890..=930, Trouble::NoLookups, false)]), "{blind:?}");
        let seeing = run(1, [9, 0, 1]);
        assert!(matches!(seeing[..], [(_, Trouble::NoLookups, true)]), "{seeing:?}");
        assert_eq!(run(20, [0, 0, 0]), [], "a log that says nothing is no blindness");
    }

    #[test]
    fn one_refused_in_ten_is_told_and_one_in_a_hundred_is_not() {
        let (mut blindness, mut from) = (Blindness::default(), (START, [0; 3]));
        let mut run = |minutes, rates| run(&mut blindness, &mut from, (minutes, rates));
        assert_eq!(run(10, [100, 1, 50]), []);
        let refusing = run(6, [100, 10, 50]);
        assert!(matches!(refusing[..], [(_, Trouble::Refusing { .. }, false)]), "{refusing:?}");
        let again = run(12, [100, 10, 50]);
        assert!(matches!(again[..], [(_, Trouble::Refusing { .. }, false)]), "{again:?}");
        let over = run(10, [100, 0, 50]);
        assert!(matches!(over[..], [(_, Trouble::Refusing { .. }, true)]), "{over:?}");
    }

    #[test]
    fn filters_that_had_to_forget_are_told_at_once_and_for_an_hour() {
        let mut blindness = Blindness::default();
        let mut look = |minute: i64, forgotten| {
            let sample = Sample { forgotten, ..Sample::default() };
            let said = blindness.look(START.plus(minute * MINUTE_MS), &sample);
            said.iter().filter(|it| is_over(it).is_some()).count()
        };
        assert_eq!([look(0, 0), look(1, 0), look(2, 1), look(3, 1)], [0, 0, 1, 0]);
        assert_eq!([look(61, 1), look(63, 1), look(64, 1)], [1, 1, 0]);
    }

    fn is_over(noted: &Noted) -> Option<bool> {
        match noted {
            Noted::Trouble { over, .. } => Some(*over),
            _ => None,
        }
    }

    #[test]
    fn late_judging_is_told_at_five_minutes_and_ended_at_half_of_that() {
        let mut blindness = Blindness::default();
        let mut look = |second: i64, behind_ms| {
            let sample = Sample { behind_ms, ..Sample::default() };
            let said = blindness.look(START.plus(second * SECOND_MS), &sample);
            said.first().and_then(is_over)
        };
        assert_eq!(look(0, 4 * MINUTE_MS), None);
        assert_eq!(look(1, 6 * MINUTE_MS), Some(false));
        assert_eq!(look(2, 4 * MINUTE_MS), None);
        assert_eq!(look(3, 2 * MINUTE_MS), Some(true));
    }

    #[test]
    fn a_receiver_that_takes_nothing_for_two_minutes_is_named() {
        let mut blindness = Blindness::default();
        let mut look = |second: i64, last_success: i64, waiting: usize| {
            let receiver = ReceiverStats {
                receiver: "pager".to_owned(),
                waiting,
                last_success: Some(START.plus(last_success)),
                last_failure: Some(START.plus(10)),
                ..ReceiverStats::default()
            };
            let sample = Sample { receivers: &[receiver], ..Sample::default() };
            blindness.look(START.plus(second * SECOND_MS), &sample).first().and_then(is_over)
        };
        assert_eq!([look(1, 0, 3), look(100, 0, 3)], [None, None]);
        assert_eq!([look(121, 0, 3), look(122, 0, 3)], [Some(false), None]);
        assert_eq!([look(130, 20, 1), look(131, 20, 0)], [Some(true), None]);
    }
}
