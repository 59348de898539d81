//! What the workers of all targets share: outbox, ledger, connections, and an attempt's way back
//! from the last to the first.
//!
//! The outbox has a lock of its own, always taken first and held while the disk works; the ledger
//! (planner, queues, counts) has another that is held for moments. So a slow disk delays who
//! offers and who has just sent, never a worker that looks for its next notification.

use super::arrivals::Arrivals;
use super::courier::Courier;
use super::ledger::Ledger;
use super::notification::Notification;
use super::outbox::{Anew, Outbox};
use super::plan::Now;
use super::retry::{self, Attempt, Reply, Verdict};
use super::silence_file::SilenceFile;
use crate::killpoint;
use crate::time::{Clock, Moment, wall};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The shared part of a running delivery.
pub(super) struct Sender {
    pub(super) courier: Arc<Courier>,
    pub(super) wake: Vec<Notify>,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) silence_file: Mutex<Option<SilenceFile>>,
    /// Wakes the housekeeping before its time.
    pub(super) house: Notify,
    pub(super) ledger: Mutex<Ledger>,
    /// What arrived and may not stand in the outbox yet. Locked for a write, after the others.
    pub(super) arrivals: Mutex<Option<Arrivals>>,
    pub(super) stopping: AtomicBool,
    pub(super) clock: Clock,
    pub(super) seed: u64,
}

impl Sender {
    pub(super) fn now(&self) -> Now {
        Now { clock: self.clock.now(), wall: wall() }
    }

    /// Writes notifications to the outbox, then queues them, whether or not the disk took them.
    pub(super) fn commit(
        &self,
        outbox: &mut Outbox,
        planned: Vec<(usize, Notification)>,
    ) -> io::Result<()> {
        let (targets, notifications): (Vec<usize>, Vec<_>) = planned.into_iter().unzip();
        let mut written = outbox.append(&notifications);
        let replaced = lock(&self.ledger).push(targets.iter().copied().zip(notifications));
        if !replaced.is_empty() {
            written = written.and(outbox.done(&replaced, false));
        }
        match self.compact_if_due(outbox) {
            // Written anew from the queues it says everything again, also what it lacked.
            Ok(true) => written = Ok(()),
            Ok(false) => {}
            Err(error) => written = written.and(Err(error)),
        }
        lock(&self.ledger).outbox_bytes = outbox.length();
        if let Err(error) = &written {
            lock(&self.ledger).outbox_failures += 1;
            tracing::error!(%error, "the disk refuses the outbox; alerts are sent from memory");
        }
        for wake in targets.iter().filter_map(|at| self.wake.get(*at)) {
            wake.notify_one();
        }
        written
    }

    /// Whether it was due and is done.
    fn compact_if_due(&self, outbox: &mut Outbox) -> io::Result<bool> {
        let anew = {
            let ledger = lock(&self.ledger);
            if !outbox.is_to_be_compacted(ledger.live()) {
                return Ok(false);
            }
            Anew::prepare(ledger.planner.remembered(), ledger.notifications())
        };
        outbox.compact(&anew).map(|()| true)
    }

    /// Looks at the file of silences again. It waits for the disk.
    pub(super) fn read_silences(&self) {
        let mut file = lock(&self.silence_file);
        let Some(file) = file.as_mut() else { return };
        match file.look() {
            None => {}
            Some(Ok(silences)) => {
                let path = file.path().display();
                tracing::info!("{path} has changed: {} silences hold now", silences.list().len());
                lock(&self.ledger).planner.set_silences(silences);
            }
            Some(Err(words)) => {
                tracing::error!("the silences from before go on, these are not taken: {words}");
            }
        }
    }

    /// Notes at once that a notification arrived, if it did. The outbox says so only once the disk has
    /// what others wrote to it.
    pub(super) fn arrived(&self, notification: &Notification, reply: Reply) {
        if !matches!(reply, Reply::Status { code: 200..=299, .. }) {
            return;
        }
        let mut arrivals = lock(&self.arrivals);
        let noted = arrivals.as_mut().map_or(Ok(()), |it| it.note(notification.seq));
        if let Err(error) = noted {
            tracing::debug!(%error, "what arrived is noted in the outbox alone");
        }
    }

    /// Forgets what stands in the outbox by now, once there is much of it.
    fn forget_arrivals(&self) {
        let mut arrivals = lock(&self.arrivals);
        let long = arrivals.as_mut().filter(|it| it.is_long());
        if let Some(Err(error)) = long.map(Arrivals::forget) {
            tracing::debug!(%error, "what arrived cannot be forgotten");
        }
    }

    /// Notes how an attempt ended, `now` by the run's clock.
    pub(super) fn settle(
        &self,
        at: usize,
        notification: &Notification,
        (reply, said): (Reply, &str),
        now: Moment,
    ) {
        let attempt = lock(&self.ledger).attempt(at, notification, now);
        let verdict = retry::judge(reply, Attempt { seed: self.seed ^ attempt.seed, ..attempt });
        log(notification, verdict, said);
        let mut outbox = (!matches!(verdict, Verdict::Retry { .. })).then(|| lock(&self.outbox));
        // An end that is sent again after a crash is harmless; a beginning that is sent again
        // after its end wakes somebody. So both are known to the disk before anything follows.
        let noted = outbox.as_mut().map(|it| it.done(&[notification.seq], notification.page));
        killpoint::pass("noted");
        if notification.page && noted.as_ref().is_some_and(Result::is_ok) {
            self.forget_arrivals();
        }
        let mut ledger = lock(&self.ledger);
        ledger.settle(at, notification, verdict, now);
        ledger.outbox_failures += u64::from(noted.is_some_and(|it| it.is_err()));
    }

    /// Sends a notification once, unless the receiver has said that it wants no more.
    pub(super) async fn attempt(&self, at: usize, notification: &Notification) -> (Reply, String) {
        if lock(&self.ledger).is_gone(at) {
            let words = "it has said that it wants no more".to_owned();
            return (Reply::Status { code: 410, retry_after_ms: None }, words);
        }
        let (reply, said) = self.courier.attempt(at, notification).await;
        self.arrived(notification, reply);
        (reply, said)
    }

    /// Posts again what is open at an Alertmanager.
    pub(super) async fn repost(&self, at: usize) {
        let elements = lock(&self.ledger).planner.open_elements(at, self.clock.now());
        self.courier.repost(at, &elements).await;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

fn log(notification: &Notification, verdict: Verdict, said: &str) {
    let (receiver, alert) = (&notification.target, &notification.id);
    match verdict {
        Verdict::Done => tracing::debug!(receiver, alert, "notified"),
        Verdict::Retry { after_ms, .. } => {
            tracing::warn!(receiver, alert, said, after_ms, "not notified yet");
        }
        Verdict::Dead => tracing::error!(receiver, alert, said, "never notified"),
        Verdict::Gone => {
            tracing::error!(
                receiver,
                alert,
                said,
                "the receiver wants no more; none is sent to it"
            );
        }
    }
}

/// A lock whose holder panicked is taken all the same: each critical section leaves the state
/// whole, and pages must go on.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
