//! The portal's side of the demo: writes its log into the topic as its time comes.

use super::screen::Screen;
use crate::decode::Format;
use crate::scenarios::{Demo, Label, Request, Truth, Writer};
use crate::source::embedded::Producer;
use crate::time::{Clock, Moment};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the portal waits before it looks at the clock again: two simulated minutes.
const PAUSE: Duration = Duration::from_millis(5);
/// Lines that the daemon may be behind. The embedded broker forgets what is more than 5 MiB back
/// in a partition; this is less than half of that, and several seconds of traffic.
const AHEAD_MAX: u64 = 15_000;
/// A shipper on the way cuts one line in so many at its limit; it comes whole once more.
const CUT_EVERY: u64 = 997;

/// How far the daemon is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// It has partitions. What is written before would be found in a backlog.
    pub(super) assigned: AtomicBool,
    /// Records that it received.
    pub(super) received: AtomicU64,
}

/// What the log is written with.
pub(super) struct Pen {
    producer: Producer,
    clock: Clock,
    writer: Writer,
    line: Vec<u8>,
    /// Lines written.
    written: u64,
}

impl Pen {
    pub(super) fn new(brokers: &str, topic: &str, clock: Clock) -> Result<Self, String> {
        let producer = Producer::new(brokers, topic)?;
        let writer = Writer::new(Format::NginxJson);
        Ok(Self { producer, clock, writer, line: Vec::new(), written: 0 })
    }

    fn write(&mut self, request: &Request) -> Result<(), String> {
        self.line.clear();
        self.writer.write(request, &mut self.line);
        let key = request.client.finest().1;
        if self.written % CUT_EVERY == CUT_EVERY - 1 {
            let half = self.line.get(..self.line.len() / 2).unwrap_or_default();
            self.producer.write(key.as_bytes(), request.at, half)?;
            self.written += 1;
        }
        self.producer.write(key.as_bytes(), request.at, &self.line)?;
        self.written += 1;
        Ok(())
    }
}

/// Writes the demo's log until it is told to stop; what was really taken.
pub(super) fn write(
    demo: &Demo,
    mut pen: Pen,
    (progress, stop): (Arc<Progress>, Arc<AtomicBool>),
    screen: Screen,
) -> io::Result<JoinHandle<Truth>> {
    let mut truth = Truth::whole(&demo.harvests);
    let requests = demo.requests();
    let work = move || {
        let mut begun: BTreeSet<Label> = BTreeSet::new();
        for request in requests {
            if !is_time(request.at, &pen, &progress, &stop) {
                break;
            }
            if request.label > 0 && begun.insert(request.label) {
                screen.begins(&truth, request.label);
            }
            if let Err(error) = pen.write(&request) {
                screen.remark(&format!("writing the demo's log: {error}"));
                stop.store(true, Relaxed);
                break;
            }
            truth.feed(&request);
        }
        pen.producer.flush();
        truth
    };
    std::thread::Builder::new().name("demo-portal".to_owned()).spawn(work)
}

/// Waits until something of this time may be written; `false` when it is time to stop.
fn is_time(at: Moment, pen: &Pen, progress: &Progress, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Relaxed) {
            return false;
        }
        let behind = pen.written.saturating_sub(progress.received.load(Relaxed));
        let may = progress.assigned.load(Relaxed) && behind < AHEAD_MAX;
        if may && pen.clock.now() >= at {
            return true;
        }
        std::thread::park_timeout(PAUSE);
    }
}
