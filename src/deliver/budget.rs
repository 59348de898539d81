//! How much a receiver is told: pages always, the rest at most so often an hour.
//!
//! Whoever harvests can also make noise, and a page among a thousand tickets is not read. So
//! tickets and updates beyond the budget are held back and become one digest an hour, ranked by
//! evidence. The window slides: a budget that was refilled on the hour would let two hours' worth
//! through around it.

use crate::time::{HOUR_MS, Moment};
use std::collections::VecDeque;

/// Tickets and updates an hour and receiver, unless configured.
pub const PER_HOUR: u32 = 60;
/// The strongest alerts that a digest names.
const NAMED_MAX: usize = 5;

/// One receiver's budget.
#[derive(Clone, Debug)]
pub struct Budget {
    per_hour: usize,
    /// When the last `per_hour` were let through, oldest first.
    passed: VecDeque<Moment>,
    held: Option<Held>,
}

/// What was held back since the last digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// When the first was.
    pub since: Moment,
    /// When the digest is due.
    pub due: Moment,
    /// How many.
    pub count: u64,
    /// The strongest: log E and summary, strongest first.
    pub strongest: Vec<(f64, String)>,
}

impl Budget {
    /// A budget of `per_hour` notifications.
    #[must_use]
    pub fn new(per_hour: u32) -> Self {
        let per_hour = usize::try_from(per_hour).unwrap_or(usize::MAX);
        Self { per_hour, passed: VecDeque::new(), held: None }
    }

    /// Whether one more may leave now; if so it is spent.
    pub fn spend(&mut self, now: Moment) -> bool {
        while self.passed.front().is_some_and(|it| now.since(*it) >= HOUR_MS) {
            self.passed.pop_front();
        }
        let free = self.passed.len() < self.per_hour;
        if free {
            self.passed.push_back(now);
        }
        free
    }

    /// Holds one back; whether it opened a new digest.
    pub fn hold(&mut self, now: Moment, log_e: f64, summary: String) -> bool {
        let opened = self.held.as_ref().is_none_or(|held| held.due <= now);
        if opened {
            let due = now.plus(HOUR_MS);
            self.held = Some(Held { since: now, due, count: 0, strongest: Vec::new() });
        }
        if let Some(held) = &mut self.held {
            held.count += 1;
            let at = held.strongest.partition_point(|(other, _)| *other >= log_e);
            held.strongest.insert(at, (log_e, summary));
            held.strongest.truncate(NAMED_MAX);
        }
        opened
    }

    /// What is held back at present.
    #[must_use]
    pub const fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }
}

impl Held {
    /// The digest in words.
    #[must_use]
    pub fn words(&self) -> String {
        let strongest: Vec<&str> = self.strongest.iter().map(|(_, text)| text.as_str()).collect();
        format!(
            "{} more tickets and updates since {} were not sent one by one; the strongest: {}",
            self.count,
            self.since,
            strongest.join(" | ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE_MS;

    #[test]
    fn in_no_hour_do_more_pass_than_the_budget() {
        let mut budget = Budget::new(3);
        let passed: Vec<i64> =
            (0..200).filter(|minute| budget.spend(Moment(minute * MINUTE_MS))).collect();
        assert_eq!(passed, [0, 1, 2, 60, 61, 62, 120, 121, 122, 180, 181, 182]);
    }

    #[test]
    fn what_is_held_becomes_one_digest_an_hour_and_the_strongest_are_named() {
        let mut budget = Budget::new(0);
        let now = Moment(5);
        let opened =
            (0..100).filter(|at| budget.hold(now, f64::from(at % 10), format!("a{at}"))).count();
        let held = budget.held().unwrap();
        assert_eq!((opened, held.count, held.due), (1, 100, now.plus(HOUR_MS)));
        assert_eq!(
            held.words(),
            "100 more tickets and updates since 1970-01-01T00:00:00.005Z were not sent one by one; \
             the strongest: a9 | a19 | a29 | a39 | a49"
        );
        assert!(budget.hold(now.plus(HOUR_MS), 1.0, String::new()));
        assert_eq!(budget.held().unwrap().count, 1);
    }
}
