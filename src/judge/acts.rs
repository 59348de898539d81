//! What a client does besides looking people up, for stream `act`.
//!
//! An act is a write under the same key about somebody it looked up just before, on whichever of
//! the routes of personal records that was, so it is looked for on all of them. A session has no
//! habits; what it has is a pass that was right, which stands in its profile on the route that
//! checks passes.

use super::Clients;
use super::conclude::standing;
use super::context::Seen;
use super::streams::Against;
use crate::attribute::{KeyKind, Lookup, Outcome, RouteClass};
use crate::evidence::{Rate, act};
use crate::novelty::Contact;
use crate::profile::{ByClass, Flag, Lesson, Profile, RATES, Slot};

/// What a session teaches its class as it begins: whether it reads without a pass.
pub(super) fn lesson(profile: &Profile, passed: bool) -> Lesson {
    let mut rates = [None; RATES];
    if let Some(rate) = rates.first_mut() {
        *rate = Some(if passed { 0.0 } else { 1.0 });
    }
    Lesson { route: profile.route, class: profile.class, subjects: 0, uneven: None, rates }
}

/// Takes somebody looked up by a client that may yet act; where another has to make room for whom
/// nothing was done, that is said.
pub(super) fn look_up(
    profile: &mut Profile,
    against: &Against<'_>,
    lookup: &Lookup,
) -> Option<bool> {
    let may_act = against.route.acts.follow && !against.class.per_session;
    if !may_act || lookup.outcome != Outcome::Disclosed {
        return None;
    }
    profile.by_route.look_up(lookup.subject).then_some(true)
}

impl Clients {
    /// Takes an act: whom a client does something for, it had reason to look up.
    pub(super) fn acted(&mut self, seen: &Seen<'_>, lookup: &Lookup, kind: KeyKind) {
        if lookup.outcome != Outcome::Disclosed {
            return;
        }
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        for (route, rules) in (0..).zip(&seen.rules.routes) {
            if rules.class != RouteClass::Personal {
                continue;
            }
            let Some(slot) = self.slot(key, route) else { continue };
            let Some(profile) = self.table.get_mut(slot) else { continue };
            let Some(against) = standing(profile, seen) else { continue };
            if !profile.by_route.act(lookup.subject) {
                continue;
            }
            let [by_class, ..] = profile.steps;
            profile.by_class.update(&against.rules.act, by_class, false);
            if let Some(day) = profile.today.first_mut() {
                day.count(false);
            }
        }
    }

    /// Of a session that reads somebody for the first time, on a portal that checks passes: whether
    /// one of its own was right.
    pub(super) fn passed(
        &self,
        seen: &Seen<'_>,
        against: &Against<'_>,
        (lookup, contact, kind): (&Lookup, Contact, KeyKind),
    ) -> Option<bool> {
        let reads = contact.novel && lookup.outcome == Outcome::Disclosed;
        let counts = against.by_class() == ByClass::Act { per_session: true };
        if !(reads && counts && against.route.acts.passes) {
            return None;
        }
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        let routes = (0..).zip(&seen.rules.routes);
        let mut checks = routes.filter(|it| it.1.class == RouteClass::PassCheck);
        Some(checks.any(|(route, _)| {
            let slot = self.slot(key, route);
            slot.and_then(|it| self.table.get(it)).is_some_and(|it| it.is(Flag::Passed))
        }))
    }

    /// How seldom a login acts after look-ups, by its other routes of personal records, where it is
    /// new to this one.
    pub(super) fn habit(
        &self,
        seen: &Seen<'_>,
        against: &Against<'_>,
        (lookup, contact, kind): (&Lookup, Contact, KeyKind),
        slot: Slot,
    ) -> Option<u8> {
        let may_act = against.by_class() == ByClass::Act { per_session: false };
        let is_login = may_act && against.route.acts.follow && kind < KeyKind::Session;
        let weight = |it: &Profile| it.rates.first().map_or(0, Rate::weight);
        let is_new = |it: &Profile| weight(it) < act::HABIT_FROM;
        if !is_login || !contact.novel || !self.table.get(slot).is_some_and(is_new) {
            return None;
        }
        let key = lookup.keys.get(kind.index()).copied().unwrap_or(0);
        let routes = (0..).zip(&seen.rules.routes);
        let others = routes.filter(|it| it.1.class == RouteClass::Personal);
        let others = others.filter_map(|it| self.table.get(self.slot(key, it.0)?));
        let most = others.max_by_key(|it| (weight(it), std::cmp::Reverse(it.route)));
        most.filter(|it| !is_new(it)).and_then(|it| it.steps.first().copied())
    }
}
