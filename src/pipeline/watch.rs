//! What the daemon shows of itself: metrics, pages, readiness, the log.

use super::judging::Judging;
use super::run::Watcher;
use super::strays::Strays;
use super::supervisor::Supervisor;
use super::surveyor::Surveyor;
use crate::alert::{Alert, RecordsOut};
use crate::config::Config;
use crate::deliver::Delivery;
use crate::engine::Progress;
use crate::serve::{Board, Readiness, Shared, SilenceDesk};
use crate::source::kafka::{self, Fault, FaultKind, Outcomes};
use crate::state;
use crate::telemetry::{Lag, Telemetry};
use crate::time::{Clock, Moment, SECOND_MS};
use std::sync::{Arc, Mutex, PoisonError};

/// A fault of one kind is said once in this time: an outage brings two or three a second.
const FAULT_AGAIN_MS: i64 = 30 * SECOND_MS;
/// Brokers that answer and give us partitions.
const ASSIGNED: &str = "partitions assigned";

/// Shows the daemon to whoever looks.
#[derive(Debug)]
pub struct Watch<'a> {
    telemetry: Arc<Telemetry>,
    board: Arc<Mutex<Board>>,
    readiness: Arc<Readiness>,
    delivery: &'a Delivery,
    receivers: Vec<String>,
    commits: Outcomes,
    told: Vec<(FaultKind, Moment)>,
    now: Moment,
    clock: Clock,
    supervisor: Supervisor,
    surveyor: Surveyor,
}

impl<'a> Watch<'a> {
    /// Everything at zero, nothing ready. Where `clock` runs fast, as in a demo, what is measured
    /// is shown in real time, because whoever scrapes it lives in that.
    #[must_use]
    pub fn new(config: &Config, delivery: &'a Delivery, clock: Clock) -> Self {
        let routes: Vec<String> =
            config.attribute.routes.iter().map(|it| it.name.clone()).collect();
        let receivers: Vec<String> =
            delivery.stats().receivers.iter().map(|it| it.receiver.clone()).collect();
        Self {
            telemetry: Arc::new(Telemetry::new(&routes, &receivers)),
            board: Arc::default(),
            readiness: Arc::new(Readiness::new(&[ASSIGNED])),
            delivery,
            receivers,
            commits: Outcomes::default(),
            told: Vec::new(),
            now: Moment(0),
            clock,
            supervisor: Supervisor::default(),
            surveyor: Surveyor::new(config),
        }
    }

    /// Where the workers keep some of what is on no route.
    #[must_use]
    pub fn strays(&self) -> Arc<Strays> {
        self.surveyor.strays()
    }

    /// What the HTTP server shows.
    #[must_use]
    pub fn shared(
        &self,
        wording: crate::alert::text::Wording,
        silences: Option<SilenceDesk>,
    ) -> Shared {
        Shared {
            telemetry: self.telemetry.clone(),
            board: self.board.clone(),
            unwatched: self.surveyor.found(),
            readiness: self.readiness.clone(),
            wording: Arc::new(wording),
            silences: silences.map(Arc::new),
        }
    }
}

impl Watcher for Watch<'_> {
    fn alert(&mut self, alert: &Alert) {
        self.telemetry.alert(alert);
        self.board.lock().unwrap_or_else(PoisonError::into_inner).apply(alert.clone());
    }

    fn adopted(&mut self, alert: &Alert) {
        self.telemetry.adopted(alert);
        self.board.lock().unwrap_or_else(PoisonError::into_inner).apply(alert.clone());
    }

    fn progress(&mut self, progress: &[Progress]) {
        self.telemetry.progress(progress);
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        for it in progress {
            board.progress(&it.id, RecordsOut { estimate: it.records, error: it.error });
            it.drawn.iter().for_each(|drawn| board.draw(&it.id, drawn.clone()));
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let now = self.now;
        let recent =
            |it: &(FaultKind, Moment)| it.0 == fault.kind && now.since(it.1) < FAULT_AGAIN_MS;
        if self.told.iter().any(recent) {
            return;
        }
        self.told.retain(|it| it.0 != fault.kind);
        self.told.push((fault.kind, now));
        tracing::error!("{}", fault.words);
    }

    fn kept(&mut self, kept: &state::Stats) {
        self.telemetry.publish_state(kept);
    }

    fn tick(&mut self, judging: &mut Judging, kafka: &kafka::Stats, now: Moment) {
        self.now = now;
        self.telemetry.publish_counts(&judging.take_counts());
        self.telemetry.publish_timeline(&judging.timeline());
        self.telemetry.publish_engine(&judging.engine().stats());
        self.telemetry.publish_source(kafka, judging.gap_records());
        let polled = Moment(kafka.last_poll_ms);
        let never = polled == Moment(0);
        self.telemetry.polled(if never { polled } else { self.clock.wall_at(polled) });
        for _ in self.commits.ok..kafka.commits.ok {
            self.telemetry.committed(true);
        }
        for _ in self.commits.failed..kafka.commits.failed {
            self.telemetry.committed(false);
        }
        self.commits = kafka.commits;
        let lags: Vec<Lag> = kafka
            .lag
            .iter()
            .map(|(topic, partition, records)| Lag {
                topic: topic.to_string(),
                partition: *partition,
                records: *records,
            })
            .collect();
        self.telemetry.publish_lags(&lags);
        let behind: u64 = lags.iter().map(|it| it.records).sum();
        let words = format!("{} partitions, {behind} records behind", lags.len());
        let is_alive = self.supervisor.tick(now.since(polled) / self.clock.factor(), &words);
        if is_alive && !lags.is_empty() {
            self.delivery.heart().beat();
        }
        self.readiness.set(ASSIGNED, !lags.is_empty(), &format!("{} assigned", lags.len()));
        for value in judging.take_lag().iter().flat_map(hdrhistogram::Histogram::iter_recorded) {
            let seconds = i64::try_from(value.value_iterated_to()).unwrap_or(i64::MAX / SECOND_MS);
            let real_ms = seconds.saturating_mul(SECOND_MS) / self.clock.factor();
            for _ in 0..value.count_since_last_iteration() {
                self.telemetry.judged(now.plus(-real_ms), now);
            }
        }
        self.telemetry.publish_unwatched(self.surveyor.tick(now, self.clock.factor()));
        self.telemetry.publish_delivery(&self.delivery.stats());
        for (receiver, seconds) in self.delivery.take_seconds() {
            let Some(name) = self.receivers.get(receiver) else { continue };
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a delivery")]
            self.telemetry.notified(name, (seconds * 1_000.0) as i64 / self.clock.factor());
        }
    }
}
