//! A lookup in its slice, and the order of a slice.

use crate::attribute::Lookup;
use crate::source::Partition;

/// A lookup in its slice.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The lookup; its event time is clamped and its names stand in the cut's arena.
    pub lookup: Lookup,
    /// Where it was read.
    pub partition: Partition,
    /// Its offset there.
    pub offset: i64,
}

/// The lookups of a slice in the order in which they are judged, whatever the order in which they
/// were read: by event time, id and content. By time first and alone: a partition is mostly in that
/// order already, which a sort that looks for runs makes use of. What is sorted are short keys, and
/// each lookup moves once. Those of one record, which share their offset, come in the order in which
/// they stand in it: of one partition none stands here before one that was read before it.
pub(super) fn in_order(lookups: &[Placed]) -> Vec<Placed> {
    let mut order: Vec<_> = lookups.iter().map(|it| (it.lookup.event, it)).collect();
    order.sort_by_key(|it| it.0);
    let rest =
        |it: &Placed| (it.lookup.position.ordinal(), it.lookup.content, it.partition, it.offset);
    for same in order.chunk_by_mut(|a, b| a.0 == b.0) {
        same.sort_by_key(|it| rest(it.1));
    }
    order.into_iter().map(|(_, it)| *it).collect()
}
