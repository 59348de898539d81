//! `[[receivers]]`: who is told.

use super::files::{self, Secret};
use super::shapes::{name, one_of, reachable, some};
use super::table::Table;
use crate::alert::Severity;
use crate::deliver::{Reach, Trust};

/// Receivers at most: each has a queue and a connection of its own.
pub const RECEIVERS_MAX: usize = 32;

/// PagerDuty's address for events.
const PAGERDUTY: &str = "\"https://events.pagerduty.com/v2/enqueue\"";

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Its name, unlike every other's.
    pub name: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// The severities it is told; at least one.
    pub severity: Vec<Severity>,
}

/// What a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// PagerDuty's Events API v2.
    Pagerduty {
        /// Where events are posted.
        url: String,
        /// The service's integration key.
        routing_key: Secret,
    },
    /// Alertmanager's API v2; posted to every replica.
    Alertmanager {
        /// Each replica, without `/api/v2/alerts`.
        urls: Vec<String>,
    },
    /// The terminal, or the log of a service.
    Stdout {
        /// How a change is written.
        format: StdoutFormat,
    },
}

/// How standard output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdoutFormat {
    /// Lines for a person.
    Human,
    /// One JSON object a change.
    Ndjson,
}

const FORMATS: &[(StdoutFormat, &str)] =
    &[(StdoutFormat::Human, "human"), (StdoutFormat::Ndjson, "ndjson")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Pagerduty,
    Alertmanager,
    Stdout,
}

const TYPES: &[(Type, &str)] = &[
    (Type::Pagerduty, "pagerduty"),
    (Type::Alertmanager, "alertmanager"),
    (Type::Stdout, "stdout"),
];
const SEVERITIES: &[(Severity, &str)] = &[(Severity::Page, "page"), (Severity::Ticket, "ticket")];

pub(super) fn read(root: &mut Table<'_>, reach: Option<&Reach>) -> Option<Vec<ReceiverConfig>> {
    let tables = root.tables("receivers");
    if tables.len() > RECEIVERS_MAX {
        root.fault("receivers", "has too many", &format!("{RECEIVERS_MAX} receivers"));
    }
    let spots: Vec<_> = tables.iter().map(|table| table.spot("name")).collect();
    let receivers: Vec<Option<ReceiverConfig>> =
        tables.into_iter().map(|it| receiver(it, reach)).collect();
    let named = |it: &Option<ReceiverConfig>| it.as_ref().map(|it| it.name.clone());
    for (index, (receiver, spot)) in receivers.iter().zip(spots).enumerate() {
        let first = receivers.iter().position(|it| it.is_some() && named(it) == named(receiver));
        if let Some(first) = first.filter(|first| *first < index) {
            let what = format!("is the name of receivers[{first}] too");
            root.document.refuse(spot.problem(what, Some("a name of its own")));
        }
    }
    receivers.into_iter().collect()
}

fn receiver(mut table: Table<'_>, reach: Option<&Reach>) -> Option<ReceiverConfig> {
    let name = table.required("name", "a name for logs and metrics", name);
    let kind = table.required("type", "pagerduty, alertmanager, stdout", one_of(TYPES));
    let Some(kind) = kind else {
        table.forgive();
        return None;
    };
    let default = if kind == Type::Pagerduty { r#"["page"]"# } else { r#"["page", "ticket"]"# };
    let severity = table.or("severity", default, some("severities", one_of(SEVERITIES)));
    if kind == Type::Pagerduty && severity.as_ref().is_some_and(|it| it.contains(&Severity::Ticket))
    {
        let what = "sends tickets to PagerDuty, which wakes somebody for each";
        table.fault("severity", what, "[\"page\"]; tickets go to Alertmanager");
    }
    let kind = match kind {
        Type::Pagerduty => pagerduty(&mut table, reach),
        Type::Alertmanager => alertmanager(&mut table, reach),
        Type::Stdout => table
            .or("format", "\"human\"", one_of(FORMATS))
            .map(|format| ReceiverKind::Stdout { format }),
    };
    Some(ReceiverConfig { name: name?, kind: kind?, severity: severity? })
}

fn pagerduty(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let url = table.or("url", PAGERDUTY, reachable(reach, Trust::ThisMachine));
    table.only_by_file("routing_key", "routing_key_file");
    let routing_key = if table.has("routing_key") && !table.has("routing_key_file") {
        table.optional("routing_key_file", files::secret)
    } else {
        let allowed = "the path of a file with the service's integration key";
        table.required("routing_key_file", allowed, files::secret)
    };
    Some(ReceiverKind::Pagerduty { url: url?, routing_key: routing_key? })
}

/// One Alertmanager by `url`, or every replica of a cluster by `urls`.
fn alertmanager(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let url = || reachable(reach, Trust::OwnNetwork);
    let single = table.optional("url", url());
    let replicas = table.optional("urls", some("addresses", url()));
    let allowed = "url with one address, or urls with that of every replica";
    match (table.has("url"), table.has("urls")) {
        (false, false) => table.fault("url", "is missing", allowed),
        (true, true) => table.fault("urls", "stands beside url", allowed),
        (true, false) | (false, true) => {}
    }
    let urls = replicas.or_else(|| single.map(|url| vec![url]))?;
    let urls = urls.into_iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
    Some(ReceiverKind::Alertmanager { urls })
}
