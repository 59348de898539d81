//! Findings to alerts: lifecycle, grouping, silences, page budget, evidence text, the one escaper.

mod change;
mod escape;

pub use change::{Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status};
pub use escape::{escape_html, escape_text};
