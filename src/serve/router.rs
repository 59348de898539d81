//! Paths to answers, and the server's life.

use super::listener::Bounded;
use super::silences::{self, SilenceDesk};
use super::{Board, Readiness, Unwatched, case, pages, runbooks, unwatched};
use crate::alert::escape_json;
use crate::alert::text::Wording;
use crate::telemetry::Telemetry;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, serve};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long requests under way may take once the server stops.
const STOP_AFTER: Duration = Duration::from_secs(3);

/// What the server shows. Others hold the same and change it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The metrics.
    pub telemetry: Arc<Telemetry>,
    /// The alerts.
    pub board: Arc<Mutex<Board>>,
    /// The paths that no route watches.
    pub unwatched: Arc<Mutex<Unwatched>>,
    /// Whether darban watches.
    pub readiness: Arc<Readiness>,
    /// What the pages' words point to.
    pub wording: Arc<Wording>,
    /// What programs with a token change silences with; `None` where there is no token.
    pub silences: Option<Arc<SilenceDesk>>,
}

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("listening on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The server.
#[derive(Debug)]
pub struct Serve;

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the port is the real one where 0 was asked for.
    pub addr: SocketAddr,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Serve {
    /// Listens and answers from now on, on the runtime of `handle`. Not to be called from inside
    /// that runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(listen: SocketAddr, shared: Shared, handle: &Handle) -> Result<Running, Error> {
        let failed = |source| Error::Listen { listen, source };
        let listener = handle.block_on(TcpListener::bind(listen)).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = serve(Bounded::new(listener), router(shared)).with_graceful_shutdown(async {
            // An error only says that `Running` was dropped, which means the same.
            stopped.await.unwrap_or_default();
        });
        let task = handle.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the pages are not served any more");
            }
        });
        Ok(Running { addr, handle: handle.clone(), stop: Some(stop), task })
    }
}

impl Running {
    /// Takes no more requests, and waits for those under way, for three seconds at most.
    pub fn stop(mut self) {
        drop(self.stop.take());
        let task = &mut self.task;
        let stopped = self.handle.block_on(async { tokio::time::timeout(STOP_AFTER, task).await });
        if stopped.is_err() {
            self.task.abort();
        }
    }
}

fn router(shared: Shared) -> Router {
    let silences = shared.silences.clone().map(silences::router).unwrap_or_default();
    Router::new()
        .route("/", get(async || Redirect::temporary("/alerts")))
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/healthz", get(async || "ok\n"))
        .route("/-/healthy", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/-/ready", get(readyz))
        .route("/icon.svg", get(icon))
        .route("/alerts", get(alerts))
        .route("/alerts/{id}", get(alert))
        .route("/unwatched", get(paths))
        .route("/runbooks", get(async || html(StatusCode::OK, runbook_index())))
        .route("/runbooks/{name}", get(runbook))
        .with_state(shared)
        .merge(silences)
        .layer(middleware::from_fn(guard))
}

/// Headers of every answer.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, nothing);
    }
    response
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shared.telemetry.render()).into_response()
}

async fn readyz(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let checks = shared.readiness.checks();
    let ready = checks.iter().all(|it| it.ok);
    let mut text = String::new();
    if !ready || asks(query.as_deref(), "verbose") {
        for it in &checks {
            let mark = if it.ok { '+' } else { '-' };
            text.push_str(&format!(
                "[{mark}]{} {}\n",
                it.name,
                crate::alert::escape_text(&it.detail)
            ));
        }
    }
    text.push_str(if ready { "ok\n" } else { "not ready\n" });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}

#[derive(Serialize)]
struct Listing<'a> {
    open: Vec<&'a crate::alert::Alert>,
    resolved: Vec<&'a crate::alert::Alert>,
}

async fn alerts(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let board = lock(&shared.board);
    if wants_json(&headers, query.as_deref()) {
        let listing = Listing { open: board.open(), resolved: board.resolved().collect() };
        return json(StatusCode::OK, &listing);
    }
    let live = asks(query.as_deref(), "live");
    html(StatusCode::OK, pages::overview(&board.open(), board.resolved(), live))
}

async fn alert(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let board = lock(&shared.board);
    match (board.case(&id), wants_json(&headers, query.as_deref())) {
        (Some(case), true) => json(StatusCode::OK, case.alert),
        (Some(case), false) => html(StatusCode::OK, case::page(&case, &shared.wording)),
        (None, true) => {
            json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "no such alert" }))
        }
        (None, false) => html(StatusCode::NOT_FOUND, pages::unknown()),
    }
}

async fn paths(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let rows = shared.unwatched.lock().unwrap_or_else(PoisonError::into_inner).rows().to_vec();
    if wants_json(&headers, query.as_deref()) {
        return json(StatusCode::OK, &serde_json::json!({ "unwatched": rows }));
    }
    html(StatusCode::OK, unwatched::page(&rows))
}

async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], pages::ICON).into_response()
}

fn runbook_index() -> String {
    pages::document(("darban: runbook", ""), &runbooks::index())
}

async fn runbook(Path(name): Path<String>) -> Response {
    match runbooks::page(&name) {
        Some((title, body)) => {
            html(StatusCode::OK, pages::document((&format!("darban: {title}"), ""), &body))
        }
        None => html(StatusCode::NOT_FOUND, runbook_index()),
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a query names something, with whatever value: `?verbose`, `?verbose=1`.
fn asks(query: Option<&str>, name: &str) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    pairs.any(|it| it.split('=').next() == Some(name))
}

fn wants_json(headers: &HeaderMap, query: Option<&str>) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let asked = query.unwrap_or_default().split('&').any(|it| it == "format=json");
    asked || (accept.contains("application/json") && !accept.contains("text/html"))
}

pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (status, kind, format!("{}\n", escape_json(&text))).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an alert could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn html(status: StatusCode, text: String) -> Response {
    let kinds = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, pages::policy()),
    ];
    (status, kinds, text).into_response()
}
