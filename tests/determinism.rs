//! The alert set is a pure function of the log and the cuts: not of partitions, of the order in
//! which they are read, of batch sizes, of threads.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "numbers of a test are small"
)]

use darban::alert::{Alert, Kind};
use darban::attribute::{
    ClassId, KEY_KINDS, KeyKind, Lookup, Mask, NameRef, Outcome, Position, RouteClass, RouteId,
};
use darban::engine::{Engine, Lanes, SHARDS, Serial, Settings};
use darban::evidence::nats;
use darban::judge::{Acts, Levels, Limits, RouteRules, weights_of};
use darban::novelty;
use darban::pipeline::Pool;
use darban::profile::ClassSpec;
use darban::source::{Partition, Place};
use darban::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};
use darban::timeline::{self, Chunk, Stamp, Timeline};
use std::collections::BTreeSet;

/// A generator of well-mixed numbers from one seed (SplitMix64, Steele et al. 2014).
pub(crate) struct Mix(pub(crate) u64);

impl Mix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash(self.0)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 8) % bound
    }
}

fn hash(mut it: u64) -> u64 {
    it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (it ^ it >> 31) | 1
}

pub(crate) struct Line {
    pub(crate) at: i64,
    staff: Option<u64>,
    address: u64,
    route: u16,
    id: u64,
    outcome: Outcome,
}

/// Ten days of honest traffic in which forty harvests of every shape hide.
pub(crate) fn traffic(seed: u64) -> Vec<Line> {
    let mut mix = Mix(seed);
    let mut lines = Vec::new();
    let start = 20_000 * DAY_MS;
    for day in 0..10 {
        let morning = start + day * DAY_MS + 8 * HOUR_MS;
        (0..60).for_each(|staff| lines.extend(working_day(morning, staff, &mut mix)));
    }
    for harvest in 0..40_u64 {
        let begin = start + 8 * DAY_MS + mix.below(DAY_MS as u64) as i64;
        let first = mix.below(1 << 40);
        // Who guesses in a hurry is told by the hurry.
        let seconds = if harvest % 4 == 1 { 9 } else { 3 };
        for step in 0..150_u64 {
            let at = begin + step as i64 * seconds * SECOND_MS;
            let (id, outcome) = match harvest % 4 {
                0 => (first + step, Outcome::Disclosed),
                1 if step % 2 == 0 => (mix.below(1 << 40), Outcome::Missed),
                1 => (mix.below(1 << 40), Outcome::Disclosed),
                2 => (first + step * 100_000 + mix.below(90_000), Outcome::Disclosed),
                _ => (mix.below(1 << 40), Outcome::Disclosed),
            };
            let register = harvest % 4 == 3 || harvest % 8 == 2;
            let staff = (!register).then_some(1_000 + harvest);
            let route = u16::from(register);
            lines.push(Line { at, staff, address: 500 + harvest, route, id, outcome });
        }
    }
    lines.sort_by_key(|it| it.at);
    for (at, line) in lines.iter_mut().enumerate() {
        // A total order: every line has a stamp of its own.
        line.at = line.at / SECOND_MS * SECOND_MS;
        line.at = line.at.max(start) + at as i64;
    }
    lines.sort_by_key(|it| it.at);
    lines.dedup_by_key(|it| it.at);
    lines
}

fn working_day(morning: i64, staff: u64, mix: &mut Mix) -> Vec<Line> {
    let count = 12 + mix.below(12);
    let line = |_| {
        let at = morning + mix.below(9 * 3_600_000) as i64;
        let outcome = if mix.below(30) == 0 { Outcome::Missed } else { Outcome::Disclosed };
        let id = mix.below(1 << 40);
        Line { at, staff: Some(staff), address: staff / 10, route: 0, id, outcome }
    };
    (0..count).map(line).collect()
}

fn lookup(line: &Line, names: &mut Vec<u8>) -> Lookup {
    let mut keys = [0; KEY_KINDS];
    let mut classes = [ClassId(0); KEY_KINDS];
    let at = NameRef(u32::try_from(names.len()).unwrap());
    let address = KeyKind::Address.index();
    keys[address] = hash(line.address + 70_000);
    classes[address] = ClassId(1);
    let mut present = 1_u16 << address;
    let mut written = Vec::new();
    if let Some(staff) = line.staff {
        keys[KeyKind::Staff.index()] = hash(staff + 90_000);
        present |= 1 << KeyKind::Staff.index();
        written.push(format!("clinic-{staff}"));
    }
    written.push(format!("10.0.0.{}", line.address));
    names.extend(present.to_le_bytes());
    for name in written {
        names.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        names.extend(name.as_bytes());
    }
    let subject = hash(line.id ^ 0x5555);
    Lookup {
        event: Moment(line.at),
        content: hash(subject ^ hash(line.at.unsigned_abs())),
        keys,
        classes,
        route: RouteId(line.route),
        outcome: line.outcome,
        subject,
        record: subject,
        position: Position::new(line.id),
        mask: Mask::of(line.id.to_string().as_bytes()),
        names: at,
        ..Lookup::EMPTY
    }
}

pub(crate) fn settings() -> Settings {
    let class = |name: &str, subjects, k, minute, longer| ClassSpec {
        name: name.to_owned(),
        subjects,
        per_session: false,
        k,
        minute,
        longer,
        k_new: 1.2,
        misses: 0.05,
        observe_days: 0,
    };
    let route = |name: &str, kind| RouteRules {
        name: name.into(),
        class: kind,
        ordered: true,
        by_cursor: false,
        names_regions: false,
        national: false,
        households: false,
        acts: Acts::default(),
        weights: weights_of(kind, true),
        observe: false,
        classes: vec![class("staff", 20.0, 4.0, 1.4, 4.5), class("address", 20.0, 0.3, 10.0, 10.0)],
        class_observe: vec![false, false],
    };
    Settings {
        routes: vec![
            route("beneficiary", RouteClass::Personal),
            route("protocol", RouteClass::Register),
        ],
        levels: Levels { page: nats(18.06), ticket: nats(13.46), records_page: 1_000 },
        resolve_after_ms: HOUR_MS,
        update_factor: 3.0,
        watch_list: std::sync::Arc::default(),
        slice_ms: SECOND_MS,
        // Small enough that filters rotate by force and profiles are evicted.
        novelty: novelty::Options {
            pairs_max: 255,
            pair_horizon_ms: 10 * DAY_MS,
            ..novelty::Options::default()
        },
        limits: Limits { profiles_max: 3, suspects_max: 64 },
        alert_key: (1, 2),
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Keyed {
    Client,
    RoundRobin,
}

/// How the log is cut into partitions and read.
pub(crate) struct Reading {
    pub(crate) partitions: u16,
    pub(crate) keyed: Keyed,
    pub(crate) batch: usize,
    pub(crate) seed: u64,
}

pub(crate) fn partitions(lines: &[Line], reading: &Reading) -> Vec<Vec<Chunk>> {
    let mut lanes: Vec<Vec<&Line>> = vec![Vec::new(); usize::from(reading.partitions)];
    for (at, line) in lines.iter().enumerate() {
        let to = match reading.keyed {
            Keyed::Client => hash(line.staff.unwrap_or(line.address + 9_000)) as usize,
            Keyed::RoundRobin => at,
        };
        lanes[to % usize::from(reading.partitions)].push(line);
    }
    let chunk = |partition: usize, first: usize, lines: &[&Line]| {
        let mut names = Vec::new();
        let lookups = lines.iter().enumerate();
        let lookups = lookups
            .map(|(row, line)| (u32::try_from(row).unwrap(), lookup(line, &mut names)))
            .collect();
        let stamp = |(row, line): (usize, &&Line)| Stamp {
            offset: (first + row) as i64,
            record: Some(Moment(line.at)),
            event: Some(Moment(line.at)),
        };
        Chunk {
            partition: Partition(u16::try_from(partition).unwrap()),
            stamps: lines.iter().enumerate().map(stamp).collect(),
            lookups,
            names,
        }
    };
    lanes
        .iter()
        .enumerate()
        .map(|(partition, lines)| {
            let chunks = lines.chunks(reading.batch).enumerate();
            chunks.map(|(at, it)| chunk(partition, at * reading.batch, it)).collect()
        })
        .collect()
}

/// Reads the partitions in an order drawn from the seed and judges what can be judged.
fn alerts<L: Lanes>(lines: &[Line], reading: &Reading, lanes: &L) -> (Vec<Alert>, Engine) {
    let mut waiting: Vec<_> = partitions(lines, reading)
        .into_iter()
        .map(Vec::into_iter)
        .map(Iterator::peekable)
        .collect();
    let mut timeline = Timeline::new(timeline::Options::default());
    let mut engine = Engine::new(settings());
    let far = Moment(90_000 * DAY_MS);
    for partition in 0..reading.partitions {
        timeline.assigned(Partition(partition), 0, far);
        let place = Place { topic: "log".into(), number: i32::from(partition) };
        engine.name(Partition(partition), place);
    }
    let mut mix = Mix(reading.seed);
    let mut found = Vec::new();
    while waiting.iter_mut().any(|it| it.peek().is_some()) {
        let at = mix.below(waiting.len() as u64) as usize;
        let Some(chunk) = waiting[at].next() else { continue };
        timeline.feed(&chunk, far);
        if waiting[at].peek().is_none() {
            timeline.end(chunk.partition, chunk.stamps.last().unwrap().offset + 1, far);
        }
        while let Some(cut) = timeline.cut(far) {
            found.extend(engine.step(&cut, lanes).alerts);
        }
    }
    while let Some(cut) = timeline.cut(far.plus(DAY_MS)) {
        found.extend(engine.step(&cut, lanes).alerts);
    }
    (found, engine)
}

fn without_offsets(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.iter_mut().for_each(|it| it.offsets.clear());
    alerts
}

fn reading(partitions: u16, keyed: Keyed, batch: usize, seed: u64) -> Reading {
    Reading { partitions, keyed, batch, seed }
}

#[test]
fn the_input_raises_thirty_alerts_of_four_kinds_evicts_and_rotates() {
    let (found, engine) = alerts(&traffic(7), &reading(1, Keyed::RoundRobin, 512, 1), &Serial);
    let ids: BTreeSet<&str> = found.iter().map(|it| it.id.as_str()).collect();
    let kinds: BTreeSet<Kind> = found.iter().map(|it| it.kind).collect();
    let stats = engine.stats();
    assert!(ids.len() >= 30 && kinds.len() >= 4, "{} alerts of {kinds:?}", ids.len());
    assert!(stats.evicted > 0 && stats.forced_pairs > 0, "{stats:?}");
    assert!(stats.profiles <= 3 * SHARDS as u64);
}

#[test]
fn a_totally_ordered_log_gives_the_same_alerts_through_any_partitions() {
    let lines = traffic(7);
    let (one, _) = alerts(&lines, &reading(1, Keyed::RoundRobin, 512, 1), &Serial);
    let one = without_offsets(one);
    for count in [1, 2, 3, 6] {
        for keyed in [Keyed::Client, Keyed::RoundRobin] {
            for seed in 0..5 {
                let reading = reading(count, keyed, 64 + 100 * seed as usize, seed);
                let (other, _) = alerts(&lines, &reading, &Serial);
                assert_eq!(without_offsets(other), one, "{count} partitions, seed {seed}");
            }
        }
    }
}

#[test]
fn any_log_gives_the_same_alerts_under_any_interleaving_batch_size_and_threads() {
    let mut lines = traffic(11);
    // No total order: whole seconds, as most gateways write them.
    lines.iter_mut().for_each(|it| it.at = it.at / SECOND_MS * SECOND_MS);
    let (one, _) = alerts(&lines, &reading(3, Keyed::RoundRobin, 512, 1), &Serial);
    for (seed, batch) in [(1, 1), (2, 17), (3, 512), (4, 5_000)] {
        for threads in [1, 2, 4] {
            let pool = Pool::with_threshold(threads, 0);
            let reading = reading(3, Keyed::RoundRobin, batch, seed);
            let (other, _) = alerts(&lines, &reading, &pool);
            assert_eq!(other, one, "seed {seed}, batches of {batch}, {threads} threads");
        }
    }
}
