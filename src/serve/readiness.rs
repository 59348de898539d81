//! What has to be so before darban may be said to watch.
//!
//! Alive and ready are different questions: a broker that is away makes darban unready, and
//! restarting it would not help, so `/livez` asks nothing of the world.

use std::sync::{Mutex, PoisonError};

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: "partitions".
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What stands behind it: "12 assigned".
    pub detail: String,
}

/// The conditions, in the order in which they come true at start.
#[derive(Debug, Default)]
pub struct Readiness {
    checks: Mutex<Vec<Check>>,
}

impl Readiness {
    /// None of these holds yet.
    #[must_use]
    pub fn new(names: &[&'static str]) -> Self {
        let check = |name: &&'static str| Check { name, ok: false, detail: "not yet".to_owned() };
        Self { checks: Mutex::new(names.iter().map(check).collect()) }
    }

    /// Says how a condition stands; one that was not announced joins at the end.
    pub fn set(&self, name: &'static str, ok: bool, detail: &str) {
        let now = Check { name, ok, detail: detail.to_owned() };
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        match checks.iter_mut().find(|it| it.name == name) {
            Some(check) => *check = now,
            None => checks.push(now),
        }
    }

    /// Whether all hold.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).iter().all(|it| it.ok)
    }

    /// All conditions as they stand.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_every_condition_holds() {
        let readiness = Readiness::new(&["partitions", "state"]);
        readiness.set("partitions", true, "12 assigned");
        assert!(!readiness.is_ready());
        readiness.set("state", true, "restored");
        assert!(readiness.is_ready());
        readiness.set("partitions", false, "none assigned");
        assert!(!readiness.is_ready());
        assert_eq!(readiness.checks().len(), 2);
    }
}
