//! Who is in the registers, and who belongs to whom.

use super::id::{Id, Layout, MOBILES, Register};
use super::random::{Permutation, Random, mix};
use super::request::Route;

/// Places in a family: its members take the first ones.
const FAMILY_PLACES: u64 = 4;
/// Sizes of families, as shares: 1.53 members on average.
const FAMILY_SIZES: [f64; 3] = [0.65, 0.22, 0.08];

/// What a portal keeps, and how its ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// How beneficiaries' ids are made.
    pub layout: Layout,
    /// How many beneficiaries there are.
    pub people: u64,
    /// Whether the members of a family have adjacent ids.
    pub households: bool,
    /// How many protocols the register holds; they have consecutive numbers.
    pub protocols: u64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { layout: Layout::Dense, people: 2_000_000, households: false, protocols: 1_500_000 }
    }
}

/// The registers of one portal.
#[derive(Clone, Copy, Debug)]
pub(super) struct People {
    pub(super) beneficiaries: Register,
    pub(super) protocols: Register,
    households: bool,
    /// Where each place of a family stands in the register, unless families live together.
    places: Permutation,
}

impl People {
    pub(super) const fn new(ids: &Ids, seed: u64) -> Self {
        Self {
            beneficiaries: Register::beneficiaries(ids.layout, ids.people),
            protocols: Register::protocols(ids.protocols),
            households: ids.households,
            places: Permutation::new(seed, ids.people),
        }
    }

    /// How many families there are.
    pub(super) const fn families(&self) -> u64 {
        self.beneficiaries.size / FAMILY_PLACES
    }

    /// The members of a family: how many.
    pub(super) fn family_size(random: &mut Random) -> u64 {
        let mut left = random.unit();
        for (members, share) in (1..).zip(FAMILY_SIZES) {
            if left < share {
                return members;
            }
            left -= share;
        }
        FAMILY_PLACES
    }

    /// The ordinal of a member of a family.
    pub(super) const fn member(&self, family: u64, member: u64) -> u64 {
        let place = family * FAMILY_PLACES + member;
        if self.households { place } else { self.places.at(place) }
    }

    /// The id of a person on a route of beneficiaries.
    pub(super) fn id_on(&self, route: Route, ordinal: u64) -> Id {
        match route {
            Route::ByMobile | Route::Person => {
                Register::mobiles().id(mix(ordinal ^ 0x6d6f_6269) % MOBILES)
            }
            _ => self.beneficiaries.id(ordinal),
        }
    }

    /// The ordinal of nobody: what a mistyped id comes to.
    pub(super) fn nobody(&self, random: &mut Random) -> u64 {
        self.beneficiaries.size + random.below(self.beneficiaries.size)
    }
}
