//! `darban demo`: the whole of darban in a minute, on one machine, without anything else.

use super::terminal::{self, Printer};
use super::{Failure, exit};
use crate::alert::text::{Role, Wording, block};
use crate::alert::{Alert, Mode, Severity};
use crate::config::Config;
use crate::decode::Format;
use crate::deliver::{self, Delivery, Outbox, Policy};
use crate::pipeline::judging::Judging;
use crate::pipeline::run::{self, Parts, Watcher};
use crate::pipeline::watch::Watch;
use crate::pipeline::{Keys, receivers};
use crate::scenarios::{Demo, Harvested, Truth, Writer, config_toml};
use crate::serve::Serve;
use crate::source::embedded::{Embedded, Producer};
use crate::source::kafka::{self, Fault, Start};
use crate::time::{Clock, Moment, wall};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const TOPIC: &str = "gateway-access";
const PARTITIONS: i32 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A cluster of yours to go through instead of the embedded broker, host:port,...; the topic
    /// gateway-access must exist there
    #[arg(long)]
    brokers: Option<String>,
    /// End by itself after this many seconds; otherwise with Ctrl-C
    #[arg(long)]
    seconds: Option<u64>,
    /// Another seed gives other people and other ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the pages are shown
    #[arg(long, default_value = "127.0.0.1:9464")]
    listen: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |words: String| Failure::new(exit::INTERNAL, &words);
    let demo = Demo::new(arguments.seed, wall());
    let folder = std::env::temp_dir().join(format!("darban-demo-{}", std::process::id()));
    let config = configuration(arguments, &demo, &folder)?;
    let keys = Keys::of_file_or_new(&folder.join("key")).map_err(|it| failed(it.to_string()))?;
    let embedded = match &arguments.brokers {
        Some(_) => None,
        None => Some(Embedded::start(TOPIC, PARTITIONS).map_err(failed)?),
    };
    let brokers =
        embedded.as_ref().map_or_else(|| arguments.brokers.clone(), |it| Some(it.brokers()));
    let brokers = brokers.unwrap_or_default();
    let runtime = super::run::runtime()?;
    let stop = super::run::stop_on_signal(&runtime);
    if let Some(seconds) = arguments.seconds {
        let flag = stop.clone();
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            flag.store(true, Relaxed);
        });
    }
    let outbox = Outbox::open(&folder).map_err(|it| failed(it.to_string()))?;
    let clock = Clock::scaled(demo.portal.start, demo.factor);
    let options = deliver::Options { policy: Policy::default(), ..deliver::Options::default() };
    let delivery = Delivery::start(options, outbox, clock, runtime.handle())
        .map_err(|it| failed(it.to_string()))?;
    let mut shown = Shown::new(&config, &delivery, clock)?;
    let shared = shown.watch.shared(shown.wording.clone());
    let serving = Serve::start(config.http.listen, shared, runtime.handle())
        .map_err(|it| failed(super::run::with_cause(&it)))?;
    shown.opening(&format!("http://{}/alerts", serving.addr))?;
    let truth = Arc::new(Mutex::new(Truth::new(&demo.harvests)));
    let writer = write(&demo, &brokers, clock, (truth.clone(), stop.clone())).map_err(failed)?;
    let mut source = receivers::source(&config, None);
    source.brokers = vec![brokers];
    source.instance_id = None;
    source.start = Start::Earliest;
    let parts = Parts {
        source,
        keys: &keys,
        delivery: &delivery,
        standing: Vec::new(),
        clock,
        stop: stop.clone(),
    };
    let outcome = run::run(&config, parts, &mut shown);
    stop.store(true, Relaxed);
    // What it wrote is all that it had to say.
    let _ended = writer.join();
    serving.stop();
    runtime.block_on(delivery.stop(Duration::from_secs(1)));
    let told = shown.closing(&truth.lock().unwrap_or_else(PoisonError::into_inner), clock.now());
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::debug!("{} stays: {error}", folder.display());
    }
    outcome.map_err(|it| Failure::new(exit::INTERNAL, &it)).and(told)
}

fn configuration(arguments: &Arguments, demo: &Demo, folder: &Path) -> Result<Config, Failure> {
    let text = format!(
        "{}\n[source]\nbrokers = [\"127.0.0.1:9092\"]\ntopics = [\"{TOPIC}\"]\n\
         group = \"darban-demo-{}\"\n[state]\ndirectory = \"{}\"\n[http]\nlisten = \"{}\"\n",
        config_toml(&demo.portal),
        std::process::id(),
        folder.display(),
        arguments.listen
    );
    Config::parse_without_files(&text, &PathBuf::from("."))
        .map_err(|problems| Failure::new(exit::USAGE, &problems))
}

/// Writes the portal's log as its time comes.
fn write(
    demo: &Demo,
    brokers: &str,
    clock: Clock,
    (truth, stop): (Arc<Mutex<Truth>>, Arc<AtomicBool>),
) -> Result<std::thread::JoinHandle<()>, String> {
    let producer = Producer::new(brokers, TOPIC)?;
    let requests = demo.requests();
    let work = move || {
        let mut writer = Writer::new(Format::NginxJson);
        let mut line = Vec::new();
        for request in requests {
            while clock.now() < request.at && !stop.load(Relaxed) {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            if stop.load(Relaxed) {
                break;
            }
            line.clear();
            writer.write(&request, &mut line);
            let key = request.client.finest().1;
            if let Err(error) = producer.write(key.as_bytes(), request.at, &line) {
                terminal::complain(&format!("writing the demo's log: {error}"));
                break;
            }
            truth.lock().unwrap_or_else(PoisonError::into_inner).feed(&request);
        }
        producer.flush();
    };
    let thread = std::thread::Builder::new().name("demo-portal".to_owned());
    thread.spawn(work).map_err(|error| error.to_string())
}

struct Shown<'a> {
    watch: Watch<'a>,
    printer: Printer,
    wording: Wording,
    /// The last picture of every alert.
    alerts: BTreeMap<String, Alert>,
    started: Clock,
    assigned: bool,
}

impl<'a> Shown<'a> {
    fn new(config: &Config, delivery: &'a Delivery, clock: Clock) -> Result<Self, Failure> {
        let wording = receivers::policy(config, "darban.toml")
            .map_err(|words| Failure::new(exit::CONFIG, &words))?
            .wording;
        Ok(Self {
            watch: Watch::new(config, delivery, clock),
            printer: Printer::new(),
            wording,
            alerts: BTreeMap::new(),
            started: Clock::system(),
            assigned: false,
        })
    }

    fn opening(&mut self, pages: &str) -> Result<(), Failure> {
        let days = crate::scenarios::DEMO_DAYS;
        self.printer.line(&format!(
            "A vaccination portal and a register, {days} days in under two minutes. Three harvests \
             hide in them:"
        ))?;
        self.printer
            .line("  an address that takes the register's protocols one after the other,")?;
        self.printer.line("  a stolen login that reads people day and night,")?;
        self.printer.line("  an insider who looks up ten times as many people as ever before.")?;
        self.printer.line(&format!("Pages: {pages}   End: Ctrl-C\n"))?;
        self.printer.line("Waiting for the broker to give us our partitions (about 3 s) …")?;
        self.printer.flush()
    }

    /// What was found, against what was hidden.
    fn closing(&mut self, truth: &Truth, now: Moment) -> Result<(), Failure> {
        self.printer.line("")?;
        for harvest in truth.harvests() {
            let words = self.found(harvest, truth, now);
            self.printer.line(&words)?;
        }
        let known = |alert: &&Alert| {
            let keys = truth.harvests().iter().flat_map(|it| &it.keys);
            let mut named = keys.filter(|key| names(alert, key));
            named.next().is_none() && alert.severity == Severity::Page && alert.mode == Mode::Page
        };
        let honest = self.alerts.values().filter(known).count();
        self.printer.line(&format!("pages for honest clients: {honest}"))?;
        self.printer.flush()
    }

    fn found(&self, harvest: &Harvested, truth: &Truth, now: Moment) -> String {
        let alerts: Vec<&Alert> = self
            .alerts
            .values()
            .filter(|alert| harvest.keys.iter().any(|key| names(alert, key)))
            .collect();
        let taken = truth.taken(harvest.label, now);
        let Some(alert) = alerts.iter().max_by_key(|it| it.severity) else {
            return format!("{}: not found yet; {taken} records taken", harvest.scenario);
        };
        let at_page = truth.taken(harvest.label, alert.fired_at);
        format!(
            "{}: {} alert(s), {:?} {}; {at_page} records taken when it fired, {taken} by now",
            harvest.scenario,
            alerts.len(),
            alert.severity,
            alert.clients.first().map_or("?", |it| it.id.as_str()),
        )
    }
}

fn names(alert: &Alert, key: &(crate::attribute::KeyKind, String)) -> bool {
    alert.clients.iter().any(|it| it.key == key.0 && it.id == key.1)
}

impl Watcher for Shown<'_> {
    fn alert(&mut self, alert: &Alert) {
        self.watch.alert(alert);
        self.alerts.insert(alert.id.clone(), alert.clone());
        for line in block(alert, &self.wording) {
            let style = match line.role {
                Role::Headline(Severity::Page) => terminal::PAGE,
                Role::Headline(Severity::Ticket) => terminal::TICKET,
                Role::Detail | Role::Step => terminal::FAINT,
            };
            let label = self.printer.styled(style, &line.label);
            let printed = self.printer.line(&format!("{label}{}", line.text));
            if printed.and_then(|()| self.printer.flush()).is_err() {
                return;
            }
        }
    }

    fn progress(&mut self, progress: &[crate::engine::Progress]) {
        self.watch.progress(progress);
    }

    fn fault(&mut self, fault: &Fault) {
        self.watch.fault(fault);
    }

    fn tick(&mut self, judging: &mut Judging, kafka: &kafka::Stats, now: Moment) {
        if !self.assigned && !kafka.lag.is_empty() {
            self.assigned = true;
            let words = format!("watching, {} ms after the start\n", self.started.elapsed_ms());
            // A terminal that is gone ends the demo elsewhere.
            let _printed = self.printer.line(&words).and_then(|()| self.printer.flush());
        }
        self.watch.tick(judging, kafka, now);
    }
}
