//! Rows, their minimum and median, and the gates between them.

use crate::measure::Cost;
use std::collections::BTreeMap;
use std::fmt;

const MB: f64 = 1e6;
const NS_A_SECOND: f64 = 1e9;

/// The costs of every round by row.
#[derive(Default)]
pub(crate) struct Table {
    names: Vec<&'static str>,
    rounds: BTreeMap<&'static str, Vec<Cost>>,
}

/// Smallest and middle of some numbers.
struct Spread {
    least: f64,
    median: f64,
}

impl Table {
    pub(crate) fn add(&mut self, name: &'static str, cost: Cost) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.rounds.entry(name).or_default().push(cost);
    }

    /// The ratio of two rows' median processor time a record.
    pub(crate) fn cpu(&self, of: &str, to: &str) -> f64 {
        self.spread(of, cpu).median / self.spread(to, cpu).median
    }

    /// The ratio of two rows' median records a second.
    pub(crate) fn speed(&self, of: &str, to: &str) -> f64 {
        self.spread(of, speed).median / self.spread(to, speed).median
    }

    fn spread(&self, name: &str, what: fn(&Cost) -> f64) -> Spread {
        let mut all: Vec<f64> = self.rounds.get(name).into_iter().flatten().map(what).collect();
        all.sort_by(f64::total_cmp);
        let at = |it: usize| all.get(it).copied().unwrap_or(f64::NAN);
        Spread { least: at(0), median: at(all.len() / 2) }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |name: &str| format!("{name:^21}");
        writeln!(
            f,
            "{:10}{}{}{}",
            "",
            group("records/s"),
            group("CPU ns/record"),
            group("MB resident")
        )?;
        writeln!(f, "{:10}{}", "row", format!("{:>10} {:>10}", "min", "median").repeat(3))?;
        for name in &self.names {
            write!(f, "{name:10}")?;
            for what in [speed, cpu, memory] {
                let it = self.spread(name, what);
                write!(f, "{:>10.0} {:>10.0}", it.least, it.median)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn speed(cost: &Cost) -> f64 {
    cost.records as f64 * NS_A_SECOND / cost.wall_ns as f64
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu_ns as f64 / cost.records as f64
}

fn memory(cost: &Cost) -> f64 {
    cost.resident_bytes as f64 / MB
}

/// A gate that holds at or below a limit, in words, and whether it holds.
pub(crate) fn at_most(what: &str, limit: f64, is: f64) -> (String, bool) {
    gate(what, &format!("at most {limit}"), (is, is <= limit))
}

/// A gate that holds at or above a limit.
pub(crate) fn at_least(what: &str, limit: f64, is: f64) -> (String, bool) {
    gate(what, &format!("at least {limit}"), (is, is >= limit))
}

fn gate(what: &str, limit: &str, (is, holds): (f64, bool)) -> (String, bool) {
    let told = if holds { "pass" } else { "FAIL" };
    (format!("gate: {what}: {is:.2}, {limit}: {told}"), holds)
}
