//! How far a long reading of files has come, on standard error.
//!
//! The bar and the lines of standard output may share a terminal. So a line is printed with the
//! bar taken away, and handed over at once: a half-filled buffer would be cut by the next redraw.

use super::Failure;
use super::terminal::{self, Printer};
use indicatif::ProgressBar;

/// A bar, once there is something to show.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// So far: bytes read, bytes in all where known, records.
    pub(super) fn show(&mut self, read: u64, total: Option<u64>, records: u64) {
        let bar = self.bar.get_or_insert_with(|| terminal::progress(total));
        let elapsed = bar.elapsed().as_secs_f64().max(0.001);
        bar.set_message(format!("{:.0} records/s", records as f64 / elapsed));
        bar.set_position(read);
    }

    /// Prints above the bar.
    pub(super) fn above(
        &self,
        printer: &mut Printer,
        print: impl FnOnce(&mut Printer) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.bar.as_ref().filter(|it| !it.is_hidden()) {
            None => print(printer),
            Some(bar) => bar.suspend(|| print(printer).and_then(|()| printer.flush())),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
