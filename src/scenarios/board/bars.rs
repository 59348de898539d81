//! The bars and aims of the scoreboard, all in this file.
//!
//! A bar is what the 90th of a hundred runs may take, an aim what the median may; both are those of
//! the design's table of scenarios. What each gate runs stands in `rows.rs`, found by scenario and
//! name: a gate without a row is listed as not run, with its reason.

/// What is counted up to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Distinct subjects answered 2xx.
    Records,
    /// The same, by each of those who share the work, on average.
    RecordsEach,
    /// Requests, whatever they were answered; parts and writes left out.
    Attempts,
    /// Writes.
    Writes,
    /// Look-ups of decoys.
    Touches,
    /// Minutes since the first request.
    Minutes,
}

impl Counts {
    /// What it is called in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::RecordsEach => "records each",
            Self::Attempts => "attempts",
            Self::Writes => "writes",
            Self::Touches => "touches",
            Self::Minutes => "minutes",
        }
    }
}

/// What a gate waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A page that names a client of the harvest.
    Page,
    /// One page for all of it, whose members are named at recall and precision of .9 ten minutes
    /// after it.
    Members,
    /// An alert of any severity.
    Ticket,
    /// A page that says that its client writes.
    Tampering,
    /// A page that says that its client touched a decoy, whatever else gave it away before.
    Decoy,
    /// No page at all.
    Silence,
}

/// A gate about a harvest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which scenario it is of: `S5`, `S10a`.
    pub scenario: &'static str,
    /// What it is called beside that.
    pub name: &'static str,
    /// What is counted.
    pub counts: Counts,
    /// The 90th of a hundred runs may not take more; `None` for one that is only looked at.
    pub bar: Option<u64>,
    /// What half of the runs should not take more than.
    pub aim: Option<u64>,
    /// What it waits for.
    pub asks: Asks,
}

const fn gate(
    scenario: &'static str,
    name: &'static str,
    counts: Counts,
    bar: u64,
    aim: u64,
) -> Gate {
    Gate { scenario, name, counts, bar: Some(bar), aim: Some(aim), asks: Asks::Page }
}

/// One without a bar.
const fn shown(scenario: &'static str, name: &'static str, counts: Counts) -> Gate {
    Gate { scenario, name, counts, bar: None, aim: None, asks: Asks::Page }
}

const fn asking(asks: Asks, gate: Gate) -> Gate {
    Gate { asks, ..gate }
}

use Counts::{Attempts, Minutes, Records, RecordsEach, Touches, Writes};

/// What must stay silent pages so often a week at most, as one in so many weeks: in the week of the
/// scoreboard. Everything else never does.
pub const HONEST_WEEKS_A_PAGE: u64 = 10;
/// Recall and precision that members have to be named at.
pub const MEMBERS: f64 = 0.9;

/// Every gate about a harvest, in the order of tables.
pub const GATES: &[Gate] = &[
    gate("S2", "one address, reports at random", Records, 60, 40),
    asking(Asks::Ticket, gate("S2", "a declared crawler: a ticket", Records, 1_000, 100)),
    gate("S3a", "relay for a chat bot", Records, 70, 20),
    gate("S3b", "stolen login, day and night", Records, 40, 12),
    gate("S3b", "half misses", Attempts, 45, 24),
    gate("S3b", "40 % misses", Attempts, 65, 34),
    shown("S3b", "half misses, whatever the login", Attempts),
    gate("S4", "a walk in a partner's key", Records, 24, 8),
    shown("S4", "one in 20 of the key's look-ups", Records),
    gate("S4b", "a partner's key, random order", Records, 60, 18),
    gate("S5", "in a row, one address", Records, 16, 8),
    gate("S5", "in a row, six addresses", RecordsEach, 16, 8),
    gate("S5", "every 40th, one in 5 s", Records, 16, 8),
    gate("S5", "every 1,000th", Records, 16, 8),
    gate("S5", "gaps of about 40", Records, 24, 8),
    gate("S5", "households, a login in a row", Records, 24, 13),
    gate("S5", "households, gaps of about 40", Records, 36, 13),
    gate("S5", "ascending, gaps of about 5,000", Records, 60, 40),
    asking(Asks::Members, gate("S6", "fifty institutions, one page", Records, 2_000, 600)),
    gate("S7", "the screening form, 1,500 addresses", Attempts, 600, 120),
    gate("S8", "5,000 homes, 4.4 times the honest", Minutes, 20, 6),
    gate("S8", "5,000 homes, twice the honest", Minutes, 120, 30),
    gate("S9", "insider, no act follows", Records, 150, 50),
    gate("S9b", "insider, acts are done", Records, 260, 120),
    shown("S9b", "acts are done, whatever the login", Records),
    gate("S9", "insider, volume only", Records, 420, 230),
    shown("S9", "volume only, whatever the login", Records),
    gate("S10a", "passes for many mobiles", Attempts, 50, 32),
    gate("S10b", "codes tried on one mobile", Attempts, 12, 9),
    gate("S10c", "reads without a pass", Records, 8, 4),
    gate("S11a", "a list by page", Attempts, 10, 6),
    gate("S11b", "a list by offset", Attempts, 10, 6),
    gate("S11c", "a list by cursor", Attempts, 10, 6),
    asking(Asks::Tampering, gate("S12", "a walk begins to write", Writes, 1, 1)),
    asking(Asks::Decoy, gate("S13", "a relay touches decoys", Touches, 1, 1)),
    gate("S14a", "a walk, 40 % repeats", Records, 16, 8),
    gate("S14b", "a walk, 20 % of 200 popular", Records, 140, 60),
    gate("S14c", "a walk, 60 % of 10,000 popular", Records, 450, 180),
    gate("S14b", "random order, 20 % of 200 popular", Records, 140, 60),
    gate("S14c", "random order, 60 % of 10,000", Records, 450, 180),
    gate("S14d", "stolen login, 60 % repeats", Records, 40, 12),
    gate("S15a", "a session, one in ten minutes", Records, 60, 40),
    gate("S15b", "a login, day and night", Records, 320, 100),
    gate("S15c", "a login, in office hours", Records, 800, 350),
    gate("S16a", "200 a day and 1 % more each day", Records, 17_000, 5_000),
    gate("S16b", "200 a day and 5 % more each day", Records, 7_500, 2_400),
    gate("S16c", "200 a day and 20 % more each day", Records, 3_500, 1_500),
    asking(Asks::Silence, shown("S16d", "200 a day for 90 days", Records)),
    gate("S17", "S5 by lines that are to break it", Records, 16, 8),
    gate("reader", "session, valid ids, priors only", Records, 60, 40),
    gate("reader", "session, valid ids, after history", Records, 40, 22),
    gate("reader", "login, valid ids, one a second", Records, 30, 17),
    gate("reader", "login, valid ids, one in 10 s", Records, 130, 75),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_gates_are_called_the_same() {
        let mut names: Vec<_> = GATES.iter().map(|it| (it.scenario, it.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), GATES.len());
    }

    #[test]
    fn an_aim_is_no_easier_than_its_bar() {
        for gate in GATES {
            assert!(gate.aim <= gate.bar || gate.bar.is_none(), "{gate:?}");
        }
    }
}
