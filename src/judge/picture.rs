//! Expected against seen, in the words of the stream that spoke loudest.

use super::suspect::Suspect;
use super::{Cause, Listed, Picture};
use crate::evidence::volume::Reading;
use crate::evidence::{Stream, rate_of_step};
use crate::profile::{ClassSpec, Profile};
use crate::time::SECOND_MS;

/// The picture of a profile.
pub(super) fn of(
    profile: &Profile,
    (cause, suspect): (Cause, &Suspect),
    reading: &Reading,
    class: &ClassSpec,
) -> Picture {
    let trials = profile.tally.trials;
    let of_trials = |at: usize, what: &str| {
        let hits = profile.tally.hits.get(at).copied().unwrap_or(0);
        let rate = profile.steps.get(at).map_or(0.0, |it| rate_of_step(*it));
        counted(rate * f64::from(trials), f64::from(hits), format!("{what} in {trials} look-ups"))
    };
    let loudest = match cause {
        Cause::Evidence(loudest) => loudest,
        Cause::Listed(Listed::Decoy) => return never(suspect.touches, "look-ups of a decoy"),
        Cause::Listed(Listed::Watched) => {
            return never(suspect.touches, "look-ups of a watched person");
        }
        Cause::Written => return never(suspect.writes, "writes under an open alert"),
    };
    match loudest {
        Stream::Cold => of_trials(0, "records nobody else reads"),
        Stream::Miss => of_trials(1, "misses"),
        Stream::Walk => of_trials(2, "ids next to the one before"),
        Stream::Monotone => monotone(profile),
        Stream::Volume => volume(reading, class),
        Stream::Guess => of_trials(0, "passes that failed again"),
        Stream::Act if class.per_session => of_trials(0, "people looked up without a pass"),
        Stream::Act => of_trials(0, "people for whom nothing was done"),
        // They never speak alone.
        Stream::Hours | Stream::Spread => volume(reading, class),
    }
}

/// What honest clients never do.
fn never(seen: u64, quantity: &str) -> Picture {
    counted(0.0, seen as f64, quantity.to_owned())
}

fn counted(expected: f64, seen: f64, quantity: String) -> Picture {
    Picture { expected, seen, span_seconds: 0, quantity }
}

fn monotone(profile: &Profile) -> Picture {
    let trials = f64::from(profile.tally.trials);
    let rising = f64::from(profile.tally.hits.last().copied().unwrap_or(0));
    let (seen, way) =
        if rising * 2.0 >= trials { (rising, "rising") } else { (trials - rising, "falling") };
    counted(trials / 2.0, seen, format!("{way} ids in {} look-ups", profile.tally.trials))
}

fn volume(reading: &Reading, class: &ClassSpec) -> Picture {
    if class.per_session {
        let quantity = "subjects a session".to_owned();
        return counted(reading.expected, f64::from(reading.seen), quantity);
    }
    Picture {
        expected: reading.expected,
        seen: f64::from(reading.seen),
        span_seconds: u64::try_from(reading.span_ms() / SECOND_MS).unwrap_or(0),
        quantity: format!("subjects {}", reading.words()),
    }
}
