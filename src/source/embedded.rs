//! The embedded broker of `darban demo`: librdkafka's mock cluster, and a producer for it.
//!
//! It speaks Kafka's protocol inside the process, keeps 5 MiB a partition and fences nobody: good
//! for showing and for faults, not for volume. Its first assignment takes three seconds. The
//! producer writes to a real cluster just as well, into a topic that is made for it.

use crate::time::Moment;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use std::time::Duration;

/// How long a record may wait to be taken: without it a send blocks for minutes when a broker is
/// gone.
const MESSAGE_TIMEOUT_MS: &str = "10000";
/// How long a cluster may take to make or delete a topic.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(10);
/// As many replicas as the brokers make by default.
const BROKERS_DEFAULT: TopicReplication<'static> = TopicReplication::Fixed(-1);

/// A broker inside this process.
pub struct Embedded(MockCluster<'static, DefaultProducerContext>);

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Embedded").field(&self.brokers()).finish()
    }
}

impl Embedded {
    /// Starts it with one topic.
    ///
    /// # Errors
    /// What librdkafka says.
    pub fn start(topic: &str, partitions: i32) -> Result<Self, String> {
        let cluster = MockCluster::new(1).map_err(|error| error.to_string())?;
        cluster.create_topic(topic, partitions, 1).map_err(|error| error.to_string())?;
        Ok(Self(cluster))
    }

    /// Where it listens.
    #[must_use]
    pub fn brokers(&self) -> String {
        self.0.bootstrap_servers()
    }
}

/// A topic on somebody's own cluster, for as long as the demo lasts.
pub struct OwnTopic {
    name: String,
    /// Deletes it; `None` where it was there before.
    admin: Option<AdminClient<DefaultClientContext>>,
}

impl std::fmt::Debug for OwnTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnTopic").field("name", &self.name).finish_non_exhaustive()
    }
}

impl OwnTopic {
    /// One that is there already, and stays.
    #[must_use]
    pub fn existing(name: &str) -> Self {
        Self { name: name.to_owned(), admin: None }
    }

    /// Makes one; it is deleted when this is dropped. Its records are old, by their stamps, so it
    /// keeps them whatever the broker's default is.
    ///
    /// # Errors
    /// What librdkafka or the broker says.
    pub fn create(brokers: &str, name: &str, partitions: i32) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| {
            format!("cannot make the topic {name} on {brokers}: {why}")
        };
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set_log_level(RDKafkaLogLevel::Critical);
        let admin: AdminClient<_> = config.create().map_err(|error: KafkaError| failed(&error))?;
        let topic = NewTopic::new(name, partitions, BROKERS_DEFAULT)
            .set("retention.ms", "-1")
            .set("message.timestamp.type", "CreateTime");
        let options = AdminOptions::new().request_timeout(Some(ADMIN_TIMEOUT));
        let made = waited(admin.create_topics(&[topic], &options)).map_err(|it| failed(&it))?;
        match made.into_iter().next() {
            Some(Err((_, code))) => Err(failed(&code)),
            _ => Ok(Self { name: name.to_owned(), admin: Some(admin) }),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was made for this.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.admin.is_some()
    }
}

impl Drop for OwnTopic {
    fn drop(&mut self) {
        let Some(admin) = &self.admin else { return };
        let options = AdminOptions::new().request_timeout(Some(ADMIN_TIMEOUT));
        if let Err(why) = waited(admin.delete_topics(&[&self.name], &options)) {
            tracing::warn!("the topic {} stays: {why}", self.name);
        }
    }
}

/// Waits for an answer of the brokers, on a runtime of its own.
fn waited<T>(answer: impl Future<Output = Result<T, KafkaError>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(answer).map_err(|error| error.to_string())
}

/// Writes log lines to a topic.
pub struct Producer {
    inner: BaseProducer,
    topic: String,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Producer {
    /// A producer for a topic of these brokers.
    ///
    /// # Errors
    /// What librdkafka says.
    pub fn new(brokers: &str, topic: &str) -> Result<Self, String> {
        let inner = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS)
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .create()
            .map_err(|error: KafkaError| error.to_string())?;
        Ok(Self { inner, topic: topic.to_owned() })
    }

    /// Writes a line stamped `at`; its key decides the partition. Waits while the queue is full.
    ///
    /// # Errors
    /// What librdkafka says.
    pub fn write(&self, key: &[u8], at: Moment, line: &[u8]) -> Result<(), String> {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(line).timestamp(at.0);
        loop {
            let Err((error, back)) = self.inner.send(record) else { break };
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.to_string());
            }
            self.inner.poll(Duration::from_millis(20));
            record = back;
        }
        self.inner.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until everything is taken, for ten seconds at most.
    pub fn flush(&self) {
        if let Err(error) = self.inner.flush(Duration::from_secs(10)) {
            tracing::debug!("not everything was written: {error}");
        }
    }
}
