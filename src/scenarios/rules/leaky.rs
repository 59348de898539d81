//! CrowdSec's leaky buckets: a request fills, time empties, and over the brim is an alarm.
//!
//! After an alarm the bucket is gone and its key is left alone for the time that the scenario calls
//! `blackhole`. Where a scenario counts only what is `distinct`, a bucket knows what was poured
//! into it until it is empty.

use super::super::id::Id;
use super::super::request::Request;
use super::super::route::Route;
use super::{Key, Published, target};
use crate::time::{MINUTE_MS, Moment, SECOND_MS};
use std::collections::{HashMap, HashSet};

/// `type: leaky`, `capacity: 40`, `leakspeed: 0.5s`, `blackhole: 1m`, `groupby: evt.Meta.source_ip`;
/// everything but static files.
///
/// Source: github.com/crowdsecurity/hub, `scenarios/crowdsecurity/http-crawl-non_statics.yaml` at
/// 0a31e987. A later version pours only what is distinct by file name, which knows no look-up by a
/// query from another: this one finds more.
pub(super) const CRAWL: Published = Published {
    name: "CrowdSec crawl",
    says: "40 requests of an address, one forgotten each half second",
    source: "crowdsecurity/hub, scenarios/crowdsecurity/http-crawl-non_statics.yaml",
};

/// `type: leaky`, `capacity: 10`, `leakspeed: 10s`, `blackhole: 5m`, by source address; answers
/// 404, 403 and 400, distinct by path.
///
/// Source: github.com/crowdsecurity/hub, `scenarios/crowdsecurity/http-probing.yaml`. The query is
/// taken as a part of the path, in the rule's favour.
pub(super) const PROBING: Published = Published {
    name: "CrowdSec probing",
    says: "10 distinct paths of an address with 404, 403 or 400, one forgotten each 10 s",
    source: "crowdsecurity/hub, scenarios/crowdsecurity/http-probing.yaml",
};

/// The numbers of a bucket.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    capacity: f64,
    leak_ms: f64,
    blackhole_ms: i64,
}

const CRAWL_BUCKET: Bucket = Bucket { capacity: 40.0, leak_ms: 500.0, blackhole_ms: MINUTE_MS };
const PROBING_BUCKET: Bucket =
    Bucket { capacity: 10.0, leak_ms: 10.0 * SECOND_MS as f64, blackhole_ms: 5 * MINUTE_MS };

/// The bucket of one key.
#[derive(Clone, Debug)]
struct Fill {
    level: f64,
    last: Moment,
    poured: HashSet<(Route, Id)>,
    quiet_until: Moment,
}

/// The buckets of both scenarios.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    crawl: HashMap<Key, Fill>,
    probing: HashMap<Key, Fill>,
}

impl Counters {
    pub(super) fn crawl(&mut self, request: &Request) -> Option<Key> {
        let key = Key::Address(request.client.address);
        pour(&mut self.crawl, &CRAWL_BUCKET, (key, None), request.at)
    }

    /// Forgets buckets that are empty.
    pub(super) fn forget(&mut self, now: Moment) {
        for (fills, bucket) in
            [(&mut self.crawl, CRAWL_BUCKET), (&mut self.probing, PROBING_BUCKET)]
        {
            let emptied_ms = bucket.capacity * bucket.leak_ms;
            fills.retain(|_, it| now < it.quiet_until || (now.since(it.last) as f64) < emptied_ms);
        }
    }

    pub(super) fn probing(&mut self, request: &Request) -> Option<Key> {
        let key = Key::Address(request.client.address);
        if !matches!(request.status, 400 | 403 | 404) {
            return None;
        }
        pour(&mut self.probing, &PROBING_BUCKET, (key, Some(target(request))), request.at)
    }
}

/// Pours one request into a key's bucket, of what is distinct only what is new; the key where that
/// runs over.
fn pour(
    fills: &mut HashMap<Key, Fill>,
    bucket: &Bucket,
    (key, what): (Key, Option<(Route, Id)>),
    at: Moment,
) -> Option<Key> {
    let fresh =
        || Fill { level: 0.0, last: at, poured: HashSet::new(), quiet_until: Moment(i64::MIN) };
    let fill = fills.entry(key).or_insert_with(fresh);
    if at < fill.quiet_until {
        return None;
    }
    let leaked = at.since(fill.last).max(0) as f64 / bucket.leak_ms;
    fill.level -= leaked;
    fill.last = fill.last.max(at);
    if fill.level <= 0.0 {
        fill.level = 0.0;
        fill.poured.clear();
    }
    if what.is_some_and(|it| !fill.poured.insert(it)) {
        return None;
    }
    fill.level += 1.0;
    if fill.level <= bucket.capacity {
        return None;
    }
    *fill = Fill { quiet_until: at.plus(bucket.blackhole_ms), ..fresh() };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::super::request_at;
    use super::*;
    use crate::scenarios::Who;

    fn get(second: i64, route: Route, number: u64, status: u16) -> Request {
        request_at(second, Who::Nobody, route, number, status)
    }

    #[test]
    fn forty_one_pages_at_once_are_a_crawl_and_forty_are_none() {
        let mut rules = Counters::default();
        let calls = |rules: &mut Counters, count: u64| {
            (0..count).filter_map(|it| rules.crawl(&get(0, Route::Protocol, it, 200))).count()
        };
        assert_eq!(calls(&mut rules, 40), 0);
        assert_eq!(calls(&mut Counters::default(), 41), 1);
    }

    #[test]
    fn two_a_second_are_no_crawl_and_three_are() {
        let calls = |per_second: i64| {
            let mut rules = Counters::default();
            let pages = (0..600).map(|it| Request {
                at: Moment(it * SECOND_MS / per_second),
                ..get(0, Route::Protocol, it.unsigned_abs(), 200)
            });
            pages.filter(|it| rules.crawl(it).is_some()).count()
        };
        assert_eq!(calls(2), 0);
        assert!(calls(3) > 0);
    }

    #[test]
    fn eleven_misses_are_probing_whatever_repeats_and_then_there_is_quiet_for_five_minutes() {
        let mut rules = Counters::default();
        let mut miss = |second, number| rules.probing(&get(second, Route::Person, number, 404));
        assert!((0..100).all(|_| miss(0, 1).is_none()));
        assert_eq!((0..11).filter(|it| miss(0, *it).is_some()).count(), 1);
        assert_eq!((0..100).filter(|it| miss(100, *it).is_some()).count(), 0);
        assert_eq!((0..11).filter(|it| miss(301, *it).is_some()).count(), 1);
    }
}
