//! Who a route's strangers are while its evidence lasts: whom an alert about all of them names.

use super::Member;
use super::site::SiteContact;
use crate::attribute::{Mask, Outcome};
use crate::evidence::Stream;
use crate::profile::Large;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// Strangers remembered since evidence rose, named or not.
const STRANGERS_MAX: usize = 1 << 14;
/// Records remembered of a client that is not named yet.
const RECORDS_MAX: usize = 8;
/// Masked subjects shown.
const EXAMPLES_MAX: usize = 3;

/// A stranger since the site's evidence rose from nothing.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
struct Stranger {
    /// Who it is, once it has done something to be named for.
    who: Option<Member>,
    missed: bool,
    read_alone: bool,
    /// It stands in the alert.
    named: bool,
    /// The first records that it was shown before that.
    records: Vec<u64>,
}

/// The strangers of one route.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Strangers {
    all: BTreeMap<u64, Stranger>,
    /// Those who have missed and those who read what nobody reads, in the order in which they did.
    missed: Vec<u64>,
    read_alone: Vec<u64>,
    /// Subjects of both kinds.
    examples: [Vec<Mask>; 2],
}

impl Strangers {
    /// Remembers the client of a contact from now on.
    pub(super) fn meet(&mut self, key: u64) {
        if self.all.len() < STRANGERS_MAX {
            self.all.entry(key).or_default();
        }
    }

    /// Keeps what a client did, and whether it read what nobody reads; whether it is one of them.
    /// Records of those who are named go to `out`.
    pub(super) fn keep(
        &mut self,
        (contact, alone): (&SiteContact<'_>, bool),
        out: Option<&mut Large>,
        who: impl FnOnce() -> Member,
    ) -> bool {
        let lookup = contact.lookup;
        let key = contact.key();
        let Some(stranger) = self.all.get_mut(&key) else { return false };
        if lookup.outcome == Outcome::Disclosed {
            match out {
                Some(out) if stranger.named => out.insert(lookup.record),
                _ if stranger.records.len() < RECORDS_MAX => stranger.records.push(lookup.record),
                _ => {}
            }
        }
        let missed = contact.missed() && !stranger.missed;
        let read_alone = alone && !stranger.read_alone;
        for (shown, is_one) in self.examples.iter_mut().zip([contact.missed(), alone]) {
            if is_one && shown.len() < EXAMPLES_MAX {
                shown.push(lookup.mask);
            }
        }
        if missed || read_alone {
            stranger.who.get_or_insert_with(who);
            stranger.missed |= missed;
            stranger.read_alone |= read_alone;
        }
        if missed {
            self.missed.push(key);
        }
        if read_alone {
            self.read_alone.push(key);
        }
        true
    }

    fn waiting(&mut self, stream: Stream) -> &mut Vec<u64> {
        if stream == Stream::Miss { &mut self.missed } else { &mut self.read_alone }
    }

    /// Whether somebody is not named yet.
    pub(super) fn wait(&self, stream: Stream) -> bool {
        let waiting = if stream == Stream::Miss { &self.missed } else { &self.read_alone };
        !waiting.is_empty()
    }

    /// Names those who wait; what they were shown goes to `out`.
    pub(super) fn name(&mut self, stream: Stream, out: &mut Large) -> Vec<Member> {
        let mut members = Vec::new();
        for key in std::mem::take(self.waiting(stream)) {
            let Some(stranger) = self.all.get_mut(&key).filter(|it| !it.named) else { continue };
            members.extend(stranger.who.clone());
            stranger.named = true;
            stranger.records.drain(..).for_each(|it| out.insert(it));
        }
        members
    }

    /// Forgets who is not named in an open alert, or everybody.
    pub(super) fn forget(&mut self, but_named: bool) {
        if !but_named {
            *self = Self::default();
            return;
        }
        self.missed.clear();
        self.read_alone.clear();
        self.all.retain(|_, it| it.named);
    }

    /// Up to three subjects.
    pub(super) fn examples(&self, stream: Stream) -> &[Mask] {
        let [missed, read_alone] = &self.examples;
        if stream == Stream::Miss { missed } else { read_alone }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
