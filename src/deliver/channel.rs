//! How one target is reached: what it is told of, in which shape, how often, and what its answers
//! mean. One place for all kinds, so that a new one is a variant here and a file of its own; the
//! desk, the queue and the courier ask and hold no knowledge of kinds.

use super::http::Request;
use super::mail::MailRoute;
use super::notification::{Action, Notification};
use super::reach::Trust;
use super::receiver::{Endpoint, Format, Secret};
use super::webhook::SigningKeys;
use super::{alertmanager, jsm, mail, pagerduty, slack, stdout, webhook};
use crate::alert::text::Wording;
use crate::alert::{Alert, Severity};
use crate::time::Moment;
use serde_json::Value;

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Pagerduty { url: Endpoint, routing_key: Secret },
    Alertmanager { url: Endpoint },
    Webhook { url: Endpoint, keys: SigningKeys },
    Slack { url: Endpoint },
    Jsm { url: Endpoint, key: Secret },
    Mail(Box<MailRoute>),
    Stdout { format: Format },
}

impl Channel {
    /// What is trusted with its address; `None` where nothing goes over HTTP.
    pub(super) const fn trust(&self) -> Option<Trust> {
        match self {
            Self::Pagerduty { .. } => Some(Trust::ThisMachine),
            Self::Alertmanager { .. } => Some(Trust::OwnNetwork),
            Self::Webhook { .. } | Self::Slack { .. } | Self::Jsm { .. } => Some(Trust::Public),
            Self::Mail(_) | Self::Stdout { .. } => None,
        }
    }

    /// Whether it gets somebody up, and so is told of pages alone.
    pub(super) const fn is_pages_only(&self) -> bool {
        matches!(self, Self::Pagerduty { .. } | Self::Jsm { .. })
    }

    /// Whether every change is wanted, one after the other and without a budget.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Self::Stdout { .. })
    }

    /// Whether what is open there is posted again and again, from what was posted last.
    pub(super) const fn is_reposted(&self) -> bool {
        matches!(self, Self::Alertmanager { .. })
    }

    /// Whether an end is told whatever the budget says: a program believes what it was told last,
    /// and there are no more ends than beginnings, which the budget has let through.
    pub(super) const fn is_owed_ends(&self) -> bool {
        matches!(self, Self::Webhook { .. })
    }

    /// The least time between two notifications, in milliseconds.
    pub(super) const fn pace_ms(&self) -> i64 {
        match self {
            Self::Slack { .. } => slack::PACE_MS,
            _ => 0,
        }
    }

    /// Whether "410 Gone" means that nothing is wanted any more, as Standard Webhooks has it.
    pub(super) const fn may_be_gone(&self) -> bool {
        matches!(self, Self::Webhook { .. })
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
            Self::Webhook { .. } => webhook::event(alert, action, wording),
            Self::Slack { .. } => slack::message(alert, wording),
            Self::Jsm { .. } if action == Action::Trigger => jsm::create(alert, wording),
            Self::Jsm { .. } => jsm::note(alert),
            Self::Mail(_) => mail::letter(alert, wording),
        }
    }

    /// What the digest says there; `None` where it would get somebody up for what must not.
    pub(super) fn digest(&self, id: &str, words: &str, wall: Moment) -> Option<Value> {
        match self {
            Self::Pagerduty { .. } | Self::Jsm { .. } => None,
            Self::Webhook { .. } => Some(webhook::digest(id, words, wall)),
            Self::Slack { .. } => Some(slack::digest(words)),
            Self::Mail(_) => Some(mail::digest(words)),
            Self::Alertmanager { .. } => Some(alertmanager::digest(id, words, wall)),
            Self::Stdout { format } => Some(stdout::digest(words, *format).into()),
        }
    }

    /// The request for a notification, secrets and all; `None` where none goes over HTTP.
    pub(super) fn request(&self, notification: &Notification, wall: Moment) -> Option<Request> {
        let body = &notification.body;
        match self {
            Self::Pagerduty { url, routing_key } => {
                Some(Request::plain(url.url(), pagerduty::body(body, routing_key)))
            }
            Self::Alertmanager { url } => {
                Some(Request::plain(url.url(), alertmanager::body(&[body])))
            }
            Self::Webhook { url, keys } => Some(webhook::request(url, keys, notification, wall)),
            Self::Slack { url } => Some(Request::plain(url.url(), body.to_string().into_bytes())),
            Self::Jsm { url, key } => Some(jsm::request(url, key, notification)),
            Self::Mail(_) | Self::Stdout { .. } => None,
        }
    }
}
