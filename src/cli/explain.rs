//! `darban explain`: everything about one client, and why it fired or not.

use super::terminal::{self, Printer};
use super::{Failure, Output, exit};
use crate::alert::{Alert, Status};
use crate::attribute::{Attributor, KeyKind};
use crate::config::Config;
use crate::evidence::{as_f64, volume::HORIZON_WORDS};
use crate::judge::{Explained, explain};
use crate::pipeline::{backtest, build};
use serde_json::json;
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
}

impl backtest::Watcher for Named<'_> {
    fn alert(&mut self, alert: Alert) {
        if alert.clients.iter().any(|it| it.id == self.client) {
            self.alerts.push(alert);
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let keys = super::keys(&config)?;
    let mut named = Named { client: &arguments.client, alerts: Vec::new() };
    let (engine, _) = backtest::run(&config, &keys, &arguments.paths, &mut named).map_err(
        |error| match error {
            backtest::Error::Input(error) => Failure::new(exit::INPUT, &error),
            backtest::Error::Attribution(words) => Failure::new(exit::CONFIG, &words),
        },
    )?;
    let attributor =
        build::attributor(&config, &keys).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let mut printer = Printer::new();
    let mut found = false;
    for (kind, key) in keys_named(&arguments.client, &attributor) {
        for (at, route) in config.attribute.routes.iter().enumerate() {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            let profile = engine.profile(key, at).filter(|it| usize::from(it.kind) == kind.index());
            let opened = profile
                .and_then(|it| explain(it, engine.rules(), engine.baselines(), engine.space(at)));
            let Some(opened) = opened else { continue };
            found = true;
            let subject = Subject { kind, route: &route.name, opened, config: &config };
            match arguments.output {
                Output::Human => subject.human(&mut printer, arguments, &named.alerts)?,
                Output::Ndjson => printer.line(&subject.ndjson(arguments).to_string())?,
            }
        }
    }
    if !found {
        let words = format!("no look-ups by a client named {} in this input", arguments.client);
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

struct Subject<'a> {
    kind: KeyKind,
    route: &'a str,
    opened: Explained,
    config: &'a Config,
}

const RATES: [&str; 4] = ["cold", "miss", "walk", "rising"];

impl Subject<'_> {
    fn ndjson(&self, arguments: &Arguments) -> serde_json::Value {
        let it = &self.opened;
        let streams: serde_json::Map<_, _> = it
            .streams
            .iter()
            .map(|(stream, log_e, live)| {
                (stream.name().to_owned(), json!({ "log_e": as_f64(*log_e), "live": live }))
            })
            .collect();
        json!({ "type": "explanation", "client": { "key": self.kind.name(), "id": arguments.client },
            "route": self.route, "class": it.class, "own_days": it.own_days, "last": it.last,
            "level_a_day": it.level.a_day, "seen": it.seen, "expected": it.expected,
            "rates": it.rates, "first_contacts": it.trials, "hits": it.hits, "streams": streams,
            "log_e": as_f64(it.log_e), "peak": as_f64(it.peak), "page_level": self.config.detect.h,
            "firing": it.firing, "records_out": { "estimate": it.records.0, "error": it.records.1 } })
    }

    fn human(
        &self,
        out: &mut Printer,
        arguments: &Arguments,
        alerts: &[Alert],
    ) -> Result<(), Failure> {
        let it = &self.opened;
        let title = format!("{} {} on {}", self.kind.name(), arguments.client, self.route);
        out.line(&out.styled(terminal::BOLD, &crate::alert::escape_text(&title)))?;
        out.line(&format!(
            "  class {}, {} working days of its own, last contact {}",
            it.class, it.own_days, it.last
        ))?;
        out.line("  subjects        seen    expected by then")?;
        for ((words, seen), expected) in HORIZON_WORDS.iter().zip(it.seen).zip(it.expected) {
            out.line(&format!("  {words:<14}{seen:>6}    {expected:.2}"))?;
        }
        out.line(&format!("  first contacts of this episode: {}", it.trials))?;
        for ((name, hits), rate) in RATES.iter().zip(it.hits).zip(it.rates) {
            out.line(&format!("  {name:<14}{hits:>6}    honest rate {rate:.4}"))?;
        }
        out.line("  evidence (nats)")?;
        for (stream, log_e, live) in it.streams {
            let note = if live { stream.pager_line() } else { "not live on this route" };
            out.line(&format!("  {:<14}{:>6.1}    {note}", stream.name(), as_f64(log_e)))?;
        }
        out.line(&self.verdict(alerts))
    }

    /// Why it fired, or why not.
    fn verdict(&self, alerts: &[Alert]) -> String {
        let it = &self.opened;
        let page = self.config.detect.h;
        let (now, peak) = (as_f64(it.log_e), as_f64(it.peak));
        let own = alerts.iter().filter(|it| it.route.as_ref() == self.route);
        let raised = own.filter(|it| it.status == Status::Firing);
        if let Some(alert) = raised.max_by_key(|it| it.severity) {
            let state = if it.firing { "open" } else { "over" };
            return format!(
                "  fired at {} with log E {:.1} (page level {page:.1}); the alert is {state}",
                alert.fired_at, alert.log_e
            );
        }
        format!(
            "  did not fire: log E is {now:.1}, at most {peak:.1} today, and a page needs {page:.1}"
        )
    }
}
