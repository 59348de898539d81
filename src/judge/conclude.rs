//! What follows from a contact: episodes, suspicion, findings, and their end.

use super::clients::Clients;
use super::context::{Seen, episode, is_observed, member};
use super::space::Space;
use super::streams::{self, Against};
use super::suspect::Suspect;
use super::{Finding, FindingKind, picture};
use crate::attribute::{KeyKind, Lookup, Outcome};
use crate::evidence::volume::Reading;
use crate::evidence::{Nats, STREAMS, Stream};
use crate::profile::{Large, Profile, Slot};
use crate::time::{MINUTE_MS, Moment};

impl Clients {
    /// Reads the evidence after a contact and says what follows.
    pub(super) fn conclude(
        &mut self,
        slot: Slot,
        seen: &Seen<'_>,
        against: &Against<'_>,
        (index, lookup, kind, spoke): (u32, &Lookup, KeyKind, bool),
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
        let grown = profile.flags.firing && seen.rules.has_grown(suspect.told, records.0);
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
        let mut volume_only = streams;
        for (stream, log_e) in Stream::ALL.iter().zip(&mut volume_only) {
            *log_e = if *stream == Stream::Volume { *log_e } else { 0 };
        }
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
    Finding {
        what,
        route: profile.route,
        key: suspect.own.key,
        kind: suspect.own.kind,
        via: 0,
        members: suspect.explanation(profile.evidence()),
        page: profile.flags.paged,
        observe: young || against.route.observes(profile.class) || against.route.observe,
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
