//! The catalogue as series of a registry.

use super::catalogue::{CATALOGUE, Metric, Shape};
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A number counted elsewhere: the metric's name and its label values.
type Source = (&'static str, Vec<String>);

/// All series. Nothing here fails: what the registry refuses is logged once, at start, and a
/// metric that is missing must never stop a page.
pub(super) struct Series {
    registry: Registry,
    counters: BTreeMap<&'static str, IntCounterVec>,
    gauges: BTreeMap<&'static str, GaugeVec>,
    histograms: BTreeMap<&'static str, HistogramVec>,
    /// The last value of each total that is counted elsewhere.
    totals: Mutex<BTreeMap<Source, u64>>,
}

impl Series {
    /// Registers the catalogue and the process's own metrics.
    pub(super) fn new() -> Self {
        let mut all = Self {
            registry: Registry::new(),
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
            histograms: BTreeMap::new(),
            totals: Mutex::default(),
        };
        for metric in CATALOGUE {
            if let Err(error) = all.register(metric) {
                tracing::error!(metric = metric.name, %error, "a metric is not registered");
            }
        }
        if let Err(error) = all.registry.register(Box::new(ProcessCollector::for_self())) {
            tracing::error!(%error, "the process's metrics are not registered");
        }
        all
    }

    fn register(&mut self, metric: &Metric) -> prometheus::Result<()> {
        match metric.shape {
            Shape::Counter => {
                let vec = IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels)?;
                self.registry.register(Box::new(vec.clone()))?;
                self.counters.insert(metric.name, vec);
            }
            Shape::Gauge => {
                let vec = GaugeVec::new(Opts::new(metric.name, metric.help), metric.labels)?;
                self.registry.register(Box::new(vec.clone()))?;
                self.gauges.insert(metric.name, vec);
            }
            Shape::Histogram(bounds) => {
                let opts = HistogramOpts::new(metric.name, metric.help).buckets(bounds.to_vec());
                let vec = HistogramVec::new(opts, metric.labels)?;
                self.registry.register(Box::new(vec.clone()))?;
                self.histograms.insert(metric.name, vec);
            }
        }
        Ok(())
    }

    /// Adds to a counter; 0 creates it.
    pub(super) fn add(&self, metric: &Metric, labels: &[&str], by: u64) {
        let vec = self.counters.get(metric.name);
        if let Some(Ok(series)) = vec.map(|it| it.get_metric_with_label_values(labels)) {
            series.inc_by(by);
        }
    }

    /// Brings a counter to a total counted elsewhere: it rises by the difference to the last one.
    /// A total that fell was begun anew, and counts on from where it stands.
    pub(super) fn total(&self, metric: &Metric, labels: &[&str], total: u64) {
        let source = (metric.name, labels.iter().map(|it| (*it).to_owned()).collect());
        let last = {
            let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals.insert(source, total).unwrap_or(0)
        };
        self.add(metric, labels, total.saturating_sub(last));
    }

    /// Sets a gauge.
    pub(super) fn set(&self, metric: &Metric, labels: &[&str], value: f64) {
        let vec = self.gauges.get(metric.name);
        if let Some(Ok(series)) = vec.map(|it| it.get_metric_with_label_values(labels)) {
            series.set(value);
        }
    }

    /// Takes a series of a gauge away.
    pub(super) fn remove(&self, metric: &Metric, labels: &[&str]) {
        if let Some(Err(error)) =
            self.gauges.get(metric.name).map(|it| it.remove_label_values(labels))
        {
            tracing::debug!(metric = metric.name, %error, "a series was gone already");
        }
    }

    /// Observes a value; `None` only creates the histogram.
    pub(super) fn observe(&self, metric: &Metric, labels: &[&str], value: Option<f64>) {
        let vec = self.histograms.get(metric.name);
        if let Some(Ok(series)) = vec.map(|it| it.get_metric_with_label_values(labels))
            && let Some(value) = value
        {
            series.observe(value);
        }
    }

    /// The text exposition, format 0.0.4.
    pub(super) fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "the metrics could not be written");
            String::new()
        })
    }
}
