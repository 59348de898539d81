//! `darban alert test`: whether a receiver takes what it would be sent at three in the morning.

use super::terminal::Printer;
use super::{Failure, Output, exit, run};
use crate::alert::{
    Alert, Client, Kind, Mode, OffsetSpan, Quantity, RecordsOut, Severity, Silences, Status,
};
use crate::attribute::KeyKind;
use crate::causes::with_causes;
use crate::config::Config;
use crate::deliver::trial::{Answer, trial};
use crate::deliver::{Action, Options, Policy, ReceiverSpec};
use crate::pipeline::receivers;
use crate::time::{DAY_MS, MINUTE_MS, Moment, SECOND_MS, wall};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What stands where a real alert names a client, a route and a topic.
const NAME: &str = "darban-alert-test";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send a receiver an alert that fires and ends, and print what it answered
    Test(Test),
}

#[derive(Debug, clap::Args)]
struct Test {
    /// The receiver's name in the configuration
    #[arg(long, short, value_name = "NAME")]
    receiver: String,
    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "/etc/darban/darban.toml")]
    config: PathBuf,
    /// How the answers are printed
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Command::Test(test) = &arguments.command;
    let config = Config::load(&test.config).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let wrong = |words: String| Failure::new(exit::CONFIG, &words);
    let spec = chosen(receivers::receivers(&config).map_err(wrong)?, &test.receiver)?;
    let path = test.config.display().to_string();
    let policy = receivers::policy(&config, &path).map_err(wrong)?;
    // Neither a silence nor a budget is what is tried here.
    let policy = Policy {
        silences: Silences::default(),
        silence_file: None,
        late_after_ms: None,
        per_hour: u32::MAX,
        ..policy
    };
    let now = wall();
    let fired = sample(&spec, now);
    let options = Options {
        receivers: vec![spec],
        policy,
        reach: config.alert.reach.clone(),
        terminal: Box::new(std::io::stdout()),
        ..Options::default()
    };
    let answers = run::runtime()?
        .block_on(trial(options, fired, now))
        .map_err(|error| Failure::new(exit::INTERNAL, &with_causes(&error)))?;
    print(&answers, test.output)?;
    match answers.iter().all(|it| it.arrived) {
        true => Ok(()),
        false => Err(Failure::new(exit::INTERNAL, &format!("{} did not take it", test.receiver))),
    }
}

/// The receiver with a name, or the words with the nearest one.
fn chosen(specs: Vec<ReceiverSpec>, name: &str) -> Result<ReceiverSpec, Failure> {
    let names: Vec<String> = specs.iter().map(|it| it.name.clone()).collect();
    specs.into_iter().find(|it| it.name == name).ok_or_else(|| {
        let near = crate::config::nearest(name, names.iter().map(String::as_str));
        let near = near.map(|it| format!("; did you mean {it}?")).unwrap_or_default();
        let all = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let name = crate::alert::escape_text(name);
        let words = format!("no receiver is called {name}; there are: {all}{near}");
        Failure::new(exit::USAGE, &words)
    })
}

fn print(answers: &[Answer], output: Output) -> Result<(), Failure> {
    let mut printer = Printer::new();
    for it in answers {
        let action = match it.action {
            Action::Trigger => "trigger",
            Action::Update => "update",
            Action::Resolve => "resolve",
            Action::Digest => "digest",
        };
        match output {
            Output::Ndjson => printer.json(&json!({
                "type": "answer",
                "receiver": it.target,
                "action": action,
                "arrived": it.arrived,
                "said": it.said,
            }))?,
            Output::Human => {
                let mark = if it.arrived { "ok    " } else { "FAILED" };
                let said = if it.said.is_empty() { "written" } else { it.said.as_str() };
                printer.line(&format!("{mark}  {}  {action:<7}  {said}", it.target))?;
            }
        }
    }
    printer.flush()
}

/// An alert as loud as the receiver takes, that says in every place what it is.
fn sample(spec: &ReceiverSpec, now: Moment) -> Alert {
    let takes_pages = spec.severity.is_empty() || spec.severity.contains(&Severity::Page);
    let quantity = |subjects| Quantity {
        subjects,
        span_seconds: DAY_MS.unsigned_abs() / SECOND_MS.unsigned_abs(),
        quantity: "subjects a day".to_owned(),
    };
    Alert {
        // Of its own for each trial, so that none joins what another has left open.
        id: format!("{:016x}", now.0),
        status: Status::Firing,
        severity: if takes_pages { Severity::Page } else { Severity::Ticket },
        kind: Kind::Walk,
        route: NAME.into(),
        also_kinds: Vec::new(),
        also_on: Vec::new(),
        mode: Mode::Page,
        late: false,
        clients: vec![Client { key: KeyKind::Staff, id: NAME.to_owned() }],
        members_total: 1,
        first_seen: now.plus(-MINUTE_MS),
        fired_at: now,
        changed_at: now,
        records_out: RecordsOut { estimate: 0, error: 0 },
        expected: quantity(1.0),
        seen: quantity(1.0),
        streams: BTreeMap::new(),
        log_e: 0.0,
        examples: Vec::new(),
        offsets: vec![OffsetSpan { topic: NAME.into(), partition: 0, first: 0, last: 0 }],
    }
}
