//! `darban init`: a configuration out of a sample, that observes.

use super::sampler::{self, Place, RECORDS_MAX};
use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::config::Config;
use crate::survey::{Report, draft};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    from: Place,
    /// Where to write the configuration [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a configuration that is there
    #[arg(long, requires = "output")]
    force: bool,
    /// Records to look at
    #[arg(long, value_name = "COUNT", default_value_t = 50_000,
        value_parser = clap::value_parser!(u64).range(1..=RECORDS_MAX))]
    records: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let nothing = || Failure::new(exit::USAGE, &"nothing to look at: --from or FILE");
    let origin = arguments.from.origin()?.ok_or_else(nothing)?;
    if let Some(path) = &arguments.output
        && path.exists()
        && !arguments.force
    {
        let words = format!("{} is there already: --force writes over it", path.display());
        return Err(Failure::new(exit::USAGE, &words));
    }
    let sample = sampler::read(&origin, None, arguments.records)?;
    let report = Report::of(&sample, None);
    let text = draft(&report, &origin);
    // What it says must be what `check` accepts; nothing else would be of any use.
    Config::parse_without_files(&text, Path::new(""))
        .map_err(|problems| Failure::new(exit::INTERNAL, &problems))?;
    let Some(path) = &arguments.output else {
        let mut printer = Printer::new();
        printer.line(text.trim_end())?;
        return printer.flush();
    };
    super::write(path, &text)?;
    terminal::remark(&format!(
        "{} has {} routes and {} client keys of {} records; {} things are blind: darban doctor",
        path.display(),
        report.routes.len(),
        report.keys.len(),
        report.records,
        report.blind.len()
    ));
    Ok(())
}
