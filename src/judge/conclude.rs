//! What follows from a contact: episodes, suspicion, findings, and their end.

use super::clients::Clients;
use super::context::{Seen, close_windows, contacts, episode, is_observed, member};
use super::manner::Manner;
use super::rules::RouteRules;
use super::space::Space;
use super::streams::{self, Against};
use super::suspect::Suspect;
use super::{Cause, Finding, FindingKind, Listed, has_grown, picture};
use crate::attribute::{KeyKind, Lookup, Outcome};
use crate::evidence::volume::{Level, Reading};
use crate::evidence::{Nats, ONE_NAT, STREAMS, Stream, together};
use crate::profile::{Flag, Large, Profile, Slot};
use crate::time::{MINUTE_MS, Moment};

/// How many times the bound on suspects those may take that have reached the ticket level.
const TOLD_FACTOR: usize = 4;

impl Clients {
    /// Reads the evidence after a contact and says what follows.
    pub(super) fn conclude(
        &mut self,
        slot: Slot,
        seen: &Seen<'_>,
        (against, level): (&Against<'_>, &Level),
        (index, lookup, kind, spoke): (u32, &Lookup, KeyKind, bool),
    ) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        let mut heard = None;
        if spoke {
            // Windows stand where the latest contact is: a late one must not be read as if all
            // that they hold had come by its own time.
            let (streams, reading) = streams::read(profile, against, profile.last, level);
            let merged = against.route.weights.merge(&streams).clamp(0, Nats::from(u16::MAX));
            profile.set_evidence(u16::try_from(merged).unwrap_or(u16::MAX));
            heard = Some((streams, reading));
        }
        let was_suspect = profile.is(Flag::Suspect);
        episode(profile, lookup.event, seen);
        if was_suspect && !profile.is(Flag::Suspect) {
            self.suspects.remove(&slot);
        }
        let disclosed = lookup.outcome == Outcome::Disclosed && profile.episode.is_on();
        if disclosed && !profile.is(Flag::Suspect) {
            profile.out.insert(lookup.record);
        }
        let levels = &seen.rules.levels;
        let evidence = profile.evidence();
        if !profile.is(Flag::Suspect) && evidence <= levels.ticket / 2 {
            return;
        }
        let is_ticket = evidence >= levels.ticket;
        self.suspect(slot, (lookup, kind), seen, (disclosed && spoke, is_ticket));
        let Some(suspect) = self.suspects.get_mut(&slot) else { return };
        let Some(profile) = self.table.get_mut(slot) else { return };
        if disclosed {
            suspect.sketch.insert(lookup.record);
        }
        if spoke {
            suspect.manner.take(lookup);
            suspect.trail.take(lookup.position);
        }
        if evidence <= ONE_NAT {
            suspect.rest();
        }
        if is_ticket && spoke {
            profile.loud_minute = u32::try_from(seen.at.index(MINUTE_MS)).unwrap_or(0);
        }
        if !is_ticket && !profile.is(Flag::Firing) {
            // How a network works is how several clients do.
            let worth =
                evidence > levels.ticket / 2 && suspect.manner.has_doubled() && !profile.gathers();
            if let Some((streams, reading)) = heard.filter(|_| worth) {
                let what = (lookup.event, FindingKind::Near);
                let mut near = finding(profile, suspect, what, (against, &streams, &reading));
                near.via = through(lookup, kind);
                self.findings.push((index, near));
            }
            return;
        }
        let records = suspect.sketch.count();
        let lifted = suspect.risen(profile.is(Flag::RollUp)) >= levels.records_page;
        let page = evidence >= levels.page || lifted;
        let raised = (is_ticket && !profile.is(Flag::Firing)) || (page && !profile.is(Flag::Paged));
        let factor = seen.rules.update_factor;
        let grown = profile.is(Flag::Firing) && has_grown(suspect.told, records.0, factor);
        let Some((streams, reading)) = heard.filter(|_| raised || grown) else { return };
        profile.set(Flag::Firing, true);
        if page {
            profile.set(Flag::Paged, true);
        }
        suspect.told = records.0;
        let what = if raised { FindingKind::Raised } else { FindingKind::Changed };
        let mut finding =
            finding(profile, suspect, (lookup.event, what), (against, &streams, &reading));
        finding.via = through(lookup, kind);
        self.findings.push((index, finding));
        self.firing.insert(slot);
    }

    /// A client under suspicion is named in an open page: it is over when the client is quiet.
    pub fn joined(&mut self, key: u64, route: u16, at: Moment) {
        let Some(slot) = self.slot(key, route) else { return };
        let Some(profile) = self.table.get_mut(slot) else { return };
        profile.set(Flag::Firing, true);
        profile.loud_minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
        self.firing.insert(slot);
    }

    /// Makes sure that names and examples of a suspicious profile are kept: the look-up among them
    /// where it is an `example`, and beyond the bound on what is only watched where it is `told`.
    pub(super) fn suspect(
        &mut self,
        slot: Slot,
        (lookup, kind): (&Lookup, KeyKind),
        seen: &Seen<'_>,
        (example, told): (bool, bool),
    ) {
        let Some(profile) = self.table.get_mut(slot) else { return };
        if !profile.is(Flag::Suspect) {
            let room = self.limits.suspects_max * if told { TOLD_FACTOR } else { 1 };
            if self.suspects.len() >= room && !self.make_room() {
                self.suspects_refused += 1;
                return;
            }
            let Some(profile) = self.table.get_mut(slot) else { return };
            profile.set(Flag::Suspect, true);
            // So early every first contact has one record, or none.
            let risen = u64::from(profile.tally.trials);
            let own = member(lookup, kind, seen.names);
            let manner = Manner::new(lookup, seen.names);
            let suspect = Suspect::new(own, manner, Large::after(&profile.out), risen);
            self.suspects.insert(slot, suspect);
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
            profile.set(Flag::Suspect, false);
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
        let Some(against) = standing(profile, seen) else { return };
        let (route, class) = (against.route, against.class);
        // Read as things stand now: what ended since the last contact is closed first.
        let mut now = *profile;
        let level = against.level(&now, now.last);
        close_windows(&mut now, seen.at, (&level, route.class));
        let level = against.level(&now, seen.at);
        let (streams, reading) = streams::read(&now, &against, seen.at, &level);
        // Counted people stay counted: while the day, with what the days before left, is still far
        // beyond the usual, the harvest is pausing, not over.
        let day = streams::day_volume((&now, route.class), seen.at, &level);
        let counted = route.weights.merge(&pausing(&now, (&streams, day), seen));
        // It is over when half of the evidence is gone and not when a night takes the last of it: an
        // insider would be a ticket on each of his days and never a page.
        if !class.per_session && counted >= seen.rules.levels.ticket / 2 {
            return;
        }
        // Who works through many addresses pauses at each of them, and at all of them now and then.
        if now.gathers() && still_gathered(&now, route, seen) >= seen.rules.levels.ticket / 2 {
            return;
        }
        // Who looks people up and does nothing for them goes on after the night, or the weekend.
        if !class.per_session && waits_for_acts(&now, (&streams, route), seen) {
            return;
        }
        let what = FindingKind::Quiet;
        let finding = finding(profile, suspect, (seen.at, what), (&against, &streams, &reading));
        self.findings.push((u32::MAX, finding));
        let was_told = profile.is(Flag::Paged);
        profile.settle();
        if !was_told {
            // What was no page of its own leaves what the days before this one say, or a night would take
            // it from an insider who is a ticket by day. With this day it is less than half a ticket.
            profile.windows.carry_on(&now.windows);
        }
        self.suspects.remove(&slot);
        self.firing.remove(&slot);
    }
}

/// What is left of what a network's children have said, as it is read.
fn still_gathered(profile: &Profile, route: &RouteRules, seen: &Seen<'_>) -> Nats {
    let mut sums = profile.by_route.together();
    together::fade(&mut sums, seen.at.index(MINUTE_MS) - profile.last.index(MINUTE_MS));
    route.weights.alone(Stream::Cold, together::log_e(sums))
}

/// The longest pause of a login that has a weekend off, in minutes.
const WEEKEND_MINUTES: u32 = 3 * 24 * 60;

/// Whether a client was there, and loud, within a weekend.
fn was_loud_lately(profile: &Profile, seen: &Seen<'_>) -> bool {
    let now = u32::try_from(seen.at.index(MINUTE_MS)).unwrap_or(0);
    now.saturating_sub(profile.loud_minute) < WEEKEND_MINUTES
}

/// What a client that pauses still says: how many people its days had, and where and at which hours it
/// read them, which adds to that and is nothing without.
fn pausing(
    profile: &Profile,
    (streams, day): (&[Nats; STREAMS], Nats),
    seen: &Seen<'_>,
) -> [Nats; STREAMS] {
    let counts_habits = day > 0 && was_loud_lately(profile, seen);
    let mut left = *streams;
    for (stream, log_e) in Stream::ALL.into_iter().zip(left.iter_mut()) {
        *log_e = match stream {
            Stream::Volume => day,
            Stream::Hours | Stream::Spread if counts_habits => *log_e,
            _ => 0,
        };
    }
    left
}

/// Whether stream `act` alone is a ticket still, and its client was there within a weekend.
fn waits_for_acts(
    profile: &Profile,
    (streams, route): (&[Nats; STREAMS], &RouteRules),
    seen: &Seen<'_>,
) -> bool {
    let act = streams.get(Stream::Act.index()).copied().unwrap_or(0);
    route.weights.alone(Stream::Act, act) >= seen.rules.levels.ticket
        && was_loud_lately(profile, seen)
}

/// A roll-up of this age in days whose share of a route is that of a proxy, or of a mesh, is one.
/// What is younger may be a harvest in a quiet night.
const INFRASTRUCTURE_DAYS: i64 = 14;
/// That share is one in so many of the route's first contacts.
const INFRASTRUCTURE_PART: u32 = 5;

/// Whether so much of what is looked up on a route comes through a roll-up that it can only be what
/// everybody comes through: nobody is called for it.
fn is_infrastructure(profile: &Profile, contacts: u32, at: Moment) -> bool {
    let [.., own] = profile.windows.counts();
    profile.is(Flag::RollUp)
        && profile.age_days(at) >= INFRASTRUCTURE_DAYS
        && own.saturating_mul(INFRASTRUCTURE_PART) > contacts
}

/// The address or the network that a contact of its finest key came through; none at that itself.
pub(super) fn through(lookup: &Lookup, kind: KeyKind) -> u64 {
    let is_finest = lookup.finest().is_some_and(|it| it.0 == kind);
    let above = kind.rolls_up_to().filter(|_| is_finest);
    above.and_then(|it| lookup.keys.get(it.index()).copied()).unwrap_or(0)
}

/// What a profile is judged against without a contact.
pub(super) fn standing<'a>(profile: &Profile, seen: &Seen<'a>) -> Option<Against<'a>> {
    let route = seen.rules.routes.get(usize::from(profile.route))?;
    Some(Against {
        rules: seen.rules,
        route,
        class: route.classes.get(usize::from(profile.class))?,
        learned: seen.baselines.of(profile.route, profile.class),
        space: Space::default(),
        version: profile.learned,
        contacts: contacts(seen, profile.route),
    })
}

/// A finding without evidence that has just been read.
pub(super) fn found(
    profile: &Profile,
    suspect: &Suspect,
    what: (Moment, FindingKind),
    against: &Against<'_>,
) -> Finding {
    let level = against.level(profile, profile.last);
    let (streams, reading) = streams::read(profile, against, profile.last, &level);
    finding(profile, suspect, what, (against, &streams, &reading))
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
    let mut live = *streams;
    for (stream, log_e) in live.iter_mut().enumerate() {
        *log_e = if weights.is_live(stream) { *log_e } else { 0 };
    }
    let cause = match suspect.listed {
        _ if suspect.writes > 0 => Cause::Written,
        Some(listed) => Cause::Listed(listed),
        None => Cause::Evidence(loudest),
    };
    // What children say together is bounded at each of them.
    let says_at_most = match loudest {
        Stream::Cold if profile.gathers() => together::most(),
        _ => Nats::MAX,
    };
    // Who asks for people that do not exist is no partner at work, whatever its age.
    let young = is_observed(profile, against.class, at) && loudest != Stream::Miss;
    let observe = young
        || against.route.observes(profile.class)
        || against.route.observe
        || is_infrastructure(profile, against.contacts, at);
    Finding {
        what,
        route: profile.route,
        key: suspect.own.key,
        kind: suspect.own.kind,
        via: 0,
        members: suspect.explanation(profile.evidence(), says_at_most),
        page: profile.is(Flag::Paged),
        // Nobody has a reason to look up a decoy, and nothing to be observed about it.
        observe: observe && suspect.listed != Some(Listed::Decoy),
        cause,
        log_e: profile.evidence(),
        streams: live,
        first_seen: profile.episode.first_seen.max(Moment(0)),
        first_slice: profile.episode.slice,
        at,
        records: suspect.sketch.count(),
        picture: picture::of(profile, (cause, suspect), reading, against.class),
        examples: suspect.examples.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY_MS;

    #[test]
    fn an_old_roll_up_with_a_fifth_of_a_route_is_infrastructure_and_a_young_one_is_not() {
        let network = u8::try_from(KeyKind::Network.index()).unwrap_or(0);
        let mut profile = Profile::new(1, (0, 0, network), Moment(0));
        (0..21).for_each(|_| profile.windows.count());
        let old = Moment(20 * DAY_MS);
        assert!(!is_infrastructure(&profile, 100, old), "a finest key is its own");
        profile.roll_up();
        assert!(is_infrastructure(&profile, 100, old));
        assert!(!is_infrastructure(&profile, 110, old));
        assert!(!is_infrastructure(&profile, 100, Moment(DAY_MS)));
    }
}
