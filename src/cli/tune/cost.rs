//! What harvests would cost at a budget.
//!
//! Not the scenarios of `evaluate`, which have portals of their own: these are the streams of the
//! engine, at the rates and levels that were learned, against a harvest by an average client of a
//! class that is known. So they are floors: nobody is found sooner, and who is as busy as the
//! busiest or misses as often as the most careless is found later. Campaigns, acts and decoys, which
//! find some sooner, are left out.

use crate::attribute::RouteClass;
use crate::evidence::volume::{Doubt, HORIZONS, Level, Spread, Windows, elapsed_ms};
use crate::evidence::{Cusum, Nats, Rate, STREAMS, Stream, cold, miss, walk};
use crate::judge::weights_of;
use crate::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS};

/// Look-ups after which a harvest counts as not found.
const LOOK_UPS_MAX: u32 = 50_000;

/// A harvest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub name: &'static str,
    pause_ms: i64,
    in_a_row: bool,
    /// Every so many look-ups miss; none at 0.
    misses_every: u32,
}

/// The shapes, in the order of columns.
pub(super) const SHAPES: [Shape; 4] = [
    Shape::new("ids in a row, 1 a minute", 60, true, 0),
    Shape::new("half miss, 1 a minute", 60, false, 2),
    Shape::new("valid ids, 1 a second", 1, false, 0),
    Shape::new("valid ids, 1 a minute", 60, false, 0),
];

impl Shape {
    const fn new(
        name: &'static str,
        pause_seconds: i64,
        in_a_row: bool,
        misses_every: u32,
    ) -> Self {
        Self { name, pause_ms: pause_seconds * SECOND_MS, in_a_row, misses_every }
    }
}

/// The client that a harvest is hidden behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub route: RouteClass,
    pub ordered: bool,
    pub subjects: f64,
    pub spread: Spread,
    pub misses: f64,
    pub walks: f64,
    pub per_session: bool,
}

/// Records out (attempts less misses) when a harvest of this shape comes to `page` nats; `None`
/// where it would not.
pub(super) fn records(shape: Shape, owner: &Owner, page: Nats) -> Option<u32> {
    let weights = weights_of(owner.route, owner.ordered);
    let step = |rate: f64| Rate::default().step(rate, 1.0, 0.0);
    let (missing, walking, colder) = (miss::ladder(), walk::ladder(), cold::ladder());
    let (mut misses, mut walks, mut cold) = (Cusum::default(), Cusum::default(), Cusum::default());
    let begins = Moment(20_000 * DAY_MS + 10 * HOUR_MS);
    let level = Level {
        a_day: owner.subjects,
        busy: 1.0,
        an_hour: owner.subjects / 24.0,
        spread: owner.spread,
        carries: true,
        budget: f64::INFINITY,
        doubt: Doubt::NONE,
        before: 0.0,
    };
    let (mut windows, mut out) = (Windows::default(), 0);
    for number in 1..=LOOK_UPS_MAX {
        let at = begins.plus(i64::from(number) * shape.pause_ms);
        windows.roll(at, &level, ([0.0; HORIZONS], None));
        windows.count();
        let missed = shape.misses_every > 0 && number % shape.misses_every == 0;
        out += u32::from(!missed);
        misses.update(&missing, step(owner.misses), missed);
        walks.update(&walking, step(owner.walks), shape.in_a_row && number > 1);
        cold.update(&colder, step(cold::RATE), true);
        let mut streams = [0; STREAMS];
        let mut set = |stream: Stream, log_e: Nats| {
            if let Some(own) = streams.get_mut(stream.index()) {
                *own = log_e;
            }
        };
        set(Stream::Miss, miss::log_e(&misses, &missing, || owner.misses * owner.subjects));
        set(Stream::Walk, walks.log_e(&walking));
        set(Stream::Cold, cold.log_e(&colder));
        set(Stream::Volume, volume(&windows, owner, at, &level));
        if weights.merge(&streams) >= page {
            return Some(out);
        }
    }
    None
}

fn volume(windows: &Windows, owner: &Owner, at: Moment, level: &Level) -> Nats {
    if owner.per_session {
        let [_, _, subjects, _] = windows.counts();
        return crate::evidence::volume::session(subjects, owner.subjects, owner.spread.k).log_e;
    }
    let expected = elapsed_ms(at).map(|it| it as f64 / DAY_MS as f64 * level.a_day);
    windows.read_against(expected, level).log_e
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::nats;

    fn staff(misses: f64) -> Owner {
        Owner {
            route: RouteClass::Personal,
            ordered: true,
            subjects: 20.0,
            spread: Spread { k: 4.0, minute: 1.4, longer: 4.5 },
            misses,
            walks: 0.03,
            per_session: false,
        }
    }

    #[test]
    fn a_larger_budget_finds_every_shape_sooner() {
        for shape in SHAPES {
            let [often, seldom] = [12.0, 18.06].map(|it| records(shape, &staff(0.05), nats(it)));
            assert!(often < seldom, "{} {often:?} {seldom:?}", shape.name);
        }
    }

    #[test]
    fn a_walk_costs_what_the_design_says_is_its_floor() {
        assert_eq!(records(SHAPES[0], &staff(0.05), nats(18.06)), Some(8));
    }

    #[test]
    fn who_misses_often_hides_a_guesser() {
        let page = nats(18.06);
        assert!(records(SHAPES[1], &staff(0.2), page) > records(SHAPES[1], &staff(0.05), page));
    }
}
