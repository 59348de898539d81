//! The published harvests: S2 to S9, each a point in the dimensions of [`Harvest`].

use super::harvest::{Filler, Harvest, Order, Padding, Sharing, Tampering};
use super::pace::Pace;
use super::portal::Portal;
use super::random::mix;
use super::request::{Agent, Client, Who, address};
use super::route::Route;
use super::season::Season;
use crate::time::{HOUR_MS, Moment, SECOND_MS};

/// Where walks begin unless they are told: well inside every register.
const WALK_FIRST: u64 = 700_000;
/// Numbers that a prefix-ordered harvest takes at random before it moves to the next prefix.
const PREFIX_NUMBERS: u64 = 10_000;
/// National codes of one region, and the region that is taken first.
const REGION_CODES: u64 = 1_000_000;
const REGION_FIRST: u64 = 40;
/// From one address to the next among four million citizens': odd, so that none comes twice.
const ADDRESS_STRIDE: u64 = 2_003;

impl Harvest {
    /// S2, first: a declared search crawler takes 900,000 reports in three weeks.
    #[must_use]
    pub fn s2_crawler(start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(60) };
        Self {
            order: Order::Random,
            pace: Pace::Poisson { per_second: 900_000.0 / (21.0 * 86_400.0) },
            hits: 0.99,
            agent: Agent::CRAWLER,
            ..Self::new("S2", client, Route::Report, start)
        }
    }

    /// S2, then: one address takes 20,000 of them in three hours, two a second.
    #[must_use]
    pub fn s2(start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(61) };
        Self {
            pace: Pace::Poisson { per_second: 2.0 },
            hits: 0.99,
            attempts_max: 20_000,
            ..Self::new("S2", client, Route::Report, start)
        }
    }

    /// S3a: a chat bot behind a staff login looks up whom its users ask for, 1,500 mobile numbers
    /// a day in citizens' hours from two foreign addresses, three in four of them known, with one
    /// to four people behind each, prominent ones more often than others; fifty times as many on
    /// the day the news breaks.
    #[must_use]
    pub fn s3a(login: u32, start: Moment) -> Self {
        let number = 420 + u64::from(login) * 2;
        let client =
            |turn| Client { who: Who::Staff(login), address: address::hosting(number + turn) };
        let season = Season::Citizens;
        Self {
            clients: vec![client(0), client(1)],
            sharing: Sharing::Random,
            pace: Pace::Surging { per_day: 1_500.0, season, after_days: 3, days: 1, times: 50.0 },
            hits: 0.75,
            records: [1, 4],
            padding: Some(Padding { share: 0.15, filler: Filler::Popular { pool: 300 } }),
            ..Self::new("S3a", client(0), Route::ByMobile, start)
        }
    }

    /// S3b: a stolen staff login tries mobile numbers day and night from a hosting address, one
    /// every 20 seconds, six in ten of them somebody's.
    #[must_use]
    pub fn s3b(login: u32, start: Moment) -> Self {
        let address = address::hosting(100 + u64::from(login));
        let client = Client { who: Who::Staff(login), address };
        Self { hits: 0.6, ..Self::new("S3b", client, Route::ByMobile, start) }
    }

    /// S3b with its mobile numbers prefix by prefix.
    #[must_use]
    pub fn s3b_by_prefix(login: u32, start: Moment) -> Self {
        let order = Order::Prefixes { first: WALK_FIRST, numbers: PREFIX_NUMBERS };
        Self { order, ..Self::s3b(login, start) }
    }

    /// S4: somebody with a partner's key, on the partner's own addresses, adds two look-ups a
    /// second of consecutive mobile numbers, of which 35 % are somebody's.
    #[must_use]
    pub fn s4(portal: &Portal, partner: u16, start: Moment) -> Self {
        let [first, second] = [0, 1].map(|turn| portal.partner(partner, turn));
        let clients = if first == second { vec![first] } else { vec![first, second] };
        Self {
            clients,
            sharing: Sharing::Random,
            order: Order::Serial { first: WALK_FIRST, stride: 1 },
            pace: Pace::Poisson { per_second: 2.0 },
            hits: 0.35,
            agent: Agent::SERVER,
            ..Self::new("S4", first, Route::Person, start)
        }
    }

    /// S4 in random order.
    #[must_use]
    pub fn s4_at_random(portal: &Portal, partner: u16, start: Moment) -> Self {
        Self { order: Order::Random, ..Self::s4(portal, partner, start) }
    }

    /// S5: the register in serial order from hosting addresses without a login, three requests a
    /// second in all, 85 % of the numbers given out, each record with its photo and vehicle.
    #[must_use]
    pub fn s5(addresses: u64, start: Moment) -> Self {
        let client = |number| Client { who: Who::Nobody, address: address::hosting(number) };
        Self {
            clients: (0..addresses).map(client).collect(),
            order: Order::Serial { first: WALK_FIRST, stride: 1 },
            pace: Pace::Poisson { per_second: 1.0 },
            hits: 0.85,
            parts: 3,
            ..Self::new("S5", client(0), Route::Protocol, start)
        }
    }

    /// S5 with the record alone, three a second.
    #[must_use]
    pub fn s5_records(addresses: u64, start: Moment) -> Self {
        Self { parts: 1, pace: Pace::Poisson { per_second: 3.0 }, ..Self::s5(addresses, start) }
    }

    /// S5, the others: an independent collector on an address and a range of its own, who now and
    /// then changes or deletes what it reads.
    #[must_use]
    pub fn s5_collector(number: u64, start: Moment) -> Self {
        let client = Client { who: Who::Nobody, address: address::hosting(20 + number) };
        let first = WALK_FIRST + 200_000 * (1 + number % 3);
        Self {
            clients: vec![client],
            order: Order::Serial { first, stride: 1 },
            pace: Pace::Every { ms: 2 * SECOND_MS, jitter: 0.5 },
            tampering: Some(Tampering { after: 0, share: 0.001 }),
            ..Self::s5(1, start)
        }
    }

    /// S6: fifty institutions' logins from `first` on, two at an address, share the register in
    /// the order of birth dates, 10,000 look-ups a day each between nine and five, 85 % of them of
    /// somebody. No act follows. Its portal needs ids that begin with a birth date.
    #[must_use]
    pub fn s6(first: u32, start: Moment) -> Self {
        let client = |number: u32| Client {
            who: Who::Staff(first + number),
            address: address::office(55_000 + u64::from(number / 2)),
        };
        let season = Season::AfterHours(0.0);
        Self {
            clients: (0..50).map(client).collect(),
            sharing: Sharing::Random,
            order: Order::Serial { first: 0, stride: 1 },
            pace: Pace::Daily { per_day: 500_000.0, season },
            hits: 0.85,
            agent: Agent::CLINIC,
            ..Self::new("S6", client(0), Route::Beneficiary, start)
        }
    }

    /// S7: the screening form, from 1,500 mobile and VPN addresses, ten a second for six hours a
    /// day of a week; national codes with right check digits, region by region, half of them
    /// somebody's.
    #[must_use]
    pub fn s7(addresses: u64, start: Moment) -> Self {
        let clients = many(addresses, 0x73);
        let order = Order::Prefixes { first: REGION_FIRST * REGION_CODES, numbers: REGION_CODES };
        Self {
            sharing: Sharing::Random,
            order,
            pace: Pace::Bursts { per_second: 10.0, hours: 6.0, apart_hours: 24.0 },
            hits: 0.5,
            end: start.plus(7 * 24 * HOUR_MS),
            ..Self::of_many("S7", clients, Route::Screening, start)
        }
    }

    /// S8: 5,000 homes' addresses take the register in random order, each 1.5 protocols an hour;
    /// 97 % of the numbers are given out.
    #[must_use]
    pub fn s8(addresses: u64, start: Moment) -> Self {
        Self {
            sharing: Sharing::Random,
            pace: Pace::Poisson { per_second: addresses as f64 * 1.5 / 3_600.0 },
            hits: 0.97,
            agent: Agent::browser(0),
            ..Self::of_many("S8", many(addresses, 0x83), Route::Protocol, start)
        }
    }

    /// S9: a member of staff, whose honest day goes on, adds strangers from everywhere: with `per_day`
    /// look-ups more, 40 % of them after hours.
    #[must_use]
    pub fn s9(portal: &Portal, login: u32, per_day: f64, start: Moment) -> Self {
        Self {
            pace: Pace::Daily { per_day, season: Season::AfterHours(0.4) },
            agent: Agent::CLINIC,
            ..Self::new("S9", portal.staff(login), Route::Beneficiary, start)
        }
    }

    /// S9 by somebody who writes an act behind each look-up, as honest staff do.
    #[must_use]
    pub fn s9_with_acts(portal: &Portal, login: u32, per_day: f64, start: Moment) -> Self {
        Self { acts: 1.0, ..Self::s9(portal, login, per_day, start) }
    }

    /// A citizen's session that reads people at random, one every two to five seconds, all of whom
    /// exist.
    #[must_use]
    pub fn reader(number: u64, start: Moment) -> Self {
        let who = Who::Session(mix(number ^ 0x7265_6164));
        let client = Client { who, address: address::hosting(300 + number) };
        let pace = Pace::Every { ms: 3_500, jitter: 0.43 };
        Self { pace, ..Self::new("reader", client, Route::Beneficiary, start) }
    }

    fn of_many(scenario: &'static str, clients: Vec<Client>, route: Route, start: Moment) -> Self {
        let address = address::citizen(0);
        let nobody = Client { who: Who::Nobody, address };
        Self { clients, ..Self::new(scenario, nobody, route, start) }
    }
}

/// Addresses of homes and phones, nobody logged in.
fn many(addresses: u64, tag: u64) -> Vec<Client> {
    let first = mix(tag);
    let address =
        |number: u64| address::citizen(first.wrapping_add(number.wrapping_mul(ADDRESS_STRIDE)));
    (0..addresses).map(|it| Client { who: Who::Nobody, address: address(it) }).collect()
}
