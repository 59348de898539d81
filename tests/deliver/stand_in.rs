//! A stand-in for whatever takes notifications over HTTP: it keeps every request, meets the next
//! ones with the faults that were ordered, and hands the others to the semantics of one service.

use super::pagerduty::{Fault, met};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a service does with a request: its answer's code and text.
type Semantics<S> = fn(&mut S, &Seen) -> (u16, String);

struct Service<S> {
    state: S,
    semantics: Semantics<S>,
    seen: Vec<Seen>,
    faults: VecDeque<Fault>,
}

/// A running stand-in with the state `S` of its service; it ends when it is dropped.
pub(crate) struct StandIn<S> {
    /// Where it is, without a path.
    pub(crate) url: String,
    service: Arc<Mutex<Service<S>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl<S: Send + 'static> StandIn<S> {
    pub(crate) fn start(state: S, semantics: Semantics<S>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, faults) = (Vec::new(), VecDeque::new());
        let service = Arc::new(Mutex::new(Service { state, semantics, seen, faults }));
        let app = Router::new().fallback(answer::<S>).with_state(Arc::clone(&service));
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, service, runtime: Some(runtime) }
    }

    /// Orders what the next requests meet.
    pub(crate) fn fail_next(&self, faults: &[Fault]) {
        self.lock().faults.extend(faults);
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    /// What is read from the service's state.
    pub(crate) fn state<T>(&self, read: impl FnOnce(&S) -> T) -> T {
        read(&self.lock().state)
    }

    fn lock(&self) -> MutexGuard<'_, Service<S>> {
        self.service.lock().unwrap()
    }
}

impl<S> Drop for StandIn<S> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer<S: Send + 'static>(
    State(service): State<Arc<Mutex<Service<S>>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path_and_query().unwrap().as_str().to_owned();
    let seen = Seen { method, path, headers, body: body.to_vec() };
    let fault = {
        let mut service = service.lock().unwrap();
        service.seen.push(seen.clone());
        service.faults.pop_front()
    };
    met(fault, || take(&service, &seen)).await
}

fn take<S>(service: &Mutex<Service<S>>, seen: &Seen) -> Response {
    let mut service = service.lock().unwrap();
    let semantics = service.semantics;
    let (code, text) = semantics(&mut service.state, seen);
    (StatusCode::from_u16(code).unwrap(), text).into_response()
}
