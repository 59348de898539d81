//! The traffic: six busy minutes of a national portal with harvests in it, as rows in a file.
//!
//! Nearly every line is a look-up with two keys (a session, a login or a partner's key, and the
//! address): pages around them would be cheaper, for darban more than for anybody.

use crate::Failure;
use crate::line::{LINE_BYTES, Lines};
use darban::scenarios::{
    Citizens, Client, Harvest, Order, Pace, Partner, Portal, Request, Staff, Who,
};
use darban::time::{DAY_MS, HOUR_MS, Moment, SECOND_MS, days_from_civil, wall};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;

/// Partitions of the topic; lines go round.
pub(crate) const PARTITIONS: usize = 6;
/// Bytes of a row: the time in milliseconds, and the line.
pub(crate) const ROW_BYTES: usize = 8 + LINE_BYTES;
/// How long the log is.
const SPAN_MS: i64 = 360 * SECOND_MS;
/// Sessions a day: about 2,600 look-ups a second at this hour.
const SESSIONS_A_DAY: f64 = 56e6;
/// Partner organisations, each with so many look-ups a second.
const PARTNERS: usize = 600;
const PARTNER_PER_SECOND: f64 = 4.0;
/// The last harvest lies this far before the end, and its alert tells that all is judged.
const LAST_MS: i64 = 3 * SECOND_MS;
/// Harvests by address and by login.
const ADDRESSES: u32 = 10;
const LOGINS: u32 = 10;

/// What was written.
pub(crate) struct Traffic {
    /// Rows in all.
    pub(crate) rows: usize,
    /// Names of the clients that harvest.
    pub(crate) names: BTreeSet<String>,
    /// The name of the last of them.
    pub(crate) last: String,
    first_second: i64,
    /// Rows by second.
    seconds: Vec<usize>,
}

impl Traffic {
    /// Rows up to the end of the second of this moment.
    pub(crate) fn rows_until(&self, at: Moment) -> usize {
        let seconds = at.index(SECOND_MS) + 1 - self.first_second;
        self.seconds.iter().take(usize::try_from(seconds).unwrap_or(0)).sum()
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, harvests) = (self.rows, self.names.len());
        write!(f, "{rows} lines of {LINE_BYTES} bytes, {} s of a portal", self.seconds.len())?;
        write!(f, ", {harvests} harvests; {PARTITIONS} partitions, lz4")
    }
}

/// The portal, whose log ends now.
pub(crate) fn portal() -> Portal {
    let start = Moment(days_from_civil(2026, 11, 17) * DAY_MS + 10 * HOUR_MS);
    let usual = Portal::new(31, start, 1);
    let partner = Partner { per_second: PARTNER_PER_SECOND, ..Partner::default() };
    Portal {
        end: start.plus(SPAN_MS),
        ids: darban::scenarios::Ids { people: 40_000_000, ..usual.ids },
        citizens: Citizens {
            per_day: SESSIONS_A_DAY,
            nats: 2_000,
            nat_share: 0.5,
            chatter: false,
            ..usual.citizens
        },
        staff: Staff { count: 2_000, ..usual.staff },
        call_centre: Staff::call_centre(400),
        partners: vec![partner; PARTNERS],
        ..usual
    }
}

fn harvests(portal: &Portal) -> Vec<Harvest> {
    let at = |seconds: u32| portal.start.plus(i64::from(seconds) * SECOND_MS);
    let address = |number: u32| {
        let first = u32::from(Ipv4Addr::new(203, 0, 113, 10));
        Client { who: Who::Nobody, address: Ipv4Addr::from(first + number) }
    };
    let walk = |number: u32, start, per_second| Harvest {
        clients: vec![address(number)],
        order: Order::Serial {
            first: 700_000 + 20_000 * u64::from(number),
            stride: 1 + u64::from(number % 3),
        },
        pace: Pace::Poisson { per_second },
        ..Harvest::s5_records(1, start)
    };
    let mut all: Vec<Harvest> = (0..ADDRESSES).map(|it| walk(it, at(60 + 20 * it), 1.0)).collect();
    for login in 0..LOGINS {
        let pace = Pace::Every { ms: 1_500, jitter: 0.5 };
        let guess = Harvest::s3b(5_000 + login, at(50 + 20 * login));
        all.push(Harvest { pace, ..guess });
    }
    let last = Harvest { hits: 1.0, ..walk(ADDRESSES, portal.end.plus(-LAST_MS), 100.0) };
    all.push(last);
    all
}

/// Writes the rows; the last one was written by a gateway just now.
pub(crate) fn write(to: &Path) -> Result<Traffic, Failure> {
    let portal = portal();
    let harvests = harvests(&portal);
    let finest = |it: &Harvest| it.clients.first().map(|it| it.finest().1).unwrap_or_default();
    let shift = wall().since(portal.end.plus(2 * SECOND_MS));
    let mut traffic = Traffic {
        rows: 0,
        names: harvests.iter().map(finest).collect(),
        last: harvests.last().map(finest).unwrap_or_default(),
        first_second: portal.start.plus(shift).index(SECOND_MS),
        seconds: Vec::new(),
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    let (mut lines, mut row) = (Lines::default(), Vec::with_capacity(ROW_BYTES));
    let mut put = |request: Request| -> Result<(), Failure> {
        row.clear();
        row.extend_from_slice(&request.at.0.to_le_bytes());
        lines.write(traffic.rows as u64, &request, &mut row)?;
        out.write_all(&row)?;
        traffic.rows += 1;
        let second = usize::try_from(request.at.index(SECOND_MS) - traffic.first_second)?;
        if traffic.seconds.len() <= second {
            traffic.seconds.resize(second + 1, 0);
        }
        traffic.seconds.get_mut(second).into_iter().for_each(|it| *it += 1);
        Ok(())
    };
    let mut any = None;
    for request in portal.with_harvests(&harvests) {
        let request = Request { at: request.at.plus(shift), ..request };
        put(request)?;
        any = Some(request);
    }
    // One more line in every partition, two seconds later, closes the slices before it.
    for _ in 0..PARTITIONS {
        let last = any.ok_or("the portal is silent")?;
        put(Request { at: portal.end.plus(shift + 2 * SECOND_MS), ..last })?;
    }
    out.flush()?;
    Ok(traffic)
}

/// Reads rows, a block at a time.
pub(crate) struct Rows {
    from: BufReader<File>,
    block: Vec<u8>,
    read: usize,
}

impl Rows {
    /// From the first row on, `count` rows a block.
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, Failure> {
        let from = BufReader::new(File::open(path)?);
        Ok(Self { from, block: vec![0; count * ROW_BYTES], read: 0 })
    }

    /// The next rows with the number of the first; none at the end.
    pub(crate) fn next(&mut self) -> Result<(usize, Vec<Row<'_>>), Failure> {
        let mut filled = 0;
        while let Some(rest) = self.block.get_mut(filled..).filter(|it| !it.is_empty()) {
            match self.from.read(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        let filled = self.block.get(..filled).unwrap_or_default();
        let rows: Vec<Row<'_>> = filled.chunks_exact(ROW_BYTES).filter_map(row).collect();
        let first = self.read;
        self.read += rows.len();
        Ok((first, rows))
    }
}

/// A line with its time.
pub(crate) struct Row<'a> {
    pub(crate) at: Moment,
    pub(crate) line: &'a [u8],
}

fn row(bytes: &[u8]) -> Option<Row<'_>> {
    let (at, line) = bytes.split_first_chunk()?;
    Some(Row { at: Moment(i64::from_le_bytes(*at)), line })
}
