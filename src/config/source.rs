//! `[source]`: where records come from when darban runs.

use super::document::Node;
use super::files::{self, Secret};
use super::problem::nearest;
use super::shapes::{milliseconds, name, readable, some, some_text, text, with};
use super::table::Table;
use crate::source::kafka::is_token_address;
use reqwest::Url;
use serde_json::json;
use std::path::PathBuf;

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Brokers to begin with, `host:port`; at least one.
    pub brokers: Vec<String>,
    /// Topics; at least one. What begins with `^` is a regular expression.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// This instance's name in the group, where the configuration gives one.
    pub instance_id: Option<String>,
    /// Where to begin in a partition with neither a snapshot nor a commit.
    pub start: Start,
    /// How the brokers are spoken to.
    pub security: Security,
}

impl SourceConfig {
    /// This instance's name in the group: the configured one, or host name and group, so that two
    /// daemons of one group on two machines never fence each other by accident.
    #[must_use]
    pub fn instance_id_on(&self, host: Option<&str>) -> String {
        let host = host.filter(|it| !it.is_empty()).unwrap_or("darban");
        self.instance_id.clone().unwrap_or_else(|| format!("{host}-{}", self.group))
    }
}

/// Where to begin in a partition with neither a snapshot nor a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes next.
    Latest,
    /// With the oldest record there is.
    Earliest,
    /// This many milliseconds back.
    Back(i64),
}

/// How the brokers are spoken to; what a protocol does not use is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// The protocol.
    pub protocol: Protocol,
    /// The authorities that brokers' certificates are checked against; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, for brokers that ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// How the password is proven; given with the two SASL protocols.
    pub mechanism: Option<Mechanism>,
    /// The user name; given with the two SASL protocols.
    pub username: Option<String>,
    /// The password; given with the two SASL protocols.
    pub password: Option<Secret>,
    /// Where tokens come from; given with OAUTHBEARER. User and password are the client's id and
    /// secret then.
    pub token_url: Option<String>,
    /// What a token shall be good for, where the endpoint wants to hear it.
    pub scope: Option<String>,
}

/// A protocol to speak to brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Nothing is hidden and nobody proves who they are.
    Plaintext,
    /// TLS, with a certificate of ours where one is given.
    Tls,
    /// TLS, and a user name and password.
    SaslTls,
    /// A user name and password without TLS.
    SaslPlaintext,
}

impl Protocol {
    /// Every protocol with its name in the configuration.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Plaintext, "plaintext"),
        (Self::Tls, "tls"),
        (Self::SaslTls, "sasl_tls"),
        (Self::SaslPlaintext, "sasl_plaintext"),
    ];

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::SaslTls)
    }

    /// Whether a user name and password are sent.
    #[must_use]
    pub const fn has_sasl(self) -> bool {
        matches!(self, Self::SaslTls | Self::SaslPlaintext)
    }
}

/// How a password is proven to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The password itself is sent.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
    /// A token that OAuth's client credentials are exchanged for.
    OauthBearer,
}

impl Mechanism {
    /// Every mechanism with its name in the configuration, which is Kafka's.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Plain, "PLAIN"),
        (Self::ScramSha256, "SCRAM-SHA-256"),
        (Self::ScramSha512, "SCRAM-SHA-512"),
        (Self::OauthBearer, "OAUTHBEARER"),
    ];

    /// Kafka's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

pub(super) fn read(mut table: Table<'_>) -> Option<SourceConfig> {
    let brokers = table.or("brokers", "[\"127.0.0.1:9092\"]", some("brokers", broker));
    let topics = table.or("topics", "[\"gateway-access\"]", some("topics", topic));
    let group = table.or("group", "\"darban\"", text);
    let instance_id = table.optional("instance_id", name);
    let start = table.or("start", "\"latest\"", start);
    let security = security(table.table("security"));
    Some(SourceConfig {
        brokers: brokers?,
        topics: topics?,
        group: group?,
        instance_id,
        start: start?,
        security: security?,
    })
}

fn security(mut table: Table<'_>) -> Option<Security> {
    let protocol = table.or("protocol", "\"plaintext\"", super::shapes::one_of(Protocol::ALL));
    let ca_file = table.optional("ca_file", readable);
    let cert_file = table.optional("cert_file", readable);
    let key_file = table.optional("key_file", readable);
    let mechanism = table.or("mechanism", "\"SCRAM-SHA-512\"", mechanism);
    let username = table.optional("username", text);
    let password = table.optional("password_file", files::secret);
    table.only_by_file("password", "password_file");
    let token_url = table.optional("token_url", token_url);
    let scope = table.optional("scope", text);
    let protocol = protocol?;
    fits(&table, protocol);
    if let Some(mechanism) = mechanism {
        fits_token(&table, protocol.has_sasl() && mechanism == Mechanism::OauthBearer);
    }
    Some(Security {
        protocol,
        ca_file,
        cert_file,
        key_file,
        mechanism: mechanism.filter(|_| protocol.has_sasl()),
        username,
        password,
        token_url,
        scope,
    })
}

/// Notes what a token is asked for with where there is none, and where one is and it is missing.
fn fits_token(table: &Table<'_>, has_token: bool) {
    if has_token {
        if !table.has("token_url") {
            table.fault("token_url", "is missing", "the address of the token endpoint");
        }
        return;
    }
    for key in ["token_url", "scope"].into_iter().filter(|key| table.has(key)) {
        table.fault(key, "is given without a token", "with mechanism OAUTHBEARER only");
    }
}

/// Where a secret may be sent.
fn token_url(node: &Node<'_>) -> Option<String> {
    node.shape(some_text)?;
    let url = node.value.as_str().and_then(|it| Url::parse(it).ok()).filter(is_token_address);
    match url {
        Some(url) => Some(url.to_string()),
        None => node.refuse("an https address without a login in it, or http to this machine"),
    }
}

/// Notes what the protocol has no use for, and what it cannot do without.
fn fits(table: &Table<'_>, protocol: Protocol) {
    let given = |keys: &[&'static str]| -> Vec<&'static str> {
        keys.iter().copied().filter(|key| table.has(key)).collect()
    };
    if !protocol.has_tls() {
        for key in given(&["ca_file", "cert_file", "key_file"]) {
            table.fault(key, "is given without TLS", "with protocol tls or sasl_tls only");
        }
    }
    for (key, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if table.has(other) && !table.has(key) {
            table.fault(key, "is missing", &format!("both or neither of it and {other}"));
        }
    }
    if !protocol.has_sasl() {
        for key in given(&["mechanism", "username", "password_file"]) {
            let allowed = "with protocol sasl_tls or sasl_plaintext only";
            table.fault(key, "is given without SASL", allowed);
        }
        return;
    }
    for (key, allowed) in
        [("username", "a user name"), ("password_file", "the path of a file with the password")]
    {
        if !(table.has(key) || key == "password_file" && table.has("password")) {
            table.fault(key, "is missing", allowed);
        }
    }
}

fn broker(node: &Node<'_>) -> Option<String> {
    node.shape(some_text)?;
    let fits = |it: &&str| {
        it.rsplit_once(':').is_some_and(|(host, port)| {
            let host_fits = !host.is_empty() && !host.contains(['/', ' ', ',']);
            host_fits && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    match node.value.as_str().filter(fits) {
        Some(broker) => Some(broker.to_owned()),
        None => node.refuse("host and port, such as \"kafka-1.example:9092\""),
    }
}

/// Bytes of a topic's name at most, which is Kafka's limit.
const TOPIC_BYTES_MAX: usize = 249;

/// A topic's name, or, as Kafka's clients have it, an extended regular expression behind `^`. Whether
/// that is one is for librdkafka to say, whose own it is.
fn topic(node: &Node<'_>) -> Option<String> {
    node.shape(|| with(some_text(), "maxLength", json!(TOPIC_BYTES_MAX)))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = |it: &&str| {
        (1..=TOPIC_BYTES_MAX).contains(&it.len())
            && match it.strip_prefix('^') {
                Some(pattern) => {
                    !pattern.is_empty() && pattern.bytes().all(|it| it.is_ascii_graphic())
                }
                None => it.bytes().all(plain),
            }
    };
    match node.value.as_str().filter(fits) {
        Some(topic) => Some(topic.to_owned()),
        None => node.refuse(
            "a topic's name: 1 to 249 letters, digits, `.`, `_` and `-`; or a regular expression \
             behind `^`",
        ),
    }
}

fn start(node: &Node<'_>) -> Option<Start> {
    let pattern = "^(latest|earliest|-[0-9]+(ms|s|m|h|d|w))$";
    node.shape(|| json!({ "type": "string", "pattern": pattern }))?;
    let text = node.value.as_str().unwrap_or_default();
    let back = text.strip_prefix('-').and_then(milliseconds).filter(|it| *it > 0);
    match (text, back) {
        ("latest", _) => Some(Start::Latest),
        ("earliest", _) => Some(Start::Earliest),
        (_, Some(ms)) => Some(Start::Back(ms)),
        _ => {
            let allowed = "latest, earliest, or a time back such as \"-7d\"";
            let ahead = milliseconds(text).map(|_| format!("\"-{text}\""));
            let named = || nearest(text, ["latest", "earliest"]).map(|it| format!("\"{it}\""));
            let near = ahead.or_else(named);
            match near {
                Some(_) => node.note(format!("is \"{text}\""), Some(allowed), near),
                None => node.refuse(allowed),
            }
        }
    }
}

fn mechanism(node: &Node<'_>) -> Option<Mechanism> {
    let names: Vec<&str> = Mechanism::ALL.iter().map(|(_, name)| *name).collect();
    node.shape(|| json!({ "enum": names }))?;
    let found = node.value.as_str().unwrap_or_default().replace('_', "-");
    let fitting = Mechanism::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(&found));
    fitting.map(|(mechanism, _)| *mechanism).or_else(|| node.refuse_name(&names))
}
