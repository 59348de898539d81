//! Every metric: name, kind, labels, meaning, and what an operator does when it moves.
//!
//! Dashboards, rules and the runbook are tested against this list, so a name that is not here
//! cannot be drawn or alerted on. No label ever holds a client or a subject: what a stranger
//! chooses would otherwise decide how many series there are, and a metric store has other readers
//! than the alert's page has.

use super::kept;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Only rises; `_total` in its name.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by upper bound, in the unit of the name.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// `darban_<thing>_<unit>[_total]`.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means: the help text of the exposition.
    pub help: &'static str,
    /// What an operator does when it moves.
    pub action: &'static str,
}

/// From a request to its judgement: from well within a slice to a backlog of a day.
const LAG_BOUNDS: &[f64] =
    &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0];
/// From an alert to its receiver's answer: from a local Alertmanager to a night of retries.
const NOTIFY_BOUNDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3_600.0];

pub(super) const RECEIVED: Metric = counter(
    "darban_records_received_total",
    &[],
    "Log records taken from Kafka, counted before decoding: with those unwrapped as many as decoded and refused together.",
    "If darban_records_total stays behind it for more than seconds, decoding is the bottleneck: give it cores (threads).",
);
pub(super) const RECORDS: Metric = counter(
    "darban_records_total",
    &["outcome"],
    "Log records read, by what decoding made of them: decoded or refused.",
    "If it stands still, see consumer lag: with lag nothing is read, without lag nothing is written. If refusals rise, see darban_refused_records_total.",
);
pub(super) const UNWRAPPED: Metric = counter(
    "darban_unwrapped_records_total",
    &[],
    "Access records found in batches, beyond the first of each log record.",
    "Above zero a gateway or shipper sends batches. If darban_refused_records_total{reason=\"too_many\"} rises as well, let it send fewer at a time.",
);
pub(super) const DECODED: Metric = counter(
    "darban_decoded_records_total",
    &["format"],
    "Records decoded, by access-log format.",
    "A format that appears or vanishes means a gateway changed its log format; pin decode.format once it is right.",
);
pub(super) const REFUSED: Metric = counter(
    "darban_refused_records_total",
    &["reason"],
    "Records that could not be decoded and so were not judged, by reason.",
    "Run darban check --sample on some lines of the topic; what is refused is not watched.",
);
pub(super) const SKIPPED: Metric = counter(
    "darban_skipped_records_total",
    &["reason"],
    "Records decoded that are no look-up, by reason.",
    "no_route: an API may have a new path that no [[routes]] covers. no_subject, no_key: a template or a client key no longer fits the log.",
);
pub(super) const UNWATCHED: Metric = gauge(
    "darban_unwatched_routes",
    &[],
    "Paths with people on them that no [[routes]] covers, found in what was answered in the last day.",
    "Open the page /unwatched: it has the route that would watch each. A path that names nobody gets the class public.",
);
pub(super) const LOOKUPS: Metric = counter(
    "darban_lookups_total",
    &["route"],
    "Look-ups judged, by route.",
    "A route that falls to nothing is not watched any more: compare its path template with the gateway.",
);
pub(super) const EVENT_LAG: Metric = Metric {
    shape: Shape::Histogram(LAG_BOUNDS),
    ..gauge(
        "darban_event_time_lag_seconds",
        &[],
        "Time from a request, by the gateway's clock, to its judgement.",
        "An attack is paged no sooner than this. Find out whether records come late (gateway, shipper) or are read late (consumer lag).",
    )
};
pub(super) const CONSUMER_LAG: Metric = gauge(
    "darban_consumer_lag_records",
    &["topic", "partition"],
    "Records of a partition that were written and not yet read.",
    "Rising: darban is too slow or stuck; look at CPU, at darban_last_poll_timestamp_seconds and at the brokers.",
);
pub(super) const LAST_POLL: Metric = gauge(
    "darban_last_poll_timestamp_seconds",
    &[],
    "When records were last asked for, in Unix time; 0 before the first time.",
    "Older than a minute: the pipeline stands still; take its log and restart it.",
);
pub(super) const COMMITS: Metric = counter(
    "darban_commits_total",
    &["outcome"],
    "Offset commits, by outcome: ok or failed.",
    "Failed commits cost a re-read after a restart; see the log for the broker's reason.",
);
pub(super) const HOLES: Metric = counter(
    "darban_offset_holes_total",
    &[],
    "Gaps in a partition's offsets: compacted, transactional or lost records.",
    "Compaction must be off on access-log topics; else look for lost records at the broker.",
);
pub(super) const DUPLICATES: Metric = counter(
    "darban_duplicates_dropped_total",
    &[],
    "Records read again and dropped, because they had been judged before.",
    "A burst after a rebalance or restart is normal; a steady flow is not: look for two consumers.",
);
pub(super) const COVERAGE_GAP: Metric = counter(
    "darban_coverage_gap_records_total",
    &[],
    "Records that were deleted by the broker before they were read, and so never judged.",
    "Look-ups in the gap were watched by nobody: replay them from another store of the log, and lengthen the topic's retention.",
);
pub(super) const STANDSTILLS: Metric = counter(
    "darban_standstills_total",
    &[],
    "Times that darban stood still for longer than its group waits, gave up what it had fetched and asked for its partitions again.",
    "Find what stopped the process: a suspended machine, a frozen container, no CPU. Until it went on, nobody watched.",
);
pub(super) const HELD_BACK: Metric = counter(
    "darban_partitions_held_back_total",
    &[],
    "Times that a partition was paused because it was far ahead of the others in a backlog.",
    "Normal while a backlog is read. Without one, a partition is stuck or its stamps are old: see consumer lag by partition.",
);
pub(super) const CUTS: Metric = counter(
    "darban_cuts_total",
    &[],
    "Slices of time closed and judged.",
    "Standing still while records are read: a partition holds the slice open; see consumer lag by partition.",
);
pub(super) const CUTS_WITHOUT: Metric = counter(
    "darban_cuts_without_partition_total",
    &[],
    "Slices closed without a partition that said nothing for too long.",
    "Records of a partition stand in the log and do not come: look for one without a leader.",
);
pub(super) const LATE: Metric = counter(
    "darban_late_lookups_total",
    &[],
    "Look-ups whose slice was closed already; judged in the next one.",
    "Harmless in small numbers; many mean that partitions are far apart in time.",
);
pub(super) const CLAMPED: Metric = counter(
    "darban_clamped_records_total",
    &[],
    "Records whose event time was too far from their record time and was clamped.",
    "A gateway's clock is wrong: see NTP there.",
);
pub(super) const NOVEL: Metric = counter(
    "darban_first_contacts_total",
    &[],
    "Look-ups that brought a client and a subject together for the first time.",
    "Evidence comes from these alone; a jump without a jump in look-ups is a memory lost or an attack.",
);
pub(super) const PROFILES: Metric = gauge(
    "darban_profiles",
    &[],
    "Profiles held: one for each client key and route.",
    "Near state.profiles_max, profiles are evicted: raise the limit if memory allows.",
);
pub(super) const SUSPECTS: Metric = gauge(
    "darban_suspects",
    &[],
    "Profiles under suspicion, not yet alerted.",
    "No action by itself; a steep rise together with look-ups is a campaign in the making.",
);
pub(super) const STATE_BYTES: Metric = gauge(
    "darban_state_bytes",
    &[],
    "Memory that the engine's state takes.",
    "Compare with the memory limit of the unit or container.",
);
pub(super) const EVICTIONS: Metric = counter(
    "darban_evictions_total",
    &["what"],
    "What had to be forgotten or turned away for want of room: profile, suspect or alert.",
    "Raise state.profiles_max. Evicted suspects can hide an attacker: look for a flood of new client keys.",
);
pub(super) const ROTATIONS: Metric = counter(
    "darban_filter_rotations_total",
    &["what"],
    "Generations of a filter given up early because they were full: pairs or records.",
    "Memory is shorter than configured: raise state.novelty_pairs_max or state.novelty_records_max.",
);
pub(super) const ALERTS: Metric = counter(
    "darban_alerts_total",
    &["kind", "severity", "mode"],
    "Alerts raised; one raised as a ticket and later lifted to a page counts once as each.",
    "More pages than detect.pages_per_week allows: see the runbook page of the kind.",
);
pub(super) const ALERTS_OPEN: Metric = gauge(
    "darban_alerts_open",
    &["severity", "mode"],
    "Alerts open now.",
    "Open /alerts and work from the first page down.",
);
pub(super) const ALERT_RECORDS: Metric = gauge(
    "darban_alert_records",
    &["alert", "kind", "route", "key_kind", "severity"],
    "Distinct records that left to the clients of an open alert; for at most 50 open alerts.",
    "The size of the breach so far: block the client first, then count.",
);
pub(super) const ALERT_RATIO: Metric = gauge(
    "darban_alert_beyond_ratio",
    &["alert", "kind", "route"],
    "How many times the expected quantity an open alert's clients did; for at most 50 open alerts.",
    "A low ratio that rises slowly is a patient harvester; see the alert's page.",
);
pub(super) const NOTIFICATIONS: Metric = counter(
    "darban_notifications_total",
    &["receiver", "outcome"],
    "Notifications by outcome: sent, retried, dead (refused for good or a day old) or budgeted (held back by the page budget).",
    "dead: somebody was not told; see the log for the receiver's answer and work from /alerts.",
);
pub(super) const NOTIFY_SECONDS: Metric = Metric {
    shape: Shape::Histogram(NOTIFY_BOUNDS),
    ..gauge(
        "darban_notification_seconds",
        &["receiver"],
        "Time from an alert to its receiver's acceptance.",
        "Minutes mean retries: see the receiver's status page and the network between.",
    )
};
pub(super) const WAITING: Metric = gauge(
    "darban_notifications_waiting",
    &["receiver"],
    "Notifications that wait for a receiver.",
    "Above zero for minutes: the receiver is down or refuses; tell people by other means.",
);
pub(super) const SILENCED: Metric = counter(
    "darban_silenced_total",
    &[],
    "Alert changes that a silence held back.",
    "Check that silences still say what they were meant for, and that they end.",
);
pub(super) const LATE_ALERTS: Metric = counter(
    "darban_late_alerts_total",
    &[],
    "Alert changes found in a backlog more than an hour old.",
    "What they tell is over: read them by day, and find out why darban was behind.",
);
pub(super) const ORPHANED: Metric = counter(
    "darban_orphaned_notifications_total",
    &[],
    "Notifications that waited for a receiver that is not configured any more.",
    "Read /alerts: what was meant for the old receiver reached nobody.",
);
pub(super) const OUTBOX_BYTES: Metric = gauge(
    "darban_outbox_bytes",
    &[],
    "Bytes in the outbox file of notifications.",
    "Grows while a receiver is down; see darban_notifications_waiting.",
);
pub(super) const OUTBOX_FAILURES: Metric = counter(
    "darban_outbox_failures_total",
    &[],
    "Writes to the outbox that the disk refused; such alerts are sent from memory.",
    "Free the disk under state.directory: until then a restart loses what waits.",
);
pub(super) const OUTBOX_DAMAGED: Metric = counter(
    "darban_outbox_damaged_rows_total",
    &[],
    "Rows of the outbox that could not be read at start.",
    "The disk or a crash cut the file; compare /alerts with what the receivers got.",
);
pub(super) const BUILD: Metric = gauge(
    "darban_build_info",
    &["version"],
    "1, labelled with the version that runs.",
    "A change is a deployment: read changes of other metrics in its light.",
);

/// Everything that darban counts itself.
pub const CATALOGUE: &[Metric] = &[
    RECEIVED,
    RECORDS,
    UNWRAPPED,
    DECODED,
    REFUSED,
    SKIPPED,
    UNWATCHED,
    LOOKUPS,
    EVENT_LAG,
    CONSUMER_LAG,
    LAST_POLL,
    COMMITS,
    HOLES,
    DUPLICATES,
    COVERAGE_GAP,
    STANDSTILLS,
    HELD_BACK,
    CUTS,
    CUTS_WITHOUT,
    LATE,
    CLAMPED,
    NOVEL,
    PROFILES,
    SUSPECTS,
    STATE_BYTES,
    EVICTIONS,
    ROTATIONS,
    ALERTS,
    ALERTS_OPEN,
    ALERT_RECORDS,
    ALERT_RATIO,
    NOTIFICATIONS,
    NOTIFY_SECONDS,
    WAITING,
    SILENCED,
    LATE_ALERTS,
    ORPHANED,
    OUTBOX_BYTES,
    OUTBOX_FAILURES,
    OUTBOX_DAMAGED,
    kept::SNAPSHOTS,
    kept::SNAPSHOT_BYTES,
    kept::SNAPSHOT_TIME,
    kept::SNAPSHOT_PAUSE,
    kept::JOURNAL_FAILURES,
    BUILD,
];

/// What the operating system says of the process.
pub const PROCESS: &[Metric] = &[
    counter(
        "process_cpu_seconds_total",
        &[],
        "Total user and system CPU time spent in seconds.",
        "At one core for each worker darban is saturated: add partitions and instances.",
    ),
    gauge(
        "process_open_fds",
        &[],
        "Number of open file descriptors.",
        "Near process_max_fds: raise LimitNOFILE; look for a leak.",
    ),
    gauge(
        "process_max_fds",
        &[],
        "Maximum number of open file descriptors.",
        "The limit of the unit or container.",
    ),
    gauge(
        "process_virtual_memory_bytes",
        &[],
        "Virtual memory size in bytes.",
        "None; resident memory is what counts.",
    ),
    gauge(
        "process_resident_memory_bytes",
        &[],
        "Resident memory size in bytes.",
        "Compare with darban_state_bytes; the rest is buffers.",
    ),
    gauge(
        "process_start_time_seconds",
        &[],
        "Start time of the process since unix epoch in seconds.",
        "A change is a restart: see the log for why.",
    ),
    gauge(
        "process_threads",
        &[],
        "Number of OS threads in the process.",
        "Should not change after start.",
    ),
];

type Labels = &'static [&'static str];
type Text = &'static str;

pub(super) const fn counter(name: Text, labels: Labels, help: Text, action: Text) -> Metric {
    Metric { name, shape: Shape::Counter, labels, help, action }
}

pub(super) const fn gauge(name: Text, labels: Labels, help: Text, action: Text) -> Metric {
    Metric { name, shape: Shape::Gauge, labels, help, action }
}
