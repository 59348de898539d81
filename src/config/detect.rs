//! `[detect]` and `[alert]`: how much evidence an alert needs, and what becomes of it.

use super::classes::{ClassSpec, MODES};
use super::host::HttpConfig;
use super::shapes::{duration, host, internal, list, number, one_of, path, readable, text, whole};
use super::table::Table;
use crate::alert::Mode;
use crate::attribute::{ClassId, RouteId};
use crate::deliver::Reach;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use std::path::PathBuf;

/// Contacts for each page that is accepted, at least: below it the ticket level, a hundred times
/// more frequent than pages, would hardly be evidence.
const CONTACTS_PER_PAGE_MIN: f64 = 10_000.0;

/// How much evidence an alert needs.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectConfig {
    /// Contacts a week, times the keys that each is judged for.
    pub contacts_per_week: f64,
    /// False pages a week that are accepted.
    pub pages_per_week: f64,
    /// The page level of log E in nats: ln(`contacts_per_week` / `pages_per_week`).
    pub h: f64,
    /// Length of a slice in milliseconds.
    pub slice_ms: i64,
    /// How long a client's contact with a subject is remembered at least, in milliseconds.
    pub novelty_horizon_ms: i64,
    /// How long it is remembered that anybody read a record at least, in milliseconds.
    pub cold_horizon_ms: i64,
    /// The file of decoys' hashes, as `darban hash-ids` writes it.
    pub decoys_file: Option<PathBuf>,
    /// The same of watched subjects.
    pub watched_file: Option<PathBuf>,
}

/// What becomes of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertConfig {
    /// Whether alerts may page, where neither route nor class says otherwise.
    pub mode: Mode,
    /// What each route says, by [`RouteId`].
    pub route_modes: Vec<Option<Mode>>,
    /// What each class says, by [`ClassId`].
    pub class_modes: Vec<Option<Mode>>,
    /// A ticket with this many records out is a page.
    pub records_out_page: u64,
    /// An alert resolves after this many milliseconds of quiet.
    pub resolve_after_ms: i64,
    /// An open alert is sent again when its picture has grown this many times.
    pub update_factor: f64,
    /// Tickets and updates an hour and receiver; what is beyond goes into one summary.
    pub notifications_per_hour: u32,
    /// The file of silences. It need not be there yet.
    pub silences: Option<PathBuf>,
    /// Where receivers may be.
    pub reach: Reach,
    /// Where the runbook's pages are, without a slash at the end: a folder or a web address.
    pub runbooks: String,
}

impl AlertConfig {
    /// Lets links lead to the pages that the daemon serves, where nothing else was configured.
    pub(super) fn with_own_runbooks(mut self, http: &HttpConfig) -> Self {
        if self.runbooks.is_empty() {
            self.runbooks = format!("{}/runbooks", http.external_url);
        }
        self
    }

    /// Whether an alert may page. Route and class count more than the whole; where they differ,
    /// the quieter one counts.
    #[must_use]
    pub fn mode_of(&self, route: RouteId, class: ClassId) -> Mode {
        let route = self.route_modes.get(usize::from(route.0)).copied().flatten();
        let class = self.class_modes.get(usize::from(class.0)).copied().flatten();
        match (route, class) {
            (Some(Mode::Observe), _) | (_, Some(Mode::Observe)) => Mode::Observe,
            (Some(Mode::Page), _) | (_, Some(Mode::Page)) => Mode::Page,
            (None, None) => self.mode,
        }
    }
}

pub(super) fn detect(mut table: Table<'_>) -> Option<DetectConfig> {
    let contacts = table.or("contacts_per_week", "70_000_000", number(1.0..=1e15));
    let pages = table.or("pages_per_week", "1.0", number(1e-6..=1e6));
    let slice = table.or("slice", "\"1s\"", duration(100..=MINUTE_MS));
    let novelty = table.or("novelty_horizon", "\"7d\"", duration(HOUR_MS..=60 * DAY_MS));
    let cold = table.or("cold_horizon", "\"1d\"", duration(HOUR_MS..=60 * DAY_MS));
    let decoys_file = table.optional("decoys_file", readable);
    let watched_file = table.optional("watched_file", readable);
    let (contacts_per_week, pages_per_week) = (contacts?, pages?);
    let ratio = contacts_per_week / pages_per_week;
    if ratio < CONTACTS_PER_PAGE_MIN {
        let what = format!("allows a page every {} contacts", ratio.round());
        let allowed = format!("one page in at least {CONTACTS_PER_PAGE_MIN} contacts_per_week");
        table.fault("pages_per_week", &what, &allowed);
        return None;
    }
    Some(DetectConfig {
        contacts_per_week,
        pages_per_week,
        h: ratio.ln(),
        slice_ms: slice?,
        novelty_horizon_ms: novelty?,
        cold_horizon_ms: cold?,
        decoys_file,
        watched_file,
    })
}

pub(super) fn alert(
    mut table: Table<'_>,
    route_modes: Vec<Option<Mode>>,
    classes: &[ClassSpec],
) -> Option<AlertConfig> {
    let mode = table.or("mode", "\"page\"", one_of(MODES));
    let records_out_page = table.or("records_out_page", "1000", whole(1..=1_000_000_000));
    let resolve_after = table.or("resolve_after", "\"1h\"", duration(SECOND_MS..=30 * DAY_MS));
    let update_factor = table.or("update_factor", "3.0", number(1.1..=1_000.0));
    let notifications = table.or("notifications_per_hour", "60", whole(1..=100_000));
    let silences = table.optional("silences", path);
    let runbooks = table.optional("runbooks", text).unwrap_or_default();
    let allowed = table.or("receiver_hosts", "[]", list("host names", host));
    let internal = table.or("internal_hosts", "[]", list("hosts and networks", internal));
    Some(AlertConfig {
        mode: mode?,
        route_modes,
        class_modes: classes.iter().map(|class| class.mode).collect(),
        records_out_page: records_out_page?,
        resolve_after_ms: resolve_after?,
        update_factor: update_factor?,
        notifications_per_hour: u32::try_from(notifications?).ok()?,
        silences,
        reach: Reach { allowed: allowed?, internal: internal? },
        runbooks: runbooks.trim_end_matches('/').to_owned(),
    })
}
