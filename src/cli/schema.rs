//! `darban schema`: the JSON Schema of the configuration, which editors complete and check it by.

use super::Failure;
use super::terminal::Printer;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<(), Failure> {
    let mut printer = Printer::new();
    printer.line(&format!("{:#}", Config::schema()))?;
    printer.flush()
}
