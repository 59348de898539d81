//! Receivers that drop, hang, refuse, throttle and lose their answers, a process that is killed at
//! any moment, and a disk that forgets what was not synced: one seed, one run.
//!
//! Ledger, outbox and the way through them are the real ones; time and receivers are made up. The
//! receivers have PagerDuty's semantics: what is triggered while it is open is the same incident, and
//! what is triggered after its end is a new one that gets somebody up again.

use super::arrivals;
use super::channel::Channel;
use super::courier::{Courier, Means};
use super::http::SystemNames;
use super::ledger::Ledger;
use super::notification::{Action, Notification};
use super::outbox::{FILE_NAME, Outbox};
use super::plan::{Now, Policy};
use super::queue::Next;
use super::reach::Reach;
use super::receiver::{Endpoint, Secret, Target};
use super::retry::Reply;
use super::sender::{Sender, lock};
use crate::alert::sample::{FIRED, alert};
use crate::alert::{Alert, Severity, Status};
use crate::time::{Clock, DAY_MS, HOUR_MS, Moment, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Runs of `cargo test`.
const SEEDS: u64 = 25;
/// Alerts of a run; every seventh is refused by receivers for good.
const ALERTS: u64 = 10;
/// Kills of a run at most: without a memory nothing is ever done else.
const KILLS_MAX: u32 = 30;

/// Numbers from a seed (splitmix64).
struct Mix(u64);

impl Mix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ it >> 31) % bound
    }

    fn ms(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs())).unwrap()
    }
}

/// A receiver: what it was told, and what it did.
#[derive(Default)]
struct Receiver {
    open: BTreeSet<String>,
    incidents: BTreeMap<String, u32>,
    /// What it has taken, by the notification's number.
    taken: BTreeMap<u64, u32>,
    /// It answers nothing before.
    down_until: Moment,
    /// Answers that it gave and that never arrived.
    lost: u32,
}

impl Receiver {
    fn take(&mut self, notification: &Notification) {
        *self.taken.entry(notification.seq).or_default() += 1;
        let id = &notification.id;
        let is_end = notification.action == Action::Resolve;
        if is_end {
            self.open.remove(id);
        } else if self.open.insert(id.clone()) {
            *self.incidents.entry(id.clone()).or_default() += 1;
        }
    }

    /// One attempt, with whatever goes wrong.
    fn answer(&mut self, notification: &Notification, mix: &mut Mix, now: Moment) -> Reply {
        let status = |code, retry_after_ms| Reply::Status { code, retry_after_ms };
        if now < self.down_until {
            return Reply::None;
        }
        if is_poison(&notification.id) {
            return status(400, None);
        }
        match mix.below(16) {
            0 => status(500, None),
            1 => status(429, None),
            2 => status(429, Some(mix.ms(HOUR_MS))),
            3 => status(503, Some(SECOND_MS)),
            4 => Reply::None,
            5 => {
                self.down_until = now.plus(mix.ms(2 * DAY_MS));
                Reply::None
            }
            6 | 7 => {
                self.take(notification);
                self.lost += 1;
                Reply::None
            }
            _ => {
                self.take(notification);
                status(202, None)
            }
        }
    }
}

fn is_poison(id: &str) -> bool {
    id.ends_with("poison")
}

/// Everything that outlives a process.
struct World {
    mix: Mix,
    now: Moment,
    directory: PathBuf,
    /// Bytes of the outbox that are on the disk whatever happens.
    synced: u64,
    changes: Vec<Alert>,
    /// How many of them stand in the outbox for certain.
    safe: usize,
    receivers: Vec<Receiver>,
    /// It has nowhere to go: the receivers are made up.
    courier: Arc<Courier>,
    kills: u32,
    /// That something arrived is never on the disk.
    arrivals_are_lost: bool,
}

impl World {
    fn new(seed: u64, arrivals_are_lost: bool) -> Self {
        let name = format!("darban-receivers-{}-{seed}-{arrivals_are_lost}", std::process::id());
        let mut mix = Mix(seed);
        let mut changes: Vec<Alert> = (0..ALERTS).flat_map(|at| life(at, &mut mix)).collect();
        changes.sort_by_key(|it| it.changed_at);
        let means = Means {
            reach: Reach::default(),
            names: Arc::new(SystemNames),
            timeout: Duration::ZERO,
            terminal: Box::new(io::sink()),
        };
        Self {
            mix,
            now: FIRED,
            directory: std::env::temp_dir().join(name),
            synced: 0,
            changes,
            safe: 0,
            receivers: vec![Receiver::default(), Receiver::default()],
            courier: Arc::new(Courier::new(Vec::new(), means).unwrap()),
            kills: 0,
            arrivals_are_lost,
        }
    }

    fn kills(&mut self) -> bool {
        self.kills < KILLS_MAX && self.mix.below(12) == 0
    }

    fn outbox(&self) -> Vec<u8> {
        fs::read(self.directory.join(FILE_NAME)).unwrap_or_default()
    }

    /// What a call left in the file; `durable`: all of it is synced. What waits always is.
    fn wrote(&mut self, durable: bool) {
        let bytes = self.outbox();
        let notify = bytes.split_inclusive(|it| *it == b'\n').scan(0, |end, row| {
            *end += row.len() as u64;
            Some((*end, row.starts_with(b"{\"notify\"")))
        });
        let last = notify.filter(|it| it.1).map(|it| it.0).last().unwrap_or(0);
        let length = bytes.len() as u64;
        self.synced = if durable { length } else { last.max(self.synced).min(length) };
    }

    /// The process is gone, and what was not synced may be, to any byte.
    fn crash(&mut self) {
        self.kills += 1;
        let path = self.directory.join(FILE_NAME);
        let mut bytes = self.outbox();
        // Shorter than it was: it was written anew, and that is synced.
        self.synced = self.synced.min(bytes.len() as u64);
        let loose = bytes.len() as u64 - self.synced;
        bytes.truncate(usize::try_from(self.synced + self.mix.below(loose + 1)).unwrap());
        // That file is never synced: the process alone may be gone, or the machine.
        if self.arrivals_are_lost || self.mix.below(2) == 0 {
            fs::remove_file(self.directory.join(arrivals::FILE_NAME)).unwrap();
        }
        if self.arrivals_are_lost {
            let rows = bytes.split_inclusive(|it| *it == b'\n');
            bytes = rows.filter(|it| !it.starts_with(b"{\"done\"")).flatten().copied().collect();
        }
        fs::write(&path, &bytes).unwrap();
        self.synced = bytes.len() as u64;
    }
}

/// The changes of an alert: it begins, as a page or a ticket that may become one, changes, and ends.
fn life(at: u64, mix: &mut Mix) -> Vec<Alert> {
    let mut changes = vec![alert()];
    let first = &mut changes[0];
    first.id = format!("{at:016x}{}", if at % 7 == 6 { "poison" } else { "" });
    first.changed_at = FIRED.plus(mix.ms(DAY_MS));
    if mix.below(3) == 0 {
        first.severity = Severity::Ticket;
    }
    for _ in 0..mix.below(6) {
        let mut next = changes.last().unwrap().clone();
        next.changed_at = next.changed_at.plus(SECOND_MS + mix.ms(HOUR_MS));
        next.records_out.estimate += 10;
        if mix.below(3) == 0 {
            next.severity = Severity::Page;
        }
        changes.push(next);
    }
    let mut end = changes.last().unwrap().clone();
    end.changed_at = end.changed_at.plus(HOUR_MS);
    end.status = Status::Resolved;
    changes.push(end);
    changes
}

fn targets() -> Vec<Target> {
    let target = |name: &str| Target {
        name: name.to_owned(),
        severity: Vec::new(),
        channel: Channel::Pagerduty {
            url: Endpoint::pagerduty("http://pager").unwrap(),
            routing_key: Secret::new("k"),
        },
    };
    vec![target("day"), target("night")]
}

/// A process: what `driver` does, on one thread.
struct Process {
    sender: Sender,
    /// The next change that it tells.
    next: usize,
}

impl Process {
    /// Goes on from a snapshot that lies somewhere before what is safe.
    fn start(world: &mut World) -> Self {
        let mut outbox = Outbox::open(&world.directory).unwrap();
        assert_eq!(outbox.damaged(), 0);
        let targets = targets();
        let policy = Policy { per_hour: 1_000, ..Policy::default() };
        let ledger = Ledger::recall(policy, &targets, &mut outbox, world.now);
        let arrivals = outbox.take_arrivals();
        let sender = Sender {
            courier: Arc::clone(&world.courier),
            wake: targets.iter().map(|_| Notify::new()).collect(),
            outbox: Mutex::new(outbox),
            silence_file: Mutex::new(None),
            house: Notify::new(),
            ledger: Mutex::new(ledger),
            arrivals: Mutex::new(arrivals),
            stopping: AtomicBool::new(false),
            clock: Clock::system(),
            seed: world.mix.below(u64::MAX),
        };
        let before = world.mix.below(world.safe as u64 + 1);
        Self { sender, next: usize::try_from(before).unwrap() }
    }

    /// Tells what is due; whether it was killed meanwhile.
    fn offer(&mut self, world: &mut World) -> bool {
        let due = world.changes.iter().skip(self.next);
        let due: Vec<Alert> = due.take_while(|it| it.changed_at <= world.now).cloned().collect();
        if due.is_empty() {
            return false;
        }
        let count = due.len();
        let now = Now { clock: world.now, wall: world.now };
        let mut outbox = lock(&self.sender.outbox);
        let planned = lock(&self.sender.ledger).plan(due, now);
        self.sender.commit(&mut outbox, planned).unwrap();
        if world.kills() {
            // It was killed before the disk had said that it has it.
            return true;
        }
        drop(outbox);
        world.wrote(false);
        self.next += count;
        world.safe = world.safe.max(self.next);
        false
    }

    /// Sends what is due to a receiver; how long there is nothing to do, or `None` for killed.
    fn send(&self, at: usize, world: &mut World) -> Option<i64> {
        loop {
            let next = lock(&self.sender.ledger).next(at, world.now);
            let notification = match next {
                Next::Send(it) => it,
                Next::Wait(wait_ms) => return Some(wait_ms),
                Next::Empty => return Some(HOUR_MS),
            };
            let World { receivers, mix, now, .. } = world;
            let reply = receivers[at].answer(&notification, mix, *now);
            if world.kills() {
                return None;
            }
            self.sender.arrived(&notification, reply);
            if world.kills() {
                return None;
            }
            self.sender.settle(at, &notification, (reply, ""), world.now);
            let is_noted = !matches!(reply, Reply::None | Reply::Status { code: 429.., .. });
            world.wrote(is_noted && notification.page);
            world.now = world.now.plus(world.mix.ms(SECOND_MS));
        }
    }

    /// A turn; `None` where it was killed.
    fn work(&mut self, world: &mut World) -> Option<()> {
        if self.offer(world) {
            return None;
        }
        let waits = [self.send(0, world)?, self.send(1, world)?];
        let next = world.changes.get(self.next).map(|it| it.changed_at.since(world.now));
        let wait_ms = waits.into_iter().chain(next).min().unwrap_or(0);
        world.now = world.now.plus(wait_ms.max(1));
        Some(())
    }

    fn is_done(&self, world: &World) -> bool {
        self.next == world.changes.len() && lock(&self.sender.ledger).pending() == 0
    }
}

fn run(seed: u64, arrivals_are_lost: bool) -> World {
    let mut world = World::new(seed, arrivals_are_lost);
    let mut process = Process::start(&mut world);
    while !process.is_done(&world) {
        if process.work(&mut world).is_none() {
            drop(process);
            world.crash();
            process = Process::start(&mut world);
        }
    }
    drop(process);
    fs::remove_dir_all(&world.directory).unwrap();
    world
}

/// The alerts that are to get somebody up.
fn pages(world: &World) -> BTreeSet<&str> {
    let is_page = |it: &&Alert| it.severity == Severity::Page && !is_poison(&it.id);
    world.changes.iter().filter(is_page).map(|it| &*it.id).collect()
}

/// How often one of them got somebody up who was up before. A ticket may: that it arrived is not
/// synced.
fn doubles(world: &World) -> u32 {
    let pages = pages(world);
    let incidents = world.receivers.iter().flat_map(|it| &it.incidents);
    let of_pages = incidents.filter(|it| pages.contains(it.0.as_str()));
    of_pages.map(|it| it.1.saturating_sub(1)).sum()
}

#[test]
fn whatever_receivers_do_each_page_is_one_incident_that_ends() {
    let (mut kills, mut lost, mut again) = (0, 0, 0);
    for seed in 0..SEEDS {
        let world = run(seed, false);
        assert_eq!(doubles(&world), 0, "seed {seed}, {} kills", world.kills);
        let pages = pages(&world);
        for receiver in &world.receivers {
            assert_eq!(receiver.open, BTreeSet::new(), "seed {seed}");
            assert!(!receiver.incidents.keys().any(|it| is_poison(it)), "seed {seed}");
            let missed = pages.iter().find(|it| !receiver.incidents.contains_key(**it));
            assert_eq!(missed, None, "seed {seed}");
            lost += receiver.lost;
            again += receiver.taken.values().map(|it| it - 1).sum::<u32>();
        }
        kills += world.kills;
    }
    assert!(kills > 10 * u32::try_from(SEEDS).unwrap(), "{kills} kills");
    // What is sent again is what the receiver may not have, as far as anybody can know.
    assert!(lost > 100 && again <= lost + kills, "{again} again, {lost} answers lost");
}

#[test]
fn with_arrivals_forgotten_somebody_is_got_up_twice() {
    assert!((0..SEEDS).any(|seed| doubles(&run(seed, true)) > 0));
}
