//! A trial that is killed once a day and goes on from a snapshot, as the daemon would.
//!
//! At some hour of each simulated day the engine is written down, at a later one it is thrown away,
//! read back, and given the records and the cuts since. What it finds must be what one finds that
//! never died.

use super::random::Random;
use super::trial::Trial;
use crate::engine::{Engine, Section, Serial, Settings};
use crate::time::{DAY_MS, Moment};
use crate::timeline::{self, Chunk, State, Timeline, Told};
use std::io;

/// When a trial dies, and what it left.
#[derive(Clone, Debug)]
pub(super) struct Mortal {
    settings: Settings,
    options: timeline::Options,
    seed: u64,
    /// It dies at all.
    dies: bool,
    /// The last day on which it was written down, and the last on which it died.
    days: (i64, i64),
    left: Option<Left>,
    deaths: u32,
    /// What went wrong, which would be a defect.
    failure: Option<String>,
}

/// What stands on the disk.
#[derive(Clone, Debug)]
struct Left {
    sections: Vec<Vec<u8>>,
    timeline: State,
    /// Cuts since.
    told: Told,
    /// Records since, and those before that were not judged yet.
    chunks: Vec<Chunk>,
}

impl Mortal {
    pub(super) const fn new(settings: Settings, options: timeline::Options, seed: u64) -> Self {
        Self {
            settings,
            options,
            seed,
            dies: false,
            days: (i64::MIN, i64::MIN),
            left: None,
            deaths: 0,
            failure: None,
        }
    }

    /// When it is written down on a day, and when it dies.
    fn hours(&self, day: i64) -> (Moment, Moment) {
        let mut random = Random::of(self.seed, 0x646f_6f6d, day.unsigned_abs());
        let mut draw = || i64::try_from(random.below(DAY_MS.unsigned_abs())).unwrap_or(0);
        let (one, other) = (draw(), draw());
        let at = |ms: i64| Moment(day * DAY_MS + ms);
        (at(one.min(other)), at(one.max(other)))
    }

    /// Records that are about to be judged.
    pub(super) fn feed(&mut self, chunk: &Chunk) {
        self.left.iter_mut().for_each(|it| it.chunks.push(chunk.clone()));
    }

    /// A cut that was judged.
    pub(super) fn judged(&mut self, cut: &timeline::Cut) {
        self.left.iter_mut().for_each(|it| it.told.cuts.push(cut.row()));
    }
}

impl Trial {
    /// The same trial, which `dies` once a simulated day from now on, or does not.
    #[must_use]
    pub const fn dying_daily(mut self, dies: bool) -> Self {
        self.mortal.dies = dies;
        self
    }

    /// How often it died so far.
    ///
    /// # Errors
    /// Where it could not go on once, which would be a defect.
    pub fn deaths(&self) -> Result<u32, String> {
        self.mortal.failure.clone().map_or(Ok(self.mortal.deaths), Err)
    }

    /// Is written down or dies, where it is time for either. `fed` was judged last.
    pub(super) fn live(&mut self, fed: &Chunk) {
        if self.mortal.dies
            && let Err(words) = self.live_or_fail(fed)
        {
            self.mortal.failure.get_or_insert(words);
        }
    }

    fn live_or_fail(&mut self, fed: &Chunk) -> Result<(), String> {
        let day = self.delivered.index(DAY_MS);
        let (written_at, dies_at) = self.mortal.hours(day);
        if self.delivered >= written_at && self.mortal.days.0 < day {
            self.mortal.days.0 = day;
            let left = self.write_down(fed).map_err(|it| it.to_string())?;
            self.mortal.left = Some(left);
        } else if self.delivered >= dies_at && self.mortal.days.1 < day {
            self.mortal.days.1 = day;
            if let Some(left) = self.mortal.left.take() {
                self.go_on(&left)?;
            }
        }
        Ok(())
    }

    fn write_down(&mut self, fed: &Chunk) -> io::Result<Left> {
        let mut sections = Vec::new();
        let mut more = self.engine.freeze()?;
        while !more.is_empty() {
            for section in &more {
                sections.push(borsh::to_vec(section)?);
            }
            more = self.engine.take_frozen(usize::MAX >> 1);
        }
        let timeline = self.timeline.state();
        let resume = timeline.lanes.first().map_or(self.offset, |it| it.resume);
        if fed.stamps.first().is_some_and(|it| resume < it.offset) {
            return Err(io::Error::other("a slice is longer than a batch"));
        }
        let chunks = vec![unjudged(fed, resume)];
        self.timeline.take_readings();
        Ok(Left { sections, timeline, told: Told::default(), chunks })
    }

    fn go_on(&mut self, left: &Left) -> Result<(), String> {
        let sections = left.sections.iter().map(|it| borsh::from_slice::<Section>(it));
        let settings = self.mortal.settings.clone();
        let keeps = vec![true; settings.routes.len()];
        self.engine = Engine::restore(settings, sections, &keeps).map_err(|it| it.to_string())?;
        let cuts = left.told.cuts.len();
        self.timeline = Timeline::restore(self.mortal.options, &left.timeline, left.told.clone());
        let resume = left.timeline.lanes.first().map_or(0, |it| it.resume);
        self.begin(resume);
        for chunk in &left.chunks {
            self.timeline.feed(chunk, self.delivered);
        }
        // What was told before is told again and counts once: whoever listens has heard it.
        while self.timeline.to_replay() > 0 {
            let Some(cut) = self.timeline.cut(self.delivered) else {
                return Err(format!(
                    "of {cuts} cuts {} are not made again",
                    self.timeline.to_replay()
                ));
            };
            self.engine.step(&cut, &Serial);
        }
        self.mortal.deaths += 1;
        Ok(())
    }
}

/// What of a chunk is not judged yet.
fn unjudged(chunk: &Chunk, resume: i64) -> Chunk {
    let judged = chunk.stamps.partition_point(|it| it.offset < resume);
    let first = u32::try_from(judged).unwrap_or(u32::MAX);
    let left = chunk.lookups.iter().filter(|it| it.0 >= first);
    Chunk {
        partition: chunk.partition,
        stamps: chunk.stamps.get(judged..).unwrap_or_default().to_vec(),
        lookups: left.map(|(row, it)| (row - first, *it)).collect(),
        names: chunk.names.clone(),
    }
}
