//! Named points at which a test ends the process, as a power cut would.
//!
//! Between a write and its sync, or a request and its reply, lie moments that random kills seldom
//! meet. `DARBAN_KILL_AT=name:n` ends the process when it passes a point for the n-th time. Nobody
//! sets that in production, and whoever can could end the process anyway; in return the binary that
//! is tested is the one that is shipped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The variable.
pub const VARIABLE: &str = "DARBAN_KILL_AT";

/// Every point, in the order in which an alert passes them.
pub const POINTS: &[&str] = &[
    "journal",
    "journal-synced",
    "outbox",
    "outbox-synced",
    "commit",
    "committed",
    "post",
    "replied",
    "noted",
    "snapshot",
    "snapshot-synced",
    "snapshot-renamed",
];

struct Armed {
    name: String,
    left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

fn armed() -> Option<Armed> {
    let value = std::env::var(VARIABLE).ok()?;
    let (name, count) = value.split_once(':')?;
    Some(Armed { name: name.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
}

/// Passes a point of [`POINTS`].
pub fn pass(name: &str) {
    let Some(armed) = ARMED.get_or_init(armed) else { return };
    if armed.name == name && armed.left.fetch_sub(1, Relaxed) == 1 {
        // No destructor runs and nothing is flushed.
        std::process::abort();
    }
}
