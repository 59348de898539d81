//! The process: what `pipeline` does with timeline, engine, journal and snapshots, on one thread and
//! as fast or slow as a seed says.

use super::world::{Snapshot, World, place};
use crate::determinism::settings;
use darban::engine::{Engine, Section, Serial};
use darban::source::Partition;
use darban::state::{Row, Told};
use darban::timeline::{self, State, Timeline};
use std::collections::BTreeMap;
use std::io;

pub(super) struct Process {
    timeline: Timeline,
    engine: Engine,
    next: BTreeMap<Partition, i64>,
    /// A snapshot on its way.
    writing: Option<Snapshot>,
}

impl Process {
    pub(super) fn start(world: &mut World) -> Self {
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
        let (mut cuts, readings) = (told.cuts, told.readings);
        if world.faults.journal_is_lost {
            cuts.clear();
            world.journal.truncate(rows);
            world.synced = world.synced.min(rows);
        }
        let options = timeline::Options::default();
        let mut timeline = Timeline::restore(options, &state, cuts, &readings);
        let mut engine = engine;
        let mut next = BTreeMap::new();
        for partition in world.partitions() {
            let lane = state.lanes.iter().find(|it| it.partition == partition);
            let from = lane.map_or(0, |it| it.resume);
            timeline.assigned(partition, from, world.clock);
            engine.name(partition, place(partition));
            next.insert(partition, from);
        }
        Self { timeline, engine, next, writing: None }
    }

    /// A turn: some records of some partitions are read, and what can be judged is.
    pub(super) fn work(&mut self, world: &mut World) {
        if self.timeline.to_replay() == 0 {
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

    fn read(&mut self, world: &World, partition: Partition, most: u64) {
        let next = self.next[&partition];
        let (chunks, ended) = world.read(partition, next, most);
        for chunk in chunks {
            self.next.insert(partition, chunk.stamps[0].offset + 1);
            self.timeline.feed(&chunk, world.clock);
        }
        if ended {
            self.timeline.end(partition, self.next[&partition], world.clock);
        }
    }

    fn judge(&mut self, world: &mut World) {
        while let Some(cut) = self.timeline.cut(world.clock) {
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
                return;
            }
        }
    }

    /// Goes on with a snapshot, or begins one now and then.
    fn keep(&mut self, world: &mut World) {
        if let Some(writing) = &mut self.writing {
            let more = self.engine.take_frozen(20_000);
            if more.is_empty() {
                world.kept.extend(self.writing.take());
                world.snapshots += 1;
                world.synced = world.synced.max(world.kept.last().unwrap().rows);
            } else {
                writing.sections.extend(more.iter().map(|it| borsh::to_vec(it).unwrap()));
            }
        } else if self.timeline.to_replay() == 0 && world.mix.below(20) == 0 {
            let sections = self.engine.freeze().unwrap();
            let sections = sections.iter().map(|it| borsh::to_vec(it).unwrap()).collect();
            let (timeline, rows) = (self.timeline.state(), world.journal.len());
            // The journal begins anew, and what it had before is on the disk.
            world.synced = rows;
            self.writing = Some(Snapshot { sections, timeline, rows });
        }
    }

    /// Reads everything there is and judges it.
    pub(super) fn end(mut self, world: &mut World) {
        for partition in world.partitions() {
            self.read(world, partition, u64::from(u32::MAX));
        }
        for _ in 0..3 {
            self.judge(world);
            world.clock = world.clock.plus(10_000);
        }
        for partition in world.partitions() {
            self.read(world, partition, u64::from(u32::MAX));
        }
        while self.timeline.to_replay() > 0 {
            self.judge(world);
        }
        self.judge(world);
    }
}
