//! A second darban on the same state directory, which waits for the first one to be gone.
//!
//! The owner holds a lock on the directory that the system takes away with its process, however that
//! ends; so there is never more than one, and nobody has to be voted for. A process that is merely
//! stopped keeps it: its supervisor has to end it. Whoever gets the lock goes on with snapshot and
//! journal, and joins the group under the same instance id, which gives it every partition at once
//! and turns away a former owner that the lock did not know of (one on another machine whose lock
//! has lapsed).
//!
//! A standby has pages of its own for a probe, where the owner's are not at the same address. On one
//! machine the address is free for a moment whenever the owner changes, so a standby takes it only
//! once the owner has said in the lock's file that it serves, and gives it back when there is an owner
//! who has not.

use crate::config::Config;
use crate::pipeline::supervisor::Supervisor;
use crate::serve::{Board, Readiness, Running, Serve, Shared};
use crate::state::{Directory, Ours};
use crate::telemetry::Telemetry;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Between two looks at the lock.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Looks within which a standby has left the address of an owner's pages, with requests under way.
pub(super) const LEAVES_WITHIN: u32 = 20;
/// The supervisor is told once a second.
const LOOKS_A_TICK: u64 = 5;
/// What a standby is not ready for.
const OWNER: &str = "state directory ours";

/// Waits for the directory to be ours, and whether it had to wait; `None` where darban is asked to end
/// before.
///
/// # Errors
/// Where the disk refuses.
pub(super) fn wait(
    directory: &Directory,
    config: &Config,
    runtime: &Runtime,
    stop: &AtomicBool,
) -> io::Result<Option<(Ours, bool)>> {
    let mut pages = Pages::default();
    let mut supervisor = Supervisor::default();
    for look in 0_u64.. {
        if stop.load(Relaxed) {
            break;
        }
        match directory.lock() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
            taken => {
                pages.close();
                return taken.map(|ours| Some((ours, look > 0)));
            }
        }
        if look == 0 {
            tracing::info!("standby: {} has an owner", config.state.directory.display());
        }
        if directory.owner_serves() {
            pages.open(config, runtime);
        } else {
            pages.close();
        }
        if look % LOOKS_A_TICK == 0 {
            supervisor.tick(0, "standby: another darban has the state directory");
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(None)
}

/// A standby's own pages.
#[derive(Debug, Default)]
struct Pages {
    serving: Option<Running>,
    /// Tried once for an owner that serves: where the owner has the address, it keeps it.
    is_tried: bool,
}

impl Pages {
    fn open(&mut self, config: &Config, runtime: &Runtime) {
        if !std::mem::replace(&mut self.is_tried, true) {
            self.serving = serve(config, runtime);
        }
    }

    fn close(&mut self) {
        self.serving.take().into_iter().for_each(Running::stop);
        self.is_tried = false;
    }
}

/// Answers whoever asks for our health, unless the owner does so at this address.
fn serve(config: &Config, runtime: &Runtime) -> Option<Running> {
    let readiness = Readiness::new(&[]);
    readiness.set(OWNER, false, "standby: another darban has it");
    let shared = Shared {
        telemetry: Arc::new(Telemetry::new(&[], &[])),
        board: Arc::<Mutex<Board>>::default(),
        unwatched: Arc::default(),
        readiness: Arc::new(readiness),
        wording: Arc::default(),
        silences: None,
    };
    let serving = Serve::start(config.http.listen, shared, runtime.handle());
    serving.inspect_err(|error| tracing::info!("standby without health pages: {error}")).ok()
}
