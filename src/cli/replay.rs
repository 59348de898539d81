//! `darban replay`: the engine over files, or over what a daemon has judged of a topic.

use super::progress::Progress;
use super::terminal::{self, Printer};
use super::{Failure, Output, exit};
use crate::alert::text::{Role, Wording, block};
use crate::alert::{Alert, Mode, Origin, Severity};
use crate::config::Config;
use crate::pipeline::backtest::{self, Range, Totals, Watcher};
use crate::pipeline::{Keys, receivers};
use crate::source::kafka;
use crate::state::Directory;
use crate::time::{Clock, SECOND_MS};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; its [source] is not used
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// Log files (plain, .gz, .zst), directories of them, or - for standard input
    #[arg(required_unless_present = "topic", conflicts_with = "topic", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A topic of [source]'s brokers instead of files, with the cuts of --journal; nothing is
    /// committed
    #[arg(long, value_name = "TOPIC", requires = "journal")]
    topic: Option<String>,
    /// The state directory of a daemon with `keep_journal = true`
    #[arg(long, value_name = "DIR", requires = "topic")]
    journal: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let keys = super::keys(&config)?;
    let paths = arguments.paths.iter().map(|it| it.display().to_string()).collect();
    let wording = Wording {
        runbooks: config.alert.runbooks.clone(),
        config: arguments.config.display().to_string(),
        origin: Origin::Files(paths),
        pages: None,
    };
    let mut shown = Shown {
        printer: Printer::new(),
        output: arguments.output,
        wording,
        progress: Progress::default(),
        clock: Clock::system(),
        failure: None,
    };
    let started = shown.clock.now();
    let outcome = match range(arguments, &config, &keys)? {
        Some(range) => backtest::run_again(&config, &keys, range, &mut shown),
        None => backtest::run(&config, &keys, &arguments.paths, &mut shown),
    };
    shown.progress.end();
    let (_, totals) = outcome?;
    if let Some(failure) = shown.failure.take() {
        return Err(failure);
    }
    let seconds = shown.clock.now().since(started) as f64 / SECOND_MS as f64;
    shown.summary(&totals, seconds)
}

/// What to read of Kafka, if that was asked for: as a group of its own, so that a daemon notices
/// nothing.
fn range(arguments: &Arguments, config: &Config, keys: &Keys) -> Result<Option<Range>, Failure> {
    let (Some(topic), Some(journal)) = (&arguments.topic, &arguments.journal) else {
        return Ok(None);
    };
    let failed = |error: &dyn std::fmt::Display| Failure::new(exit::INPUT, error);
    let directory = Directory::read_only(journal, keys.state.clone());
    let told = directory.told_from(0).map_err(|it| failed(&it))?;
    let mut source = receivers::source(config, None);
    source.topics = vec![topic.clone()];
    source.group = format!("{}-replay-{}", source.group, std::process::id());
    (source.instance_id, source.start) = (None, kafka::Start::Earliest);
    Ok(Some(Range { source, told }))
}

struct Shown {
    printer: Printer,
    output: Output,
    wording: Wording,
    progress: Progress,
    clock: Clock,
    failure: Option<Failure>,
}

impl Watcher for Shown {
    fn alert(&mut self, alert: Alert) {
        let Self { printer, progress, .. } = self;
        let printed = progress.above(printer, |printer| match self.output {
            Output::Ndjson => ndjson(printer, &alert),
            Output::Human => human(printer, &alert, &self.wording),
        });
        if let Err(failure) = printed {
            self.failure.get_or_insert(failure);
        }
    }

    fn progress(&mut self, read: u64, total: Option<u64>, records: u64) {
        self.progress.show(read, total, records);
    }
}

fn ndjson(printer: &mut Printer, alert: &Alert) -> Result<(), Failure> {
    let mut line = typed("alert");
    if let Ok(Value::Object(fields)) = serde_json::to_value(alert) {
        line.extend(fields);
    }
    printer.json(&Value::Object(line))
}

fn human(printer: &mut Printer, alert: &Alert, wording: &Wording) -> Result<(), Failure> {
    for line in block(alert, wording) {
        let style = match line.role {
            Role::Headline(_) if alert.mode == Mode::Observe => terminal::BOLD,
            Role::Headline(Severity::Page) => terminal::PAGE,
            Role::Headline(Severity::Ticket) => terminal::TICKET,
            Role::Detail | Role::Step => terminal::FAINT,
        };
        let label = printer.styled(style, &line.label);
        printer.line(&format!("{label}{}", line.text))?;
    }
    Ok(())
}

impl Shown {
    fn summary(&mut self, totals: &Totals, seconds: f64) -> Result<(), Failure> {
        let rate = totals.counts.received as f64 / seconds.max(0.001);
        match self.output {
            Output::Ndjson => {
                let mut line = typed("summary");
                line.extend(summary(totals));
                line.insert("seconds".to_owned(), json!(seconds));
                line.insert("records_per_second".to_owned(), json!(rate.round()));
                self.printer.json(&Value::Object(line))?;
            }
            Output::Human => {
                let counts = &totals.counts;
                let refused: u64 = counts.refused.values().sum();
                let text = format!(
                    "{} records in {seconds:.1} s: {} decoded, {refused} refused, {} look-ups by \
                     {} clients, {} alerts",
                    counts.received,
                    counts.decoded_total(),
                    counts.lookups_total(),
                    totals.clients,
                    totals.alerts
                );
                self.printer.line(&text)?;
            }
        }
        self.printer.flush()
    }
}

/// The beginning of a row of `--output ndjson`.
pub(super) fn typed(name: &str) -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), json!(name))])
}

/// The counts of a run; every refusal and skip that there is, at zero too.
pub(super) fn summary(totals: &Totals) -> Map<String, Value> {
    let counts = &totals.counts;
    let refused: Map<String, Value> = crate::decode::Refusal::ALL
        .iter()
        .map(|it| (it.name().to_owned(), json!(counts.refused.get(it).unwrap_or(&0))))
        .collect();
    let skipped: Map<String, Value> = crate::attribute::Skip::ALL
        .iter()
        .map(|it| (it.name().to_owned(), json!(counts.skipped.get(it).unwrap_or(&0))))
        .collect();
    let pairs = [
        ("received", json!(counts.received)),
        ("unwrapped", json!(counts.unwrapped)),
        ("decoded", json!(counts.decoded_total())),
        ("refused", Value::Object(refused)),
        ("lookups", json!(counts.lookups_total())),
        ("skipped", Value::Object(skipped)),
        ("clients", json!(totals.clients)),
        ("alerts", json!(totals.alerts)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
