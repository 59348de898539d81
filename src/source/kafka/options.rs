//! What librdkafka is configured with, and why.

use super::context::{Consumer, Context};
use super::{Error, Start, TokenSource};
use crate::source::Place;
use crate::time::Moment;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use std::path::PathBuf;

/// Whom to speak to, as whom, and from where on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Brokers to begin with, `host:port`.
    pub brokers: Vec<String>,
    /// Topics, and behind `^` regular expressions of them, as librdkafka reads these.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// This instance's name in the group; `None` for the embedded broker, which knows none.
    pub instance_id: Option<String>,
    /// Where to begin without a commit.
    pub start: Start,
    /// TLS and SASL.
    pub security: Security,
    /// How long the group waits for us, in milliseconds. Long costs nothing with an instance id.
    pub session_timeout_ms: u32,
    /// Where a state that was kept goes on.
    pub resume: Resume,
}

/// How far a state that was kept has judged the log, and how it calls partitions.
///
/// Commits run ahead of what is kept: they say how far records are judged and their alerts safe, so
/// that another process goes on from there. The state itself goes on where it stands, which is
/// before that. It may, as long as nobody else has judged a partition meanwhile: each commit names
/// the state that was behind it.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// The state's name in commits; empty for none.
    pub name: String,
    /// The partitions by their index, with how far the state has judged them.
    pub places: Vec<(Place, Option<Stood>)>,
}

/// How far a state has judged a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// The lowest offset that it has not judged.
    pub next: i64,
    /// The latest record time below that, where it is known.
    pub time: Option<Moment>,
}

impl Resume {
    /// Where the state goes on in a partition.
    pub(super) fn stood(&self, (topic, number): (&str, i32)) -> Option<Stood> {
        let is = |it: &&(Place, Option<Stood>)| &*it.0.topic == topic && it.0.number == number;
        self.places.iter().find(is)?.1
    }

    /// Whether a commit with these words was made by the state.
    pub(super) fn made(&self, metadata: &str) -> bool {
        !self.name.is_empty()
            && metadata
                .strip_prefix(&self.name)
                .is_some_and(|it| it.is_empty() || it.starts_with(':'))
    }
}

/// TLS and SASL.
#[derive(Clone, Default)]
pub struct Security {
    /// librdkafka's `security.protocol`.
    pub protocol: String,
    /// Who vouches for brokers.
    pub ca_file: Option<PathBuf>,
    /// Our certificate.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER.
    pub mechanism: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// Where tokens come from, in the place of user and password.
    pub token: Option<TokenSource>,
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security")
            .field("protocol", &self.protocol)
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Measured on a real broker (ARCHITECTURE.md): the fetch back-off's default of a second is five
/// to eight times slower; the queues at their defaults overshoot to 236 MB; checking CRCs costs
/// nothing that can be seen.
const FIXED: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.wait.max.ms", "100"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.message.max.bytes", "262144"),
    ("fetch.max.bytes", "8388608"),
    ("check.crcs", "true"),
    ("reconnect.backoff.max.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "30000"),
    ("allow.auto.create.topics", "false"),
];
/// How often statistics tell the lag.
const STATISTICS_MS: &str = "1000";
/// The same where several topics are read: the ends of their partitions are known by them alone
/// (`owned.rs`), and a page waits for the end.
const STATISTICS_OF_SEVERAL_MS: &str = "250";

impl Options {
    /// What every consumer is made with.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in FIXED {
            config.set(*key, *value);
        }
        config.set("bootstrap.servers", self.brokers.join(","));
        config.set("group.id", &self.group);
        self.security.set(&mut config);
        // Without this librdkafka's warnings vanish where only `tracing` is set up.
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    /// The consumer, subscribed.
    pub(super) fn consumer(&self, context: Context) -> Result<Consumer, Error> {
        let mut config = self.client();
        config.set("session.timeout.ms", self.session_timeout_ms.to_string());
        let several = self.topics.len() > 1 || self.topics.iter().any(|it| is_pattern(it));
        let statistics = if several { STATISTICS_OF_SEVERAL_MS } else { STATISTICS_MS };
        config.set("statistics.interval.ms", statistics);
        if let Some(instance) = &self.instance_id {
            config.set("group.instance.id", instance);
        }
        let refused = |error: rdkafka::error::KafkaError| Error::Configuration(error.to_string());
        let consumer: Consumer = config.create_with_context(context).map_err(refused)?;
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        rdkafka::consumer::Consumer::subscribe(&consumer, &topics).map_err(refused)?;
        Ok(consumer)
    }
}

/// Whether what is configured as a topic is a regular expression of topics.
#[must_use]
pub fn is_pattern(topic: &str) -> bool {
    topic.starts_with('^')
}

impl Security {
    /// Sets what a producer or consumer needs to speak to the brokers.
    pub(crate) fn set(&self, config: &mut ClientConfig) {
        if !self.protocol.is_empty() {
            config.set("security.protocol", &self.protocol);
        }
        let path = |it: &Option<PathBuf>| it.as_ref().map(|it| it.display().to_string());
        let pairs = [
            ("ssl.ca.location", path(&self.ca_file)),
            ("ssl.certificate.location", path(&self.cert_file)),
            ("ssl.key.location", path(&self.key_file)),
            ("sasl.mechanism", self.mechanism.clone()),
            ("sasl.username", self.username.clone()),
            ("sasl.password", self.password.clone()),
        ];
        for (key, value) in pairs {
            if let Some(value) = value {
                config.set(key, value);
            }
        }
    }
}
