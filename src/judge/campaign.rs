//! Whether two clients take part in the same harvest.
//!
//! Fifty logins that share one harvest are fifty findings and one page: whoever is woken has to
//! see one thing that happens, with fifty names, and not fifty things. What they share is the
//! order. A harvest is worked off along the ids, so at any moment its clients stand close
//! together, in a space where two strangers are far apart; a random sample of a small part (prefix
//! by prefix) has all of its clients in that part. So nothing is compared but where the open runs
//! of two clients stand right now, which every profile knows anyway.
//!
//! Whoever reads all over the place in no order shares no order with anybody: what such clients have
//! in common is how they work (`manner`). Coming from one network is not enough to join them: ten
//! harvesters behind one hosting company are ten pages.

use super::Space;
use super::manner::{self, Manner};
use crate::attribute::KeyKind;
use crate::evidence::walk::Tip;
use crate::profile::{Large, Profile};
use crate::time::{HOUR_MS, Moment};

/// Ids of a run that is no accident: where many share a harvest, one's next id often lies beyond
/// the gap, and its run begins anew.
const ESTABLISHED: u8 = 2;
/// Single ids close to those of the other that are no accident: of four, each close to one of the
/// other's four once in 125, three are once in 500,000.
const SINGLES: usize = 3;
/// Ids of a run that is what its client does, and no accident.
const WALK: u8 = 5;
/// A client that has been quiet for longer takes no part any more.
const QUIET_MS: i64 = HOUR_MS;

/// Clients that share a harvest share it out: each reads what the others have not. Above this share
/// of records in common they are two who came upon the same ids.
const IN_COMMON_MAX: f64 = 0.25;

/// Whether what two clients read looks like two parts of one whole.
fn share_out(one: &Large, other: &Large) -> bool {
    one.overlap(other).is_none_or(|it| it <= IN_COMMON_MAX)
}

/// A client under suspicion, as it is compared with others.
#[derive(Clone, Copy, Debug)]
pub struct Working<'a> {
    /// Its profile.
    pub profile: &'a Profile,
    /// What it has read.
    pub sketch: &'a Large,
    /// How it works.
    pub manner: &'a Manner,
}

impl Working<'_> {
    const fn since(&self) -> manner::Since<'_> {
        (self.manner, self.profile.episode.first_seen)
    }
}

/// Where and when clients of one route are compared.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The ids of the route.
    pub space: &'a Space,
    /// Slice time.
    pub at: Moment,
    /// Event time of the log's first look-up.
    pub log_begins: Option<Moment>,
}

/// Whether a client takes part in what these others do: they share records out, and work along the
/// same ids or as one program's machines do.
#[must_use]
pub fn takes_part<'a>(
    one: Working<'_>,
    others: impl Iterator<Item = Working<'a>>,
    scene: Scene<'_>,
) -> bool {
    let others: Vec<Working<'_>> = others.collect();
    if others.iter().any(|it| is_within(one, *it)) {
        return true;
    }
    let shares = |it: &&Working<'_>| share_out(one.sketch, it.sketch);
    let others: Vec<Working<'_>> = others.iter().filter(shares).copied().collect();
    if others.iter().any(|it| share_order(one.profile, it.profile, scene.space, scene.at)) {
        return true;
    }
    let alike = others.iter().filter(|it| may_be_alike(one.profile, it.profile));
    manner::is_one_of(one.since(), alike.map(Working::since), scene.log_begins)
}

/// Whether one is a network and the other a client in it: what a client does that is told apart from
/// its network is the same harvest all the same.
fn is_within(one: Working<'_>, other: Working<'_>) -> bool {
    one.profile.gathers() != other.profile.gathers() && one.manner.is_beside(other.manner)
}

/// Whether how they work may tell that two clients are one program's: not of those with a login,
/// whose program is everybody's, not of a network, and not of two that each walk a range of its own, as independent
/// collectors do.
fn may_be_alike(one: &Profile, other: &Profile) -> bool {
    let nameless = |it: &Profile| usize::from(it.kind) >= KeyKind::Address.index() && !it.gathers();
    let walks = |it: &Profile| it.runs.tips().any(|it| it.length >= WALK);
    nameless(one) && nameless(other) && !(walks(one) && walks(other))
}

/// Whether two profiles of one route work along the same ids at this moment.
fn share_order(one: &Profile, other: &Profile, space: &Space, at: Moment) -> bool {
    let active = |it: &Profile| at.since(it.last) <= QUIET_MS;
    if !active(one) || !active(other) {
        return false;
    }
    let close = |a: &Tip, b: &Tip| match (a.at.ordinal(), b.at.ordinal()) {
        (Some(a), Some(b)) => a.abs_diff(b) <= space.close,
        _ => false,
    };
    let has_close =
        |tip: &Tip, least: u8| other.runs.tips().any(|it| it.length >= least && close(tip, &it));
    let runs = |least: u8| one.runs.tips().filter(move |it| it.length >= least);
    runs(ESTABLISHED).any(|it| has_close(&it, ESTABLISHED))
        || runs(1).filter(|it| has_close(it, 1)).count() >= SINGLES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Position;
    use crate::evidence::spread::Regions;

    const SPACE: Space = Space { gap: 64, chance: 0.0, close: 100_000, regions: Regions::NONE };
    const SPAN: u64 = 100_000_000;

    /// A client that has read these ids.
    fn reader(ids: impl IntoIterator<Item = u64>) -> Profile {
        let mut profile = Profile::new(1, (0, 0, 0), Moment(0));
        profile.last = Moment(1_000);
        for id in ids {
            profile.runs.step(Position::new(id), SPACE.gap, 0);
        }
        profile
    }

    fn scattered(seed: u64) -> impl Iterator<Item = u64> {
        (1..20).map(move |it: u64| (it * seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) % SPAN)
    }

    fn share(one: &Profile, other: &Profile) -> bool {
        share_order(one, other, &SPACE, Moment(2_000))
    }

    #[test]
    fn logins_that_take_turns_along_the_ids_share_an_order_and_a_walker_elsewhere_does_not() {
        let turns = |first: u64| reader((0..12).map(move |it| 700_000 + first + it * 50));
        assert!(share(&turns(0), &turns(31)));
        assert!(!share(&turns(0), &reader((0..12).map(|it| 40_000_000 + it))));
    }

    #[test]
    fn who_reads_at_random_within_one_prefix_shares_it_and_who_reads_everywhere_shares_nothing() {
        let prefix = |seed: u64| reader(scattered(seed).map(|it| 5_000_000 + it % 50_000));
        assert!(share(&prefix(3), &prefix(5)));
        let all = (1..40).filter(|it| share(&reader(scattered(*it)), &reader(scattered(it + 97))));
        assert_eq!(all.count(), 0);
        assert!(!share(&prefix(3), &reader(scattered(7))));
    }

    #[test]
    fn two_who_read_the_same_records_share_nothing_out() {
        let reads = |records: std::ops::Range<u64>| {
            let mut sketch = Large::default();
            let hash = |it: u64| it.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            records.for_each(|it| sketch.insert(hash(it)));
            sketch
        };
        assert!(share_out(&reads(0..8), &reads(8..90)));
        assert!(!share_out(&reads(0..8), &reads(0..90)));
        // Of many records only a sketch is kept, which does not tell.
        assert!(share_out(&reads(0..8), &reads(0..1_000)));
    }

    #[test]
    fn who_has_been_quiet_for_an_hour_takes_no_part() {
        let walker = reader((0..12).map(|it| 700_000 + it));
        assert!(!share_order(&walker, &walker, &SPACE, Moment(2 * HOUR_MS)));
    }
}
