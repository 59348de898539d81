//! One logical shard of client keys.

use super::acts::lesson;
use super::campaign::Working;
use super::context::{
    Relay, Seen, against, begin, expect, expectation, gather, is_observed, member, rush, says,
};
use super::space::SpaceSample;
use super::speaker::Speaker;
use super::streams::{self, Against, Start, Voice};
use super::suspect::Suspect;
use super::{Finding, Member, Shape};
use crate::attribute::{KeyKind, Lookup, RouteClass};
use crate::evidence::together::Says;
use crate::evidence::{Nats, ONE_NAT};
use crate::novelty::Contact;
use crate::profile::{Flag, Lesson, Opened, Profile, Pulses, Slot, Table};
use std::collections::{BTreeMap, BTreeSet};

/// Bounds of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Profiles.
    pub profiles_max: usize,
    /// Profiles with names, examples and a large sketch beside them.
    pub suspects_max: usize,
}

/// A child that was away this long, and whose own rate is known, counts anew at its roll-up, in
/// milliseconds.
const CHILD_AWAY_MS: u32 = 600_000;

/// Who turns the pages of a list takes this long for one at most, in milliseconds.
const PAGE_TURNED_MS: i64 = 600_000;

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
    pub(super) table: Table,
    pub(super) suspects: BTreeMap<Slot, Suspect>,
    pub(super) firing: BTreeSet<Slot>,
    pub(super) limits: Limits,
    /// Findings of this cut with the index of the lookup behind them.
    pub(super) findings: Vec<(u32, Finding)>,
    /// Lessons since they were last collected.
    pub(super) lessons: Vec<Lesson>,
    /// How busy known clients are, since that was last collected.
    pub(super) pulses: Pulses,
    /// Samples of each route's subjects.
    pub(super) samples: Vec<SpaceSample>,
    /// The honest rates that the last new profile of each route and class began with.
    starts: Vec<Start>,
    pub(super) suspects_refused: u64,
}

impl Clients {
    /// An empty shard.
    #[must_use]
    pub fn new(limits: Limits, routes: usize, classes: usize) -> Self {
        Self {
            table: Table::new(limits.profiles_max),
            suspects: BTreeMap::new(),
            firing: BTreeSet::new(),
            limits,
            findings: Vec::new(),
            lessons: Vec::new(),
            pulses: Pulses::new(routes, classes),
            samples: vec![SpaceSample::default(); routes],
            starts: Vec::new(),
            suspects_refused: 0,
        }
    }

    /// Where the profile of a key on a route is, if there is one.
    #[must_use]
    pub fn slot(&self, key: u64, route: u16) -> Option<Slot> {
        self.table.find(profile_id(key, route))
    }

    /// Brings what [`slot`](Self::slot) reads first into the cache; what it returns only keeps the
    /// reading from being optimised away.
    #[must_use]
    pub fn warm_slot(&self, key: u64, route: u16) -> u64 {
        self.table.warm_index(profile_id(key, route))
    }

    /// Brings the profile in a slot, or the place of the next new one, into the cache before it is
    /// judged; what it returns only keeps the reading from being optimised away.
    #[must_use]
    pub fn warm(&self, slot: Option<Slot>) -> u64 {
        self.table.warm(slot)
    }

    /// A contact of a finest key of this shard, whose profile was last seen in `slot`; what the
    /// roll-up above it needs to know.
    pub fn finest(
        &mut self,
        seen: &Seen<'_>,
        (index, lookup, contact): (u32, &Lookup, Contact),
        (kind, slot): (KeyKind, Option<Slot>),
    ) -> Relay {
        let Some(against) = against(seen, lookup, kind) else { return Relay::default() };
        if contact.novel
            && let Some(sample) = self.samples.get_mut(usize::from(lookup.route.0))
        {
            sample.insert(lookup.subject, lookup.position);
        }
        let (slot, fresh) = self.open(lookup, (kind, slot), seen);
        let passed = self.passed(seen, &against, (lookup, contact, kind));
        let habit = self.habit(seen, &against, (lookup, contact, kind), slot);
        let Some(profile) = self.table.get_mut(slot) else { return Relay::default() };
        let before =
            if fresh { Says::default() } else { says(profile, seen, &against, lookup.event) };
        if fresh {
            against.begin(profile, &mut self.starts);
        }
        let gap_ms = if fresh { i64::MAX } else { lookup.event.since(profile.last).max(0) };
        let mut level = against.level(profile, if fresh { lookup.event } else { profile.last });
        let standing = (&against, &level);
        let begun = begin(profile, standing, lookup.event, fresh, &mut self.lessons);
        if begun.learned {
            level = against.level(profile, lookup.event);
        }
        let relay = Relay {
            expects: expectation(&level, &against, begun.begins),
            gap_ms: u32::try_from(gap_ms).unwrap_or(u32::MAX),
            late: lookup.event < profile.last,
            at_once: against.class.per_session,
            class: profile.class,
            rush: rush(profile, &level),
            misses: profile.known_misses(),
            ..Relay::default()
        };
        let own = Voice { finest: true, passed, habit, ..Voice::default() };
        let (simultaneous, follows) = (lookup.event == profile.last, gap_ms < PAGE_TURNED_MS);
        profile.last = profile.last.max(lookup.event);
        let again = streams::check(profile, &against, lookup, contact.novel);
        if contact.novel && !contact.weightless {
            let voice = Voice { simultaneous, follows, ..own };
            self.first_contact(slot, &against, (lookup, contact), (voice, begun.begins));
        }
        let spoke = contact.novel || again;
        self.conclude(slot, seen, (&against, &level), (index, lookup, kind, spoke));
        self.touch(slot, seen, &against, (index, lookup, kind));
        if against.route.class == RouteClass::Write {
            self.acted(seen, lookup, kind);
            self.wrote(seen, (index, lookup, kind));
        }
        let Some(profile) = self.table.get(slot) else { return relay };
        let observed = is_observed(profile, against.class, lookup.event)
            || against.route.observes(profile.class);
        let now = says(profile, seen, &against, lookup.event);
        let [_, hour, ..] = profile.windows.counts();
        let fires = profile.is(Flag::Firing);
        let counts = contact.novel && !contact.weightless;
        // Who has an alert of its own is no crowd: on a quiet route it would be most of one.
        let speaker = match fires {
            true => Speaker::Itself,
            false => Speaker::of(counts, hour, profile.is_known(), observed),
        };
        Relay {
            evidence: profile.log_e,
            spoken_for: fires || observed,
            speaker,
            said: (before, now),
            ..relay
        }
    }

    /// A first contact of a finest key, which begins with it or not.
    fn first_contact(
        &mut self,
        slot: Slot,
        against: &Against<'_>,
        (lookup, contact): (&Lookup, Contact),
        (voice, begins): (Voice, bool),
    ) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        streams::take(profile, against, (lookup, contact), voice);
        if let Some(passed) = voice.passed.filter(|_| begins) {
            self.lessons.push(lesson(profile, passed));
        }
        if is_observed(profile, against.class, lookup.event) {
            streams::teach(profile, against);
        }
        profile.windows.count_own();
        if profile.is_known() && !against.class.per_session {
            let [_, _, day, _] = profile.windows.counts();
            let usual = profile.usual.a_day();
            self.pulses.count((profile.route, profile.class), profile.last, day, usual);
        }
    }

    /// The same contact for what stands above its finest key: an address or a network.
    pub fn roll_up(
        &mut self,
        seen: &Seen<'_>,
        (index, lookup, contact): (u32, &Lookup, Contact),
        (finest, slot): (KeyKind, Option<Slot>),
        relay: Relay,
    ) {
        let Some(kind) = finest.rolls_up_to() else { return };
        let Some(against) = against(seen, lookup, kind) else { return };
        let (slot, fresh) = self.open(lookup, (kind, slot), seen);
        let Some(profile) = self.table.get_mut(slot) else { return };
        if fresh {
            against.begin(profile, &mut self.starts);
        }
        let mut level = against.level(profile, if fresh { lookup.event } else { profile.last });
        let standing = (&against, &level);
        let begun = begin(profile, standing, lookup.event, fresh, &mut self.lessons);
        if !profile.is(Flag::RollUp) {
            profile.roll_up();
        }
        let simultaneous = lookup.event == profile.last;
        // A child behind two gateways, the clock of one of which is slow, is late at every contact
        // through that one, and no time has passed for it. For its address there has.
        let gap_ms = if relay.late && !fresh {
            u32::try_from(lookup.event.since(profile.last).max(0)).unwrap_or(u32::MAX)
        } else {
            relay.gap_ms
        };
        if profile.gathers() {
            gather(profile, lookup.event, &relay, seen);
        }
        profile.last = profile.last.max(lookup.event);
        let child = lookup.keys.get(finest.index()).copied().unwrap_or(0);
        let (_, spread) = profile.children();
        if !relay.spoken_for {
            let expected = Relay { gap_ms, ..relay };
            expect(profile, lookup.event, expected, &against.route.classes);
            if contact.novel && !contact.weightless {
                let short = (child >> 56) as u8 | 1;
                let fresh_child =
                    relay.gap_ms == u32::MAX || relay.gap_ms >= CHILD_AWAY_MS && relay.misses > 0;
                let voice = Voice {
                    child: short,
                    fresh_child,
                    simultaneous,
                    misses: relay.misses,
                    ..Voice::default()
                };
                streams::take(profile, &against, (lookup, contact), voice);
            }
        }
        if begun.learned || profile.children().1 != spread {
            level = against.level(profile, lookup.event);
        }
        let spoke = contact.novel && !relay.spoken_for;
        self.conclude(slot, seen, (&against, &level), (index, lookup, kind, spoke));
        self.remember(slot, relay, (child, || member(lookup, finest, seen.names)));
    }

    /// Remembers what a child of a suspicious roll-up has shown.
    fn remember(
        &mut self,
        slot: Slot,
        relay: Relay,
        (child, name): (u64, impl FnOnce() -> Member),
    ) {
        if let Some(suspect) = self.suspects.get_mut(&slot)
            && i32::from(relay.evidence) > ONE_NAT
            && !relay.spoken_for
        {
            suspect.child(Nats::from(relay.evidence), child, name);
        }
    }

    /// The slot of a lookup's profile, made where there is none. Where it was a moment ago, it
    /// mostly still is.
    fn open(
        &mut self,
        lookup: &Lookup,
        (kind, known): (KeyKind, Option<Slot>),
        seen: &Seen<'_>,
    ) -> (Slot, bool) {
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        let class = lookup.classes.get(kind.index()).copied().unwrap_or_default();
        let id = profile_id(key, lookup.route.0);
        if let Some(slot) = known.filter(|it| self.table.get(*it).is_some_and(|it| it.id == id)) {
            return (slot, false);
        }
        let at = lookup.event.min(seen.at);
        let place = (lookup.route.0, class.0, u8::try_from(kind.index()).unwrap_or(u8::MAX));
        match self.table.entry(id, place, at) {
            Opened::Known(slot) => (slot, false),
            Opened::Fresh(slot) => (slot, true),
            Opened::Instead(slot) => {
                self.suspects.remove(&slot);
                self.firing.remove(&slot);
                (slot, true)
            }
        }
    }

    /// The cut's findings with the index of the lookup behind each, in the order they were made.
    pub fn take_findings(&mut self) -> Vec<(u32, Finding)> {
        std::mem::take(&mut self.findings)
    }

    /// Lessons since they were last taken, and how busy known clients are, to be taken.
    pub fn take_lessons(&mut self) -> (Vec<Lesson>, &mut Pulses) {
        (std::mem::take(&mut self.lessons), &mut self.pulses)
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

    /// Every profile.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.table.profiles()
    }

    /// A key under suspicion on a route, as it is compared with others.
    #[must_use]
    pub fn working(&self, key: u64, route: u16) -> Option<Working<'_>> {
        let slot = self.table.find(profile_id(key, route))?;
        let (profile, suspect) = (self.table.get(slot)?, self.suspects.get(&slot)?);
        Some(Working { profile, sketch: &suspect.sketch, manner: &suspect.manner })
    }

    /// Records out in the episode of a key on a route: the suspect's own count, which goes on where
    /// the profile's stopped.
    #[must_use]
    pub fn records(&self, key: u64, route: u16) -> (u64, u64) {
        let Some(slot) = self.table.find(profile_id(key, route)) else { return (0, 0) };
        let suspect = self.suspects.get(&slot).map(|it| it.sketch.count());
        suspect.or_else(|| self.table.get(slot).map(|it| it.out.count())).unwrap_or_default()
    }

    /// Records out of every open alert's key: (key, route, records).
    pub fn open_records(&self) -> impl Iterator<Item = (u64, u16, (u64, u64))> + '_ {
        self.firing.iter().filter_map(|slot| {
            let (suspect, profile) = (self.suspects.get(slot)?, self.table.get(*slot)?);
            Some((suspect.own.key, profile.route, suspect.sketch.count()))
        })
    }

    /// Who is behind every open alert's key, on which route, and where its ids lie, if there is
    /// anything to see.
    pub fn open_shapes(&self) -> impl Iterator<Item = (&Member, u16, Shape)> + '_ {
        self.firing.iter().filter_map(|slot| {
            let (suspect, profile) = (self.suspects.get(slot)?, self.table.get(*slot)?);
            Some((&suspect.own, profile.route, suspect.trail.shape()?))
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
pub const fn profile_id(key: u64, route: u16) -> u64 {
    key ^ (route as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
