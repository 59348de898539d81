//! What is a page without any level: a subject on a list, and a write under an open alert.
//!
//! Neither is a matter of how much. A decoy exists to be found, so one touch says what evidence
//! would take dozens of records to say. And whoever is at ticket level and begins to change records
//! has turned a leak into damage: hours until the evidence reaches a page are hours of repair.

use super::conclude::{found, standing, through};
use super::context::{Seen, begin_episode};
use super::streams::Against;
use super::{Clients, FindingKind};
use crate::attribute::{KeyKind, Lookup, Outcome};
use crate::profile::{Flag, Slot};
use crate::time::MINUTE_MS;

impl Clients {
    /// A look-up of a subject on a list is a page, whoever asks, whether for the first time and
    /// whatever the answer.
    pub(super) fn touch(
        &mut self,
        slot: Slot,
        seen: &Seen<'_>,
        against: &Against<'_>,
        (index, lookup, kind): (u32, &Lookup, KeyKind),
    ) {
        let Some(listed) = seen.rules.watch_list.of(lookup.subject) else { return };
        let Some(profile) = self.table.get_mut(slot) else { return };
        begin_episode(profile, lookup.event, seen);
        profile.loud_minute = u32::try_from(seen.at.index(MINUTE_MS)).unwrap_or(0);
        let disclosed = lookup.outcome == Outcome::Disclosed;
        if disclosed && !profile.is(Flag::Suspect) {
            profile.out.insert(lookup.record);
        }
        self.suspect(slot, (lookup, kind), seen, (true, true));
        let Some(suspect) = self.suspects.get_mut(&slot) else { return };
        let Some(profile) = self.table.get_mut(slot) else { return };
        if disclosed {
            suspect.sketch.insert(lookup.record);
        }
        if !suspect.touch(listed) {
            return;
        }
        profile.set(Flag::Firing, true);
        profile.set(Flag::Paged, true);
        suspect.told = suspect.sketch.count().0;
        let mut finding = found(profile, suspect, (lookup.event, FindingKind::Raised), against);
        finding.via = through(lookup, kind);
        self.findings.push((index, finding));
        self.firing.insert(slot);
    }

    /// A write by a client with an open alert makes that a page, where it did not write before the
    /// alert's evidence rose: who enters what they find all day long does nothing new. What stands
    /// under the client's address alone is not the client's: a colleague's walk must not make every
    /// entry a page.
    pub(super) fn wrote(
        &mut self,
        seen: &Seen<'_>,
        (index, lookup, kind): (u32, &Lookup, KeyKind),
    ) {
        if lookup.outcome != Outcome::Disclosed {
            return;
        }
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        let own = self.slot(key, lookup.route.0).and_then(|it| self.table.get(it));
        let wrote_first = own.map_or(0, |it| i64::from(it.born_minute));
        // How much it writes is the evidence of the route itself.
        for route in (0..).take(seen.rules.routes.len()).filter(|it| *it != lookup.route.0) {
            let Some(slot) = self.slot(key, route).filter(|it| self.firing.contains(it)) else {
                continue;
            };
            let Some(suspect) = self.suspects.get_mut(&slot) else { continue };
            let Some(profile) = self.table.get_mut(slot) else { continue };
            let Some(against) = standing(profile, seen) else { continue };
            let is_new = wrote_first >= profile.episode.first_seen.index(MINUTE_MS);
            if !is_new || !suspect.write() {
                continue;
            }
            let raised = !profile.is(Flag::Paged);
            profile.set(Flag::Paged, true);
            let what = if raised { FindingKind::Raised } else { FindingKind::Changed };
            let finding = found(profile, suspect, (lookup.event, what), &against);
            self.findings.push((index, finding));
        }
    }
}
