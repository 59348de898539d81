//! How one target is reached: what it is told of, in which shape, how often, and what its answers
//! mean. One place for all kinds, so that a new one is a variant here and a file of its own; the
//! desk, the queue and the courier ask and hold no knowledge of kinds.

use super::http::Request;
use super::notification::{Action, Notification};
use super::reach::Trust;
use super::receiver::{Endpoint, Format, Secret};
use super::{alertmanager, pagerduty, stdout};
use crate::alert::text::Wording;
use crate::alert::{Alert, Severity};
use crate::time::Moment;
use serde_json::Value;

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Pagerduty { url: Endpoint, routing_key: Secret },
    Alertmanager { url: Endpoint },
    Stdout { format: Format },
}

impl Channel {
    /// What is trusted with its address; `None` where nothing goes over HTTP.
    pub(super) const fn trust(&self) -> Option<Trust> {
        match self {
            Self::Pagerduty { .. } => Some(Trust::ThisMachine),
            Self::Alertmanager { .. } => Some(Trust::OwnNetwork),
            Self::Stdout { .. } => None,
        }
    }

    /// Whether it gets somebody up, and so is told of pages alone.
    pub(super) const fn is_pages_only(&self) -> bool {
        matches!(self, Self::Pagerduty { .. })
    }

    /// Whether every change is wanted, one after the other and without a budget.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Self::Stdout { .. })
    }

    /// Whether what is open there is posted again and again, from what was posted last.
    pub(super) const fn is_reposted(&self) -> bool {
        matches!(self, Self::Alertmanager { .. })
    }

    /// What a change says there.
    pub(super) fn body(
        &self,
        alert: &Alert,
        (action, severity): (Action, Severity),
        wording: &Wording,
        wall: Moment,
    ) -> Value {
        match self {
            Self::Pagerduty { .. } if action == Action::Resolve => pagerduty::resolve(&alert.id),
            Self::Pagerduty { .. } => pagerduty::trigger(alert, wording),
            Self::Stdout { format } => stdout::render(alert, *format, wording).into(),
            Self::Alertmanager { .. } => alertmanager::posted(alert, severity, wording, wall),
        }
    }

    /// What the digest says there; `None` where it would get somebody up for what must not.
    pub(super) fn digest(&self, id: &str, words: &str, wall: Moment) -> Option<Value> {
        match self {
            Self::Pagerduty { .. } => None,
            Self::Alertmanager { .. } => Some(alertmanager::digest(id, words, wall)),
            Self::Stdout { format } => Some(stdout::digest(words, *format).into()),
        }
    }

    /// The request for a notification, secrets and all; `None` where none goes over HTTP.
    pub(super) fn request(&self, notification: &Notification) -> Option<Request> {
        let body = &notification.body;
        match self {
            Self::Pagerduty { url, routing_key } => {
                Some(Request::plain(url.url(), pagerduty::body(body, routing_key)))
            }
            Self::Alertmanager { url } => {
                Some(Request::plain(url.url(), alertmanager::body(&[body])))
            }
            Self::Stdout { .. } => None,
        }
    }
}
