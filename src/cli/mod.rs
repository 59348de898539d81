//! The commands, one file each, and what they share: arguments, exit codes, the terminal.

mod alert;
mod check;
mod completions;
mod demo;
mod doctor;
mod evaluate;
mod explain;
mod hash_ids;
mod health;
mod init;
mod man;
mod progress;
mod replay;
mod run;
mod sampler;
mod schema;
mod silence;
mod simulate;
mod standby;
mod state;
mod svg;
mod terminal;
mod tune;

use crate::pipeline::backtest;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::Path;
use std::process::ExitCode;

/// Exit codes (sysexits.h): what a script may rely on.
pub mod exit {
    /// What was asked for was done, and a gate of it does not hold, or something is blind.
    pub const GATES: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// The input cannot be read.
    pub const INPUT: u8 = 65;
    /// Something failed that should not.
    pub const INTERNAL: u8 = 70;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
}

/// Reads an API gateway's access logs and pages when a client reads too many people.
#[derive(Debug, Parser)]
#[command(name = "darban", version, about, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: read Kafka, judge, notify
    Run(run::Arguments),
    /// Show it all: a portal, three harvests, an embedded broker, the pages
    Demo(demo::Arguments),
    /// Judge log files as if they came from Kafka: what would have been paged?
    Replay(replay::Arguments),
    /// Check a configuration, and with --sample how it reads log lines
    Check(check::Arguments),
    /// Look at a sample of a log: what of it is blind, and what the gateway has to log instead
    Doctor(doctor::Arguments),
    /// Draft a configuration from a sample of a log: routes, client keys and proxies, observing
    Init(init::Arguments),
    /// Say everything about one client: counters, baseline, evidence, and why it fired or not
    Explain(explain::Arguments),
    /// Make a list of decoys or watched people: ids in, keyed hashes out
    HashIds(hash_ids::Arguments),
    /// Try the receivers: does each take what it would be sent?
    Alert(alert::Arguments),
    /// Say what nobody wants to be told about, until when and why
    Silence(silence::Arguments),
    /// Write a portal's access log with harvests in it, and who took what
    Simulate(simulate::Arguments),
    /// Run the scenarios and print what each took before the page, beside published fixed rules
    Evaluate(evaluate::Arguments),
    /// Look at the snapshots of a daemon: what they are, whether they are whole, what they hold
    State(state::Arguments),
    /// Learn levels, spreads and rates from logs, and say what harvests would cost at a budget
    Tune(tune::Arguments),
    /// Ask a running darban whether it is alive, or ready
    Health(health::Arguments),
    /// Print the JSON Schema of the configuration, for editors and checks
    Schema(schema::Arguments),
    /// Print the manual
    Man(man::Arguments),
    /// Print the completions of a shell
    Completions(completions::Arguments),
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For a person.
    #[default]
    Human,
    /// One JSON object a line.
    Ndjson,
}

/// Why a command ends before its end.
#[derive(Debug)]
struct Failure {
    code: u8,
    words: String,
}

impl Failure {
    fn new(code: u8, words: &dyn std::fmt::Display) -> Self {
        Self { code, words: words.to_string() }
    }
}

impl From<backtest::Error> for Failure {
    fn from(error: backtest::Error) -> Self {
        match error {
            backtest::Error::Kafka(error) => Self::new(exit::INPUT, &error),
            backtest::Error::Input(error) => Self::new(exit::INPUT, &error),
            backtest::Error::Setup(words) => Self::new(exit::CONFIG, &words),
        }
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { 0 };
            // Nothing is left to do where even this cannot be printed.
            let _unprintable = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => match doctor::run(&arguments) {
            Ok(false) => return ExitCode::from(exit::GATES),
            outcome => outcome.map(drop),
        },
        Command::Init(arguments) => init::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::HashIds(arguments) => hash_ids::run(&arguments),
        Command::Alert(arguments) => alert::run(&arguments),
        Command::Silence(arguments) => silence::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::State(arguments) => state::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has had enough: `darban replay … | head` is no failure.
        Err(failure) if failure.words == terminal::BROKEN_PIPE => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(&failure.words);
            ExitCode::from(failure.code)
        }
    }
}

/// Writes a file that somebody asked for.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::write(path, text);
    written.map_err(|it| {
        Failure::new(exit::INTERNAL, &format!("cannot write {}: {it}", path.display()))
    })
}

/// The configuration at a path, for a command that sends nothing and reads no secrets.
fn load(path: &Path) -> Result<crate::config::Config, Failure> {
    crate::config::Config::load_without_files(path)
        .map_err(|problems| Failure::new(exit::CONFIG, &problems))
}

/// The keys for a backtest, and a word where they are the public ones.
fn keys(config: &crate::config::Config) -> Result<crate::pipeline::Keys, Failure> {
    let path = &config.privacy.key_file;
    let (keys, own) = crate::pipeline::Keys::of_file_or_public(path).map_err(|error| {
        Failure::new(exit::CONFIG, &format!("cannot read {}: {error}", path.display()))
    })?;
    if !own {
        terminal::remark("no key file: hashes are made with a public key and differ from `run`'s");
    }
    Ok(keys)
}
