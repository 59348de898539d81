//! `darban run`: the daemon.

use super::{Failure, exit};
use super::{standby, terminal};
use crate::causes::with_causes;
use crate::config::Config;
use crate::deliver::{self, Delivery, Outbox};
use crate::pipeline::recover::{self, Recovered};
use crate::pipeline::run::{self, Parts};
use crate::pipeline::supervisor::Supervisor;
use crate::pipeline::watch::Watch;
use crate::pipeline::{Keys, Pool, receivers};
use crate::serve::{self, Running, Serve, Shared};
use crate::state::{Directory, Ours};
use crate::telemetry::logs;
use crate::time::{Clock, Moment};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long delivery may go on after the daemon was told to stop; the rest stays in the outbox.
const LAST_DELIVERY: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "/etc/darban/darban.toml")]
    config: PathBuf,
    /// Forgets what an earlier run has learned, also where a later version wrote it
    #[arg(long)]
    discard_state: bool,
    /// Waits until the state directory's owner is gone, and takes over
    #[arg(long)]
    standby: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    logs::start(logs::Look::Text, &filter).map_err(|it| Failure::new(exit::USAGE, &it))?;
    let config = Config::load(&arguments.config).map_err(|it| Failure::new(exit::CONFIG, &it))?;
    let wrong = |words: String| Failure::new(exit::CONFIG, &words);
    let specs = receivers::receivers(&config).map_err(wrong)?;
    let heartbeat = receivers::heartbeat(&config).map_err(wrong)?;
    let policy =
        receivers::policy(&config, &arguments.config.display().to_string()).map_err(wrong)?;
    let keys = Keys::of_file_or_new(&config.privacy.key_file).map_err(|error| {
        let path = config.privacy.key_file.display();
        Failure::new(exit::CONFIG, &format!("cannot read or make the key file {path}: {error}"))
    })?;
    let failed = |words: String| Failure::new(exit::INTERNAL, &words);
    let runtime = runtime()?;
    let (directory, stop) = (directory(&config, &keys)?, stop_on_signal(&runtime));
    let taken = match arguments.standby {
        true => standby::wait(&directory, &config, &runtime, &stop),
        false => directory.lock().map(|ours| Some((ours, false))),
    };
    let taken = taken.map_err(|error| {
        let path = config.state.directory.display();
        failed(format!("cannot take the state directory {path}: {error}"))
    })?;
    // Asked to end before the owner was gone.
    let Some((ours, took_over)) = taken else { return Ok(()) };
    let outbox = Outbox::open(&config.state.directory).map_err(|error| {
        let path = config.state.directory.display();
        failed(format!("cannot open the outbox in {path}: {error}"))
    })?;
    let standing = outbox.standing();
    let clock = Clock::system();
    let wording = policy.wording.clone();
    let options = deliver::Options {
        receivers: specs,
        policy,
        reach: config.alert.reach.clone(),
        terminal: Box::new(std::io::stdout()),
        heartbeat,
        ..deliver::Options::default()
    };
    let delivery = Delivery::start(options, outbox, clock, runtime.handle())
        .map_err(|error| failed(error.to_string()))?;
    hurry_on_hangup(&runtime, delivery.hurry());
    let silences = receivers::silence_desk(&config, delivery.hurry());
    let source = receivers::source(&config, host().as_deref().map(str::trim));
    let mut watch = Watch::new(&config, &delivery, clock);
    let (shared, strays) = (watch.shared(wording, silences), watch.strays());
    let serving = pages(&config, &shared, &runtime, (&ours, took_over))?;
    let start = (arguments.discard_state, clock.now());
    let recovered = Some(recovered(&config, &keys, &directory, start)?);
    let parts = Parts {
        source,
        keys: &keys,
        delivery: &delivery,
        standing,
        recovered,
        strays,
        clock,
        stop,
    };
    let outcome = run::run(&config, parts, &mut watch);
    Supervisor::stopping();
    serving.into_iter().for_each(Running::stop);
    let left = runtime.block_on(delivery.stop(LAST_DELIVERY));
    if left > 0 {
        terminal::remark(&format!("{left} notifications stay in the outbox for the next start"));
    }
    outcome.map_err(|error| match error {
        run::Error::Setup(words) => Failure::new(exit::CONFIG, &words),
        other => Failure::new(exit::INTERNAL, &other),
    })
}

/// Serves the pages, and says so to whoever waits. One that took over goes on without them where the
/// address is another program's: what was watched is watched on.
fn pages(
    config: &Config,
    shared: &Shared,
    runtime: &Runtime,
    (ours, took_over): (&Ours, bool),
) -> Result<Option<Running>, Failure> {
    match serve(config, shared, runtime) {
        Ok(serving) => {
            tracing::info!("pages and metrics on http://{}", serving.addr);
            if let Err(error) = ours.serves() {
                tracing::warn!("standbys do not hear that pages are served: {error}");
            }
            Ok(Some(serving))
        }
        Err(error) if took_over && is_in_use(&error) => {
            tracing::error!("going on without pages and metrics: {}", with_causes(&error));
            Ok(None)
        }
        Err(error) => Err(Failure::new(exit::INTERNAL, &with_causes(&error))),
    }
}

fn is_in_use(error: &serve::Error) -> bool {
    let serve::Error::Listen { source, .. } = error;
    source.kind() == ErrorKind::AddrInUse
}

/// Serves the pages; a standby that has their address is given time to leave it.
fn serve(config: &Config, shared: &Shared, runtime: &Runtime) -> Result<Running, serve::Error> {
    let mut tries = 0..standby::LEAVES_WITHIN;
    loop {
        match Serve::start(config.http.listen, shared.clone(), runtime.handle()) {
            Err(error) if is_in_use(&error) && tries.next().is_some() => {
                std::thread::park_timeout(standby::LOOK_EVERY);
            }
            other => return other,
        }
    }
}

/// This machine's name.
fn host() -> Option<String> {
    // The one is hidden in a sandbox, the other is not there in a container.
    let mut files = ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter();
    files.find_map(|it| std::fs::read_to_string(it).ok())
}

/// Where things are kept.
fn directory(config: &Config, keys: &Keys) -> Result<Directory, Failure> {
    let path = &config.state.directory;
    Directory::open(path, keys.state.clone(), config.state.keep_journal).map_err(|error| {
        let words = format!("cannot use the state directory {}: {error}", path.display());
        Failure::new(exit::INTERNAL, &words)
    })
}

/// What an earlier run has kept.
fn recovered(
    config: &Config,
    keys: &Keys,
    directory: &Directory,
    (discard, now): (bool, Moment),
) -> Result<Recovered, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(exit::INTERNAL, error);
    if discard {
        directory.discard().map_err(|it| failed(&it))?;
        tracing::warn!("what earlier runs have learned is thrown away, as asked");
    }
    let start = (Pool::new(run::threads(config)), now);
    let found = recover::recover(config, keys, directory, start);
    let recovered = found.map_err(|error| match error {
        recover::Error::Setup(words) => Failure::new(exit::CONFIG, &words),
        other => failed(&other),
    })?;
    recovered.refused.iter().for_each(|it| tracing::error!("{it}"));
    match &recovered.snapshot {
        Some(meta) => tracing::info!(
            "going on with snapshot {} of {} and {} cuts after it",
            meta.number,
            meta.made_at,
            recovered.judging.to_replay()
        ),
        None if recovered.refused.is_empty() => {
            tracing::info!("nothing was kept yet: every baseline is learned from here on");
        }
        None => tracing::error!(
            "starting cold: no snapshot can be read, so every baseline is learned anew"
        ),
    }
    Ok(recovered)
}

/// The runtime of delivery and the pages: one thread is plenty.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|error| {
        Failure::new(exit::INTERNAL, &format!("cannot start the runtime: {error}"))
    })
}

/// A flag that SIGTERM and SIGINT set.
pub(super) fn stop_on_signal(runtime: &Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    runtime.spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        flag.store(true, Relaxed);
    });
    stop
}

/// On SIGHUP the file of silences is read at once and not within a minute. Without this the signal,
/// which many an administrator sends by habit, would end the daemon.
fn hurry_on_hangup(runtime: &Runtime, hurry: impl Fn() + Send + 'static) {
    runtime.spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        while hangup.recv().await.is_some() {
            hurry();
        }
    });
}
