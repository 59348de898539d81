//! What darban costs, beside what it is measured against: one invocation, one real broker.
//!
//! Absolute figures of one machine mean nothing on another, so the gates are ratios between rows
//! of the same invocation over the same lines. Every row is a process of its own, so that memory
//! and processor time are its own too, and rounds are interleaved, so that a busy minute of the
//! machine hits all of them. Each row does the whole of what its name says:
//!
//! - `from_str`: bare decoding of ten borrowed fields of a line of 667 bytes, on one thread.
//! - `engine`: decode, attribute, timeline, novelty, judge, on one thread, two keys a request.
//! - `naive`: what one writes in an afternoon (`naive.rs`), from the broker.
//! - `kafka`: the shipped `darban run`, from the broker to alerts on its standard output.
//!
//! A fast engine that finds nothing is worth nothing: the rows that judge must page every harvest
//! in the traffic, and `kafka` must give the alerts that `engine` gave, one by one.

mod kafka;
mod line;
mod measure;
mod memory;
mod naive;
mod pages;
mod setup;
mod table;
mod traffic;

/// The tests' broker, where it expects to be.
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "written for tests, which panic and use more of it"
)]
#[path = "../../tests"]
mod tests {
    pub(crate) mod deliver {
        pub(crate) mod wait;
    }
    pub(crate) mod kafka {
        pub(crate) mod broker;
        pub(crate) mod secure;
    }
}

/// Where the tests' broker says that it cannot be had.
mod skip {
    pub(crate) fn skip(what: &str, why: &str) {
        super::say(&format!("skipped: {what}: the rows behind a broker, and their gate: {why}"));
    }
}

use setup::Setup;
use std::io::Write;
use std::process::ExitCode;
use table::Table;
use tests::kafka::broker::Broker;

/// Rounds: enough for a median that one busy second does not move.
const ROUNDS: usize = 5;

/// Whatever went wrong, in words.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["from_str", rows] => memory::from_str(rows.as_ref()).map(|()| true),
        ["engine", rows, config] => memory::engine(rows.as_ref(), config.as_ref()).map(|()| true),
        ["naive", broker, group, total] => naive::run(broker, group, total).map(|()| true),
        _ => bench(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            say(&format!("bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// All rounds; whether every gate holds.
fn bench() -> Result<bool, Failure> {
    let setup = Setup::new()?;
    let traffic = traffic::write(&setup.rows())?;
    say(&format!("{traffic}"));
    let broker = Broker::start("bench");
    if broker.is_none() && std::env::var("CI").as_deref() == Ok("true") {
        return Err("CI has everything that a broker needs".into());
    }
    if let Some(broker) = &broker {
        kafka::fill(broker, &setup.rows())?;
    }
    let mut table = Table::default();
    for round in 0..ROUNDS {
        table.add("from_str", memory::row(&["from_str"], &setup)?.0);
        let (cost, reference) = memory::row(&["engine"], &setup)?;
        table.add("engine", cost);
        pages::all_harvests(&reference, &traffic)?;
        let Some(broker) = &broker else { continue };
        table.add("naive", kafka::naive(broker, round, &traffic)?);
        let (cost, found) = kafka::darban(broker, (round, &setup), &traffic)?;
        table.add("kafka", cost);
        pages::all_harvests(&found, &traffic)?;
        pages::same(&found, &reference)?;
    }
    say(&table.to_string());
    let mut gates = vec![table::at_most(
        "engine over from_str, CPU a record",
        3.0,
        table.cpu("engine", "from_str"),
    )];
    if broker.is_some() {
        gates.push(table::at_least(
            "kafka over naive, records a second",
            1.3,
            table.speed("kafka", "naive"),
        ));
    }
    gates.iter().for_each(|(words, _)| say(words));
    Ok(gates.iter().all(|(_, holds)| *holds))
}

/// One line on standard output.
fn say(words: &str) {
    // Nobody to tell it to is no reason to fail.
    let _gone = writeln!(std::io::stdout().lock(), "{words}");
}
