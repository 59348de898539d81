//! `make gates`: harvests and silence over many seeds, as one table.
//!
//! `SEEDS=n` sets how many seeds (20), `FROM=n` the first one (1), `QUICK=1` a tenth of the honest
//! traffic. Seeds run side by side; the table is the same whatever their number of threads.

use darban::alert::Alert;
use darban::scenarios::gates::{
    HarvestRuns, Lengths, SilenceRun, harvest_gates, quantile, silence_gates,
};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (count, first) = (number("SEEDS", 20), number("FROM", 1));
    let smaller = if number("QUICK", 0) > 0 { 10 } else { 1 };
    let lengths = Lengths { smaller, ..Lengths::default() };
    let seeds: Vec<u64> = (first..first + count).collect();
    let runs: Result<Vec<_>, String> = seeds
        .into_par_iter()
        .map(|seed| {
            let (harvests, silence) =
                rayon::join(|| HarvestRuns::run(seed, lengths), || SilenceRun::run(seed, lengths));
            Ok((harvests?, silence?))
        })
        .collect();
    match runs.map(|runs| table(&runs)) {
        Ok((text, all_hold)) => {
            let printed = std::io::stdout().write_all(text.as_bytes());
            if printed.is_ok() && all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(words) => {
            // Nothing is left to do where even this cannot be said.
            let _unprintable = writeln!(std::io::stderr(), "gates: {words}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// The table, and whether every bar was met.
fn table(runs: &[(HarvestRuns, SilenceRun)]) -> (String, bool) {
    let mut all_hold = true;
    let mut text = format!(
        "{:<38} {:>7} {:>7} {:>7} {:>6} {:>7}\n",
        "taken before the page", "median", "p90", "bar", "pages", ""
    );
    for (at, gate) in harvest_gates().iter().enumerate() {
        let taken: Vec<Option<u64>> =
            runs.iter().filter_map(|it| it.0.taken.get(at).copied()).collect();
        let pages = runs.iter().filter_map(|it| it.0.pages.get(at)).max().copied().unwrap_or(0);
        let p90 = quantile(&taken, 0.9);
        let holds = gate.bar.is_none_or(|bar| p90.is_some_and(|it| it <= bar));
        all_hold &= holds;
        text.push_str(&format!(
            "{:<38} {:>7} {:>7} {:>7} {:>6} {:>7}  {}\n",
            gate.name,
            shown(quantile(&taken, 0.5)),
            shown(p90),
            gate.bar.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            pages,
            verdict(gate.bar.map(|_| holds)),
            if gate.attempts { "attempts" } else { "records" },
        ));
    }
    let others: Vec<&Alert> = runs.iter().flat_map(|it| &it.0.others).collect();
    text.push_str(&format!(
        "\npages for honest clients beside them, and before, when nobody was known: {}\n",
        others.len()
    ));
    text.push_str(&listed(&others));
    text.push_str(&format!("\n{:<38} {:>7}\n", "a week that must stay silent", "pages"));
    for (at, gate) in silence_gates().iter().enumerate() {
        let pages: Vec<&Alert> =
            runs.iter().filter_map(|it| it.1.pages.get(at)).flatten().collect();
        all_hold &= pages.is_empty();
        let verdict = verdict(Some(pages.is_empty()));
        text.push_str(&format!("{:<38} {:>7} {verdict:>7}\n", gate.name, pages.len()));
        text.push_str(&listed(&pages));
    }
    (text, all_hold)
}

fn shown(value: Option<u64>) -> String {
    value.map_or_else(|| "missed".to_owned(), |it| it.to_string())
}

const fn verdict(holds: Option<bool>) -> &'static str {
    match holds {
        None => "",
        Some(true) => "ok",
        Some(false) => "FAILS",
    }
}

/// What paged, gathered by kind, route and kind of key, each with one example.
fn listed(pages: &[&Alert]) -> String {
    let mut kinds: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for alert in pages {
        let client = alert.clients.first();
        let kind = format!(
            "{} on {} by {}",
            alert.kind.name(),
            alert.route,
            client.map_or("?", |it| it.key.name())
        );
        let entry = kinds.entry(kind).or_default();
        entry.0 += 1;
        entry.1 = format!(
            "{} {:.1} of {}, {:?}",
            client.map_or("?", |it| &it.id),
            alert.seen.subjects,
            alert.seen.quantity,
            alert.streams
        );
    }
    kinds.iter().map(|(kind, (count, one))| format!("    {count:>4} {kind}: {one}\n")).collect()
}
