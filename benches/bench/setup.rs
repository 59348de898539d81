//! Files of a run: the rows, and darban's configuration.

use crate::Failure;
use crate::kafka::TOPIC;
use crate::traffic::portal;
use darban::scenarios::config_toml;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A folder that is gone after the run.
pub(crate) struct Setup(PathBuf);

impl Setup {
    pub(crate) fn new() -> Result<Self, Failure> {
        let name = format!("bench-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// The rows' file.
    pub(crate) fn rows(&self) -> PathBuf {
        self.0.join("rows")
    }

    /// The configuration of the engine alone.
    pub(crate) fn config(&self) -> Result<PathBuf, Failure> {
        self.write("engine", "127.0.0.1:9092")
    }

    /// The configuration of a daemon that has never run before.
    pub(crate) fn daemon(&self, broker: &str, round: usize) -> Result<PathBuf, Failure> {
        self.write(&format!("round-{round}"), broker)
    }

    /// One key for all, so that alerts have the same ids; state and group of each are its own.
    fn write(&self, name: &str, broker: &str) -> Result<PathBuf, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let portal = config_toml(&portal());
        let text = format!(
            r#"
[source]
brokers = ["{broker}"]
topics = ["{TOPIC}"]
group = "{name}"
instance_id = "{name}"
start = "earliest"
[state]
directory = "{name}"
[privacy]
key_file = "key"
[http]
listen = "127.0.0.1:{port}"
[[receivers]]
name = "terminal"
type = "stdout"
severity = ["page", "ticket"]
format = "ndjson"
{portal}"#
        );
        let path = self.0.join(format!("{name}.toml"));
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}
