//! One message for one target, in the shape that waits in the outbox.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Something new, or something that became loud.
    Trigger,
    /// The picture of something told before has changed.
    Update,
    /// Something told before is over.
    Resolve,
    /// What the budget held back, in one message.
    Digest,
}

/// A message for one target. It holds no secret: keys and passwords are added when it is sent, so
/// that the outbox may be read by whoever may read alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its number in this outbox, from 1; a later one with the same number replaces it.
    pub seq: u64,
    /// The name of the target.
    pub target: String,
    /// The alert's id, or the digest's.
    pub id: String,
    /// What it tells.
    pub action: Action,
    /// It concerns somebody who is, or was, got up.
    pub page: bool,
    /// Records out, to tell two changes of one slice apart.
    pub records: u64,
    /// Slice time of the change, in milliseconds since 1970.
    pub changed_ms: i64,
    /// When it was handed over, in milliseconds since 1970.
    pub queued_ms: i64,
    /// Not to be sent before this, in milliseconds since 1970; 0 for at once.
    pub due_ms: i64,
    /// The message less its secrets.
    pub body: Value,
}
