//! The embedded broker of `darban demo`: librdkafka's mock cluster, and a producer for it.
//!
//! It speaks Kafka's protocol inside the process, keeps 5 MiB a partition and fences nobody: good
//! for showing and for faults, not for volume. Its first assignment takes three seconds. The
//! producer writes to a real cluster just as well.

use crate::time::Moment;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use std::time::Duration;

/// How long a record may wait to be taken: without it a send blocks for minutes when a broker is
/// gone.
const MESSAGE_TIMEOUT_MS: &str = "10000";

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
