//! What one writes in an afternoon, and writes well: rdkafka's stream, serde, a router, a set of
//! subjects for every client, and a threshold.

use crate::kafka::{TOPIC, consumer_config};
use crate::{Failure, say};
use matchit::Router;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, StreamConsumer};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::io::Read;

/// Different subjects of one client that are too many.
const THRESHOLD: usize = 60;

/// The same ten fields that darban reads.
#[derive(Deserialize)]
struct Owned {
    msec: String,
    remote_addr: String,
    remote_user: String,
    x_forwarded_for: String,
    x_session: String,
    request_method: String,
    request_uri: String,
    status: String,
    body_bytes_sent: String,
    http_user_agent: String,
}

/// Reads `total` records and tells whom it would page; says `begin` at the first, `end` behind the
/// last, and waits to be let go.
pub(crate) fn run(broker: &str, group: &str, total: &str) -> Result<(), Failure> {
    let total: usize = total.parse()?;
    tokio::runtime::Runtime::new()?.block_on(read(broker, group, total))?;
    say("end");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

async fn read(broker: &str, group: &str, total: usize) -> Result<(), Failure> {
    let consumer: StreamConsumer =
        consumer_config(broker, group).set("fetch.queue.backoff.ms", "1").create()?;
    consumer.subscribe(&[TOPIC])?;
    let routes = routes()?;
    let mut seen: HashMap<String, HashSet<String>> = HashMap::new();
    for count in 0..total {
        let message = consumer.recv().await?;
        if count == 0 {
            say("begin");
        }
        let line: Owned = serde_json::from_slice(message.payload().unwrap_or_default())?;
        let Some(subject) = subject(&routes, &line) else { continue };
        let finest = if line.x_session.is_empty() { &line.remote_user } else { &line.x_session };
        let address =
            if line.x_forwarded_for.is_empty() { &line.remote_addr } else { &line.x_forwarded_for };
        for client in [finest, address].into_iter().filter(|it| !it.is_empty()) {
            let subjects = seen.entry(client.clone()).or_default();
            if subjects.insert(subject.clone()) && subjects.len() == THRESHOLD {
                let Owned { msec, status, body_bytes_sent, http_user_agent, .. } = &line;
                say(&format!("page {client} {msec} {status} {body_bytes_sent} {http_user_agent}"));
            }
        }
    }
    Ok(())
}

/// The routes, with the query parameter that holds the subject where the path does not.
fn routes() -> Result<Router<Option<&'static str>>, Failure> {
    let mut routes = Router::new();
    routes.insert("/api/v2/beneficiaries/{subject}", None)?;
    routes.insert("/api/v2/beneficiaries", Some("mobile"))?;
    routes.insert("/partner/v1/person", Some("mobile"))?;
    routes.insert("/protocols/{subject}", None)?;
    routes.insert("/protocols/{subject}/{record}", None)?;
    Ok(routes)
}

fn subject(routes: &Router<Option<&'static str>>, line: &Owned) -> Option<String> {
    if line.request_method != "GET" {
        return None;
    }
    let (path, query) = line.request_uri.split_once('?').unwrap_or((&line.request_uri, ""));
    let found = routes.at(path).ok()?;
    match found.value {
        None => found.params.get("subject").map(str::to_owned),
        Some(name) => query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == *name).then(|| value.to_owned())
        }),
    }
}
