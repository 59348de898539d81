//! The scoreboard as tables for a terminal.

use super::super::Failure;
use super::super::terminal::{self, Printer};
use crate::scenarios::board::{Board, GateFigures, RuleFigures, Verdict, WeekFigures};
use crate::scenarios::rules::published;

/// Seconds of what is shown in a longer unit.
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a row about a harvest has, in the order of its columns.
pub(super) const FIGURES: [&str; 10] =
    ["counted", "median", "aim", "p90", "bar", "found", "time", "pages", "prec.", "recall"];

/// The same of a row.
pub(super) fn figures_of(row: &GateFigures) -> [String; 10] {
    [
        row.counts.to_owned(),
        number(row.median, MISSED),
        number(row.aim, NONE),
        number(row.p90, MISSED),
        number(row.bar, NONE),
        format!("{:.0} %", row.found * 100.0),
        row.seconds.map_or_else(|| NONE.to_owned(), span),
        row.pages_max.to_string(),
        share(row.precision),
        share(row.recall),
    ]
}

pub(super) fn print(printer: &mut Printer, board: &Board) -> Result<(), Failure> {
    if !board.harvests.is_empty() {
        harvests(printer, board)?;
        printer.line("")?;
    }
    if !board.weeks.is_empty() {
        weeks(printer, board)?;
        printer.line("")?;
    }
    if !board.labels.is_empty() {
        super::labels::print(printer, &board.labels)?;
    }
    if board.has_rules() {
        rules(printer, board)?;
        printer.line("")?;
    }
    let (held, of) = board.held();
    let seeds = board.run.seeds.len();
    let small = if board.run.quick { ", a quick look: a tenth of the traffic" } else { "" };
    let killed = match board.run.kills {
        0 => String::new(),
        kills => format!(", killed {kills} times"),
    };
    let plural = if seeds == 1 { "" } else { "s" };
    printer.line(&format!("{held} of {of} gates hold, {seeds} seed{plural}{small}{killed}"))
}

fn harvests(printer: &mut Printer, board: &Board) -> Result<(), Failure> {
    let [counted, median, aims, p90, bar, found, time, pages, precision, recall] = FIGURES;
    let head = format!(
        "{:<7} {:<35} {counted:<12} {median:>6} {aims:>6} {p90:>6} {bar:>6} {found:>6} {time:>7} \
         {pages:>5} {precision:>5} {recall:>5}",
        "harvest", "taken before the page",
    );
    printer.line(&printer.styled(terminal::BOLD, &head))?;
    for row in &board.harvests {
        if let Some(why) = &row.not_run {
            printer.line(&format!("{:<7} {:<35} not run: {why}", row.scenario, row.gate))?;
            continue;
        }
        let [counted, median, aims, p90, bar, found, time, pages, precision, recall] =
            figures_of(row);
        let text = format!(
            "{:<7} {:<35} {counted:<12} {median:>6} {aims:>6} {p90:>6} {bar:>6} {found:>6} \
             {time:>7} {pages:>5} {precision:>5} {recall:>5}  ",
            row.scenario, row.gate,
        );
        let verdict = verdict(printer, row.verdict);
        printer.line(&format!("{text}{verdict}{}", aim(row)))?;
    }
    let beside = board.pages_for_others;
    printer.line(&format!("pages for honest clients before and beside them: {beside}"))?;
    board.others.iter().try_for_each(|it| printer.line(&format!("    {it}")))
}

fn weeks(printer: &mut Printer, board: &Board) -> Result<(), Failure> {
    let head = format!(
        "{:<7} {:<65} {:>6} {:>6} {:>8}",
        "week", "what must stay silent", "weeks", "pages", "tickets"
    );
    printer.line(&printer.styled(terminal::BOLD, &head))?;
    for row in &board.weeks {
        let text = format!(
            "{:<7} {:<65} {:>6.1} {:>6} {:>6.1}/w  ",
            row.scenario,
            cut(&row.about),
            row.weeks,
            row.pages,
            row.tickets_a_week,
        );
        let verdict = verdict(printer, row.verdict);
        printer.line(&format!("{text}{verdict}"))?;
        row.paged.iter().try_for_each(|it| printer.line(&format!("    {it}")))?;
    }
    Ok(())
}

fn rules(printer: &mut Printer, board: &Board) -> Result<(), Failure> {
    let head = "the published fixed rules on the same traffic";
    printer.line(&printer.styled(terminal::BOLD, head))?;
    for (number, rule) in (1..).zip(published()) {
        printer.line(&format!("  {number} {:<20} {}", rule.name, rule.says))?;
    }
    let numbers = |printer: &mut Printer, what: &str| {
        let columns: String = (1..=published().len()).map(|it| format!("{it:>7}")).collect();
        let text = format!("{:<43} {:>7} {columns}", what, "darban");
        printer.line(&printer.styled(terminal::BOLD, &text))
    };
    let run: Vec<&GateFigures> = board.harvests.iter().filter(|it| it.not_run.is_none()).collect();
    if !run.is_empty() {
        numbers(printer, "taken before the call (median)")?;
        for row in run {
            let rules: String = row.rules.iter().map(|it| format!("{:>7}", rule(it))).collect();
            let own = number(row.median, MISSED);
            let name = format!("{:<7} {:<35}", row.scenario, row.gate);
            printer.line(&format!("{name} {own:>7} {rules}"))?;
        }
        printer.line(
            "  - found in fewer than half of the runs; noise: it calls for that key whoever uses it",
        )?;
    }
    let run: Vec<&WeekFigures> = board.weeks.iter().filter(|it| !it.rules.is_empty()).collect();
    if !run.is_empty() {
        numbers(printer, "honest keys that it calls for, a week")?;
        for row in run {
            let rules: String = row.rules.iter().map(|it| format!("{:>7}", it.round())).collect();
            let name = format!("{:<7} {:<35.35}", row.scenario, row.about);
            printer.line(&format!("{name} {:>7.1} {rules}", row.pages_a_week))?;
        }
    }
    Ok(())
}

fn verdict(printer: &Printer, verdict: Verdict) -> String {
    match verdict {
        Verdict::Holds => "ok".to_owned(),
        Verdict::Fails => printer.styled(terminal::PAGE, "FAILS"),
        Verdict::NoBar | Verdict::NotRun => String::new(),
    }
}

/// Whether the aim is reached, where the bar holds.
fn aim(row: &GateFigures) -> &'static str {
    let is_there = row.verdict == Verdict::Holds && row.reaches_aim == Some(true);
    if is_there { ", and its aim" } else { "" }
}

/// What stands where nothing was found in most runs, and where there is nothing to say.
pub(super) const MISSED: &str = "missed";
const NONE: &str = "-";

pub(super) fn number(value: Option<u64>, otherwise: &str) -> String {
    value.map_or_else(|| otherwise.to_owned(), |it| it.to_string())
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |it| format!("{it:.2}"))
}

/// What a rule took, where it found at least half.
pub(super) fn rule(figures: &RuleFigures) -> String {
    if figures.noise >= 0.5 {
        return "noise".to_owned();
    }
    number(figures.median.filter(|_| figures.found >= 0.5), NONE)
}

/// Seconds in the unit that leaves two digits or three.
fn span(seconds: u64) -> String {
    match seconds {
        0..=299 => format!("{seconds} s"),
        300..18_000 => format!("{} min", seconds / MINUTE),
        18_000..259_200 => format!("{} h", seconds / HOUR),
        _ => format!("{} d", seconds / DAY),
    }
}

/// A text that fits its column.
fn cut(text: &str) -> String {
    text.chars().take(65).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_a_unit_that_fits() {
        assert_eq!([7, 300, 36_000, 864_000].map(span), ["7 s", "5 min", "10 h", "10 d"]);
    }

    #[test]
    fn a_rule_that_calls_anyway_is_noise_whatever_it_took() {
        let figures = |found, noise| RuleFigures { found, noise, median: Some(7) };
        assert_eq!(rule(&figures(0.5, 0.5)), "noise");
        assert_eq!(rule(&figures(1.0, 0.0)), "7");
        assert_eq!(rule(&figures(0.4, 0.0)), "-");
    }
}
