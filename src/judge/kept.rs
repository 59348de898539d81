//! A shard of clients as bytes, and back.

use super::Clients;
use super::space::SpaceSample;
use super::suspect::Suspect;
use crate::profile::{Lesson, Pages, Pulses, Slot, Table, TableState};
use borsh::{BorshDeserialize, BorshSerialize, io};
use std::collections::{BTreeMap, BTreeSet};

/// A shard beside its profiles, as it is written down.
type Written = (
    (TableState, BTreeMap<Slot, Suspect>, BTreeSet<Slot>, Vec<Lesson>, Pulses),
    Vec<SpaceSample>,
    u64,
);

impl Clients {
    /// What there is beside the profiles, as it is written down; these are kept from now on as they
    /// are, until they are [taken](Self::take_frozen).
    ///
    /// # Errors
    /// Those of the writer.
    pub fn freeze<W: io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let table = self.table.freeze();
        let own = (table, &self.suspects, &self.firing, &self.lessons, &self.pulses);
        (own, &self.samples, self.suspects_refused).serialize(writer)
    }

    /// Profiles as they were when the shard was frozen, about so many bytes; `None` when all were
    /// taken.
    pub fn take_frozen(&mut self, bytes: usize) -> Option<Pages> {
        self.table.take_frozen(bytes)
    }

    /// Forgets that it was frozen.
    pub fn give_up_frozen(&mut self) {
        self.table.give_up_frozen();
    }

    /// Goes on with a shard that was written down, but for routes of which `keeps` says no.
    ///
    /// # Errors
    /// Where the bytes are none.
    pub fn restore(
        &mut self,
        bytes: &mut &[u8],
        pages: &[Pages],
        keeps: impl Fn(u16) -> bool,
    ) -> io::Result<()> {
        let written = Written::deserialize(bytes)?;
        let ((table, suspects, firing, lessons, pulses), samples, refused) = written;
        let (table, moved) =
            Table::restore(self.limits.profiles_max, table, pages, |it| keeps(it.route))
                .ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, "profiles are missing")
                })?;
        let to = |slot: Slot| moved.get(slot as usize).copied().flatten();
        self.table = table;
        self.suspects =
            suspects.into_iter().filter_map(|(slot, it)| Some((to(slot)?, it))).collect();
        self.firing = firing.into_iter().filter_map(to).collect();
        self.lessons = lessons.into_iter().filter(|it| keeps(it.route)).collect();
        let classes = self.pulses.classes();
        self.pulses.restore(pulses, |place| u16::try_from(place / classes).is_ok_and(&keeps));
        for (route, (own, sample)) in (0..).zip(self.samples.iter_mut().zip(samples)) {
            if keeps(route) {
                *own = sample;
            }
        }
        self.suspects_refused = refused;
        Ok(())
    }
}
