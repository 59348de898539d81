//! Four bytes of a profile whose meaning depends on whether its client is observed first.
//!
//! A client whose class has `observe_days` is taught what is usual for it, and keeps that for good. All
//! others are judged from their first contact, and keep where their people are instead.

use crate::evidence::spread::Spread;
use borsh::{BorshDeserialize, BorshSerialize};

/// Streams that an observed client may teach to be quiet: walk, rising and falling ids.
const TAUGHT: usize = 3;

/// See the module; [`Flag::Taught`](super::Flag::Taught) tells which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct ByTrust([u8; TAUGHT + 1]);

/// What a client was taught while it was only observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct School {
    /// What the rates of walking, rising and falling ids may not fall below, as steps: raised whenever
    /// a stream would have spoken.
    pub taught: [u8; TAUGHT],
    /// Subjects of its busiest hour, in eighths of a nat; see [`Profile::rush`](super::Profile::rush).
    pub rush: u8,
}

impl ByTrust {
    /// Of a client that was observed.
    #[must_use]
    pub(super) const fn school(self) -> School {
        let [walk, rising, falling, rush] = self.0;
        School { taught: [walk, rising, falling], rush }
    }

    /// See [`Self::school`].
    pub(super) const fn set_school(
        &mut self,
        School { taught: [walk, rising, falling], rush }: School,
    ) {
        self.0 = [walk, rising, falling, rush];
    }

    /// Of a client that was not.
    #[must_use]
    pub(super) const fn spread(self) -> Spread {
        Spread::from_bytes(self.0)
    }

    /// See [`Self::spread`].
    pub(super) const fn set_spread(&mut self, spread: Spread) {
        self.0 = spread.to_bytes();
    }
}
