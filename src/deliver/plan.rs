//! From changes of alerts to notifications: one desk a target, and what they have in common.
//!
//! Silences, lateness and the numbering are common; everything else is decided at the desk. A
//! silenced alert is kept aside, because its silence may end before it does: then it is told as
//! if it had just been raised, and nobody has to wait for its next change.

use super::budget::Budget;
use super::desk::{Change, Desk};
use super::notification::Notification;
use super::receiver::Target;
use super::silence_file::SilenceFile;
use crate::alert::text::Wording;
use crate::alert::{Alert, Silences, Status};
use crate::time::{HOUR_MS, Moment};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is found in a backlog older than this is late, in `run`.
pub const LATE_AFTER_MS: i64 = HOUR_MS;
/// Notifications that wait for one target at most before only pages may join them.
pub const WAITING_MAX: usize = 10_000;
/// Silenced alerts that are kept aside at most. One more is told at its next change only.
const ASIDE_MAX: usize = 1_024;

/// The two readings that planning needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Now {
    /// The run's clock, which may be scaled.
    pub(super) clock: Moment,
    /// The machine's clock, which receivers share.
    pub(super) wall: Moment,
}

/// What planning is configured with.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the words point to.
    pub wording: Wording,
    /// Who is not to be told of what.
    pub silences: Silences,
    /// Where these are from, to be looked at again; `None` for nowhere.
    pub silence_file: Option<SilenceFile>,
    /// A change this much older than the clock is late and sent as a ticket
    /// ([`LATE_AFTER_MS`] in `run`); `None` for never.
    pub late_after_ms: Option<i64>,
    /// Tickets and updates an hour and receiver.
    pub per_hour: u32,
    /// Notifications that wait for one target at most before only pages may join them.
    pub waiting_max: usize,
    /// How long an open alert from before the start is posted to Alertmanager without being heard
    /// of: as long as one that is heard of stays open without a change.
    pub resolve_after_ms: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            wording: Wording::default(),
            silences: Silences::default(),
            silence_file: None,
            late_after_ms: None,
            per_hour: super::budget::PER_HOUR,
            waiting_max: WAITING_MAX,
            resolve_after_ms: HOUR_MS,
        }
    }
}

/// Whether a change is found in a backlog: `now` is the clock's reading.
#[must_use]
pub const fn is_late(alert: &Alert, late_after_ms: i64, now: Moment) -> bool {
    now.since(alert.changed_at) > late_after_ms
}

/// Who is told what.
#[derive(Debug)]
pub(super) struct Planner {
    policy: Policy,
    desks: Vec<Desk>,
    /// Silenced and not over, by id.
    aside: BTreeMap<String, Alert>,
    next_seq: u64,
    /// Changes that a silence held back.
    pub(super) silenced: u64,
    /// Changes that were found in a backlog.
    pub(super) late: u64,
}

impl Planner {
    pub(super) fn new(policy: Policy, targets: Vec<Target>) -> Self {
        let budget = Budget::new(policy.per_hour);
        let desks = targets.into_iter().map(|it| Desk::new(it, budget.clone())).collect();
        Self { policy, desks, aside: BTreeMap::new(), next_seq: 1, silenced: 0, late: 0 }
    }

    /// Takes what the outbox remembered, in its order; the index of its target, if that is still
    /// configured.
    pub(super) fn recall(
        &mut self,
        notification: &Notification,
        open: bool,
        now: Moment,
    ) -> Option<usize> {
        self.next_seq = self.next_seq.max(notification.seq.saturating_add(1));
        let at = self.desks.iter().position(|it| it.target.name == notification.target)?;
        self.desks.get_mut(at)?.note(notification, open, Some(now));
        Some(at)
    }

    /// The notifications that a batch of changes makes, each with the index of its target.
    /// `waiting` says how many wait for each.
    pub(super) fn plan(
        &mut self,
        alerts: Vec<Alert>,
        waiting: &[usize],
        now: Now,
    ) -> Vec<(usize, Notification)> {
        let mut out = Vec::new();
        for mut alert in alerts {
            let late = |limit| is_late(&alert, limit, now.clock);
            alert.late = alert.late || self.policy.late_after_ms.is_some_and(late);
            let silenced = self.policy.silences.matches(&alert, alert.changed_at).is_some();
            let over = alert.status == Status::Resolved;
            self.silenced += u64::from(silenced && !over);
            self.late += u64::from(alert.late && !over);
            self.tell(&alert, (silenced, waiting, now), &mut out);
            self.put_aside(alert, silenced && !over);
        }
        self.digests(now, &mut out);
        out
    }

    /// Takes other silences. What they free is told with [`unsilenced`](Self::unsilenced); what
    /// was told already is not taken back.
    pub(super) fn set_silences(&mut self, silences: Silences) {
        self.policy.silences = silences;
    }

    /// The notifications about alerts whose silence has ended.
    pub(super) fn unsilenced(&mut self, waiting: &[usize], now: Now) -> Vec<(usize, Notification)> {
        let silences = &self.policy.silences;
        let ended = |it: &Alert| silences.matches(it, now.clock.max(it.changed_at)).is_none();
        let ids = self.aside.values().filter(|it| ended(it)).map(|it| it.id.clone());
        let ids: Vec<String> = ids.collect();
        let mut out = Vec::new();
        for alert in ids.iter().filter_map(|id| self.aside.remove(id)).collect::<Vec<_>>() {
            self.tell(&alert, (false, waiting, now), &mut out);
        }
        self.digests(now, &mut out);
        out
    }

    fn tell(
        &mut self,
        alert: &Alert,
        (silenced, waiting, now): (bool, &[usize], Now),
        out: &mut Vec<(usize, Notification)>,
    ) {
        for (at, desk) in self.desks.iter_mut().enumerate() {
            let full = waiting.get(at).is_some_and(|it| *it >= self.policy.waiting_max);
            let change = Change { alert, silenced, full, now };
            let made = desk.plan(change, &self.policy.wording, &mut self.next_seq);
            out.extend(made.into_iter().map(|it| (at, it)));
        }
    }

    fn digests(&mut self, now: Now, out: &mut Vec<(usize, Notification)>) {
        for (at, desk) in self.desks.iter_mut().enumerate() {
            out.extend(desk.digest(now, &mut self.next_seq).map(|it| (at, it)));
        }
    }

    /// An alert of an earlier process goes on: it is posted as long as it is open. One that nobody was
    /// told of was silenced, and is told when its silence ends.
    pub(super) fn goes_on(&mut self, alert: &Alert) {
        let told = self.desks.iter_mut().map(|it| it.goes_on(&alert.id)).filter(|it| *it).count();
        if told == 0 {
            self.put_aside(alert.clone(), true);
        }
    }

    fn put_aside(&mut self, alert: Alert, silenced: bool) {
        if !silenced {
            self.aside.remove(&alert.id);
        } else if self.aside.len() < ASIDE_MAX || self.aside.contains_key(&alert.id) {
            self.aside.insert(alert.id.clone(), alert);
        }
    }

    /// The elements that are open at an Alertmanager, to be posted again.
    pub(super) fn open_elements(&self, at: usize, now: Moment) -> Vec<Value> {
        let orphan_ms = self.policy.resolve_after_ms;
        self.desks.get(at).map_or_else(Vec::new, |it| it.open_elements(now, orphan_ms))
    }

    /// A target refused a notification for good.
    pub(super) fn refused(&mut self, at: usize, notification: &Notification) {
        if let Some(desk) = self.desks.get_mut(at) {
            desk.refused(notification);
        }
    }

    /// What has to survive a compaction although it was sent, and whether it is open.
    pub(super) fn remembered(&self) -> impl Iterator<Item = (&Notification, bool)> {
        self.desks.iter().flat_map(Desk::remembered)
    }

    /// How many alerts are remembered over all targets.
    pub(super) fn remembered_len(&self) -> usize {
        self.desks.iter().map(Desk::remembered_len).sum()
    }

    /// Notifications to one target that its budget held back.
    pub(super) fn budgeted(&self, at: usize) -> u64 {
        self.desks.get(at).map_or(0, |it| it.budgeted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::Channel;
    use super::super::notification::Action;
    use super::super::receiver::{Endpoint, Format, Secret};
    use super::*;
    use crate::alert::{Mode, Severity, sample};
    use crate::time::MINUTE_MS;

    const PAGER: usize = 0;
    const ALERTMANAGER: usize = 1;
    const STDOUT: usize = 2;

    fn targets() -> Vec<Target> {
        let target =
            |name: &str, channel| Target { name: name.to_owned(), severity: Vec::new(), channel };
        let url = Endpoint::pagerduty("http://pager").unwrap();
        vec![
            target("pager", Channel::Pagerduty { url, routing_key: Secret::new("k") }),
            target(
                "am",
                Channel::Alertmanager { url: Endpoint::alertmanager("http://am").unwrap() },
            ),
            target("stdout", Channel::Stdout { format: Format::Ndjson }),
        ]
    }

    fn planner(policy: Policy) -> Planner {
        Planner::new(policy, targets())
    }

    fn now() -> Now {
        Now { clock: sample::FIRED.plus(2_000), wall: sample::FIRED.plus(2_000) }
    }

    fn told(planner: &mut Planner, alert: &Alert) -> Vec<(usize, Action, bool)> {
        let made = planner.plan(vec![alert.clone()], &[], now());
        made.iter().map(|(at, it)| (*at, it.action, it.page)).collect()
    }

    fn next(alert: &Alert, status: Status) -> Alert {
        let mut alert = Alert { status, ..alert.clone() };
        alert.changed_at = alert.changed_at.plus(1_000);
        alert
    }

    #[test]
    fn a_page_is_told_to_all_updated_and_ended() {
        let mut planner = planner(Policy::default());
        let fired = sample::alert();
        let expected = |action| {
            vec![(PAGER, action, true), (ALERTMANAGER, action, true), (STDOUT, action, true)]
        };
        assert_eq!(told(&mut planner, &fired), expected(Action::Trigger));
        let updated = next(&fired, Status::Updated);
        assert_eq!(told(&mut planner, &updated), expected(Action::Update));
        let resolved = next(&updated, Status::Resolved);
        assert_eq!(told(&mut planner, &resolved), expected(Action::Resolve));
    }

    #[test]
    fn what_is_read_again_is_not_told_again() {
        let mut planner = planner(Policy::default());
        let fired = sample::alert();
        let resolved = next(&fired, Status::Resolved);
        told(&mut planner, &fired);
        assert_eq!(told(&mut planner, &fired), []);
        told(&mut planner, &resolved);
        assert_eq!(told(&mut planner, &fired), []);
        assert_eq!(told(&mut planner, &resolved), []);
    }

    #[test]
    fn a_restart_remembers_what_was_told() {
        let mut before = planner(Policy::default());
        let fired = sample::alert();
        let made = before.plan(vec![fired.clone()], &[], now());
        let mut after = planner(Policy::default());
        for (_, notification) in &made {
            after.recall(notification, true, now().clock).unwrap();
        }
        assert_eq!(told(&mut after, &fired), []);
        let made = after.plan(vec![next(&fired, Status::Resolved)], &[], now());
        assert_eq!(made.iter().map(|it| it.1.seq).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(made.iter().all(|it| it.1.action == Action::Resolve));
    }

    #[test]
    fn pagerduty_hears_of_a_ticket_when_it_becomes_a_page_and_alertmanager_ends_the_ticket() {
        let mut planner = planner(Policy::default());
        let ticket = Alert { severity: Severity::Ticket, ..sample::alert() };
        assert_eq!(
            told(&mut planner, &ticket),
            [(ALERTMANAGER, Action::Trigger, false), (STDOUT, Action::Trigger, false)]
        );
        let page = Alert { severity: Severity::Page, ..next(&ticket, Status::Updated) };
        let made = planner.plan(vec![page.clone()], &[], now());
        let actions: Vec<_> = made.iter().map(|(at, it)| (*at, it.action)).collect();
        assert_eq!(
            actions,
            [
                (PAGER, Action::Trigger),
                (ALERTMANAGER, Action::Resolve),
                (ALERTMANAGER, Action::Trigger),
                (STDOUT, Action::Trigger),
            ]
        );
        assert_eq!(made[1].1.body["labels"]["severity"], "ticket");
        assert!(made[1].1.body.get("endsAt").is_some());
        assert_eq!(made[2].1.body["labels"]["severity"], "page");
        let resolved = planner.plan(vec![next(&page, Status::Resolved)], &[], now());
        assert_eq!(resolved[1].1.body["labels"], made[2].1.body["labels"]);
    }

    #[test]
    fn what_is_observed_or_late_wakes_nobody() {
        for (mode, age_ms) in [(Mode::Observe, 0), (Mode::Page, LATE_AFTER_MS + 10_000)] {
            let mut planner =
                planner(Policy { late_after_ms: Some(LATE_AFTER_MS), ..Policy::default() });
            let mut alert = Alert { mode, ..sample::alert() };
            alert.changed_at = now().clock.plus(-age_ms);
            let made = planner.plan(vec![alert.clone()], &[], now());
            let targets: Vec<usize> = made.iter().map(|it| it.0).collect();
            assert_eq!(targets, [ALERTMANAGER, STDOUT]);
            assert_eq!(made[0].1.body["labels"]["severity"], "ticket");
            assert_eq!(
                made[0].1.body["labels"]["mode"],
                if age_ms == 0 { "observe" } else { "page" }
            );
            assert_eq!(planner.plan(vec![alert], &[], now()), [], "told twice");
        }
    }

    #[test]
    fn a_silenced_alert_is_counted_and_told_when_its_silence_ends_before_it() {
        let text = format!(
            "[[silence]]\nkey = \"staff\"\nuntil = \"{}\"\nreason = \"r\"",
            now().clock.plus(MINUTE_MS)
        );
        let policy = Policy { silences: Silences::parse(&text).unwrap(), ..Policy::default() };
        let mut planner = planner(policy);
        let fired = sample::alert();
        assert_eq!(told(&mut planner, &fired), []);
        assert_eq!(planner.silenced, 1);
        assert_eq!(planner.unsilenced(&[], now()), []);
        let later = Now { clock: now().clock.plus(MINUTE_MS), ..now() };
        assert_eq!(planner.unsilenced(&[], later).len(), 3);
        assert_eq!(planner.unsilenced(&[], later), []);
        assert_eq!(told(&mut planner, &next(&fired, Status::Resolved)).len(), 3);
    }

    #[test]
    fn tickets_beyond_the_budget_become_one_digest_and_pages_always_go() {
        let mut planner = planner(Policy { per_hour: 2, ..Policy::default() });
        let ticket =
            |at: i64| Alert { id: format!("t{at}"), severity: Severity::Ticket, ..sample::alert() };
        let made = planner.plan((0..50).map(ticket).collect(), &[], now());
        let of = |target, made: &[(usize, Notification)]| -> Vec<Action> {
            made.iter().filter(|it| it.0 == target).map(|it| it.1.action).collect()
        };
        assert_eq!(of(ALERTMANAGER, &made), [Action::Trigger, Action::Trigger, Action::Digest]);
        assert_eq!(of(STDOUT, &made).len(), 50);
        assert_eq!(planner.budgeted(ALERTMANAGER), 48);
        let digest = made.iter().find(|it| it.1.action == Action::Digest).unwrap().1.clone();
        assert_eq!(digest.due_ms, now().clock.plus(HOUR_MS).0);

        let made = planner.plan(vec![sample::alert(), ticket(99)], &[], now());
        assert_eq!(of(PAGER, &made), [Action::Trigger]);
        assert_eq!(of(ALERTMANAGER, &made), [Action::Trigger, Action::Digest]);
        let again = made.iter().find(|it| it.1.action == Action::Digest).unwrap().1.clone();
        assert_eq!(again.seq, digest.seq);
        assert!(again.body.to_string().contains("49 more tickets and updates"), "{again:?}");
        let end = planner.plan(vec![next(&sample::alert(), Status::Resolved)], &[], now());
        assert_eq!(of(PAGER, &end), [Action::Resolve]);
    }

    #[test]
    fn where_too_much_waits_only_pages_join() {
        let mut planner = planner(Policy { waiting_max: 5, ..Policy::default() });
        let ticket = Alert { severity: Severity::Ticket, ..sample::alert() };
        let made = planner.plan(vec![ticket.clone()], &[5, 5, 5], now());
        let actions: Vec<_> = made.iter().map(|(at, it)| (*at, it.action)).collect();
        assert_eq!(actions, [(STDOUT, Action::Trigger), (ALERTMANAGER, Action::Digest)]);
        let page = Alert { severity: Severity::Page, ..next(&ticket, Status::Firing) };
        let made = planner.plan(vec![page], &[5, 5, 5], now());
        assert!(made.iter().any(|it| it.0 == PAGER && it.1.action == Action::Trigger));
    }

    /// A planner that has told an alert, and its successor, whose alerts end after five hours.
    fn restarted() -> (Planner, Planner) {
        let mut before = planner(Policy::default());
        let made = before.plan(vec![sample::alert()], &[], now());
        let mut after = planner(Policy { resolve_after_ms: 5 * HOUR_MS, ..Policy::default() });
        for (_, notification) in &made {
            after.recall(notification, true, now().clock).unwrap();
        }
        (before, after)
    }

    #[test]
    fn an_alert_from_before_the_start_that_the_engine_has_open_is_posted_without_an_end() {
        let (_, mut after) = restarted();
        after.goes_on(&sample::alert());
        assert_eq!(after.open_elements(ALERTMANAGER, now().clock.plus(99 * HOUR_MS)).len(), 1);
        assert!(after.unsilenced(&[], now()).is_empty(), "whoever was told is not told again");
    }

    #[test]
    fn a_silence_that_ends_after_a_restart_is_told_as_one_that_ends_before_it() {
        let mut after = planner(Policy::default());
        after.goes_on(&sample::alert());
        let told = after.unsilenced(&[], now());
        assert!(told.iter().any(|it| it.1.action == Action::Trigger), "{told:?}");
        assert!(after.unsilenced(&[], now()).is_empty());
    }

    #[test]
    fn an_alert_from_before_the_start_is_posted_as_long_as_one_stays_open_unchanged() {
        let (before, mut after) = restarted();
        assert_eq!(after.open_elements(ALERTMANAGER, now().clock.plus(5 * HOUR_MS - 1)).len(), 1);
        assert_eq!(after.open_elements(ALERTMANAGER, now().clock.plus(5 * HOUR_MS)).len(), 0);
        let over = Alert { status: Status::Resolved, ..sample::alert() };
        let ends =
            after.plan(vec![Alert { changed_at: over.changed_at.plus(1), ..over }], &[], now());
        assert!(ends.iter().any(|it| it.1.action == Action::Resolve), "{ends:?}");
        assert_eq!(before.open_elements(ALERTMANAGER, now().clock.plus(9 * HOUR_MS)).len(), 1);
    }
}
