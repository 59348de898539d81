//! Clock, processor time and memory of a process.

use crate::Failure;
use std::fs;
use std::time::Instant;

/// Clock ticks a second in `/proc`, the same on every Linux that Rust runs on.
const TICKS_A_SECOND: u64 = 100;
const NS_A_SECOND: u64 = 1_000_000_000;

/// What so many records cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) records: u64,
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
    /// Peak of resident memory.
    pub(crate) resident_bytes: u64,
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn ns_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time of this thread.
pub(crate) fn thread_cpu_ns() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

/// Processor time of a process so far, all of its threads, living or not.
pub(crate) fn cpu_ns(process: u32) -> Result<u64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold anything; user and system time are the 12th and 13th behind.
    let (_, fields) = text.rsplit_once(')').ok_or("no name in stat")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next().ok_or("no time")??, times.next().ok_or("no time")??);
    Ok((user + system) * (NS_A_SECOND / TICKS_A_SECOND))
}

/// The most memory that a process has had resident.
pub(crate) fn resident_bytes(process: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}

/// Sums up time that is measured in pieces, on one thread.
pub(crate) struct Stopwatch {
    cost: Cost,
    begun: (Instant, u64),
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Self { cost: Cost::default(), begun: (now(), 0) }
    }

    pub(crate) fn begin(&mut self) -> Result<(), Failure> {
        let cpu = thread_cpu_ns()?;
        self.begun = (now(), cpu);
        Ok(())
    }

    pub(crate) fn end(&mut self, records: usize) -> Result<(), Failure> {
        let at = now();
        self.cost.wall_ns += ns_between(self.begun.0, at);
        self.cost.cpu_ns += thread_cpu_ns()?.saturating_sub(self.begun.1);
        self.cost.records += records as u64;
        Ok(())
    }

    pub(crate) fn cost(self) -> Result<Cost, Failure> {
        Ok(Cost { resident_bytes: resident_bytes("self")?, ..self.cost })
    }
}

impl Cost {
    /// As one line, for the process that asked for it.
    pub(crate) fn line(&self) -> String {
        let Self { records, wall_ns, cpu_ns, resident_bytes } = self;
        format!("cost {records} {wall_ns} {cpu_ns} {resident_bytes}")
    }

    /// From such a line.
    pub(crate) fn of(line: &str) -> Option<Self> {
        let numbers: Option<Vec<u64>> =
            line.strip_prefix("cost ")?.split(' ').map(|it| it.parse().ok()).collect();
        let [records, wall_ns, cpu_ns, resident_bytes] = numbers?.try_into().ok()?;
        Some(Self { records, wall_ns, cpu_ns, resident_bytes })
    }
}
