//! Starting, offering, stopping, and the worker of each target.
//!
//! A disk that refuses does not stop a page: the notification is sent from memory, the offer
//! returns the error, offsets stay where they are, and the next offer writes what is missing.

use super::alertmanager;
use super::courier::{Courier, Means};
use super::heartbeat::{self, Heartbeat, HeartbeatSpec};
use super::http::{self, Names, SystemNames};
use super::ledger::Ledger;
use super::outbox::Outbox;
use super::plan::Policy;
use super::queue::Next;
use super::reach::Reach;
use super::receiver::{ReceiverSpec, Target};
use super::sender::{Sender, lock};
use super::stats::Stats;
use crate::alert::{Alert, Standing};
use crate::time::Clock;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle, spawn_blocking};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

/// What delivery is started with.
pub struct Options {
    /// Who is told.
    pub receivers: Vec<ReceiverSpec>,
    /// Of what, and how often.
    pub policy: Policy,
    /// Where receivers may be.
    pub reach: Reach,
    /// What turns names of hosts into addresses.
    pub names: Arc<dyn Names>,
    /// Time for one attempt over HTTP.
    pub timeout: Duration,
    /// How often what is open is posted to Alertmanager again and what the disk refused is
    /// written, in real time.
    pub repost: Duration,
    /// Where receivers of the kind `stdout` write.
    pub terminal: Box<dyn Write + Send>,
    /// Where signs of life go; `None` for nowhere.
    pub heartbeat: Option<HeartbeatSpec>,
    /// What the jitter of retries comes from: different for each instance.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            receivers: Vec::new(),
            policy: Policy::default(),
            reach: Reach::default(),
            names: Arc::new(SystemNames),
            timeout: http::TIMEOUT,
            repost: Duration::from_millis(alertmanager::REPOST_MS.unsigned_abs()),
            terminal: Box::new(io::sink()),
            heartbeat: None,
            seed: 0,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("receivers", &self.receivers).field("policy", &self.policy);
        shown.field("timeout", &self.timeout).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Why delivery cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No TLS client can be made, as where the machine has no root certificates.
    #[error("making the client for receivers")]
    Client(#[source] reqwest::Error),
    /// The same of a mail server, also where the certificates of its `ca_file` cannot be read.
    #[error("making the client for mail")]
    Mail(#[source] lettre::transport::smtp::Error),
}

/// Running delivery. Dropping it leaves the workers to the runtime; [`stop`](Self::stop) ends it.
pub struct Delivery {
    sender: Arc<Sender>,
    heart: Arc<Heartbeat>,
    /// The workers.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// What has no end of its own.
    endless: Vec<AbortHandle>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("targets", &self.sender.courier.targets)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// Starts a worker for each target on the runtime, and with what waited in the outbox.
    ///
    /// # Errors
    /// Where no client for the web can be made.
    pub fn start(
        options: Options,
        mut outbox: Outbox,
        clock: Clock,
        runtime: &Handle,
    ) -> Result<Self, StartError> {
        let targets = Target::of(&options.receivers);
        let Options { reach, names, timeout, terminal, mut policy, heartbeat, .. } = options;
        let heart = Arc::new(Heartbeat::default());
        let beats = heartbeat.map(|spec| {
            let line = heartbeat::line(&reach, &names, timeout)?;
            Ok(runtime.spawn(heartbeat::give(Arc::clone(&heart), line, spec)))
        });
        let beats = beats.transpose()?;
        let silence_file = Mutex::new(policy.silence_file.take());
        let ledger = Ledger::recall(policy, &targets, &mut outbox, clock.now());
        let arrivals = outbox.take_arrivals();
        let means = Means { reach, names, timeout, terminal };
        let courier = Courier::new(targets.clone(), means)?;
        let sender = Arc::new(Sender {
            wake: targets.iter().map(|_| Notify::new()).collect(),
            courier: Arc::new(courier),
            outbox: Mutex::new(outbox),
            silence_file,
            house: Notify::new(),
            ledger: Mutex::new(ledger),
            arrivals: Mutex::new(arrivals),
            stopping: AtomicBool::new(false),
            clock,
            seed: options.seed,
        });
        let every = options.repost;
        let house = runtime.spawn(keep_house(Arc::clone(&sender), every));
        let endless = beats.iter().chain([&house]).map(JoinHandle::abort_handle).collect();
        let mut tasks = vec![house];
        for at in 0..targets.len() {
            tasks.push(runtime.spawn(work(Arc::clone(&sender), at, every)));
        }
        tasks.extend(beats);
        Ok(Self { sender, heart, tasks: Mutex::new(tasks), endless })
    }

    /// Takes the changes of a slice. When it returns without an error they stand in the outbox
    /// and offsets behind them may be committed. It waits for the disk, so it must not be called
    /// on a thread of the runtime. An empty list writes what an earlier call could not.
    ///
    /// # Errors
    /// Where the disk refuses. The changes are delivered all the same.
    pub fn offer(&self, alerts: Vec<Alert>) -> io::Result<()> {
        self.offer_standing(alerts, &[])
    }

    /// The same, and keeps how the alerts stand now for the next process
    /// ([`Outbox::standing`]).
    ///
    /// # Errors
    /// As for [`offer`](Self::offer).
    pub fn offer_standing(&self, alerts: Vec<Alert>, standing: &[Standing]) -> io::Result<()> {
        let mut outbox = lock(&self.sender.outbox);
        outbox.stand(standing);
        let now = self.sender.now();
        let planned = lock(&self.sender.ledger).plan(alerts, now);
        self.sender.commit(&mut outbox, planned)
    }

    /// Takes note that an alert of an earlier process goes on.
    pub fn goes_on(&self, alert: &Alert) {
        lock(&self.sender.ledger).planner.goes_on(alert);
    }

    /// What makes the housekeeping come at once, as when the file of silences has changed. It may
    /// be kept and called from anywhere.
    pub fn hurry(&self) -> impl Fn() + Send + Sync + 'static {
        let sender = Arc::clone(&self.sender);
        move || sender.house.notify_one()
    }

    /// What signs of life depend on.
    #[must_use]
    pub fn heart(&self) -> &Heartbeat {
        &self.heart
    }

    /// Notifications that wait, digests that are not due aside.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.sender.ledger).pending()
    }

    /// What was done since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        lock(&self.sender.ledger).stats()
    }

    /// The times from offer to arrival since the last call, in seconds of the run's clock, each
    /// with its index into [`Stats::receivers`].
    #[must_use]
    pub fn take_seconds(&self) -> Vec<(usize, f64)> {
        lock(&self.sender.ledger).seconds.drain(..).collect()
    }

    /// Sends what is due, for at most `deadline`, and ends the workers; how many notifications
    /// are left in the outbox for the next start.
    pub async fn stop(&self, deadline: Duration) -> usize {
        self.sender.stopping.store(true, Ordering::SeqCst);
        self.sender.wake.iter().for_each(Notify::notify_one);
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        self.endless.iter().for_each(AbortHandle::abort);
        let ended = timeout(deadline, async {
            for task in tasks {
                let _aborted = task.await;
            }
        });
        if ended.await.is_err() {
            aborts.iter().for_each(AbortHandle::abort);
        }
        let sender = Arc::clone(&self.sender);
        let _cancelled =
            spawn_blocking(move || sender.commit(&mut lock(&sender.outbox), Vec::new())).await;
        self.pending()
    }
}

/// Sends what is due at one target, one at a time, until told to stop.
async fn work(sender: Arc<Sender>, at: usize, repost: Duration) {
    let mut rounds = rounds(repost);
    loop {
        let next = lock(&sender.ledger).next(at, sender.clock.now());
        match next {
            Next::Send(notification) => {
                let (reply, said) = sender.attempt(at, &notification).await;
                let sender = Arc::clone(&sender);
                let settled = spawn_blocking(move || {
                    let now = sender.clock.now();
                    sender.settle(at, &notification, (reply, &said), now);
                });
                if settled.await.is_err() {
                    return;
                }
            }
            Next::Wait(_) | Next::Empty if sender.is_stopping() => return,
            Next::Wait(wait_ms) => rest(&sender, at, Some(wait_ms), &mut rounds).await,
            Next::Empty => rest(&sender, at, None, &mut rounds).await,
        }
    }
}

/// Waits for something to do: a new notification, the time of the next attempt, the next round.
async fn rest(sender: &Sender, at: usize, wait_ms: Option<i64>, rounds: &mut Interval) {
    let Some(wake) = sender.wake.get(at) else { return };
    let wait_ms = wait_ms.unwrap_or(i64::MAX) / sender.clock.factor();
    let wait = Duration::from_millis(wait_ms.unsigned_abs().saturating_add(1));
    tokio::select! {
        () = wake.notified() => {}
        () = sleep(wait) => {}
        _ = rounds.tick() => sender.repost(at).await,
    }
}

/// Reads the silences again, tells of alerts whose silence has ended, and writes what the disk
/// refused.
async fn keep_house(sender: Arc<Sender>, every: Duration) {
    let mut rounds = rounds(every);
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            () = sender.house.notified() => {}
        }
        let sender = Arc::clone(&sender);
        let kept = spawn_blocking(move || {
            sender.read_silences();
            let mut outbox = lock(&sender.outbox);
            let now = sender.now();
            let planned = lock(&sender.ledger).unsilenced(now);
            sender.commit(&mut outbox, planned).is_ok()
        });
        if kept.await.is_err() {
            return;
        }
    }
}

fn rounds(every: Duration) -> Interval {
    let mut rounds = interval(every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}
