//! What the demo prints: few lines, each when it happens.
//!
//! Alerts come from the receiver, so what stands here was delivered. A page is shown whole, as
//! anybody would get it who runs darban; a ticket and an end are their first line, an update says
//! only how many records are out by now. With `--output ndjson` every change is a line, as `replay`
//! prints it.

use super::super::terminal::{self, Printer};
use super::super::{Failure, Output};
use super::account::{Account, Found, who};
use crate::alert::text::{Role, Wording, block, details};
use crate::alert::{Alert, Severity, Status};
use crate::scenarios::{DEMO_LEAD_MS, Demo, Harvested, Label, Truth, labels};
use crate::time::{DAY_MS, SECOND_MS};
use indicatif::ProgressBar;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One screen for all threads.
#[derive(Clone)]
pub(super) struct Screen(Arc<Mutex<Inner>>);

struct Inner {
    printer: Printer,
    output: Output,
    wording: Wording,
    /// The line that says how far it is.
    status: ProgressBar,
    /// Set when nobody reads any more.
    stop: Arc<AtomicBool>,
    /// Alerts, each time one fired.
    fired: Vec<Alert>,
    /// The last thing said on the side.
    remark: String,
}

impl Screen {
    pub(super) fn new(output: Output, wording: Wording, stop: Arc<AtomicBool>) -> Self {
        let status = match output {
            Output::Human => terminal::status(),
            Output::Ndjson => ProgressBar::hidden(),
        };
        let (printer, fired) = (Printer::new(), Vec::new());
        let remark = String::new();
        Self(Arc::new(Mutex::new(Inner { printer, output, wording, status, stop, fired, remark })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opening(&self, demo: &Demo, pages: &str) {
        let days = demo.end().since(demo.portal.start) / DAY_MS;
        let seconds =
            (demo.end().since(demo.portal.start) / demo.factor + DEMO_LEAD_MS) / SECOND_MS;
        let mut inner = self.lock();
        inner.say(&format!(
            "A vaccination portal with a public register beside it: {days} days in {seconds} seconds."
        ));
        inner.say("Among citizens, clinics, partners and visitors, three harvests:");
        for harvest in labels(&demo.harvests) {
            inner.say(&format!("  {:<4} {}", harvest.scenario, story(&harvest)));
        }
        inner.say("");
        inner.say(&format!("alerts   {pages}/alerts"));
        inner.say(&format!("metrics  {pages}/metrics"));
        inner.say("end      Ctrl-C");
        inner.say("");
        inner.say("waiting for partitions; the broker takes three seconds to give them out");
    }

    pub(super) fn watching(&self, after_ms: u128) {
        let seconds = after_ms as f64 / SECOND_MS as f64;
        self.lock().say(&format!("watching, {seconds:.1} s after the start\n"));
    }

    /// A harvest takes its first record.
    pub(super) fn begins(&self, truth: &Truth, label: Label) {
        let Some(harvest) = truth.harvests().iter().find(|it| it.label == label) else { return };
        let mut inner = self.lock();
        let text = format!("        {} begins", who(harvest));
        let text = inner.printer.styled(terminal::FAINT, &text);
        inner.say(&text);
    }

    /// Everything has happened.
    pub(super) fn over(&self) {
        self.lock().say("\nall three have happened; the portal goes on until Ctrl-C\n");
    }

    /// Something on the side that is not said over and over.
    pub(super) fn remark(&self, words: &str) {
        let mut inner = self.lock();
        if inner.remark != words {
            words.clone_into(&mut inner.remark);
            inner.status.suspend(|| terminal::remark(words));
        }
    }

    pub(super) fn status(&self, words: &str) {
        let inner = self.lock();
        inner.status.set_message(words.to_owned());
        inner.status.tick();
    }

    /// What was found, against what was hidden.
    pub(super) fn closing(&self, account: &Account, truth: &Truth) -> Result<(), Failure> {
        let mut inner = self.lock();
        inner.status.finish_and_clear();
        let fired = std::mem::take(&mut inner.fired);
        let found = Found::new(account, truth, &fired);
        for harvest in truth.harvests() {
            match inner.output {
                Output::Ndjson => inner.printer.line(&found.json(harvest).to_string())?,
                Output::Human => {
                    inner.printer.line("")?;
                    let words = found.words(harvest);
                    inner.printer.line(&words.join("\n    "))?;
                }
            }
        }
        match inner.output {
            Output::Ndjson => inner.printer.line(&account.json(&found).to_string())?,
            Output::Human => {
                let honest = match found.honest() {
                    0 => "nobody".to_owned(),
                    some => some.to_string(),
                };
                inner.printer.line(&format!("\nhonest clients paged: {honest}"))?;
                inner.printer.line(&account.words())?;
            }
        }
        inner.printer.flush()
    }
}

impl Inner {
    /// A line for a person; whoever asked for JSON gets none.
    fn say(&mut self, text: &str) {
        if matches!(self.output, Output::Human) {
            self.print(&[text.to_owned()]);
        }
    }

    fn print(&mut self, lines: &[String]) {
        let (printer, status) = (&mut self.printer, &self.status);
        let printed = status.suspend(|| {
            lines.iter().try_for_each(|it| printer.line(it)).and_then(|()| printer.flush())
        });
        if printed.is_err() {
            // Whoever reads has had enough.
            self.stop.store(true, Relaxed);
        }
    }

    /// A line of the receiver: a change of an alert, or the digest of what its budget held back.
    fn told(&mut self, line: &str) {
        let row: Value = serde_json::from_str(line).unwrap_or_default();
        let alert = serde_json::from_value::<Alert>(row).ok();
        if let Some(alert) = alert.as_ref().filter(|it| it.status == Status::Firing) {
            self.fired.push(alert.clone());
        }
        match (self.output, alert) {
            (Output::Human, Some(alert)) => {
                let lines = self.words(&alert);
                self.print(&lines);
            }
            _ => self.print(&[line.to_owned()]),
        }
    }

    fn words(&self, alert: &Alert) -> Vec<String> {
        if alert.status == Status::Updated {
            let value = |name| {
                let rows = details(alert).into_iter();
                rows.filter(|it| it.0 == name).map(|it| it.1).collect::<String>()
            };
            let text =
                format!("        {} on {}: {}", value("who"), value("route"), value("records out"));
            return vec![self.printer.styled(terminal::FAINT, &text)];
        }
        let whole = alert.severity == Severity::Page && alert.status == Status::Firing;
        let lines = block(alert, &self.wording);
        let shown = if whole { lines.len() } else { 1 };
        let styled = lines.iter().take(shown).map(|line| {
            let style = match line.role {
                Role::Headline(Severity::Page) => terminal::PAGE,
                Role::Headline(Severity::Ticket) => terminal::TICKET,
                Role::Detail | Role::Step => terminal::FAINT,
            };
            format!("{}{}", self.printer.styled(style, &line.label), line.text)
        });
        // A page stands by itself.
        let space = || whole.then(String::new).into_iter();
        space().chain(styled).chain(space()).collect()
    }
}

/// What a harvest does, for whoever sees it for the first time.
fn story(harvest: &Harvested) -> &'static str {
    match harvest.scenario {
        "S5" => "an address reads the register's protocols one after the other, from the first day",
        "S3b" => "a stolen login tries mobile numbers day and night, from the second day",
        _ => "an insider looks up many times as many people as ever before, from the 15th day",
    }
}

/// The screen as what a receiver writes to.
pub(super) struct Told {
    screen: Screen,
    /// What was written of a line so far.
    line: Vec<u8>,
}

impl Told {
    pub(super) const fn new(screen: Screen) -> Self {
        Self { screen, line: Vec::new() }
    }
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|it| *it == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
                self.line.clear();
                self.screen.lock().told(&line);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
