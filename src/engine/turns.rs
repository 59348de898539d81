//! The passes over a cut: three over the shards that they are given, and one over the routes.
//!
//! What a lookup needs lies all over the memory, and a core that takes one lookup after the other
//! waits for each. So some at a time are looked at first, and the memory serves them side by side.
//! Taking the lookups shard by shard was tried too, since a shard's tables are few pages: it gained
//! nothing that could be measured.

use super::SHARDS;
use super::pass::Cells;
use crate::attribute::{KeyKind, Lookup};
use crate::judge::{Clients, Seen, Site, SiteContact, Speaker, begin_sites};
use crate::novelty::Novelty;
use crate::profile::Slot;
use crate::timeline::Cut;
use std::hint::black_box;

/// Lookups whose memory is asked for together: as many as a core has reads under way.
const TOGETHER: usize = 16;

/// A lookup of a pass.
#[derive(Clone, Copy, Debug)]
struct Turn<T> {
    /// Its place in the cut.
    at: u32,
    /// The shard whose turn it is, among those of the pass.
    shard: usize,
    /// What the pass needs of it.
    what: T,
}

/// The turns of so many shards, at most `most`, in the order of the cut.
fn turns<T>(all: impl Iterator<Item = Turn<T>>, most: usize, shards: usize) -> Vec<Turn<T>> {
    let mut ours = Vec::with_capacity(most);
    ours.extend(all.filter(|it| it.shard < shards));
    ours
}

/// The first pass over the shards from `first` on: who has seen whom.
pub(super) fn remember(cut: &Cut, cells: &Cells, first: usize, shards: &mut [Novelty]) {
    shards.iter_mut().for_each(|it| it.rotate(cut.at));
    let ours = cut.lookups.iter().zip(0..).filter_map(|(placed, at)| {
        let lookup = &placed.lookup;
        let (_, key) = lookup.finest()?;
        let route = u64::from(lookup.route.0);
        let pair = mix(mix(lookup.subject, key), route);
        let shard = shard_of(lookup.subject).wrapping_sub(first);
        Some(Turn { at, shard, what: (pair, mix(lookup.record, route)) })
    });
    for some in turns(ours, cut.lookups.len(), shards.len()).chunks(TOGETHER) {
        let warm = |it: &Turn<(u64, u64)>| Some(shards.get(it.shard)?.warm(it.what.0, it.what.1));
        black_box(some.iter().filter_map(warm).fold(0, |sum, it| sum ^ it));
        for Turn { at, shard, what: (pair, record) } in some {
            let Some(shard) = shards.get_mut(*shard) else { continue };
            cells.put_contact(*at as usize, shard.contact(*pair, *record, cut.at));
        }
    }
}

/// A client key of a lookup.
type Key = (KeyKind, u64);

/// Walks over the lookups of a pass, some at a time: where their profiles are, then the profiles
/// themselves are read side by side, before they are judged one after the other.
fn warmed(
    cut: &Cut,
    turns: &[Turn<Key>],
    shards: &mut [Clients],
    mut judge: impl FnMut(&mut Clients, &Lookup, (&Turn<Key>, Option<Slot>)),
) {
    let lookup = |it: &Turn<Key>| cut.lookups.get(it.at as usize).map(|it| &it.lookup);
    for some in turns.chunks(TOGETHER) {
        let index = some
            .iter()
            .filter_map(|it| Some(shards.get(it.shard)?.warm_slot(it.what.1, lookup(it)?.route.0)));
        black_box(index.fold(0, |sum, it| sum ^ it));
        let mut slots = [None; TOGETHER];
        for (slot, it) in slots.iter_mut().zip(some) {
            let (Some(shard), Some(lookup)) = (shards.get(it.shard), lookup(it)) else { continue };
            *slot = shard.slot(it.what.1, lookup.route.0);
        }
        let found = slots.iter().zip(some);
        let warm = found.filter_map(|(slot, it)| Some(shards.get(it.shard)?.warm(*slot)));
        black_box(warm.fold(0, |sum, it| sum ^ it));
        for (it, slot) in some.iter().zip(slots) {
            let (Some(lookup), Some(shard)) = (lookup(it), shards.get_mut(it.shard)) else {
                continue;
            };
            judge(shard, lookup, (it, slot));
        }
    }
}

/// The second pass: finest keys.
pub(super) fn judge_finest(
    cut: &Cut,
    (cells, seen): (&Cells, &Seen<'_>),
    first: usize,
    shards: &mut [Clients],
) {
    let ours = cut.lookups.iter().zip(0..).filter_map(|(placed, at)| {
        let what = placed.lookup.finest()?;
        Some(Turn { at, shard: shard_of(what.1).wrapping_sub(first), what })
    });
    let turns = turns(ours, cut.lookups.len(), shards.len());
    warmed(cut, &turns, shards, |shard, lookup, (turn, slot)| {
        let contact = cells.contact(turn.at as usize);
        let relay = shard.finest(seen, (turn.at, lookup, contact), (turn.what.0, slot));
        cells.put_relay(turn.at as usize, relay);
    });
}

/// The third pass: what stands above each finest key.
pub(super) fn judge_roll_ups(
    cut: &Cut,
    (cells, seen): (&Cells, &Seen<'_>),
    first: usize,
    shards: &mut [Clients],
) {
    let ours = cut.lookups.iter().zip(0..).filter_map(|(placed, at)| {
        let (kind, _) = placed.lookup.finest()?;
        let above = kind.rolls_up_to()?;
        let key = *placed.lookup.keys.get(above.index()).filter(|it| **it != 0)?;
        let shard = shard_of(key).wrapping_sub(first);
        Some(Turn { at, shard, what: (kind, key) })
    });
    let turns = turns(ours, cut.lookups.len(), shards.len());
    warmed(cut, &turns, shards, |shard, lookup, (turn, slot)| {
        let at = turn.at as usize;
        let contact = (turn.at, lookup, cells.contact(at));
        shard.roll_up(seen, contact, (turn.what.0, slot), cells.relay(at));
    });
}

/// The last pass, on one thread and in the order of the cut: every route as a whole.
pub(super) fn judge_sites(cut: &Cut, (cells, seen): (&Cells, &Seen<'_>), sites: &mut [Site]) {
    begin_sites(sites, seen);
    for (index, (placed, at)) in (0..).zip(cut.lookups.iter().zip(0..)) {
        let (lookup, speaker) = (&placed.lookup, cells.speaker(at));
        let Some(site) = sites.get_mut(usize::from(lookup.route.0)) else { continue };
        site.count();
        if speaker == Speaker::None && !site.listens() {
            continue;
        }
        let Some((kind, _)) = lookup.finest() else { continue };
        let cold = cells.contact(at).cold;
        site.take(SiteContact { index, lookup, kind, speaker, cold }, seen);
    }
    for (route, site) in (0..).zip(sites) {
        site.tick(route, seen);
    }
}

/// The shard of a hash, by bits that neither the filters nor the tables use first.
pub(super) const fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// Two hashes as one (the multiply and fold of wyhash's finish, on keyed hashes only).
fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0x9e37_79b9_7f4a_7c15)
        * u128::from(b.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ 0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_possible_truncation, reason = "folds both halves")]
    let folded = wide as u64 ^ (wide >> 64) as u64;
    folded
}
