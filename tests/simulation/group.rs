//! A group of three whose partitions wander, while members are stopped, wake up and die: one seed, one
//! run. Where to begin and what to commit are the shipped decisions; coordinator and log are made up.
//!
//! The coordinator does what Kafka's does: it fences members, not partitions. Who was stopped for too
//! long is no member until it has joined anew, and whoever is one may commit for any partition.

use crate::determinism::Mix;
use darban::source::Partition;
use darban::source::kafka::{Answers, Start, decide, due};
use std::collections::{BTreeMap, BTreeSet};

const PARTITIONS: u16 = 4;
const MEMBERS: u64 = 3;
const STEPS: u32 = 400;
const SEEDS: u64 = 200;

#[derive(Default)]
struct Member {
    /// What the group had committed when a partition came to us.
    floors: BTreeMap<Partition, i64>,
    next: BTreeMap<Partition, i64>,
    /// How far was judged, of every partition that was ever ours.
    judged: BTreeMap<Partition, i64>,
    done: BTreeMap<Partition, i64>,
    is_stopped: bool,
}

struct Group {
    mix: Mix,
    ends: BTreeMap<Partition, i64>,
    committed: BTreeMap<Partition, i64>,
    owner: BTreeMap<Partition, usize>,
    members: Vec<Member>,
    /// Offsets that were judged by anybody.
    judged: BTreeSet<(Partition, i64)>,
    /// Commits that took back what another had committed.
    taken_back: u32,
    /// A member commits whatever it has judged.
    is_unfiltered: bool,
}

impl Group {
    fn run(seed: u64, is_unfiltered: bool) -> Self {
        let mut group = Self {
            mix: Mix(seed),
            ends: (0..PARTITIONS).map(|it| (Partition(it), 0)).collect(),
            committed: BTreeMap::new(),
            owner: BTreeMap::new(),
            members: (0..MEMBERS).map(|_| Member::default()).collect(),
            judged: BTreeSet::new(),
            taken_back: 0,
            is_unfiltered,
        };
        (0..PARTITIONS).for_each(|it| group.give(Partition(it), 0));
        for _ in 0..STEPS {
            group.step();
        }
        group.members.iter_mut().for_each(|it| it.is_stopped = false);
        for member in 0..group.members.len() {
            group.read(member, i64::MAX);
        }
        group
    }

    fn step(&mut self) {
        for end in self.ends.values_mut() {
            *end += i64::try_from(self.mix.below(4)).unwrap();
        }
        let member = usize::try_from(self.mix.below(MEMBERS)).unwrap();
        match self.mix.below(12) {
            0 => self.wander(),
            1 => self.stop_or_wake(member),
            2 => self.die(member),
            3..=5 => self.commit(member),
            _ => self.read(member, 20),
        }
    }

    /// A partition goes from one member to another, both of which are told.
    fn wander(&mut self) {
        let partition = Partition(u16::try_from(self.mix.below(PARTITIONS.into())).unwrap());
        let to = usize::try_from(self.mix.below(MEMBERS)).unwrap();
        let from = self.owner[&partition];
        if from != to && !self.members[to].is_stopped && !self.members[from].is_stopped {
            self.members[from].lose(partition);
            self.give(partition, to);
        }
    }

    fn give(&mut self, partition: Partition, to: usize) {
        let member = &mut self.members[to];
        let committed = self.committed.get(&partition).copied();
        let answers = Answers {
            committed: Some(committed),
            handed: member.next.get(&partition).copied(),
            watermarks: Some((0, self.ends[&partition])),
            ..Answers::default()
        };
        let next = decide(answers.found(Start::Earliest).unwrap(), Start::Earliest).next;
        member.floors.insert(partition, committed.unwrap_or(next).min(next));
        member.next.insert(partition, next);
        member.judged.insert(partition, next);
        self.owner.insert(partition, to);
    }

    /// The group waits for a stopped member no longer than this takes: others get what it had. It is
    /// told when it wakes up, and joins anew with nothing.
    fn stop_or_wake(&mut self, member: usize) {
        let is_stopped = !self.members[member].is_stopped;
        self.members[member].is_stopped = is_stopped;
        let Some(heir) = (0..self.members.len()).find(|it| !self.members[*it].is_stopped) else {
            self.members[member].is_stopped = false;
            return;
        };
        for partition in self.owned_by(member) {
            if is_stopped {
                self.give(partition, heir);
            }
        }
        if !is_stopped {
            let lost: Vec<Partition> = self.members[member].floors.keys().copied().collect();
            lost.into_iter().for_each(|it| self.members[member].lose(it));
        }
    }

    fn die(&mut self, member: usize) {
        self.members[member] =
            Member { is_stopped: self.members[member].is_stopped, ..Member::default() };
        for partition in self.owned_by(member) {
            self.give(partition, member);
        }
    }

    fn owned_by(&self, member: usize) -> Vec<Partition> {
        self.owner.iter().filter(|it| *it.1 == member).map(|it| *it.0).collect()
    }

    fn read(&mut self, member: usize, most: i64) {
        if self.members[member].is_stopped {
            return;
        }
        for partition in self.owned_by(member) {
            let own = &mut self.members[member];
            let from = own.next[&partition];
            let to = self.ends[&partition].min(from.saturating_add(most));
            self.judged.extend((from..to).map(|it| (partition, it)));
            own.next.insert(partition, to);
            own.judged.insert(partition, to);
        }
    }

    fn commit(&mut self, member: usize) {
        let own = &mut self.members[member];
        if own.is_stopped {
            return;
        }
        let offsets: Vec<(Partition, i64)> = own.judged.iter().map(|it| (*it.0, *it.1)).collect();
        let due = match self.is_unfiltered {
            true => offsets,
            false => due(&own.floors, offsets, &mut own.done, false),
        };
        own.done.extend(due.iter().copied());
        for (partition, next) in due {
            let before = self.committed.insert(partition, next);
            self.taken_back += u32::from(before.is_some_and(|it| it > next));
        }
    }

    /// Records that nobody has judged.
    fn skipped(&self) -> usize {
        let all = self.ends.iter().flat_map(|(at, end)| (0..*end).map(|it| (*at, it)));
        all.filter(|it| !self.judged.contains(it)).count()
    }
}

impl Member {
    fn lose(&mut self, partition: Partition) {
        self.floors.remove(&partition);
    }
}

#[test]
fn whoever_has_a_partition_no_record_is_skipped_and_no_commit_is_taken_back() {
    for seed in 0..SEEDS {
        let group = Group::run(seed, false);
        assert_eq!((group.skipped(), group.taken_back), (0, 0), "seed {seed}");
    }
}

#[test]
fn without_the_filter_of_commits_one_is_taken_back() {
    assert!((0..40).any(|seed| Group::run(seed, true).taken_back > 0));
}
