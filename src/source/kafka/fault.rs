//! What is wrong with Kafka, in words.
//!
//! A refused login shows as a transport failure everywhere but in the error callback's text, so
//! that text is where the words come from.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The brokers refuse who we are.
    Authentication,
    /// The brokers' certificate, or ours, is not believed.
    Tls,
    /// A topic does not exist.
    MissingTopic,
    /// No broker answers.
    Unreachable,
    /// Another process took our place in the group.
    Fenced,
    /// Anything else that a person should read.
    Other,
}

/// Trouble with Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// A sentence for a person.
    pub words: String,
    /// Nothing will come of this consumer any more.
    pub fatal: bool,
}

impl Fault {
    /// The fault behind an error of the client as a whole.
    pub(super) fn of(error: &KafkaError, reason: &str) -> Self {
        let code = error.rdkafka_error_code();
        let kind = kind_of(code, reason);
        let fatal =
            matches!(code, Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::FencedInstanceId));
        let advice = match kind {
            // librdkafka's words where a token was not to be had.
            FaultKind::Authentication if reason.contains("Failed to acquire") => {
                "no token for the login: check token_url, username and password_file"
            }
            FaultKind::Authentication => {
                "the broker refuses the login: check mechanism, username and password_file"
            }
            FaultKind::Tls => {
                "the TLS connection is refused: check ca_file, cert_file and the broker's name"
            }
            FaultKind::MissingTopic => "a topic does not exist: check topics",
            FaultKind::Unreachable => "no broker can be reached: check brokers and the network",
            FaultKind::Fenced => {
                "another process joined under the same instance_id: this one stops"
            }
            FaultKind::Other => "kafka reports an error",
        };
        Self { kind, words: format!("{advice} ({reason})"), fatal }
    }

    /// A topic that the brokers do not know.
    pub(super) fn missing_topic(topic: &str) -> Self {
        let words =
            format!("topic {topic} does not exist on these brokers: check topics, or create it");
        Self { kind: FaultKind::MissingTopic, words, fatal: false }
    }
}

fn kind_of(code: Option<RDKafkaErrorCode>, reason: &str) -> FaultKind {
    let lower = reason.to_ascii_lowercase();
    // A broker's name tells its protocol ("sasl_ssl://host:9093/1: …"), which is not the trouble.
    let said = lower
        .split_once(": ")
        .filter(|(name, _)| name.contains("://"))
        .map_or(lower.as_str(), |(_, said)| said);
    let says = |words: &[&str]| words.iter().any(|it| said.contains(it));
    match code {
        Some(RDKafkaErrorCode::FencedInstanceId) => FaultKind::Fenced,
        _ if says(&["fenced"]) => FaultKind::Fenced,
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
            FaultKind::Authentication
        }
        _ if says(&["sasl", "authentication"]) => FaultKind::Authentication,
        Some(RDKafkaErrorCode::SSL) => FaultKind::Tls,
        _ if says(&["ssl", "certificate"]) => FaultKind::Tls,
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            FaultKind::MissingTopic
        }
        Some(
            RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::OperationTimedOut,
        ) => FaultKind::Unreachable,
        _ => FaultKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_tells_what_the_code_hides() {
        let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        let kind = |reason: &str| Fault::of(&error, reason).kind;
        assert_eq!(
            kind("SASL authentication error: Authentication failed"),
            FaultKind::Authentication
        );
        assert_eq!(kind("SSL handshake failed: certificate verify failed"), FaultKind::Tls);
        assert_eq!(kind("sasl_ssl://kafka:9093/bootstrap: SSL handshake failed"), FaultKind::Tls);
        assert_eq!(
            kind("sasl_ssl://kafka:9093/1: Connect to ipv4#10.0.0.1:9093 failed: refused"),
            FaultKind::Unreachable
        );
        assert_eq!(
            kind("Connect to ipv4#127.0.0.1:1 failed: Connection refused"),
            FaultKind::Unreachable
        );
    }
}
