//! One logical shard of client keys.

use super::rules::{RouteRules, Rules};
use super::space::{Space, SpaceSample};
use super::streams::{self, Against, Voice};
use super::suspect::Suspect;
use super::{Finding, FindingKind, Member, picture};
use crate::attribute::{KeyKind, Lookup, Outcome, names};
use crate::evidence::volume::{HORIZON_MS, HORIZONS, Reading};
use crate::evidence::{Nats, ONE_NAT, STREAMS, Stream};
use crate::novelty::Contact;
use crate::profile::{
    Baselines, ClassSpec, Episode, Large, Learned, Lesson, Profile, SESSION_IDLE_MS,
    SESSION_LIFE_MS, Slot, Table,
};
use crate::time::{DAY_MS, MINUTE_MS, Moment};
use std::collections::{BTreeMap, BTreeSet};

/// Bounds of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Profiles.
    pub profiles_max: usize,
    /// Profiles with names, examples and a large sketch beside them.
    pub suspects_max: usize,
}

/// An alert's picture has changed when its records have grown this many times.
const UPDATE_FACTOR: u64 = 3;
/// An episode ends after this many minutes below one nat.
const EPISODE_IDLE_MINUTES: u32 = 24 * 60;

/// What the engine knows during a cut, the same for every shard.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// What classes have taught.
    pub baselines: &'a Baselines,
    /// How dense each route's ids are, by route.
    pub spaces: &'a [Space],
    /// The names of the cut's lookups.
    pub names: &'a [u8],
    /// The slice's number.
    pub slice: i64,
    /// The slice's end.
    pub at: Moment,
}

/// What a finest key hands to the roll-up above it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relay {
    /// Subjects a day that it is expected to look up; for a session, all of them at its start.
    pub expects: f32,
    /// Seconds since its contact before; `u32::MAX` at its first.
    pub gap_s: u32,
    /// `ln E`.
    pub evidence: u16,
    /// An alert of its own is open: its contacts no longer feed the roll-up.
    pub firing: bool,
    /// It has no clock: `expects` counts once.
    pub at_once: bool,
}

/// Counters and gauges of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Profiles.
    pub profiles: u64,
    /// Profiles that had to go.
    pub evicted: u64,
    /// Profiles under suspicion.
    pub suspects: u64,
    /// Profiles under suspicion that found no room.
    pub suspects_refused: u64,
    /// Bytes of memory.
    pub bytes: u64,
}

/// The profiles of one shard of client keys.
#[derive(Clone, Debug)]
pub struct Clients {
    table: Table,
    suspects: BTreeMap<Slot, Suspect>,
    firing: BTreeSet<Slot>,
    limits: Limits,
    /// Findings of this cut with the index of the lookup behind them.
    findings: Vec<(u32, Finding)>,
    /// Lessons since they were last collected.
    lessons: Vec<Lesson>,
    /// Samples of each route's subjects.
    samples: Vec<SpaceSample>,
    suspects_refused: u64,
}

impl Clients {
    /// An empty shard.
    #[must_use]
    pub fn new(limits: Limits, routes: usize) -> Self {
        Self {
            table: Table::new(limits.profiles_max),
            suspects: BTreeMap::new(),
            firing: BTreeSet::new(),
            limits,
            findings: Vec::new(),
            lessons: Vec::new(),
            samples: vec![SpaceSample::default(); routes],
            suspects_refused: 0,
        }
    }

    /// A contact of a finest key of this shard; what the roll-up above it needs to know.
    pub fn finest(
        &mut self,
        seen: &Seen<'_>,
        (index, lookup, contact): (u32, &Lookup, Contact),
        kind: KeyKind,
    ) -> Relay {
        let Some(against) = against(seen, lookup, kind) else { return Relay::default() };
        if contact.novel
            && let Some(sample) = self.samples.get_mut(usize::from(lookup.route.0))
        {
            sample.insert(lookup.subject, lookup.position);
        }
        let (slot, fresh) = self.open(lookup, kind, seen);
        let Some(profile) = self.table.get_mut(slot) else { return Relay::default() };
        let gap_ms = if fresh { i64::MAX } else { lookup.event.since(profile.last).max(0) };
        let begins = begin(profile, &against, lookup.event, fresh, &mut self.lessons);
        let level = profile.level(against.class, &against.learned);
        let relay = Relay {
            expects: expectation(&level, &against, begins),
            gap_s: u32::try_from(gap_ms / 1_000).unwrap_or(u32::MAX),
            at_once: against.class.per_session,
            ..Relay::default()
        };
        let simultaneous = lookup.event == profile.last;
        profile.last = profile.last.max(lookup.event);
        if contact.novel && !contact.weightless {
            let voice = Voice { cold: true, child: 0, simultaneous };
            streams::take(profile, &against, (lookup, contact), voice);
        }
        self.conclude(slot, seen, &against, (index, lookup, kind), contact.novel);
        let profile = self.table.get(slot);
        let (evidence, firing) = profile.map_or((0, false), |it| (it.log_e, it.flags.firing));
        Relay { evidence, firing, ..relay }
    }

    /// The same contact for the address it came through, where that is not its finest key.
    pub fn roll_up(
        &mut self,
        seen: &Seen<'_>,
        (index, lookup, contact): (u32, &Lookup, Contact),
        (finest, relay): (KeyKind, Relay),
    ) {
        let kind = KeyKind::Address;
        let Some(against) = against(seen, lookup, kind) else { return };
        let (slot, fresh) = self.open(lookup, kind, seen);
        let Some(profile) = self.table.get_mut(slot) else { return };
        begin(profile, &against, lookup.event, fresh, &mut self.lessons);
        profile.flags.roll_up = true;
        let simultaneous = lookup.event == profile.last;
        profile.last = profile.last.max(lookup.event);
        let child = lookup.keys.get(finest.index()).copied().unwrap_or(0);
        if !relay.firing {
            expect(profile, lookup.event, relay);
            if contact.novel && !contact.weightless {
                let short = (child >> 56) as u8 | 1;
                let voice = Voice { cold: false, child: short, simultaneous };
                streams::take(profile, &against, (lookup, contact), voice);
            }
        }
        self.conclude(slot, seen, &against, (index, lookup, kind), contact.novel && !relay.firing);
        if let Some(suspect) = self.suspects.get_mut(&slot)
            && i32::from(relay.evidence) > ONE_NAT
            && !relay.firing
        {
            let name = || member(lookup, finest, seen.names);
            suspect.child(Nats::from(relay.evidence), child, name);
        }
    }

    /// The slot of a lookup's profile, made where there is none.
    fn open(&mut self, lookup: &Lookup, kind: KeyKind, seen: &Seen<'_>) -> (Slot, bool) {
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        let class = lookup.classes.get(kind.index()).copied().unwrap_or_default();
        let id = profile_id(key, lookup.route.0);
        if let Some(slot) = self.table.find(id) {
            return (slot, false);
        }
        let at = lookup.event.min(seen.at);
        let place = (lookup.route.0, class.0, kind.index() as u8);
        let (slot, evicted) = self.table.entry(id, || Profile::new(id, place, at));
        if evicted.is_some() {
            self.suspects.remove(&slot);
            self.firing.remove(&slot);
        }
        (slot, true)
    }

    /// Reads the evidence after a contact and says what follows.
    fn conclude(
        &mut self,
        slot: Slot,
        seen: &Seen<'_>,
        against: &Against<'_>,
        (index, lookup, kind): (u32, &Lookup, KeyKind),
        spoke: bool,
    ) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        let mut heard = None;
        if spoke {
            let level = profile.level(against.class, &against.learned);
            let (streams, reading) = streams::read(profile, against, lookup.event, &level);
            let merged = against.route.weights.merge(&streams).clamp(0, Nats::from(u16::MAX));
            profile.log_e = u16::try_from(merged).unwrap_or(u16::MAX);
            profile.peak = profile.peak.max(profile.log_e);
            heard = Some((streams, reading));
        }
        episode(profile, lookup.event, seen);
        let disclosed = lookup.outcome == Outcome::Disclosed && profile.episode.is_on();
        if disclosed && !profile.flags.suspect {
            profile.out.insert(lookup.record);
        }
        let levels = &seen.rules.levels;
        let evidence = profile.evidence();
        if !profile.flags.suspect && evidence <= levels.ticket / 2 {
            return;
        }
        self.suspect(slot, (lookup, kind), seen, disclosed && spoke);
        let Some(suspect) = self.suspects.get_mut(&slot) else { return };
        let Some(profile) = self.table.get_mut(slot) else { return };
        if disclosed {
            suspect.sketch.insert(lookup.record);
        }
        if evidence >= levels.ticket && spoke {
            profile.loud_minute = u32::try_from(seen.at.index(MINUTE_MS)).unwrap_or(0);
        }
        let records = suspect.sketch.count();
        let page = evidence >= levels.page
            || (evidence >= levels.ticket || profile.flags.firing)
                && records.0 >= levels.records_page;
        let raised =
            (evidence >= levels.ticket && !profile.flags.firing) || (page && !profile.flags.paged);
        let grown = profile.flags.firing && records.0 >= suspect.told.max(1) * UPDATE_FACTOR;
        let Some((streams, reading)) = heard.filter(|_| raised || grown) else { return };
        profile.flags.firing = true;
        profile.flags.paged |= page;
        suspect.told = records.0;
        let what = if raised { FindingKind::Raised } else { FindingKind::Changed };
        let mut finding =
            finding(profile, suspect, (lookup.event, what), (against, &streams, &reading));
        finding.via = lookup.keys.get(KeyKind::Address.index()).copied().unwrap_or(0);
        self.findings.push((index, finding));
        self.firing.insert(slot);
    }

    /// Makes sure that names and examples of a suspicious profile are kept.
    fn suspect(
        &mut self,
        slot: Slot,
        (lookup, kind): (&Lookup, KeyKind),
        seen: &Seen<'_>,
        example: bool,
    ) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        if !profile.flags.suspect {
            if self.suspects.len() >= self.limits.suspects_max && !self.make_room() {
                self.suspects_refused += 1;
                return;
            }
            let Some(profile) = self.table.get_mut(slot) else { return };
            profile.flags.suspect = true;
            let own = member(lookup, kind, seen.names);
            self.suspects.insert(slot, Suspect::new(own, Large::after(&profile.out)));
        }
        if example && let Some(suspect) = self.suspects.get_mut(&slot) {
            suspect.example(lookup.mask);
        }
    }

    /// Lets the suspect with the least evidence go, unless its alert is open.
    fn make_room(&mut self) -> bool {
        let table = &self.table;
        let quiet = self.suspects.keys().filter(|it| !self.firing.contains(it));
        let least = quiet.min_by_key(|it| (table.get(**it).map(|it| it.log_e), **it)).copied();
        let Some(least) = least else { return false };
        self.suspects.remove(&least);
        if let Some(profile) = self.table.get_mut(least) {
            profile.flags.suspect = false;
        }
        true
    }

    /// Called once a cut, after its lookups: alerts that have been quiet for long enough.
    pub fn tick(&mut self, seen: &Seen<'_>) {
        let after = u32::try_from(seen.rules.resolve_after_ms / MINUTE_MS).unwrap_or(u32::MAX);
        let now = u32::try_from(seen.at.index(MINUTE_MS)).unwrap_or(0);
        let due: Vec<Slot> = self
            .firing
            .iter()
            .copied()
            .filter(|it| {
                let last = self.table.get(*it).map_or(0, |it| it.loud_minute);
                now.saturating_sub(last) >= after
            })
            .collect();
        for slot in due {
            self.resolve(slot, seen);
        }
    }

    fn resolve(&mut self, slot: Slot, seen: &Seen<'_>) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        let Some(suspect) = self.suspects.get(&slot) else { return };
        let Some(route) = seen.rules.routes.get(usize::from(profile.route)) else { return };
        let Some(class) = route.classes.get(usize::from(profile.class)) else { return };
        let learned = seen.baselines.of(profile.route, profile.class);
        let against = Against {
            rules: seen.rules,
            route,
            class,
            learned,
            space: Space::default(),
            version: profile.learned,
        };
        // Counted people stay counted: while the day (the thirty days) is still far beyond the
        // usual, the harvest is pausing, not over.
        let level = profile.level(class, &learned);
        let (streams, reading) = streams::read(profile, &against, seen.at, &level);
        let mut volume_only = [0; STREAMS];
        volume_only[Stream::Volume.index()] = streams[Stream::Volume.index()];
        let still = route.weights.merge(&volume_only) >= seen.rules.levels.ticket;
        if still && !class.per_session && reading.horizon >= 2 {
            return;
        }
        let what = FindingKind::Quiet;
        let finding = finding(profile, suspect, (seen.at, what), (&against, &streams, &reading));
        self.findings.push((u32::MAX, finding));
        profile.settle();
        self.suspects.remove(&slot);
        self.firing.remove(&slot);
    }

    /// The cut's findings with the index of the lookup behind each, in the order they were made.
    pub fn take_findings(&mut self) -> Vec<(u32, Finding)> {
        std::mem::take(&mut self.findings)
    }

    /// Lessons since they were last taken.
    pub fn take_lessons(&mut self) -> Vec<Lesson> {
        std::mem::take(&mut self.lessons)
    }

    /// The samples of each route's subjects.
    #[must_use]
    pub fn samples(&self) -> &[SpaceSample] {
        &self.samples
    }

    /// The profile of a key on a route, for `explain`.
    #[must_use]
    pub fn profile(&self, key: u64, route: u16) -> Option<&Profile> {
        self.table.get(self.table.find(profile_id(key, route))?)
    }

    /// Records out of every open alert's key: (key, route, records).
    pub fn open_records(&self) -> impl Iterator<Item = (u64, u16, (u64, u64))> + '_ {
        self.firing.iter().filter_map(|slot| {
            let (suspect, profile) = (self.suspects.get(slot)?, self.table.get(*slot)?);
            Some((suspect.own.key, profile.route, suspect.sketch.count()))
        })
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            profiles: self.table.len() as u64,
            evicted: self.table.evicted(),
            suspects: self.suspects.len() as u64,
            suspects_refused: self.suspects_refused,
            bytes: self.table.bytes() as u64,
        }
    }
}

/// The id of a profile: its key mixed with its route.
#[must_use]
pub(super) const fn profile_id(key: u64, route: u16) -> u64 {
    key ^ (route as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn against<'a>(seen: &Seen<'a>, lookup: &Lookup, kind: KeyKind) -> Option<Against<'a>> {
    let route: &RouteRules = seen.rules.routes.get(usize::from(lookup.route.0))?;
    let class = lookup.classes.get(kind.index()).copied().unwrap_or_default();
    Some(Against {
        rules: seen.rules,
        route,
        class: route.classes.get(usize::from(class.0))?,
        learned: seen.baselines.of(lookup.route.0, class.0),
        space: seen.spaces.get(usize::from(lookup.route.0)).copied().unwrap_or_default(),
        version: seen.baselines.version(),
    })
}

/// Brings a profile up to a contact's time: sessions end, windows roll, days close. Whether the
/// client (or its session) begins with this contact.
fn begin(
    profile: &mut Profile,
    against: &Against<'_>,
    at: Moment,
    fresh: bool,
    lessons: &mut Vec<Lesson>,
) -> bool {
    let level = profile.level(against.class, &against.learned);
    let mut begins = fresh;
    if against.class.per_session && !fresh {
        let born = Moment(i64::from(profile.born_minute) * MINUTE_MS);
        let over = at.since(profile.last) >= SESSION_IDLE_MS || at.since(born) >= SESSION_LIFE_MS;
        if over && !profile.flags.firing {
            let [_, _, subjects, _] = profile.windows.counts();
            lessons.extend(profile.close_day(subjects, 1, true));
            profile.settle();
            profile.born_minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
            begins = true;
        }
    } else if !against.class.per_session {
        let rolled = profile.windows.roll(at, &level);
        for horizon in 0..rolled.horizons {
            if let Some(count) = profile.cold_counts.get_mut(horizon) {
                *count = 0;
            }
            if let Some(expected) = profile.expected.get_mut(horizon) {
                *expected = 0.0;
            }
        }
        if let Some((subjects, ended)) = rolled.day {
            let observed = is_observed(profile, against.class, at);
            let quiet = observed || profile.was_quiet(against.rules.levels.ticket);
            lessons.extend(profile.close_day(subjects, ended, quiet));
            profile.learned = against.version.wrapping_sub(1);
        }
    }
    against.refresh(profile);
    begins
}

/// Whether the class observes a client that is still this young.
fn is_observed(profile: &Profile, class: &ClassSpec, at: Moment) -> bool {
    class.observe_days > 0
        && (profile.age_days(at) < class.observe_days || profile.own_days < OWN_DAYS_MIN)
}

/// Working days of its own that an observed client needs besides its age.
const OWN_DAYS_MIN: u16 = 2;

/// What a finest key is expected to look up, as its roll-up counts it.
fn expectation(level: &crate::evidence::volume::Level, against: &Against<'_>, begins: bool) -> f32 {
    let learned: &Learned = &against.learned;
    #[expect(clippy::cast_possible_truncation, reason = "an expectation needs no more digits")]
    if against.class.per_session {
        let mean = learned.mean.unwrap_or(against.class.subjects as f32);
        if begins { mean } else { 0.0 }
    } else {
        level.a_day as f32
    }
}

/// Adds what a child was expected to do since its contact before, in every current window.
fn expect(profile: &mut Profile, at: Moment, relay: Relay) {
    for (sum, horizon) in profile.expected.iter_mut().zip(HORIZON_MS).take(HORIZONS) {
        if relay.at_once {
            *sum += relay.expects;
            continue;
        }
        let elapsed = at.0.rem_euclid(horizon).min(i64::from(relay.gap_s) * 1_000);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a day")]
        let share = (elapsed as f64 / DAY_MS as f64) as f32;
        *sum += relay.expects * share;
    }
}

/// Begins and ends episodes.
fn episode(profile: &mut Profile, at: Moment, seen: &Seen<'_>) {
    let minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
    if profile.evidence() > ONE_NAT {
        profile.above_minute = minute;
        if !profile.episode.is_on() {
            profile.end_episode();
            profile.episode = Episode { first_seen: at, slice: seen.slice };
        }
    } else if profile.episode.is_on()
        && !profile.flags.firing
        && minute.saturating_sub(profile.above_minute) >= EPISODE_IDLE_MINUTES
    {
        profile.end_episode();
    }
}

fn member(lookup: &Lookup, kind: KeyKind, arena: &[u8]) -> Member {
    let name = names::read(arena, lookup.names, kind).unwrap_or_default().to_vec();
    Member { key: lookup.keys.get(kind.index()).copied().unwrap_or(0), kind, name }
}

fn finding(
    profile: &Profile,
    suspect: &Suspect,
    (at, what): (Moment, FindingKind),
    (against, streams, reading): (&Against<'_>, &[Nats; STREAMS], &Reading),
) -> Finding {
    let weights = &against.route.weights;
    let loudest = weights.loudest(streams);
    let loudest = Stream::ALL.get(loudest).copied().unwrap_or(Stream::Volume);
    // Who asks for people that do not exist is no partner at work, whatever its age.
    let young = is_observed(profile, against.class, at) && loudest != Stream::Miss;
    let class_observe =
        against.route.class_observe.get(usize::from(profile.class)).copied().unwrap_or(false);
    Finding {
        what,
        route: profile.route,
        key: suspect.own.key,
        kind: suspect.own.kind,
        via: 0,
        members: suspect.explanation(profile.evidence()),
        page: profile.flags.paged,
        observe: young || class_observe || against.route.observe,
        loudest,
        log_e: profile.evidence(),
        streams: *streams,
        first_seen: profile.episode.first_seen.max(Moment(0)),
        first_slice: profile.episode.slice,
        at,
        records: suspect.sketch.count(),
        picture: picture::of(profile, loudest, reading, against.class),
        examples: suspect.examples.clone(),
    }
}
