//! What one target was told, and what it is told next.
//!
//! That memory and not the alert's status decides: only what was told is updated or ended, a
//! ticket that becomes a page triggers, a change that is read again after a crash is recognised
//! by its slice time and not told twice (a trigger after an end would be a new incident), and
//! what ends is called what it was called when it began. The memory is rebuilt from the outbox.

use super::alertmanager;
use super::budget::Budget;
use super::notification::{Action, Notification};
use super::plan::Now;
use super::receiver::Target;
use crate::alert::text::{self, Wording};
use crate::alert::{Alert, Mode, Severity, Status};
use crate::time::Moment;
use serde_json::Value;
use std::collections::BTreeMap;

/// Alerts that are remembered for a target: the ends of all that can be open at once, and then
/// some ended ones against replays. Beyond it ended ones go first, then the oldest.
const TOLD_MAX: usize = 16_384;
/// A change on its way to one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    /// The alert.
    pub(super) alert: &'a Alert,
    /// A silence matches it.
    pub(super) silenced: bool,
    /// So much waits for the target that only pages may join.
    pub(super) full: bool,
    /// The clocks.
    pub(super) now: Now,
}

/// One target's memory and budget.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) target: Target,
    told: BTreeMap<String, Told>,
    budget: Budget,
    digest: Option<Digest>,
    pub(super) budgeted: u64,
}

/// What the target was told of one alert.
#[derive(Clone, Debug)]
struct Told {
    /// The last notification; its body is kept for Alertmanager only.
    last: Notification,
    open: bool,
    /// Read from the outbox then, and not heard of since.
    orphan_since: Option<Moment>,
}

/// The digest that waits.
#[derive(Clone, Copy, Debug)]
struct Digest {
    seq: u64,
    since: Moment,
    count: u64,
}

impl Desk {
    pub(super) const fn new(target: Target, budget: Budget) -> Self {
        Self { target, told: BTreeMap::new(), budget, digest: None, budgeted: 0 }
    }

    /// The notifications that a change makes, numbered from `seq` on: none, one, or two where
    /// Alertmanager has to hear that the alert is now called something else.
    pub(super) fn plan(
        &mut self,
        change: Change<'_>,
        wording: &Wording,
        seq: &mut u64,
    ) -> Vec<Notification> {
        if let Some(told) = self.told.get_mut(&change.alert.id) {
            told.orphan_since = None;
        }
        let Some((action, severity)) = self.decide(change) else { return Vec::new() };
        let page = severity == Severity::Page;
        let unmetered = self.target.channel.is_whole();
        let owed = action == Action::Resolve && self.target.channel.is_owed_ends();
        let always = owed || (page && action != Action::Update);
        let mut spend = || !change.full && self.budget.spend(change.now.clock);
        if !unmetered && !always && !spend() {
            self.hold(change, action);
            return Vec::new();
        }
        let bodies = self.bodies(change, (action, severity), wording);
        let made: Vec<Notification> = bodies
            .into_iter()
            .zip(*seq..)
            .map(|((action, body), seq)| Notification {
                seq,
                target: self.target.name.clone(),
                id: change.alert.id.clone(),
                action,
                page,
                records: change.alert.records_out.estimate,
                changed_ms: change.alert.changed_at.0,
                queued_ms: change.now.clock.0,
                due_ms: 0,
                body,
            })
            .collect();
        for notification in &made {
            *seq = notification.seq + 1;
            self.note(notification, notification.action != Action::Resolve, None);
        }
        made
    }

    /// What to tell, and how loud; `None` for nothing.
    fn decide(&self, change: Change<'_>) -> Option<(Action, Severity)> {
        let alert = change.alert;
        let quiet = alert.mode == Mode::Observe || alert.late;
        let severity = if quiet { Severity::Ticket } else { alert.severity };
        let told = self.told.get(&alert.id);
        if told.is_some_and(|it| it.knows(alert, severity)) {
            return None;
        }
        let open = told.filter(|it| it.open);
        if alert.status == Status::Resolved {
            return open.map(|it| (Action::Resolve, it.severity()));
        }
        if change.silenced {
            return None;
        }
        match open {
            Some(told) if self.target.takes(severity) && severity > told.severity() => {
                Some((Action::Trigger, severity))
            }
            Some(told) => Some((Action::Update, told.severity())),
            None => self.target.takes(severity).then_some((Action::Trigger, severity)),
        }
    }

    fn bodies(
        &self,
        change: Change<'_>,
        (action, severity): (Action, Severity),
        wording: &Wording,
    ) -> Vec<(Action, Value)> {
        let channel = &self.target.channel;
        let body = channel.body(change.alert, (action, severity), wording, change.now.wall);
        match channel.is_reposted() {
            true => self.elements(change.alert, action, body, change.now.wall),
            false => vec![(action, body)],
        }
    }

    fn elements(
        &self,
        alert: &Alert,
        action: Action,
        element: Value,
        wall: Moment,
    ) -> Vec<(Action, Value)> {
        let told = self.told.get(&alert.id).filter(|it| it.open);
        let Some(earlier) = told.map(|it| &it.last.body) else { return vec![(action, element)] };
        match action {
            // It became louder, which its labels say: under the old ones it is over.
            Action::Trigger => {
                vec![(Action::Resolve, alertmanager::ended(earlier, wall)), (action, element)]
            }
            Action::Update | Action::Resolve | Action::Digest => {
                vec![(action, alertmanager::relabelled(element, earlier))]
            }
        }
    }

    fn hold(&mut self, change: Change<'_>, action: Action) {
        self.budgeted += 1;
        self.budget.hold(change.now.clock, change.alert.log_e, text::summary(change.alert));
        // The end of a ticket that is not told: Alertmanager ends it by itself, because it is
        // not posted again.
        if let Some(told) = self.told.get_mut(&change.alert.id)
            && action == Action::Resolve
        {
            told.open = false;
            told.last.changed_ms = change.alert.changed_at.0;
        }
    }

    /// The digest of what is held back, where that changed since it was last asked for. A later
    /// one with the same number replaces the earlier, so that a crash loses no count.
    pub(super) fn digest(&mut self, now: Now, next_seq: &mut u64) -> Option<Notification> {
        let held = self.budget.held()?;
        let last = self.digest.filter(|it| it.since == held.since);
        if last.is_some_and(|it| it.count == held.count) {
            return None;
        }
        let seq = last.map_or(*next_seq, |it| it.seq);
        *next_seq = (*next_seq).max(seq + 1);
        self.digest = Some(Digest { seq, since: held.since, count: held.count });
        let id = format!("digest-{}", held.since.0);
        let body = self.target.channel.digest(&id, &held.words(), now.wall)?;
        Some(Notification {
            seq,
            target: self.target.name.clone(),
            id,
            action: Action::Digest,
            page: false,
            records: 0,
            changed_ms: held.since.0,
            queued_ms: now.clock.0,
            due_ms: held.due.0,
            body,
        })
    }

    /// Remembers a notification; `orphan_since` where it was read from the outbox.
    pub(super) fn note(
        &mut self,
        notification: &Notification,
        open: bool,
        orphan_since: Option<Moment>,
    ) {
        if notification.action == Action::Digest {
            return;
        }
        let mut last = notification.clone();
        if !open || !self.target.channel.is_reposted() {
            last.body = Value::Null;
        }
        self.told.insert(notification.id.clone(), Told { last, open, orphan_since });
        if self.told.len() > TOLD_MAX {
            let oldest = self.told.values().min_by_key(|it| (it.open, it.last.seq));
            if let Some(id) = oldest.map(|it| it.last.id.clone()) {
                self.told.remove(&id);
            }
        }
    }

    /// The target refused it for good: it is not open there.
    pub(super) fn refused(&mut self, notification: &Notification) {
        let told = self.told.get_mut(&notification.id);
        if let Some(told) = told.filter(|it| it.last.seq == notification.seq) {
            told.open = false;
            told.last.body = Value::Null;
        }
    }

    /// The elements that are open at an Alertmanager, to be posted again.
    ///
    /// One from before the start that is not heard of for `orphan_ms` is not posted any more: the
    /// engine may not know it, and then would never end it. Its end, should it come, is told.
    pub(super) fn open_elements(&self, now: Moment, orphan_ms: i64) -> Vec<Value> {
        let is_known =
            |it: &&Told| it.orphan_since.is_none_or(|since| now.since(since) < orphan_ms);
        let open = self.told.values().filter(|it| it.open && !it.last.body.is_null());
        open.filter(is_known).map(|it| it.last.body.clone()).collect()
    }

    /// The engine has this alert open; whether the target was told of it.
    pub(super) fn goes_on(&mut self, id: &str) -> bool {
        let told = self.told.get_mut(id);
        told.map(|it| it.orphan_since = None).is_some()
    }

    /// What has to survive a compaction although it was sent, and whether it is open.
    pub(super) fn remembered(&self) -> impl Iterator<Item = (&Notification, bool)> {
        self.told.values().map(|it| (&it.last, it.open))
    }

    pub(super) fn remembered_len(&self) -> usize {
        self.told.len()
    }
}

impl Told {
    const fn severity(&self) -> Severity {
        if self.last.page { Severity::Page } else { Severity::Ticket }
    }

    /// Whether the change is one that the target was told before. Of several in one slice the last was
    /// told with the most records: judged again after a crash, none of them is news.
    fn knows(&self, alert: &Alert, severity: Severity) -> bool {
        let (told, change) = (self.last.changed_ms, alert.changed_at.0);
        let same = told == change && alert.records_out.estimate <= self.last.records;
        let louder = severity > self.severity();
        let ends = self.open && alert.status == Status::Resolved;
        change < told || (same && !louder && !ends)
    }
}
