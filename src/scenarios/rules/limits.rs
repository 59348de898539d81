//! Rules that count requests: so many of one client in so much time.

use super::super::request::Request;
use super::{Key, Published, looks_up};
use crate::time::{DAY_MS, MINUTE_MS, Moment, SECOND_MS};
use std::collections::{HashMap, VecDeque};

/// The example of a trigger against enumeration of objects: 30 requests of an address in 30 s to a
/// path with one segment left open.
///
/// Source: docs.wallarm.com/admin-en/configuration-guides/protecting-against-bola-trigger. The
/// filter of the path is set for every route that looks somebody up.
pub(super) const WALLARM: Published = Published {
    name: "Wallarm example",
    says: "more than 30 requests of an address to one endpoint in 30 s",
    source: "docs.wallarm.com/admin-en/configuration-guides/protecting-against-bola-trigger",
};

/// More than 20 look-ups of a client in six minutes.
///
/// Source: the project's own comparison names it without a publication, and none was found; it
/// stands for the limits that are set by hand. Counted by whoever is logged in.
pub(super) const SIX_MINUTES: Published = Published {
    name: "20 in 6 minutes",
    says: "more than 20 look-ups of a client in 6 minutes",
    source: "named in the project's design; no publication was found",
};

/// More than 20 searches of a user in 15 minutes.
///
/// Source: The Times of India of 2021-06-10, as quoted by
/// moneycontrol.com/news/india/covid-19-vaccination-cowin-to-block-users-over-excessive-search-for-slots-otp-generation-report-7012511.html.
/// It counted searches for free slots; every look-up is taken for one.
pub(super) const COWIN_15_MINUTES: Published = Published {
    name: "CoWIN 20 in 15 min",
    says: "more than 20 searches of a user in 15 minutes",
    source: "Times of India, 2021-06-10, quoted by moneycontrol.com (7012511)",
};

/// More than 1,000 searches of a user in 24 hours. Source: the same.
pub(super) const COWIN_DAY: Published = Published {
    name: "CoWIN 1,000 in 24 h",
    says: "more than 1,000 searches of a user in 24 hours",
    source: "Times of India, 2021-06-10, quoted by moneycontrol.com (7012511)",
};

/// So many in so much time, and one more is an alarm.
#[derive(Clone, Copy, Debug)]
struct Limit {
    count: usize,
    window_ms: i64,
}

const WALLARM_LIMIT: Limit = Limit { count: 30, window_ms: 30 * SECOND_MS };
const SIX_MINUTES_LIMIT: Limit = Limit { count: 20, window_ms: 6 * MINUTE_MS };
const COWIN_15_MINUTES_LIMIT: Limit = Limit { count: 20, window_ms: 15 * MINUTE_MS };
const COWIN_DAY_LIMIT: Limit = Limit { count: 1_000, window_ms: DAY_MS };

/// The last requests of each key, at most one more than a limit.
type Recent = HashMap<Key, VecDeque<Moment>>;

/// The counters of all four.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    wallarm: Recent,
    six_minutes: Recent,
    cowin_15_minutes: Recent,
    cowin_day: Recent,
}

impl Counters {
    pub(super) fn wallarm(&mut self, request: &Request) -> Option<Key> {
        let key = Key::AddressOn(request.client.address, request.route);
        count(&mut self.wallarm, &WALLARM_LIMIT, key, request)
    }

    pub(super) fn six_minutes(&mut self, request: &Request) -> Option<Key> {
        count(&mut self.six_minutes, &SIX_MINUTES_LIMIT, Key::client(request), request)
    }

    pub(super) fn cowin_15_minutes(&mut self, request: &Request) -> Option<Key> {
        count(&mut self.cowin_15_minutes, &COWIN_15_MINUTES_LIMIT, Key::client(request), request)
    }

    /// Forgets keys of which nothing counts any more.
    pub(super) fn forget(&mut self, now: Moment) {
        let limits = [
            (&mut self.wallarm, WALLARM_LIMIT),
            (&mut self.six_minutes, SIX_MINUTES_LIMIT),
            (&mut self.cowin_15_minutes, COWIN_15_MINUTES_LIMIT),
            (&mut self.cowin_day, COWIN_DAY_LIMIT),
        ];
        for (recent, limit) in limits {
            let counts = |it: &Moment| now.since(*it) <= limit.window_ms;
            recent.retain(|_, own| own.back().is_some_and(counts));
        }
    }

    pub(super) fn cowin_day(&mut self, request: &Request) -> Option<Key> {
        count(&mut self.cowin_day, &COWIN_DAY_LIMIT, Key::client(request), request)
    }
}

/// Counts a look-up; its key where that is one too many. Then the count begins anew.
fn count(recent: &mut Recent, limit: &Limit, key: Key, request: &Request) -> Option<Key> {
    if !looks_up(request) {
        return None;
    }
    let own = recent.entry(key).or_default();
    own.push_back(request.at);
    while own.front().is_some_and(|it| request.at.since(*it) > limit.window_ms) {
        own.pop_front();
    }
    let fires = own.len() > limit.count;
    if fires {
        own.clear();
    }
    fires.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::super::request_at;
    use super::*;
    use crate::scenarios::{Route, Who};

    fn look_up(second: i64) -> Request {
        request_at(second, Who::Staff(3), Route::Beneficiary, second.unsigned_abs(), 200)
    }

    fn calls(rule: fn(&mut Counters, &Request) -> Option<Key>, every: i64, count: i64) -> usize {
        let mut rules = Counters::default();
        (0..count).filter(|it| rule(&mut rules, &look_up(it * every)).is_some()).count()
    }

    #[test]
    fn a_limit_is_passed_by_one_more_in_its_window() {
        assert_eq!(calls(Counters::wallarm, 0, 30), 0);
        assert_eq!(calls(Counters::wallarm, 0, 31), 1);
        assert_eq!(calls(Counters::six_minutes, 19, 500), 0);
        assert!(calls(Counters::six_minutes, 17, 500) > 0);
        assert_eq!(calls(Counters::cowin_15_minutes, 46, 500), 0);
        assert!(calls(Counters::cowin_15_minutes, 44, 500) > 0);
        assert_eq!(calls(Counters::cowin_day, 60, 1_000), 0);
        assert_eq!(calls(Counters::cowin_day, 60, 1_001), 1);
    }

    #[test]
    fn writes_and_checks_of_health_do_not_count() {
        let mut rules = Counters::default();
        for route in [Route::Health, Route::Vaccination, Route::PassCheck] {
            let many = (0..200).map(|it| request_at(0, Who::Staff(3), route, it, 200));
            assert!(many.into_iter().all(|it| rules.wallarm(&it).is_none()));
        }
    }
}
