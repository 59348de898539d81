//! Harvests: who reads what in which order, how fast, with how many misses.
//!
//! Every harvest is one point in the same few dimensions (clients, route, order, pace, hits, what
//! it is padded with), so the published shapes are constructors (`shapes.rs`, `evasions.rs`) and
//! their variations are changed fields: no scenario has code of its own that a method could be
//! tuned to.

use super::pace::Pace;
use super::request::{Agent, Client};
use super::route::Route;
use crate::time::{Moment, SECOND_MS};

/// In which order a harvest goes through the ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// One after the other.
    Serial {
        /// The first ordinal.
        first: u64,
        /// From one to the next.
        stride: u64,
    },
    /// Ascending with irregular gaps.
    Gaps {
        /// The first ordinal.
        first: u64,
        /// From one to the next, on average.
        mean: f64,
    },
    /// All of them in random order.
    Random,
    /// Beneficiaries of one region in random order.
    Region {
        /// Which; see [`Portal::region_of`](super::Portal::region_of).
        region: u64,
    },
    /// Prefix after prefix, at random within each.
    Prefixes {
        /// The first ordinal.
        first: u64,
        /// Numbers of a prefix.
        numbers: u64,
    },
    /// The same one over and over.
    Same {
        /// Which.
        ordinal: u64,
    },
}

/// What a harvest is padded with to look normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Padding {
    /// The share of its requests.
    pub share: f64,
    /// What they ask for.
    pub filler: Filler,
}

/// What padding asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filler {
    /// One of the last 200 ids of the harvest.
    Repeats,
    /// Something that everybody looks at.
    Popular {
        /// How many such things there are.
        pool: u64,
    },
}

/// How a harvest changes and removes records that it has just read, one as likely as the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tampering {
    /// Ids that it tries before it begins.
    pub after: u64,
    /// The share of records that it found.
    pub share: f64,
}

/// Ids that were planted, and are touched now and then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoys {
    /// The share of attempts that touch one.
    pub share: f64,
    /// How many there are.
    pub count: u64,
}

/// How several clients share a harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One after the other.
    Turns,
    /// Whoever is free.
    Random,
}

/// One harvest.
#[derive(Clone, Debug, PartialEq)]
pub struct Harvest {
    /// Which scenario it is: `S3b`.
    pub scenario: &'static str,
    /// Who takes part.
    pub clients: Vec<Client>,
    /// How they share the work.
    pub sharing: Sharing,
    /// What they read.
    pub route: Route,
    /// In which order.
    pub order: Order,
    /// How fast, all of them together.
    pub pace: Pace,
    /// The share of ids that exist; which ones is the same for every harvest of a portal.
    pub hits: f64,
    /// Requests a record: 1, or up to 3 with a protocol's photo and vehicle.
    pub parts: u8,
    /// Records that a hit discloses, least and most.
    pub records: [u16; 2],
    /// What it is padded with.
    pub padding: Option<Padding>,
    /// What it changes and removes.
    pub tampering: Option<Tampering>,
    /// The share of look-ups that find somebody and are followed by an act, as late as those of
    /// honest staff.
    pub acts: f64,
    /// Which decoys it touches.
    pub decoys: Option<Decoys>,
    /// With which program.
    pub agent: Agent,
    /// When it begins.
    pub start: Moment,
    /// When it ends at the latest.
    pub end: Moment,
    /// How many ids it tries at most.
    pub attempts_max: u64,
}

impl Harvest {
    /// A harvest without hurry by one client in random order.
    #[must_use]
    pub fn new(scenario: &'static str, client: Client, route: Route, start: Moment) -> Self {
        Self {
            scenario,
            clients: vec![client],
            sharing: Sharing::Turns,
            route,
            order: Order::Random,
            pace: Pace::Every { ms: 20 * SECOND_MS, jitter: 0.5 },
            hits: 1.0,
            parts: 1,
            records: [1, 1],
            padding: None,
            tampering: None,
            acts: 0.0,
            decoys: None,
            agent: Agent::SCRIPT,
            start,
            end: Moment(i64::MAX),
            attempts_max: u64::MAX,
        }
    }
}
