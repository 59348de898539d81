//! Where a partition is read from: a pure decision, made on answers only.
//!
//! A look-up that failed looks like a partition without a commit or without records. Decided on
//! that, a backlog would be skipped without a word, or a log begun at its first record.

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
pub struct Found {
    /// The committed offset.
    pub committed: Option<i64>,
    /// The first offset that the log still has.
    pub low: i64,
    /// The offset that the next record will get.
    pub high: i64,
    /// The first offset at or after the wished-for time.
    pub since: Option<i64>,
    /// It is another log under the same name, of which nothing was read.
    pub is_another: bool,
}

/// What was asked about a partition; `None` where no answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The committed offset, if there is one.
    pub committed: Option<Option<i64>>,
    /// Where a state that was kept goes on, and whether it was behind the last commit.
    pub kept: Option<i64>,
    /// See `kept`.
    pub ours: bool,
    /// The latest record time before `kept` is known.
    pub kept_has_time: bool,
    /// How far this process took it before: no question, it knows.
    pub handed: Option<i64>,
    /// Start and end of the log.
    pub watermarks: Option<(i64, i64)>,
    /// The first offset at or after the wished-for time, if there is one.
    pub since: Option<Option<i64>>,
    /// Where a state goes on: the first offset that is later than all it has judged, if there is
    /// one.
    pub later: Option<Option<i64>>,
}

impl Answers {
    /// The last offset that is known to be behind us. What this process took counts as read: it
    /// is judged, though it may not be committed yet. A state that was kept goes on where it stands,
    /// before what it has committed since, unless another process committed last and further on.
    #[must_use]
    pub fn reached(&self) -> Option<Option<i64>> {
        let committed = self.committed?;
        Some(match (self.handed, self.kept) {
            (Some(_), _) | (None, None) => committed.max(self.handed),
            (None, Some(kept)) => match committed {
                Some(theirs) if !self.ours && theirs > kept => Some(theirs),
                _ => Some(kept),
            },
        })
    }

    /// All that is needed to decide; `None` while an answer is missing.
    #[must_use]
    pub fn found(&self, start: Start) -> Option<Found> {
        let committed = self.reached()?;
        let (low, high) = self.watermarks?;
        let since = match (committed, start) {
            (None, Start::Back(_)) => self.since?,
            (None, Start::Latest | Start::Earliest) | (Some(_), _) => None,
        };
        let is_another = self.may_be_another() && self.later? == Some(low);
        Some(Found { committed, low, high, since, is_another })
    }

    /// Whether the log still has something of what a state judged, and how late that was may tell
    /// whether it is the same log. A topic that was deleted and made anew begins at offset 0 again,
    /// and may have grown past where we were: then its very first record is later than the last one
    /// that we know, while in our own log all that was judged is earlier. Clients of Kafka are told
    /// no topic's id, so its times have to say it.
    #[must_use]
    pub fn may_be_another(&self) -> bool {
        let Some((low, high)) = self.watermarks else { return false };
        let is_kept = self.handed.is_none() && self.reached() == Some(self.kept);
        is_kept && self.kept_has_time && self.kept.is_some_and(|it| low < it && it <= high)
    }
}

/// Where to begin, and what is missing before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The first offset that is read.
    pub next: i64,
    /// The first missing offset, and how many, where that is known.
    pub gap: Option<(i64, Option<u64>)>,
}

/// Where a partition is read from. What is not in the log any more is a gap, with its count where the
/// log only lost its beginning.
#[must_use]
pub fn decide(found: Found, start: Start) -> Decision {
    let Found { committed, low, high, since, is_another } = found;
    let from = |next| Decision { next, gap: None };
    match committed {
        Some(next) if next < low => {
            let missing = u64::try_from(low - next).ok();
            Decision { next: low, gap: Some((next, missing)) }
        }
        // The log is shorter than what we have read: it was cut, or made anew.
        Some(next) if next > high || is_another => Decision { next: low, gap: Some((next, None)) },
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
        Found { committed, low: 10, high: 20, since: Some(15), is_another: false }
    }

    #[test]
    fn nothing_is_decided_while_an_answer_is_missing() {
        let all = Answers {
            committed: Some(None),
            watermarks: Some((10, 20)),
            since: Some(Some(15)),
            ..Answers::default()
        };
        let back = Start::Back(5);
        assert_eq!(all.found(back), Some(found(None)));
        assert_eq!(Answers { committed: None, ..all }.found(back), None);
        assert_eq!(Answers { committed: None, handed: Some(12), ..all }.found(back), None);
        assert_eq!(Answers { watermarks: None, ..all }.found(back), None);
        assert_eq!(Answers { since: None, ..all }.found(back), None);
        assert!(Answers { since: None, ..all }.found(Start::Latest).is_some());
        let committed = Answers { since: None, committed: Some(Some(12)), ..all };
        assert_eq!(committed.found(back), Some(Found { since: None, ..found(Some(12)) }));
    }

    #[test]
    fn what_this_process_took_counts_as_read_unless_another_came_further() {
        let answers = |committed| Answers {
            committed: Some(committed),
            kept: Some(3),
            ours: true,
            handed: Some(14),
            watermarks: Some((10, 20)),
            ..Answers::default()
        };
        let next = |committed| {
            answers(committed).found(Start::Earliest).map(|it| decide(it, Start::Earliest).next)
        };
        assert_eq!([next(None), next(Some(12)), next(Some(17))], [14, 14, 17].map(Some));
    }

    #[test]
    fn a_state_that_was_kept_goes_on_where_it_stands_unless_another_came_further() {
        let reached = |committed, ours| {
            let answers = Answers { committed, kept: Some(30), ours, ..Answers::default() };
            answers.reached()
        };
        assert_eq!(reached(Some(None), false), Some(Some(30)));
        assert_eq!(reached(Some(Some(50)), true), Some(Some(30)));
        assert_eq!(reached(Some(Some(50)), false), Some(Some(50)));
        assert_eq!(reached(Some(Some(20)), false), Some(Some(30)));
        assert_eq!(reached(None, true), None);
    }

    #[test]
    fn a_log_whose_first_record_is_later_than_all_that_was_judged_is_another() {
        let kept = Answers {
            committed: Some(Some(17)),
            kept: Some(14),
            ours: true,
            kept_has_time: true,
            watermarks: Some((10, 20)),
            ..Answers::default()
        };
        let decision =
            |answers: Answers| answers.found(Start::Latest).map(|it| decide(it, Start::Latest));
        assert_eq!(decision(kept), None);
        let later = |offset| decision(Answers { later: Some(offset), ..kept });
        assert_eq!(later(Some(10)), Some(Decision { next: 10, gap: Some((14, None)) }));
        for same in [Some(14), Some(11), None] {
            assert_eq!(later(same), Some(Decision { next: 14, gap: None }), "{same:?}");
        }
        let never_asked = |answers| decision(answers).map(|it| it.gap);
        assert_eq!(never_asked(Answers { kept_has_time: false, ..kept }), Some(None));
        assert_eq!(never_asked(Answers { handed: Some(15), ..kept }), Some(None));
        assert_eq!(never_asked(Answers { ours: false, ..kept }), Some(None));
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
