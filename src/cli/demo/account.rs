//! What was found, against what was hidden.

use super::super::replay::typed;
use crate::alert::text::grouped;
use crate::alert::{Alert, Mode, Severity};
use crate::attribute::KeyKind;
use crate::pipeline::backtest::Totals;
use crate::pipeline::judging::Judging;
use crate::scenarios::{Demo, Harvested, Truth};
use crate::time::{Clock, DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How far the demo has come.
#[derive(Debug)]
pub(super) struct Account {
    start: Moment,
    end: Moment,
    clock: Clock,
    totals: Totals,
}

impl Account {
    pub(super) fn new(demo: &Demo, clock: Clock) -> Self {
        let (start, end) = (demo.portal.start, demo.end());
        Self { start, end, clock, totals: Totals::default() }
    }

    pub(super) fn take(&mut self, judging: &Judging) {
        self.totals.counts = judging.counts().clone();
        self.totals.clients = judging.engine().stats().profiles;
    }

    pub(super) fn elapsed_ms(&self) -> u128 {
        self.clock.elapsed_ms()
    }

    /// One line for the time in which nothing happens.
    pub(super) fn status(&self, now: Moment) -> String {
        let day = now.since(self.start).max(0) / DAY_MS + 1;
        let lines = grouped(self.totals.counts.received);
        let days = self.end.since(self.start) / DAY_MS;
        let of = if self.is_over(now) { String::new() } else { format!(" of {days}") };
        format!("day {day}{of}, {lines} lines")
    }

    /// Whether everything has happened.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        now >= self.end
    }

    /// How it went, in one line.
    pub(super) fn words(&self) -> String {
        let counts = &self.totals.counts;
        let days = self.clock.now().since(self.start).max(0) as f64 / DAY_MS as f64;
        format!(
            "{days:.1} days in {:.0} s: {} lines, {} of them refused, {} look-ups",
            self.clock.elapsed_ms() as f64 / SECOND_MS as f64,
            grouped(counts.received),
            grouped(counts.refused.values().sum()),
            grouped(counts.lookups_total())
        )
    }

    /// The last row of `--output ndjson`: that of `replay`.
    pub(super) fn json(&self, found: &Found<'_>) -> Value {
        let mut totals = self.totals.clone();
        let ids: BTreeSet<&str> = found.fired.iter().map(|it| it.id.as_str()).collect();
        totals.alerts = ids.len() as u64;
        let seconds = self.clock.elapsed_ms() as f64 / SECOND_MS as f64;
        let rate = totals.counts.received as f64 / seconds.max(0.001);
        let mut row = typed("summary");
        row.extend(super::super::replay::summary(&totals));
        row.insert("seconds".to_owned(), json!(seconds));
        row.insert("records_per_second".to_owned(), json!(rate.round()));
        row.insert("honest_paged".to_owned(), json!(found.honest()));
        Value::Object(row)
    }
}

/// Alerts as they fired, beside the truth.
pub(super) struct Found<'a> {
    pub(super) truth: &'a Truth,
    pub(super) fired: &'a [Alert],
    pub(super) now: Moment,
}

impl<'a> Found<'a> {
    pub(super) fn new(account: &Account, truth: &'a Truth, fired: &'a [Alert]) -> Self {
        Self { truth, fired, now: account.clock.now() }
    }

    /// Alerts, each time one fired, that name a client of this harvest.
    fn of(&self, harvest: &'a Harvested) -> impl Iterator<Item = &'a Alert> {
        self.fired.iter().filter(|alert| names(alert, harvest))
    }

    /// What a client of this harvest was really answered since the alert counts.
    fn by_label(&self, harvest: &Harvested, alert: &Alert) -> u64 {
        let client = harvest.clients.iter().find(|it| named(alert, &it.finest()));
        let (from, until) = (alert.first_seen, alert.fired_at);
        client.map_or(0, |it| self.truth.disclosed_to(it, harvest.route, from, until))
    }

    /// Different alerts that were pages for anybody else.
    pub(super) fn honest(&self) -> usize {
        let hidden = |alert: &&Alert| self.truth.harvests().iter().any(|it| names(alert, it));
        let pages = self.fired.iter().filter(is_page).filter(|it| !hidden(it));
        pages.map(|it| it.id.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// What became of a harvest, in words.
    pub(super) fn words(&self, harvest: &'a Harvested) -> Vec<String> {
        let taken = self.truth.taken(harvest.label, self.now);
        let pages: Vec<&Alert> = self.of(harvest).filter(is_page).collect();
        let who = who(harvest);
        let Some(page) = pages.first() else {
            let begun = self.now > harvest.start;
            let words = if begun { "not paged yet" } else { "had not begun" };
            return vec![format!("{who}: {words}, {} records taken", grouped(taken))];
        };
        let out = page.records_out;
        let estimate = match out.error {
            0 => grouped(out.estimate),
            error => format!("{} (± {})", grouped(out.estimate), grouped(error)),
        };
        let times = match pages.len() {
            1 => "paged once".to_owned(),
            more => format!("paged {more} times"),
        };
        vec![
            format!("{who}: {times}, {} after it began", span(page.fired_at.since(harvest.start))),
            format!(
                "records out when paged: {estimate} by the alert, {} by the label; {} by now",
                grouped(self.by_label(harvest, page)),
                grouped(taken)
            ),
        ]
    }

    /// The same as a row of `--output ndjson`.
    pub(super) fn json(&self, harvest: &'a Harvested) -> Value {
        let alert = |it: &Alert| {
            json!({
                "id": it.id, "severity": it.severity, "mode": it.mode, "route": it.route,
                "first_seen": it.first_seen, "fired_at": it.fired_at,
                "records_out": it.records_out, "records_by_label": self.by_label(harvest, it),
            })
        };
        let client = |(kind, id): &(KeyKind, String)| json!({ "key": kind.name(), "id": id });
        let fields = [
            ("scenario", json!(harvest.scenario)),
            ("route", json!(harvest.route.name())),
            ("clients", harvest.keys.iter().map(client).collect()),
            ("began", json!(harvest.start)),
            ("records_taken", json!(self.truth.taken(harvest.label, self.now))),
            ("fired", self.of(harvest).map(alert).collect()),
        ];
        let mut row: Map<String, Value> = typed("harvest");
        row.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(row)
    }
}

/// A harvest's first client, as alerts name it.
pub(super) fn who(harvest: &Harvested) -> String {
    let first = harvest.keys.first();
    let who = first.map_or_else(String::new, |(kind, id)| format!("{} {id}", kind.name()));
    format!("{:<4}{who}", harvest.scenario)
}

fn names(alert: &Alert, harvest: &Harvested) -> bool {
    harvest.keys.iter().any(|key| named(alert, key))
}

fn named(alert: &Alert, key: &(KeyKind, String)) -> bool {
    alert.clients.iter().any(|it| it.key == key.0 && it.id == key.1)
}

fn is_page(alert: &&Alert) -> bool {
    alert.severity == Severity::Page && alert.mode == Mode::Page
}

/// `38 s`, `36 min`, `30 h`.
fn span(ms: i64) -> String {
    match ms {
        ..MINUTE_MS => format!("{} s", ms / SECOND_MS),
        MINUTE_MS..HOUR_MS => format!("{} min", ms / MINUTE_MS),
        _ => format!("{} h", ms / HOUR_MS),
    }
}
