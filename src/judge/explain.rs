//! Everything that is known of one client on one route, and what it comes to.

use super::rules::Rules;
use super::space::Space;
use super::streams::{self, Against};
use crate::evidence::volume::{HORIZONS, Level, Reading};
use crate::evidence::{Nats, STREAMS, Stream, act, cold, guess, miss, rate_of_step, walk};
use crate::profile::{Baselines, ByClass, Flag, Profile, RATES};
use crate::time::Moment;

/// A profile, opened up.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The name of its class.
    pub class: String,
    /// Working days of its own.
    pub own_days: u8,
    /// Event time of its last contact.
    pub last: Moment,
    /// What its counts are read against.
    pub level: Level,
    /// Whether it is counted by session and not by the clock: then all four windows are the session.
    pub per_session: bool,
    /// Subjects counted in the current minute, hour, day and thirty days.
    pub seen: [u32; HORIZONS],
    /// Subjects expected there by the last contact, at a roll-up with those of its children.
    pub expected: [f64; HORIZONS],
    /// What `rates` and `hits` are of: cold (on checks of passes guess, on personal routes act),
    /// miss, walk, rising.
    pub rated: [&'static str; RATES],
    /// Honest rates in use.
    pub rates: [f64; RATES],
    /// First contacts of the episode, and how many said yes to each.
    pub trials: u16,
    /// See `trials`.
    pub hits: [u16; RATES],
    /// Every stream's evidence, and whether it is live on the route.
    pub streams: [(Stream, Nats, bool); STREAMS],
    /// What stream `volume` read.
    pub reading: Reading,
    /// `ln E`.
    pub log_e: Nats,
    /// The highest `ln E` of its last day.
    pub peak: Nats,
    /// Event time at which the episode began.
    pub since: Option<Moment>,
    /// Records out in the episode, with half a 95 % interval.
    pub records: (u64, u64),
    /// Whether an alert is open.
    pub firing: bool,
}

/// Opens a profile up; `records` are those out in its episode, which a suspect counts beside it.
#[must_use]
pub fn explain(
    profile: &Profile,
    records: (u64, u64),
    rules: &Rules,
    baselines: &Baselines,
    space: Space,
) -> Option<Explained> {
    let route = rules.routes.get(usize::from(profile.route))?;
    let class = route.classes.get(usize::from(profile.class))?;
    let learned = baselines.of(profile.route, profile.class);
    let version = baselines.version();
    let against = Against { rules, route, class, learned, space, version, contacts: 0 };
    let level = against.level(profile, profile.last);
    let (streams, reading) = streams::read(profile, &against, profile.last, &level);
    let expected = expected(profile, &against, &level);
    let [by_class, misses, walks, rising, _] = profile.steps.map(rate_of_step);
    Some(Explained {
        class: class.name.clone(),
        own_days: profile.own_days,
        last: profile.last,
        level,
        per_session: class.per_session,
        seen: profile.windows.counts(),
        expected,
        rated: [
            match against.by_class() {
                ByClass::Cold => cold::NAME,
                ByClass::Guess => guess::NAME,
                ByClass::Act { .. } => act::NAME,
            },
            miss::NAME,
            walk::NAME,
            "rising",
        ],
        rates: [by_class, misses, walks, rising],
        trials: profile.tally.trials,
        hits: profile.tally.hits,
        streams: Stream::ALL.map(|it| {
            let at = it.index();
            (it, streams.get(at).copied().unwrap_or(0), route.weights.is_live(at))
        }),
        reading,
        log_e: profile.evidence(),
        peak: profile.peak(),
        since: profile.episode.is_on().then_some(profile.episode.first_seen),
        records,
        firing: profile.is(Flag::Firing),
    })
}

/// What was expected in every window by the last contact.
fn expected(profile: &Profile, against: &Against<'_>, level: &Level) -> [f64; HORIZONS] {
    if against.class.per_session {
        return [against.learned.mean.map_or(against.class.subjects, f64::from); HORIZONS];
    }
    streams::expected_by(profile, profile.last, level)
}
