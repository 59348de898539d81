//! A log that grows with a clock, a disk that forgets what was not synced, and receivers that
//! remember what they were told.

use crate::determinism::{Keyed, Mix, Reading, partitions, traffic};
use darban::alert::{Alert, Kind, Status};
use darban::engine::{Engine, Serial};
use darban::source::{Partition, Place};
use darban::state::Row;
use darban::time::{HOUR_MS, Moment, SECOND_MS};
use darban::timeline::{self, Chunk, State, Timeline, Told};

/// Which safeties are taken away.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// A snapshot holds how far was judged and nothing that was learned.
    pub(super) state_is_lost: bool,
    /// Cuts are made anew after a kill.
    pub(super) journal_is_lost: bool,
    /// Alerts leave before their cuts are on the disk.
    pub(super) journal_is_late: bool,
    /// It is forgotten what was told.
    pub(super) told_is_lost: bool,
    /// What is missing from the log is passed over in silence.
    pub(super) gap_is_silent: bool,
    /// All partitions have one clock: that of the one furthest ahead.
    pub(super) clock_is_one: bool,
}

/// A snapshot on the disk.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) sections: Vec<Vec<u8>>,
    pub(super) timeline: State,
    /// Rows of the journal before it.
    pub(super) rows: usize,
    /// Where the log began then, by partition.
    pub(super) starts: Vec<i64>,
    /// A bit of it has changed.
    pub(super) is_damaged: bool,
}

/// Everything that outlives a process.
pub(super) struct World {
    pub(super) mix: Mix,
    pub(super) faults: Faults,
    /// By partition, one record a chunk.
    log: Vec<Vec<Chunk>>,
    /// The first offset that the log still has, by partition.
    pub(super) starts: Vec<i64>,
    /// Offsets that were gone before anybody read them: from one, before the other.
    gone: Vec<(Partition, i64, i64)>,
    pub(super) clock: Moment,
    ends: Moment,
    /// All of the log was there from the beginning.
    pub(super) is_backlog: bool,
    pub(super) journal: Vec<Row>,
    /// Rows that are on the disk whatever happens.
    pub(super) synced: usize,
    pub(super) kept: Vec<Snapshot>,
    pub(super) told: Vec<Alert>,
    pub(super) kills: u32,
    pub(super) snapshots: u32,
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let mut lines = traffic(seed);
        // The last three days: eight would be spent on learning only.
        let from = lines.last().unwrap().at - 3 * darban::time::DAY_MS;
        lines.retain(|it| it.at >= from);
        let count = 1 + u16::try_from(seed % 4).unwrap();
        let reading = Reading { partitions: count, keyed: Keyed::RoundRobin, batch: 1, seed };
        let log = partitions(&lines, &reading);
        let clock = Moment(lines.first().unwrap().at);
        let ends = Moment(lines.last().unwrap().at);
        Self {
            mix: Mix(seed),
            faults,
            starts: vec![0; log.len()],
            log,
            gone: Vec::new(),
            clock,
            ends,
            is_backlog: false,
            journal: Vec::new(),
            synced: 0,
            kept: Vec::new(),
            told: Vec::new(),
            kills: 0,
            snapshots: 0,
        }
    }

    /// One whose log is all there.
    pub(super) fn backlog(seed: u64, faults: Faults) -> Self {
        let world = Self::new(seed | 1, faults);
        Self { clock: world.ends.plus(HOUR_MS), is_backlog: true, ..world }
    }

    /// What was told, but for what is about the process itself.
    pub(super) fn told_of_clients(&self) -> Vec<Alert> {
        self.told.iter().filter(|it| !it.kind.is_own()).cloned().collect()
    }

    /// What is told of a log that is all there, read one partition after the other as their clocks
    /// say, by one process.
    pub(super) fn told_in_order(&self) -> Vec<Alert> {
        let mut timeline = Timeline::new(timeline::Options::default());
        let mut engine = Engine::new(super::settings());
        for partition in self.partitions() {
            timeline.assigned(partition, 0, self.clock);
            engine.name(partition, place(partition));
        }
        let mut told = Vec::new();
        let mut next = vec![0; self.log.len()];
        let mut clock = self.clock;
        while let Some(partition) = timeline.furthest_behind() {
            let at = usize::from(partition.0);
            match self.log[at].get(next[at]) {
                Some(chunk) => timeline.feed(chunk, clock),
                None => timeline.end(partition, i64::try_from(next[at]).unwrap(), clock),
            }
            next[at] += 1;
            while let Some(cut) = timeline.cut(clock) {
                told.extend(engine.step(&cut, &Serial).alerts);
            }
        }
        clock = clock.plus(10_000);
        while let Some(cut) = timeline.cut(clock) {
            told.extend(engine.step(&cut, &Serial).alerts);
        }
        told
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..u16::try_from(self.log.len()).unwrap()).map(Partition)
    }

    pub(super) fn is_going_on(&self) -> bool {
        self.clock <= self.ends
    }

    pub(super) fn kills(&mut self) -> bool {
        self.mix.below(60) == 0
    }

    /// Some time passes: mostly little.
    pub(super) fn wait(&mut self) {
        let most = if self.mix.below(8) == 0 { 3_600 } else { 240 };
        let seconds = 1 + self.mix.below(most);
        self.clock = self.clock.plus(i64::try_from(seconds).unwrap() * SECOND_MS);
    }

    /// Records of a partition from an offset on, as far as they are there, at most so many; whether
    /// that is its end.
    pub(super) fn read(&self, of: Partition, next: i64, most: u64) -> (Vec<Chunk>, bool) {
        let log = &self.log[usize::from(of.0)];
        let rest = &log[usize::try_from(next).unwrap()..];
        let there = rest.iter().take_while(|it| it.stamps[0].record.unwrap() <= self.clock);
        let there: Vec<Chunk> = there.cloned().collect();
        let taken = there.len().min(usize::try_from(most).unwrap());
        let ended = taken == there.len();
        (there.into_iter().take(taken).collect(), ended)
    }

    /// What a receiver is told that remembers what it was told.
    pub(super) fn tell(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            if self.faults.told_is_lost || !self.told.contains(&alert) {
                self.told.push(alert);
            }
        }
    }

    /// A snapshot is on the disk.
    pub(super) fn keep(&mut self, snapshot: Option<Snapshot>) {
        self.kept.extend(snapshot);
        self.snapshots += 1;
        self.synced = self.synced.max(self.kept.last().unwrap().rows);
    }

    /// The process is gone, and what was not on the disk may be.
    pub(super) fn crash(&mut self) {
        self.kills += 1;
        self.flip_a_bit();
        let loose = (self.journal.len() - self.synced) as u64;
        let left = self.synced + usize::try_from(self.mix.below(loose + 1)).unwrap();
        self.journal.truncate(left);
    }

    /// Nobody reads for some hours, in which the log may lose its beginning. `next`: from where
    /// partitions will be read.
    pub(super) fn rest(&mut self, next: &[(Partition, i64)]) {
        let hours = i64::try_from(1 + self.mix.below(6)).unwrap();
        self.clock = self.clock.plus(hours * HOUR_MS);
        for &(partition, next) in next {
            let at = usize::from(partition.0);
            let kept = self.clock.plus(-HOUR_MS);
            let is_old = |it: &Chunk| it.stamps[0].record.unwrap() < kept;
            let low = i64::try_from(self.log[at].partition_point(is_old)).unwrap();
            if low > next && self.mix.below(2) == 0 {
                self.gone.push((partition, next, low));
                self.starts[at] = low;
            }
        }
    }

    /// Where the log of a partition begins and where it ends.
    pub(super) fn bounds(&self, of: Partition) -> (i64, i64) {
        let at = usize::from(of.0);
        (self.starts[at], i64::try_from(self.log[at].len()).unwrap())
    }

    /// Records that nobody could read, and how many of them were told.
    pub(super) fn missing(&self) -> (u64, u64) {
        let gone = self.gone.iter().map(|(_, first, next)| next.abs_diff(*first)).sum();
        let told = self.told.iter().filter(|it| it.kind == Kind::CoverageGap);
        let told = told.filter(|it| it.status == Status::Firing);
        (gone, told.map(|it| it.offsets[0].last.abs_diff(it.offsets[0].first) + 1).sum())
    }

    /// The latest snapshot may lose a bit, where the one before it can still be gone on from.
    pub(super) fn flip_a_bit(&mut self) {
        let flips = self.mix.below(8) == 0;
        if let [.., before, last] = self.kept.as_mut_slice() {
            last.is_damaged |= flips && before.starts == self.starts && !before.is_damaged;
        }
    }

    /// What an engine tells that is run once, over the whole log, with the cuts of the journal.
    pub(super) fn expected(&self) -> Vec<Alert> {
        let mut told = Told::default();
        told.extend(self.journal.iter().cloned());
        let options = timeline::Options::default();
        let mut timeline = Timeline::restore(options, &State::default(), told);
        let mut engine = Engine::new(super::settings());
        for partition in self.partitions() {
            timeline.assigned(partition, 0, self.clock);
            engine.name(partition, place(partition));
            let is_gone = |offset: i64| {
                let mut gone = self.gone.iter().filter(|it| it.0 == partition);
                gone.any(|it| (it.1..it.2).contains(&offset))
            };
            let log = self.log[usize::from(partition.0)].iter();
            let left = log.filter(|it| !is_gone(it.stamps[0].offset));
            left.for_each(|it| timeline.feed(it, self.clock));
            // Its end may be gone.
            timeline.end(partition, self.bounds(partition).1, self.clock);
        }
        let mut expected = Vec::new();
        loop {
            expected.extend(timeline.take_notes().iter().filter_map(|it| engine.note(&it.0)));
            if timeline.to_replay() == 0 {
                return expected;
            }
            let cut = timeline.cut(self.clock).expect("the log is whole");
            expected.extend(engine.step(&cut, &Serial).alerts);
        }
    }
}

pub(super) fn place(partition: Partition) -> Place {
    Place { topic: "log".into(), number: i32::from(partition.0) }
}
