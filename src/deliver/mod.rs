//! Alerts to the people who act on them: receivers, outbox, retries, budget.
//!
//! A change of an alert becomes one notification a target (`plan`, pure), stands in the outbox
//! before anybody may count on it (`outbox`), and waits in the queue of its target (`queue`,
//! pure) until a worker of its own has sent it (`driver`), so that a receiver that hangs delays
//! no other. What is decided is pure and takes time as an argument; the driver holds no judgement.
//!
//! Delivery is at least once, and the alert's id is the deduplication key everywhere: what is
//! sent again after a crash is recognised by the receiver, and what was told to its end is not
//! begun again.

pub mod alertmanager;
mod arrivals;
pub mod budget;
mod channel;
mod courier;
mod desk;
mod driver;
mod heartbeat;
mod http;
pub mod jsm;
mod ledger;
pub mod mail;
mod notification;
pub mod outbox;
pub mod pagerduty;
mod plan;
mod queue;
pub mod reach;
mod receiver;
pub mod retry;
mod sender;
mod silence_change;
mod silence_file;
#[cfg(test)]
mod simulation;
pub mod slack;
mod stats;
pub mod stdout;
pub mod trial;
pub mod webhook;

pub use driver::{Delivery, Options, StartError};
pub use heartbeat::{Heartbeat, HeartbeatSpec};
pub use http::{Names, SystemNames};
pub use mail::{Address, Encryption, MailRoute};
pub use notification::{Action, Notification};
pub use outbox::Outbox;
pub use plan::{LATE_AFTER_MS, Policy, WAITING_MAX, is_late};
pub use reach::{Internal, Reach, ReachError, Trust};
pub use receiver::{Endpoint, EndpointError, Format, ReceiverKind, ReceiverSpec, Secret};
pub use silence_change::{
    AUDIT_SUFFIX, Changer, SilenceChange, SilenceChangeError, audit_path, change_silences,
};
pub use silence_file::{SilenceFile, read as read_silences};
pub use stats::{ReceiverStats, Stats};
pub use webhook::SigningKeys;
