//! A route as a whole: what thousands of clients do together and none of them does alone.
//!
//! [`Crowd`] reads the first contacts of a route's strangers as one client's. A client speaks with
//! its first three contacts of an hour only: one that guesses a thousand times is its own evidence
//! and not the site's, and honest clients that mistype much weigh no more than others.
//!
//! Once the site speaks, whoever missed since its evidence rose from nothing is named, and whoever
//! misses while it lasts joins: where misses have risen eightfold, seven of eight are the guessers'.
//! All of it is one alert, and what is found about one of them alone is told with it.
//!
//! Where clients that are known miss as well, it is no crowd: a release that answers 404 makes
//! everybody miss at once. That is a ticket.

use super::context::{Seen, member};
use super::{Cause, Finding, FindingKind, Member, Picture, Rules, has_grown};
use crate::attribute::{KeyKind, Lookup, Mask, Outcome, RouteClass};
use crate::evidence::crowd::{Crowd, CrowdTally};
use crate::evidence::{Nats, STREAMS, Stream};
use crate::profile::Large;
use crate::time::{DAY_MS, MINUTE_MS, Moment};
use std::collections::BTreeMap;

/// The key that stands for a route as a whole among keyed hashes of clients.
pub const SITE_KEY: u64 = 0x5349_5445_0000_0001;
/// First contacts of an hour with which a client speaks for the site.
pub(super) const VOICE_AN_HOUR: u32 = 3;
/// Without evidence for this long an alert is over: such a crowd works in bursts, the same hours
/// every day, and is one page.
const OVER_MS: i64 = DAY_MS;
/// Strangers remembered since evidence rose, named or not.
const STRANGERS_MAX: usize = 1 << 14;
/// Records remembered of a client that is not named yet.
const RECORDS_MAX: usize = 8;
/// Look-ups of clients that are no strangers below which they say nothing about the route.
const OTHERS_MIN: u32 = 10;
/// Masked subjects shown.
const EXAMPLES_MAX: usize = 3;

/// A look-up as a site sees it.
#[derive(Clone, Copy, Debug)]
pub struct SiteContact<'a> {
    /// Its place in the cut.
    pub index: u32,
    /// The look-up.
    pub lookup: &'a Lookup,
    /// The kind of its finest key.
    pub kind: KeyKind,
    /// It is one of a stranger's first contacts of the hour.
    pub speaks: bool,
}

/// A stranger since the site's evidence rose from nothing.
#[derive(Clone, Debug, Default)]
struct Stranger {
    /// Who it is, once it has missed.
    missed: Option<Member>,
    /// It stands in the alert.
    named: bool,
    /// The first records that it was shown before that.
    records: Vec<u64>,
}

/// The open alert about a site.
#[derive(Clone, Debug)]
struct Loud {
    paged: bool,
    /// The last minute with evidence at ticket level.
    minute: i64,
    /// Distinct records that those who are named were shown.
    out: Large,
    /// Records out when the picture was told last.
    told: u64,
}

/// One route.
#[derive(Clone, Debug, Default)]
pub struct Site {
    crowd: Crowd,
    evidence: Nats,
    /// When evidence rose from nothing, and the slice of that contact.
    since: Option<(Moment, i64)>,
    tally: CrowdTally,
    /// Meanwhile, of clients that are no strangers.
    others: CrowdTally,
    strangers: BTreeMap<u64, Stranger>,
    /// Those of them who have missed and are not named yet, in the order in which they did.
    waiting: Vec<u64>,
    examples: Vec<Mask>,
    loud: Option<Loud>,
    findings: Vec<(u32, Finding)>,
}

impl Site {
    /// Whether its look-ups are to be shown to it, also those that do not speak.
    #[must_use]
    pub const fn listens(&self) -> bool {
        self.since.is_some()
    }

    /// Whether an alert about it is open.
    #[must_use]
    pub const fn is_loud(&self) -> bool {
        self.loud.is_some()
    }

    /// Distinct records that the clients of its open alert were shown, and half a 95 % interval.
    #[must_use]
    pub fn records(&self) -> Option<(u64, u64)> {
        self.loud.as_ref().map(|it| it.out.count())
    }

    /// The findings since they were last taken, each with the place of the look-up behind it.
    pub fn take_findings(&mut self) -> Vec<(u32, Finding)> {
        std::mem::take(&mut self.findings)
    }

    /// Takes a look-up.
    pub fn take(&mut self, contact: SiteContact<'_>, seen: &Seen<'_>) {
        let (rules, lookup) = (seen.rules, contact.lookup);
        let class = rules.routes.get(usize::from(lookup.route.0)).map(|it| it.class);
        if !matches!(class, Some(RouteClass::Personal | RouteClass::Register)) {
            return;
        }
        let missed = matches!(lookup.outcome, Outcome::Missed | Outcome::Denied);
        if contact.speaks {
            let before = self.evidence;
            self.evidence = self.crowd.take(&rules.miss, missed);
            if self.evidence == 0 && before > 0 {
                self.rest();
            }
            if self.evidence > 0 {
                self.since.get_or_insert((lookup.event, seen.slice));
                self.tally.count(missed);
            }
        }
        if self.since.is_none() {
            return;
        }
        self.remember(&contact, missed, seen.names);
        if self.evidence < rules.levels.ticket {
            return;
        }
        let raised = self.rise(seen);
        if raised || !self.waiting.is_empty() || self.has_grown(rules.update_factor) {
            let what = if raised { FindingKind::Raised } else { FindingKind::Changed };
            self.tell(&contact, what, rules);
        }
    }

    /// Keeps what a client did.
    fn remember(&mut self, contact: &SiteContact<'_>, missed: bool, names: &[u8]) {
        let SiteContact { lookup, kind, speaks, .. } = *contact;
        let Some(&key) = lookup.keys.get(kind.index()) else { return };
        if speaks && self.evidence > 0 && self.strangers.len() < STRANGERS_MAX {
            self.strangers.entry(key).or_default();
        }
        let Some(stranger) = self.strangers.get_mut(&key) else {
            if !speaks && self.evidence > 0 {
                self.others.count(missed);
            }
            return;
        };
        if lookup.outcome == Outcome::Disclosed {
            match &mut self.loud {
                Some(loud) if stranger.named => loud.out.insert(lookup.record),
                _ if stranger.records.len() < RECORDS_MAX => stranger.records.push(lookup.record),
                _ => {}
            }
        }
        if !missed {
            return;
        }
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(lookup.mask);
        }
        if stranger.missed.is_none() {
            stranger.missed = Some(member(lookup, kind, names));
            self.waiting.push(key);
        }
    }

    /// Whether this contact opens the alert, or makes a page of it.
    fn rise(&mut self, seen: &Seen<'_>) -> bool {
        let levels = &seen.rules.levels;
        let page = self.evidence >= levels.page && !self.is_everybodys();
        let minute = seen.at.index(MINUTE_MS);
        let Some(loud) = &mut self.loud else {
            self.loud = Some(Loud { paged: page, minute, out: Large::default(), told: 0 });
            return true;
        };
        loud.minute = minute;
        let louder = page && !loud.paged;
        loud.paged |= page;
        louder
    }

    /// Whether known clients miss at least half as often.
    fn is_everybodys(&self) -> bool {
        let (others, own) = (self.others, self.tally);
        let others_twice = 2 * u64::from(others.missed) * u64::from(own.trials);
        let strangers = u64::from(own.missed) * u64::from(others.trials);
        others.trials >= OTHERS_MIN && others_twice >= strangers
    }

    fn has_grown(&self, factor: f64) -> bool {
        self.loud.as_ref().is_some_and(|it| has_grown(it.told, it.out.count().0, factor))
    }

    /// Says what is known by now, and names who is not named yet.
    fn tell(&mut self, contact: &SiteContact<'_>, what: FindingKind, rules: &Rules) {
        let Some(loud) = &mut self.loud else { return };
        let mut members = Vec::new();
        for key in std::mem::take(&mut self.waiting) {
            let Some(stranger) = self.strangers.get_mut(&key) else { continue };
            members.extend(stranger.missed.clone());
            stranger.named = true;
            stranger.records.drain(..).for_each(|it| loud.out.insert(it));
        }
        loud.told = loud.out.count().0;
        let (route, event) = (contact.lookup.route.0, contact.lookup.event);
        let finding = self.finding((what, route, event), members, rules);
        self.findings.extend(finding.map(|it| (contact.index, it)));
    }

    fn finding(
        &self,
        (what, route, at): (FindingKind, u16, Moment),
        members: Vec<Member>,
        rules: &Rules,
    ) -> Option<Finding> {
        let (loud, (first_seen, first_slice)) = (self.loud.as_ref()?, self.since?);
        let mut streams = [0; STREAMS];
        if let Some(miss) = streams.get_mut(Stream::Miss.index()) {
            *miss = self.evidence;
        }
        let CrowdTally { trials, missed } = self.tally;
        Some(Finding {
            what,
            route,
            key: SITE_KEY,
            kind: KeyKind::Network,
            via: 0,
            members,
            page: loud.paged,
            observe: rules.routes.get(usize::from(route)).is_some_and(|it| it.observe),
            cause: Cause::Evidence(Stream::Miss),
            log_e: self.evidence,
            streams,
            first_seen,
            first_slice,
            at,
            records: loud.out.count(),
            picture: Picture {
                expected: self.crowd.honest() * f64::from(trials),
                seen: f64::from(missed),
                span_seconds: 0,
                quantity: format!("misses in {trials} first look-ups of strangers"),
            },
            examples: self.examples.clone(),
        })
    }

    /// Called once a cut, after its look-ups: hours end, and an alert that has been quiet for long
    /// enough.
    pub fn tick(&mut self, route: u16, seen: &Seen<'_>) {
        self.crowd.roll(seen.at, seen.rules.levels.ticket);
        let quiet_ms = |it: &Loud| (seen.at.index(MINUTE_MS) - it.minute) * MINUTE_MS;
        let over_ms = seen.rules.resolve_after_ms.max(OVER_MS);
        if self.loud.as_ref().is_none_or(|it| quiet_ms(it) < over_ms) {
            return;
        }
        let finding = self.finding((FindingKind::Quiet, route, seen.at), Vec::new(), seen.rules);
        self.findings.extend(finding.map(|it| (u32::MAX, it)));
        self.crowd.reset();
        self.loud = None;
        self.rest();
    }

    /// Evidence has fallen to nothing: forgets what happened since it rose, but for those who are
    /// named in an open alert.
    fn rest(&mut self) {
        self.waiting.clear();
        if self.loud.is_some() {
            self.strangers.retain(|_, it| it.named);
            return;
        }
        let (crowd, findings) =
            (std::mem::take(&mut self.crowd), std::mem::take(&mut self.findings));
        *self = Self { crowd, findings, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::weights_of;
    use super::super::{Acts, Levels, RouteRules, WatchList};
    use super::*;
    use crate::attribute::{ClassId, KEY_KINDS, NameRef, Position, RouteId};
    use crate::evidence::ONE_NAT;
    use crate::profile::Baselines;
    use crate::time::{HOUR_MS, SECOND_MS};

    const NEWS: [FindingKind; 2] = [FindingKind::Raised, FindingKind::Quiet];

    /// A site with its rules and a clock.
    struct World {
        site: Site,
        rules: Rules,
        baselines: Baselines,
        at: Moment,
        number: u64,
    }

    impl World {
        /// After five days in which every twentieth look-up of a stranger missed.
        fn new() -> Self {
            let route = RouteRules {
                name: "form".into(),
                class: RouteClass::Personal,
                ordered: false,
                national: false,
                households: false,
                acts: Acts::default(),
                weights: weights_of(RouteClass::Personal, false, Acts::default()),
                observe: false,
                classes: Vec::new(),
                class_observe: Vec::new(),
            };
            let levels = Levels { page: 18 * ONE_NAT, ticket: 13 * ONE_NAT, records_page: 1_000 };
            let rules =
                Rules::new(vec![route], levels, (HOUR_MS, 3.0), WatchList::default().into());
            let at = Moment(20_000 * DAY_MS);
            let baselines = Baselines::new(1, 1);
            let mut world = Self { site: Site::default(), rules, baselines, at, number: 0 };
            for number in 0..5 * 24 * 60 {
                world.ask(number, Some(number.is_multiple_of(20)));
                world.pass(60 * SECOND_MS);
            }
            world
        }

        /// A look-up: a stranger's that misses or does not, or else a known client's that misses.
        fn ask(&mut self, client: u64, stranger: Option<bool>) {
            let missed = stranger.unwrap_or(true);
            self.number += 1;
            let mut keys = [0; KEY_KINDS];
            keys[KeyKind::Address.index()] = client + 1;
            let lookup = Lookup {
                event: self.at,
                content: self.number,
                keys,
                classes: [ClassId(0); KEY_KINDS],
                route: RouteId(0),
                outcome: if missed { Outcome::Missed } else { Outcome::Disclosed },
                subject: self.number,
                record: self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                position: Position::NONE,
                bytes: 0,
                form: 0,
                mask: Mask::of(b"1234567890"),
                names: NameRef(0),
            };
            let speaks = stranger.is_some();
            let contact = SiteContact { index: 0, lookup: &lookup, kind: KeyKind::Address, speaks };
            let (site, seen) = self.both();
            site.take(contact, &seen);
        }

        fn pass(&mut self, ms: i64) {
            self.at = self.at.plus(ms);
            let (site, seen) = self.both();
            site.tick(0, &seen);
        }

        fn both(&mut self) -> (&mut Site, Seen<'_>) {
            let Self { site, rules, baselines, at, .. } = self;
            let seen = Seen { rules, baselines, spaces: &[], names: &[], slice: 0, at: *at };
            (site, seen)
        }

        /// What was raised or ended since it was last asked for: as what, as a page or not.
        fn news(&mut self) -> Vec<(FindingKind, bool)> {
            let all = self.site.take_findings().into_iter().map(|it| it.1);
            all.filter(|it| NEWS.contains(&it.what)).map(|it| (it.what, it.page)).collect()
        }
    }

    #[test]
    fn a_crowd_is_a_ticket_then_a_page_then_over_after_a_day_without() {
        let mut world = World::new();
        (0..200).for_each(|it| world.ask(10_000 + it, Some(it.is_multiple_of(2))));
        assert!(world.site.is_loud());
        let raised = (FindingKind::Raised, false);
        assert_eq!(world.news(), [raised, (FindingKind::Raised, true)]);
        world.pass(DAY_MS - HOUR_MS);
        assert_eq!(world.news(), []);
        world.pass(2 * HOUR_MS);
        assert_eq!(world.news(), [(FindingKind::Quiet, true)]);
        assert!(!world.site.is_loud());
    }

    #[test]
    fn a_crowd_after_another_is_told_by_its_own_numbers_and_strangers_between_take_no_room() {
        let mut world = World::new();
        (0..200).for_each(|it| world.ask(10_000 + it, Some(it.is_multiple_of(2))));
        // Far more honest strangers than are remembered, while the alert is open still.
        (0..40_000).for_each(|it| world.ask(100_000 + it, Some(it.is_multiple_of(20))));
        assert!(world.site.is_loud() && world.site.strangers.len() < 1_000);
        world.pass(DAY_MS + HOUR_MS);
        assert!(!world.site.is_loud() && world.site.strangers.is_empty());
        world.site.take_findings();
        (0..200).for_each(|it| world.ask(20_000 + it, Some(it.is_multiple_of(2))));
        let findings = world.site.take_findings();
        let last = &findings.last().unwrap().1;
        assert!(last.picture.seen <= 100.0, "{:?}", last.picture);
        let named = findings.iter().flat_map(|it| &it.1.members);
        assert!(named.clone().count() > 80 && named.clone().all(|it| it.key > 20_000));
    }

    #[test]
    fn those_who_missed_are_named_and_what_they_were_shown_is_counted() {
        let mut world = World::new();
        // Two of three miss, and then all of them are shown somebody.
        (0..150).for_each(|it| world.ask(10_000 + it, Some(!it.is_multiple_of(3))));
        (0..150).for_each(|it| world.ask(10_000 + it, Some(false)));
        let findings = world.site.take_findings();
        let named: Vec<u64> =
            findings.iter().flat_map(|it| &it.1.members).map(|it| it.key).collect();
        let missed: Vec<u64> = (0..150).filter(|it| it % 3 > 0).map(|it| 10_001 + it).collect();
        let mut sorted = named.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), named.len(), "nobody twice");
        assert!(named.iter().all(|it| missed.contains(it)));
        assert!(named.len() >= 80, "{} of {}", named.len(), missed.len());
        let (records, error) = world.site.records().unwrap();
        assert!(records.abs_diff(named.len() as u64) <= error + 5, "{records} of {}", named.len());
    }

    #[test]
    fn where_known_clients_miss_as_well_it_is_a_ticket() {
        let mut world = World::new();
        for it in 0..400 {
            world.ask(10_000 + it, Some(true));
            world.ask(it % 7, None);
        }
        assert_eq!(world.news(), [(FindingKind::Raised, false)]);
    }
}
