//! One attempt over HTTP.
//!
//! No redirects and no proxy from the environment: an address in the configuration is the only
//! place that a page may go to, and whoever controls the variables of a process must not read
//! it. What a name resolves to is judged here, between the answer and the connection, which goes
//! to the judged address and asks nobody again (`reach`). Errors are described without their
//! address, which may hold a password.

use super::reach::{Reach, ReachError, Trust};
use super::retry::{self, Reply};
use crate::alert::escape_text;
use crate::causes::with_causes;
use crate::time::Moment;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// Time for one attempt, unless configured: PagerDuty and Alertmanager answer in well under one
/// second, a receiver of webhooks is asked to answer within 15, and a page must not wait longer
/// for its second attempt.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the connection alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: less than the minute at which many balancers drop it
/// silently, after which the next page would hang until its timeout.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read, for the log and `darban alert test`.
const ANSWER_BYTES_MAX: usize = 1_024;

/// What turns names of hosts into addresses.
pub trait Names: Send + Sync + fmt::Debug {
    /// The addresses of a host. It may wait for the network.
    ///
    /// # Errors
    /// Where there are none, or nobody answers.
    fn look_up(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names that this machine knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok((host, 0).to_socket_addrs()?.map(|it| it.ip()).collect())
    }
}

/// A message on its way to one address.
pub(super) struct Request {
    pub(super) url: Url,
    /// Beside the type of the content, which is JSON.
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A message without headers of its own.
    pub(super) fn plain(url: &Url, body: Vec<u8>) -> Self {
        Self { url: url.clone(), headers: HeaderMap::new(), body }
    }
}

/// Judges the addresses of one target's host.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) reach: Reach,
    pub(super) trust: Trust,
    pub(super) names: Arc<dyn Names>,
}

impl Guard {
    /// The addresses of a host that may be connected to.
    fn admitted(&self, host: &str) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let found = self.names.look_up(host)?;
        let judged = found.iter().map(|it| (*it, self.reach.admit(host, *it, self.trust)));
        let (admitted, refused): (Vec<_>, Vec<_>) = judged.partition(|(_, it)| it.is_ok());
        let first = refused.into_iter().find_map(|(_, it)| it.err());
        match (admitted.is_empty(), first) {
            (true, Some(error)) => Err(Box::new(error)),
            (true, None) => Err(Box::new(io::Error::from(io::ErrorKind::HostUnreachable))),
            // The port of the address is put in by whoever connects.
            (false, _) => Ok(admitted.into_iter().map(|(it, _)| (it, 0).into()).collect()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = spawn_blocking(move || guard.admitted(&host)).await??;
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

/// The line to one target.
#[derive(Debug)]
pub(super) struct Line {
    client: Client,
    guard: Guard,
}

impl Line {
    /// # Errors
    /// Where the machine has no usable root certificates.
    pub(super) fn new(guard: Guard, timeout: Duration) -> Result<Self, reqwest::Error> {
        // The second call in a process finds the first one's provider; both are the same.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(guard.clone())
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("darban/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, guard })
    }

    /// Posts a message; how it ended, and what the receiver said.
    pub(super) async fn post(&self, request: Request, now: Moment) -> (Reply, String) {
        // Addresses that are no names are never resolved, so they are judged here.
        let judged: Result<(), ReachError> = self.guard.reach.check(&request.url, self.guard.trust);
        if let Err(error) = judged {
            return (Reply::None, format!("not sent: the address {error}"));
        }
        let json = HeaderValue::from_static("application/json");
        let posted = self.client.post(request.url).headers(request.headers);
        let response = match posted.header(CONTENT_TYPE, json).body(request.body).send().await {
            Ok(response) => response,
            Err(error) => return (Reply::None, in_words(&error.without_url())),
        };
        let code = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        let retry_after_ms = header.and_then(|it| retry::retry_after_ms(it, now));
        (Reply::Status { code, retry_after_ms }, answer(response).await)
    }
}

/// The start of an answer, fit for a log.
async fn answer(mut response: Response) -> String {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        "" => status.to_string(),
        text => format!("{status}: {}", escape_text(text)),
    }
}

/// An error with its causes, fit for a log.
pub(super) fn in_words(error: &dyn Error) -> String {
    escape_text(&with_causes(error)).into_owned()
}
