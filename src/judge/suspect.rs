//! What is kept beside a profile once its evidence passes half the ticket level: the names of its
//! keys, examples, a large sketch, and at a roll-up its heaviest children. Most clients never get
//! here, which is why none of this is in the profile.

use super::manner::Manner;
use super::{Listed, Member, Trail};
use crate::attribute::Mask;
use crate::evidence::Nats;
use crate::profile::Large;
use borsh::{BorshDeserialize, BorshSerialize};

/// Examples shown.
const EXAMPLES_MAX: usize = 3;
/// Children kept at a roll-up.
const CHILDREN_MAX: usize = 4;
/// The share of a roll-up's evidence (in tenths) from which its children are named instead.
const EXPLAINED_TENTHS: Nats = 8;

/// Points kept of where its ids lie: enough to tell a line from a cloud, and a kilobyte.
const TRAIL_POINTS: usize = 128;

/// A profile under suspicion.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Suspect {
    pub own: Member,
    pub sketch: Large,
    /// How it works.
    pub manner: Manner,
    pub examples: Vec<Mask>,
    pub children: Vec<(Nats, Member)>,
    /// Records out when the last notification left.
    pub told: u64,
    /// Records out when the evidence last rose from nothing.
    risen_from: u64,
    /// The list that a subject was on which it looked up.
    pub listed: Option<Listed>,
    /// How many times it looked one up.
    pub touches: u64,
    /// Writes under its open alert.
    pub writes: u64,
    /// Where the ids of its first contacts lie. No alert depends on it and it is only looked at, so
    /// that it begins anew after a restart.
    #[borsh(skip)]
    pub trail: Trail<TRAIL_POINTS>,
}

impl Suspect {
    /// `risen` records at most are out since the evidence last rose from nothing.
    pub(super) fn new(own: Member, manner: Manner, sketch: Large, risen: u64) -> Self {
        let risen_from = sketch.count().0.saturating_sub(risen);
        Self {
            own,
            sketch,
            manner,
            examples: Vec::new(),
            children: Vec::new(),
            told: 0,
            risen_from,
            listed: None,
            touches: 0,
            writes: 0,
            trail: Trail::default(),
        }
    }

    /// It looked up a subject on a list; whether that has to be told.
    pub(super) fn touch(&mut self, listed: Listed) -> bool {
        self.touches += 1;
        let tells = match (self.listed, listed) {
            (None, _) | (Some(Listed::Watched), Listed::Decoy) => true,
            (Some(_), _) => false,
        };
        if tells {
            self.listed = Some(listed);
        }
        tells
    }

    /// It wrote under its open alert; whether that has to be told.
    pub(super) fn write(&mut self) -> bool {
        self.writes += 1;
        self.writes == 1
    }

    /// The evidence is nothing: what leaves from here on is counted anew.
    pub(super) fn rest(&mut self) {
        self.risen_from = self.sketch.count().0;
    }

    /// Records out since the evidence last rose from nothing. An episode may be older, since it
    /// outlives a quiet day, and a partner reads a thousand records on any day. None at a roll-up,
    /// where they are those of everybody behind it: a carrier's people read as many in an hour.
    pub(super) fn risen(&self, is_roll_up: bool) -> u64 {
        if is_roll_up { 0 } else { self.sketch.count().0.saturating_sub(self.risen_from) }
    }

    pub(super) fn example(&mut self, mask: Mask) {
        if self.examples.len() < EXAMPLES_MAX && !self.examples.contains(&mask) {
            self.examples.push(mask);
        }
    }

    /// Remembers what a child has shown, if it is among the heaviest.
    pub(super) fn child(&mut self, evidence: Nats, key: u64, name: impl FnOnce() -> Member) {
        if let Some(known) = self.children.iter_mut().find(|it| it.1.key == key) {
            known.0 = evidence;
        } else if self.children.len() < CHILDREN_MAX {
            self.children.push((evidence, name()));
        } else if let Some(least) = self.children.iter_mut().min_by_key(|it| (it.0, it.1.key))
            && least.0 < evidence
        {
            *least = (evidence, name());
        }
    }

    /// The smallest set of keys that explains evidence of this size: the fewest children with
    /// four fifths of it, else the key itself. No child counts for more than `most`.
    pub(super) fn explanation(&self, log_e: Nats, most: Nats) -> Vec<Member> {
        let mut children = self.children.clone();
        children.sort_by_key(|it| (std::cmp::Reverse(it.0), it.1.key));
        let mut sum = 0;
        for (count, (evidence, _)) in children.iter().enumerate() {
            sum += most.min(*evidence);
            if sum * 10 >= log_e * EXPLAINED_TENTHS {
                return children.into_iter().take(count + 1).map(|it| it.1).collect();
            }
        }
        vec![self.own.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::KeyKind;
    use crate::profile::Small;

    fn member(key: u64) -> Member {
        Member { key, kind: KeyKind::Session, name: key.to_string().into_bytes() }
    }

    #[test]
    fn children_are_named_only_where_a_few_explain_the_evidence() {
        let mut suspect =
            Suspect::new(member(1), Manner::default(), Large::after(&Small::default()), 0);
        suspect.child(2_000, 7, || member(7));
        assert_eq!(suspect.explanation(18_000, Nats::MAX), [member(1)]);
        suspect.child(16_000, 8, || member(8));
        assert_eq!(suspect.explanation(18_000, Nats::MAX), [member(8)]);
        suspect.child(9_000, 8, || member(8));
        suspect.child(8_000, 9, || member(9));
        assert_eq!(suspect.explanation(18_000, Nats::MAX), [member(8), member(9)]);
        assert_eq!(suspect.explanation(18_000, 3_000), [member(1)], "of many that say a little");
    }

    #[test]
    fn what_left_before_the_evidence_rose_does_not_count_towards_a_page() {
        let mut small = Small::default();
        (0..12).for_each(|it: u64| small.insert(it << 32));
        let mut suspect = Suspect::new(member(1), Manner::default(), Large::after(&small), 3);
        assert_eq!(suspect.risen(false), 3);
        // Many records of one subject count like many subjects.
        (100..140).for_each(|it: u64| suspect.sketch.insert(it << 32));
        assert_eq!(suspect.risen(false), 43);
        suspect.rest();
        suspect.sketch.insert(1_000 << 32);
        assert_eq!(suspect.risen(false), 1);
    }

    #[test]
    fn what_everybody_behind_an_address_reads_does_not_lift_its_ticket() {
        let mut suspect =
            Suspect::new(member(1), Manner::default(), Large::after(&Small::default()), 0);
        (1..2_000_u64).for_each(|it| suspect.sketch.insert(it.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        assert_eq!(suspect.risen(true), 0);
        assert!(suspect.risen(false) > 1_000);
    }
}
