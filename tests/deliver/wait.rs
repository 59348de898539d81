//! The one place that waits for something outside: a condition with a deadline.

use darban::time::{Clock, Moment};
use std::time::Duration;

/// How long anything outside may take here; far beyond what it takes on a busy machine.
const DEADLINE_MS: i64 = 60_000;
const PAUSE: Duration = Duration::from_millis(10);

/// What `look` finds, as soon as it finds something.
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_longer(what, 0, look)
}

/// The same for something that takes `after_ms` by design.
pub(crate) fn wait_longer<T>(what: &str, after_ms: i64, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::scaled(Moment(0), 1);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.now() < Moment(after_ms + DEADLINE_MS), "waited in vain for {what}");
        std::thread::park_timeout(PAUSE);
    }
}

/// The same for something that is so or is not.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}
