//! `darban explain`: everything about one client, and why it fired or not.

mod walk;

use super::progress::Progress;
use super::terminal::{self, Printer};
use super::{Failure, Output, exit};
use crate::alert::{Alert, Client, Mode, RecordsOut, Severity, Status, escape_text, text};
use crate::attribute::{Attributor, KeyKind};
use crate::engine::Engine;
use crate::evidence::{as_f64, volume::HORIZON_WORDS};
use crate::judge::Explained;
use crate::pipeline::{backtest, build};
use crate::time::Moment;
use crate::timeline::Cut;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use walk::Walk;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The client, by the name that alerts show
    #[arg(long, value_name = "NAME")]
    client: String,
    /// The configuration
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// As it stood at this time of the log, not at its end
    #[arg(long, value_name = "RFC3339")]
    at: Option<jiff::Timestamp>,
    /// Where a drawing of the ids it asked for is written, as SVG: relative positions, no id
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// Log files, directories, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// A key that may be meant, on a route.
type Place = (KeyKind, u64, u16);

/// Follows the client through the log until the time that is asked about.
struct Named<'a> {
    client: &'a str,
    /// The keys that may be meant.
    keys: Vec<(KeyKind, u64)>,
    routes: u16,
    at: Option<Moment>,
    /// How things stood then, once that is past.
    then: Option<BTreeMap<Place, Explained>>,
    /// Changes of alerts that name it.
    alerts: Vec<Alert>,
    walks: BTreeMap<Place, Walk>,
    progress: Progress,
}

impl Named<'_> {
    /// What is known of every key on every route.
    fn explained(&self, engine: &Engine) -> BTreeMap<Place, Explained> {
        let routes = |(kind, key): &(KeyKind, u64)| {
            let (kind, key) = (*kind, *key);
            (0..self.routes).map(move |route| (kind, key, route))
        };
        let places = self.keys.iter().flat_map(routes);
        let explained = |place: Place| {
            let (kind, opened) = engine.explain(place.1, place.2)?;
            (kind == place.0).then_some((place, opened))
        };
        places.filter_map(explained).collect()
    }
}

impl backtest::Watcher for Named<'_> {
    fn cut(&mut self, cut: &Cut, engine: &Engine) {
        if self.then.is_some() {
            return;
        }
        if self.at.is_some_and(|it| cut.at > it) {
            self.then = Some(self.explained(engine));
            return;
        }
        for placed in &cut.lookups {
            let lookup = &placed.lookup;
            let is = |it: &&(KeyKind, u64)| lookup.keys.get(it.0.index()) == Some(&it.1);
            for (kind, key) in self.keys.iter().filter(is) {
                let walk = self.walks.entry((*kind, *key, lookup.route.0)).or_default();
                walk.0.take(lookup.position);
            }
        }
    }

    fn alert(&mut self, alert: Alert) {
        if self.then.is_none() && alert.clients.iter().any(|it| it.id == self.client) {
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
    let attributor =
        build::attributor(&config, &keys).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let mut named = Named {
        client: &arguments.client,
        keys: keys_named(&arguments.client, &attributor),
        routes: u16::try_from(config.attribute.routes.len()).unwrap_or(u16::MAX),
        at: arguments.at.map(|it| Moment(it.as_millisecond())),
        then: None,
        alerts: Vec::new(),
        walks: BTreeMap::new(),
        progress: Progress::default(),
    };
    let outcome = backtest::run(&config, &keys, &arguments.paths, &mut named);
    named.progress.end();
    let (engine, _) = outcome?;
    let explained = named.then.take().unwrap_or_else(|| named.explained(&engine));
    if explained.is_empty() {
        let words = format!(
            "no look-ups by a client named {} in this input",
            escape_text(&arguments.client)
        );
        return Err(Failure::new(exit::INPUT, &words));
    }
    let mut printer = Printer::new();
    let mut drawn = Vec::new();
    for (place, opened) in explained {
        let spec = config.attribute.routes.get(usize::from(place.2));
        let route = spec.map_or("", |it| it.name.as_str());
        let client = Client { key: place.0, id: arguments.client.clone() };
        let page_level = config.detect.h;
        let walk = named.walks.get(&place).filter(|it| it.0.is_worth_drawing());
        let opinion = Opinion { client, route, opened, page_level, walk };
        match arguments.output {
            Output::Human => opinion.human(&mut printer, &named.alerts)?,
            Output::Ndjson => printer.json(&opinion.ndjson(&named.alerts))?,
        }
        drawn.extend(walk.map(|it| (opinion.title(), it)));
    }
    if let Some(file) = &arguments.svg {
        super::write(file, &walk::svg(&drawn))?;
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
    walk: Option<&'a Walk>,
}

impl Opinion<'_> {
    fn title(&self) -> String {
        format!("{} {} on {}", self.client.key.name(), self.client.id, self.route)
    }

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
        out.line(&out.styled(terminal::BOLD, &escape_text(&self.title())))?;
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
        if let Some(walk) = self.walk {
            let words =
                format!("  ids from its lowest to its highest, {} look-ups", walk.0.look_ups());
            out.line(&words)?;
            walk.lines().iter().try_for_each(|it| out.line(&format!("  {it}")))?;
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
