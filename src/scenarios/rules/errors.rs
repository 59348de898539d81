//! Rules that count refusals: somebody who guesses is refused.

use super::super::id::Id;
use super::super::request::Request;
use super::super::route::Route;
use super::{Key, Published, is_get, target};
use crate::time::{MINUTE_MS, Moment, SECOND_MS};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// "Web Server Discovery or Fuzzing Activity": GET with 404 or 403, by `source.ip`, `event_count >
/// 500 and url_original_count_distinct > 250`, `from = "now-11m"`, every ten minutes.
///
/// Source: github.com/elastic/detection-rules,
/// `rules/cross-platform/reconnaissance_web_server_discovery_or_fuzzing_activity.toml`. Asked at
/// every request instead of every ten minutes.
pub(super) const FUZZING: Published = Published {
    name: "Elastic fuzzing",
    says: "more than 500 GETs of an address with 404 or 403 on more than 250 URLs in 11 minutes",
    source: "elastic/detection-rules, rules/cross-platform/reconnaissance_web_server_discovery_or_fuzzing_activity.toml",
};

/// Rule 31151 over rule 31101: `frequency="14" timeframe="90"`, same source address, any 4xx; that
/// of a known crawler is left out (31140).
///
/// Source: github.com/wazuh/wazuh, `ruleset/rules/0245-web_rules.xml`.
pub(super) const WAZUH: Published = Published {
    name: "Wazuh 31151",
    says: "14 answers 4xx to an address in 90 s",
    source: "wazuh/wazuh, ruleset/rules/0245-web_rules.xml",
};

/// "Resource enumeration": by service, source address and endpoint, over 100 requests with a 4xx
/// and at least one with a 200.
///
/// Source: docs.datadoghq.com/security/default_rules/appsec-ressource-enumeration. The page names
/// no window; ten minutes are taken.
pub(super) const DATADOG: Published = Published {
    name: "Datadog enumeration",
    says: "over 100 answers 4xx and a 200 to an address on one endpoint (10 minutes taken)",
    source: "docs.datadoghq.com/security/default_rules/appsec-ressource-enumeration",
};

const FUZZING_MS: i64 = 11 * MINUTE_MS;
const FUZZING_COUNT: usize = 500;
const FUZZING_DISTINCT: usize = 250;
const WAZUH_MS: i64 = 90 * SECOND_MS;
const WAZUH_COUNT: usize = 14;
const DATADOG_MS: i64 = 10 * MINUTE_MS;
const DATADOG_COUNT: usize = 100;

/// Refused requests of one address.
#[derive(Clone, Debug, Default)]
struct Fuzzed {
    requests: VecDeque<(Moment, (Route, Id))>,
    /// How many of them ask for each thing.
    targets: BTreeMap<(Route, Id), usize>,
}

impl Fuzzed {
    /// Takes a refused request, and forgets those that are too old.
    fn take(&mut self, request: &Request) {
        self.requests.push_back((request.at, target(request)));
        *self.targets.entry(target(request)).or_default() += 1;
        while let Some((_, what)) =
            self.requests.pop_front_if(|(at, _)| request.at.since(*at) > FUZZING_MS)
        {
            let left = self.targets.get(&what).map_or(0, |it| it.saturating_sub(1));
            if left > 0 {
                self.targets.insert(what, left);
            } else {
                self.targets.remove(&what);
            }
        }
    }
}

/// Refusals and the last answer of one address on one endpoint.
#[derive(Clone, Debug, Default)]
struct Scanned {
    refused: VecDeque<Moment>,
    answered: Option<Moment>,
}

/// The counters of all three.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    fuzzed: HashMap<Key, Fuzzed>,
    refused: HashMap<Key, VecDeque<Moment>>,
    scanned: HashMap<Key, Scanned>,
}

impl Counters {
    pub(super) fn fuzzing(&mut self, request: &Request) -> Option<Key> {
        if !is_get(request) || !matches!(request.status, 403 | 404) {
            return None;
        }
        let key = Key::Address(request.client.address);
        let own = self.fuzzed.entry(key).or_default();
        own.take(request);
        let fires = own.requests.len() > FUZZING_COUNT && own.targets.len() > FUZZING_DISTINCT;
        if fires {
            *own = Fuzzed::default();
        }
        fires.then_some(key)
    }

    /// Forgets keys of which nothing counts any more.
    pub(super) fn forget(&mut self, now: Moment) {
        let counts = |at: Option<Moment>, within: i64| at.is_some_and(|it| now.since(it) <= within);
        self.fuzzed.retain(|_, it| counts(it.requests.back().map(|it| it.0), FUZZING_MS));
        self.refused.retain(|_, it| counts(it.back().copied(), WAZUH_MS));
        self.scanned.retain(|_, it| {
            counts(it.refused.back().copied(), DATADOG_MS) || counts(it.answered, DATADOG_MS)
        });
    }

    pub(super) fn wazuh(&mut self, request: &Request) -> Option<Key> {
        let is_crawler = request.agent == super::super::request::Agent::CRAWLER;
        if !is_refused(request) || is_crawler {
            return None;
        }
        let key = Key::Address(request.client.address);
        let own = self.refused.entry(key).or_default();
        own.push_back(request.at);
        while own.front().is_some_and(|it| request.at.since(*it) > WAZUH_MS) {
            own.pop_front();
        }
        let fires = own.len() >= WAZUH_COUNT;
        if fires {
            own.clear();
        }
        fires.then_some(key)
    }

    pub(super) fn datadog(&mut self, request: &Request) -> Option<Key> {
        let key = Key::AddressOn(request.client.address, request.route);
        if request.status == 200 {
            self.scanned.entry(key).or_default().answered = Some(request.at);
        } else if is_refused(request) {
            self.scanned.entry(key).or_default().refused.push_back(request.at);
        } else {
            return None;
        }
        let own = self.scanned.get_mut(&key)?;
        while own.refused.front().is_some_and(|it| request.at.since(*it) > DATADOG_MS) {
            own.refused.pop_front();
        }
        let answered = own.answered.is_some_and(|it| request.at.since(it) <= DATADOG_MS);
        let fires = answered && own.refused.len() > DATADOG_COUNT;
        if fires {
            *own = Scanned::default();
        }
        fires.then_some(key)
    }
}

const fn is_refused(request: &Request) -> bool {
    request.status >= 400 && request.status < 500
}

#[cfg(test)]
mod tests {
    use super::super::request_at;
    use super::*;
    use crate::scenarios::Who;

    fn get(second: i64, number: u64, status: u16) -> Request {
        request_at(second, Who::Nobody, Route::Protocol, number, status)
    }

    #[test]
    fn fuzzing_needs_501_refusals_on_251_urls() {
        let mut rules = Counters::default();
        let few = (0..600).filter_map(|it| rules.fuzzing(&get(0, it % 250, 404))).count();
        assert_eq!(few, 0);
        let mut rules = Counters::default();
        let many = (0..501).filter_map(|it| rules.fuzzing(&get(0, it % 251, 404))).count();
        assert_eq!(many, 1);
    }

    #[test]
    fn fuzzing_forgets_what_is_eleven_minutes_old() {
        let mut rules = Counters::default();
        let slow = (0..2_000).filter_map(|it| rules.fuzzing(&get(it * 2, it.unsigned_abs(), 404)));
        assert_eq!(slow.count(), 0);
    }

    #[test]
    fn wazuh_counts_fourteen_refusals_of_any_kind_in_ninety_seconds() {
        let mut rules = Counters::default();
        let at_once = (0..14).filter_map(|it| rules.wazuh(&get(it, 1, 401))).count();
        assert_eq!(at_once, 1);
        let mut rules = Counters::default();
        assert!((0..100).all(|it| rules.wazuh(&get(it * 10, 1, 404)).is_none()));
    }

    #[test]
    fn datadog_needs_a_hit_among_more_than_a_hundred_refusals_on_one_endpoint() {
        let mut rules = Counters::default();
        assert!((0..200).all(|it| rules.datadog(&get(0, it, 404)).is_none()));
        assert!(rules.datadog(&get(1, 7, 200)).is_some());
    }
}
