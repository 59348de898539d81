//! `darban evaluate --calibration PAIRS`: honest pairs by the hundred million.

use super::super::terminal::{self, Printer};
use super::super::{Failure, exit};
use super::Shape;
use crate::config::Config;
use crate::evidence::Stream;
use crate::scenarios::pairs::{
    Cohort, KindFigures, PAGES_MAX, PAIRS_OF_MAX, PairFigures, Tail, cohorts,
};
use crate::scenarios::{Portal, config_toml};
use crate::time::{Clock, Moment, SECOND_MS};
use rayon::prelude::*;
use std::path::Path;

/// Pairs at most: a month of two cores.
const PAIRS_MAX: f64 = 1e12;

/// Reads a number of pairs: `100000000`, `100_000_000` or `1e8`.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let number = text.replace('_', "").parse::<f64>().ok();
    match number.filter(|it| (1.0..=PAIRS_MAX).contains(it) && it.fract() == 0.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        Some(number) => Ok(number as u64),
        None => Err("not a whole number from 1 to 1e12".to_owned()),
    }
}

pub(super) fn run(
    pool: &rayon::ThreadPool,
    pairs: u64,
    seed: u64,
    shape: Shape,
) -> Result<(), Failure> {
    let internal = |it: String| Failure::new(exit::INTERNAL, &it);
    let cohorts = cohorts(pairs, seed).map_err(internal)?;
    let (line, clock) = (terminal::status(), Clock::system());
    let started = clock.now();
    let run = |cohort: &Cohort| {
        let figures = cohort.run();
        line.inc(1);
        line.set_message(format!("{} of {}", line.position(), cohorts.len()));
        figures
    };
    let done: Result<Vec<KindFigures>, String> =
        pool.install(|| cohorts.par_iter().map(run).collect());
    line.finish_and_clear();
    let figures = PairFigures::sum(page_nats().map_err(internal)?, &done.map_err(internal)?);
    let seconds = clock.now().since(started) as f64 / SECOND_MS as f64;
    let mut printer = Printer::new();
    match shape {
        Shape::Table => print(&mut printer, &figures, seconds)?,
        Shape::Json => {
            let value = serde_json::to_value(&figures);
            printer.json(&value.map_err(|it| Failure::new(exit::INTERNAL, &it))?)?;
        }
    }
    printer.flush()?;
    if figures.holds() {
        return Ok(());
    }
    let words = format!("{} pages for {} pairs", figures.all.pages, figures.all.pairs);
    Err(Failure::new(exit::GATES, &words))
}

/// The level of a page by the configuration that cohorts are judged with.
fn page_nats() -> Result<f64, String> {
    let toml = config_toml(&Portal::new(1, Moment(0), 1));
    let config = Config::parse_without_files(&toml, Path::new("."));
    config.map(|it| it.detect.h).map_err(|it| it.to_string())
}

fn print(printer: &mut Printer, figures: &PairFigures, seconds: f64) -> Result<(), Failure> {
    let head = format!(
        "{:<15} {:>12} {:>12} {:>6} {:>8} {:>13}",
        "honest clients", "pairs", "client-days", "pages", "tickets", "pages before"
    );
    printer.line(&printer.styled(terminal::BOLD, &head))?;
    for row in figures.kinds.iter().chain([&figures.all]) {
        printer.line(&format!(
            "{:<15} {:>12} {:>12} {:>6} {:>8} {:>13}",
            row.name, row.pairs, row.client_days, row.pages, row.tickets, row.pages_before
        ))?;
        if row.name != figures.all.name {
            let paged = row.paged.iter();
            paged.into_iter().try_for_each(|it| printer.line(&format!("    {} {}", it.1, it.0)))?;
        }
    }
    printer.line("")?;
    for level in [0, 1] {
        tails(printer, figures, level)?;
        printer.line("")?;
    }
    let (all, verdict) = (&figures.all, if figures.holds() { "ok" } else { "FAILS" });
    printer.line(&format!(
        "{} pages for {} pairs at {:.1} nats ({PAGES_MAX} a {PAIRS_OF_MAX} are allowed): {verdict}, \
         {seconds:.0} s",
        all.pages, all.pairs, figures.page_nats
    ))
}

/// The shares of pairs after which each stream stood at a level, by kind.
fn tails(printer: &mut Printer, figures: &PairFigures, level: usize) -> Result<(), Failure> {
    let kinds = || figures.kinds.iter().chain([&figures.all]);
    let columns: String = kinds().map(|it| format!(" {:>14}", it.name)).collect();
    let name = ["log e >= ln 100", "log e >= ln 1000"].get(level).copied().unwrap_or_default();
    printer.line(&printer.styled(terminal::BOLD, &format!("{name:<17}{columns}")))?;
    let shown = |tail: &Tail| match tail.shares().get(level) {
        Some(share) if tail.pairs > 0 => format!(" {share:>14.3e}"),
        _ => format!(" {:>14}", "-"),
    };
    for stream in Stream::ALL {
        let of = |it: &KindFigures| it.streams.get(stream.index()).map(shown).unwrap_or_default();
        let shares: String = kinds().map(of).collect();
        printer.line(&format!("{:<17}{shares}", stream.name()))?;
    }
    let shares: String = kinds().map(|it| shown(&it.merged)).collect();
    printer.line(&format!("{:<17}{shares}", "all streams"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_pairs_may_be_written_as_people_write_it() {
        assert_eq!(["1e8", "100_000_000", "100000000"].map(count), [const { Ok(100_000_000) }; 3]);
        assert!(["", "0", "1.5", "-1", "1e13", "many"].iter().all(|it| count(it).is_err()));
    }
}
