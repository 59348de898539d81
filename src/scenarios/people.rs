//! Who is in the registers, and who belongs to whom.

use super::id::{BORN_A_DAY, Id, Layout, MOBILES, Register};
use super::random::{Permutation, Random, mix};
use super::route::Route;
use std::ops::Range;

/// Districts that slots are searched in.
pub(super) const DISTRICTS: u64 = 700;
/// Orders of a register of their own.
const POPULAR: u64 = 0x706f_7075;
const DECOYS: u64 = 0x6465_636f;
/// Places in a family: its members take the first ones.
const FAMILY_PLACES: u64 = 4;
/// Regions that people live in. Ids are given out by them, each the ids of one in a row, unless they begin
/// with a birth date or are random: those say nothing of where somebody lives.
const REGIONS: u64 = 32;
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
    /// How many beneficiaries of the date-led layout have one birthday.
    pub born_a_day: u64,
    /// How many protocols the register holds; they have consecutive numbers.
    pub protocols: u64,
    /// How many reports there are.
    pub reports: u64,
    /// Whether reports have random names; otherwise they are numbered.
    pub reports_named_at_random: bool,
    /// How many pages each list has.
    pub pages: u64,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            layout: Layout::Dense,
            people: 2_000_000,
            households: false,
            born_a_day: BORN_A_DAY,
            protocols: 1_500_000,
            reports: 1_000_000,
            reports_named_at_random: false,
            pages: 4_000,
        }
    }
}

/// Whether answers name the district of a beneficiary: where ids do not tell it.
pub(super) const fn names_districts(ids: &Ids) -> bool {
    !ids.households && !matches!(ids.layout, Layout::Dense | Layout::Sparse)
}

/// The registers of one portal.
#[derive(Clone, Copy, Debug)]
pub(super) struct People {
    pub(super) beneficiaries: Register,
    pub(super) protocols: Register,
    reports: Register,
    pages: u64,
    households: bool,
    /// Whether ids tell the region of whom they belong to, or answers do.
    ids_tell: bool,
    answers_tell: bool,
    /// Where each place of a family stands, in its region where ids tell that, unless families have
    /// adjacent ids.
    places: Permutation,
    /// Places of a region, and of all regions.
    region: u64,
    regional: u64,
}

impl People {
    pub(super) const fn new(ids: &Ids, seed: u64) -> Self {
        let ids_tell = matches!(ids.layout, Layout::Dense | Layout::Sparse);
        // Adjacent ids of one family cannot be anywhere.
        let regions = if ids.households && !ids_tell { 1 } else { REGIONS };
        let region = ids.people / regions / FAMILY_PLACES * FAMILY_PLACES;
        let regional = region * regions;
        Self {
            beneficiaries: Register::beneficiaries(ids.layout, ids.people, ids.born_a_day),
            protocols: Register::protocols(ids.protocols),
            reports: Register::reports(ids.reports, ids.reports_named_at_random),
            pages: ids.pages,
            households: ids.households,
            ids_tell,
            answers_tell: names_districts(ids),
            places: Permutation::new(seed, if ids_tell { region } else { regional }),
            region,
            regional,
        }
    }

    /// How many families there are.
    pub(super) const fn families(&self) -> u64 {
        self.beneficiaries.size / FAMILY_PLACES
    }

    /// The families of one of the regions.
    pub(super) const fn families_of(&self, region: u64) -> Range<u64> {
        let families = self.region / FAMILY_PLACES;
        if families == 0 {
            return 0..self.families();
        }
        let first = region % (self.regional / self.region) * families;
        first..first + families
    }

    /// How many people one of the regions has.
    pub(super) const fn people_of(&self, region: u64) -> u64 {
        let families = self.families_of(region);
        (families.end - families.start) * FAMILY_PLACES
    }

    /// The ordinal of one of them, by a number below how many there are.
    pub(super) const fn person_of(&self, region: u64, number: u64) -> u64 {
        self.ordinal(self.families_of(region).start * FAMILY_PLACES + number)
    }

    /// The district in which somebody lives, from 1, where answers name it; else 0.
    fn district(&self, ordinal: u64) -> u8 {
        if !self.answers_tell || ordinal >= self.regional {
            return 0;
        }
        u8::try_from(self.places.place_of(ordinal) / self.region + 1).unwrap_or(0)
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
        self.ordinal(family * FAMILY_PLACES + member)
    }

    /// The ordinal of a place in a family.
    const fn ordinal(&self, place: u64) -> u64 {
        if self.households || place >= self.regional {
            place
        } else if self.ids_tell {
            place - place % self.region + self.places.at(place % self.region)
        } else {
            self.places.at(place)
        }
    }

    /// What a route serves.
    pub(super) const fn register(&self, route: Route) -> Register {
        match route {
            Route::ByMobile | Route::Person | Route::Pass | Route::PassCheck => Register::mobiles(),
            Route::Protocol | Route::Photo | Route::Vehicle | Route::Change | Route::Removal => {
                self.protocols
            }
            Route::Report => self.reports,
            Route::Screening => Register::national_codes(),
            Route::Pages => Register::pages(self.pages),
            Route::Offsets => Register::offsets(self.pages),
            Route::Cursors => Register::cursors(self.pages),
            Route::Slots => Register::districts(DISTRICTS),
            Route::Health => Register::nothing(),
            Route::Beneficiary | Route::Vaccination => self.beneficiaries,
        }
    }

    /// The ordinal of what comes at this place among what everybody looks at on a route.
    pub(super) const fn popular(&self, route: Route, place: u64) -> u64 {
        Permutation::new(POPULAR, self.register(route).size).at(place)
    }

    /// The ordinal of a decoy on a route: an id that was given to nobody and is answered all the
    /// same. It lies beyond what is read or mistyped honestly; mobile numbers, of which there are
    /// enough, have it among them.
    pub(super) const fn decoy(&self, route: Route, number: u64) -> u64 {
        let size = self.register(route).size;
        let within = Permutation::new(DECOYS, size).at(number);
        if size < MOBILES { 2 * size + within } else { within }
    }

    /// The id of a beneficiary.
    pub(super) fn beneficiary(&self, ordinal: u64) -> Id {
        Id { district: self.district(ordinal), ..self.beneficiaries.id(ordinal) }
    }

    /// The id of a person on a route of beneficiaries.
    pub(super) fn id_on(&self, route: Route, ordinal: u64) -> Id {
        match route {
            Route::ByMobile | Route::Person | Route::Pass | Route::PassCheck => {
                Register::mobiles().id(mix(ordinal ^ 0x6d6f_6269) % MOBILES)
            }
            _ => self.beneficiary(ordinal),
        }
    }

    /// The ordinal of nobody: what a mistyped id comes to.
    pub(super) fn nobody(&self, random: &mut Random) -> u64 {
        self.beneficiaries.size + random.below(self.beneficiaries.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_region_has_lives_in_its_district_unless_ids_tell_that() {
        for layout in [Layout::DateLed, Layout::Uuid] {
            let people = People::new(&Ids { layout, people: 64_000, ..Ids::default() }, 7);
            for region in 0..REGIONS {
                let number = people.people_of(region);
                assert_eq!(number, 2_000);
                let ordinals: Vec<u64> =
                    (0..number).map(|it| people.person_of(region, it)).collect();
                let lives_there = |it: &u64| u64::from(people.district(*it)) == region + 1;
                assert!(ordinals.iter().all(lives_there), "{layout:?} {region}");
                let low = ordinals.iter().filter(|it| **it < 32_000).count();
                assert!((800..1_200).contains(&low), "they are anywhere: {low}");
            }
        }
        let dense = People::new(&Ids::default(), 7);
        assert_eq!(dense.district(dense.person_of(3, 17)), 0);
    }
}
