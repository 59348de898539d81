//! One attempt over HTTP.
//!
//! No redirects and no proxy from the environment: an address in the configuration is the only
//! place that a page may go to, and whoever controls the variables of a process must not read
//! it. Errors are described without their address, which may hold a password.

use super::retry::{self, Reply};
use crate::alert::escape_text;
use crate::time::Moment;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use std::time::Duration;

/// Time for one attempt, unless configured: PagerDuty and Alertmanager answer in well under one
/// second, and a page must not wait longer for its second attempt.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Time for the connection alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: less than the minute at which many balancers drop it
/// silently, after which the next page would hang until its timeout.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a refusal that are read, for the log.
const REFUSAL_BYTES_MAX: usize = 1_024;

/// The client that all targets share.
///
/// # Errors
/// Where the machine has no usable root certificates.
pub(super) fn client(timeout: Duration) -> Result<Client, reqwest::Error> {
    // The second call in a process finds the first one's provider; both are the same.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("darban/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Posts JSON; how it ended, and what the receiver said where it refused.
pub(super) async fn post(
    client: &Client,
    url: &Url,
    body: Vec<u8>,
    now: Moment,
) -> (Reply, String) {
    let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return (Reply::None, why(error)),
    };
    let code = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
    let retry_after_ms = header.and_then(|it| retry::retry_after_ms(it, now));
    let said = if response.status().is_success() { String::new() } else { refusal(response).await };
    (Reply::Status { code, retry_after_ms }, said)
}

/// The start of a refusal's body, fit for a log.
async fn refusal(mut response: Response) -> String {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > REFUSAL_BYTES_MAX {
            break;
        }
    }
    bytes.truncate(REFUSAL_BYTES_MAX);
    format!("{status}: {}", escape_text(&String::from_utf8_lossy(&bytes)))
}

/// An error with its causes, less the address.
fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    escape_text(&text).into_owned()
}
