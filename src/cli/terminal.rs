//! The terminal: colour only where somebody sees it, and errors that say themselves once.

use super::{Failure, exit};
use crate::alert::escape_json;
use anstyle::{AnsiColor, Style};
use std::io::{self, IsTerminal, Write};

/// What a failure says whose only fault is that nobody reads on.
pub(super) const BROKEN_PIPE: &str = "broken pipe";

/// Standard output, buffered, with colour where it is a terminal and NO_COLOR is not set.
pub(super) struct Printer {
    out: io::BufWriter<io::Stdout>,
    colour: bool,
}

impl Printer {
    pub(super) fn new() -> Self {
        let out = io::stdout();
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out: io::BufWriter::new(out), colour }
    }

    /// Prints a line.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(|it| failed(&it))
    }

    /// Prints JSON as one line. What a client wrote keeps its value and can move no cursor.
    pub(super) fn json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(&escape_json(&value.to_string()))
    }

    /// A text in a style, where there is colour.
    pub(super) fn styled(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Hands everything over to whoever reads.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|it| failed(&it))
    }
}

/// Why standard output could not be written.
pub(super) fn failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(exit::INTERNAL, &BROKEN_PIPE);
    }
    Failure::new(exit::INTERNAL, &format!("cannot write: {error}"))
}

/// Bold.
pub(super) const BOLD: Style = Style::new().bold();
/// Somebody gets up.
pub(super) const PAGE: Style = AnsiColor::Red.on_default().bold();
/// Somebody looks by day.
pub(super) const TICKET: Style = AnsiColor::Yellow.on_default().bold();
/// Less important.
pub(super) const FAINT: Style = Style::new().dimmed();

/// Says what went wrong, on standard error.
pub(super) fn complain(words: &str) {
    // Nothing is left to do where even this cannot be printed.
    let _unprintable = writeln!(io::stderr(), "darban: {words}");
}

/// Says something on the side, on standard error, where a person reads it.
pub(super) fn remark(words: &str) {
    complain(words);
}

/// A line on standard error that is written over and over, where that is a terminal.
pub(super) fn status() -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let line = indicatif::ProgressBar::new_spinner();
    if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} {msg}") {
        line.set_style(style);
    }
    line
}

/// A progress bar on standard error, where that is a terminal.
pub(super) fn progress(total: Option<u64>) -> indicatif::ProgressBar {
    if !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = match total {
        Some(total) => indicatif::ProgressBar::new(total),
        None => indicatif::ProgressBar::new_spinner(),
    };
    let template = match total {
        Some(_) => "{bar:30} {percent}% of {total_bytes}, {msg}, {eta} left",
        // Of standard input nobody knows the end.
        None => "{spinner} {bytes} read, {msg}",
    };
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
