//! `darban demo`: the whole of darban in a minute, on one machine, without anything else.
//!
//! Nothing in it is special but where the log comes from and that the clock runs fast: the
//! consumer, the engine, the outbox, a receiver, the metrics and the pages are those of `run`.
//! What it says of itself at the end is compared with the labels of the traffic that it wrote.

mod account;
mod portal;
mod screen;

use super::{Failure, Output, exit};
use crate::alert::Alert;
use crate::causes::with_causes;
use crate::config::Config;
use crate::deliver::{self, Delivery, Outbox, Policy};
use crate::pipeline::judging::Judging;
use crate::pipeline::run::{self, Parts, Watcher};
use crate::pipeline::watch::Watch;
use crate::pipeline::{Keys, receivers};
use crate::scenarios::{Demo, config_toml};
use crate::serve::Serve;
use crate::source::embedded::{Embedded, OwnTopic};
use crate::source::kafka::{self, Fault};
use crate::time::{Clock, Moment, wall};
use account::Account;
use portal::{Pen, Progress};
use screen::{Screen, Told};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The topic of the embedded broker.
const TOPIC: &str = "gateway-access";
const PARTITIONS: i32 = 3;
/// How long what waits for the terminal may take at the end.
const LAST_DELIVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A cluster of yours to go through instead of the embedded broker, host:port,...
    #[arg(long)]
    brokers: Option<String>,
    /// A topic of that cluster to write to and read; without it one is made and deleted again
    #[arg(long, requires = "brokers")]
    topic: Option<String>,
    /// End by itself after this many seconds; otherwise with Ctrl-C
    #[arg(long)]
    seconds: Option<u64>,
    /// Another seed gives other people and other ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where pages and metrics are shown
    #[arg(long, default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |words: String| Failure::new(exit::INTERNAL, &words);
    let demo = Demo::new(arguments.seed, wall());
    let folder = std::env::temp_dir().join(format!("darban-demo-{}", std::process::id()));
    let cluster = Cluster::start(arguments).map_err(failed)?;
    let config = configuration(arguments, &demo, (&cluster, &folder))?;
    let shown = show(arguments, &demo, &config, (&cluster, &folder));
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::debug!("{} stays: {error}", folder.display());
    }
    shown
}

/// Runs the demo with everything that it needs outside itself.
fn show(
    arguments: &Arguments,
    demo: &Demo,
    config: &Config,
    (cluster, folder): (&Cluster, &Path),
) -> Result<(), Failure> {
    let failed = |words: String| Failure::new(exit::INTERNAL, &words);
    // Nobody in it is real, and with the public key one seed always shows the same.
    let keys = Keys::of_file_or_public(&folder.join("key")).map_err(|it| failed(it.to_string()))?.0;
    let runtime = super::run::runtime()?;
    let stop = super::run::stop_on_signal(&runtime);
    if let Some(seconds) = arguments.seconds {
        let flag = stop.clone();
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            flag.store(true, Relaxed);
        });
    }
    let outbox = Outbox::open(folder).map_err(|it| failed(it.to_string()))?;
    let clock = Clock::scaled(demo.clock_start(), demo.factor);
    let policy =
        Policy { late_after_ms: None, ..receivers::policy(config, "darban.toml").map_err(failed)? };
    let wording = policy.wording.clone();
    let screen = Screen::new(arguments.output, wording.clone(), stop.clone());
    let options = deliver::Options {
        receivers: receivers::receivers(config).map_err(failed)?,
        policy,
        reach: config.alert.reach.clone(),
        terminal: Box::new(Told::new(screen.clone())),
        ..deliver::Options::default()
    };
    let delivery = Delivery::start(options, outbox, clock, runtime.handle())
        .map_err(|it| failed(it.to_string()))?;
    let watch = Watch::new(config, &delivery, clock);
    let shared = watch.shared(wording, None);
    let serving = Serve::start(config.http.listen, shared, runtime.handle())
        .map_err(|it| failed(format!("{}; choose another with --listen", with_causes(&it))))?;
    screen.opening(demo, &config.http.external_url);
    let progress = Arc::new(Progress::default());
    let pen = Pen::new(&cluster.brokers(), cluster.topic(), clock).map_err(failed)?;
    let writer = portal::write(demo, pen, (progress.clone(), stop.clone()), screen.clone());
    let writer = writer.map_err(|it| failed(it.to_string()))?;
    let mut source = receivers::source(config, None);
    source.instance_id = None;
    let parts = Parts {
        source,
        keys: &keys,
        delivery: &delivery,
        standing: Vec::new(),
        recovered: None,
        strays: watch.strays(),
        clock,
        stop,
    };
    let account = Account::new(demo, clock);
    let mut shown = Shown { watch, screen: screen.clone(), progress, account, over: false };
    let stopped = parts.stop.clone();
    let outcome = run::run(config, parts, &mut shown);
    stopped.store(true, Relaxed);
    // A writer that panicked has said so; without its labels there is nothing to compare.
    let truth = writer.join().unwrap_or_default();
    serving.stop();
    runtime.block_on(delivery.stop(LAST_DELIVERY));
    let told = screen.closing(&shown.account, &truth);
    outcome.map_err(|it| Failure::new(exit::INTERNAL, &it)).and(told)
}

/// The broker: inside this process, or somebody's own.
enum Cluster {
    Embedded(Embedded),
    Own { brokers: String, topic: OwnTopic },
}

impl Cluster {
    fn start(arguments: &Arguments) -> Result<Self, String> {
        let Some(brokers) = arguments.brokers.clone() else {
            return Ok(Self::Embedded(Embedded::start(TOPIC, PARTITIONS)?));
        };
        let topic = match &arguments.topic {
            Some(name) => OwnTopic::existing(name),
            None => {
                let name = format!("darban-demo-{}", wall().0);
                OwnTopic::create(&brokers, &name, PARTITIONS)
                    .map_err(|it| format!("{it}; name one that may be written with --topic"))?
            }
        };
        Ok(Self::Own { brokers, topic })
    }

    fn brokers(&self) -> String {
        match self {
            Self::Embedded(broker) => broker.brokers(),
            Self::Own { brokers, .. } => brokers.clone(),
        }
    }

    fn topic(&self) -> &str {
        match self {
            Self::Embedded(_) => TOPIC,
            Self::Own { topic, .. } => topic.name(),
        }
    }

    /// Where to begin: what an earlier demo left in a topic is not this one's.
    const fn start_at(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "earliest",
            Self::Own { topic, .. } if topic.is_ours() => "earliest",
            Self::Own { .. } => "latest",
        }
    }
}

/// An alert is over after this long. The usual hour takes 150 ms here, which a busy machine lets
/// pass between two partitions' records: a harvest that goes on would be found again and again.
const RESOLVE_AFTER: &str = "1d";

fn configuration(
    arguments: &Arguments,
    demo: &Demo,
    (cluster, folder): (&Cluster, &Path),
) -> Result<Config, Failure> {
    let brokers: Vec<String> =
        cluster.brokers().split(',').map(|it| format!("{:?}", it.trim())).collect();
    let text = format!(
        "{}\n[source]\nbrokers = [{}]\ntopics = [{:?}]\ngroup = \"darban-demo-{}\"\n\
         start = \"{}\"\n[alert]\nresolve_after = \"{RESOLVE_AFTER}\"\n\
         [state]\ndirectory = {:?}\n[http]\nlisten = \"{}\"\n\
         [[receivers]]\nname = \"terminal\"\ntype = \"stdout\"\nformat = \"ndjson\"\n",
        config_toml(&demo.portal),
        brokers.join(", "),
        cluster.topic(),
        std::process::id(),
        cluster.start_at(),
        folder.display().to_string(),
        reachable(arguments.listen),
    );
    Config::parse_without_files(&text, Path::new("."))
        .map_err(|problems| Failure::new(exit::USAGE, &problems))
}

/// The address with a port that is free now where any would do, so that what is shown can lead
/// to the pages.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.port() > 0 {
        return listen;
    }
    TcpListener::bind(listen).and_then(|it| it.local_addr()).unwrap_or(listen)
}

/// Watches the daemon for the screen and for whoever scrapes it.
struct Shown<'a> {
    watch: Watch<'a>,
    screen: Screen,
    progress: Arc<Progress>,
    account: Account,
    /// It was said that everything has happened.
    over: bool,
}

impl Watcher for Shown<'_> {
    fn alert(&mut self, alert: &Alert) {
        self.watch.alert(alert);
    }

    fn progress(&mut self, progress: &[crate::engine::Progress]) {
        self.watch.progress(progress);
    }

    fn fault(&mut self, fault: &Fault) {
        self.screen.remark(&fault.words);
        self.watch.fault(fault);
    }

    fn tick(&mut self, judging: &mut Judging, kafka: &kafka::Stats, now: Moment) {
        self.progress.received.store(kafka.received, Relaxed);
        if !kafka.lag.is_empty() && !self.progress.assigned.swap(true, Relaxed) {
            self.screen.watching(self.account.elapsed_ms());
        }
        self.account.take(judging);
        self.screen.status(&self.account.status(now));
        if self.account.is_over(now) && !std::mem::replace(&mut self.over, true) {
            self.screen.over();
        }
        self.watch.tick(judging, kafka, now);
    }
}
