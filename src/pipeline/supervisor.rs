//! What whoever started us is told: that we are ready, and every second that we live.
//!
//! systemd ends a service whose watchdog is not fed, and starts it again. It is fed here only while
//! Kafka is polled, because a daemon that does everything but read is of no use; a process that is
//! stopped feeds nobody, so its supervisor ends it and a standby takes over. Without systemd nobody
//! listens, and nothing is sent.

use crate::time::SECOND_MS;
use sd_notify::NotifyState;

/// How long without a poll the watchdog is still fed.
const POLLED_WITHIN_MS: i64 = 15 * SECOND_MS;

/// Tells the supervisor.
#[derive(Debug, Default)]
pub struct Supervisor {
    is_ready: bool,
}

impl Supervisor {
    /// Once a second: the last poll is so many real milliseconds ago. `words` say how things stand.
    /// Whether that is alive.
    pub fn tick(&mut self, polled_ago_ms: i64, words: &str) -> bool {
        let mut said = vec![NotifyState::Status(words)];
        if !std::mem::replace(&mut self.is_ready, true) {
            said.push(NotifyState::Ready);
        }
        if is_fed(polled_ago_ms) {
            said.push(NotifyState::Watchdog);
        }
        tell(&said);
        is_fed(polled_ago_ms)
    }

    /// We are about to end.
    pub fn stopping() {
        tell(&[NotifyState::Stopping]);
    }
}

fn tell(said: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(said) {
        tracing::debug!("the supervisor cannot be told: {error}");
    }
}

const fn is_fed(polled_ago_ms: i64) -> bool {
    polled_ago_ms <= POLLED_WITHIN_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_poll_feeds_no_watchdog() {
        assert!(is_fed(900) && !is_fed(16 * SECOND_MS));
    }
}
