//! `darban hash-ids`: ids to the keyed hashes that lists of decoys and watched subjects hold.

use super::terminal::Printer;
use super::{Failure, exit};
use crate::pipeline::lists;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration: it names the key file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Ids, one a line, as they stand in requests (percent-decoded); - for standard input
    #[arg(value_name = "PATH", default_value = "-")]
    path: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let keys = super::keys(&config)?;
    let lines = open(&arguments.path).map_err(|error| input(&arguments.path, &error))?;
    let mut printer = Printer::new();
    for line in lists::head(&keys) {
        printer.line(&line)?;
    }
    let mut count = 0;
    for line in lines.split(b'\n') {
        let line = line.map_err(|error| input(&arguments.path, &error))?;
        let id = line.trim_ascii();
        if id.is_empty() {
            continue;
        }
        count += 1;
        if count > lists::LISTED_MAX {
            let words = format!("more than {} ids: a list holds no more", lists::LISTED_MAX);
            return Err(Failure::new(exit::INPUT, &words));
        }
        printer.line(&lists::line(&keys, id))?;
    }
    printer.flush()
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(File::open(path)?)))
}

fn input(path: &Path, error: &io::Error) -> Failure {
    Failure::new(exit::INPUT, &format!("cannot read {}: {error}", path.display()))
}
