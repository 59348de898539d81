//! What one pass over a cut leaves for the next: a cell a lookup.
//!
//! Shards on different threads write the cells of different lookups, so atomics without ordering
//! are all that is needed; the end of a pass is the barrier.

use crate::evidence::together::Says;
use crate::judge::{Relay, Speaker};
use crate::novelty::Contact;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const NOVEL: u8 = 1;
const COLD: u8 = 2;
const WEIGHTLESS: u8 = 4;
const SPOKEN_FOR: u64 = 1 << 16;
const AT_ONCE: u64 = 1 << 17;
const STRANGER: u64 = 1 << 18;
const KNOWN: u64 = 1 << 19;
const LATE: u64 = 1 << 20;
const CLASS_SHIFT: u32 = 24;
const RUSH_SHIFT: u32 = 32;
const MISSES_SHIFT: u32 = 40;
const BEFORE_SHIFT: u32 = 48;
const NOW_SHIFT: u32 = 56;

/// The cells of the lookups of a cut.
#[derive(Debug, Default)]
pub(super) struct Cells {
    contacts: Vec<AtomicU8>,
    /// Expectation in the upper half, gap in the lower.
    expects: Vec<AtomicU64>,
    shown: Vec<AtomicU64>,
}

impl Cells {
    /// Makes room for a cut of this size.
    pub(super) fn resize(&mut self, count: usize) {
        if self.contacts.len() < count {
            self.contacts.resize_with(count, AtomicU8::default);
            self.expects.resize_with(count, AtomicU64::default);
            self.shown.resize_with(count, AtomicU64::default);
        }
    }

    pub(super) fn put_contact(&self, at: usize, contact: Contact) {
        let bits = (u8::from(contact.novel) * NOVEL)
            | (u8::from(contact.cold) * COLD)
            | (u8::from(contact.weightless) * WEIGHTLESS);
        if let Some(cell) = self.contacts.get(at) {
            cell.store(bits, Relaxed);
        }
    }

    pub(super) fn contact(&self, at: usize) -> Contact {
        let bits = self.contacts.get(at).map_or(0, |it| it.load(Relaxed));
        Contact {
            novel: bits & NOVEL != 0,
            cold: bits & COLD != 0,
            weightless: bits & WEIGHTLESS != 0,
        }
    }

    pub(super) fn put_relay(&self, at: usize, relay: Relay) {
        let (Some(expects), Some(shown)) = (self.expects.get(at), self.shown.get(at)) else {
            return;
        };
        expects
            .store((u64::from(relay.expects.to_bits()) << 32) | u64::from(relay.gap_ms), Relaxed);
        let flags = (u64::from(relay.spoken_for) * SPOKEN_FOR)
            | (u64::from(relay.at_once) * AT_ONCE)
            | (u64::from(matches!(relay.speaker, Speaker::Stranger | Speaker::Itself)) * STRANGER)
            | (u64::from(matches!(relay.speaker, Speaker::Known | Speaker::Itself)) * KNOWN)
            | (u64::from(relay.late) * LATE);
        let bytes = u64::from(relay.class) << CLASS_SHIFT
            | u64::from(relay.rush) << RUSH_SHIFT
            | u64::from(relay.misses) << MISSES_SHIFT
            | u64::from(relay.said.0.0) << BEFORE_SHIFT
            | u64::from(relay.said.1.0) << NOW_SHIFT;
        shown.store(u64::from(relay.evidence) | flags | bytes, Relaxed);
    }

    /// For whom the client of a lookup speaks.
    pub(super) fn speaker(&self, at: usize) -> Speaker {
        speaker(self.shown.get(at).map_or(0, |it| it.load(Relaxed)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "unpacks what was packed")]
    pub(super) fn relay(&self, at: usize) -> Relay {
        let packed = self.expects.get(at).map_or(0, |it| it.load(Relaxed));
        let shown = self.shown.get(at).map_or(0, |it| it.load(Relaxed));
        Relay {
            expects: f32::from_bits((packed >> 32) as u32),
            gap_ms: packed as u32,
            evidence: shown as u16,
            spoken_for: shown & SPOKEN_FOR != 0,
            at_once: shown & AT_ONCE != 0,
            speaker: speaker(shown),
            late: shown & LATE != 0,
            class: (shown >> CLASS_SHIFT) as u8,
            rush: (shown >> RUSH_SHIFT) as u8,
            misses: (shown >> MISSES_SHIFT) as u8,
            said: (Says((shown >> BEFORE_SHIFT) as u8), Says((shown >> NOW_SHIFT) as u8)),
        }
    }
}

const fn speaker(shown: u64) -> Speaker {
    match (shown & STRANGER != 0, shown & KNOWN != 0) {
        (true, true) => Speaker::Itself,
        (true, false) => Speaker::Stranger,
        (false, true) => Speaker::Known,
        (false, false) => Speaker::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_a_cell_comes_out() {
        let mut cells = Cells::default();
        cells.resize(3);
        let relay = Relay {
            expects: 20.5,
            gap_ms: u32::MAX,
            evidence: 65_000,
            spoken_for: true,
            at_once: false,
            class: 201,
            rush: 24,
            misses: 63,
            speaker: Speaker::Known,
            late: true,
            said: (Says(7), Says(129)),
        };
        cells.put_relay(2, relay);
        assert_eq!(cells.relay(2), relay);
        let contact = Contact { novel: true, cold: false, weightless: true };
        cells.put_contact(1, contact);
        assert_eq!(cells.contact(1), contact);
    }
}
