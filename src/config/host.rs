//! `[engine]`, `[state]`, `[http]` and `[privacy]`: what darban uses of its machine.

use super::document::{Files, Node};
use super::files::{self, Secret};
use super::shapes::{duration, flag, path, socket, url, whole};
use super::table::Table;
use crate::time::{HOUR_MS, SECOND_MS};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Threads at most: state lies in 64 shards, and more threads would have none.
pub const THREADS_MAX: u64 = 64;
/// The least of everything that is bounded by shard: one for each of the 64.
const SHARDED_MIN: u64 = 64;

/// Bytes of a token at least: 24 of base64 are 144 bits.
const TOKEN_BYTES_MIN: usize = 24;

/// What is kept, where, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// Where outbox, snapshots and journals lie.
    pub directory: PathBuf,
    /// Milliseconds between two snapshots.
    pub snapshot_every_ms: i64,
    /// Journals stay when their snapshots go, for comparison runs.
    pub keep_journal: bool,
    /// Profiles (a client key on a route), all shards together.
    pub profiles_max: u64,
    /// Profiles with names, examples and a large sketch beside them, all shards together.
    pub suspects_max: u64,
    /// Pairs of client and subject in a generation of novelty, all shards together.
    pub novelty_pairs_max: u64,
    /// Records in a generation of novelty, all shards together.
    pub novelty_records_max: u64,
}

/// The pages and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where they are served.
    pub listen: SocketAddr,
    /// What people's browsers reach them by; without a slash at the end.
    pub external_url: String,
    /// What programs that change silences have to hold; `None` and nobody changes any.
    pub token: Option<Secret>,
}

impl HttpConfig {
    /// The origin of the pages, as browsers write it.
    #[must_use]
    pub fn origin(&self) -> String {
        let url = reqwest::Url::parse(&self.external_url).ok();
        url.map(|it| it.origin().ascii_serialization()).unwrap_or_default()
    }
}

/// Whose secrets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyConfig {
    /// The key of hashes and alert ids; made at the first run.
    pub key_file: PathBuf,
}

/// Threads of the engine; `None` for one a core.
pub(super) fn threads(mut table: Table<'_>) -> Option<Option<usize>> {
    table.or("threads", "\"auto\"", |node: &Node<'_>| {
        let number = whole(1..=THREADS_MAX);
        node.shape_around(&number, |number| json!({ "anyOf": [{ "const": "auto" }, number] }))?;
        match node.value.as_str() {
            Some("auto") => Some(None),
            Some(_) => node.refuse(&format!("\"auto\" or a number from 1 to {THREADS_MAX}")),
            None => Some(usize::try_from(number(node)?).ok()),
        }
    })
}

pub(super) fn state(mut table: Table<'_>) -> Option<StateConfig> {
    let directory = table.or("directory", "\"/var/lib/darban\"", path);
    let every = table.or("snapshot_every", "\"60s\"", duration(SECOND_MS..=HOUR_MS));
    let keep_journal = table.or("keep_journal", "false", flag);
    let mut bound = |key, default| table.or(key, default, whole(SHARDED_MIN..=10_000_000_000));
    let profiles_max = bound("profiles_max", "1_000_000");
    let suspects_max = bound("suspects_max", "64_000");
    let novelty_pairs_max = bound("novelty_pairs_max", "16_000_000");
    let novelty_records_max = bound("novelty_records_max", "8_000_000");
    Some(StateConfig {
        directory: directory?,
        snapshot_every_ms: every?,
        keep_journal: keep_journal?,
        profiles_max: profiles_max?,
        suspects_max: suspects_max?,
        novelty_pairs_max: novelty_pairs_max?,
        novelty_records_max: novelty_records_max?,
    })
}

pub(super) fn http(mut table: Table<'_>) -> Option<HttpConfig> {
    let listen = table.or("listen", "\"127.0.0.1:9464\"", socket);
    let external = table.optional("external_url", url);
    let token = table.optional("token_file", token);
    let listen = listen?;
    let external_url = external.unwrap_or_else(|| format!("http://{listen}"));
    let external_url = external_url.trim_end_matches('/').to_owned();
    Some(HttpConfig { listen, external_url, token })
}

/// A token that nobody guesses and a header can hold.
fn token(node: &Node<'_>) -> Option<Secret> {
    let secret = files::secret(node)?;
    let (text, unread) = (secret.reveal(), node.document.files == Files::Leave);
    let fits = text.len() >= TOKEN_BYTES_MIN && text.bytes().all(|it| it.is_ascii_graphic());
    if unread || fits {
        return Some(secret);
    }
    let allowed = format!("a file with one word of at least {TOKEN_BYTES_MIN} letters and digits");
    node.note("names a file that holds no token".to_owned(), Some(&allowed), None)
}

/// The key lies in the state's directory unless it is said otherwise: whoever moves the one moves
/// the other.
pub(super) fn privacy(mut table: Table<'_>, state: Option<&StateConfig>) -> Option<PrivacyConfig> {
    let beside = state.map(|state| state.directory.join("key")).unwrap_or_default();
    let default = toml::Value::String(beside.display().to_string()).to_string();
    let key_file = match state {
        Some(_) => table.or("key_file", &default, path),
        None => table.optional("key_file", path),
    };
    Some(PrivacyConfig { key_file: key_file? })
}
