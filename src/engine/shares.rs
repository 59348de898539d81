//! First contacts of every route, against which a roll-up's share of them is read.

use super::pass::Cells;
use crate::evidence::volume::HORIZON_MS;
use crate::time::Moment;
use crate::timeline::Cut;
use borsh::{BorshDeserialize, BorshSerialize};

/// First contacts by route in the current thirty days, the window in which profiles count them too.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Shares {
    window: i64,
    contacts: Vec<u32>,
}

impl Shares {
    /// None yet, on so many routes.
    pub(super) fn new(routes: usize) -> Self {
        Self { window: i64::MIN, contacts: vec![0; routes] }
    }

    /// Goes on with what was counted, but for routes of which `keeps` says no.
    pub(super) fn go_on(&mut self, kept: Self, keeps: impl Fn(u16) -> bool) {
        self.window = kept.window;
        for (route, (own, kept)) in (0..).zip(self.contacts.iter_mut().zip(kept.contacts)) {
            if keeps(route) {
                *own = kept;
            }
        }
    }

    /// Counts those of a cut, of which it is known who has seen whom.
    pub(super) fn take(&mut self, cut: &Cut, cells: &Cells) {
        let window = window_of(cut.at);
        if window > self.window {
            self.window = window;
            self.contacts.fill(0);
        }
        for (placed, at) in cut.lookups.iter().zip(0..) {
            let route = usize::from(placed.lookup.route.0);
            if cells.contact(at).novel
                && let Some(contacts) = self.contacts.get_mut(route)
            {
                *contacts = contacts.saturating_add(1);
            }
        }
    }

    /// By route.
    pub(super) fn contacts(&self) -> &[u32] {
        &self.contacts
    }
}

fn window_of(at: Moment) -> i64 {
    let [.., thirty_days] = HORIZON_MS;
    at.index(thirty_days)
}
