//! Kills, at any moment, of a process whose log, disk and clock are made up: one seed, one run.
//!
//! The engine and the timeline are the real ones, and so are snapshots and journal rows; what is
//! made up is around them. Whatever is done to the process, what it tells in all has to be what an
//! engine tells that is run once over the whole log with the cuts of the journal.

mod group;
mod process;
mod world;

use darban::alert::Kind;
use darban::engine::Settings;
use process::Process;
use rayon::prelude::*;
use world::{Faults, World};

/// Records of a shard's filter, several times what there is: the default's filters would be most of what
/// a snapshot holds.
const RECORDS_MAX: u64 = 1_000;

fn settings() -> Settings {
    let mut settings = crate::determinism::settings();
    settings.novelty.records_max = RECORDS_MAX;
    settings
}

/// What one seed comes to: what was told, and what should have been.
fn run(seed: u64, faults: Faults) -> (World, usize) {
    let mut world = World::new(seed, faults);
    let mut process = Process::start(&mut world);
    while world.is_going_on() {
        process.work(&mut world);
        if world.kills() {
            if world.mix.below(5) > 0 {
                drop(process);
                world.crash();
            } else if let Some(next) = process.leave(&mut world) {
                world.rest(&next);
            }
            process = Process::start(&mut world);
        }
    }
    process.end(&mut world);
    let alerts = world.told.len();
    (world, alerts)
}

#[test]
fn nothing_is_lost_and_nothing_invented_whenever_the_process_is_killed() {
    let seeds = std::env::var("DARBAN_SEEDS").ok().and_then(|it| it.parse().ok()).unwrap_or(SEEDS);
    let runs: Vec<[usize; 4]> = (0..seeds).into_par_iter().map(check).collect();
    let [alerts, missing, refused, idle] =
        [0, 1, 2, 3].map(|at| runs.iter().map(|it| it[at]).sum::<usize>());
    assert!(alerts > 20 * usize::try_from(seeds).unwrap(), "{alerts} alerts");
    assert!(missing > 100 && refused > 10, "{missing} missing, {refused} refused");
    // Some seed is quick enough to have nothing happen to it.
    assert!(idle * 100 <= runs.len(), "in {idle} seeds nobody was killed, or nothing kept");
    println!(
        "{seeds} seeds, {alerts} alerts, {missing} records missing, {refused} snapshots refused"
    );
}

/// Runs a seed and checks what it told: alerts, records that are missing, snapshots refused, and
/// whether nothing was tried.
fn check(seed: u64) -> [usize; 4] {
    let (world, alerts) = run(seed, Faults::default());
    assert!(world.told == world.expected(), "seed {seed}, {} kills", world.kills);
    let (gone, named) = world.missing();
    assert_eq!(gone, named, "seed {seed}");
    let is_idle = world.kills == 0 || world.snapshots == 0;
    let refused = world.told.iter().filter(|it| it.kind == Kind::StateLost).count();
    [alerts, usize::try_from(gone).unwrap(), refused, usize::from(is_idle)]
}

/// Runs where `DARBAN_SEEDS` says nothing; `make test-long` says twenty thousand.
const SEEDS: u64 = 200;
/// Runs within which a safety that is taken away has to be missed.
const CAUGHT_WITHIN: u64 = 40;

#[test]
fn without_the_state_in_the_snapshot_the_alerts_differ() {
    assert!(caught(Faults { state_is_lost: true, ..Faults::default() }));
}

#[test]
fn without_the_journal_the_alerts_differ() {
    assert!(caught(Faults { journal_is_lost: true, ..Faults::default() }));
}

#[test]
fn with_the_journal_synced_after_the_alerts_they_differ() {
    assert!(caught(Faults { journal_is_late: true, ..Faults::default() }));
}

#[test]
fn with_what_was_told_forgotten_it_is_told_twice() {
    assert!(caught(Faults { told_is_lost: true, ..Faults::default() }));
}

#[test]
fn with_a_gap_that_is_not_told_fewer_records_are_named_than_are_missing() {
    assert!(caught(Faults { gap_is_silent: true, ..Faults::default() }));
}

#[test]
fn of_a_backlog_the_same_is_told_however_it_is_read_and_whoever_is_killed() {
    for seed in 0..CAUGHT_WITHIN {
        let world = run_backlog(seed, Faults::default());
        assert!(
            world.told_of_clients() == world.told_in_order(),
            "seed {seed}, {} kills",
            world.kills
        );
    }
}

#[test]
fn with_one_clock_for_all_partitions_it_depends_on_who_is_read_first() {
    let faults = Faults { clock_is_one: true, ..Faults::default() };
    assert!((0..CAUGHT_WITHIN).any(|seed| {
        let world = run_backlog(seed, faults);
        world.told_of_clients() != world.told_in_order()
    }));
}

/// The same for a log that is all there, so that our clock decides nothing.
fn run_backlog(seed: u64, faults: Faults) -> World {
    let mut world = World::backlog(seed, faults);
    let mut process = Process::start(&mut world);
    while !process.has_read_all(&world) {
        process.work(&mut world);
        if world.kills() {
            drop(process);
            world.crash();
            process = Process::start(&mut world);
        }
    }
    process.end(&mut world);
    world
}

/// Whether a process that lacks a safety is told from one that has it.
fn caught(faults: Faults) -> bool {
    (0..CAUGHT_WITHIN).any(|seed| {
        let (world, _) = run(seed, faults);
        let (gone, named) = world.missing();
        world.told != world.expected() || gone != named
    })
}
