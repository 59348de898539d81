//! What waits for one target, and what of it is next.
//!
//! Pages go first, then the oldest. What concerns one alert keeps its order, so that an end never
//! overtakes its beginning. A notification that fails steps behind the others instead of holding
//! them up, while the target as a whole is tried ever more rarely as long as everything fails:
//! one message that a receiver chokes on must not keep a page waiting, and a receiver that is
//! down must not be hammered with all of them.

use super::notification::{Action, Notification};
use super::retry::Verdict;
use crate::time::{MINUTE_MS, Moment, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pause of the whole target after one failure, doubled with each that follows, and the longest.
const PAUSE_FIRST_MS: i64 = SECOND_MS / 4;
const PAUSE_MAX_MS: i64 = MINUTE_MS / 2;

/// What a worker does next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Send this.
    Send(Arc<Notification>),
    /// Nothing is due for so many milliseconds.
    Wait(i64),
    /// Nothing waits.
    Empty,
}

#[derive(Debug)]
struct Waiting {
    notification: Arc<Notification>,
    failures: u32,
    due: Moment,
}

/// The queue of one target.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    /// Failures in a row, of whatever.
    failures: u32,
    paused_until: Moment,
    /// Every change is wanted: later ones do not replace earlier ones.
    whole: bool,
    /// The least time between two notifications.
    pace_ms: i64,
    /// The target wants no more: nothing waits for anything here.
    gone: bool,
}

impl Queue {
    /// An empty queue, from which one is sent every `pace_ms` at most. In a `whole` one every change is sent, in others an update that waits is
    /// replaced by the next change of its alert.
    pub(super) fn new(whole: bool, pace_ms: i64) -> Self {
        Self { whole, pace_ms, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many wait, digests aside: they wait for their hour.
    pub(super) fn pending(&self) -> usize {
        let digest = |it: &&Waiting| it.notification.action == Action::Digest;
        self.waiting.len() - self.waiting.values().filter(digest).count()
    }

    pub(super) fn notifications(&self) -> impl Iterator<Item = &Notification> {
        self.waiting.values().map(|it| &*it.notification)
    }

    /// Adds a notification; the numbers of those that it makes unnecessary.
    pub(super) fn push(&mut self, notification: Notification) -> Vec<u64> {
        let replaced = if self.whole { Vec::new() } else { self.replaced_by(&notification) };
        for seq in &replaced {
            self.waiting.remove(seq);
        }
        let due = Moment(notification.due_ms);
        let notification = Arc::new(notification);
        self.waiting.insert(notification.seq, Waiting { notification, failures: 0, due });
        replaced
    }

    /// Updates of the same alert that wait. One on its way may be among them: then it is simply
    /// not sent again.
    fn replaced_by(&self, new: &Notification) -> Vec<u64> {
        let waiting = self.waiting.values().map(|it| &it.notification);
        let same =
            waiting.filter(|it| it.id == new.id && it.action == Action::Update && it.seq < new.seq);
        same.map(|it| it.seq).collect()
    }

    /// What to do at `now`.
    pub(super) fn next(&self, now: Moment) -> Next {
        if self.waiting.is_empty() {
            return Next::Empty;
        }
        let mut begun = BTreeSet::new();
        let heads = self.waiting.values().filter(|it| begun.insert(it.notification.id.as_str()));
        let head = heads.min_by_key(|it| {
            let wait_ms = it.due.max(self.paused_until).since(now).max(0);
            (wait_ms, !it.notification.page, it.failures, it.notification.seq)
        });
        let Some(head) = head else { return Next::Empty };
        match head.due.max(self.paused_until).since(now) {
            wait_ms if wait_ms > 0 => Next::Wait(wait_ms),
            _ => Next::Send(Arc::clone(&head.notification)),
        }
    }

    /// Whether the target has said that it wants no more.
    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// How often sending this one has failed.
    pub(super) fn failures(&self, seq: u64) -> u32 {
        self.waiting.get(&seq).map_or(0, |it| it.failures)
    }

    /// Takes the verdict on a notification.
    pub(super) fn settle(&mut self, seq: u64, verdict: Verdict, now: Moment) {
        match verdict {
            Verdict::Done | Verdict::Dead | Verdict::Gone => {
                self.waiting.remove(&seq);
                self.failures = 0;
                self.gone |= verdict == Verdict::Gone;
                let is_paced = self.pace_ms > 0;
                self.paused_until =
                    if is_paced { now.plus(self.pace_ms) } else { Moment::default() };
            }
            Verdict::Retry { after_ms, throttled } => {
                let pause_ms = PAUSE_FIRST_MS << self.failures.min(16);
                let pause_ms = pause_ms.min(PAUSE_MAX_MS).max(self.pace_ms);
                self.failures = self.failures.saturating_add(1);
                self.paused_until = now.plus(if throttled { after_ms } else { pause_ms });
                if let Some(waiting) = self.waiting.get_mut(&seq) {
                    waiting.failures = waiting.failures.saturating_add(1);
                    waiting.due = now.plus(after_ms);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const NONE: [u64; 0] = [];
    const NOW: Moment = Moment(1_000_000);
    const FAILED: Verdict = Verdict::Retry { after_ms: 1_000, throttled: false };

    fn notification(seq: u64, id: &str, action: Action, page: bool) -> Notification {
        Notification {
            seq,
            target: "t".to_owned(),
            id: id.to_owned(),
            action,
            page,
            records: 0,
            changed_ms: 0,
            queued_ms: 0,
            due_ms: 0,
            body: Value::Null,
        }
    }

    fn seq(next: &Next) -> u64 {
        match next {
            Next::Send(notification) => notification.seq,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_overtake_tickets_but_no_end_its_beginning() {
        let mut queue = Queue::new(false, 0);
        queue.push(notification(1, "ticket", Action::Trigger, false));
        queue.push(notification(2, "page", Action::Trigger, true));
        queue.push(notification(3, "page", Action::Resolve, true));
        let mut order = Vec::new();
        while let Next::Send(next) = queue.next(NOW) {
            order.push(next.seq);
            queue.settle(next.seq, Verdict::Done, NOW);
        }
        assert_eq!(order, [2, 3, 1]);
        assert_eq!(queue.next(NOW), Next::Empty);
    }

    #[test]
    fn one_message_that_always_fails_holds_up_no_other() {
        let mut queue = Queue::new(false, 0);
        queue.push(notification(1, "poison", Action::Trigger, true));
        queue.push(notification(2, "page", Action::Trigger, true));
        assert_eq!(seq(&queue.next(NOW)), 1);
        queue.settle(1, FAILED, NOW);
        assert_eq!(queue.next(NOW), Next::Wait(PAUSE_FIRST_MS));
        let now = NOW.plus(PAUSE_FIRST_MS);
        assert_eq!(seq(&queue.next(now)), 2);
        queue.settle(2, Verdict::Done, now);
        assert_eq!(queue.next(now), Next::Wait(1_000 - PAUSE_FIRST_MS));
    }

    #[test]
    fn a_target_that_is_down_is_tried_ever_more_rarely_and_a_throttled_one_not_at_all() {
        let mut queue = Queue::new(false, 0);
        let (mut now, mut waits) = (NOW, Vec::new());
        for at in 0..10 {
            queue.push(notification(at, &at.to_string(), Action::Trigger, true));
        }
        for _ in 0..10 {
            queue.settle(seq(&queue.next(now)), FAILED, now);
            let Next::Wait(wait_ms) = queue.next(now) else { panic!("not paused") };
            waits.push(wait_ms);
            now = now.plus(wait_ms);
        }
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        let throttled = Verdict::Retry { after_ms: 120_000, throttled: true };
        queue.settle(seq(&queue.next(now)), throttled, now);
        assert_eq!(queue.next(now), Next::Wait(120_000));
    }

    #[test]
    fn an_update_that_waits_is_replaced_and_a_beginning_never() {
        let mut queue = Queue::new(false, 0);
        assert_eq!(queue.push(notification(1, "a", Action::Trigger, true)), NONE);
        assert_eq!(queue.push(notification(2, "a", Action::Update, true)), NONE);
        assert_eq!(queue.push(notification(3, "b", Action::Update, true)), NONE);
        assert_eq!(queue.push(notification(4, "a", Action::Update, true)), [2]);
        assert_eq!(queue.push(notification(5, "a", Action::Resolve, true)), [4]);
        assert_eq!(queue.len(), 3);
        let mut whole = Queue::new(true, 0);
        whole.push(notification(1, "a", Action::Update, true));
        assert_eq!(whole.push(notification(2, "a", Action::Update, true)), NONE);
    }

    #[test]
    fn a_target_with_a_pace_gets_one_at_a_time_a_page_first() {
        let mut queue = Queue::new(false, 1_000);
        queue.push(notification(1, "a", Action::Trigger, false));
        queue.push(notification(2, "b", Action::Trigger, false));
        assert_eq!(seq(&queue.next(NOW)), 1);
        queue.settle(1, Verdict::Done, NOW);
        assert_eq!(queue.next(NOW), Next::Wait(1_000));
        queue.push(notification(3, "c", Action::Trigger, true));
        assert_eq!(seq(&queue.next(NOW.plus(1_000))), 3);
    }

    #[test]
    fn a_digest_waits_for_its_time_and_a_later_one_replaces_it() {
        let mut queue = Queue::new(false, 0);
        let digest = |text: &str| Notification {
            due_ms: NOW.plus(5_000).0,
            body: text.into(),
            ..notification(7, "d", Action::Digest, false)
        };
        queue.push(digest("one"));
        queue.push(digest("two"));
        assert_eq!(queue.next(NOW), Next::Wait(5_000));
        match queue.next(NOW.plus(5_000)) {
            Next::Send(it) => assert_eq!(it.body, "two"),
            other => panic!("{other:?}"),
        }
    }
}
