//! `darban explain`: everything about one client, and why it fired or not.

use super::progress::Progress;
use super::terminal::{self, Printer};
use super::{Failure, Output, exit};
use crate::alert::{Alert, Client, Mode, RecordsOut, Severity, Status, escape_text, text};
use crate::attribute::{Attributor, KeyKind};
use crate::evidence::{as_f64, volume::HORIZON_WORDS};
use crate::judge::Explained;
use crate::pipeline::{backtest, build};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The client, by the name that alerts show
    #[arg(long, value_name = "NAME")]
    client: String,
    /// The configuration
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// Log files, directories, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Keeps the changes of alerts that name the client.
struct Named<'a> {
    client: &'a str,
    alerts: Vec<Alert>,
    progress: Progress,
}

impl backtest::Watcher for Named<'_> {
    fn alert(&mut self, alert: Alert) {
        if alert.clients.iter().any(|it| it.id == self.client) {
            self.alerts.push(alert);
        }
    }

    fn progress(&mut self, read: u64, total: Option<u64>, records: u64) {
        self.progress.show(read, total, records);
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let keys = super::keys(&config)?;
    let progress = Progress::default();
    let mut named = Named { client: &arguments.client, alerts: Vec::new(), progress };
    let outcome = backtest::run(&config, &keys, &arguments.paths, &mut named);
    named.progress.end();
    let (engine, _) = outcome.map_err(|error| match error {
        backtest::Error::Input(error) => Failure::new(exit::INPUT, &error),
        backtest::Error::Setup(words) => Failure::new(exit::CONFIG, &words),
    })?;
    let attributor =
        build::attributor(&config, &keys).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let mut printer = Printer::new();
    let mut found = false;
    for (kind, key) in keys_named(&arguments.client, &attributor) {
        for (at, route) in config.attribute.routes.iter().enumerate() {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            let opened = engine.explain(key, at).filter(|it| it.0 == kind);
            let Some((_, opened)) = opened else { continue };
            found = true;
            let client = Client { key: kind, id: arguments.client.clone() };
            let page_level = config.detect.h;
            let opinion = Opinion { client, route: &route.name, opened, page_level };
            match arguments.output {
                Output::Human => opinion.human(&mut printer, &named.alerts)?,
                Output::Ndjson => printer.json(&opinion.ndjson(&named.alerts))?,
            }
        }
    }
    if !found {
        let words = format!(
            "no look-ups by a client named {} in this input",
            escape_text(&arguments.client)
        );
        return Err(Failure::new(exit::INPUT, &words));
    }
    printer.flush()
}

/// Every key that may be meant by a name: one a kind, and for kinds shown as a hash the hash.
fn keys_named(name: &str, attributor: &Attributor) -> Vec<(KeyKind, u64)> {
    let by_hash = u64::from_str_radix(name, 16).ok();
    let of = |kind: KeyKind| {
        let by_name = attributor.key_hash(kind, name.as_bytes());
        std::iter::once(by_name).chain(by_hash).map(move |key| (kind, key))
    };
    KeyKind::ALL.into_iter().flat_map(of).collect()
}

/// What is known of a client on a route.
struct Opinion<'a> {
    client: Client,
    route: &'a str,
    opened: Explained,
    page_level: f64,
}

impl Opinion<'_> {
    fn ndjson(&self, alerts: &[Alert]) -> serde_json::Value {
        let it = &self.opened;
        let streams: serde_json::Map<_, _> = it
            .streams
            .iter()
            .map(|(stream, log_e, live)| {
                (stream.name().to_owned(), json!({ "log_e": as_f64(*log_e), "live": live }))
            })
            .collect();
        let own: BTreeSet<&str> = self.own(alerts).map(|it| it.id.as_str()).collect();
        json!({ "type": "explanation", "client": { "key": self.client.key.name(), "id": self.client.id },
            "route": self.route, "class": it.class, "own_days": it.own_days, "last": it.last,
            "level_a_day": it.level.a_day, "seen": it.seen, "expected": it.expected,
            "rates": it.rates, "first_contacts": it.trials, "hits": it.hits, "streams": streams,
            "log_e": as_f64(it.log_e), "peak": as_f64(it.peak), "page_level": self.page_level,
            "firing": it.firing, "since": it.since, "alerts": own,
            "records_out": { "estimate": it.records.0, "error": it.records.1 } })
    }

    fn human(&self, out: &mut Printer, alerts: &[Alert]) -> Result<(), Failure> {
        let it = &self.opened;
        let title = format!("{} {} on {}", self.client.key.name(), self.client.id, self.route);
        out.line(&out.styled(terminal::BOLD, &escape_text(&title)))?;
        out.line(&format!(
            "  class {}, {} working days of its own, last contact {}",
            it.class, it.own_days, it.last
        ))?;
        if let Some(since) = it.since {
            let records = RecordsOut { estimate: it.records.0, error: it.records.1 };
            out.line(&format!("  {} since {since}", text::records(records)))?;
        }
        self.counts(out)?;
        out.line(&format!("  first contacts of this episode: {}", it.trials))?;
        for ((name, hits), rate) in it.rated.iter().zip(it.hits).zip(it.rates) {
            out.line(&format!("  {name:<14}{hits:>6}    honest rate {rate:.4}"))?;
        }
        out.line("  evidence (nats)")?;
        for (stream, log_e, live) in it.streams {
            let note = if live { stream.pager_line() } else { "not live on this route" };
            out.line(&format!("  {:<14}{:>6.1}    {note}", stream.name(), as_f64(log_e)))?;
        }
        out.line(&self.verdict(alerts))
    }

    /// Subjects seen against expected, and the baseline behind that.
    fn counts(&self, out: &mut Printer) -> Result<(), Failure> {
        let it = &self.opened;
        let words = if it.per_session { &["a session"][..] } else { &HORIZON_WORDS[..] };
        if !it.per_session {
            let (a_day, k) = (it.level.a_day, it.level.spread.k);
            out.line(&format!("  baseline {a_day:.1} subjects a day, spread k {k:.1}"))?;
        }
        out.line("  subjects        seen    expected by then")?;
        for ((words, seen), expected) in words.iter().zip(it.seen).zip(it.expected) {
            out.line(&format!("  {words:<14}{seen:>6}    {expected:.2}"))?;
        }
        if it.reading.doubled {
            let (words, seen, expected) =
                (it.reading.words(), it.reading.seen, it.reading.expected);
            out.line(&format!("  {words:<14}{seen:>6}    {expected:.2}"))?;
        }
        Ok(())
    }

    /// The changes of alerts that name this client on this route.
    fn own<'b>(&self, alerts: &'b [Alert]) -> impl Iterator<Item = &'b Alert> {
        alerts.iter().filter(|it| *it.route == *self.route && it.clients.contains(&self.client))
    }

    /// Why it fired, or why not.
    fn verdict(&self, alerts: &[Alert]) -> String {
        let it = &self.opened;
        let page = self.page_level;
        let (now, peak) = (as_f64(it.log_e), as_f64(it.peak));
        let raised = self.own(alerts).filter(|it| it.status == Status::Firing);
        if let Some(alert) = raised.max_by_key(|it| it.severity) {
            let last = self.own(alerts).filter(|it| it.id == alert.id).last();
            let over = last.is_some_and(|it| it.status == Status::Resolved);
            let state = if over { "over" } else { "open" };
            let severity = match (alert.mode, alert.severity) {
                (Mode::Observe, _) => "for observation only",
                (Mode::Page, Severity::Page) => "as a page",
                (Mode::Page, Severity::Ticket) => "as a ticket",
            };
            return format!(
                "  fired at {} {severity} with log E {:.1} (page level {page:.1}); \
                 alert {} is {state}",
                alert.fired_at, alert.log_e, alert.id
            );
        }
        format!(
            "  did not fire: log E is {now:.1}, at most {peak:.1} today, and a page needs {page:.1}"
        )
    }
}
