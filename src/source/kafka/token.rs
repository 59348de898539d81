//! A token for brokers that want one (SASL OAUTHBEARER): OAuth's client credentials grant.
//!
//! librdkafka could fetch it by itself where it is built with libcurl. We have a client for HTTP
//! already, and a second one, with a TLS and a list of authorities of its own, would be one more thing
//! to keep. librdkafka asks when it begins, and again when four fifths of a token's life are over, on
//! the thread that polls; so a token endpoint that hangs costs a few seconds of reading at a time, and
//! nothing that was read. What it answers goes to the broker, which alone judges it.

use crate::causes::with_causes;
use crate::time::{Moment, SECOND_MS};
use rdkafka::client::OAuthToken;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, Response, Url, redirect};
use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Time for one attempt; librdkafka makes the next one ten seconds later.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer at most: a token with a hundred groups in it has some kilobytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of a refusal that are told.
const WORDS_MAX: usize = 200;
/// How long a token lives where the answer does not say (RFC 6749, 5.1, merely recommends it).
const LIFE_MS: i64 = 300 * SECOND_MS;
/// Beyond it a year stands for any: sums must not overflow.
const LIFE_MAX_MS: i64 = 366 * 24 * 3_600 * SECOND_MS;

/// Where tokens come from, and as whom they are asked for.
#[derive(Clone)]
pub struct TokenSource {
    /// The token endpoint.
    pub url: String,
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What the token shall be good for, where the endpoint wants to hear it.
    pub scope: Option<String>,
    /// Authorities that are believed beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What an endpoint answers (RFC 6749, 5.1).
#[derive(serde::Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds.
    expires_in: Option<i64>,
}

impl TokenSource {
    /// Fetches a token; blocks for at most five seconds.
    ///
    /// # Errors
    /// Where the endpoint does not answer with one. The words hold no secret.
    pub(super) fn fetch(&self, now: Moment) -> Result<OAuthToken, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(self.ask())?;
        let life_ms = answer.expires_in.map_or(LIFE_MS, |it| it.saturating_mul(SECOND_MS));
        Ok(OAuthToken {
            token: answer.access_token,
            principal_name: self.client_id.clone(),
            lifetime_ms: now.plus(life_ms.clamp(SECOND_MS, LIFE_MAX_MS)).0,
        })
    }

    async fn ask(&self) -> Result<Answer, Box<dyn Error>> {
        let url = Url::parse(&self.url).ok().filter(is_token_address);
        let url = url.ok_or("token_url is no https address")?;
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(self.scope.as_deref().map(|it| ("scope", it)));
        let post =
            self.client()?.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        // Both are encoded before they are joined (RFC 6749, 2.3.1).
        let (id, secret) = (form(&[(&self.client_id, "")]), form(&[(&self.client_secret, "")]));
        let (id, secret) = (id.trim_end_matches('='), secret.trim_end_matches('='));
        let sent = post.basic_auth(id, Some(secret)).body(form(&fields)).send().await;
        let response = sent.map_err(|it| in_words(&it.without_url()))?;
        let status = response.status();
        let bytes = bytes(response).await?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.chars().take(WORDS_MAX).collect::<String>();
            let words = format!("the token endpoint answers {status}: {}", text.escape_debug());
            return Err(words.into());
        }
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|_| "the token endpoint answers without an access_token")?;
        Ok(answer)
    }

    fn client(&self) -> Result<Client, Box<dyn Error>> {
        // The second call in a process finds the first one's provider; both are the same.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("darban/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.ca_file {
            builder = builder.tls_certs_merge(Certificate::from_pem_bundle(&std::fs::read(path)?)?);
        }
        Ok(builder.build()?)
    }
}

/// Whether a secret may be sent there: over TLS, or to this machine.
#[must_use]
pub fn is_token_address(url: &Url) -> bool {
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_here = match url.host_str() {
        Some(host) => {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|it| it.is_loopback())
        }
        None => false,
    };
    let is_safe = url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_here;
    is_bare && is_safe
}

async fn bytes(mut response: Response) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|it| in_words(&it.without_url()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err("the token endpoint answers more than 64 KiB".into());
        }
    }
    Ok(bytes)
}

/// Fields as a form has them.
fn form(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.as_ref().and_then(Url::query).unwrap_or_default().to_owned()
}

fn in_words(error: &dyn Error) -> String {
    format!("the token endpoint does not answer: {}", with_causes(error).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_out_encrypted_or_stays_on_this_machine() {
        let may = |it: &str| Url::parse(it).is_ok_and(|it| is_token_address(&it));
        for good in [
            "https://login.example.org/realms/a/protocol/openid-connect/token",
            "https://10.0.0.7:8443/token",
            "http://127.0.0.1:8080/token",
            "http://[::1]/token",
            "http://localhost/token",
        ] {
            assert!(may(good), "{good}");
        }
        for bad in [
            "http://login.example.org/token",
            "http://127.0.0.1.example.org/token",
            "https://user:word@login.example.org/token",
            "https://login.example.org/token#a",
            "ftp://127.0.0.1/token",
            "token",
        ] {
            assert!(!may(bad), "{bad}");
        }
    }

    #[test]
    fn fields_are_encoded_as_forms_are() {
        let fields = [("grant_type", "client_credentials"), ("scope", "a b&c=d+é")];
        assert_eq!(form(&fields), "grant_type=client_credentials&scope=a+b%26c%3Dd%2B%C3%A9");
    }
}
