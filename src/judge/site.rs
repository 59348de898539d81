//! A route as a whole: what thousands of clients do together and none of them does alone.
//!
//! Two things give such a crowd away. Where it guesses, [`Crowd`] reads the first contacts of a
//! route's strangers as one client's. Where it knows whom to ask for, there is nothing but that
//! more strangers read what nobody else reads than on other days, and more than everybody else
//! does more of everything ([`surge`](crate::evidence::surge)). A client speaks with its first
//! three contacts of an hour only: one that asks a thousand times is its own evidence and not the
//! site's, and honest clients that mistype much weigh no more than others.
//!
//! Once the site speaks, whoever missed since its evidence rose from nothing is named, and whoever
//! misses while it lasts joins: where misses have risen eightfold, seven of eight are the guessers'.
//! Where there are too many, it is whoever read alone meanwhile: at five times the honest, four of
//! five are the harvest's, and more cannot be said of any of them. All of it is one alert, and what
//! is found about one of them alone is told with it.
//!
//! Where clients that are known miss as well, it is no crowd: a release that answers 404 makes
//! everybody miss at once. That is a ticket, and so is a search engine that has found the register
//! and says who it is.

use super::context::{Seen, member};
use super::flow::{self, Flow, Surges};
use super::speaker::Speaker;
use super::strangers::Strangers;
use super::{Cause, Finding, FindingKind, Member, Picture, Rules, has_grown};
use crate::attribute::{KeyKind, Lookup, Outcome};
use crate::evidence::crowd::{Crowd, CrowdTally};
use crate::evidence::ebb::{self, Ebb};
use crate::evidence::tide::Tide;
use crate::evidence::{Nats, STREAMS, Stream};
use crate::profile::Large;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use borsh::{BorshDeserialize, BorshSerialize};

/// The key that stands for a route as a whole among keyed hashes of clients.
pub const SITE_KEY: u64 = 0x5349_5445_0000_0001;
/// Without evidence for this long an alert is over: such a crowd works in bursts, the same hours
/// every day, and is one page.
const OVER_MS: i64 = DAY_MS;
/// Look-ups of clients that are no strangers below which they say nothing about the route.
const OTHERS_MIN: u32 = 10;

/// A look-up as a site sees it.
#[derive(Clone, Copy, Debug)]
pub struct SiteContact<'a> {
    /// Its place in the cut.
    pub index: u32,
    /// The look-up.
    pub lookup: &'a Lookup,
    /// The kind of its finest key.
    pub kind: KeyKind,
    /// For whom it speaks.
    pub speaker: Speaker,
    /// Nobody had touched its record.
    pub cold: bool,
}

impl SiteContact<'_> {
    /// Its client.
    pub(super) fn key(&self) -> u64 {
        self.lookup.keys.get(self.kind.index()).copied().unwrap_or(0)
    }

    /// Whether it found nobody.
    pub(super) const fn missed(&self) -> bool {
        matches!(self.lookup.outcome, Outcome::Missed | Outcome::Denied)
    }
}

/// The open alert about a site.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
struct Loud {
    /// What opened it.
    stream: Stream,
    paged: bool,
    /// The last minute with evidence at ticket level.
    minute: i64,
    /// Distinct records that those who are named were shown.
    out: Large,
    /// Records out when the picture was told last.
    told: u64,
}

/// One route.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Site {
    crowd: Crowd,
    flow: Flow,
    /// All its look-ups.
    all: Tide,
    /// That its strangers miss too often.
    evidence: Nats,
    /// That they are too many.
    surges: Surges,
    /// The highest evidence of this hour.
    peak: Nats,
    /// When evidence rose from nothing, and the slice of that contact.
    since: Option<(Moment, i64)>,
    tally: CrowdTally,
    /// Meanwhile, of clients that are no strangers.
    others: CrowdTally,
    strangers: Strangers,
    loud: Option<Loud>,
    /// Taken at the end of every cut.
    #[borsh(skip)]
    findings: Vec<(u32, Finding)>,
}

/// Called once a cut, before its look-ups: once a minute routes with more strangers than usual are
/// compared with all others.
pub fn begin_sites(sites: &mut [Site], seen: &Seen<'_>) {
    let minute = seen.at.index(MINUTE_MS);
    if sites.first().is_none_or(|it| it.flow.minute() >= minute) {
        return;
    }
    sites.iter_mut().for_each(|it| it.roll(seen));
    let mut common = None;
    for route in 0..sites.len() {
        let up = sites.get(route).is_some_and(|it| it.flow.could_speak());
        if up && common.is_none() {
            common = Some(flow::common(sites.iter().map(|it| &it.flow)));
        }
        let Some(site) = sites.get_mut(route) else { continue };
        let surges = common.as_ref().filter(|_| up).map(|it| site.flow.read(it));
        site.swell(u16::try_from(route).unwrap_or(u16::MAX), surges.unwrap_or_default(), seen);
    }
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

    /// Counts a look-up, whoever it is by.
    pub const fn count(&mut self) {
        self.all.count();
    }

    /// Whether it holds far less than it used to in the quarter of an hour before `at` ([`ebb`]).
    #[must_use]
    pub fn ebb(&self, at: Moment, told: bool) -> Option<Ebb> {
        ebb::read(&self.all, at, told)
    }

    /// Takes a look-up.
    pub fn take(&mut self, contact: SiteContact<'_>, seen: &Seen<'_>) {
        let (rules, lookup) = (seen.rules, contact.lookup);
        let Some(route) = rules.routes.get(usize::from(lookup.route.0)) else { return };
        let alone = self.flow.count(route, &contact);
        if !flow::is_of_somebody(route) {
            return;
        }
        if contact.speaker == Speaker::Stranger {
            let before = self.evidence;
            self.evidence = self.crowd.take(&rules.miss, contact.missed());
            self.peak = self.peak.max(self.evidence);
            if self.evidence == 0 && before > 0 {
                self.rest();
            }
            if self.evidence > 0 {
                self.since.get_or_insert((lookup.event, seen.slice));
                self.tally.count(contact.missed());
            }
        }
        if self.since.is_none() {
            return;
        }
        self.remember((&contact, alone), seen.names);
        if self.evidence < rules.levels.ticket {
            return;
        }
        let page = self.evidence >= rules.levels.page && !self.is_everybodys();
        let place = (contact.index, lookup.route.0, lookup.event);
        self.speak(Stream::Miss, page, place, seen);
    }

    /// Keeps what a client did.
    fn remember(&mut self, (contact, alone): (&SiteContact<'_>, bool), names: &[u8]) {
        if contact.speaker == Speaker::Stranger && self.has_evidence() {
            self.strangers.meet(contact.key());
        }
        let out = self.loud.as_mut().map(|it| &mut it.out);
        let is_stranger = self
            .strangers
            .keep((contact, alone), out, || member(contact.lookup, contact.kind, names));
        let is_other = !matches!(contact.speaker, Speaker::Stranger | Speaker::Itself);
        if !is_stranger && is_other && self.evidence > 0 {
            self.others.count(contact.missed());
        }
    }

    const fn has_evidence(&self) -> bool {
        self.evidence > 0 || self.surges.all.log_e > 0
    }

    /// Closes the minute.
    fn roll(&mut self, seen: &Seen<'_>) {
        let quiet = self.peak < seen.rules.levels.ticket;
        let hour_ends = seen.at.index(HOUR_MS) * 60 > self.flow.minute();
        self.flow.roll(seen.at, quiet);
        self.all.roll(seen.at, true);
        if hour_ends {
            self.peak = 0;
        }
    }

    /// Takes how many more strangers there are than expected.
    fn swell(&mut self, route: u16, surges: Surges, seen: &Seen<'_>) {
        let had_evidence = self.has_evidence();
        self.surges = surges;
        let Surges { all, undeclared } = self.surges;
        self.peak = self.peak.max(all.log_e);
        if had_evidence && !self.has_evidence() {
            self.rest();
        }
        if all.log_e > 0 {
            self.since.get_or_insert((seen.at, seen.slice));
        }
        // Who is not met yet cannot be named: it is a minute at most.
        let named = self.loud.is_some() || self.strangers.wait(Stream::Volume);
        if all.log_e >= seen.rules.levels.ticket && named {
            let page = undeclared.log_e >= seen.rules.levels.page;
            self.speak(Stream::Volume, page, (u32::MAX, route, seen.at), seen);
        }
    }

    /// Says what is known by now, where it is news, and names who is not named yet.
    fn speak(
        &mut self,
        stream: Stream,
        page: bool,
        (index, route, at): (u32, u16, Moment),
        seen: &Seen<'_>,
    ) {
        let raised = self.rise(stream, page, seen.at);
        let Some(loud) = &mut self.loud else { return };
        // Who missed among guessers is known better than who came among many.
        let names = stream == Stream::Miss || loud.stream == stream;
        let grown = has_grown(loud.told, loud.out.count().0, seen.rules.update_factor);
        let is_news = raised || grown || names && self.strangers.wait(stream);
        if !is_news {
            return;
        }
        let members = if names { self.strangers.name(stream, &mut loud.out) } else { Vec::new() };
        loud.told = loud.out.count().0;
        let what = if raised { FindingKind::Raised } else { FindingKind::Changed };
        let finding = self.finding((what, route, at), members, seen.rules);
        self.findings.extend(finding.map(|it| (index, it)));
    }

    /// Whether this opens the alert, or makes a page of it.
    fn rise(&mut self, stream: Stream, page: bool, at: Moment) -> bool {
        let minute = at.index(MINUTE_MS);
        let Some(loud) = &mut self.loud else {
            let out = Large::default();
            self.loud = Some(Loud { stream, paged: page, minute, out, told: 0 });
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

    fn finding(
        &self,
        (what, route, at): (FindingKind, u16, Moment),
        members: Vec<Member>,
        rules: &Rules,
    ) -> Option<Finding> {
        let (loud, (first_seen, first_slice)) = (self.loud.as_ref()?, self.since?);
        let volume = self.surges.all.log_e;
        let mut streams = [0; STREAMS];
        for (stream, log_e) in [(Stream::Miss, self.evidence), (Stream::Volume, volume)] {
            streams.get_mut(stream.index()).into_iter().for_each(|it| *it = log_e);
        }
        Some(Finding {
            what,
            route,
            key: SITE_KEY,
            kind: KeyKind::Network,
            via: 0,
            members,
            page: loud.paged,
            observe: rules.routes.get(usize::from(route)).is_some_and(|it| it.observe),
            cause: Cause::Evidence(loud.stream),
            log_e: self.evidence.max(volume),
            streams,
            first_seen,
            first_slice,
            at,
            records: loud.out.count(),
            picture: self.picture(loud.stream),
            examples: self.strangers.examples(loud.stream).to_vec(),
        })
    }

    fn picture(&self, stream: Stream) -> Picture {
        if stream == Stream::Volume {
            let all = self.surges.all;
            return Picture {
                expected: all.expected,
                seen: all.seen,
                span_seconds: all.minutes as u64 * 60,
                quantity: format!("first look-ups by strangers in {} minutes", all.minutes),
            };
        }
        let CrowdTally { trials, missed } = self.tally;
        Picture {
            expected: self.crowd.honest() * f64::from(trials),
            seen: f64::from(missed),
            span_seconds: 0,
            quantity: format!("misses in {trials} first look-ups of strangers"),
        }
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
        (self.evidence, self.surges, self.loud) = (0, Surges::default(), None);
        self.rest();
    }

    /// Evidence of misses has fallen to nothing, or all of it: forgets what happened since it
    /// rose, but for those who are named in an open alert.
    fn rest(&mut self) {
        let is_loud = self.loud.is_some();
        if !is_loud {
            (self.tally, self.others) = (CrowdTally::default(), CrowdTally::default());
        }
        if self.has_evidence() {
            return;
        }
        self.strangers.forget(is_loud);
        if !is_loud {
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::weights_of;
    use super::super::{Acts, Levels, RouteRules, WatchList};
    use super::*;
    use crate::attribute::{ClassId, KEY_KINDS, Mask, RouteClass};
    use crate::evidence::ONE_NAT;
    use crate::profile::{Baselines, ClassSpec};
    use crate::time::{HOUR_MS, SECOND_MS};

    /// Addresses of people.
    const HOMES: (KeyKind, u8) = (KeyKind::Address, 0);
    const NEWS: [FindingKind; 2] = [FindingKind::Raised, FindingKind::Quiet];

    fn class(name: &str) -> ClassSpec {
        let name = name.to_owned();
        let (subjects, k, minute, longer, k_new) = (3.0, 0.5, 10.0, 10.0, 0.5);
        let (per_session, observe_days, misses) = (false, 0, 0.05);
        ClassSpec { name, subjects, per_session, k, minute, longer, k_new, misses, observe_days }
    }

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
                by_cursor: false,
                names_regions: false,
                national: false,
                households: false,
                acts: Acts::default(),
                weights: weights_of(RouteClass::Personal, false),
                observe: false,
                classes: ["address", "crawler"].map(class).to_vec(),
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
            let speaker = if stranger.is_some() { Speaker::Stranger } else { Speaker::None };
            self.look((client, KeyKind::Address, 0), stranger.unwrap_or(true), speaker);
        }

        /// A look-up by this client, kind of key and class.
        fn look(
            &mut self,
            (client, kind, class): (u64, KeyKind, u8),
            missed: bool,
            speaker: Speaker,
        ) {
            self.number += 1;
            let mut keys = [0; KEY_KINDS];
            keys[kind.index()] = client + 1;
            let lookup = Lookup {
                event: self.at,
                content: self.number,
                keys,
                classes: [ClassId(class); KEY_KINDS],
                outcome: if missed { Outcome::Missed } else { Outcome::Disclosed },
                subject: self.number,
                record: self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                mask: Mask::of(b"1234567890"),
                ..Lookup::EMPTY
            };
            let contact = SiteContact { index: 0, lookup: &lookup, kind, speaker, cold: true };
            let (site, seen) = self.both();
            site.take(contact, &seen);
        }

        fn pass(&mut self, ms: i64) {
            self.at = self.at.plus(ms);
            let (site, seen) = self.both();
            begin_sites(std::slice::from_mut(site), &seen);
            site.tick(0, &seen);
        }

        /// So many minutes in which as many strangers as usual read somebody, and so many more; a
        /// client that is known comes twice.
        fn hours(&mut self, minutes: u64, more: u64, of: (KeyKind, u8)) {
            for minute in 0..minutes {
                self.minute(minute, more, of);
                self.pass(60 * SECOND_MS);
            }
        }

        fn minute(&mut self, minute: u64, more: u64, of: (KeyKind, u8)) {
            let honest = (self.number + 1, KeyKind::Address, 0);
            self.look(honest, false, Speaker::Stranger);
            for _ in 0..more {
                self.look((1_000_000 + self.number, of.0, of.1), false, Speaker::Stranger);
            }
            for known in [minute % 5, minute % 5 + 1] {
                self.look((known, KeyKind::Address, 0), false, Speaker::Known);
            }
        }

        fn both(&mut self) -> (&mut Site, Seen<'_>) {
            let Self { site, rules, baselines, at, .. } = self;
            let seen = Seen {
                rules,
                baselines,
                spaces: &[],
                contacts: &[],
                names: &[],
                slice: 0,
                at: *at,
            };
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
        assert!(!world.site.is_loud() && world.site.strangers.len() == 0);
        world.site.take_findings();
        (0..200).for_each(|it| world.ask(20_000 + it, Some(it.is_multiple_of(2))));
        let findings = world.site.take_findings();
        let last = &findings.last().unwrap().1;
        assert!(last.picture.seen <= 100.0, "{:?}", last.picture);
        let named = findings.iter().flat_map(|it| &it.1.members);
        assert!(named.clone().count() > 80 && named.clone().all(|it| it.key > 20_000));
    }

    #[test]
    fn a_crowd_that_reads_six_times_as_many_is_one_page_that_names_it() {
        let mut world = World::new();
        world.hours(9 * 24 * 60, 0, HOMES);
        assert_eq!(world.news(), []);
        world.hours(120, 9, HOMES);
        let findings = world.site.take_findings();
        let raised = findings.iter().filter(|it| it.1.what == FindingKind::Raised);
        assert!((1..=2).contains(&raised.count()) && findings.last().unwrap().1.page);
        assert!(findings.iter().all(|it| it.1.cause == Cause::Evidence(Stream::Volume)));
        let named: Vec<u64> =
            findings.iter().flat_map(|it| &it.1.members).map(|it| it.key).collect();
        let right = named.iter().filter(|it| **it > 1_000_000).count();
        assert!(named.len() > 500 && right * 10 >= named.len() * 8, "{right} of {}", named.len());
        // The hashes of this world are no good ones, so the sketch is off.
        let (records, named) = (world.site.records().unwrap().0, named.len() as u64);
        assert!(records.abs_diff(named) <= named / 5, "{records} of {named}");
        world.hours(26 * 60, 0, HOMES);
        assert_eq!(world.news(), [(FindingKind::Quiet, true)]);
    }

    #[test]
    fn a_crowd_of_logins_that_were_given_out_is_none() {
        let mut world = World::new();
        world.hours(9 * 24 * 60, 0, HOMES);
        world.hours(120, 9, (KeyKind::Staff, 0));
        assert_eq!(world.news(), []);
    }

    #[test]
    fn a_crowd_of_declared_crawlers_is_a_ticket() {
        let mut world = World::new();
        world.hours(9 * 24 * 60, 0, HOMES);
        world.hours(120, 9, (KeyKind::Address, 1));
        assert_eq!(world.news(), [(FindingKind::Raised, false)]);
    }

    #[test]
    fn a_crowd_in_the_first_week_is_not_guessed_at() {
        let mut world = World::new();
        world.hours(120, 9, HOMES);
        assert_eq!(world.news(), []);
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

    #[test]
    fn one_who_has_an_alert_of_its_own_makes_no_ticket_of_a_crowd() {
        let mut world = World::new();
        for it in 0..400 {
            world.ask(10_000 + it, Some(true));
            world.look((7, KeyKind::Address, 0), true, Speaker::Itself);
        }
        let pages = [(FindingKind::Raised, false), (FindingKind::Raised, true)];
        assert_eq!(world.news(), pages);
    }
}
