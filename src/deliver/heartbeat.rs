//! A sign of life that somebody outside misses when it does not come.
//!
//! Nothing that runs on this machine can tell that it does not run. So once a minute an address is
//! asked for that belongs to somebody who calls when nobody asks any more (a dead man's switch:
//! healthchecks.io, Dead Man's Snitch, an Uptime Kuma of one's own). It is a sign of whoever reads the
//! log and judges, and not of this task alone: while [`Heartbeat::beat`] is not called no sign is
//! given, so that a daemon that hangs, waits as a standby or has no partition is missed like one that
//! is gone. One that fails is not tried again: the next one comes in a minute, and whoever listens
//! gives it more time than that.

use super::driver::StartError;
use super::http::{Guard, Line, Names, Request};
use super::reach::{Reach, Trust};
use super::receiver::Endpoint;
use super::retry::Reply;
use crate::time::wall;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Where signs of life go, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSpec {
    /// The address that is posted to, with an empty body. Whoever has it can feign life.
    pub url: Endpoint,
    /// Time between two, real time.
    pub every: Duration,
}

/// What the daemon beats and the task listens to.
#[derive(Debug, Default)]
pub struct Heartbeat {
    has_beaten: AtomicBool,
    given: AtomicU64,
    failed: AtomicU64,
}

impl Heartbeat {
    /// The log is read and judged.
    pub fn beat(&self) {
        self.has_beaten.store(true, Relaxed);
    }

    /// Signs that were given, and those that nobody took.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.given.load(Relaxed), self.failed.load(Relaxed))
    }

    fn takes_beat(&self) -> bool {
        self.has_beaten.swap(false, Relaxed)
    }

    fn count(&self, was_taken: bool) {
        let counter = if was_taken { &self.given } else { &self.failed };
        counter.fetch_add(1, Relaxed);
    }
}

/// The line that signs go over.
///
/// # Errors
/// Where no client for the web can be made.
pub(super) fn line(
    reach: &Reach,
    names: &Arc<dyn Names>,
    timeout: Duration,
) -> Result<Line, StartError> {
    let (reach, names) = (reach.clone(), Arc::clone(names));
    let guard = Guard { reach, trust: Trust::Public, names };
    Line::new(guard, timeout).map_err(StartError::Client)
}

/// Gives a sign each time, where there was a beat since the last one.
pub(super) async fn give(heart: Arc<Heartbeat>, line: Line, spec: HeartbeatSpec) {
    let mut rounds = interval(spec.every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if !heart.takes_beat() {
            continue;
        }
        let (reply, said) = line.post(Request::plain(spec.url.url(), Vec::new()), wall()).await;
        let was_taken = matches!(reply, Reply::Status { code: 200..=299, .. });
        heart.count(was_taken);
        if !was_taken {
            tracing::warn!(address = %spec.url, said, "nobody took the sign of life");
        }
    }
}
