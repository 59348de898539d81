//! `darban man`: the manual pages, made of what `--help` says.

use super::{Failure, exit};
use clap::CommandFactory;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A folder for a page of each command; without it the page of darban itself is printed
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let command = super::Arguments::command();
    let written = match &arguments.output {
        Some(folder) => clap_mangen::generate_to(command, folder),
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()),
    };
    written.map_err(|it| Failure::new(exit::INTERNAL, &format!("cannot write the manual: {it}")))
}
