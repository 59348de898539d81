//! One first contact through the streams of a profile.

use super::acts;
use super::rules::{RouteRules, Rules};
use super::space::Space;
use crate::attribute::{Lookup, Outcome, RouteClass};
use crate::evidence::volume::{self, HORIZONS, Level, Reading};
use crate::evidence::walk::{HOUSEHOLD_FREE, Step};
use crate::evidence::{Nats, ONE_NAT, STREAMS, Stream, cold, miss, together, walk};
use crate::novelty::Contact;
use crate::profile::{ByClass, ClassSpec, Flag, Learned, Priors, Profile, RATES, Setting};
use crate::time::{DAY_MS, HOUR_MS, Moment};

/// What a contact is judged against, besides the profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Against<'a> {
    pub rules: &'a Rules,
    pub route: &'a RouteRules,
    pub class: &'a ClassSpec,
    pub learned: &'a Learned,
    pub space: Space,
    pub version: u8,
    /// First contacts of the route in the current thirty days.
    pub contacts: u32,
}

impl Against<'_> {
    fn priors(&self) -> Priors {
        let table = if self.route.national { walk::RATE_NATIONAL } else { walk::RATE };
        let family = if self.class.per_session { HOUSEHOLD_RATE_SESSION } else { HOUSEHOLD_RATE };
        let table = if self.route.households { family } else { table };
        let walk = table.max(self.space.chance);
        Priors { miss: self.class.misses, walk, walk_floor: walk, by_class: self.by_class() }
    }

    /// What a day of its clients is closed in.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting { class: self.class, learned: self.learned, by_class: self.by_class() }
    }

    /// The stream that the route's class chooses.
    pub(super) fn by_class(&self) -> ByClass {
        match self.route.class {
            RouteClass::PassCheck => ByClass::Guess,
            RouteClass::Personal => ByClass::Act { per_session: self.class.per_session },
            _ => ByClass::Cold,
        }
    }

    /// Whether it matters in which hours a client works, and where its people are.
    fn knows_habits(&self) -> bool {
        self.route.class == RouteClass::Personal && !self.class.per_session
    }

    /// Whether the route checks passes, where repeats are evidence.
    pub(super) fn checks_passes(&self) -> bool {
        self.route.class == RouteClass::PassCheck
    }

    /// What a profile's counts are read against. At a roll-up they may spread as far as those of
    /// its most uneven children: a partner's nightly batch is no surprise at the partner's address.
    pub(super) fn level(&self, profile: &Profile, at: Moment) -> Level {
        let level = profile.level(self.class, self.learned, at);
        let child = self.route.classes.get(usize::from(profile.children().1));
        let spread = child.map_or(level.spread, |it| level.spread.loosest(it.spread(true)));
        Level { spread, ..level }
    }

    /// Sets the profile's honest rates where something was learned since.
    pub(super) fn refresh(&self, profile: &mut Profile) {
        if profile.learned != self.version || profile.steps == [0; 5] {
            profile.refresh(self.learned, self.priors(), self.version);
        }
    }
}

/// What the honest rates of a profile that has learned nothing of its own follow from.
#[derive(Clone, Debug)]
pub(super) struct Start {
    place: (u16, u8),
    learned: Learned,
    priors: Priors,
    steps: [u8; 5],
}

impl Against<'_> {
    /// Sets the honest rates of a new profile: mostly those of the one before it, whose logarithms
    /// need not be taken again.
    pub(super) fn begin(&self, profile: &mut Profile, starts: &mut Vec<Start>) {
        let (place, learned, priors) =
            ((profile.route, profile.class), *self.learned, self.priors());
        let mut known = starts.iter_mut().find(|it| it.place == place);
        if let Some(known) = &mut known
            && (known.learned, known.priors) == (learned, priors)
        {
            (profile.steps, profile.learned) = (known.steps, self.version);
            return;
        }
        self.refresh(profile);
        let start = Start { place, learned, priors, steps: profile.steps };
        match known {
            Some(known) => *known = start,
            None => starts.push(start),
        }
    }
}

/// Honest continuations beyond a family's size, where families hold adjacent ids.
const HOUSEHOLD_RATE: f64 = 0.1;
/// The same in a citizen's session, which is about one family.
const HOUSEHOLD_RATE_SESSION: f64 = 0.15;

/// The day's place among the horizons.
const DAY: usize = 2;

/// Which streams a contact may speak to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voice {
    /// The profile is that of the finest key.
    pub finest: bool,
    /// A session, on a portal that checks passes: whether one was right.
    pub passed: Option<bool>,
    /// The step of how seldom it acts after look-ups on another route, where it is new to this one.
    pub habit: Option<u8>,
    /// It follows within minutes on the one before.
    pub follows: bool,
    /// The child that made it, 0 at a finest key.
    pub child: u8,
    /// At a roll-up: the child begins, or comes back after ten minutes and is known.
    pub fresh_child: bool,
    /// It shares its event time with the contact before.
    pub simultaneous: bool,
    /// The step of the honest rate of misses that is known of whoever made it, at least.
    pub misses: u8,
}

/// Takes a first contact into every stream.
pub(super) fn take(
    profile: &mut Profile,
    against: &Against<'_>,
    (lookup, contact): (&Lookup, Contact),
    voice: Voice,
) {
    let rules = against.rules;
    let [by_class, miss, walk, rising, falling] = profile.steps;
    let mut said = [None; RATES];
    if voice.finest {
        said[0] = match against.by_class() {
            ByClass::Guess => None,
            ByClass::Cold => {
                profile.by_class.update(&rules.cold, by_class, contact.cold);
                Some(contact.cold)
            }
            ByClass::Act { .. } => {
                let no_pass = voice.passed.map(|it| !it);
                let nothing = no_pass.or_else(|| acts::look_up(profile, against, lookup));
                if let Some(nothing) = nothing {
                    let step = voice.habit.unwrap_or(by_class);
                    profile.by_class.update(&rules.act, step, nothing);
                }
                nothing
            }
        };
    }
    if profile.gathers() && against.by_class() == ByClass::Cold {
        said[0] = Some(contact.cold);
    }
    // A child's own run of misses is its own evidence, and honest children differ in how often they
    // mistype: what a roll-up may count are different children, once each, and again only at a rate
    // that is known to be theirs.
    let other_child = voice.child == 0 || voice.child != profile.children().0;
    if voice.child == 0 || voice.fresh_child {
        let missed = has_failed(lookup);
        profile.miss.update(&rules.miss, miss.max(voice.misses), missed);
        said[1] = Some(missed);
    }
    if against.route.by_cursor && voice.finest {
        profile.walk.update(&rules.walk, walk, voice.follows);
        said[2] = Some(voice.follows);
    }
    if against.route.ordered {
        said[2] = walked(profile, against, lookup, (walk, voice.child));
        if other_child {
            let steps = (rising, falling);
            said[3] = profile.monotone.update(
                &rules.monotone,
                steps,
                lookup.position,
                voice.simultaneous,
            );
        }
    }
    if voice.finest && against.knows_habits() {
        habits(profile, against, lookup);
    }
    profile.set_children((voice.child, profile.children().1));
    profile.windows.count();
    let counts_cold = voice.finest && !profile.gathers();
    if contact.cold && against.route.class == RouteClass::Register && counts_cold {
        profile.by_route.count_cold();
    }
    count(profile, said);
}

/// Takes when a contact is, and where its person is.
fn habits(profile: &mut Profile, against: &Against<'_>, lookup: &Lookup) {
    let tells = profile.days_tell();
    profile.change_past(|it| it.hours.take(lookup.event, tells));
    let counts = against.class.observe_days == 0 && lookup.outcome == Outcome::Disclosed;
    let region = against.space.region_of(lookup, against.route.names_regions);
    if let Some(region) = region.filter(|_| counts) {
        let found = profile.found_today();
        profile.change_spread(|it| it.take(region, found, tells));
    }
}

/// Takes a check of a pass: whether it was right, and where the client has tried that subject before
/// (it is not novel) what that says. Whether it said something.
pub(super) fn check(
    profile: &mut Profile,
    against: &Against<'_>,
    lookup: &Lookup,
    novel: bool,
) -> bool {
    if !against.checks_passes() {
        return false;
    }
    if lookup.outcome == Outcome::Disclosed {
        profile.set(Flag::Passed, true);
    }
    if novel {
        return false;
    }
    let ([guess, ..], failed) = (profile.steps, has_failed(lookup));
    profile.by_class.update(&against.rules.guess, guess, failed);
    count(profile, [Some(failed), None, None, None]);
    true
}

/// Whether the portal answered that there is nobody, or that this client may not know.
const fn has_failed(lookup: &Lookup) -> bool {
    matches!(lookup.outcome, Outcome::Missed | Outcome::Denied)
}

/// Counts what the streams of a contact said, for the day and for the episode.
fn count(profile: &mut Profile, said: [Option<bool>; RATES]) {
    for (day, yes) in profile.today.iter_mut().zip(said) {
        if let Some(yes) = yes {
            day.count(yes);
        }
    }
    if profile.tally.trials < u16::MAX {
        profile.tally.trials += 1;
        for (hits, yes) in profile.tally.hits.iter_mut().zip(said) {
            *hits += u16::from(yes == Some(true));
        }
    }
}

/// What an observed client's stream may gather before it is taught: half of a page.
const TAUGHT_AT: Nats = 9 * ONE_NAT;

/// Teaches the streams of an observed client that would have spoken.
pub(super) fn teach(profile: &mut Profile, against: &Against<'_>) {
    let rules = against.rules;
    let walk = if against.route.households { &rules.household } else { &rules.walk };
    let (up, down) = profile.monotone.log_e_each(&rules.monotone);
    let spoke = [profile.walk.log_e(walk), up, down].map(|it| it > TAUGHT_AT);
    if spoke == [false; 3] {
        return;
    }
    profile.teach(spoke);
    let [walk, up, down] = spoke;
    if walk {
        profile.walk.reset();
    }
    if up || down {
        profile.monotone.reset();
    }
}

fn walked(
    profile: &mut Profile,
    against: &Against<'_>,
    lookup: &Lookup,
    (step, child): (u8, u8),
) -> Option<bool> {
    let continued = match profile.runs.step(lookup.position, against.space.gap, child)? {
        Step::Own => return None,
        Step::Continues(length) if against.route.households && length <= HOUSEHOLD_FREE => {
            return None;
        }
        Step::Continues(_) => true,
        Step::Opens => false,
    };
    let rules = against.rules;
    let ladder = if against.route.households { &rules.household } else { &rules.walk };
    profile.walk.update(ladder, step, continued);
    Some(continued)
}

/// Evidence of every stream by now, and what stream `volume` read.
pub(super) fn read(
    profile: &Profile,
    against: &Against<'_>,
    lookup_at: Moment,
    level: &Level,
) -> ([Nats; STREAMS], Reading) {
    let rules = against.rules;
    let walk = if against.route.households { &rules.household } else { &rules.walk };
    let reading = volume_of(profile, against, lookup_at, level);
    // The mean of two e-values where both are counted: ln 2 is 710/1024.
    let volume = if against.route.class == RouteClass::Register && !profile.gathers() {
        let cold_volume = volume::read_cold(profile.by_route.cold(), lookup_at);
        crate::evidence::math::add_logs(reading.log_e, cold_volume) - 710
    } else {
        reading.log_e
    }
    .max(0);
    let by_class = against.by_class();
    let streams = Stream::ALL.map(|it| match (it, by_class) {
        (Stream::Cold, ByClass::Cold) if profile.gathers() => {
            together::log_e(profile.by_route.together())
        }
        (Stream::Cold, ByClass::Cold) => {
            cold::with_volume(profile.by_class.log_e(&rules.cold), volume)
        }
        (Stream::Guess, ByClass::Guess) => profile.by_class.log_e(&rules.guess),
        (Stream::Act, ByClass::Act { .. }) => profile.by_class.log_e(&rules.act),
        (Stream::Cold | Stream::Guess | Stream::Act, _) => 0,
        (Stream::Miss, _) => {
            miss::log_e(&profile.miss, &rules.miss, || misses_a_day(profile, (rules, level)))
        }
        (Stream::Walk, _) => profile.walk.log_e(walk),
        (Stream::Monotone, _) => profile.monotone.log_e(&rules.monotone),
        (Stream::Volume, _) => volume,
        (Stream::Hours, _) => profile.past().hours.log_e(),
        (Stream::Spread, _) => profile.spread().log_e(),
    });
    (streams, reading)
}

/// Misses on an honest day, at a roll-up with those of its children so far.
fn misses_a_day(profile: &Profile, (rules, level): (&Rules, &Level)) -> f64 {
    let ([_, miss, ..], children) = (profile.steps, profile.expected().get(DAY).copied());
    rules.miss.rate(miss) * (level.a_day + f64::from(children.unwrap_or(0.0)))
}

fn volume_of(profile: &Profile, against: &Against<'_>, at: Moment, level: &Level) -> Reading {
    if against.class.per_session {
        let mean = against.learned.mean.map_or(against.class.subjects, f64::from);
        let [_, _, subjects, _] = profile.windows.counts();
        return volume::session(subjects, mean, against.class.k);
    }
    let expected = expected_by(profile, at, level);
    match telling(profile, against.route.class) {
        Some(cold) => profile.windows.with(cold).read_against(expected, level),
        None => profile.windows.read_against(expected, level),
    }
}

/// The counts that tell, where that is not every subject: on a register, at a finest key, those of
/// cold ones. Who follows what everybody reads takes nothing that a harvest would be after, and
/// reads five hundred records in its first hours.
pub(super) fn telling(profile: &Profile, class: RouteClass) -> Option<[u16; HORIZONS]> {
    let is_finest = class == RouteClass::Register && !profile.is(Flag::RollUp);
    is_finest.then_some(profile.by_route.cold())
}

/// Subjects expected by now in every current window: the level's share of it, and at a roll-up
/// what its children were expected to look up.
pub(super) fn expected_by(profile: &Profile, at: Moment, level: &Level) -> [f64; HORIZONS] {
    let elapsed = volume::elapsed_ms(at);
    let mut expected = elapsed.map(|it| it as f64 / DAY_MS as f64 * level.a_day);
    // A client that was observed for a fortnight is known by its busiest hour: what it does in one
    // night's hour is no surprise in the next night's, whatever the average hour holds.
    // Its whole day may be done by then, but no more than its day.
    let rush = profile.rush();
    for ((sum, horizon), elapsed) in expected.iter_mut().zip(volume::HORIZON_MS).zip(elapsed) {
        let hurried = rush * elapsed as f64 / HOUR_MS as f64;
        let most = if horizon <= HOUR_MS { hurried } else { hurried.min(level.a_day) };
        *sum = sum.max(most);
    }
    for (sum, children) in expected.iter_mut().zip(profile.expected()) {
        *sum += f64::from(children);
    }
    expected
}

/// Evidence of the current day alone, as the mean over all horizons holds it.
pub(super) fn day_volume(
    (profile, class): (&Profile, RouteClass),
    at: Moment,
    level: &Level,
) -> Nats {
    let m = expected_by(profile, at, level).get(DAY).copied().unwrap_or(0.0);
    let counted = telling(profile, class).map_or(profile.windows, |it| profile.windows.with(it));
    (counted.log_e_of(DAY, m, level) + volume::ln_part(DAY)).max(0)
}
