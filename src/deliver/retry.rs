//! What to do after an attempt: a pure decision.
//!
//! Own code and not a retry crate, because the three answers differ in more than a delay: a 400
//! is about the message and never becomes better; a 429 is about the rate and asks for minutes;
//! everything else is about the moment and is tried again soon, at most a minute apart, so that a
//! page leaves within a minute of the receiver's return. A page is never given up for its age.
//!
//! Delays are jittered, so that several darbans do not return to a receiver in step, from a seed,
//! so that a test sees the same ones again.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, SECOND_MS};

/// First delay after a failure, and the longest.
const FAILED_FIRST_MS: i64 = SECOND_MS;
const FAILED_MAX_MS: i64 = MINUTE_MS;
/// First delay after a 429 without `Retry-After`, and the longest: PagerDuty asks for minutes.
const THROTTLED_FIRST_MS: i64 = 2 * MINUTE_MS;
const THROTTLED_MAX_MS: i64 = 15 * MINUTE_MS;
/// Longest `Retry-After` that is honoured: a receiver must not be able to switch pages off.
const RETRY_AFTER_MAX_MS: i64 = HOUR_MS;
/// Age at which a ticket is given up: whoever has not read it by then reads the pages.
const TICKET_AGE_MAX_MS: i64 = DAY_MS;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The receiver answered.
    Status {
        /// With this HTTP status.
        code: u16,
        /// And this `Retry-After`, in milliseconds from then.
        retry_after_ms: Option<i64>,
    },
    /// No answer: no connection, or none within the time limit.
    None,
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Failed attempts before this one.
    pub failures: u32,
    /// Since the notification was handed over.
    pub age_ms: i64,
    /// It concerns a page.
    pub page: bool,
    /// By "410 Gone" the receiver says that it wants no more of anything.
    pub may_be_gone: bool,
    /// What the jitter comes from.
    pub seed: u64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Done,
    /// Try again.
    Retry {
        /// This much later.
        after_ms: i64,
        /// The receiver asked for less of everything: nothing is sent to it before then.
        throttled: bool,
    },
    /// It will never arrive.
    Dead,
    /// Nor will any other: the receiver wants no more.
    Gone,
}

/// Judges an attempt.
#[must_use]
pub fn judge(reply: Reply, attempt: Attempt) -> Verdict {
    let throttled = matches!(reply, Reply::Status { code: 429, .. });
    let given_up = !attempt.page && attempt.age_ms >= TICKET_AGE_MAX_MS;
    match reply {
        Reply::Status { code: 200..=299, .. } => Verdict::Done,
        Reply::Status { code: 400 | 413 | 422, .. } => Verdict::Dead,
        Reply::Status { code: 410, .. } if attempt.may_be_gone => Verdict::Gone,
        Reply::Status { .. } | Reply::None if given_up => Verdict::Dead,
        Reply::Status { retry_after_ms: Some(wish_ms), code: 429 | 503 } => {
            let wish_ms = wish_ms.clamp(SECOND_MS, RETRY_AFTER_MAX_MS);
            let after_ms = wish_ms + jitter(attempt, wish_ms / 10);
            Verdict::Retry { after_ms, throttled }
        }
        Reply::Status { .. } if throttled => {
            let after_ms = backoff(attempt, THROTTLED_FIRST_MS, THROTTLED_MAX_MS);
            Verdict::Retry { after_ms, throttled }
        }
        Reply::Status { .. } | Reply::None => {
            let after_ms = backoff(attempt, FAILED_FIRST_MS, FAILED_MAX_MS);
            Verdict::Retry { after_ms, throttled }
        }
    }
}

/// A `Retry-After` header (seconds, or a date) in milliseconds from `now`.
#[must_use]
pub fn retry_after_ms(header: &str, now: Moment) -> Option<i64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(i64::from(seconds) * SECOND_MS);
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?;
    Some(Moment(at.timestamp().as_millisecond()).since(now).max(0))
}

/// Doubled with every failure up to `max_ms`, of which the upper half is jitter.
fn backoff(attempt: Attempt, first_ms: i64, max_ms: i64) -> i64 {
    let factor = 1_i64 << attempt.failures.min(16);
    let full_ms = first_ms.saturating_mul(factor).min(max_ms);
    full_ms / 2 + jitter(attempt, full_ms / 2)
}

/// 0 to `span_ms`, from the seed and the number of failures (splitmix64).
fn jitter(attempt: Attempt, span_ms: i64) -> i64 {
    let mut mixed = attempt.seed.wrapping_add(u64::from(attempt.failures)) ^ 0x9e37_79b9_7f4a_7c15;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let span = u64::try_from(span_ms).unwrap_or(0).saturating_add(1);
    i64::try_from(mixed % span).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Attempt =
        Attempt { failures: 0, age_ms: 0, page: true, may_be_gone: false, seed: 7 };

    fn status(code: u16) -> Reply {
        Reply::Status { code, retry_after_ms: None }
    }

    fn after(reply: Reply, attempt: Attempt) -> (i64, bool) {
        match judge(reply, attempt) {
            Verdict::Retry { after_ms, throttled } => (after_ms, throttled),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_arrived_is_done_and_what_was_called_wrong_is_never_sent_again() {
        assert_eq!(judge(status(202), PAGE), Verdict::Done);
        for code in [400, 413, 422] {
            assert_eq!(judge(status(code), PAGE), Verdict::Dead, "{code}");
        }
    }

    #[test]
    fn gone_is_for_good_only_where_the_receivers_standard_says_so() {
        assert_eq!(judge(status(410), Attempt { may_be_gone: true, ..PAGE }), Verdict::Gone);
        assert!(matches!(judge(status(410), PAGE), Verdict::Retry { .. }));
    }

    #[test]
    fn failures_double_up_to_a_minute_and_a_page_is_tried_for_ever() {
        for reply in [Reply::None, status(500), status(503), status(302), status(401), status(404)]
        {
            for failures in 0..40 {
                let old = Attempt { failures, age_ms: 30 * DAY_MS, ..PAGE };
                let full_ms = (SECOND_MS << failures.min(16)).min(MINUTE_MS);
                let (after_ms, throttled) = after(reply, old);
                assert!((full_ms / 2..=full_ms).contains(&after_ms), "{after_ms}");
                assert!(!throttled);
            }
        }
        let ticket = Attempt { age_ms: DAY_MS, page: false, ..PAGE };
        assert_eq!(judge(status(500), ticket), Verdict::Dead);
        assert_eq!(judge(status(202), ticket), Verdict::Done);
    }

    #[test]
    fn a_429_waits_minutes_or_as_long_as_it_says() {
        let (after_ms, throttled) = after(status(429), PAGE);
        assert!((MINUTE_MS..=2 * MINUTE_MS).contains(&after_ms) && throttled);
        let (after_ms, _) = after(status(429), Attempt { failures: 9, ..PAGE });
        assert!((THROTTLED_MAX_MS / 2..=THROTTLED_MAX_MS).contains(&after_ms));
        for (wish, floor) in [(90_000, 90_000), (0, SECOND_MS), (i64::MAX, HOUR_MS)] {
            let (after_ms, _) =
                after(Reply::Status { code: 429, retry_after_ms: Some(wish) }, PAGE);
            assert!((floor..=floor + floor / 10).contains(&after_ms), "{after_ms}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_others_differ() {
        let delays = |seed| -> Vec<i64> {
            (0..6)
                .map(|failures| after(Reply::None, Attempt { failures, seed, ..PAGE }).0)
                .collect()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = Moment(1_795_289_416_000);
        assert_eq!(retry_after_ms(" 120 ", now), Some(120_000));
        assert_eq!(retry_after_ms("Sat, 21 Nov 2026 19:31:16 GMT", now), Some(60_000));
        assert_eq!(retry_after_ms("Sat, 21 Nov 2020 19:31:16 GMT", now), Some(0));
        assert_eq!(retry_after_ms("soon", now), None);
    }
}
