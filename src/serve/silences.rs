//! `/api/silences`: what `darban silence` does, for programs that hold the token.
//!
//! The pages can be read by whoever reaches them; what changes who is told needs a token from a
//! file, and where none is configured there is nothing here. A browser never holds it, so a request
//! that one sends for another site is refused before the token is looked at: by `Sec-Fetch-Site`,
//! which a page cannot forge, and by `Origin`, for browsers that have only that. The file and the
//! log beside it are the same as those of the command, and the same rules judge what is written.

use super::router::json;
use crate::alert::{Silence, Silences};
use crate::deliver::{
    Changer, Secret, SilenceChange, SilenceChangeError, change_silences, read_silences,
};
use crate::time::wall;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get};
use axum::{Router, body::Bytes};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json as object};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Bytes of a silence at most: a reason is a sentence.
const BODY_BYTES_MAX: usize = 16 * 1_024;

/// What the silences are changed with.
pub struct SilenceDesk {
    /// Their file.
    pub path: PathBuf,
    /// What a program has to hold.
    pub token: Secret,
    /// The origin of our own pages.
    pub origin: String,
    /// The names of the routes: a silence for another could match nothing.
    pub routes: Vec<String>,
    /// Makes the daemon read the file at once.
    pub hurry: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for SilenceDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SilenceDesk").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a silence is ended, and by whom.
#[derive(Deserialize)]
struct Ending {
    reason: String,
    author: String,
}

pub(super) fn router(desk: Arc<SilenceDesk>) -> Router {
    Router::new()
        .route("/api/silences", get(list).post(add))
        .route("/api/silences/{id}", delete(expire))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&desk), admit))
        .with_state(desk)
}

/// Lets those in who may be here.
async fn admit(State(desk): State<Arc<SilenceDesk>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_own(headers, &desk.origin) {
        return refused(StatusCode::FORBIDDEN, &["a page of another site may not do this"]);
    }
    if !holds_token(headers, &desk.token) {
        let mut response = refused(StatusCode::UNAUTHORIZED, &["the token is missing or wrong"]);
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        return response;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_json = kind.is_some_and(|it| it.split(';').next() == Some("application/json"));
    if request.method() == Method::POST && !is_json {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &["send application/json"]);
    }
    next.run(request).await
}

/// Whether no other site's page has sent this.
fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    let header = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or("?"));
    let site = header("sec-fetch-site").is_none_or(|it| ["same-origin", "none"].contains(&it));
    site && header("origin").is_none_or(|it| it == origin)
}

/// Whether the token is there, compared in a time that tells nothing of it.
fn holds_token(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let given = given.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    let expected = hmac::sign(&key, token.expose().as_bytes());
    !token.expose().is_empty() && hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

async fn list(State(desk): State<Arc<SilenceDesk>>) -> Response {
    let read = spawn_blocking(move || match read_silences(&desk.path) {
        Ok(text) => Ok(text.unwrap_or_default()),
        Err(error) => Err(vec![error.to_string()]),
    });
    let text = read.await.unwrap_or_else(|error| Err(vec![error.to_string()]));
    match text.and_then(|it| Silences::parse(&it)) {
        Ok(silences) => {
            let rows: Vec<Value> = silences.list().iter().map(row).collect();
            json(StatusCode::OK, &object!({ "silences": rows }))
        }
        Err(problems) => refused(StatusCode::INTERNAL_SERVER_ERROR, &problems),
    }
}

async fn add(State(desk): State<Arc<SilenceDesk>>, body: Bytes) -> Response {
    let silence = match asked(&body, &desk.routes) {
        Ok(silence) => silence,
        Err(problems) => return refused(StatusCode::BAD_REQUEST, &problems),
    };
    let author = silence.author.clone().unwrap_or_default();
    let change = SilenceChange::Add(Box::new(silence));
    changed(desk, change, author, StatusCode::CREATED).await
}

async fn expire(
    State(desk): State<Arc<SilenceDesk>>,
    Path(id): Path<String>,
    Query(ending): Query<Ending>,
) -> Response {
    if ending.reason.trim().is_empty() || ending.author.trim().is_empty() {
        return refused(StatusCode::BAD_REQUEST, &["reason and author: say why, and who you are"]);
    }
    let change = SilenceChange::Expire { id, reason: ending.reason };
    changed(desk, change, ending.author, StatusCode::OK).await
}

async fn changed(
    desk: Arc<SilenceDesk>,
    change: SilenceChange,
    author: String,
    status: StatusCode,
) -> Response {
    let changer = Changer { who: format!("{author}, by token"), via: "http" };
    let done = spawn_blocking(move || {
        let done = change_silences(&desk.path, &change, &changer, wall());
        if done.is_ok() {
            (desk.hurry)();
        }
        done
    });
    match done.await {
        Ok(Ok(silences)) => {
            let rows: Vec<Value> = silences.iter().map(row).collect();
            json(status, &object!({ "silences": rows }))
        }
        Ok(Err(error)) => {
            let status = match error {
                SilenceChangeError::Unknown(_) => StatusCode::NOT_FOUND,
                SilenceChangeError::File { .. } => StatusCode::CONFLICT,
                SilenceChangeError::Disk { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            };
            tracing::warn!(%error, "the silences were not changed");
            refused(status, &[error.to_string()])
        }
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &[error.to_string()]),
    }
}

/// The silence in a body, or everything that is wrong with it. The keys, their form and the words
/// are those of the file.
fn asked(body: &[u8], routes: &[String]) -> Result<Silence, Vec<String>> {
    let value: Value = serde_json::from_slice(body).map_err(|error| vec![error.to_string()])?;
    let rows = toml::Table::try_from(object!({ "silence": [value] }));
    let text = rows.map_err(|error| vec![error.to_string()])?.to_string();
    let in_place = |it: String| it.strip_prefix("silence[0].").unwrap_or(&it).to_owned();
    let silences = Silences::parse(&text)
        .map_err(|problems| problems.into_iter().map(in_place).collect::<Vec<_>>())?;
    let silence = silences.list().first().cloned().ok_or_else(|| vec!["is empty".to_owned()])?;
    let mut problems = Vec::new();
    if silence.author.is_none() {
        problems.push("author: is required".to_owned());
    }
    if silence.until <= wall() {
        problems.push("until: must be in the future".to_owned());
    }
    if silence.route.as_ref().is_some_and(|it| !routes.contains(it)) {
        problems.push(format!("route: is none of {}", routes.join(", ")));
    }
    if problems.is_empty() { Ok(silence) } else { Err(problems) }
}

fn row(silence: &Silence) -> Value {
    silence.listed(wall())
}

fn refused(status: StatusCode, problems: &[impl serde::Serialize]) -> Response {
    json(status, &object!({ "errors": problems }))
}
