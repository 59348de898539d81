//! What offers and workers share, less the disk: who is told what, what waits, what was counted.

use super::notification::Notification;
use super::outbox::Outbox;
use super::plan::{Now, Planner, Policy};
use super::queue::{Next, Queue};
use super::receiver::Target;
use super::retry::{Attempt, Verdict};
use super::stats::{ReceiverStats, Stats};
use crate::alert::Alert;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Delays that are kept between two looks at them; the oldest go first.
const SECONDS_KEPT_MAX: usize = 1_024;

/// Planner, queues and counts.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) planner: Planner,
    queues: Vec<Queue>,
    counts: Vec<ReceiverStats>,
    may_be_gone: Vec<bool>,
    /// Times from offer to arrival, with the index of the target.
    pub(super) seconds: VecDeque<(usize, f64)>,
    orphaned: u64,
    outbox_damaged: u64,
    pub(super) outbox_failures: u64,
    pub(super) outbox_bytes: u64,
}

impl Ledger {
    /// The ledger as the outbox remembers it.
    pub(super) fn recall(
        policy: Policy,
        targets: &[Target],
        outbox: &mut Outbox,
        now: Moment,
    ) -> Self {
        let counts =
            |it: &Target| ReceiverStats { receiver: it.name.clone(), ..ReceiverStats::default() };
        let mut ledger = Self {
            planner: Planner::new(policy, targets.to_vec()),
            queues: targets
                .iter()
                .map(|it| Queue::new(it.channel.is_whole(), it.channel.pace_ms()))
                .collect(),
            counts: targets.iter().map(counts).collect(),
            may_be_gone: targets.iter().map(|it| it.channel.may_be_gone()).collect(),
            seconds: VecDeque::new(),
            orphaned: 0,
            outbox_damaged: outbox.damaged(),
            outbox_failures: 0,
            outbox_bytes: outbox.length(),
        };
        for row in outbox.take_recalled() {
            let at = ledger.planner.recall(&row.notification, row.open, now);
            match at.and_then(|at| ledger.queues.get_mut(at)) {
                Some(queue) if row.waits => drop(queue.push(row.notification)),
                None if row.waits => ledger.orphaned += 1,
                Some(_) | None => {}
            }
        }
        ledger
    }

    /// The notifications that changes make, each with the index of its target; not yet queued.
    pub(super) fn plan(&mut self, alerts: Vec<Alert>, now: Now) -> Vec<(usize, Notification)> {
        let waiting = self.waiting();
        self.planner.plan(alerts, &waiting, now)
    }

    /// The same for alerts whose silence has ended.
    pub(super) fn unsilenced(&mut self, now: Now) -> Vec<(usize, Notification)> {
        let waiting = self.waiting();
        self.planner.unsilenced(&waiting, now)
    }

    /// Queues notifications; the numbers of those that they make unnecessary.
    pub(super) fn push(
        &mut self,
        notifications: impl Iterator<Item = (usize, Notification)>,
    ) -> Vec<u64> {
        let mut replaced = Vec::new();
        for (at, notification) in notifications {
            if let Some(queue) = self.queues.get_mut(at) {
                replaced.extend(queue.push(notification));
            }
        }
        replaced
    }

    /// What a target's worker does next.
    pub(super) fn next(&self, at: usize, now: Moment) -> Next {
        self.queues.get(at).map_or(Next::Empty, |it| it.next(now))
    }

    /// Whether a target has said that it wants no more.
    pub(super) fn is_gone(&self, at: usize) -> bool {
        self.queues.get(at).is_some_and(Queue::is_gone)
    }

    /// What the verdict on a notification needs to know.
    pub(super) fn attempt(&self, at: usize, notification: &Notification, now: Moment) -> Attempt {
        let queue = self.queues.get(at);
        let failures = queue.map_or(0, |it| it.failures(notification.seq));
        Attempt {
            failures,
            age_ms: now.since(Moment(notification.queued_ms)),
            page: notification.page,
            may_be_gone: self.may_be_gone.get(at).copied().unwrap_or_default(),
            seed: notification.seq,
        }
    }

    /// Takes the verdict on a notification.
    pub(super) fn settle(
        &mut self,
        at: usize,
        notification: &Notification,
        verdict: Verdict,
        now: Moment,
    ) {
        if let Some(queue) = self.queues.get_mut(at) {
            queue.settle(notification.seq, verdict, now);
        }
        if matches!(verdict, Verdict::Dead | Verdict::Gone) {
            self.planner.refused(at, notification);
        }
        let waited_ms = now.since(Moment(notification.queued_ms)).max(0).unsigned_abs();
        self.count(at, verdict, Duration::from_millis(waited_ms).as_secs_f64(), now);
    }

    fn count(&mut self, at: usize, verdict: Verdict, seconds: f64, now: Moment) {
        let Some(counts) = self.counts.get_mut(at) else { return };
        match verdict {
            Verdict::Done => {
                counts.sent += 1;
                counts.last_success = Some(now);
                self.seconds.push_back((at, seconds));
                if self.seconds.len() > SECONDS_KEPT_MAX {
                    self.seconds.pop_front();
                }
            }
            Verdict::Retry { .. } => {
                counts.retried += 1;
                counts.last_failure = Some(now);
            }
            Verdict::Dead | Verdict::Gone => {
                counts.dead += 1;
                counts.last_failure = Some(now);
            }
        }
    }

    /// Everything that waits.
    pub(super) fn notifications(&self) -> impl Iterator<Item = &Notification> {
        self.queues.iter().flat_map(Queue::notifications)
    }

    /// How many wait, digests aside.
    pub(super) fn pending(&self) -> usize {
        self.queues.iter().map(Queue::pending).sum()
    }

    /// Rows that an outbox written anew would have.
    pub(super) fn live(&self) -> usize {
        self.waiting().iter().sum::<usize>() + self.planner.remembered_len()
    }

    fn waiting(&self) -> Vec<usize> {
        self.queues.iter().map(Queue::len).collect()
    }

    pub(super) fn stats(&self) -> Stats {
        let receivers = self.counts.iter().zip(&self.queues).enumerate();
        let receivers = receivers.map(|(at, (counts, queue))| ReceiverStats {
            waiting: queue.len(),
            gone: queue.is_gone(),
            budgeted: self.planner.budgeted(at),
            ..counts.clone()
        });
        Stats {
            receivers: receivers.collect(),
            silenced: self.planner.silenced,
            late: self.planner.late,
            orphaned: self.orphaned,
            outbox_damaged: self.outbox_damaged,
            outbox_failures: self.outbox_failures,
            outbox_bytes: self.outbox_bytes,
        }
    }
}
