//! `spread`: people from elsewhere than those whom this client looks up.
//!
//! Staff look up the people of their district, their office's series, their years of birth, and a harvest
//! goes beyond them. Where ids begin with such a thing, those of one district lie together: the route's ids
//! are cut into [`Regions`], and a client's home is the region, with its two neighbours, in which most of
//! its people are. Where they do not the log may name the region of whom it found, and a home is one of
//! those. A first contact outside says yes. What it says is a [`Regime`].
//!
//! A home is a guess that has to prove itself: a region that was seen is taken, and another one where
//! contacts turn out to lie elsewhere. The share outside begins at one half, and until it is a third the
//! stream is silent and learns from every contact; from then on it speaks, and learns from quiet days only.
//! That takes a clerk some days, and who looks up people from everywhere, or by ids that say nothing about
//! where they are, has no home and is never told. So it needs no configuration but for what the log names,
//! and takes four bytes. What discloses nobody is left out: a mistyped id lies anywhere. A home follows its
//! people by one region a day, since ids that are given out in order of time move on for everybody at once.
//!
//! Blind to: a thief who reads only people of the client's own region, or so many others a day for a week
//! that the home is given up, or no more of them than the client's honest share.

use super::Nats;
use super::regime::{Regime, Says};
use borsh::{BorshDeserialize, BorshSerialize};

/// The stream's name.
pub const NAME: &str = "spread";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "reads people from elsewhere than its own";

/// Regions that a route's ids are cut into at first: at least so many and less than twice as many.
const REGIONS_MIN: u64 = 16;
/// Fewer or more than these, and the cut is made anew. Beyond [`AROUND`] they are counted from 0 again.
const TOO_FEW: u64 = REGIONS_MIN * 3 / 4;
const TOO_MANY: u64 = REGIONS_MIN * 3;
const AROUND: u8 = 32;
const ROUND_BITS: u32 = AROUND.trailing_zeros();

/// How a route's ids are cut into regions: they share all but so many of their last bits. Powers of two and
/// no shares of the ids there are, so that regions stay where they are as a register grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Regions(u8);

impl Regions {
    /// Nothing is known of the route's ids.
    pub const NONE: Self = Self(u8::MAX);

    /// The cut of ids that span so much, which stays what it was while that is still about right.
    #[must_use]
    pub const fn over(self, span: u64) -> Self {
        if span < REGIONS_MIN {
            return Self::NONE;
        }
        let kept = if self.0 == u8::MAX { 0 } else { span >> self.0 };
        if kept >= TOO_FEW && kept <= TOO_MANY {
            return self;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 59")]
        Self((span.ilog2() - REGIONS_MIN.ilog2()) as u8)
    }

    /// The region of an ordinal.
    #[must_use]
    pub fn of(self, ordinal: u64) -> Option<Region> {
        let number = ordinal.checked_shr(u32::from(self.0))? % u64::from(AROUND);
        let number = u8::try_from(number).unwrap_or(0);
        Some(Region::Cut(self.0 << ROUND_BITS | number))
    }
}

/// A region. A route has the ones or the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Of a route's ids: five bits of which, and three of the cut that it is one of.
    Cut(u8),
    /// One that the log names. It has no neighbours that anybody knew of.
    Named(u8),
}

impl Region {
    /// Whether it can be compared with a home.
    const fn is_comparable(self, home: u8) -> bool {
        match self {
            Self::Cut(own) => own >> ROUND_BITS == home >> ROUND_BITS,
            Self::Named(_) => true,
        }
    }

    /// Whether it is that home, or a neighbour.
    const fn is_near(self, home: u8) -> bool {
        match self {
            Self::Cut(own) => {
                let apart = own.wrapping_sub(home) % AROUND;
                apart <= 1 || apart == AROUND - 1
            }
            Self::Named(own) => own == home,
        }
    }

    /// As the home that it is.
    const fn home(self) -> u8 {
        match self {
            Self::Cut(own) | Self::Named(own) => own,
        }
    }
}

/// Steps of one in which the share outside is kept; at 0 nobody was seen yet.
const SHARE_STEPS: f64 = 256.0;
const NO_HOME: u8 = 0;
/// The share before anything is known.
const START: u8 = 128;
/// Above this share, seven contacts more outside than at home, a home is none.
const DROPPED: u8 = 141;
/// Up to this one it is proven, and tells.
const TELLS: u8 = 90;
/// What is added to a proven share: its standard error and a half at a clerk; and no less than one in ten
/// in all.
const MARGIN: f64 = 0.05;
const RATE_MIN: f64 = 0.1;
/// What a contact says of what it would if it were alone: families come together. Counted in full an honest
/// clerk of sixty a day was told on every seventh (every fiftieth where three families in ten come
/// together), at a half on one in three hundred.
const FAMILY_PART: f64 = 0.5;
/// Contacts that a share looks back.
const CONTACTS: u16 = 64;
/// Contacts of a day that count at most: a quarter of these; of a day with more outside than usual a
/// sixteenth, so that no single day takes a home away.
const FULL_DAY: u16 = CONTACTS / 4;
const UNUSUAL_DAY: u16 = CONTACTS / 16;
/// Contacts of a day beyond which the rest neither teaches nor tells: work in order is at home first and
/// elsewhere later.
const SAMPLE: u16 = u8::MAX as u16;

/// What a contact says at each share that tells.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler makes it, and would refuse to go beyond the end"
)]
static SAYS: [Says; TELLS as usize + 1] = {
    let mut table = [Says::at(RATE_MIN, FAMILY_PART); TELLS as usize + 1];
    let mut step = 0;
    while step < table.len() {
        let rate = step as f64 / SHARE_STEPS + MARGIN;
        let rate = if rate < RATE_MIN { RATE_MIN } else { rate };
        table[step] = Says::at(rate, FAMILY_PART);
        step += 1;
    }
    table
};

/// Where a client's people are, and how often others are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    home: u8,
    /// The share of contacts outside, in [`SHARE_STEPS`].
    share: u8,
    /// Today's contacts outside, of the first [`SAMPLE`].
    outside: u8,
    told: Regime,
}

impl Spread {
    /// A first contact with somebody of a region who was found, after so many found today, of a client
    /// whose days `tell` what is usual for it, or do not yet.
    pub fn take(&mut self, region: Region, found_today: u16, tell: bool) {
        if found_today >= SAMPLE {
            return;
        }
        if self.share == NO_HOME || !region.is_comparable(self.home) {
            self.settle_in(region, found_today);
            return;
        }
        let outside = !region.is_near(self.home);
        self.outside = self.outside.saturating_add(u8::from(outside));
        if let Some(says) = SAYS.get(usize::from(self.share)) {
            if tell {
                self.told.take(outside, *says);
            }
            if found_today == 0 && !outside {
                self.home = region.home();
            }
            return;
        }
        self.learn(f64::from(u8::from(outside)), 1.0 / f64::from(CONTACTS));
        if self.share > DROPPED {
            self.settle_in(region, found_today);
        }
    }

    /// Takes a region for its home. What was found before today was elsewhere.
    fn settle_in(&mut self, region: Region, found_today: u16) {
        let outside = u8::try_from(found_today).unwrap_or(u8::MAX);
        (self.home, self.share, self.outside) = (region.home(), START, outside);
    }

    /// Learns that a share was outside, which is worth this part of what is known.
    fn learn(&mut self, outside: f64, part: f64) {
        let share = f64::from(self.share);
        let learned = share + (outside * SHARE_STEPS - share) * part;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 255")]
        let learned = (learned + 0.5).clamp(1.0, 255.0) as u8;
        self.share = learned;
    }

    /// The stream's log e-value.
    #[must_use]
    pub const fn log_e(&self) -> Nats {
        self.told.log_e()
    }

    /// Whether its home has proven itself.
    const fn is_proven(&self) -> bool {
        NO_HOME < self.share && self.share <= TELLS
    }

    /// A day of so many `found` has ended, that many days before the next with a contact; where it
    /// `teaches`, it tells how much lies outside.
    pub fn close_day(&mut self, teaches: bool, ended: i64, found: u16) {
        let outside = f64::from(std::mem::take(&mut self.outside));
        self.told.close_day(teaches, ended);
        if teaches && self.is_proven() && found > 0 {
            let today = (outside / f64::from(found.min(SAMPLE))).min(1.0);
            let is_usual = today * SHARE_STEPS <= f64::from(self.share);
            let most = if is_usual { FULL_DAY } else { UNUSUAL_DAY };
            self.learn(today, f64::from(found.min(most)) / f64::from(CONTACTS));
        }
    }

    /// Forgets the evidence, and keeps the home.
    pub const fn reset(&mut self) {
        self.told = Regime::from_byte(0);
    }

    /// As bytes of a profile.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        [self.home, self.share, self.outside, self.told.to_byte()]
    }

    /// From bytes of a profile.
    #[must_use]
    pub const fn from_bytes([home, share, outside, told]: [u8; 4]) -> Self {
        Self { home, share, outside, told: Regime::from_byte(told) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::regime::MOST;
    use super::*;
    use crate::scenarios::Random;

    /// Two million ids, of which a district's are 62,500.
    const IDS: u64 = 2_000_000;
    const DISTRICT: u64 = IDS / 32;

    fn regions() -> Regions {
        Regions::NONE.over(IDS)
    }

    fn of(ordinal: u64) -> Region {
        regions().of(ordinal).unwrap()
    }

    /// A client, and who comes to it.
    struct World {
        spread: Spread,
        random: Random,
    }

    impl World {
        fn new(seed: u64) -> Self {
            Self { spread: Spread::default(), random: Random::new(seed) }
        }

        /// A family of one to four, in a district or, for the share of families, anywhere.
        fn family(&mut self, (district, elsewhere): (u64, f64)) -> (Region, u64) {
            let members = self.random.below(10).saturating_sub(5).max(1);
            let is_elsewhere = self.random.chance(elsewhere);
            let own = district * DISTRICT + self.random.below(DISTRICT);
            let home = if is_elsewhere { self.random.below(IDS) } else { own };
            (of(home), members)
        }

        /// A day of so many people or a few more.
        fn day(&mut self, families: (u64, f64), found: u16) {
            let mut before = 0;
            while before < found {
                let (home, members) = self.family(families);
                (0..members).for_each(|_| self.spread.take(home, before, true));
                before += u16::try_from(members).unwrap_or(1);
            }
        }

        fn worked(district: u64, elsewhere: f64, found: u16) -> Self {
            let mut world = Self::new(district);
            for _ in 0..28 {
                world.day((district, elsewhere), found);
                world.spread.close_day(true, 1, found);
            }
            world
        }

        /// Of so many quiet days, those on which it is told to the end.
        fn told_on(&mut self, of: (u64, f64), found: u16, days: u32) -> u32 {
            (0..days)
                .map(|_| {
                    self.day(of, found);
                    let told = self.spread.log_e() == MOST;
                    self.spread.close_day(true, 1, found);
                    u32::from(told)
                })
                .sum()
        }
    }

    #[test]
    fn a_client_of_any_district_is_told_by_forty_from_everywhere() {
        for district in 0..32 {
            let mut world = World::worked(district, 0.15, 20);
            world.day((district, 1.0), 40);
            assert!(world.spread.log_e() > MOST / 2, "{district} {:?}", world.spread);
        }
    }

    #[test]
    fn who_reads_from_everywhere_has_no_home_and_is_never_told() {
        for seed in 0..32 {
            let mut world = World::worked(seed, 1.0, 20);
            world.day((0, 1.0), 400);
            assert_eq!(world.spread.log_e(), 0, "{seed}");
        }
    }

    #[test]
    fn an_honest_clerk_with_families_is_told_on_one_day_in_a_hundred_at_most() {
        for (elsewhere, found) in [(0.0, 20), (0.05, 20), (0.15, 20), (0.15, 60)] {
            let told: u32 = (0..32)
                .map(|district| {
                    let mut world = World::worked(district, elsewhere, found);
                    world.told_on((district, elsewhere), found, 100)
                })
                .sum();
            assert!(told <= 32, "{told} of 3,200 days, {elsewhere} {found}");
        }
    }

    #[test]
    fn a_clerk_is_known_within_a_week() {
        for district in 0..32 {
            let mut world = World::new(district);
            for _ in 0..5 {
                world.day((district, 0.15), 20);
                world.spread.close_day(true, 1, 20);
            }
            assert!(world.spread.is_proven(), "{district} {:?}", world.spread);
        }
    }

    #[test]
    fn a_client_whose_days_do_not_tell_yet_is_not_told() {
        let mut world = World::worked(3, 0.15, 20);
        (0..40).for_each(|before| world.spread.take(of(IDS / 2), before, false));
        assert_eq!(world.spread.log_e(), 0);
    }

    #[test]
    fn another_office_is_told_for_a_week_and_then_is_the_home() {
        for found in [20, 2_000] {
            let mut world = World::worked(3, 0.15, found);
            let told = world.told_on((20, 0.15), found, 28);
            assert!((1..=7).contains(&told), "{told} days of {found}");
            world.day((20, 0.15), found);
            assert!(world.spread.is_proven() && world.spread.log_e() < MOST, "{:?}", world.spread);
        }
    }

    #[test]
    fn one_quiet_day_elsewhere_takes_no_home_away() {
        let mut world = World::worked(3, 0.15, 20);
        world.day((3, 1.0), 20);
        world.spread.close_day(true, 1, 20);
        world.day((3, 1.0), 40);
        assert!(world.spread.log_e() > MOST / 2, "{:?}", world.spread);
    }

    #[test]
    fn a_day_that_was_an_alert_teaches_no_home() {
        let mut world = World::worked(3, 0.15, 20);
        let before = world.spread.share;
        world.day((3, 1.0), 200);
        world.spread.close_day(false, 1, 200);
        assert_eq!(world.spread.share, before);
    }

    #[test]
    fn people_who_move_on_by_less_than_a_region_a_day_take_the_home_with_them() {
        let mut spread = Spread::default();
        let mut told = 0;
        for day in 0..60 {
            for before in 0..20 {
                let newest = day * DISTRICT / 4 + u64::from(before) * 100;
                spread.take(of(newest), before, day > 5);
            }
            told += u32::from(spread.log_e() > 0);
            spread.close_day(true, 1, 20);
        }
        assert_eq!(told, 0);
        assert!(spread.is_proven(), "{spread:?}");
    }

    #[test]
    fn a_list_that_is_worked_through_in_order_is_not_told_beyond_its_first_people() {
        let mut world = World::worked(3, 0.0, 20);
        (0..2_000).for_each(|before| {
            world.spread.take(of(3 * DISTRICT + u64::from(before) * 100), before, true)
        });
        assert_eq!(world.spread.log_e(), 0);
    }

    #[test]
    fn a_register_that_grows_by_half_keeps_its_regions_and_one_of_another_cut_tells_nothing() {
        let cut = regions();
        assert_eq!(cut.over(IDS * 3 / 2), cut);
        let anew = cut.over(IDS * 4);
        assert_ne!(anew, cut);
        let far = 7_000_000;
        let mut spread = World::worked(1, 0.15, 20).spread;
        (0..40).for_each(|before| spread.take(of(far), before, true));
        assert_eq!(spread.log_e(), MOST, "it is far from home");
        let mut spread = World::worked(1, 0.15, 20).spread;
        (0..40).for_each(|before| spread.take(anew.of(far).unwrap(), before, true));
        assert_eq!(spread.log_e(), 0, "regions of two cuts cannot be compared");
    }

    #[test]
    fn regions_that_the_log_names_are_homes_without_neighbours() {
        let mut random = Random::new(1);
        let mut spread = Spread::default();
        let mut of_somebody = || {
            let anywhere = u8::try_from(1 + random.below(32)).unwrap();
            Region::Named(if random.chance(0.15) { anywhere } else { 7 })
        };
        for _ in 0..14 {
            (0..20).for_each(|before| spread.take(of_somebody(), before, true));
            spread.close_day(true, 1, 20);
        }
        assert!(spread.is_proven() && spread.home == 7, "{spread:?}");
        assert!(spread.log_e() < MOST / 2);
        (0..40).for_each(|before| spread.take(Region::Named(8), before, true));
        assert_eq!(spread.log_e(), MOST);
    }

    #[test]
    fn ids_that_are_not_known_or_too_few_have_no_regions() {
        assert_eq!(Regions::NONE.of(7), None);
        assert_eq!(regions().over(9).of(7), None);
    }

    #[test]
    fn its_bytes_hold_all_of_it() {
        let mut world = World::worked(3, 0.15, 20);
        world.day((3, 1.0), 20);
        assert_eq!(Spread::from_bytes(world.spread.to_bytes()), world.spread);
    }
}
