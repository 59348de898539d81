//! Where a partition is read from: a pure decision.

/// Where to begin in a partition without a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At its end.
    #[default]
    Latest,
    /// At its beginning.
    Earliest,
    /// This many milliseconds back.
    Back(i64),
}

/// What was found out about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The committed offset.
    pub committed: Option<i64>,
    /// The first offset that the log still has.
    pub low: i64,
    /// The offset that the next record will get.
    pub high: i64,
    /// The first offset at or after the wished-for time.
    pub since: Option<i64>,
}

/// Where to begin, and what is missing before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub next: i64,
    /// The first missing offset, and how many, where that is known.
    pub gap: Option<(i64, Option<u64>)>,
}

pub(super) fn decide(found: Found, start: Start) -> Decision {
    let Found { committed, low, high, since } = found;
    let from = |next| Decision { next, gap: None };
    match committed {
        Some(next) if next < low => {
            let missing = u64::try_from(low - next).ok();
            Decision { next: low, gap: Some((next, missing)) }
        }
        // The log is shorter than what we have read: it was cut, or made anew.
        Some(next) if next > high => Decision { next: low, gap: Some((next, None)) },
        Some(next) => from(next),
        None => from(match start {
            Start::Latest => high,
            Start::Earliest => low,
            Start::Back(_) => since.unwrap_or(high).clamp(low, high),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(committed: Option<i64>) -> Found {
        Found { committed, low: 10, high: 20, since: Some(15) }
    }

    #[test]
    fn a_commit_within_the_log_is_where_it_goes_on() {
        assert_eq!(decide(found(Some(12)), Start::Latest), Decision { next: 12, gap: None });
        assert_eq!(decide(found(Some(20)), Start::Latest).next, 20);
    }

    #[test]
    fn what_retention_took_is_a_gap_with_its_count() {
        let decision = decide(found(Some(3)), Start::Latest);
        assert_eq!(decision, Decision { next: 10, gap: Some((3, Some(7))) });
    }

    #[test]
    fn a_log_that_is_shorter_than_the_commit_is_read_from_its_start() {
        assert_eq!(
            decide(found(Some(25)), Start::Latest),
            Decision { next: 10, gap: Some((25, None)) }
        );
    }

    #[test]
    fn without_a_commit_the_configuration_says_where_to_begin() {
        let next = |start| decide(found(None), start).next;
        assert_eq!(
            (next(Start::Latest), next(Start::Earliest), next(Start::Back(5))),
            (20, 10, 15)
        );
    }
}
