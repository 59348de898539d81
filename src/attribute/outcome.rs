//! What became of a request, from its status and whether there was anything in the answer.

use super::lookup::Outcome;

impl Outcome {
    /// The outcome of an answer with this status, of which `empty` says whether a 2xx one had
    /// nothing in it. A 204 has no body by definition: empty everywhere.
    #[must_use]
    pub fn of(status: Option<u16>, empty: impl FnOnce() -> bool) -> Self {
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
                assert_eq!(Outcome::of(Some(*status), || false), outcome, "{status}");
            }
        }
        assert_eq!(Outcome::of(None, || false), Outcome::Failed);
    }

    #[test]
    fn only_a_2xx_answer_can_be_empty() {
        let of = |status| Outcome::of(Some(status), || true);
        assert_eq!([200, 500, 304].map(of), [Outcome::Missed, Outcome::Failed, Outcome::Unchanged]);
    }
}
