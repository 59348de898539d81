//! Never green but blind: what is wrong with darban itself, seen from inside, once a second.
//!
//! Prometheus has rules for the same; who has none, or whose Prometheus is what broke, hears of it all
//! the same, as a ticket that ends when the trouble does. A pure function of the times and totals that it
//! is shown. A trouble that lasts is said again now and then, to nobody: so one that a killed process
//! left open ends by itself once nobody says it any more.

use super::judging::Judging;
use crate::deliver::{self, ReceiverStats};
use crate::evidence::ebb::Ebb;
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
/// For so long it must be so: the first record after a quiet night is no backlog.
const BEHIND_FOR_MS: i64 = 10 * SECOND_MS;
/// A receiver has taken nothing for so long.
const RECEIVER_MS: i64 = 2 * MINUTE_MS;
/// Filters that had to forget are said to be well after so long.
const FORGETTING_MS: i64 = HOUR_MS;
/// A trouble that lasts is said again after so long: sooner than any alert ends by itself.
const AGAIN_MS: i64 = MINUTE_MS / 2;

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
    /// Routes with far fewer look-ups than at these hours before: in a quarter of an hour, and what
    /// that usually holds.
    pub dry: &'a [(&'a str, Ebb)],
    /// The receivers.
    pub receivers: &'a [ReceiverStats],
}

/// How much there is of a trouble: so many, of so many where that says more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extent {
    count: u64,
    of: u64,
}

impl From<&Ebb> for Extent {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, rounded")]
    fn from(ebb: &Ebb) -> Self {
        Self { count: ebb.seen as u64, of: ebb.usual.round() as u64 }
    }
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
    /// What is found, with since when, whether or not it is told yet.
    since: BTreeMap<Trouble, Moment>,
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
        // Where all is read, silence is silence, and our clock says how long it lasts.
        let at = judging.judged_to().map(|it| if lags { it } else { it.max(now) });
        let is_told = |route: &str| self.wrong.contains_key(&Trouble::run_dry(route));
        let dry = at.map(|at| judging.engine().dry(at, is_told)).unwrap_or_default();
        let sample = Sample {
            decoded: counts.decoded_total(),
            refused: counts.refused.values().sum(),
            lookups: counts.lookups_total(),
            forgotten: stats.forced_pairs + stats.forced_records,
            behind_ms: judged_to.map_or(0, |it| now.since(it)),
            dry: &dry,
            receivers: &delivery.receivers,
        };
        for what in self.look(now, &sample) {
            judging.note(Note { at: now, what });
        }
    }

    /// Looks at how things stand; what is to be said.
    pub fn look(&mut self, now: Moment, sample: &Sample<'_>) -> Vec<Noted> {
        let mut found = self.blind(now, sample);
        found.extend(self.forgetting(now, sample));
        found.extend(self.behind(sample));
        found.extend(failing(sample.receivers));
        found.extend(sample.dry.iter().map(|(route, ebb)| (Trouble::run_dry(route), ebb.into())));
        let lasting = self.lasting(now, found);
        self.say(now, &lasting)
    }

    /// Records that are read and give nothing to watch.
    fn blind(&mut self, now: Moment, sample: &Sample<'_>) -> BTreeMap<Trouble, Extent> {
        let Sample { decoded, refused, lookups, .. } = *sample;
        if self.marks.back().is_none_or(|it| now.since(it.at) >= MARK_MS) {
            self.marks.push_back(Mark { at: now, decoded, refused, lookups });
        }
        while self.marks.get(1).is_some_and(|it| now.since(it.at) >= WINDOW_MS) {
            self.marks.pop_front();
        }
        let Some(first) = self.marks.front().filter(|it| now.since(it.at) >= WINDOW_MS) else {
            return BTreeMap::new();
        };
        let (good, bad) = (decoded - first.decoded, refused - first.refused);
        let mut found = BTreeMap::new();
        if good > 0 && lookups == first.lookups {
            found.insert(Trouble::NoLookups, Extent { count: good, of: 0 });
        }
        let all = good + bad;
        if bad >= REFUSED_MIN && bad * REFUSED_OF > all {
            found.insert(Trouble::Refusing, Extent { count: bad, of: all });
        }
        found
    }

    fn forgetting(&mut self, now: Moment, sample: &Sample<'_>) -> Option<(Trouble, Extent)> {
        let before = self.forgotten.replace(sample.forgotten);
        if before.is_some_and(|it| sample.forgotten > it) {
            self.forgot_at = Some(now);
        }
        let at = self.forgot_at.filter(|it| now.since(*it) < FORGETTING_MS);
        at.map(|_| (Trouble::Forgetting, Extent { count: sample.forgotten, of: 0 }))
    }

    fn behind(&self, sample: &Sample<'_>) -> Option<(Trouble, Extent)> {
        let is_known = self.wrong.contains_key(&Trouble::Behind);
        let most_ms = if is_known { BEHIND_NO_MORE_MS } else { BEHIND_MS };
        let minutes = (sample.behind_ms / MINUTE_MS).unsigned_abs();
        (sample.behind_ms > most_ms).then_some((Trouble::Behind, Extent { count: minutes, of: 0 }))
    }

    /// Of what is found, that which is so for as long as it must be before it is told.
    fn lasting(
        &mut self,
        now: Moment,
        mut found: BTreeMap<Trouble, Extent>,
    ) -> BTreeMap<Trouble, Extent> {
        self.since.retain(|trouble, _| found.contains_key(trouble));
        found.retain(|trouble, _| {
            let since = *self.since.entry(trouble.clone()).or_insert(now);
            now.since(since) >= held_back_ms(trouble)
        });
        found
    }

    /// What begins, what goes on, and what is over.
    fn say(&mut self, now: Moment, found: &BTreeMap<Trouble, Extent>) -> Vec<Noted> {
        let note = |trouble: &Trouble, since, Extent { count, of }, over| Noted::Trouble {
            trouble: trouble.clone(),
            since,
            count,
            of,
            over,
        };
        let over = self.wrong.extract_if(.., |trouble, _| !found.contains_key(trouble));
        let mut said: Vec<Noted> =
            over.map(|(it, (since, _))| note(&it, since, Extent::default(), true)).collect();
        for (trouble, extent) in found {
            let began = self.since.get(trouble).copied().unwrap_or(now);
            let (since, said_at) = self.wrong.entry(trouble.clone()).or_insert((began, Moment(0)));
            if now.since(*said_at) >= AGAIN_MS {
                *said_at = now;
                said.push(note(trouble, *since, *extent, false));
            }
        }
        said
    }
}

/// Receivers that have taken nothing since they last failed, though something waits for them, or that
/// want no more.
fn failing(stats: &[ReceiverStats]) -> impl Iterator<Item = (Trouble, Extent)> + '_ {
    let fails =
        |it: &&ReceiverStats| (it.waiting > 0 || it.gone) && it.last_failure > it.last_success;
    stats.iter().filter(fails).map(|it| {
        let trouble = Trouble::ReceiverFailing { name: it.receiver.clone() };
        let count = if it.gone { it.dead } else { it.waiting as u64 };
        (trouble, Extent { count, of: 0 })
    })
}

/// How long something must be so before it is told. What is read over five minutes has lasted that
/// long already; a record that comes after a quiet night is judged in a second.
const fn held_back_ms(trouble: &Trouble) -> i64 {
    match trouble {
        Trouble::NoLookups | Trouble::Refusing | Trouble::Forgetting | Trouble::RunDry { .. } => 0,
        Trouble::Behind => BEHIND_FOR_MS,
        Trouble::ReceiverFailing { .. } => RECEIVER_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment(1_795_000_000_000);

    /// What is said when totals rise by these each second for so many minutes, but for what is said
    /// again.
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
        said.dedup_by_key(|it| (it.1.clone(), it.2));
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
        assert!(matches!(refusing[..], [(_, Trouble::Refusing, false), ..]), "{refusing:?}");
        let over = run(10, [100, 0, 50]);
        assert!(matches!(over[..], [.., (_, Trouble::Refusing, true)]), "{over:?}");
    }

    #[test]
    fn filters_that_had_to_forget_are_told_at_once_and_for_an_hour() {
        let mut blindness = Blindness::default();
        let mut look = |minute: i64, forgotten| {
            let sample = Sample { forgotten, ..Sample::default() };
            let said = blindness.look(START.plus(minute * MINUTE_MS), &sample);
            said.first().and_then(is_over)
        };
        assert_eq!([look(0, 0), look(1, 0), look(2, 1)], [None, None, Some(false)]);
        assert_eq!([look(3, 1), look(61, 1)], [Some(false); 2], "said again while it lasts");
        assert_eq!([look(63, 1), look(64, 1)], [Some(true), None]);
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
        assert_eq!([look(0, 4 * MINUTE_MS), look(1, 6 * MINUTE_MS)], [None; 2]);
        assert_eq!([look(2, 0), look(15, 0)], [None; 2], "a first record after a quiet night");
        assert_eq!([look(20, 6 * MINUTE_MS), look(29, 6 * MINUTE_MS)], [None; 2]);
        assert_eq!(look(30, 6 * MINUTE_MS), Some(false));
        assert_eq!(look(36, 4 * MINUTE_MS), None);
        assert_eq!(look(37, 2 * MINUTE_MS), Some(true));
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

    #[test]
    fn a_route_that_runs_dry_is_told_with_what_it_holds_and_ends() {
        let mut blindness = Blindness::default();
        let mut look = |second, dry: &[(&str, Ebb)]| {
            let sample = Sample { dry, ..Sample::default() };
            blindness.look(START.plus(second * SECOND_MS), &sample)
        };
        let trouble = Trouble::run_dry("person");
        let told = |since: i64, (count, of), over| Noted::Trouble {
            trouble: trouble.clone(),
            since: START.plus(since * SECOND_MS),
            count,
            of,
            over,
        };
        let dry = [("person", Ebb { seen: 40.0, usual: 149.6 })];
        assert_eq!(look(1, &[]), []);
        assert_eq!(look(2, &dry), [told(2, (40, 150), false)]);
        assert_eq!(look(3, &[]), [told(2, (0, 0), true)]);
    }
}
