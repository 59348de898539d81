//! Which slices are closed when, by facts alone.

use darban::attribute::Lookup;
use darban::source::Partition;
use darban::time::{MINUTE_MS, Moment, SECOND_MS};
use darban::timeline::{Chunk, Options, PENDING_MAX, SILENT_HOLD_MS, Stamp, Timeline};

const SLOW: Partition = Partition(0);
const FAST: Partition = Partition(1);
/// Our clock; records are younger than it or as old.
const NOW: Moment = Moment(1_795_289_416_000);

fn timeline(partitions: &[Partition]) -> Timeline {
    let mut timeline = Timeline::new(Options::default());
    partitions.iter().for_each(|it| timeline.assigned(*it, 0, NOW));
    timeline
}

/// Records of one partition, each with its look-up, so many seconds before [`NOW`].
fn chunk(partition: Partition, first: i64, seconds_ago: &[i64]) -> Chunk {
    let at = |seconds: &i64| NOW.plus(-seconds * SECOND_MS);
    let stamp = |(offset, seconds): (i64, &i64)| Stamp {
        offset,
        record: Some(at(seconds)),
        event: Some(at(seconds)),
    };
    let lookups = (0_u32..).zip(seconds_ago).map(|(row, seconds)| (row, lookup(at(seconds))));
    Chunk {
        partition,
        stamps: (first..).zip(seconds_ago).map(stamp).collect(),
        lookups: lookups.collect(),
        names: Vec::new(),
    }
}

fn lookup(event: Moment) -> Lookup {
    Lookup { event, content: 1, subject: 1, record: 1, ..Lookup::EMPTY }
}

fn cuts(timeline: &mut Timeline, reading: Moment) -> Vec<(i64, bool)> {
    let next = |it: &mut Timeline| it.cut(reading);
    let ago = |slice: i64| NOW.index(SECOND_MS) - slice;
    std::iter::from_fn(|| next(timeline)).map(|it| (ago(it.slice), it.by_clock)).collect()
}

#[test]
fn a_partition_that_spoke_and_falls_silent_holds_for_half_a_minute_and_is_then_cut_without() {
    let mut timeline = timeline(&[SLOW, FAST]);
    timeline.feed(&chunk(SLOW, 0, &[100]), NOW);
    timeline.feed(&chunk(FAST, 0, &[100, 90, 80]), NOW);
    assert_eq!(cuts(&mut timeline, NOW.plus(SILENT_HOLD_MS - 1)), []);
    timeline.end(FAST, 3, NOW.plus(SILENT_HOLD_MS - 1));
    let cut = cuts(&mut timeline, NOW.plus(SILENT_HOLD_MS));
    assert_eq!(cut, [(100, true), (90, true), (80, true)]);
    assert_eq!(timeline.stats().cut_without, 3);
}

#[test]
fn one_that_comes_back_late_is_judged_with_the_next_slice_and_holds_again() {
    let mut timeline = timeline(&[SLOW, FAST]);
    timeline.feed(&chunk(SLOW, 0, &[100]), NOW);
    timeline.feed(&chunk(FAST, 0, &[100, 90]), NOW);
    timeline.end(FAST, 2, NOW);
    let back = NOW.plus(SILENT_HOLD_MS);
    // Without it there is nothing to judge, so that an empty slice lets alerts resolve.
    assert_eq!(cuts(&mut timeline, back), [(100, true), (90, true), (30, true)]);
    assert_eq!(timeline.stats().cut_without, 3);
    timeline.feed(&chunk(SLOW, 1, &[95, 20]), back);
    assert_eq!((cuts(&mut timeline, back), timeline.stats().late), (vec![(29, true)], 1));
    timeline.feed(&chunk(SLOW, 3, &[19]), back);
    assert_eq!(cuts(&mut timeline, back), [(20, true)]);
}

#[test]
fn a_silent_partition_that_is_ahead_of_a_slice_is_not_missing_from_it() {
    let mut timeline = timeline(&[SLOW, FAST]);
    timeline.feed(&chunk(FAST, 0, &[50]), NOW);
    let later = NOW.plus(SILENT_HOLD_MS);
    timeline.feed(&chunk(SLOW, 0, &[100, 90, 40]), later);
    assert_eq!(cuts(&mut timeline, later), [(100, false), (90, false), (50, true)]);
    assert_eq!(timeline.stats().cut_without, 1);
}

#[test]
fn time_in_which_nobody_listened_is_no_silence() {
    let mut timeline = timeline(&[SLOW, FAST]);
    timeline.feed(&chunk(SLOW, 0, &[100]), NOW);
    timeline.feed(&chunk(FAST, 0, &[100, 90]), NOW);
    timeline.was_away(MINUTE_MS);
    assert_eq!(cuts(&mut timeline, NOW.plus(MINUTE_MS)), []);
    assert_eq!(cuts(&mut timeline, NOW.plus(MINUTE_MS + SILENT_HOLD_MS)).len(), 2);
}

#[test]
fn a_file_is_never_silent() {
    let mut timeline = Timeline::new(Options::default());
    timeline.opened(SLOW);
    timeline.opened(FAST);
    let lines: Vec<i64> = (0..40).map(|it| 100 - it).collect();
    timeline.feed(&chunk(FAST, 1, &lines), NOW);
    assert_eq!(cuts(&mut timeline, NOW.plus(9 * SILENT_HOLD_MS)), []);
    timeline.feed(&chunk(SLOW, 1, &lines[..20]), NOW);
    assert_eq!(timeline.stats().cut_without, 0);
}

#[test]
fn one_far_ahead_is_held_back_while_too_much_is_kept_and_let_go_when_the_slowest_comes_near() {
    let mut timeline = timeline(&[SLOW, FAST]);
    timeline.feed(&chunk(SLOW, 0, &[1_000]), NOW);
    timeline.feed(&chunk(FAST, 0, &vec![500; PENDING_MAX - 1]), NOW);
    assert!(timeline.hold_back(NOW).is_empty());
    timeline.feed(&chunk(FAST, PENDING_MAX.cast_signed() as i64, &[500]), NOW);
    for later in [NOW, NOW.plus(SILENT_HOLD_MS - 1)] {
        assert_eq!(timeline.hold_back(later).into_iter().collect::<Vec<_>>(), [FAST]);
    }
    let later = NOW.plus(SILENT_HOLD_MS);
    timeline.feed(&chunk(SLOW, 1, &[502]), later);
    assert_eq!(cuts(&mut timeline, later), [(1_000, false)]);
    assert!(timeline.hold_back(later).contains(&FAST));
    timeline.feed(&chunk(SLOW, 2, &[501]), later);
    assert!(timeline.hold_back(later).is_empty());
    assert_eq!(timeline.stats().held_back, 1);
    // It has had no time to speak since: it holds its slice, and is not passed over.
    assert_eq!(cuts(&mut timeline, later), [(502, false)]);
    assert_eq!(timeline.stats().cut_without, 0);
}

#[test]
fn a_partition_that_comes_back_resumes_where_the_source_says() {
    let mut timeline = timeline(&[FAST]);
    timeline.feed(&chunk(FAST, 0, &[100, 90]), NOW);
    timeline.end(FAST, 2, NOW);
    cuts(&mut timeline, NOW.plus(MINUTE_MS));
    timeline.revoked(FAST, NOW);
    timeline.assigned(FAST, 7, NOW);
    assert_eq!(timeline.resume()[0].resume, 7);
}
