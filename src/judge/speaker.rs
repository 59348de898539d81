//! For whom a look-up speaks where a route is judged as a whole.

/// First contacts of an hour with which a stranger speaks for the site.
const VOICE_AN_HOUR: u32 = 3;
/// The same of a client that is known: few of them come, and on a busy day they do more.
const KNOWN_AN_HOUR: u32 = 20;

/// For whom a look-up speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaker {
    /// For nobody.
    #[default]
    None,
    /// For strangers: one of the client's first contacts of the hour.
    Stranger,
    /// For clients that are known.
    Known,
    /// For itself: it has an alert of its own.
    Itself,
}

impl Speaker {
    /// Of a contact that counts or does not, so many into its client's hour.
    pub(super) const fn of(counts: bool, hour: u32, known: bool, observed: bool) -> Self {
        match (counts, known) {
            (true, false) if !observed && hour <= VOICE_AN_HOUR => Self::Stranger,
            (true, true) if hour <= KNOWN_AN_HOUR => Self::Known,
            _ => Self::None,
        }
    }
}
