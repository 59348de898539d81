//! `darban init`: a configuration that observes, out of a sample or of an OpenAPI document.

use super::sampler::{self, Place, RECORDS_MAX};
use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::alert::escape_text;
use crate::config::Config;
use crate::survey::{Report, documented, draft, draft_of_document};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bytes of a document at most: the largest published ones have a few mebibytes.
const DOCUMENT_BYTES_MAX: u64 = 32 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    from: Place,
    /// An OpenAPI 3 document (JSON or YAML) instead of a log: its paths, and where they name somebody
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "paths", "records"])]
    openapi: Option<PathBuf>,
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
    if let Some(path) = &arguments.output
        && path.exists()
        && !arguments.force
    {
        let words = format!("{} is there already: --force writes over it", path.display());
        return Err(Failure::new(exit::USAGE, &words));
    }
    let (text, remark) = match &arguments.openapi {
        Some(path) => of_document(path)?,
        None => of_sample(arguments)?,
    };
    // What it says must be what `check` accepts; nothing else would be of any use.
    Config::parse_without_files(&text, Path::new(""))
        .map_err(|problems| Failure::new(exit::INTERNAL, &problems))?;
    let Some(path) = &arguments.output else {
        let mut printer = Printer::new();
        printer.line(text.trim_end())?;
        return printer.flush();
    };
    super::write(path, &text)?;
    terminal::remark(&format!("{} has {remark}", path.display()));
    Ok(())
}

/// The draft, and what there is to say of it.
fn of_sample(arguments: &Arguments) -> Result<(String, String), Failure> {
    let nothing =
        || Failure::new(exit::USAGE, &"nothing to look at: --from, FILE or --openapi FILE");
    let origin = arguments.from.origin()?.ok_or_else(nothing)?;
    let sample = sampler::read(&origin, None, arguments.records)?;
    let report = Report::of(&sample, None);
    let (routes, keys, blind) = (report.routes.len(), report.keys.len(), report.blind.len());
    let remark = format!(
        "{routes} routes and {keys} client keys of {} records; {blind} things are blind: darban doctor",
        report.records
    );
    Ok((draft(&report, &origin), remark))
}

fn of_document(path: &Path) -> Result<(String, String), Failure> {
    let wrong = |words: String| {
        Failure::new(exit::INPUT, &format!("{}: {words}", escape_text(&path.display().to_string())))
    };
    let length = std::fs::metadata(path).map_err(|it| wrong(it.to_string()))?.len();
    if length > DOCUMENT_BYTES_MAX {
        return Err(wrong(format!("has {length} bytes, more than {DOCUMENT_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|it| wrong(it.to_string()))?;
    // JSON is YAML too, but its own parser is faster and has no aliases to be bombed with.
    let document: Value = match serde_json::from_str(&text) {
        Ok(it) => it,
        Err(_) => serde_saphyr::from_str(&text)
            .map_err(|_| wrong("is neither JSON nor YAML".to_owned()))?,
    };
    let documented = documented(&document)
        .ok_or_else(|| wrong("is no OpenAPI document of version 3".to_owned()))?;
    let (report, left_out) = (&documented.report, documented.left_out.len());
    let (routes, keys) = (report.routes.len(), report.keys.len());
    let remark = format!(
        "{routes} routes and {keys} client keys; {left_out} operations name nobody in path or query"
    );
    Ok((draft_of_document(&documented, &path.display().to_string()), remark))
}
