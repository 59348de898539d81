//! How often honest clients page, counted over as many (contact, key) pairs as a budget speaks of.
//!
//! A budget says that of `e^H` pairs one may page. Whether that is so cannot be read off a week of a
//! portal, in which one page more or less is luck: it takes a hundred million pairs, of clients that
//! differ as far from each other as honest ones may. So here nothing is a portal: each client is
//! nothing but its own honest rates, each drawn from a beta distribution of concentration 5 around
//! the rate that a stream starts from, and the spread of its days, negative binomial around the
//! level of its class. What is left to the engine is what it has to bear: that clients are not their
//! class's mean.
//!
//! Pairs come in cohorts of a few thousand clients, each with an engine of its own that is thrown
//! away behind it, so that any number of pairs needs the memory of two cohorts. A cohort is one kind
//! of client, so that a page says which kind is not as the engine takes it to be. Its first
//! fortnight is history and is not counted, as before every gate.

mod client;
mod cohort;
mod figures;
mod run;

pub use figures::{KindFigures, PairFigures, Tail};
pub use run::{Cohort, cohorts};

use super::route::Route;
use crate::attribute::KeyKind;
use crate::time::DAY_MS;

/// Days before anything is counted.
const HISTORY_DAYS: i64 = 14;
/// Days that are counted.
const COUNTED_DAYS: i64 = 28;
/// Clients of a cohort at most.
const CLIENTS_MAX: u32 = 2_000;
/// Sessions a day for each of its clients, where these are sessions.
const SESSIONS: u32 = 8;
/// Keys that each contact is judged for: its own, and the address or network above it.
const KEYS: u64 = 2;
/// Page-level alerts that a hundred million pairs may have.
pub const PAGES_MAX: u64 = 3;
/// So many pairs.
pub const PAIRS_OF_MAX: u64 = 100_000_000;
/// How often an act follows: what honest rates are drawn around where the engine has no start value.
const ACTS: f64 = 0.7;
/// How often somebody from another district is looked up, likewise, and how many districts there are.
const ELSEWHERE: f64 = 0.15;
const DISTRICTS: u64 = 32;

/// A kind of honest client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// The class whose level its days are drawn around.
    class: &'static str,
    /// Where it looks people up.
    route: Route,
    /// Its finest key.
    key: KeyKind,
    /// How alike its days are (or sessions, of one class): the shape of a negative binomial.
    k: f64,
    /// What the configuration says besides.
    told: &'static str,
}

/// The kinds, in the order of tables. Classes `staff` and `citizen` have the k of the first two in
/// the configuration. That of the third is what no class says of logins; in the last row a class
/// says so, which is beside the count, because it is not the configuration that gates are run with.
pub const KINDS: [Kind; 6] = [
    Kind::new("logins, k 4", "staff", Route::Beneficiary, KeyKind::Staff, 4.0),
    Kind::new("sessions, k 1", "citizen", Route::Beneficiary, KeyKind::Session, 1.0),
    Kind::new("logins, k 1", "staff", Route::Beneficiary, KeyKind::Staff, 1.0),
    Kind::new("register, k 4", "address", Route::Protocol, KeyKind::Address, 4.0),
    Kind::new("register, k 1", "address", Route::Protocol, KeyKind::Address, 1.0),
    Kind {
        told: "[classes.staff]\nk = 1.0\n",
        ..Kind::new("k 1, told so", "staff", Route::Beneficiary, KeyKind::Staff, 1.0)
    },
];

impl Kind {
    const fn new(
        name: &'static str,
        class: &'static str,
        route: Route,
        key: KeyKind,
        k: f64,
    ) -> Self {
        Self { name, class, route, key, k, told: "" }
    }

    /// Contacts a day of a client at this level, on average.
    fn contacts(&self, level: f64) -> f64 {
        if self.is_session() { level * f64::from(SESSIONS) } else { level }
    }

    /// Whether its pairs count, or stand beside those that do.
    const fn counts(&self) -> bool {
        self.told.is_empty()
    }

    const fn is_session(&self) -> bool {
        matches!(self.key, KeyKind::Session)
    }
}

/// What each of a cohort's counted days begins after.
const HISTORY_MS: i64 = HISTORY_DAYS * DAY_MS;
