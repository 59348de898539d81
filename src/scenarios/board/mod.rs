//! The scoreboard: every published scenario through the production engine, and the nine published
//! fixed rules on the same traffic.
//!
//! A harvest begins after a fortnight of honest history and is looked at until ten minutes after
//! its first page; a rule may take as long as the harvest lasts. What must stay silent runs for a
//! week after the same history. Every seed has other people, logins, hours and another layout of
//! ids. Nothing here reads a clock or a file: whoever runs it decides what runs side by side, and
//! the figures are the same whatever that was.

mod bars;
mod calibration;
mod figures;
mod ground;
mod labelled;
mod rows;
mod run;
mod weeks;

pub use bars::{Asks, Counts, GATES, Gate, HONEST_WEEKS_A_PAGE, MEMBERS};
pub use calibration::{Calibration, NATS_SHOWN};
pub use figures::{Board, GateFigures, RuleFigures, Run, StreamCurve, Verdict, WeekFigures, board};
pub use labelled::{LabelFigures, labelled};
pub use run::{HarvestRun, Named, RuleRun};
pub use weeks::{Classes, WeekRun, Weeks, silent};

use super::gates::Lengths;
use crate::alert::Alert;
use crate::time::DAY_MS;
use ground::{Ground, Prepared};
use rows::Row;
use std::collections::BTreeMap;

/// The longest harvest of a quick look.
const QUICK_WINDOW_MS: i64 = 4 * DAY_MS;

/// The lengths of a quick look: a tenth of the traffic, and two days for what must stay silent.
#[must_use]
pub fn quick_lengths() -> Lengths {
    Lengths { week_days: 2, smaller: 10, ..Lengths::default() }
}

/// The histories that these gates need, each judged once a seed. Where one takes long it comes
/// first.
#[must_use]
pub fn histories(gates: &[&'static Gate], lengths: Lengths) -> Vec<History> {
    let on = |ground: Ground| {
        let is_on = |gate: &&&'static Gate| {
            not_run(gate, lengths).is_none() && Row::of(gate).is_some_and(|it| it.ground == ground)
        };
        let gates: Vec<&'static Gate> = gates.iter().filter(is_on).copied().collect();
        (!gates.is_empty()).then_some(History { ground, gates })
    };
    Ground::ALL.into_iter().filter_map(on).collect()
}

/// Why a gate is not run, where it is not.
#[must_use]
pub fn not_run(gate: &Gate, lengths: Lengths) -> Option<String> {
    let Some(row) = Row::of(gate) else {
        return Some("nothing simulates it yet".to_owned());
    };
    let is_quick = lengths.smaller > 1;
    (is_quick && row.window_ms > QUICK_WINDOW_MS)
        .then(|| format!("takes {} days; not in a quick look", row.window_ms / DAY_MS))
}

/// A portal whose history is to be judged, and the gates that go on from there.
#[derive(Clone, Debug)]
pub struct History {
    ground: Ground,
    gates: Vec<&'static Gate>,
}

impl History {
    /// Judges the history of a seed.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn judge(&self, seed: u64, lengths: Lengths) -> Result<Judged, String> {
        Prepared::new(self.ground, seed, lengths).map(Judged)
    }

    /// The gates that go on from it.
    #[must_use]
    pub fn gates(&self) -> &[&'static Gate] {
        &self.gates
    }
}

/// A history that was judged.
#[derive(Debug)]
pub struct Judged(Prepared);

impl Judged {
    /// Runs a gate's harvest.
    ///
    /// # Errors
    /// When the portal's configuration is wrong, in words.
    pub fn run(&self, gate: &Gate) -> Result<HarvestRun, String> {
        let row = Row::of(gate).ok_or("nothing simulates it yet")?;
        run::run(&self.0, gate, row)
    }

    /// Pages of the history itself, one for each alert.
    #[must_use]
    pub fn pages(&self) -> Vec<Alert> {
        let paged = self.0.changes.iter().filter(|it| super::gates::pages(it));
        let found: BTreeMap<&str, &Alert> = paged.map(|it| (it.id.as_str(), it)).collect();
        found.into_values().cloned().collect()
    }
}
