//! Who is told, as configured: receivers, their addresses and their secrets.
//!
//! An address is checked when the configuration is read and not when the first page has to leave,
//! and neither it nor a key can be printed whole: logs and dumps are read by more people than may
//! send pages.

use super::channel::Channel;
use super::mail::MailRoute;
use super::webhook::SigningKeys;
use crate::alert::Severity;
use std::fmt;

/// PagerDuty's path under a bare host.
const PAGERDUTY_PATH: &str = "/v2/enqueue";
/// Alertmanager's path under its base address.
const ALERTMANAGER_PATH: &str = "/api/v2/alerts";
/// The path of Jira Service Management's integration events under a bare host.
const JSM_PATH: &str = "/jsm/ops/integration/v2/alerts";

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text less the white space around it, as files end in a line feed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no address at all.
    #[error("is no web address such as \"https://host/path\"")]
    Malformed,
    /// It has another scheme.
    #[error("must begin with http:// or https://")]
    Scheme,
}

/// Where a receiver takes notifications. Shown without user, password and query, and without the
/// path where that is a secret too.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: reqwest::Url,
    path_is_secret: bool,
}

impl Endpoint {
    /// An address of which a bare host gets a path.
    fn at(text: &str, path: &str) -> Result<Self, EndpointError> {
        let mut url = parse(text)?;
        if url.path() == "/" {
            url.set_path(path);
        }
        Ok(Self { url, path_is_secret: false })
    }

    /// PagerDuty's address: a bare host gets the path of Events v2.
    ///
    /// # Errors
    /// Where `text` is no `http` or `https` address.
    pub fn pagerduty(text: &str) -> Result<Self, EndpointError> {
        Self::at(text, PAGERDUTY_PATH)
    }

    /// One Alertmanager's base address, which may have a path of its own.
    ///
    /// # Errors
    /// Where `text` is no `http` or `https` address.
    pub fn alertmanager(text: &str) -> Result<Self, EndpointError> {
        let mut url = parse(text)?;
        let path = url.path().trim_end_matches('/');
        if !path.ends_with(ALERTMANAGER_PATH) {
            let path = format!("{path}{ALERTMANAGER_PATH}");
            url.set_path(&path);
        }
        Ok(Self { url, path_is_secret: false })
    }

    /// The address of Jira Service Management: a bare host gets the path of integration events.
    ///
    /// # Errors
    /// Where `text` is no `http` or `https` address.
    pub fn jsm(text: &str) -> Result<Self, EndpointError> {
        Self::at(text, JSM_PATH)
    }

    /// The address of a webhook, taken as it is: whoever has it may post there.
    ///
    /// # Errors
    /// Where `text` is no `http` or `https` address.
    pub fn webhook(text: &str) -> Result<Self, EndpointError> {
        Ok(Self { url: parse(text)?, path_is_secret: true })
    }

    /// The address with everything in it, for the one place that connects.
    pub(super) const fn url(&self) -> &reqwest::Url {
        &self.url
    }
}

fn parse(text: &str) -> Result<reqwest::Url, EndpointError> {
    let url = reqwest::Url::parse(text).map_err(|_malformed| EndpointError::Malformed)?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        _ => Err(EndpointError::Scheme),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        if let Some(port) = self.url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(if self.path_is_secret { "/…" } else { self.url.path() })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// How the standard output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines for a person.
    Human,
    /// One JSON object a change.
    Ndjson,
}

/// What a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// PagerDuty Events v2: pages only.
    Pagerduty {
        /// Where events go.
        url: Endpoint,
        /// The integration's key.
        routing_key: Secret,
    },
    /// Every replica of one Alertmanager: each is told, because they gossip what was notified and
    /// not what was posted.
    Alertmanager {
        /// One address a replica.
        urls: Vec<Endpoint>,
    },
    /// Any program, by Standard Webhooks.
    Webhook {
        /// Where messages are posted.
        url: Endpoint,
        /// What they are signed with.
        keys: SigningKeys,
    },
    /// Slack, by an incoming webhook.
    Slack {
        /// The webhook's address, which is its secret.
        url: Endpoint,
    },
    /// Operations of Jira Service Management: pages only.
    Jsm {
        /// Where integration events are posted.
        url: Endpoint,
        /// The integration's API key.
        key: Secret,
    },
    /// E-mail.
    Mail(Box<MailRoute>),
    /// The terminal.
    Stdout {
        /// How it is written.
        format: Format,
    },
}

/// A configured receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSpec {
    /// Its name: a metric label, and in the outbox what a notification is addressed to.
    pub name: String,
    /// What it is told of; empty for everything. PagerDuty and Jira get pages whatever stands here.
    pub severity: Vec<Severity>,
    /// What it is.
    pub kind: ReceiverKind,
}

/// One place that takes notifications: a receiver, or one replica of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The receiver's name; replicas of several are numbered from 1 (`am/2`).
    pub(super) name: String,
    /// What it is told of.
    pub(super) severity: Vec<Severity>,
    /// How it is reached.
    pub(super) channel: Channel,
}

impl Target {
    /// The targets of the receivers, in their order.
    pub(super) fn of(specs: &[ReceiverSpec]) -> Vec<Self> {
        specs.iter().flat_map(Self::of_one).collect()
    }

    fn of_one(spec: &ReceiverSpec) -> Vec<Self> {
        let target =
            |name: String, channel| Self { name, severity: spec.severity.clone(), channel };
        match &spec.kind {
            ReceiverKind::Alertmanager { urls } => {
                let name = |at: usize| match urls.len() {
                    1 => spec.name.clone(),
                    _ => format!("{}/{}", spec.name, at + 1),
                };
                let urls = urls.iter().enumerate();
                urls.map(|(at, url)| target(name(at), Channel::Alertmanager { url: url.clone() }))
                    .collect()
            }
            other => {
                let channel = Self::channel_of(other);
                channel.into_iter().map(|it| target(spec.name.clone(), it)).collect()
            }
        }
    }

    /// The channel of a receiver that is one target; `None` of one with replicas.
    fn channel_of(kind: &ReceiverKind) -> Option<Channel> {
        Some(match kind.clone() {
            ReceiverKind::Alertmanager { .. } => return None,
            ReceiverKind::Pagerduty { url, routing_key } => Channel::Pagerduty { url, routing_key },
            ReceiverKind::Webhook { url, keys } => Channel::Webhook { url, keys },
            ReceiverKind::Slack { url } => Channel::Slack { url },
            ReceiverKind::Jsm { url, key } => Channel::Jsm { url, key },
            ReceiverKind::Mail(route) => Channel::Mail(route),
            ReceiverKind::Stdout { format } => Channel::Stdout { format },
        })
    }

    /// Whether it is told of something this loud.
    pub(super) fn takes(&self, severity: Severity) -> bool {
        if self.channel.is_pages_only() {
            return severity == Severity::Page;
        }
        self.severity.is_empty() || self.severity.contains(&severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let url = "https://user:hunter2@events.example:8443/v2/enqueue?token=hunter2";
        let spec = ReceiverSpec {
            name: "pager".to_owned(),
            severity: Vec::new(),
            kind: ReceiverKind::Pagerduty {
                url: Endpoint::pagerduty(url).unwrap(),
                routing_key: Secret::new("hunter2\n"),
            },
        };
        let shown = format!("{spec:?} {:?}", Target::of(std::slice::from_ref(&spec)));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("https://events.example:8443/v2/enqueue"), "{shown}");
    }

    #[test]
    fn an_address_gets_its_path_and_must_be_of_the_web() {
        let alertmanager = |text| Endpoint::alertmanager(text).map(|it| it.url().to_string());
        assert_eq!(alertmanager("http://am:9093").unwrap(), "http://am:9093/api/v2/alerts");
        assert_eq!(alertmanager("http://am/x/").unwrap(), "http://am/x/api/v2/alerts");
        assert_eq!(alertmanager("http://am/api/v2/alerts").unwrap(), "http://am/api/v2/alerts");
        let pagerduty = |text| Endpoint::pagerduty(text).map(|it| it.url().to_string());
        assert_eq!(
            pagerduty("https://events.example").unwrap(),
            "https://events.example/v2/enqueue"
        );
        assert_eq!(pagerduty("https://e.example/x").unwrap(), "https://e.example/x");
        assert_eq!(pagerduty("file:///etc/passwd"), Err(EndpointError::Scheme));
        assert_eq!(pagerduty("events.example"), Err(EndpointError::Malformed));
        assert_eq!(alertmanager("unix:/run/x"), Err(EndpointError::Scheme));
    }

    #[test]
    fn every_replica_is_a_target_and_pagerduty_takes_only_pages() {
        let url = |text| Endpoint::alertmanager(text).unwrap();
        let spec = |urls| ReceiverSpec {
            name: "am".to_owned(),
            severity: vec![Severity::Ticket],
            kind: ReceiverKind::Alertmanager { urls },
        };
        let targets = Target::of(&[
            spec(vec![url("http://a"), url("http://b")]),
            spec(vec![url("http://c")]),
        ]);
        let names: Vec<&str> = targets.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["am/1", "am/2", "am"]);
        assert!(targets[0].takes(Severity::Ticket) && !targets[0].takes(Severity::Page));
        let pager = Target {
            name: "pager".to_owned(),
            severity: vec![Severity::Ticket, Severity::Page],
            channel: Channel::Pagerduty {
                url: Endpoint::pagerduty("http://p").unwrap(),
                routing_key: Secret::new("k"),
            },
        };
        assert!(pager.takes(Severity::Page) && !pager.takes(Severity::Ticket));
    }
}
