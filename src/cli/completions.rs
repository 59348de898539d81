//! `darban completions`: what a shell needs to complete darban's commands.

use super::Failure;
use clap::CommandFactory;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which shell
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "darban", &mut std::io::stdout());
    Ok(())
}
