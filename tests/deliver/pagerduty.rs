//! A stand-in for PagerDuty with the semantics of Events v2: triggers with the key of an open
//! incident join it, a trigger after a resolve opens a *new* one, a resolve for an unknown key
//! is dropped, what is invalid gets 400 and a reason. Faults can be ordered for the next requests.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// What one request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This answer; nothing was taken.
    Status(u16),
    /// 429 with `Retry-After` in seconds; nothing was taken.
    Throttled(u32),
    /// No answer; nothing was taken.
    Hang,
    /// The event was taken, the answer never arrives.
    ReplyLost,
}

/// What a request meets: a fault, or else what the service makes of it.
pub(super) async fn met(fault: Option<Fault>, take: impl FnOnce() -> Response) -> Response {
    match fault {
        Some(Fault::Status(code)) => StatusCode::from_u16(code).unwrap().into_response(),
        Some(Fault::Throttled(seconds)) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())])
                .into_response()
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::ReplyLost) => {
            take();
            std::future::pending().await
        }
        None => take(),
    }
}

/// An incident as the people on call see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incident {
    pub(crate) dedup_key: String,
    /// Nobody has resolved it.
    pub(crate) open: bool,
    /// Events that it took, resolves aside: 1 and one more for each update or repetition.
    pub(crate) triggers: usize,
    /// The last trigger's payload.
    pub(crate) payload: Value,
}

#[derive(Debug, Default)]
struct Service {
    incidents: Vec<Incident>,
    faults: VecDeque<Fault>,
    /// What every request meets once `faults` is empty.
    standing: Option<Fault>,
    requests: usize,
    refused: Vec<String>,
    taken: Vec<Bytes>,
}

/// A running stand-in; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct PagerDutyStandIn {
    /// Where it takes events.
    pub(crate) url: String,
    service: Arc<Mutex<Service>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl PagerDutyStandIn {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v2/enqueue", listener.local_addr().unwrap());
        let service = Arc::new(Mutex::new(Service::default()));
        let app =
            Router::new().route("/v2/enqueue", post(enqueue)).with_state(Arc::clone(&service));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
        Self { url, service, runtime: Some(runtime) }
    }

    /// Every incident in the order in which they were opened.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.service().incidents.clone()
    }

    /// Requests that arrived, whatever became of them.
    pub(crate) fn requests(&self) -> usize {
        self.service().requests
    }

    /// The bodies of all that it took, in their order.
    pub(crate) fn taken(&self) -> Vec<Bytes> {
        self.service().taken.clone()
    }

    /// Why requests were refused as invalid.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.service().refused.clone()
    }

    /// Orders what the next requests meet.
    pub(crate) fn fail_next(&self, faults: &[Fault]) {
        self.service().faults.extend(faults);
    }

    /// Orders what every request meets from now on, or that none fails any more.
    pub(crate) fn fail_always(&self, fault: Option<Fault>) {
        self.service().standing = fault;
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }
}

impl Drop for PagerDutyStandIn {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn enqueue(State(service): State<Arc<Mutex<Service>>>, body: Bytes) -> Response {
    let fault = {
        let mut service = service.lock().unwrap();
        service.requests += 1;
        service.faults.pop_front().or(service.standing)
    };
    met(fault, || take(&service, &body)).await
}

fn take(service: &Mutex<Service>, body: &[u8]) -> Response {
    let json: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    let mut service = service.lock().unwrap();
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let problems = problems(&event, body.len());
    if !problems.is_empty() {
        let answer = json!({
            "status": "invalid event",
            "message": "Event object is invalid",
            "errors": problems,
        });
        service.refused.extend(problems);
        return (StatusCode::BAD_REQUEST, json, answer.to_string()).into_response();
    }
    service.taken.push(Bytes::copy_from_slice(body));
    let key = event["dedup_key"].as_str().unwrap_or_default().to_owned();
    let open = service.incidents.iter_mut().find(|it| it.open && it.dedup_key == key);
    match (event["event_action"].as_str(), open) {
        (Some("trigger"), Some(incident)) => {
            incident.triggers += 1;
            incident.payload = event["payload"].clone();
        }
        (Some("trigger"), None) => service.incidents.push(Incident {
            dedup_key: key.clone(),
            open: true,
            triggers: 1,
            payload: event["payload"].clone(),
        }),
        (Some("resolve"), Some(incident)) => incident.open = false,
        _ => {}
    }
    let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    (StatusCode::ACCEPTED, json, answer.to_string()).into_response()
}

/// What Events v2 would not take.
fn problems(event: &Value, bytes: usize) -> Vec<String> {
    let text = |at: &str| event.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let action = text("/event_action");
    let triggers = action == "trigger";
    let key_characters = text("/dedup_key").chars().count();
    let summary_characters = text("/payload/summary").chars().count();
    let severities = ["critical", "error", "warning", "info"];
    let timestamp = event.pointer("/payload/timestamp").and_then(Value::as_str);
    let links = event["links"].as_array().cloned().unwrap_or_default();
    let web = |it: &Value| it["href"].as_str().is_some_and(|it| it.starts_with("http"));
    [
        (bytes > 512 * 1_024, "payload over 512 KB"),
        (text("/routing_key").len() != 32, "'routing_key' is not 32 characters"),
        (!["trigger", "acknowledge", "resolve"].contains(&action), "'event_action' is invalid"),
        (key_characters > 255, "'dedup_key' is too long"),
        (!triggers && key_characters == 0, "'dedup_key' is missing"),
        (triggers && summary_characters == 0, "'payload.summary' is missing"),
        (summary_characters > 1_024, "'payload.summary' is too long"),
        (triggers && text("/payload/source").is_empty(), "'payload.source' is missing"),
        (
            triggers && !severities.contains(&text("/payload/severity")),
            "'payload.severity' is invalid",
        ),
        (
            timestamp.is_some_and(|it| it.parse::<jiff::Timestamp>().is_err()),
            "'payload.timestamp' is invalid",
        ),
        (!links.iter().all(web), "'links' is invalid"),
    ]
    .into_iter()
    .filter(|(wrong, _)| *wrong)
    .map(|(_, why)| why.to_owned())
    .collect()
}
