//! An hour of a busy portal behind gateways of every kind, with harvests in it.

use darban::decode::Format;
use darban::scenarios::{
    Citizens, Client, Harvest, Order, Pace, Partner, Portal, Request, Staff, Who, Writer, mix,
};
use darban::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment, days_from_civil};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Lines in the hour.
pub(crate) const LINES: usize = 200_000;
pub(crate) const PARTITIONS: i32 = 6;
/// Harvests by address, by login and by session.
const ADDRESSES: u32 = 10;
const LOGINS: u32 = 10;
const SESSIONS: u64 = 2;
pub(crate) const HARVESTS: usize = 22;
/// Gateways whose log has a place for logins and sessions.
const WITH_NAMES: &[Format] = &[
    Format::NginxJson,
    Format::EnvoyJson,
    Format::Caddy,
    Format::Traefik,
    Format::NginxCombined,
    Format::NginxIngress,
    Format::Haproxy,
];
/// All of them.
const WITHOUT_NAMES: &[Format] = &[
    Format::NginxJson,
    Format::EnvoyJson,
    Format::Caddy,
    Format::Traefik,
    Format::NginxCombined,
    Format::NginxIngress,
    Format::Haproxy,
    Format::EnvoyText,
    Format::ApacheCommon,
];

/// The portal: a Tuesday from ten o'clock on.
pub(crate) fn portal() -> Portal {
    let start = Moment(days_from_civil(2026, 11, 17) * DAY_MS + 10 * HOUR_MS);
    let usual = Portal::new(31, start, 1);
    Portal {
        citizens: Citizens { per_day: 600_000.0, nats: 200, ..usual.citizens },
        staff: Staff { count: 1_500, ..usual.staff },
        call_centre: Staff::call_centre(200),
        partners: vec![Partner::busy(), Partner { per_second: 5.0, ..Partner::default() }],
        ..usual
    }
}

/// Harvests of every pace that begin one after the other and go on to the end.
pub(crate) fn harvests(portal: &Portal) -> Vec<Harvest> {
    let at = |minutes: i64| portal.start.plus(minutes * MINUTE_MS);
    let mut all = Vec::new();
    for number in 0..ADDRESSES {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(203, 0, 113, 10)) + number);
        let client = Client { who: Who::Nobody, address };
        let first = 700_000 + 20_000 * u64::from(number);
        let order = Order::Serial { first, stride: 1 + u64::from(number % 3) };
        let walk = Harvest::s5_records(1, at(4 + i64::from(number)));
        let pace = Pace::Poisson { per_second: 0.3 };
        all.push(Harvest { clients: vec![client], order, pace, ..walk });
    }
    for login in 0..LOGINS {
        let pace = Pace::Every { ms: 8_000, jitter: 0.5 };
        all.push(Harvest { pace, ..Harvest::s3b(40 + 7 * login, at(3 + i64::from(login))) });
    }
    all.extend((0..SESSIONS).map(|it| Harvest::reader(it, at(12 + 5 * it.cast_signed()))));
    assert_eq!(all.len(), HARVESTS);
    all
}

/// Who is to be paged, by name where a page shows it; sessions are shown hashed.
pub(crate) fn names(harvests: &[Harvest]) -> BTreeSet<String> {
    let finest = harvests.iter().flat_map(|it| &it.clients).map(|it| (it.who, it.finest().1));
    let shown = finest.filter(|(who, _)| !matches!(who, Who::Session(_)));
    shown.map(|it| it.1).collect()
}

/// A line with its partition and stamp.
pub(crate) struct Line {
    pub(crate) partition: i32,
    pub(crate) at: Moment,
    pub(crate) text: Vec<u8>,
}

/// The hour's lines, so that the last one was written at `now`. Each gateway writes one format,
/// and a client stays with its gateway.
pub(crate) fn lines(portal: &Portal, harvests: &[Harvest], now: Moment) -> Vec<Line> {
    let requests: Vec<Request> = portal.with_harvests(harvests).take(LINES).collect();
    let last = requests.last().unwrap().at;
    assert!(
        last.since(portal.start) < HOUR_MS - 5 * MINUTE_MS,
        "it takes {} s",
        last.since(portal.start) / 1_000
    );
    let mut writers: Vec<(Format, Writer)> =
        WITHOUT_NAMES.iter().map(|it| (*it, Writer::new(*it))).collect();
    let shift = now.since(last);
    let mut line = |(number, request): (usize, Request)| {
        let request = Request { at: request.at.plus(shift), ..request };
        let format = format_of(&request.client);
        let writer = &mut writers.iter_mut().find(|it| it.0 == format).unwrap().1;
        let mut text = Vec::new();
        writer.write(&request, &mut text);
        let partition = i32::try_from(number).unwrap() % PARTITIONS;
        Line { partition, at: request.at, text }
    };
    requests.into_iter().enumerate().map(&mut line).collect()
}

fn format_of(client: &Client) -> Format {
    let gateways = if client.who == Who::Nobody { WITHOUT_NAMES } else { WITH_NAMES };
    let mut name = Vec::new();
    client.who.write(&mut name);
    let by =
        name.iter().fold(u64::from(u32::from(client.address)), |sum, it| mix(sum ^ u64::from(*it)));
    gateways[usize::try_from(by % gateways.len() as u64).unwrap()]
}
