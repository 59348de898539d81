//! Decode workers: events in, facts out, in the order of reading.
//!
//! Reading from the channel and numbering what was read is one step under a lock, taken once a
//! batch; everything else runs side by side.

use super::{Counts, Intake};
use crate::source::{Event, Partition, Place};
use crate::timeline::Chunk;
use crossbeam_channel::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What the judging thread is told.
#[derive(Debug)]
pub enum Fact {
    /// A partition is ours from this offset on.
    Assigned(Partition, Place, i64),
    /// Records were read.
    Chunk(Box<Chunk>, Box<Counts>),
    /// A partition was read to its end.
    End(Partition, i64),
    /// A partition is gone.
    Revoked(Partition),
    /// Records are missing from the log: first offset, how many where that is known.
    Gap(Partition, i64, Option<u64>),
}

/// Starts workers; they end when the channel of events does.
///
/// # Errors
/// When a thread cannot be started.
pub fn start(
    count: usize,
    intake: impl Fn() -> Intake,
    events: Receiver<Event>,
    facts: &Sender<(u64, Fact)>,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let events = Arc::new(Mutex::new((events, 0_u64)));
    (0..count.max(1))
        .map(|at| {
            let (events, facts, mut intake) = (events.clone(), facts.clone(), intake());
            let work = move || {
                let read = std::iter::from_fn(|| next(&events));
                let mut told = read.map(|(at, event)| facts.send((at, fact(event, &mut intake))));
                // Ends with the events, or when nobody listens any more.
                let _ended = told.find(Result::is_err);
            };
            thread::Builder::new().name(format!("decode-{at}")).spawn(work)
        })
        .collect()
}

/// The next event with its number; `None` when there will be no more.
fn next(events: &Mutex<(Receiver<Event>, u64)>) -> Option<(u64, Event)> {
    let mut guard = events.lock().unwrap_or_else(PoisonError::into_inner);
    let event = guard.0.recv().ok()?;
    let sequence = guard.1;
    guard.1 += 1;
    Some((sequence, event))
}

fn fact(event: Event, intake: &mut Intake) -> Fact {
    match event {
        Event::Assigned { partition, place, next } => Fact::Assigned(partition, place, next),
        Event::Batch(batch) => {
            let (chunk, counts) = intake.take(&batch);
            Fact::Chunk(Box::new(chunk), Box::new(counts))
        }
        Event::End { partition, next } => Fact::End(partition, next),
        Event::Revoked { partition } => Fact::Revoked(partition),
        Event::Gap { partition, first, missing } => Fact::Gap(partition, first, missing),
    }
}
