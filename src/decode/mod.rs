//! Bytes to [`AccessRecord`], any format; every refusal is a counted reason.
//!
//! Field values are bytes, not text: a gateway writes what the client sent, one invalid byte in a
//! path or user agent must neither lose the line nor change the value, and a scraper that could
//! fall out of the log by adding `?x=\xfe` would.

mod record;

pub use record::{AccessRecord, EXTRAS_MAX, Extra, Extras, Format, Refusal};
