//! Abuse of passes and lists, tampering, decoys, and harvests made to look normal: S10 to S16.

use super::harvest::{Decoys, Filler, Harvest, Order, Padding, Tampering};
use super::id::PAGE_RECORDS;
use super::pace::Pace;
use super::portal::Portal;
use super::random::mix;
use super::request::{Agent, Client, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{MINUTE_MS, Moment, SECOND_MS};

/// Where consecutive mobile numbers begin.
const MOBILE_FIRST: u64 = 40_000_000;
impl Harvest {
    /// S10a: one client asks for one-time passes for thousands of mobile numbers, one in two
    /// seconds.
    #[must_use]
    pub fn s10_many_passes(start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(70) };
        Self {
            order: Order::Serial { first: MOBILE_FIRST, stride: 1 },
            pace: Pace::Every { ms: 2 * SECOND_MS, jitter: 0.5 },
            ..Self::new("S10a", client, Route::Pass, start)
        }
    }

    /// S10b: one client tries codes for one mobile number, three a second; all are refused.
    #[must_use]
    pub fn s10_codes(start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(71) };
        Self {
            order: Order::Same { ordinal: MOBILE_FIRST + 77 },
            pace: Pace::Poisson { per_second: 3.0 },
            hits: 0.0,
            ..Self::new("S10b", client, Route::PassCheck, start)
        }
    }

    /// S10c: a session for which no pass was ever checked reads people, one in five seconds.
    #[must_use]
    pub fn s10_without_pass(number: u64, start: Moment) -> Self {
        let pace = Pace::Every { ms: 5 * SECOND_MS, jitter: 0.5 };
        Self { scenario: "S10c", pace, ..Self::reader(1_000 + number, start) }
    }

    /// S11: a list is walked from its first page on, 500 records a page, one page in three
    /// seconds, until there are no more. The route says how: by page, offset or cursor.
    #[must_use]
    pub fn s11(portal: &Portal, login: u32, route: Route, start: Moment) -> Self {
        Self {
            order: Order::Serial { first: 0, stride: 1 },
            pace: Pace::Every { ms: 3 * SECOND_MS, jitter: 0.3 },
            records: [PAGE_RECORDS; 2],
            attempts_max: portal.ids.pages,
            ..Self::new("S11", portal.staff(login), route, start)
        }
    }

    /// S12: a walk through the register which after `after` records begins to change and delete
    /// one in ten of those that it reads.
    #[must_use]
    pub fn s12(after: u64, start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(72) };
        Self {
            scenario: "S12",
            clients: vec![client],
            tampering: Some(Tampering { after, share: 0.1 }),
            ..Self::s5_records(1, start)
        }
    }

    /// S13: a relay as in S3a, of which one look-up in twenty is of one of twenty decoys.
    #[must_use]
    pub fn s13(login: u32, start: Moment) -> Self {
        let decoys = Some(Decoys { share: 0.05, count: 20 });
        Self { scenario: "S13", decoys, ..Self::s3a(login, start) }
    }

    /// S14: the same harvest with this share of its requests spent on what it read already.
    #[must_use]
    pub fn with_repeats(self, share: f64) -> Self {
        Self { padding: Some(Padding { share, filler: Filler::Repeats }), ..self }
    }

    /// S14: the same harvest with this share of its requests spent on the `pool` most popular
    /// records.
    #[must_use]
    pub fn with_popular(self, share: f64, pool: u64) -> Self {
        Self { padding: Some(Padding { share, filler: Filler::Popular { pool } }), ..self }
    }

    /// S15: a citizen's session reads one more person every ten minutes.
    #[must_use]
    pub fn s15_session(start: Moment) -> Self {
        let who = Who::Session(mix(0x736c_6f77));
        let client = Client { who, address: address::hosting(73) };
        let pace = Pace::Every { ms: 10 * MINUTE_MS, jitter: 0.3 };
        Self { pace, ..Self::new("S15", client, Route::Beneficiary, start) }
    }

    /// S15: a staff login does, day and night, beside its honest days.
    #[must_use]
    pub fn s15_login(portal: &Portal, login: u32, start: Moment) -> Self {
        let pace = Pace::Every { ms: 10 * MINUTE_MS, jitter: 0.3 };
        Self { scenario: "S15", pace, ..Self::s9(portal, login, 0.0, start) }
    }

    /// S15: a staff login does in office hours, beside its honest days.
    #[must_use]
    pub fn s15_office(portal: &Portal, login: u32, start: Moment) -> Self {
        // Six an hour in eight hours of five days, as an average over seven.
        let pace = Pace::Daily { per_day: 48.0 * 5.0 / 7.0, season: Season::Office };
        Self { scenario: "S15", pace, ..Self::s9(portal, login, 0.0, start) }
    }

    /// S16: a client that begins with 200 records a day and takes more each day by the share
    /// `a_day`, so that its baseline learns them; days alike as those of staff.
    #[must_use]
    pub fn s16(login: u32, a_day: f64, start: Moment) -> Self {
        let client = Client { who: Who::Staff(login), address: address::office(57_000) };
        let season = Season::AfterHours(0.0);
        Self {
            pace: Pace::Growing { per_day: 200.0, a_day, day_shape: 4.0, season },
            agent: Agent::CLINIC,
            ..Self::new("S16", client, Route::Beneficiary, start)
        }
    }
}
