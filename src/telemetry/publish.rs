//! From the stages' own structs to series.
//!
//! Every series with labels known at start is created at zero, so that `rate` sees the first
//! increase and "no data" always means "not scraped".

use super::Counts;
use super::catalogue as c;
use super::kept;
use super::open::{Change, Open, Shown};
use super::series::Series;
use crate::alert::{Alert, Kind, Mode, Severity};
use crate::attribute::Skip;
use crate::decode::{Format, Refusal};
use crate::deliver;
use crate::engine::{Progress, Stats as EngineStats};
use crate::source::kafka;
use crate::time::Moment;
use crate::timeline::Stats as TimelineStats;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

const SEVERITIES: [Severity; 2] = [Severity::Ticket, Severity::Page];
const MODES: [Mode; 2] = [Mode::Page, Mode::Observe];
const NOTIFICATION_OUTCOMES: [&str; 4] = ["sent", "retried", "dead", "budgeted"];
const EVICTED: [&str; 3] = ["profile", "suspect", "alert"];

/// How far a partition is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Records written and not read.
    pub records: u64,
}

/// All metrics of the process. Every method may be called from any thread.
pub struct Telemetry {
    pub(super) series: Series,
    routes: Vec<String>,
    open: Mutex<Open>,
    lags: Mutex<BTreeMap<(String, i32), u64>>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Every series at zero. `routes` are the configured routes' names in their order, so that a
    /// route index names one; `receivers` as in [`deliver::ReceiverStats::receiver`].
    #[must_use]
    pub fn new(routes: &[String], receivers: &[String]) -> Self {
        let series = Series::new();
        for metric in c::CATALOGUE.iter().filter(|it| it.labels.is_empty()) {
            match metric.shape {
                c::Shape::Counter => series.add(metric, &[], 0),
                c::Shape::Gauge => series.set(metric, &[], 0.0),
                c::Shape::Histogram(_) => series.observe(metric, &[], None),
            }
        }
        series.set(&c::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
        let zero =
            |metric, values: &[&str]| values.iter().for_each(|it| series.add(metric, &[it], 0));
        zero(&c::RECORDS, &["decoded", "refused"]);
        zero(&c::COMMITS, &["ok", "failed"]);
        zero(&c::EVICTIONS, &EVICTED);
        zero(&c::ROTATIONS, &["pairs", "records"]);
        Format::ALL.iter().for_each(|it| zero(&c::DECODED, &[it.name()]));
        Refusal::ALL.iter().for_each(|it| zero(&c::REFUSED, &[it.name()]));
        Skip::ALL.iter().for_each(|it| zero(&c::SKIPPED, &[it.name()]));
        kept::OUTCOMES.iter().for_each(|it| zero(&kept::SNAPSHOTS, &[it]));
        routes.iter().for_each(|it| zero(&c::LOOKUPS, &[it]));
        for receiver in receivers {
            for outcome in NOTIFICATION_OUTCOMES {
                series.add(&c::NOTIFICATIONS, &[receiver, outcome], 0);
            }
            series.set(&c::WAITING, &[receiver], 0.0);
            series.observe(&c::NOTIFY_SECONDS, &[receiver], None);
        }
        for (severity, mode) in standings() {
            series.set(&c::ALERTS_OPEN, &[name(severity), mode_name(mode)], 0.0);
            for kind in Kind::ALL {
                series.add(&c::ALERTS, &[kind.name(), name(severity), mode_name(mode)], 0);
            }
        }
        Self { series, routes: routes.to_vec(), open: Mutex::default(), lags: Mutex::default() }
    }

    /// Adds what became of records since the counts were last taken.
    pub fn publish_counts(&self, counts: &Counts) {
        self.series.add(&c::RECORDS, &["decoded"], counts.decoded_total());
        self.series.add(&c::RECORDS, &["refused"], counts.refused.values().sum());
        self.series.add(&c::UNWRAPPED, &[], counts.unwrapped);
        for (format, by) in &counts.decoded {
            self.series.add(&c::DECODED, &[format.name()], *by);
        }
        for (reason, by) in &counts.refused {
            self.series.add(&c::REFUSED, &[reason.name()], *by);
        }
        for (reason, by) in &counts.skipped {
            self.series.add(&c::SKIPPED, &[reason.name()], *by);
        }
        for (route, by) in &counts.lookups {
            if let Some(route) = self.routes.get(usize::from(*route)) {
                self.series.add(&c::LOOKUPS, &[route], *by);
            }
        }
    }

    /// How many paths with people on them no route watches.
    pub fn publish_unwatched(&self, paths: usize) {
        self.series.set(&c::UNWATCHED, &[], paths as f64);
    }

    /// Brings the timeline's totals up.
    pub fn publish_timeline(&self, stats: &TimelineStats) {
        self.series.total(&c::CUTS, &[], stats.cuts);
        self.series.total(&c::CUTS_WITHOUT, &[], stats.cut_without);
        self.series.total(&c::HELD_BACK, &[], stats.held_back);
        self.series.total(&c::LATE, &[], stats.late);
        self.series.total(&c::CLAMPED, &[], stats.clamped);
    }

    /// Brings the engine's totals up and sets its gauges.
    pub fn publish_engine(&self, stats: &EngineStats) {
        self.series.total(&c::NOVEL, &[], stats.novel);
        self.series.total(&c::ROTATIONS, &["pairs"], stats.forced_pairs);
        self.series.total(&c::ROTATIONS, &["records"], stats.forced_records);
        let evicted = [stats.evicted, stats.suspects_refused, stats.alerts_dropped];
        for (what, total) in EVICTED.into_iter().zip(evicted) {
            self.series.total(&c::EVICTIONS, &[what], total);
        }
        self.series.set(&c::PROFILES, &[], float(stats.profiles));
        self.series.set(&c::SUSPECTS, &[], float(stats.suspects));
        self.series.set(&c::STATE_BYTES, &[], float(stats.bytes));
    }

    /// Brings delivery's totals up and sets its gauges.
    pub fn publish_delivery(&self, stats: &deliver::Stats) {
        for it in &stats.receivers {
            let counts = [it.sent, it.retried, it.dead, it.budgeted];
            for (outcome, total) in NOTIFICATION_OUTCOMES.into_iter().zip(counts) {
                self.series.total(&c::NOTIFICATIONS, &[&it.receiver, outcome], total);
            }
            let waiting = u64::try_from(it.waiting).unwrap_or(u64::MAX);
            self.series.set(&c::WAITING, &[&it.receiver], float(waiting));
        }
        self.series.total(&c::SILENCED, &[], stats.silenced);
        self.series.total(&c::LATE_ALERTS, &[], stats.late);
        self.series.total(&c::ORPHANED, &[], stats.orphaned);
        self.series.total(&c::OUTBOX_FAILURES, &[], stats.outbox_failures);
        self.series.total(&c::OUTBOX_DAMAGED, &[], stats.outbox_damaged);
        self.series.set(&c::OUTBOX_BYTES, &[], float(stats.outbox_bytes));
    }

    /// The lag of every assigned partition; partitions that are not named any more lose theirs.
    pub fn publish_lags(&self, lags: &[Lag]) {
        let now = lags.iter().map(|it| ((it.topic.clone(), it.partition), it.records)).collect();
        let before = std::mem::replace(&mut *lock(&self.lags), now);
        for (topic, partition) in before.keys() {
            if !lags.iter().any(|it| it.topic == *topic && it.partition == *partition) {
                self.series.remove(&c::CONSUMER_LAG, &[topic, &partition.to_string()]);
            }
        }
        for it in lags {
            let partition = it.partition.to_string();
            self.series.set(&c::CONSUMER_LAG, &[&it.topic, &partition], float(it.records));
        }
    }

    /// A look-up of `event` time was judged at `now`.
    pub fn judged(&self, event: Moment, now: Moment) {
        self.series.observe(&c::EVENT_LAG, &[], Some(seconds(now.since(event).max(0))));
    }

    /// Records were asked for.
    pub fn polled(&self, now: Moment) {
        self.series.set(&c::LAST_POLL, &[], seconds(now.0));
    }

    /// Offsets were committed, or the broker refused.
    pub fn committed(&self, ok: bool) {
        self.series.add(&c::COMMITS, &[if ok { "ok" } else { "failed" }], 1);
    }

    /// Brings the totals of the Kafka source up; `gone` records were deleted unread.
    pub fn publish_source(&self, stats: &kafka::Stats, gone: u64) {
        self.series.total(&c::RECEIVED, &[], stats.received);
        self.series.total(&c::HOLES, &[], stats.holes);
        self.series.total(&c::DUPLICATES, &[], stats.duplicates);
        self.series.total(&c::STANDSTILLS, &[], stats.standstills);
        self.series.total(&c::COVERAGE_GAP, &[], gone);
    }

    /// A receiver accepted a notification, so long after its alert.
    pub fn notified(&self, receiver: &str, after_ms: i64) {
        self.series.observe(&c::NOTIFY_SECONDS, &[receiver], Some(seconds(after_ms.max(0))));
    }

    /// An alert changed. An update of one that is not known (after a restart) makes it open
    /// again, but does not count it again.
    pub fn alert(&self, alert: &Alert) {
        if self.take(alert) {
            let labels = [alert.kind.name(), name(alert.severity), mode_name(alert.mode)];
            self.series.add(&c::ALERTS, &labels, 1);
        }
    }

    /// An alert that an earlier process raised is still open: shown, not counted again.
    pub fn adopted(&self, alert: &Alert) {
        self.take(alert);
    }

    /// Takes a change; whether it raised the alert.
    fn take(&self, alert: &Alert) -> bool {
        let mut open = lock(&self.open);
        let change = open.take(alert);
        for (severity, mode) in standings() {
            let count = u64::try_from(open.count(severity, mode)).unwrap_or(u64::MAX);
            self.series.set(&c::ALERTS_OPEN, &[name(severity), mode_name(mode)], float(count));
        }
        self.show(&change);
        change.raised
    }

    /// Open alerts came further.
    pub fn progress(&self, progress: &[Progress]) {
        let mut open = lock(&self.open);
        for it in progress {
            if let Some(shown) = open.progress(&it.id, it.records) {
                self.set(&shown);
            }
        }
    }

    /// The text exposition, format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.series.render()
    }

    fn show(&self, change: &Change) {
        for it in &change.gone {
            self.series.remove(&c::ALERT_RECORDS, &records_labels(it));
            self.series.remove(&c::ALERT_RATIO, &ratio_labels(it));
        }
        change.set.iter().for_each(|it| self.set(it));
    }

    fn set(&self, it: &Shown) {
        self.series.set(&c::ALERT_RECORDS, &records_labels(it), float(it.records));
        self.series.set(&c::ALERT_RATIO, &ratio_labels(it), it.ratio);
    }
}

fn records_labels(it: &Shown) -> [&str; 5] {
    [&it.id, it.kind.name(), &it.route, it.key_kind, name(it.severity)]
}

fn ratio_labels(it: &Shown) -> [&str; 3] {
    [&it.id, it.kind.name(), &it.route]
}

fn standings() -> impl Iterator<Item = (Severity, Mode)> {
    SEVERITIES.into_iter().flat_map(|severity| MODES.map(|mode| (severity, mode)))
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Ticket => "ticket",
        Severity::Page => "page",
    }
}

const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Page => "page",
        Mode::Observe => "observe",
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other number")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other number")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::super::SHOWN_MAX;
    use super::*;
    use crate::alert::{Status, sample};
    use std::collections::BTreeMap;

    fn telemetry() -> Telemetry {
        Telemetry::new(&["beneficiary".to_owned()], &["pager".to_owned()])
    }

    fn value(telemetry: &Telemetry, series: &str) -> Option<f64> {
        let text = telemetry.render();
        let line = text.lines().find_map(|it| it.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    fn count(telemetry: &Telemetry, start: &str) -> usize {
        telemetry.render().lines().filter(|it| it.starts_with(start)).count()
    }

    fn alert(id: &str) -> Alert {
        Alert { id: id.to_owned(), ..sample::alert() }
    }

    #[test]
    fn every_metric_whose_labels_are_known_is_there_at_zero() {
        let text = telemetry().render();
        for metric in c::CATALOGUE {
            let by_alert = metric.labels.contains(&"alert") || metric.labels.contains(&"topic");
            let there = text.contains(&format!("# TYPE {} ", metric.name));
            assert_eq!(there, !by_alert, "{}", metric.name);
        }
        for line in text.lines().filter(|it| it.starts_with("darban_") && !it.contains("build")) {
            assert!(line.ends_with(" 0"), "{line}");
        }
    }

    #[test]
    fn names_and_shapes_agree_and_everything_says_what_to_do() {
        for metric in c::CATALOGUE.iter().chain(c::PROCESS) {
            let total = metric.name.ends_with("_total");
            assert_eq!(total, metric.shape == c::Shape::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.') && metric.action.len() > 20, "{}", metric.name);
            for personal in ["client", "subject", "user", "address"] {
                assert!(!metric.labels.contains(&personal), "{}", metric.name);
            }
        }
    }

    #[test]
    fn a_total_rises_by_the_difference_and_survives_a_restart_of_its_source() {
        let telemetry = telemetry();
        for (cuts, expected) in [(5, 5.0), (5, 5.0), (9, 9.0), (2, 9.0), (3, 10.0)] {
            let stats = TimelineStats { cuts, ..TimelineStats::default() };
            telemetry.publish_timeline(&stats);
            assert_eq!(value(&telemetry, "darban_cuts_total"), Some(expected), "after {cuts}");
        }
    }

    #[test]
    fn counts_reach_their_labels_and_add_up() {
        let telemetry = telemetry();
        let counts = Counts {
            received: 10,
            unwrapped: 4,
            decoded: BTreeMap::from([(Format::Caddy, 7)]),
            refused: BTreeMap::from([(Refusal::Malformed, 3)]),
            skipped: BTreeMap::from([(Skip::Asset, 2)]),
            lookups: BTreeMap::from([(0, 5), (9, 1)]),
        };
        telemetry.publish_counts(&counts);
        telemetry.publish_counts(&counts);
        for (series, expected) in [
            ("darban_records_total{outcome=\"decoded\"}", 14.0),
            ("darban_unwrapped_records_total", 8.0),
            ("darban_decoded_records_total{format=\"caddy\"}", 14.0),
            ("darban_refused_records_total{reason=\"malformed\"}", 6.0),
            ("darban_skipped_records_total{reason=\"asset\"}", 4.0),
            ("darban_lookups_total{route=\"beneficiary\"}", 10.0),
        ] {
            assert_eq!(value(&telemetry, series), Some(expected), "{series}");
        }
    }

    #[test]
    fn an_alert_has_its_series_until_it_is_resolved() {
        let telemetry = telemetry();
        let mut alert = alert("a");
        alert.severity = Severity::Ticket;
        telemetry.alert(&alert);
        telemetry.progress(&[Progress {
            id: "a".to_owned(),
            records: 1_234,
            error: 9,
            ..Progress::default()
        }]);
        assert!(telemetry.render().contains("severity=\"ticket\"} 1234"), "{}", telemetry.render());
        alert.status = Status::Updated;
        alert.severity = Severity::Page;
        telemetry.alert(&alert);
        assert_eq!(count(&telemetry, "darban_alert_records{"), 1);
        let page = "darban_alerts_open{mode=\"page\",severity=\"page\"}";
        assert_eq!(value(&telemetry, page), Some(1.0));
        alert.status = Status::Resolved;
        telemetry.alert(&alert);
        assert_eq!(value(&telemetry, page), Some(0.0));
        assert_eq!(count(&telemetry, "darban_alert_"), 0);
    }

    #[test]
    fn fifty_alerts_have_series_pages_first_and_a_free_place_is_taken() {
        let telemetry = telemetry();
        for at in 0..=SHOWN_MAX {
            let severity = Severity::Ticket;
            telemetry.alert(&Alert { severity, ..alert(&format!("t{at:02}")) });
        }
        let shown = |it: &str| count(&telemetry, &format!("darban_alert_records{{alert=\"{it}\""));
        assert_eq!((count(&telemetry, "darban_alert_records{"), shown("t50")), (SHOWN_MAX, 0));
        let page = Alert { severity: Severity::Page, ..alert("p") };
        telemetry.alert(&page);
        assert_eq!((shown("p"), shown("t49"), shown("t48")), (1, 0, 1));
        telemetry.alert(&Alert { status: Status::Resolved, ..page });
        assert_eq!((shown("t49"), count(&telemetry, "darban_alert_records{")), (1, SHOWN_MAX));
    }

    #[test]
    fn a_revoked_partition_has_no_lag() {
        let telemetry = telemetry();
        let lag = |partition| Lag { topic: "t".to_owned(), partition, records: 5 };
        telemetry.publish_lags(&[lag(0), lag(1)]);
        telemetry.publish_lags(&[lag(1)]);
        assert_eq!(count(&telemetry, "darban_consumer_lag_records{"), 1);
    }
}
