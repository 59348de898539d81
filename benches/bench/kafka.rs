//! The rows behind the broker: filling the topic, and running its readers.
//!
//! Both readers are watched from outside: the clock runs from their first word (darban has its
//! partitions, the naive program its first record) to their last (the alert on the last harvest;
//! the last record), processor time and memory are the process's own since its start.

use crate::measure::{Cost, cpu_ns, now, ns_between, resident_bytes};
use crate::setup::Setup;
use crate::tests::kafka::broker::Broker;
use crate::traffic::{PARTITIONS, Rows, Traffic};
use crate::{Failure, pages};
use crossbeam_channel::{Receiver, bounded};
use darban::alert::Alert;
use rdkafka::config::ClientConfig;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const TOPIC: &str = "gateway-access";
/// Rows that are handed to a producer at a time.
const WRITE_ROWS: usize = 100_000;
/// How long a reader may be silent: far beyond a row on a slow machine.
const SILENCE: Duration = Duration::from_secs(120);
/// What darban says when it has a partition.
const ASSIGNED: &str = "reading gateway-access";

/// What a consumer needs to read everything.
pub(crate) fn consumer_config(broker: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("group.id", group);
    config.set("auto.offset.reset", "earliest");
    config
}

/// Writes all rows into the topic.
pub(crate) fn fill(broker: &Broker, rows: &Path) -> Result<(), Failure> {
    broker.create_topic(TOPIC, i32::try_from(PARTITIONS)?, &[]);
    let mut rows = Rows::open(rows, WRITE_ROWS)?;
    loop {
        let (first, block) = rows.next()?;
        if block.is_empty() {
            return Ok(());
        }
        let partition = |at: usize| i32::try_from(at % PARTITIONS).unwrap_or(0);
        let numbered = (first..).zip(&block);
        broker.write(TOPIC, numbered.map(|(at, row)| (partition(at), row.at.0, row.line)));
    }
}

/// The naive program.
pub(crate) fn naive(broker: &Broker, round: usize, traffic: &Traffic) -> Result<Cost, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["naive", &broker.address(), &format!("naive-{round}")]);
    let mut reader = Reader::start(command.arg(traffic.rows.to_string()))?;
    let (begun, _) = reader.wait(|it| it == "begin")?;
    let (ended, said) = reader.wait(|it| it == "end")?;
    let cost = reader.cost(traffic.rows, (begun, ended))?;
    let names = said.iter().filter_map(|it| it.strip_prefix("page ")?.split(' ').next());
    pages::all_named(names, traffic)?;
    reader.stop()?;
    Ok(cost)
}

/// The shipped daemon: its cost, and its alerts up to the last harvest's.
pub(crate) fn darban(
    broker: &Broker,
    (round, setup): (usize, &Setup),
    traffic: &Traffic,
) -> Result<(Cost, Vec<Alert>), Failure> {
    let config = setup.daemon(&broker.address(), round)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_darban"));
    let mut reader = Reader::start(command.args(["run", "--config"]).arg(config))?;
    let (begun, _) = reader.wait(|it| it.contains(ASSIGNED))?;
    let alert = |line: &str| serde_json::from_str::<Alert>(line).ok();
    let (ended, mut said) =
        reader.wait(|it| alert(it).is_some_and(|it| pages::names(&it, &traffic.last)))?;
    let judged = |said: &[String]| {
        let last = said.iter().rev().find_map(|it| alert(it));
        last.map_or(0, |it| traffic.rows_until(it.fired_at))
    };
    let cost = reader.cost(judged(&said), (begun, ended))?;
    said.extend(reader.stop()?);
    Ok((cost, said.iter().filter_map(|it| alert(it)).collect()))
}

/// A process whose words are read as they come.
struct Reader {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

impl Reader {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Room for all that a reader may say between two looks.
        let (to, lines) = bounded(1 << 16);
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|it| Box::new(it) as _),
            child.stderr.take().map(|it| Box::new(it) as _),
        ];
        for pipe in pipes.into_iter().flatten() {
            let to = to.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(pipe).lines().map_while(Result::ok);
                lines.try_for_each(|line| to.send((now(), line)))
            });
        }
        Ok(Self { child, lines })
    }

    /// Waits for a line; when it came, and all lines up to it.
    fn wait(&mut self, is_it: impl Fn(&str) -> bool) -> Result<(Instant, Vec<String>), Failure> {
        let mut said = Vec::new();
        loop {
            let Ok((at, line)) = self.lines.recv_timeout(SILENCE) else {
                return Err(format!("waited in vain; it said:\n{}", said.join("\n")).into());
            };
            let found = is_it(&line);
            said.push(line);
            if found {
                return Ok((at, said));
            }
        }
    }

    fn cost(&self, records: usize, (begun, ended): (Instant, Instant)) -> Result<Cost, Failure> {
        let process = self.child.id();
        Ok(Cost {
            records: records as u64,
            wall_ns: ns_between(begun, ended),
            cpu_ns: cpu_ns(process)?,
            resident_bytes: resident_bytes(&process.to_string())?,
        })
    }

    /// Asks it to end, as an init system does; what it said until it did.
    fn stop(mut self) -> Result<Vec<String>, Failure> {
        drop(self.child.stdin.take());
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let said = self.lines.iter().map(|it| it.1).collect();
        self.child.wait()?;
        Ok(said)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
