//! `spread`: people from elsewhere than those whom this client looks up.
//!
//! Staff look up the people of their district, their office's series, their years of birth, and a harvest
//! goes beyond them. Where ids begin with such a thing, those of one district lie together: the route's ids
//! are cut into [`Regions`], and a client's home is the region, with its two neighbours, in which most of
//! its people are. A first contact outside says yes. What it says is a [`Regime`].
//!
//! A home is a guess that has to prove itself: a region that was seen is taken, and another one where
//! contacts turn out to lie elsewhere. The share outside begins at one half, and until it is a third the
//! stream is silent and learns from every contact; from then on it speaks, and learns from quiet days only.
//! That takes a clerk two days, and who looks up people from everywhere, or by ids that say nothing about
//! where they are, has no home and is never told. So it needs no configuration, and takes four bytes.
//! Answers that there is nobody are left out: a mistyped id lies anywhere.
//!
//! Blind to: a thief who reads only people of the client's own region.

use super::Nats;
use super::regime::{Regime, Says};
use borsh::{BorshDeserialize, BorshSerialize};

/// The stream's name.
pub const NAME: &str = "spread";
/// What it tells the person who was woken up.
pub const PAGER_LINE: &str = "reads people from elsewhere than its own";

/// Regions that a route's ids are cut into: at least so many and less than twice as many, counted modulo
/// [`AROUND`] beyond.
const REGIONS_MIN: u64 = 16;
/// Fewer or more than these, and the cut is made anew.
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
        Some(Region(self.0 << ROUND_BITS | number))
    }
}

/// A region: five bits of which, and three of the cut that it is one of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region(u8);

impl Region {
    /// Whether both are of one cut.
    const fn is_comparable(self, other: Self) -> bool {
        self.0 >> ROUND_BITS == other.0 >> ROUND_BITS
    }

    /// Whether they are the same or neighbours.
    const fn is_near(self, other: Self) -> bool {
        let apart = self.0.wrapping_sub(other.0) % AROUND;
        apart <= 1 || apart == AROUND - 1
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
/// What is added to a proven share: its standard error and a half at a clerk; and no less than one in
/// twenty in all.
const MARGIN: f64 = 0.05;
const RATE_MIN: f64 = 0.05;
/// Contacts that a share looks back.
const CONTACTS: u16 = 64;
/// Contacts of a day that count at most: a quarter of these.
const FULL_DAY: u16 = CONTACTS / 4;
/// Contacts of a day beyond which the rest is taken to be like these.
pub const SAMPLE: u16 = u8::MAX as u16;

/// What a contact says at each share that tells.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler makes it, and would refuse to go beyond the end"
)]
static SAYS: [Says; TELLS as usize + 1] = {
    let mut table = [Says::at(RATE_MIN); TELLS as usize + 1];
    let mut step = 0;
    while step < table.len() {
        let rate = step as f64 / SHARE_STEPS + MARGIN;
        table[step] = Says::at(if rate < RATE_MIN { RATE_MIN } else { rate });
        step += 1;
    }
    table
};

/// Where a client's people are, and how often others are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    home: Region,
    /// The share of contacts outside, in [`SHARE_STEPS`].
    share: u8,
    /// Today's contacts outside, of the first [`SAMPLE`].
    outside: u8,
    told: Regime,
}

impl Spread {
    /// A first contact with somebody of a region who was found, after so many found today.
    pub fn take(&mut self, region: Region, found_today: u16) {
        if self.share == NO_HOME || !self.home.is_comparable(region) {
            self.settle_in(region, found_today);
            return;
        }
        let outside = !self.home.is_near(region);
        if found_today < SAMPLE {
            self.outside = self.outside.saturating_add(u8::from(outside));
        }
        if let Some(says) = SAYS.get(usize::from(self.share)) {
            self.told.take(outside, *says);
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
        (self.home, self.share, self.outside) = (region, START, outside);
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

    /// The share of its contacts that is expected outside, where it has a home that tells.
    #[must_use]
    pub fn expected(&self) -> Option<f64> {
        let tells = (NO_HOME + 1..=TELLS).contains(&self.share);
        tells.then(|| (f64::from(self.share) / SHARE_STEPS + MARGIN).max(RATE_MIN))
    }

    /// A day of so many `found` has ended, that many days before the next with a contact; where it
    /// `teaches`, it tells how much lies outside.
    pub fn close_day(&mut self, teaches: bool, ended: i64, found: u16) {
        let outside = f64::from(std::mem::take(&mut self.outside));
        self.told.close_day(teaches, ended);
        if teaches && self.expected().is_some() && found > 0 {
            let part = f64::from(found.min(FULL_DAY)) / f64::from(CONTACTS);
            self.learn((outside / f64::from(found.min(SAMPLE))).min(1.0), part);
        }
    }

    /// Forgets the evidence, and keeps the home.
    pub const fn reset(&mut self) {
        self.told = Regime::from_byte(0);
    }

    /// As bytes of a profile.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        [self.home.0, self.share, self.outside, self.told.to_byte()]
    }

    /// From bytes of a profile.
    #[must_use]
    pub const fn from_bytes([home, share, outside, told]: [u8; 4]) -> Self {
        Self { home: Region(home), share, outside, told: Regime::from_byte(told) }
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
        regions().of(ordinal).unwrap_or_default()
    }

    /// Somebody of a district, but for the share that comes from everywhere.
    fn patient(random: &mut Random, district: u64, elsewhere: f64) -> Region {
        let from_elsewhere = random.chance(elsewhere);
        let own = district * DISTRICT + random.below(DISTRICT);
        of(if from_elsewhere { random.below(IDS) } else { own })
    }

    /// A day of so many from a district; whether it ends as a quiet one.
    fn day(
        spread: &mut Spread,
        random: &mut Random,
        (district, elsewhere): (u64, f64),
        found: u16,
    ) {
        for before in 0..found {
            spread.take(patient(random, district, elsewhere), before);
        }
    }

    fn worked(district: u64, elsewhere: f64, found: u16) -> (Spread, Random) {
        let (mut spread, mut random) = (Spread::default(), Random::new(district));
        for _ in 0..28 {
            day(&mut spread, &mut random, (district, elsewhere), found);
            spread.close_day(true, 1, found);
        }
        (spread, random)
    }

    #[test]
    fn a_client_of_any_district_is_known_by_it_and_a_dozen_from_everywhere_is_told() {
        for district in 0..32 {
            let (mut spread, mut random) = worked(district, 0.15, 20);
            assert!(spread.expected().is_some_and(|it| it < 0.3), "{district} {spread:?}");
            day(&mut spread, &mut random, (district, 1.0), 12);
            assert!(spread.log_e() > MOST / 2, "{district} {spread:?}");
        }
    }

    #[test]
    fn who_reads_from_everywhere_has_no_home_and_is_never_told() {
        for seed in 0..32 {
            let (mut spread, mut random) = worked(seed, 1.0, 20);
            day(&mut spread, &mut random, (0, 1.0), 400);
            assert_eq!(spread.log_e(), 0, "{seed}");
        }
    }

    #[test]
    fn an_honest_clerk_says_three_nats_on_few_days() {
        let mut loud = 0;
        for district in 0..32 {
            let (mut spread, mut random) = worked(district, 0.15, 20);
            for _ in 0..100 {
                day(&mut spread, &mut random, (district, 0.15), 20);
                loud += u32::from(spread.log_e() > MOST * 3 / 7);
                spread.close_day(true, 1, 20);
            }
        }
        assert!(loud < 320, "{loud} of 3,200 days");
    }

    #[test]
    fn a_clerk_is_known_within_a_week() {
        for district in 0..32 {
            let (mut spread, mut random) = (Spread::default(), Random::new(district));
            for _ in 0..5 {
                day(&mut spread, &mut random, (district, 0.15), 20);
                spread.close_day(true, 1, 20);
            }
            assert!(spread.expected().is_some(), "{district} {spread:?}");
        }
    }

    #[test]
    fn another_office_is_told_for_days_and_then_is_the_home() {
        let (mut spread, mut random) = worked(3, 0.15, 20);
        let mut told = 0;
        for _ in 0..28 {
            day(&mut spread, &mut random, (20, 0.15), 20);
            told += u32::from(spread.log_e() == MOST);
            spread.close_day(true, 1, 20);
        }
        assert!((1..=5).contains(&told), "{told} days");
        assert!(spread.expected().is_some(), "{spread:?}");
    }

    #[test]
    fn a_day_that_was_an_alert_teaches_no_home() {
        let (mut spread, mut random) = worked(3, 0.15, 20);
        let before = spread.expected();
        day(&mut spread, &mut random, (3, 1.0), 200);
        spread.close_day(false, 1, 200);
        assert_eq!(spread.expected(), before);
    }

    #[test]
    fn who_looks_up_thousands_a_day_moves_too() {
        let (mut spread, mut random) = worked(3, 0.15, 2_000);
        for _ in 0..28 {
            day(&mut spread, &mut random, (20, 0.15), 2_000);
            spread.close_day(true, 1, 2_000);
        }
        day(&mut spread, &mut random, (20, 0.15), 2_000);
        assert!(spread.expected().is_some_and(|it| it < 0.3), "{spread:?}");
    }

    #[test]
    fn a_register_that_grows_keeps_its_regions_and_one_three_times_as_large_is_cut_anew() {
        let cut = regions();
        assert_eq!(cut.over(IDS * 3 / 2), cut);
        assert_ne!(cut.over(IDS * 4), cut);
        let moved = cut.over(IDS * 4).of(70_000).unwrap_or_default();
        let (mut spread, _) = worked(1, 0.15, 20);
        (0..9).for_each(|before| spread.take(moved, before));
        assert_eq!(spread.log_e(), 0, "regions of two cuts cannot be compared");
    }

    #[test]
    fn ids_that_are_not_known_or_too_few_have_no_regions() {
        assert_eq!(Regions::NONE.of(7), None);
        assert_eq!(regions().over(9).of(7), None);
    }

    #[test]
    fn its_bytes_hold_all_of_it() {
        let (mut spread, mut random) = worked(3, 0.15, 20);
        day(&mut spread, &mut random, (3, 1.0), 20);
        assert_eq!(Spread::from_bytes(spread.to_bytes()), spread);
    }
}
