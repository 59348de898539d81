//! `[[receivers]]`: who is told.

use super::document::{Files, Node};
use super::files::{self, Secret};
use super::shapes::{
    duration, host, name, one_of, reachable, readable, some, some_text, text, whole,
};
use super::table::Table;
use crate::alert::Severity;
use crate::deliver::{Address, Encryption, Reach, SigningKeys, Trust};
use crate::time::{HOUR_MS, MINUTE_MS};
use std::path::PathBuf;

/// Receivers at most: each has a queue and a connection of its own.
pub const RECEIVERS_MAX: usize = 32;

/// PagerDuty's address for events.
const PAGERDUTY: &str = "\"https://events.pagerduty.com/v2/enqueue\"";

/// Jira Service Management's address for integration events.
const JSM: &str = "\"https://api.atlassian.com/jsm/ops/integration/v2/alerts\"";

/// Readers of one letter at most: more are a list of the mail server's.
pub(super) const READERS_MAX: usize = 50;

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
    /// Any program, by Standard Webhooks.
    Webhook {
        /// Where messages are posted.
        url: String,
        /// One `whsec_` secret, or two while one is replaced.
        secret: Secret,
    },
    /// Slack, by an incoming webhook.
    Slack {
        /// The webhook's address.
        url: Secret,
    },
    /// Operations of Jira Service Management.
    Jsm {
        /// Where integration events are posted.
        url: String,
        /// The integration's API key.
        api_key: Secret,
    },
    /// E-mail.
    Email(Box<EmailConfig>),
    /// The terminal, or the log of a service.
    Stdout {
        /// How a change is written.
        format: StdoutFormat,
    },
}

/// A mail server, and who writes to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailConfig {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// A file of certificates (PEM) that are trusted too.
    pub ca_file: Option<PathBuf>,
    /// Who signs in, and with what.
    pub login: Option<(String, Secret)>,
    /// Who writes.
    pub from: String,
    /// Who reads; at least one.
    pub to: Vec<String>,
}

/// A dead man's switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// The address that is posted to.
    pub url: Secret,
    /// Milliseconds between two.
    pub every_ms: i64,
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
    Webhook,
    Slack,
    Jsm,
    Email,
    Stdout,
}

const TYPES: &[(Type, &str)] = &[
    (Type::Pagerduty, "pagerduty"),
    (Type::Alertmanager, "alertmanager"),
    (Type::Webhook, "webhook"),
    (Type::Slack, "slack"),
    (Type::Jsm, "jsm"),
    (Type::Email, "email"),
    (Type::Stdout, "stdout"),
];
const TYPE_NAMES: &str = "pagerduty, alertmanager, webhook, slack, jsm, email, stdout";
const ENCRYPTIONS: &[(Encryption, &str)] =
    &[(Encryption::StartTls, "starttls"), (Encryption::Implicit, "implicit")];
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
    let kind = table.required("type", TYPE_NAMES, one_of(TYPES));
    let Some(kind) = kind else {
        table.forgive();
        return None;
    };
    let wakes = matches!(kind, Type::Pagerduty | Type::Jsm);
    let default = if wakes { r#"["page"]"# } else { r#"["page", "ticket"]"# };
    let severity = table.or("severity", default, some("severities", one_of(SEVERITIES)));
    if wakes && severity.as_ref().is_some_and(|it| it.contains(&Severity::Ticket)) {
        let name = if kind == Type::Jsm { "Jira" } else { "PagerDuty" };
        let what = format!("sends tickets to {name}, which wakes somebody for each");
        table.fault("severity", &what, "[\"page\"]; tickets go to Alertmanager");
    }
    let kind = match kind {
        Type::Pagerduty => pagerduty(&mut table, reach),
        Type::Alertmanager => alertmanager(&mut table, reach),
        Type::Webhook => webhook(&mut table, reach),
        Type::Slack => slack(&mut table, reach),
        Type::Jsm => jsm(&mut table, reach),
        Type::Email => email(&mut table),
        Type::Stdout => table
            .or("format", "\"human\"", one_of(FORMATS))
            .map(|format| ReceiverKind::Stdout { format }),
    };
    Some(ReceiverConfig { name: name?, kind: kind?, severity: severity? })
}

fn pagerduty(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let url = table.or("url", PAGERDUTY, reachable(reach, Trust::ThisMachine));
    let allowed = "the path of a file with the service's integration key";
    let routing_key = secret(table, ("routing_key", "routing_key_file"), allowed, files::secret);
    Some(ReceiverKind::Pagerduty { url: url?, routing_key: routing_key? })
}

/// A secret under `file_key`, where the key that people try instead is refused.
fn secret(
    table: &mut Table<'_>,
    (key, file_key): (&'static str, &'static str),
    allowed: &str,
    read: impl Fn(&Node<'_>) -> Option<Secret>,
) -> Option<Secret> {
    table.only_by_file(key, file_key);
    if table.has(key) && !table.has(file_key) {
        return table.optional(file_key, read);
    }
    table.required(file_key, allowed, read)
}

/// A secret with something to be said about its form: `judge` says what is wrong, if it is read.
fn formed(judge: impl Fn(&str) -> Result<(), String>) -> impl Fn(&Node<'_>) -> Option<Secret> {
    move |node| {
        let secret = files::secret(node)?;
        if node.document.files == Files::Leave {
            return Some(secret);
        }
        match judge(secret.reveal()) {
            Ok(()) => Some(secret),
            Err(words) => node.note(format!("names a file that {words}"), None, None),
        }
    }
}

fn webhook(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let url = table.required("url", "the address of the webhook", reachable(reach, Trust::Public));
    let read = formed(|it| SigningKeys::parse(it).map(drop).map_err(|error| error.to_string()));
    let allowed = "the path of a file with the whsec_ secret";
    let secret = secret(table, ("secret", "secret_file"), allowed, read);
    Some(ReceiverKind::Webhook { url: url?, secret: secret? })
}

fn slack(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let allowed = "the path of a file with the address of the incoming webhook";
    let url = secret(table, ("url", "url_file"), allowed, secret_address(reach));
    Some(ReceiverKind::Slack { url: url? })
}

/// A file with an address that is a secret as a whole.
fn secret_address(reach: Option<&Reach>) -> impl Fn(&Node<'_>) -> Option<Secret> + '_ {
    formed(move |it| {
        let url = reqwest::Url::parse(it).ok().filter(reqwest::Url::has_host);
        let url = url.ok_or_else(|| "holds no address of a webhook".to_owned())?;
        let judged = reach.map_or(Ok(()), |reach| reach.check(&url, Trust::Public));
        judged.map_err(|error| format!("holds an address that {error}"))
    })
}

/// `[heartbeat]`: who misses us; nobody where the table is not there.
pub(super) fn heartbeat(
    root: &mut Table<'_>,
    reach: Option<&Reach>,
) -> Option<Option<HeartbeatConfig>> {
    let mut table = root.table("heartbeat");
    let every = table.or("every", "\"1m\"", duration(MINUTE_MS / 6..=HOUR_MS));
    if !table.is_given() {
        return Some(None);
    }
    let allowed = "the path of a file with the address that is to be asked for";
    let url = secret(&mut table, ("url", "url_file"), allowed, secret_address(reach));
    Some(Some(HeartbeatConfig { url: url?, every_ms: every? }))
}

fn jsm(table: &mut Table<'_>, reach: Option<&Reach>) -> Option<ReceiverKind> {
    let url = table.or("url", JSM, reachable(reach, Trust::Public));
    let read = formed(|it| match it.bytes().all(|it| it.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("holds more than a key".to_owned()),
    });
    let allowed = "the path of a file with the API key of the integration";
    let api_key = secret(table, ("api_key", "api_key_file"), allowed, read);
    Some(ReceiverKind::Jsm { url: url?, api_key: api_key? })
}

fn email(table: &mut Table<'_>) -> Option<ReceiverKind> {
    let host = table.required("host", "the mail server's name", host);
    let encryption = table.or("tls", "\"starttls\"", one_of(ENCRYPTIONS));
    let port = table.optional("port", whole(1..=65_535));
    let ca_file = table.optional("ca_file", readable);
    let from = table.required("from", "the address that writes", address);
    let to = table.required("to", "a list of addresses", some("addresses", address));
    if to.as_ref().is_some_and(|it| it.len() > READERS_MAX) {
        let allowed = format!("at most {READERS_MAX} addresses; more are a list of the server's");
        table.fault("to", "has too many", &allowed);
    }
    let username = table.optional("username", text);
    table.only_by_file("password", "password_file");
    let password = table.optional("password_file", files::secret);
    if table.has("username") != table.has("password_file") && !table.has("password") {
        table.fault("username", "needs a password", "username and password_file, or neither");
    }
    let encryption = encryption?;
    let usual = if encryption == Encryption::Implicit { 465 } else { 587 };
    Some(ReceiverKind::Email(Box::new(EmailConfig {
        host: host?,
        port: port.and_then(|it| u16::try_from(it).ok()).unwrap_or(usual),
        encryption,
        ca_file,
        login: username.zip(password),
        from: from?,
        to: to?,
    })))
}

fn address(node: &Node<'_>) -> Option<String> {
    node.shape(some_text)?;
    let text = node.value.as_str().filter(|it| Address::parse(it).is_some());
    let text = text.map(str::to_owned);
    text.or_else(|| {
        node.refuse("a mail address, with or without a name: \"Ops <ops@example.org>\"")
    })
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
