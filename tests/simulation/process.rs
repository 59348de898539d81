//! The process: what `pipeline` does with timeline, engine, journal and snapshots, on one thread and
//! as fast or slow as a seed says.

use super::settings;
use super::world::{Snapshot, World, place};
use darban::engine::{Engine, Section, Serial};
use darban::source::Partition;
use darban::source::kafka::{Found, Start, decide};
use darban::state::Row;
use darban::time::Moment;
use darban::timeline::{self, Note, Noted, State, Timeline, Told};
use std::collections::BTreeMap;
use std::io;

pub(super) struct Process {
    timeline: Timeline,
    engine: Engine,
    next: BTreeMap<Partition, i64>,
    /// A snapshot on its way.
    writing: Option<Snapshot>,
    /// The latest record time of all partitions.
    furthest: Moment,
}

impl Process {
    pub(super) fn start(world: &mut World) -> Self {
        let refused = world.kept.iter().rev().take_while(|it| it.is_damaged).count();
        world.kept.truncate(world.kept.len() - refused);
        let (state, rows, engine) = match world.kept.last() {
            None => (State::default(), 0, Engine::new(settings())),
            Some(kept) => {
                let sections = kept.sections.iter().map(|it| borsh::from_slice::<Section>(it));
                let sections: io::Result<Vec<Section>> = sections.collect();
                let sections = sections.unwrap().into_iter().map(Ok);
                let engine = match world.faults.state_is_lost {
                    true => Engine::new(settings()),
                    false => Engine::restore(settings(), sections, &[true, true]).unwrap(),
                };
                (kept.timeline.clone(), kept.rows, engine)
            }
        };
        let mut told = Told::default();
        told.extend(world.journal.iter().skip(rows).cloned());
        if world.faults.journal_is_lost {
            told.cuts.clear();
            world.journal.truncate(rows);
            world.synced = world.synced.min(rows);
        }
        let options = timeline::Options::default();
        let mut timeline = Timeline::restore(options, &state, told);
        let mut engine = engine;
        let mut next = BTreeMap::new();
        if refused > 0 {
            let snapshots = u32::try_from(refused).unwrap();
            let what = Noted::StateRefused { snapshots, cold: world.kept.is_empty() };
            timeline.note(Note { at: world.clock, what });
        }
        for partition in world.partitions() {
            let lane = state.lanes.iter().find(|it| it.partition == partition);
            let (low, high) = world.bounds(partition);
            let committed = Some(lane.map_or(0, |it| it.resume));
            let from = decide(
                Found { committed, low, high, since: None, is_another: false },
                Start::Earliest,
            );
            timeline.assigned(partition, from.next, world.clock);
            engine.name(partition, place(partition));
            next.insert(partition, from.next);
            if let (Some((first, missing)), false) = (from.gap, world.faults.gap_is_silent) {
                let what = Noted::Gap { place: place(partition), first, missing };
                timeline.note(Note { at: world.clock, what });
            }
        }
        Self { timeline, engine, next, writing: None, furthest: Moment(0) }
    }

    /// A turn: some records of some partitions are read, and what can be judged is.
    pub(super) fn work(&mut self, world: &mut World) {
        if self.timeline.to_replay() == 0 && !world.is_backlog {
            world.wait();
        }
        for partition in world.partitions() {
            if world.mix.below(4) > 0 {
                let most = 1 + world.mix.below(40);
                self.read(world, partition, most);
            }
        }
        self.judge(world);
        self.keep(world);
    }

    /// Whether everything that there is was read.
    pub(super) fn has_read_all(&self, world: &World) -> bool {
        self.next.iter().all(|(at, next)| *next == world.bounds(*at).1)
    }

    fn read(&mut self, world: &World, partition: Partition, most: u64) {
        let next = self.next[&partition];
        let (chunks, ended) = world.read(partition, next, most);
        for mut chunk in chunks {
            self.next.insert(partition, chunk.stamps[0].offset + 1);
            self.furthest = self.furthest.max(chunk.stamps[0].record.unwrap());
            if world.faults.clock_is_one {
                chunk.stamps[0].record = Some(self.furthest);
            }
            self.timeline.feed(&chunk, world.clock);
        }
        if ended {
            self.timeline.end(partition, self.next[&partition], world.clock);
        }
    }

    /// Judges what can be judged; whether it ended before that.
    fn judge(&mut self, world: &mut World) -> bool {
        loop {
            for (note, again) in self.timeline.take_notes() {
                let told = self.engine.note(&note);
                world.journal.extend((!again).then_some(Row::Note(note)));
                world.synced = world.journal.len();
                world.tell(told.into_iter().collect());
            }
            let Some(cut) = self.timeline.cut(world.clock) else { return false };
            world.journal.extend(self.timeline.take_readings().into_iter().map(Row::Reading));
            if !cut.again {
                world.journal.push(Row::Cut(cut.row()));
            }
            let alerts = self.engine.step(&cut, &Serial).alerts;
            if alerts.is_empty() {
                continue;
            }
            if !world.faults.journal_is_late {
                world.synced = world.journal.len();
            }
            world.tell(alerts);
            if world.mix.below(10) == 0 {
                // As good a moment to die as any: the rest is judged by the next process.
                return true;
            }
        }
    }

    /// Goes on with a snapshot, or begins one now and then.
    fn keep(&mut self, world: &mut World) {
        if let Some(writing) = &mut self.writing {
            let more = self.engine.take_frozen(20_000);
            writing.sections.extend(more.iter().map(|it| borsh::to_vec(it).unwrap()));
            if more.is_empty() {
                world.keep(self.writing.take());
            }
        } else if self.may_begin() && world.mix.below(20) == 0 {
            self.writing = Some(self.begin(world));
        }
    }

    fn may_begin(&self) -> bool {
        self.timeline.to_replay() == 0 && self.timeline.untold().next().is_none()
    }

    fn begin(&mut self, world: &mut World) -> Snapshot {
        let sections = self.engine.freeze().unwrap();
        let sections = sections.iter().map(|it| borsh::to_vec(it).unwrap()).collect();
        let (timeline, rows) = (self.timeline.state(), world.journal.len());
        // The journal begins anew, and what it had before is on the disk.
        world.synced = rows;
        Snapshot { sections, timeline, rows, starts: world.starts.clone(), is_damaged: false }
    }

    /// Ends as it was asked to, with a last snapshot; from where the next one reads. `None`: there is
    /// something to be done again first, so it merely ends.
    pub(super) fn leave(mut self, world: &mut World) -> Option<Vec<(Partition, i64)>> {
        if self.timeline.to_replay() > 0 {
            return None;
        }
        while self.judge(world) {}
        while self.writing.is_some() {
            self.keep(world);
        }
        self.writing = Some(self.begin(world));
        while self.writing.is_some() {
            self.keep(world);
        }
        Some(self.timeline.resume().into_iter().map(|it| (it.partition, it.resume)).collect())
    }

    /// Reads everything there is and judges it.
    pub(super) fn end(mut self, world: &mut World) {
        for partition in world.partitions() {
            self.read(world, partition, u64::from(u32::MAX));
        }
        for _ in 0..3 {
            while self.judge(world) {}
            world.clock = world.clock.plus(10_000);
        }
        for partition in world.partitions() {
            self.read(world, partition, u64::from(u32::MAX));
        }
        while self.judge(world) || self.timeline.to_replay() > 0 {}
    }
}
