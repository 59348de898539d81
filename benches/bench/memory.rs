//! The rows without a broker: lines lie in memory, and one thread works on them.
//!
//! Blocks of lines are read from the file before the watch runs, so that what is measured begins
//! with bytes in memory, as it does behind librdkafka. The 32 MB of a block count as resident.

use crate::line::Borrowed;
use crate::measure::{Cost, Stopwatch};
use crate::setup::Setup;
use crate::traffic::{PARTITIONS, Rows};
use crate::{Failure, say};
use darban::alert::Alert;
use darban::config::Config;
use darban::pipeline::judging::Judging;
use darban::pipeline::workers::Fact;
use darban::pipeline::{Intake, Keys, Pool, build};
use darban::source::{BATCH_RECORDS_MAX, Batch, Partition, Place};
use darban::time::{Moment, SECOND_MS, wall};
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Rows of a block: batches of every partition, some 30 MB, so that a thread's clock of processor
/// time (which moves in ticks) is read some sixty times a row only.
const BLOCK_ROWS: usize = PARTITIONS * BATCH_RECORDS_MAX * 16;

/// Runs a row as a process of its own: its cost and its alerts.
pub(crate) fn row(arguments: &[&str], setup: &Setup) -> Result<(Cost, Vec<Alert>), Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).arg(setup.rows());
    if arguments == ["engine"] {
        command.arg(setup.config()?);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("{arguments:?} ended with {}: {text}", output.status).into());
    }
    let cost = text.lines().find_map(Cost::of).ok_or("a row did not say what it cost")?;
    let alerts = text.lines().filter(|it| it.starts_with('{'));
    let alerts: Result<Vec<Alert>, _> = alerts.map(serde_json::from_str).collect();
    Ok((cost, alerts?))
}

/// Bare decoding.
pub(crate) fn from_str(path: &Path) -> Result<(), Failure> {
    let mut rows = Rows::open(path, BLOCK_ROWS)?;
    let mut watch = Stopwatch::new();
    loop {
        let (_, block) = rows.next()?;
        if block.is_empty() {
            break;
        }
        let lines: Result<Vec<&str>, _> = block.iter().map(|it| str::from_utf8(it.line)).collect();
        let lines = lines?;
        watch.begin()?;
        let mut bytes = 0;
        for line in &lines {
            bytes += black_box(serde_json::from_str::<Borrowed<'_>>(line)?).bytes();
        }
        black_box(bytes);
        watch.end(lines.len())?;
    }
    say(&watch.cost()?.line());
    Ok(())
}

/// The production path from bytes to alerts, on this thread.
pub(crate) fn engine(path: &Path, config: &Path) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let keys = Keys::of_file_or_new(&config.privacy.key_file)?;
    let attributor = build::attributor(&config, &keys)?;
    let mut intake = Intake::new(Arc::new(build::decoder(&config)), Arc::new(attributor));
    let engine = build::engine(&config, &keys)?;
    let mut judging = Judging::new(engine, config.detect.slice_ms, Pool::new(1));
    let reading = wall();
    for number in 0..PARTITIONS {
        let place = Place { topic: "log".into(), number: i32::try_from(number)? };
        judging.take(Fact::Assigned(partition(number)?, place, 0), reading);
    }
    let mut rows = Rows::open(path, BLOCK_ROWS)?;
    let (mut watch, mut alerts) = (Stopwatch::new(), Vec::new());
    loop {
        let (first, block) = rows.next()?;
        if block.is_empty() {
            break;
        }
        let batches = batches(first, &block)?;
        watch.begin()?;
        for batch in &batches {
            let (chunk, counts) = intake.take(batch);
            judging.take(Fact::Chunk(Box::new(chunk), Box::new(counts)), reading);
            alerts.extend(all_of(&mut judging, reading));
        }
        watch.end(block.len())?;
    }
    for number in 0..PARTITIONS {
        judging.take(Fact::End(partition(number)?, 0), reading);
    }
    alerts.extend(all_of(&mut judging, reading.plus(2 * SECOND_MS)));
    for alert in &alerts {
        say(&serde_json::to_string(alert)?);
    }
    say(&watch.cost()?.line());
    Ok(())
}

/// Judges what can be judged by now.
fn all_of(judging: &mut Judging, reading: Moment) -> Vec<Alert> {
    let rounds = std::iter::from_fn(|| {
        let alerts = judging.judge(reading).alerts;
        (!alerts.is_empty()).then_some(alerts)
    });
    rounds.flatten().collect()
}

/// The rows as the batches in which they would come from as many partitions.
fn batches(first: usize, rows: &[crate::traffic::Row<'_>]) -> Result<Vec<Batch>, Failure> {
    let mut all = Vec::new();
    for part in rows.chunks(PARTITIONS * BATCH_RECORDS_MAX) {
        let mut lanes: Vec<Batch> = (0..PARTITIONS)
            .map(|it| partition(it).map(Batch::new))
            .collect::<Result<_, Failure>>()?;
        let number = first + all.len() * BATCH_RECORDS_MAX;
        for (at, row) in (number..).zip(part) {
            let offset = i64::try_from(at / PARTITIONS)?;
            if let Some(lane) = lanes.get_mut(at % PARTITIONS) {
                lane.push(offset, Some(row.at), row.line);
            }
        }
        all.append(&mut lanes);
    }
    Ok(all)
}

fn partition(number: usize) -> Result<Partition, Failure> {
    Ok(Partition(u16::try_from(number)?))
}
