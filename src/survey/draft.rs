//! A configuration out of a report: observing, commented, and accepted by `darban check`.

use super::{Documented, Key, ROUTES_MAX, Report, Route, percent};
use crate::alert::escape_text;
use crate::attribute::{Codec, KeyKind};
use ipnet::IpNet;
use std::fmt::Write;

/// Operations without a route that are listed at most.
const LEFT_OUT_MAX: usize = 50;

/// Where a sample came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A topic.
    Kafka {
        /// The brokers that were asked.
        brokers: Vec<String>,
        /// The topic.
        topics: Vec<String>,
    },
    /// Files.
    Files(Vec<String>),
}

/// The text of a configuration.
#[must_use]
pub fn draft(report: &Report, origin: &Origin) -> String {
    whole(report, origin, &format!("{} records", report.records), None)
}

/// The same of the OpenAPI document at `path`: what it has no word of is left to its default.
#[must_use]
pub fn draft_of_document(documented: &Documented, path: &str) -> String {
    let origin = Origin::Files(vec![path.to_owned()]);
    whole(&documented.report, &origin, "an OpenAPI document", Some(documented))
}

fn whole(report: &Report, origin: &Origin, from: &str, documented: Option<&Documented>) -> String {
    let mut text = format!(
        "# A configuration of darban, drafted by `darban init` from {from}. What stands here was guessed\n\
         # from that: read it once. It observes: alerts are shown on the pages and nobody is paged until\n\
         # [alert] mode is \"page\". deploy/darban.toml has every key with its default.\n\n"
    );
    source(origin, &mut text);
    decode(report, &mut text);
    clients(report, &mut text);
    routes(report, &mut text);
    documented.into_iter().for_each(|it| left_out(it, &mut text));
    text.push_str(
        "# ---- What becomes of alerts: to be set to \"page\" once a week of them looks right ----------------\n\
         [alert]\nmode = \"observe\"\n",
    );
    text
}

/// What the document has and the configuration has not, so that nobody believes it watched.
fn left_out(Documented { left_out, dropped, .. }: &Documented, text: &mut String) {
    if *dropped > 0 {
        put(
            text,
            format_args!(
                "# {dropped} more routes have no room here ({ROUTES_MAX} at most), or nothing tells them apart.\n"
            ),
        );
    }
    if left_out.is_empty() {
        return;
    }
    put(
        text,
        format_args!(
            "# These name nobody in path or query. Where somebody is named in the body, let the gateway log a\n\
             # keyed hash of it, and write a route whose subject is that field:"
        ),
    );
    for operation in left_out.iter().take(LEFT_OUT_MAX) {
        put(text, format_args!("#   {}", escape_text(operation)));
    }
    if let Some(more) = left_out.len().checked_sub(LEFT_OUT_MAX).filter(|it| *it > 0) {
        put(text, format_args!("#   and {more} more"));
    }
    text.push('\n');
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(line);
    text.push('\n');
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = values.into_iter().map(|it| quoted(it)).collect();
    format!("[{}]", quoted.join(", "))
}

/// Networks as the configuration has them.
pub(super) fn nets(nets: &[IpNet]) -> String {
    list(&nets.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn source(origin: &Origin, text: &mut String) {
    put(text, format_args!("# ---- Where records come from ----"));
    match origin {
        Origin::Files(paths) => {
            for path in paths {
                put(text, format_args!("# Drafted from {}", escape_text(path)));
            }
            put(
                text,
                format_args!(
                    "# For `darban run`; `darban replay` reads the files that it is given."
                ),
            );
            put(
                text,
                format_args!(
                    "# [source]\n# brokers = [\"127.0.0.1:9092\"]\n# topics = [\"gateway-access\"]\n"
                ),
            );
        }
        Origin::Kafka { brokers, topics } => {
            put(
                text,
                format_args!("[source]\nbrokers = {}\ntopics = {}", list(brokers), list(topics)),
            );
            put(
                text,
                format_args!(
                    "# group = \"darban\"\n# What darban may do in Kafka, and nothing else:"
                ),
            );
            let server = escape_text(brokers.first().map_or("", String::as_str)).into_owned();
            let add = format!(
                "#   kafka-acls.sh --bootstrap-server {server} --add --allow-principal User:darban"
            );
            for topic in topics {
                put(
                    text,
                    format_args!(
                        "{add} --operation READ --operation DESCRIBE --topic {}",
                        escape_text(topic)
                    ),
                );
            }
            put(text, format_args!("{add} --operation READ --group darban\n"));
        }
    }
}

fn decode(report: &Report, text: &mut String) {
    put(text, format_args!("# ---- How lines are read ----"));
    for (format, count) in &report.formats {
        put(
            text,
            format_args!("# {}: {} of the lines", format.name(), percent(*count, report.decoded)),
        );
    }
    let format = match report.formats.as_slice() {
        [(format, _)] => format.name(),
        _ => "auto",
    };
    put(text, format_args!("[decode]\nformat = {}", quoted(format)));
    if report.is_zoneless {
        put(
            text,
            format_args!("# Times are written without a zone: say where the gateway's clock is."),
        );
        put(text, format_args!("zone = \"UTC\""));
    }
    text.push('\n');
}

fn clients(report: &Report, text: &mut String) {
    put(text, format_args!("# ---- Who asks ----\n[clients]"));
    if report.records == 0 {
        put(
            text,
            format_args!("# Proxies in front of the gateway, whose X-Forwarded-For is true."),
        );
    } else if report.proxies.is_empty() {
        put(text, format_args!("# Nothing in X-Forwarded-For points to a proxy of yours."));
    } else {
        put(
            text,
            format_args!(
                "# These private addresses write X-Forwarded-For. Leave out what is no proxy of yours."
            ),
        );
    }
    put(text, format_args!("trusted_proxies = {}\n", nets(&report.proxies)));
    if report.keys.is_empty() {
        put(
            text,
            format_args!(
                "# No login, key or session in it: clients are known by their address only, which"
            ),
        );
        put(
            text,
            format_args!(
                "# is a key without being listed. `darban doctor` says how to log more.\n"
            ),
        );
    }
    for key in &report.keys {
        let share = percent(key.records, report.decoded);
        let seen = match report.records {
            0 => "A security scheme of the document.".to_owned(),
            _ => format!("In {share} of the lines, {} different ones.", key.different),
        };
        put(text, format_args!("# {seen} {}", meaning(key)));
        let (kind, field) = (key.kind.name(), quoted(&key.field));
        put(text, format_args!("[[clients.keys]]\nkind = \"{kind}\"\nfield = {field}\n"));
    }
}

fn meaning(key: &Key) -> &'static str {
    match key.kind {
        KeyKind::Staff => {
            "Taken for people at work. Where citizens log in: kind = \"session\"; for programs \"partner\"."
        }
        KeyKind::Partner => {
            "Taken for organisations that call from their systems; for people \"staff\"."
        }
        KeyKind::Session => "Taken for people's sessions; shown as a hash.",
        _ => "Taken for credentials; shown as a hash. For organisations \"partner\".",
    }
}

fn routes(report: &Report, text: &mut String) {
    put(text, format_args!("# ---- Which requests look up whom, by traffic ----"));
    if report.routes.is_empty() {
        put(
            text,
            format_args!(
                "# No path or query has ids: this is an example, and nothing is judged until it is"
            ),
        );
        put(text, format_args!("# replaced. `darban doctor` says what the log lacks."));
        put(
            text,
            format_args!(
                "[[routes]]\nname = \"example\"\npath = \"/people/{{subject}}\"\nclass = \"personal\"\n"
            ),
        );
    }
    for route in &report.routes {
        put(text, format_args!("{}", one(route)));
    }
}

/// A route as a configuration has it, with why.
pub(super) fn one(route: &Route) -> String {
    let mut text = String::new();
    let Route { records, subjects, clients, .. } = route;
    let class = route.class.name();
    match (records, subjects) {
        (0, _) => {}
        (_, 0) => put(&mut text, format_args!("# {records} requests, {clients} clients.")),
        _ => put(
            &mut text,
            format_args!("# {records} requests, {subjects} different subjects, {clients} clients."),
        ),
    }
    put(&mut text, format_args!("# \"{class}\": {}.", route.why));
    put(&mut text, format_args!("[[routes]]\nname = {}", quoted(&route.name)));
    put(&mut text, format_args!("methods = {}", list(&route.methods)));
    put(&mut text, format_args!("path = {}", quoted(&route.path)));
    put(&mut text, format_args!("class = \"{class}\""));
    if let Some(subject) = &route.subject {
        put(&mut text, format_args!("subject = {}", quoted(subject)));
    }
    if route.codec == Codec::DateLed {
        put(&mut text, format_args!("# Nearly all ids begin with a date.\ncodec = \"date_led\""));
    }
    text
}
