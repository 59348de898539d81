//! What became of a request, from its status and size.

use super::lookup::Outcome;

impl Outcome {
    /// The outcome of an answer with this status and this many bytes on a route where a 2xx answer
    /// of at most `empty_bytes` says nothing. A 204 has no body by definition: empty everywhere.
    /// Without a size in the line a 2xx answer counts as disclosed, because a miss that was none
    /// would hide a harvest.
    #[must_use]
    pub fn of(status: Option<u16>, bytes: Option<u64>, empty_bytes: Option<u64>) -> Self {
        let empty = || empty_bytes.zip(bytes).is_some_and(|(most, bytes)| bytes <= most);
        match status.unwrap_or(0) {
            204 | 404 | 410 => Self::Missed,
            200..=299 if empty() => Self::Missed,
            200..=299 => Self::Disclosed,
            401 | 403 | 429 => Self::Denied,
            100..=199 | 300..=399 => Self::Unchanged,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_outcome_of_the_contract() {
        for (statuses, outcome) in [
            (&[200, 201, 206, 299][..], Outcome::Disclosed),
            (&[204, 404, 410], Outcome::Missed),
            (&[401, 403, 429], Outcome::Denied),
            (&[0, 400, 402, 405, 409, 422, 451, 499, 500, 503, 599, 600, 999], Outcome::Failed),
            (&[100, 101, 301, 302, 304, 399], Outcome::Unchanged),
        ] {
            for status in statuses {
                assert_eq!(Outcome::of(Some(*status), Some(50), None), outcome, "{status}");
            }
        }
        assert_eq!(Outcome::of(None, None, None), Outcome::Failed);
    }

    #[test]
    fn a_configured_empty_answer_is_a_miss_and_only_a_2xx_can_be_one() {
        let of = |status, bytes| Outcome::of(Some(status), bytes, Some(2));
        assert_eq!(of(200, Some(2)), Outcome::Missed);
        assert_eq!(of(200, Some(3)), Outcome::Disclosed);
        assert_eq!(of(200, None), Outcome::Disclosed);
        assert_eq!(of(500, Some(0)), Outcome::Failed);
        assert_eq!(of(304, Some(0)), Outcome::Unchanged);
    }
}
