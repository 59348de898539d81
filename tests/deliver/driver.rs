//! The running delivery against receivers that fail.

use super::pagerduty::{Fault, PagerDutyStandIn};
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::wait::wait_until;
use darban::alert::{Alert, Silences, Status};
use darban::deliver::outbox::FILE_NAME;
use darban::deliver::{
    Delivery, Endpoint, Format, Internal, Options, Outbox, Policy, Reach, ReceiverKind,
    ReceiverSpec, Secret, SilenceFile,
};
use darban::time::{Clock, DAY_MS, wall};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ROUTING_KEY: &str = "0123456789abcdefSECRET9876543210";
/// How much faster than the machine's the clock of these tests runs, so that seconds of back-off
/// take milliseconds.
const FACTOR: i64 = 100;
/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Short enough for tests in which no answer comes.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(300);

/// A delivery with a runtime and a terminal of its own.
pub(super) struct Running {
    pub(super) delivery: Delivery,
    runtime: Option<tokio::runtime::Runtime>,
    terminal: Terminal,
}

#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Running {
    pub(super) fn start(scratch: &Scratch, receivers: Vec<ReceiverSpec>, policy: Policy) -> Self {
        Self::impatient(scratch, receivers, policy, PATIENCE)
    }

    /// One that waits only so long for an answer.
    pub(super) fn impatient(
        scratch: &Scratch,
        receivers: Vec<ReceiverSpec>,
        policy: Policy,
        timeout: Duration,
    ) -> Self {
        Self::with_clock(scratch, receivers, policy, timeout, Clock::scaled(wall(), FACTOR))
    }

    fn with_clock(
        scratch: &Scratch,
        receivers: Vec<ReceiverSpec>,
        policy: Policy,
        timeout: Duration,
        clock: Clock,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let terminal = Terminal::default();
        let options = Options {
            receivers,
            policy,
            timeout,
            reach: Reach {
                internal: vec![Internal::parse("127.0.0.1").unwrap()],
                ..Reach::default()
            },
            terminal: Box::new(terminal.clone()),
            ..Options::default()
        };
        let outbox = Outbox::open(scratch.path()).unwrap();
        let delivery = Delivery::start(options, outbox, clock, runtime.handle()).unwrap();
        Self { delivery, runtime: Some(runtime), terminal }
    }

    pub(super) fn offer(&self, alert: &Alert) {
        self.delivery.offer(vec![alert.clone()]).unwrap();
    }

    pub(super) fn settled(&self) {
        wait_until("everything to be sent", || self.delivery.pending() == 0);
    }

    pub(super) fn printed(&self) -> String {
        String::from_utf8(self.terminal.0.lock().unwrap().clone()).unwrap()
    }

    pub(super) fn stop(&self) -> usize {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(self.delivery.stop(Duration::from_secs(20)))
    }
}

/// As a kill ends it: in the middle of whatever it does.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn pager(stand_in: &PagerDutyStandIn) -> ReceiverSpec {
    let url = Endpoint::pagerduty(&stand_in.url).unwrap();
    let kind = ReceiverKind::Pagerduty { url, routing_key: Secret::new(ROUTING_KEY) };
    ReceiverSpec { name: "pager".to_owned(), severity: Vec::new(), kind }
}

pub(super) fn stdout() -> ReceiverSpec {
    let kind = ReceiverKind::Stdout { format: Format::Ndjson };
    ReceiverSpec { name: "stdout".to_owned(), severity: Vec::new(), kind }
}

#[test]
fn a_harvest_is_one_incident_and_the_next_one_another() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
    let fired = page("a");
    let updated = then(&fired, Status::Updated);
    let resolved = then(&updated, Status::Resolved);
    for alert in [&fired, &updated, &resolved, &fired, &updated, &resolved, &page("b")] {
        running.offer(alert);
        running.settled();
    }
    running.offer(&ticket("c"));
    running.settled();
    let incidents: Vec<_> =
        pagerduty.incidents().into_iter().map(|it| (it.dedup_key, it.open, it.triggers)).collect();
    assert_eq!(incidents, [("a".to_owned(), false, 2), ("b".to_owned(), true, 1)]);
    assert_eq!(pagerduty.refused(), Vec::<String>::new());
    let stats = running.delivery.stats();
    assert_eq!((stats.receivers[0].sent, stats.receivers[0].waiting), (4, 0));
    assert!(stats.receivers[0].last_success.is_some());
    assert_eq!(running.delivery.take_seconds().len(), 4);
}

#[test]
fn whatever_goes_wrong_once_the_page_arrives_once() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(302),
        Fault::Status(429),
        Fault::Throttled(30),
        Fault::Hang,
        Fault::ReplyLost,
    ] {
        let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
        pagerduty.fail_next(&[fault]);
        let receivers = vec![pager(&pagerduty)];
        let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
        running.offer(&page("a"));
        running.settled();
        let keys: Vec<_> = pagerduty.incidents().into_iter().map(|it| it.dedup_key).collect();
        assert_eq!(keys, ["a"], "{fault:?}");
        assert!(running.delivery.stats().receivers[0].retried >= 1, "{fault:?}");
    }
}

/// How fast the clock runs of a day that nobody waits for.
const A_DAY_IN_SECONDS: i64 = 7_200;
/// Pages and tickets of that day, each with changes.
const OF_A_DAY: usize = 200;

#[test]
fn after_a_day_without_a_receiver_every_page_arrives_once_and_what_waited_is_forgotten() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    pagerduty.fail_always(Some(Fault::Status(503)));
    let clock = Clock::scaled(wall(), A_DAY_IN_SECONDS);
    let receivers = vec![pager(&pagerduty)];
    let running = Running::with_clock(&scratch, receivers, Policy::default(), PATIENCE, clock);
    let begun = clock.now();
    for at in 0..OF_A_DAY {
        let fired = page(&format!("page-{at}"));
        running.offer(&fired);
        running.offer(&then(&fired, Status::Updated));
        running.offer(&ticket(&format!("ticket-{at}")));
    }
    wait_until("a day is over", || clock.now().since(begun) > DAY_MS);
    assert_eq!(pagerduty.incidents().len(), 0);
    let waiting = running.delivery.stats().receivers[0].waiting;
    assert!((OF_A_DAY..=2 * OF_A_DAY).contains(&waiting), "{waiting}");
    pagerduty.fail_always(None);
    running.settled();
    let incidents: Vec<String> = pagerduty.incidents().into_iter().map(|it| it.dedup_key).collect();
    let pages: BTreeSet<&str> = incidents.iter().map(String::as_str).collect();
    assert_eq!((incidents.len(), pages.len()), (OF_A_DAY, OF_A_DAY));
    assert_eq!(running.delivery.stats().receivers[0].waiting, 0);
}

#[test]
fn what_pagerduty_calls_invalid_is_sent_once_and_holds_up_nothing() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    pagerduty.fail_next(&[Fault::Status(400)]);
    let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
    running.offer(&page("a"));
    running.offer(&page("b"));
    running.settled();
    let stats = running.delivery.stats();
    assert_eq!((stats.receivers[0].dead, stats.receivers[0].sent), (1, 1));
    assert_eq!((pagerduty.requests(), pagerduty.incidents().len()), (2, 1));
}

#[test]
fn a_receiver_that_hangs_delays_no_other() {
    let (hanging, well, scratch) =
        (PagerDutyStandIn::start(), PagerDutyStandIn::start(), Scratch::new());
    hanging.fail_always(Some(Fault::Hang));
    let second = ReceiverSpec { name: "second".to_owned(), ..pager(&well) };
    let receivers = vec![pager(&hanging), second, stdout()];
    let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
    for at in 0..20 {
        running.offer(&page(&format!("a{at}")));
    }
    wait_until("the others to be told", || {
        well.incidents().len() == 20 && running.printed().lines().count() == 20
    });
    let stats = running.delivery.stats();
    assert_eq!((stats.receivers[0].sent, stats.receivers[0].waiting), (0, 20));
    hanging.fail_always(None);
    running.settled();
    assert_eq!(hanging.incidents().len(), 20);
}

#[test]
fn a_page_that_was_offered_survives_a_kill_and_is_not_repeated_after_it() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let (first, second) = (page("first"), page("second"));
    {
        let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
        running.offer(&first);
        running.settled();
        // Refused once and told to wait for an hour: nothing is under way when the kill comes.
        pagerduty.fail_always(Some(Fault::Throttled(3_600)));
        let before = pagerduty.requests();
        running.offer(&second);
        wait_until("the second to be refused", || pagerduty.requests() > before);
    }
    pagerduty.fail_always(None);
    let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
    running.settled();
    // The records behind both are read again, as after a crash before the commit.
    running.offer(&first);
    running.offer(&second);
    running.offer(&then(&first, Status::Resolved));
    running.settled();
    let incidents: Vec<_> =
        pagerduty.incidents().into_iter().map(|it| (it.dedup_key, it.open, it.triggers)).collect();
    assert_eq!(incidents, [("first".to_owned(), false, 1), ("second".to_owned(), true, 1)]);
}

#[test]
fn after_an_end_a_replay_over_a_kill_opens_nothing() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let fired = page("a");
    let resolved = then(&fired, Status::Resolved);
    for _ in 0..3 {
        let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
        running.offer(&fired);
        running.offer(&resolved);
        running.settled();
    }
    assert_eq!(pagerduty.incidents().len(), 1);
    assert_eq!(pagerduty.requests(), 2);
}

#[test]
fn stopping_sends_what_is_due_and_leaves_the_rest_for_the_next_start() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    pagerduty.fail_always(Some(Fault::Throttled(3_600)));
    let running = Running::start(&scratch, vec![pager(&pagerduty), stdout()], Policy::default());
    running.offer(&page("a"));
    assert_eq!(running.stop(), 1);
    assert_eq!(running.printed().lines().count(), 1);
    pagerduty.fail_always(None);
    let running = Running::start(&scratch, vec![pager(&pagerduty), stdout()], Policy::default());
    running.settled();
    assert_eq!(pagerduty.incidents().len(), 1);
    assert_eq!((running.printed().as_str(), running.stop()), ("", 0));
}

#[test]
fn a_silenced_alert_is_counted_and_not_told() {
    let text = "[[silence]]\nclient = \"clinic-*\"\nuntil = 2999-01-01T00:00:00Z\nreason = \"r\"";
    let silences = Silences::parse(text).unwrap();
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let policy = Policy { silences, ..Policy::default() };
    let running = Running::start(&scratch, vec![pager(&pagerduty), stdout()], policy);
    let fired = page("a");
    running.offer(&fired);
    running.offer(&then(&fired, Status::Resolved));
    running.settled();
    assert_eq!((pagerduty.requests(), running.printed().as_str()), (0, ""));
    assert_eq!(running.delivery.stats().silenced, 1);
}

#[test]
fn a_silence_is_taken_and_taken_back_without_a_restart() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let file = scratch.path().join("silences.toml");
    let (silence_file, silences) = SilenceFile::open(&file).unwrap();
    let policy = Policy { silences, silence_file: Some(silence_file), ..Policy::default() };
    let running = Running::start(&scratch, vec![pager(&pagerduty)], policy);
    let hurry = running.delivery.hurry();
    let text = "[[silence]]\nclient = \"clinic-*\"\nuntil = 2999-01-01T00:00:00Z\nreason = \"r\"";
    std::fs::write(&file, text).unwrap();
    // Each is a new alert; from the look at the file on, they are silenced.
    let mut at = 0;
    wait_until("the silence to be taken", || {
        hurry();
        at += 1;
        running.offer(&page(&at.to_string()));
        running.delivery.stats().silenced == 1
    });
    running.settled();
    let told = pagerduty.requests();
    assert_eq!(told, at - 1);
    std::fs::write(&file, "[[silence]]\nclient = 17").unwrap();
    hurry();
    std::fs::write(&file, "# nothing").unwrap();
    wait_until("the silenced alert to be told", || {
        hurry();
        pagerduty.requests() == told + 1
    });
    running.stop();
}

#[test]
fn no_secret_is_in_the_outbox_or_shown() {
    let (pagerduty, scratch) = (PagerDutyStandIn::start(), Scratch::new());
    let options = Options { receivers: vec![pager(&pagerduty)], ..Options::default() };
    assert!(!format!("{options:?}").contains("SECRET"));
    let running = Running::start(&scratch, vec![pager(&pagerduty)], Policy::default());
    running.offer(&page("a"));
    running.settled();
    assert_eq!(pagerduty.incidents().len(), 1);
    assert!(!format!("{:?}", running.delivery).contains("SECRET"));
    let text = std::fs::read_to_string(scratch.path().join(FILE_NAME)).unwrap();
    assert!(text.contains("clinic-17") && !text.contains("SECRET"));
}

#[test]
fn the_outbox_stays_small_however_much_passes_through_it() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch, vec![stdout()], Policy::default());
    let mut alert = page("a");
    for _ in 0..5_000 {
        running.offer(&alert);
        alert = then(&alert, Status::Updated);
    }
    running.settled();
    wait_until("the file to be written anew", || {
        running.offer(&alert);
        alert = then(&alert, Status::Updated);
        running.delivery.stats().outbox_bytes < 1_000_000
    });
    running.settled();
    let ids: Vec<String> = running.printed().lines().map(str::to_owned).collect();
    assert!(ids.len() > 5_000);
    assert_eq!(running.stop(), 0);
    assert!(Outbox::open(scratch.path()).unwrap().take_recalled().iter().all(|it| !it.waits));
}
