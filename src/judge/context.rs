//! A contact in its surroundings: what it is judged against, and what time does to a profile.

use super::Member;
use super::rules::{RouteRules, Rules};
use super::space::Space;
use super::speaker::Speaker;
use super::streams::{self, Against};
use crate::attribute::{KeyKind, Lookup, RouteClass, names};
use crate::evidence::together::{self, Says};
use crate::evidence::volume::{HORIZON_MS, HORIZONS, Level, Rolled, elapsed_ms};
use crate::evidence::{ONE_NAT, Stream, cold, merge, miss, regime};
use crate::profile::{
    Baselines, ClassSpec, DOUBT, Episode, Flag, Learned, Lesson, Profile, SESSION_IDLE_MS,
    SESSION_LIFE_MS, Tally, Teaches,
};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};

/// An episode ends after this many minutes below one nat.
const EPISODE_IDLE_MINUTES: u32 = 24 * 60;

/// What the engine knows during a cut, the same for every shard.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// What classes have taught.
    pub baselines: &'a Baselines,
    /// How dense each route's ids are, by route.
    pub spaces: &'a [Space],
    /// First contacts of each route in the current thirty days, by route.
    pub contacts: &'a [u32],
    /// The names of the cut's lookups.
    pub names: &'a [u8],
    /// The slice's number.
    pub slice: i64,
    /// The slice's end.
    pub at: Moment,
}

/// What a finest key hands to the roll-up above it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relay {
    /// Subjects a day that it is expected to look up; for a session, all of them at its start.
    pub expects: f32,
    /// Milliseconds since its contact before; `u32::MAX` at its first.
    pub gap_ms: u32,
    /// Its contact before was stamped later than this one.
    pub late: bool,
    /// `ln E`.
    pub evidence: u16,
    /// It is spoken for: an alert of its own is open, or it is only observed for now. Its
    /// contacts do not feed the roll-up, which would page what the child itself must not.
    pub spoken_for: bool,
    /// It has no clock: `expects` counts once.
    pub at_once: bool,
    /// Its class.
    pub class: u8,
    /// How many times busier than its day on average its busiest hour was, at most 24.
    pub rush: u8,
    /// The step of its own honest rate of misses, once it is known; else 0.
    pub misses: u8,
    /// With it a stranger, or a client that is known, speaks for the site.
    pub speaker: Speaker,
    /// What it said to its network before this contact, and says now; see
    /// [`together`](crate::evidence::together).
    pub said: (Says, Says),
}

pub(super) fn against<'a>(seen: &Seen<'a>, lookup: &Lookup, kind: KeyKind) -> Option<Against<'a>> {
    let route: &RouteRules = seen.rules.routes.get(usize::from(lookup.route.0))?;
    let class = lookup.classes.get(kind.index()).copied().unwrap_or_default();
    Some(Against {
        rules: seen.rules,
        route,
        class: route.classes.get(usize::from(class.0))?,
        learned: seen.baselines.of(lookup.route.0, class.0),
        space: seen.spaces.get(usize::from(lookup.route.0)).copied().unwrap_or_default(),
        version: seen.baselines.version(),
        contacts: contacts(seen, lookup.route.0),
    })
}

/// First contacts of a route in the current thirty days.
pub(super) fn contacts(seen: &Seen<'_>, route: u16) -> u32 {
    seen.contacts.get(usize::from(route)).copied().unwrap_or(0)
}

/// What time did to a profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// The client (or its session) begins with this contact.
    pub begins: bool,
    /// Its level may have changed.
    pub learned: bool,
}

/// Brings a profile at this level up to a contact's time: sessions end, windows roll, days close.
pub(super) fn begin(
    profile: &mut Profile,
    (against, level): (&Against<'_>, &Level),
    at: Moment,
    fresh: bool,
    lessons: &mut Vec<Lesson>,
) -> Begun {
    if !against.class.per_session && !fresh {
        forgive(profile, against, level, at);
    }
    let mut begun = Begun { begins: fresh, learned: false };
    if against.class.per_session && !fresh {
        let born = Moment(i64::from(profile.born_minute) * MINUTE_MS);
        let over = at.since(profile.last) >= SESSION_IDLE_MS || at.since(born) >= SESSION_LIFE_MS;
        if over && !profile.is(Flag::Firing) {
            let [_, _, subjects, _] = profile.windows.counts();
            let taught = teaches(profile, against, false);
            lessons.extend(profile.close_day((subjects, 1.0), 1, taught, against.setting()));
            profile.settle();
            profile.born_minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
            begun = Begun { begins: true, learned: true };
        }
    } else if !against.class.per_session {
        let rolled = close_windows(profile, at, (level, against.route.class));
        if let Some(subjects) = rolled.hour.filter(|_| is_observed(profile, against.class, at)) {
            profile.learn_hour(subjects);
        }
        if let Some((subjects, ended)) = rolled.day {
            let observed = is_observed(profile, against.class, at);
            let setting = against.setting();
            let taught = teaches(profile, against, observed);
            close_habits(profile, (rolled.horizons, ended), taught);
            lessons.extend(profile.close_day((subjects, level.busy), ended, taught, setting));
            profile.learned = against.version.wrapping_sub(1);
        }
        begun.learned = rolled.hour.is_some();
    }
    against.refresh(profile);
    begun
}

/// Closes a day of the hours in which a client works and of where its people are, which began so many
/// days ago, and with it the windows of so many horizons.
fn close_habits(profile: &mut Profile, (horizons, ended): (usize, i64), taught: Teaches) {
    // What habits themselves add does not speak against them; a level is taught by less.
    let told = merge::of_joint(Stream::Hours, profile.past().hours.log_e())
        + merge::of_joint(Stream::Spread, profile.spread().log_e());
    let doubtful = profile.peak() >= DOUBT + told.max(merge::of_joint(Stream::Hours, regime::MOST));
    let teaches = taught == Teaches::All && !doubtful;
    let found = profile.found_today();
    profile.change_spread(|it| it.close_day(teaches, ended, found));
    profile.change_past(|it| {
        it.hours.close_day(teaches, ended);
        if horizons == HORIZONS {
            it.hours.close_month();
        }
    });
}

/// How many times what its class starts with a regular of a register may read on a day on which it
/// is a ticket, and be expected to read again.
const REGULAR: f64 = 2.0;

/// What the day of a profile teaches that ends now. On a register somebody who reads forty records a
/// day from the first one on is a ticket on each of them while nobody knows him, and would never be
/// known: so what such a day teaches is bounded and not nothing.
fn teaches(profile: &Profile, against: &Against<'_>, observed: bool) -> Teaches {
    let levels = &against.rules.levels;
    let is_regular = !profile.is_known()
        && against.route.class == RouteClass::Register
        && profile.peak() < levels.page
        && !profile.is(Flag::Paged);
    if observed || profile.was_quiet(levels.ticket) {
        Teaches::All
    } else if is_regular {
        Teaches::AtMost(REGULAR * against.class.subjects)
    } else {
        Teaches::Nothing
    }
}

/// Takes away what honest work gathers between two contacts of a client that comes back: nothing
/// of misses at a client that is known by its own rate, at one that is only observed (its misses
/// alone may page) and at a roll-up (its children's are their own).
fn forgive(profile: &mut Profile, against: &Against<'_>, level: &Level, at: Moment) {
    let known = profile.is_known();
    // That a day is busy shows half a day late: what that adds accrues twice as fast.
    let level = level.a_day * (2.0 - 1.0 / level.busy.max(1.0));
    // What is forgiven a newcomer is its own usual day too: a regular reads what it read yesterday.
    let own = if known { level } else { profile.usual.a_day() };
    let a_day = if known { level } else { level.max(against.class.subjects).max(own) };
    if against.route.class == RouteClass::Register {
        let times = if known { cold::busy_day(profile.days_variance()) } else { cold::BUSY_DAY };
        let busy_day = a_day.max(own) * times;
        profile.by_class.forgive(cold::allowance(busy_day, profile.last, at));
    }
    if !known && !profile.is(Flag::RollUp) && against.class.observe_days == 0 {
        profile.miss.forgive(miss::allowance(a_day, profile.last, at));
    }
}

/// Closes the windows that ended before `at`, with all that is counted in them.
pub(super) fn close_windows(
    profile: &mut Profile,
    at: Moment,
    (level, class): (&Level, RouteClass),
) -> Rolled {
    let telling = streams::telling(profile, class);
    let counted = (profile.expected(), telling);
    let [.., all] = profile.windows.counts();
    let month = telling.map_or(all, |[.., cold]| u32::from(cold));
    if at.index(DAY_MS) > profile.last.index(DAY_MS) {
        let before = profile.last;
        profile.change_past(|it| it.close(before, at, month));
    }
    let rolled = profile.windows.roll(at, level, counted);
    if class == RouteClass::Register && !profile.gathers() {
        profile.by_route.close_cold(rolled.horizons);
    }
    let mut expected = profile.expected();
    expected.iter_mut().take(rolled.horizons).for_each(|it| *it = 0.0);
    profile.set_expected(expected);
    rolled
}

/// Whether the class observes a client that is still this young.
pub(super) fn is_observed(profile: &Profile, class: &ClassSpec, at: Moment) -> bool {
    class.observe_days > 0
        && (profile.age_days(at) < class.observe_days || profile.own_days < OWN_DAYS_MIN)
}

/// Working days of its own that an observed client needs besides its age.
const OWN_DAYS_MIN: u8 = 2;

/// What a finest key is expected to look up, as its roll-up counts it.
pub(super) fn expectation(level: &Level, against: &Against<'_>, begins: bool) -> f32 {
    let learned: &Learned = against.learned;
    #[expect(clippy::cast_possible_truncation, reason = "an expectation needs no more digits")]
    if against.class.per_session {
        let mean = learned.mean.unwrap_or(against.class.subjects as f32);
        if begins { mean } else { 0.0 }
    } else {
        level.a_day as f32
    }
}

/// How many times busier than a day at this level on average a client's busiest hour was.
pub(super) fn rush(profile: &Profile, level: &Level) -> u8 {
    let times = profile.rush() * 24.0 / level.a_day.max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 24")]
    let times = (times + 0.5).clamp(0.0, 24.0) as u8;
    times
}

/// What a finest key says to its network: on a register, how far it is beyond what it is forgiven.
/// Nothing where it has an alert of its own, or may have none.
pub(super) fn says(profile: &Profile, seen: &Seen<'_>, against: &Against<'_>, at: Moment) -> Says {
    let speaks = against.route.class == RouteClass::Register
        && !profile.is(Flag::Firing)
        && !is_spoken_for(profile, against, at);
    if speaks {
        Says::of(cold::among_others(profile.by_class.log_e(&seen.rules.cold)))
    } else {
        Says::default()
    }
}

/// Whether a finest key's contacts do not feed what is above it: an alert of its own is open, or it
/// may have none.
pub(super) fn is_spoken_for(profile: &Profile, against: &Against<'_>, at: Moment) -> bool {
    profile.is(Flag::Firing)
        || is_observed(profile, against.class, at)
        || against.route.observes(profile.class)
}

/// Takes what a child of a network says since its contact before, at the time of this one.
pub(super) fn gather(profile: &mut Profile, at: Moment, relay: &Relay, seen: &Seen<'_>) {
    let mut sums = profile.by_route.together();
    together::fade(&mut sums, at.index(MINUTE_MS) - profile.last.index(MINUTE_MS));
    let minutes = i64::from(relay.gap_ms) / MINUTE_MS;
    seen.rules.together.take(&mut sums, (relay.said.0, minutes), relay.said.1);
    profile.by_route.set_together(sums);
}

/// Adds what a child was expected to do since its contact before, in every current window.
pub(super) fn expect(profile: &mut Profile, at: Moment, relay: Relay, classes: &[ClassSpec]) {
    let spreads = |class: u8| classes.get(usize::from(class)).map_or(0.0, |it| it.longer);
    let (last, furthest) = profile.children();
    if spreads(relay.class) > spreads(furthest) {
        profile.set_children((last, relay.class));
    }
    let is_network = profile.gathers();
    let windows = HORIZON_MS.into_iter().zip(elapsed_ms(at));
    let mut expected = profile.expected();
    for (sum, (horizon, elapsed)) in expected.iter_mut().zip(windows) {
        if relay.at_once {
            *sum += relay.expects;
            continue;
        }
        // Nobody is there who looks nobody up: how many clients a network has says nothing.
        if is_network && relay.gap_ms == u32::MAX {
            *sum += 1.0;
        }
        let elapsed = elapsed.min(i64::from(relay.gap_ms));
        #[expect(clippy::cast_possible_truncation, reason = "a share of a day")]
        let share = (elapsed as f64 / DAY_MS as f64) as f32;
        let rush = if horizon <= HOUR_MS { f32::from(relay.rush.max(1)) } else { 1.0 };
        *sum += relay.expects * share * rush;
    }
    profile.set_expected(expected);
}

/// Begins an episode where none is on, and keeps the one that is.
pub(super) fn begin_episode(profile: &mut Profile, at: Moment, seen: &Seen<'_>) {
    profile.above_minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
    if !profile.episode.is_on() {
        profile.out.reset();
        profile.episode = Episode { first_seen: at, slice: seen.slice };
    }
}

/// Begins and ends episodes.
pub(super) fn episode(profile: &mut Profile, at: Moment, seen: &Seen<'_>) {
    let minute = u32::try_from(at.index(MINUTE_MS)).unwrap_or(0);
    if profile.evidence() > ONE_NAT {
        begin_episode(profile, at, seen);
        return;
    }
    // Nothing counts yet, or any more: what comes next is counted from where evidence rises.
    profile.tally = Tally::default();
    if profile.episode.is_on()
        && !profile.is(Flag::Firing)
        && minute.saturating_sub(profile.above_minute) >= EPISODE_IDLE_MINUTES
    {
        profile.end_episode();
    }
}

pub(super) fn member(lookup: &Lookup, kind: KeyKind, arena: &[u8]) -> Member {
    let name = names::read(arena, lookup.names, kind).unwrap_or_default().to_vec();
    Member { key: lookup.keys.get(kind.index()).copied().unwrap_or(0), kind, name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::hours::Hours;
    use crate::evidence::spread::Spread;

    /// A client whose habits say so much by themselves, and `more` nats beside them.
    fn says((hours, spread): (u8, u8), more: i32) -> Profile {
        let mut profile = Profile::new(1, (0, 0, 0), Moment(0));
        profile.change_past(|it| it.hours = Hours::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, hours]));
        profile.change_spread(|it| *it = Spread::from_bytes([3, 40, 0, spread]));
        let joint = merge::of_joint(Stream::Hours, profile.past().hours.log_e())
            + merge::of_joint(Stream::Spread, profile.spread().log_e());
        profile.set_evidence(u16::try_from(joint + more * ONE_NAT).unwrap());
        profile
    }

    #[test]
    fn habits_are_taught_by_a_day_on_which_only_they_spoke_and_by_none_beyond() {
        let stands = |habits: (u8, u8), more: i32| {
            let mut profile = says(habits, more);
            close_habits(&mut profile, (3, 1), Teaches::All);
            profile.past().hours.log_e() > 0 || profile.spread().log_e() > 0
        };
        for habits in [(255, 0), (0, 255), (255, 255)] {
            assert!(!stands(habits, 2), "{habits:?}");
            assert!(stands(habits, 4), "{habits:?}");
        }
    }
}
