//! `darban doctor`: what of a log is blind, and what a gateway has to log instead.

use super::sampler::{self, Place, RECORDS_MAX};
use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::alert::escape_text;
use crate::config::Config;
use crate::survey::{Blind, Given, Origin, Report, Route};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 where nothing is blind, with 1 where something is, and with 65 \
    where nothing can be read."
)]
pub(super) struct Arguments {
    /// The configuration to look with: its routes, keys and proxies, and its [source] where nothing
    /// else is named
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    from: Place,
    /// Records to look at
    #[arg(long, value_name = "COUNT", default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..=RECORDS_MAX))]
    records: u64,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Printed,
}

/// How it prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Printed {
    /// For a person.
    #[default]
    Human,
    /// One JSON object.
    Json,
}

/// Whether nothing is blind.
pub(super) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let named = arguments.from.origin()?;
    // Only brokers are told secrets.
    let load = match &named {
        Some(Origin::Files(_)) => Config::load_without_files,
        _ => Config::load,
    };
    let config = arguments.config.as_deref().map(load).transpose();
    let config = config.map_err(|problems| Failure::new(exit::CONFIG, &problems))?;
    let of_config = |it: &Config| Origin::Kafka {
        brokers: it.source.brokers.clone(),
        topics: it.source.topics.clone(),
    };
    let nothing = || Failure::new(exit::USAGE, &"nothing to look at: --from, FILE, or --config");
    let origin = named.or_else(|| config.as_ref().map(of_config)).ok_or_else(nothing)?;
    let sample = sampler::read(&origin, config.as_ref(), arguments.records)?;
    let given = config
        .as_ref()
        .map(|it| Given { options: &it.attribute, skip_suffixes: &it.decode.skip_suffixes });
    let report = Report::of(&sample, given);
    let mut printer = Printer::new();
    match arguments.output {
        Printed::Human => human(&mut printer, &report)?,
        Printed::Json => printer.json(&shown(&report))?,
    }
    printer.flush()?;
    Ok(report.blind.is_empty())
}

fn share(part: usize, report: &Report) -> f64 {
    let share = part as f64 / report.decoded.max(1) as f64;
    (share * 1_000.0).round() / 1_000.0
}

fn shown(report: &Report) -> Value {
    let formats: Vec<Value> = report
        .formats
        .iter()
        .map(|(format, count)| {
            json!({ "format": format.name(), "records": count, "share": share(*count, report) })
        })
        .collect();
    let refused: Map<String, Value> =
        report.refused.iter().map(|(why, count)| (why.name().to_owned(), json!(count))).collect();
    let routes: Vec<Value> = report.routes.iter().map(route).collect();
    let configured: Vec<Value> = report
        .configured
        .iter()
        .map(|it| {
            json!({ "route": it.name, "class": it.class.name(), "matched": it.matched,
                "with_subject": it.with_subject })
        })
        .collect();
    let keys: Vec<Value> = report
        .keys
        .iter()
        .map(|it| {
            json!({ "kind": it.kind.name(), "field": it.field, "records": it.records,
                "different": it.different })
        })
        .collect();
    let blind: Vec<Value> = report.blind.iter().map(of_blind).collect();
    json!({ "type": "doctor", "records": report.records, "decoded": report.decoded,
        "formats": formats, "refused": refused, "routes": routes, "configured": configured,
        "keys": keys, "blind": blind })
}

fn route(route: &Route) -> Value {
    json!({ "path": route.path, "methods": route.methods, "class": route.class.name(),
        "subject": route.subject, "records": route.records, "subjects": route.subjects,
        "clients": route.clients, "busiest_share": (route.busiest * 1_000.0).round() / 1_000.0,
        "ids_have_an_order": route.is_ordered })
}

fn of_blind(blind: &Blind) -> Value {
    json!({ "name": blind.kind.name(), "format": blind.format.map(crate::decode::Format::name),
        "detail": blind.detail, "cost": blind.kind.cost(), "streams": blind.kind.streams(),
        "place": blind.place, "snippet": blind.snippet })
}

fn human(printer: &mut Printer, report: &Report) -> Result<(), Failure> {
    let refused: usize = report.refused.values().sum();
    printer.line(&format!(
        "{} records: {} access records, {refused} refused",
        report.records, report.decoded
    ))?;
    for (format, count) in &report.formats {
        let share = share(*count, report) * 100.0;
        printer.line(&format!("  format   {} {share:.1} %", format.name()))?;
    }
    for (why, count) in &report.refused {
        printer.line(&format!("  refused  {} {count}", why.name()))?;
    }
    for key in &report.keys {
        let field = escape_text(&key.field);
        let share = share(key.records, report) * 100.0;
        printer.line(&format!(
            "  key      {} {field}: {share:.1} % of the lines, {} different",
            key.kind.name(),
            key.different
        ))?;
    }
    for it in &report.configured {
        printer.line(&format!(
            "  route    {}: {} lines, {} with subject",
            it.name, it.matched, it.with_subject
        ))?;
    }
    for it in report.routes.iter().filter(|_| report.configured.is_empty()) {
        printer.line(&format!("  route    {}", words(it)))?;
    }
    if report.blind.is_empty() {
        return printer.line("\nnothing is blind");
    }
    for (at, it) in report.blind.iter().enumerate() {
        let name = printer.styled(terminal::TICKET, it.kind.name());
        printer.line(&format!("\n{}. {name}: {}", at + 1, escape_text(&it.detail)))?;
        printer.line(&format!(
            "   it costs: {} ({})",
            it.kind.cost(),
            it.kind.streams().join(", ")
        ))?;
        printer.line(&format!("   to mend it, in {}:", it.place))?;
        for line in it.snippet.lines() {
            printer.line(&format!("     {line}"))?;
        }
    }
    Ok(())
}

fn words(route: &Route) -> String {
    let order = match route.subjects > 0 && !route.is_ordered {
        true => ", ids without an order (walk and monotone say nothing)",
        false => "",
    };
    let subject = route.subject.as_ref().map(|it| format!(" by {}", escape_text(it)));
    format!(
        "{} {}{}: {} lines, {} subjects, {} clients{order}",
        route.methods.join(","),
        escape_text(&route.path),
        subject.unwrap_or_default(),
        route.records,
        route.subjects,
        route.clients
    )
}
