//! One profile.

use super::Small;
use super::by_place::{ByKin, ByPlace, Past};
use super::by_route::ByRoute;
use super::by_trust::{ByTrust, School};
use super::dispersion::Dispersion;
use super::usual::Usual;
use crate::attribute::KeyKind;
use crate::evidence::monotone::Monotone;
use crate::evidence::spread::Spread;
use crate::evidence::volume::{HORIZONS, Windows};
use crate::evidence::walk::Runs;
use crate::evidence::{Cusum, Daily, Nats, Rate, act, cold, guess, miss, walk};
use crate::time::Moment;
use borsh::{BorshDeserialize, BorshSerialize};

/// The byte budget of a profile: five cache lines.
pub const PROFILE_BYTES_MAX: usize = 320;
const _: () = assert!(size_of::<Profile>() <= PROFILE_BYTES_MAX);

// One stream or the other has the sums that a route's class chooses.
const _: () = assert!(cold::ALTERNATIVES == guess::ALTERNATIVES);
const _: () = assert!(cold::ALTERNATIVES == act::ALTERNATIVES);

/// Streams with a learned rate: cold, guess or act, miss, walk, and the share of rising ids.
const LEARNED: usize = super::RATES;

/// Steps in which a day's highest evidence is kept.
const PEAK_STEP: u16 = 256;

/// What a profile is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// An alert of this profile is open, as a ticket or as a page.
    Firing = 1,
    /// It was raised to a page.
    Paged = 2,
    /// Some of its contacts came through finer keys.
    RollUp = 4,
    /// Its evidence is kept beside it: names, examples, a large sketch.
    Suspect = 8,
    /// On a route that checks passes: one was right.
    Passed = 16,
    /// It was observed before it was judged, and taught what is usual for it.
    Taught = 32,
}

/// The [`Flag`]s that are set, in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Flags(u8);

/// Since when the evidence stands above one nat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Episode {
    /// Event time of the contact that lifted it; `Moment(i64::MIN)` where there is none.
    pub first_seen: Moment,
    /// The slice of that contact.
    pub slice: i64,
}

impl Episode {
    /// No episode.
    pub const NONE: Self = Self { first_seen: Moment(i64::MIN), slice: 0 };

    /// Whether one is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.first_seen.0 != i64::MIN
    }
}

/// First contacts since the evidence last rose from nothing, and how many of them each stream said
/// yes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tally {
    /// First contacts.
    pub trials: u16,
    /// Yes by stream: cold, guess or act, miss, walk, and rising ids.
    pub hits: [u16; LEARNED],
}

/// The state of one (client key, route). It begins where a cache line does, so that reading one
/// takes four lines and not six.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
#[repr(align(64))]
pub struct Profile {
    /// Hash of route and client key.
    pub id: u64,
    /// Event time of the last contact.
    pub last: Moment,
    /// The episode.
    pub episode: Episode,
    /// The minute (since 1970) at which the profile, or its session, began.
    pub born_minute: u32,
    /// The last minute with evidence above one nat.
    pub above_minute: u32,
    /// The last minute (of slice time) with a contact at ticket level.
    pub loud_minute: u32,
    /// `ln E` at the last contact, in 1/1024 nat.
    pub log_e: u16,
    /// The highest `ln E` of the day; see [`Profile::peak`].
    peak: u8,
    /// Days of its own that it has learned from, up to 255.
    pub own_days: u8,
    /// Which route.
    pub route: u16,
    /// Its class.
    pub class: u8,
    /// Its kind of key.
    pub kind: u8,
    /// At a roll-up which children it has, at a finest key how far its own days differ.
    by_kin: ByKin,
    /// The version of the baselines that `steps` rest on.
    pub learned: u8,
    /// What it is at the moment.
    flags: Flags,
    /// Honest rates as steps: cold, guess or act, miss, walk, rising, falling.
    pub steps: [u8; LEARNED + 1],
    /// What a client was taught that was observed first, or where the people of one are that was not.
    by_trust: ByTrust,
    /// The stream that the route's class chooses: `cold` on registers, `act` on routes of personal
    /// records, `guess` on checks of passes.
    pub by_class: Cusum<{ cold::ALTERNATIVES }>,
    /// Stream `miss`.
    pub miss: Cusum<{ miss::ALTERNATIVES }>,
    /// Stream `walk`.
    pub walk: Cusum<{ walk::ALTERNATIVES }>,
    /// Stream `walk`'s open runs.
    pub runs: Runs,
    /// Stream `monotone`.
    pub monotone: Monotone,
    /// Stream `volume`: novel subjects.
    pub windows: Windows,
    /// Stream `volume`'s cold subjects on registers, stream `act`'s people on personal routes; at a
    /// network what its children say together.
    pub by_route: ByRoute,
    /// At a roll-up what its children were expected to look up, at a finest key its own past.
    pub by_place: ByPlace,
    /// Its own subjects a day.
    pub usual: Usual,
    /// Its own rates.
    pub rates: [Rate; LEARNED],
    /// Today's contacts.
    pub today: [Daily; LEARNED],
    /// The episode's contacts.
    pub tally: Tally,
    /// Distinct records disclosed in the episode.
    pub out: Small,
}

impl Profile {
    /// The profile of a client at its first contact: of this route, class and kind of key.
    #[must_use]
    pub fn new(id: u64, place: (u16, u8, u8), at: Moment) -> Self {
        let mut profile = Self::blank();
        profile.start(id, place, at);
        profile
    }

    /// Makes a [blank](Self::blank) profile that of a client at its first contact.
    pub(super) fn start(&mut self, id: u64, (route, class, kind): (u16, u8, u8), at: Moment) {
        (self.id, self.route, self.class, self.kind) = (id, route, class, kind);
        self.born_minute = minute_of(at);
    }

    /// Nobody's profile.
    pub(super) fn blank() -> Self {
        Self {
            id: 0,
            last: Moment(i64::MIN),
            episode: Episode::NONE,
            born_minute: 0,
            above_minute: 0,
            loud_minute: 0,
            log_e: 0,
            peak: 0,
            own_days: 0,
            route: 0,
            class: 0,
            kind: 0,
            by_kin: ByKin::default(),
            learned: 0,
            flags: Flags::default(),
            steps: [0; LEARNED + 1],
            by_trust: ByTrust::default(),
            by_class: Cusum::default(),
            miss: Cusum::default(),
            walk: Cusum::default(),
            runs: Runs::default(),
            monotone: Monotone::default(),
            windows: Windows::default(),
            by_route: ByRoute::default(),
            by_place: ByPlace::default(),
            usual: Usual::default(),
            rates: [Rate::default(); LEARNED],
            today: [Daily::default(); LEARNED],
            tally: Tally::default(),
            out: Small::default(),
        }
    }

    /// A word of each cache line that a contact reads, so that the lines come from memory side by
    /// side; the sum only keeps the reading from being optimised away.
    #[must_use]
    pub fn warm(&self) -> u64 {
        let [step, ..] = self.steps;
        self.runs.warm() ^ self.id ^ u64::from(self.by_place.warm()) ^ u64::from(step)
    }

    /// Whether a flag is set.
    #[must_use]
    pub const fn is(&self, flag: Flag) -> bool {
        self.flags.0 & flag as u8 != 0
    }

    /// Sets a flag, or takes it away.
    pub const fn set(&mut self, flag: Flag, on: bool) {
        self.flags.0 = if on { self.flags.0 | flag as u8 } else { self.flags.0 & !(flag as u8) };
    }

    /// From here on some of its contacts come through finer keys. What a network kept of its own has
    /// to make room for what its children say.
    pub fn roll_up(&mut self) {
        self.set(Flag::RollUp, true);
        (self.by_place, self.by_kin) = (ByPlace::default(), ByKin::default());
        if self.gathers() {
            self.by_route = ByRoute::default();
        }
    }

    /// Whether it is a network above its clients, which are put together.
    #[must_use]
    pub const fn gathers(&self) -> bool {
        self.is(Flag::RollUp) && self.kind as usize == KeyKind::Network.index()
    }

    /// What its children were expected to look up in the current windows; nothing at a finest key.
    #[must_use]
    pub fn expected(&self) -> [f32; HORIZONS] {
        if self.is(Flag::RollUp) { self.by_place.expected() } else { [0.0; HORIZONS] }
    }

    /// See [`Self::expected`]; a finest key keeps its past.
    pub fn set_expected(&mut self, expected: [f32; HORIZONS]) {
        if self.is(Flag::RollUp) {
            self.by_place.set_expected(expected);
        }
    }

    /// A finest key's own past; nobody's at a roll-up.
    #[must_use]
    pub fn past(&self) -> Past {
        if self.is(Flag::RollUp) { Past::default() } else { self.by_place.past() }
    }

    /// Changes a finest key's past.
    pub fn change_past(&mut self, change: impl FnOnce(&mut Past)) {
        if !self.is(Flag::RollUp) {
            let mut past = self.by_place.past();
            change(&mut past);
            self.by_place.set_past(past);
        }
    }

    /// At a roll-up the child of the last contact, and the class of the child whose counts spread
    /// furthest, [`NO_CLASS`](super::NO_CLASS) for none; nothing at a finest key.
    #[must_use]
    pub fn children(&self) -> (u8, u8) {
        if self.is(Flag::RollUp) { self.by_kin } else { ByKin::default() }.children()
    }

    /// See [`Self::children`]; a finest key has none.
    pub const fn set_children(&mut self, children: (u8, u8)) {
        if self.is(Flag::RollUp) {
            self.by_kin.set_children(children);
        }
    }

    /// How far a finest key's own days differ; nothing at a roll-up.
    #[must_use]
    pub fn dispersion(&self) -> Dispersion {
        if self.is(Flag::RollUp) { ByKin::default() } else { self.by_kin }.dispersion()
    }

    /// See [`Self::dispersion`].
    pub(super) fn set_dispersion(&mut self, dispersion: Dispersion) {
        if !self.is(Flag::RollUp) {
            self.by_kin.set_dispersion(dispersion);
        }
    }

    /// What it was taught while it was only observed; nothing where it never was.
    #[must_use]
    pub fn school(&self) -> School {
        if self.is(Flag::Taught) { self.by_trust.school() } else { School::default() }
    }

    /// Changes what it is taught.
    pub(super) fn change_school(&mut self, change: impl FnOnce(&mut School)) {
        let mut school = self.school();
        change(&mut school);
        self.set(Flag::Taught, true);
        self.by_trust.set_school(school);
    }

    /// Where a finest key's people are; nowhere at a roll-up, and at a client that was observed first.
    #[must_use]
    pub fn spread(&self) -> Spread {
        let has_one = !self.is(Flag::RollUp) && !self.is(Flag::Taught);
        if has_one { self.by_trust.spread() } else { Spread::default() }
    }

    /// Changes where a finest key's people are.
    pub fn change_spread(&mut self, change: impl FnOnce(&mut Spread)) {
        if !self.is(Flag::RollUp) && !self.is(Flag::Taught) {
            let mut spread = self.by_trust.spread();
            change(&mut spread);
            self.by_trust.set_spread(spread);
        }
    }

    /// `ln E` as evidence.
    #[must_use]
    pub const fn evidence(&self) -> Nats {
        self.log_e as Nats
    }

    /// The highest `ln E` of the day, rounded up to a quarter of a nat.
    #[must_use]
    pub const fn peak(&self) -> Nats {
        self.peak as Nats * PEAK_STEP as Nats
    }

    /// Sets `ln E`, and the day's highest where it is higher.
    pub fn set_evidence(&mut self, log_e: u16) {
        self.log_e = log_e;
        let steps = u8::try_from(log_e.div_ceil(PEAK_STEP)).unwrap_or(u8::MAX);
        self.peak = self.peak.max(steps);
    }

    /// A day begins with the evidence that there is.
    pub(super) fn begin_peak(&mut self) {
        self.peak = 0;
        self.set_evidence(self.log_e);
    }

    /// Forgets the evidence and the episode, keeps what was learned and the open runs: after an
    /// alert has resolved, or when a token begins a new session.
    pub fn settle(&mut self) {
        self.by_class.reset();
        self.miss.reset();
        self.walk.reset();
        self.monotone.reset();
        self.windows.reset();
        self.by_route = ByRoute::default();
        self.change_past(Past::reset);
        self.change_spread(Spread::reset);
        self.set_expected([0.0; HORIZONS]);
        self.log_e = 0;
        self.set(Flag::Firing, false);
        self.set(Flag::Paged, false);
        self.set(Flag::Passed, false);
        self.end_episode();
    }

    /// Ends the episode.
    pub fn end_episode(&mut self) {
        self.set(Flag::Suspect, false);
        self.episode = Episode::NONE;
        self.tally = Tally::default();
        self.out.reset();
    }
}

/// Whole minutes since 1970.
#[must_use]
pub(super) fn minute_of(at: Moment) -> u32 {
    u32::try_from(at.index(crate::time::MINUTE_MS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// Bytes of a cache line.
    const LINE_BYTES: usize = 64;
    /// The lines that a contact reads; the fifth has the records out, which an episode counts.
    const LINES_READ: usize = 4;

    #[test]
    fn what_is_warmed_lies_on_every_line_that_a_contact_reads() {
        let warmed = [
            offset_of!(Profile, runs),
            offset_of!(Profile, id),
            offset_of!(Profile, by_place),
            offset_of!(Profile, steps),
        ];
        let mut lines = warmed.map(|it| it / LINE_BYTES);
        lines.sort_unstable();
        assert_eq!(lines, std::array::from_fn::<_, LINES_READ, _>(|it| it));
        assert!(offset_of!(Profile, out) >= LINES_READ * LINE_BYTES - 1);
        assert_eq!(align_of::<Profile>(), LINE_BYTES);
    }

    #[test]
    fn a_client_that_is_taught_keeps_nothing_of_where_its_people_were_and_one_that_is_not_was_taught_nothing()
     {
        let mut profile = Profile::new(1, (0, 0, 0), Moment(0));
        let at_home = Spread::from_bytes([3, 40, 2, 224]);
        profile.change_spread(|it| *it = at_home);
        assert_eq!((profile.spread(), profile.school()), (at_home, School::default()));
        profile.learn_hour(1);
        assert_eq!(profile.school(), School { rush: 1, ..School::default() });
        profile.change_spread(|it| *it = at_home);
        assert_eq!((profile.spread(), profile.rush() > 0.0), (Spread::default(), true));
        profile.settle();
        assert!(profile.rush() > 0.0, "what was taught outlives an alert");
    }

    #[test]
    fn an_alert_that_is_over_leaves_a_client_its_home_and_no_evidence() {
        let mut profile = Profile::new(1, (0, 0, 0), Moment(0));
        profile.change_spread(|it| *it = Spread::from_bytes([3, 40, 2, 224]));
        profile.settle();
        assert_eq!(profile.spread(), Spread::from_bytes([3, 40, 2, 0]));
    }
}
