//! The `darban` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    darban::cli::main()
}
