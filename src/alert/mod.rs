//! Findings to alerts: lifecycle, grouping, silences, page budget, evidence text, the one escaper.

mod book;
mod change;
mod command;
mod escape;
pub mod matcher;
mod of_finding;
mod of_note;
mod open;
mod outlive;
#[cfg(test)]
pub(crate) mod sample;
pub mod silence;
mod standing;
pub mod text;

pub use book::{Book, CLIENTS_MAX, Context};
pub use change::{Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Status};
pub use command::Origin;
pub use escape::{escape_html, escape_json, escape_text, html_of};
pub use matcher::Matcher;
pub use silence::{Phase, Silence, Silences};
pub use standing::{KeyRecords, Standing};
