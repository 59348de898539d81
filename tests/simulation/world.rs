//! A log that grows with a clock, a disk that forgets what was not synced, and receivers that
//! remember what they were told.

use crate::determinism::{Keyed, Mix, Reading, partitions, traffic};
use darban::alert::Alert;
use darban::engine::{Engine, Serial};
use darban::source::{Partition, Place};
use darban::state::{Row, Told};
use darban::time::{Moment, SECOND_MS};
use darban::timeline::{self, Chunk, State, Timeline};

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
}

/// A snapshot on the disk.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) sections: Vec<Vec<u8>>,
    pub(super) timeline: State,
    /// Rows of the journal before it.
    pub(super) rows: usize,
}

/// Everything that outlives a process.
pub(super) struct World {
    pub(super) mix: Mix,
    pub(super) faults: Faults,
    /// By partition, one record a chunk.
    log: Vec<Vec<Chunk>>,
    pub(super) clock: Moment,
    ends: Moment,
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
        let clock = Moment(lines.first().unwrap().at);
        let ends = Moment(lines.last().unwrap().at);
        Self {
            mix: Mix(seed),
            faults,
            log: partitions(&lines, &reading),
            clock,
            ends,
            journal: Vec::new(),
            synced: 0,
            kept: Vec::new(),
            told: Vec::new(),
            kills: 0,
            snapshots: 0,
        }
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

    /// The process is gone, and what was not on the disk may be.
    pub(super) fn crash(&mut self) {
        self.kills += 1;
        let loose = (self.journal.len() - self.synced) as u64;
        let left = self.synced + usize::try_from(self.mix.below(loose + 1)).unwrap();
        self.journal.truncate(left);
    }

    /// What an engine tells that is run once, over the whole log, with the cuts of the journal.
    pub(super) fn expected(&self) -> Vec<Alert> {
        let mut told = Told::default();
        told.extend(self.journal.iter().cloned());
        let (cuts, readings) = (told.cuts, told.readings);
        let options = timeline::Options::default();
        let mut timeline = Timeline::restore(options, &State::default(), cuts, &readings);
        let mut engine = Engine::new(crate::determinism::settings());
        for partition in self.partitions() {
            timeline.assigned(partition, 0, self.clock);
            engine.name(partition, place(partition));
            for chunk in &self.log[usize::from(partition.0)] {
                timeline.feed(chunk, self.clock);
            }
        }
        let mut expected = Vec::new();
        while timeline.to_replay() > 0 {
            let cut = timeline.cut(self.clock).expect("the log is whole");
            expected.extend(engine.step(&cut, &Serial).alerts);
        }
        expected
    }
}

pub(super) fn place(partition: Partition) -> Place {
    Place { topic: "log".into(), number: i32::from(partition.0) }
}
