//! What of the portal beneath a scenario can be had otherwise, by name: `staff=600`.

use super::super::id::Layout;
use super::super::occasions::{Campaign, Group, Joining};
use super::super::partners::Partner;
use super::super::portal::{CALL_CENTRE_FIRST, Portal};
use super::super::staff::Staff;
use crate::time::{DAY_MS, HOUR_MS, Moment};
use std::str::FromStr;

/// An option of a portal or a harvest.
#[derive(Debug)]
pub struct Choice<T> {
    /// Its name.
    pub name: &'static str,
    /// What it sets.
    pub about: &'static str,
    /// What it takes, for errors: `a number`.
    pub takes: &'static str,
    /// Sets it, or is `None` where the value is none that it takes.
    pub(super) set: fn(&mut T, &str) -> Option<()>,
}

impl<T> Choice<T> {
    /// Sets it; whether the value was one that it takes.
    #[must_use]
    pub fn set(&self, of: &mut T, value: &str) -> bool {
        (self.set)(of, value).is_some()
    }
}

/// More a day than any log has, and few enough that time goes on between two of them.
pub(super) const RATE_MAX: f64 = 1e9;
pub(super) const NUMBER: &str = "a number up to 1e9";
pub(super) const SHARE: &str = "a share from 0 to 1";
const COUNT: &str = "a number below 100000";
const DAY: &str = "a day of the log, counted from 0";
const SWITCH: &str = "true or false";

pub(super) const fn option<T>(
    name: &'static str,
    about: &'static str,
    takes: &'static str,
    set: fn(&mut T, &str) -> Option<()>,
) -> Choice<T> {
    Choice { name, about, takes, set }
}

/// Every option of the portal, in the order of lists.
pub const PORTAL_OPTIONS: &[Choice<Portal>] = &[
    option("citizens", "citizens' sessions a day", NUMBER, |it, text| {
        rate(text, &mut it.citizens.per_day)
    }),
    option(
        "citizen_misses",
        "share of citizens' look-ups with a mistyped id",
        SHARE,
        |it, text| share(text, &mut it.citizens.misses),
    ),
    option("nats", "carrier addresses that share citizens", NUMBER, |it, text| {
        read(text, &mut it.citizens.nats)
    }),
    option("nat_share", "share of citizens behind them", SHARE, |it, text| {
        share(text, &mut it.citizens.nat_share)
    }),
    option("passes", "whether the log has the numbers that passes are for", SWITCH, |it, text| {
        read(text, &mut it.citizens.passes)
    }),
    option("staff", "staff with logins of their own", COUNT, |it, text| {
        count(text, &mut it.staff.count)
    }),
    option(
        "staff_per_day",
        "new patients a working day, on average",
        "a number from 0.01 to 1e5",
        // Of nobody's next patient there is no time.
        |it, text| {
            let per_day = text.parse().ok().filter(|it| (0.01..=1e5).contains(it));
            put(&mut it.staff.per_day, per_day)
        },
    ),
    option("staff_misses", "share of staff's look-ups that find nobody", SHARE, |it, text| {
        share(text, &mut it.staff.misses)
    }),
    option("acts", "share of staff's look-ups that a vaccination follows", SHARE, |it, text| {
        share(text, &mut it.staff.acts)
    }),
    option(
        "own_region",
        "share of staff's families that live in their region",
        SHARE,
        |it, text| share(text, &mut it.staff.own_region),
    ),
    option("moves", "share of staff who move on a day", SHARE, |it, text| {
        share(text, &mut it.staff.moves)
    }),
    option("agents", "agents of the call centre", COUNT, |it, text| {
        let mut agents = 0;
        count(text, &mut agents)?;
        put(&mut it.call_centre, Some(Staff::call_centre(agents)))
    }),
    option("partners", "partner organisations", NUMBER, |it, text| {
        let count: u16 = text.parse().ok()?;
        it.partners.resize(usize::from(count), Partner::default());
        Some(())
    }),
    option("partner_per_second", "look-ups of each partner a second", NUMBER, |it, text| {
        let mut per_second = 0.0;
        rate(text, &mut per_second)?;
        it.partners.iter_mut().for_each(|it| it.per_second = per_second);
        Some(())
    }),
    option("visitors", "visits of the register a day", NUMBER, |it, text| {
        rate(text, &mut it.visitors.per_day)
    }),
    option("anxious", "citizens a day who ask for their records 150 times", NUMBER, |it, text| {
        read(text, &mut it.anxious)
    }),
    option("people", "beneficiaries in the register", NUMBER, |it, text| {
        size(text, &mut it.ids.people)
    }),
    option("layout", "how their ids are made", LAYOUT, |it, text| {
        let layout = LAYOUTS.iter().find(|(name, _)| *name == text);
        put(&mut it.ids.layout, layout.map(|it| it.1))
    }),
    option("households", "whether families have adjacent ids", SWITCH, |it, text| {
        read(text, &mut it.ids.households)
    }),
    option("protocols", "protocols in the register", NUMBER, |it, text| {
        size(text, &mut it.ids.protocols)
    }),
    option("reports", "reports in the register", NUMBER, |it, text| {
        size(text, &mut it.ids.reports)
    }),
    option("reports_named_at_random", "whether reports have random names", SWITCH, |it, text| {
        read(text, &mut it.ids.reports_named_at_random)
    }),
    option("campaign_day", "a day on which everybody does three times as much", DAY, |it, text| {
        let day = day(it, text)?;
        put(&mut it.campaign, Some(Some(Campaign { day, times: 3 })))
    }),
    option("new_nat_day", "a day on which a carrier's new address appears", DAY, |it, text| {
        let from = day(it, text)?;
        put(&mut it.joining, Some(Some(Joining::new_nat(from))))
    }),
    option("newcomers_day", "a day on whose morning 500 accounts begin", DAY, |it, text| {
        let mut newcomers = Group::newcomers(day(it, text)?.plus(9 * HOUR_MS));
        newcomers.staff.acts = it.staff.acts;
        it.groups.push(newcomers);
        Some(())
    }),
];

const LAYOUT: &str = "dense, sparse, date_led or uuid";
const LAYOUTS: [(&str, Layout); 4] = [
    ("dense", Layout::Dense),
    ("sparse", Layout::Sparse),
    ("date_led", Layout::DateLed),
    ("uuid", Layout::Uuid),
];

/// Sets something, where there is a value for it.
pub(super) fn put<T>(into: &mut T, value: Option<T>) -> Option<()> {
    *into = value?;
    Some(())
}

/// Anything that its type reads.
pub(super) fn read<T: FromStr>(text: &str, into: &mut T) -> Option<()> {
    put(into, text.parse().ok())
}

/// A rate that is not negative.
pub(super) fn rate(text: &str, into: &mut f64) -> Option<()> {
    put(into, text.parse().ok().filter(|it| (0.0..=RATE_MAX).contains(it)))
}

/// A share of all.
pub(super) fn share(text: &str, into: &mut f64) -> Option<()> {
    put(into, text.parse().ok().filter(|it| (0.0..=1.0).contains(it)))
}

/// How many logins there are: those of the next kind begin at 100,000 more.
fn count(text: &str, into: &mut u32) -> Option<()> {
    put(into, text.parse().ok().filter(|it| *it < CALL_CENTRE_FIRST))
}

/// How many there are of something: families have four places, and there is at least one.
fn size(text: &str, into: &mut u64) -> Option<()> {
    put(into, text.parse().ok().filter(|it| (8..1 << 40).contains(it)))
}

/// The beginning of a day of the log.
fn day(portal: &Portal, text: &str) -> Option<Moment> {
    let number: i64 = text.parse().ok().filter(|it| (0..100_000).contains(it))?;
    Some(Moment((portal.start.index(DAY_MS) + number) * DAY_MS))
}
