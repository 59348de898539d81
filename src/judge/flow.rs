//! What comes and goes on a route, by what it can vouch for.

use super::RouteRules;
use super::site::SiteContact;
use super::speaker::Speaker;
use crate::attribute::{KeyKind, RouteClass};
use crate::evidence::surge::{self, Common, Surge};
use crate::evidence::tide::Tide;
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};

/// Classes whose clients say themselves what they are.
const DECLARED: [&str; 2] = ["crawler", "monitor"];

/// The contacts of one route.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Flow {
    /// What strangers read that may be a harvest: on a register what nobody else reads, elsewhere
    /// whoever they look up.
    alone: Tide,
    /// What else they do.
    shared: Tide,
    /// What clients do that are known.
    known: Tide,
    /// What of the first is done by those who say that they are machines.
    declared: Tide,
}

/// What a route's strangers did beyond the expected, and without those who say that they are
/// machines.
#[derive(Clone, Copy, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Surges {
    pub(super) all: Surge,
    pub(super) undeclared: Surge,
}

impl Flow {
    /// Counts a contact; whether it may be a harvest's.
    pub(super) fn count(&mut self, route: &RouteRules, contact: &SiteContact<'_>) -> bool {
        match contact.speaker {
            Speaker::None | Speaker::Itself => false,
            Speaker::Known => {
                self.known.count();
                false
            }
            // A login is given to somebody: who has five hundred has not found them in the street.
            Speaker::Stranger if contact.kind < KeyKind::Session => false,
            Speaker::Stranger => {
                let alone = match route.class {
                    RouteClass::Register => contact.cold,
                    RouteClass::Personal => true,
                    _ => false,
                };
                let tide = if alone { &mut self.alone } else { &mut self.shared };
                tide.count();
                if alone && is_declared(route, contact) {
                    self.declared.count();
                }
                alone
            }
        }
    }

    /// The minute that is counted.
    pub(super) const fn minute(&self) -> i64 {
        self.alone.minute()
    }

    /// Closes what ended before `at`; where it was not `quiet` it teaches nothing.
    pub(super) fn roll(&mut self, at: Moment, quiet: bool) {
        for tide in [&mut self.alone, &mut self.shared, &mut self.known, &mut self.declared] {
            tide.roll(at, quiet);
        }
    }

    /// Whether there are so many strangers that it may be evidence.
    pub(super) fn could_speak(&self) -> bool {
        self.alone.read().is_some_and(|it| surge::could_speak(&it))
    }

    /// Says how much busier than usual those are that are no harvest.
    pub(super) fn vouch(&self, common: &mut Common) {
        for (tide, strangers) in [(&self.shared, true), (&self.known, false)] {
            if let Some(spans) = tide.read() {
                common.vouch(&spans, tide.variation(), strangers);
            }
        }
    }

    /// What strangers did beyond the expected; nothing while nothing is known.
    pub(super) fn read(&self, common: &Common) -> Surges {
        let Some(spans) = self.alone.read() else { return Surges::default() };
        let usual = self.shared.read();
        let mut vouched = self.shared.held();
        for (vouched, usual) in vouched.iter_mut().zip(usual.iter().flatten()) {
            *vouched = (*vouched - usual.usual).max(0.0);
        }
        let mut with_declared = vouched;
        for (vouched, declared) in with_declared.iter_mut().zip(self.declared.held()) {
            *vouched += declared;
        }
        let read = |vouched| surge::read(&spans, vouched, common, self.alone.variation());
        Surges { all: read(&vouched), undeclared: read(&with_declared) }
    }
}

fn is_declared(route: &RouteRules, contact: &SiteContact<'_>) -> bool {
    let class = contact.lookup.classes.get(contact.kind.index());
    let class = class.and_then(|it| route.classes.get(usize::from(it.0)));
    class.is_some_and(|it| DECLARED.contains(&it.name.as_str()))
}

/// How busy everybody is.
pub(super) fn common<'a>(flows: impl Iterator<Item = &'a Flow>) -> Common {
    let mut common = Common::default();
    flows.for_each(|it| it.vouch(&mut common));
    common
}

/// Whether somebody's data is read on a route.
pub(super) const fn is_of_somebody(route: &RouteRules) -> bool {
    matches!(route.class, RouteClass::Personal | RouteClass::Register)
}
