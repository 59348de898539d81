//! The connections to all targets, and one attempt over them. No judgement is here: what is sent
//! was decided before, and what an answer means is decided after.

use super::alertmanager;
use super::channel::Channel;
use super::driver::StartError;
use super::http::{Guard, Line, Names, Request};
use super::mail::Mailer;
use super::notification::Notification;
use super::reach::Reach;
use super::receiver::Target;
use super::retry::Reply;
use super::sender::lock;
use crate::killpoint;
use crate::time::wall;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// What connections are made with.
pub(super) struct Means {
    pub(super) reach: Reach,
    pub(super) names: Arc<dyn Names>,
    pub(super) timeout: Duration,
    pub(super) terminal: Box<dyn Write + Send>,
}

/// Limits of an attempt over HTTP in one by mail: it is several answers, and servers read a letter
/// before they say that they have it. Given up too early, one that arrived is sent again for ever.
const MAIL_TIMEOUTS: u32 = 4;

/// How one target is connected to.
enum Road {
    Web(Line),
    Mail(Box<Mailer>),
    Terminal,
}

/// The connections.
pub(super) struct Courier {
    pub(super) targets: Vec<Target>,
    roads: Vec<Road>,
    terminal: Mutex<Box<dyn Write + Send>>,
}

impl Courier {
    /// # Errors
    /// Where no client for the web can be made.
    pub(super) fn new(targets: Vec<Target>, means: Means) -> Result<Self, StartError> {
        let road = |target: &Target| match (&target.channel, target.channel.trust()) {
            (_, Some(trust)) => {
                let names = Arc::clone(&means.names);
                let guard = Guard { reach: means.reach.clone(), trust, names };
                Line::new(guard, means.timeout).map(Road::Web).map_err(StartError::Client)
            }
            (Channel::Mail(route), None) => {
                let mailer =
                    Mailer::new(route, means.timeout * MAIL_TIMEOUTS).map_err(StartError::Mail)?;
                Ok(Road::Mail(Box::new(mailer)))
            }
            (_, None) => Ok(Road::Terminal),
        };
        let ways = targets.iter().map(road).collect::<Result<_, _>>()?;
        Ok(Self { targets, roads: ways, terminal: Mutex::new(means.terminal) })
    }

    /// Sends a notification once; how it ended, and what the receiver said.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        at: usize,
        notification: &Notification,
    ) -> (Reply, String) {
        let Some(target) = self.targets.get(at) else { return (Reply::None, String::new()) };
        if let Some(request) = target.channel.request(notification, wall()) {
            return self.post(at, request).await;
        }
        if let Some(Road::Mail(mailer)) = self.roads.get(at) {
            return mailer.send(notification, wall()).await;
        }
        let text = notification.body.as_str().unwrap_or_default().to_owned();
        let courier = Arc::clone(self);
        match spawn_blocking(move || courier.print(&text)).await {
            Ok(Ok(())) => (Reply::Status { code: 200, retry_after_ms: None }, String::new()),
            Ok(Err(error)) => (Reply::None, error.to_string()),
            Err(error) => (Reply::None, error.to_string()),
        }
    }

    async fn post(&self, at: usize, request: Request) -> (Reply, String) {
        let Some(Road::Web(line)) = self.roads.get(at) else { return (Reply::None, String::new()) };
        killpoint::pass("post");
        let reply = line.post(request, wall()).await;
        killpoint::pass("replied");
        reply
    }

    fn print(&self, text: &str) -> io::Result<()> {
        let mut terminal = lock(&self.terminal);
        terminal.write_all(text.as_bytes())?;
        terminal.flush()
    }

    /// Posts what is open at an Alertmanager again. What fails is due again at the next round;
    /// of what is refused together each is posted alone, so that one cannot end the others.
    pub(super) async fn repost(&self, at: usize, elements: &[Value]) {
        for some in elements.chunks(alertmanager::ALERTS_A_REQUEST_MAX) {
            let reply = self.post_elements(at, some).await;
            let refused = matches!(reply, Reply::Status { code: 400, .. }) && some.len() > 1;
            for one in some.chunks(1).filter(|_| refused) {
                self.post_elements(at, one).await;
            }
        }
    }

    async fn post_elements(&self, at: usize, elements: &[Value]) -> Reply {
        let Some(Target { channel: Channel::Alertmanager { url }, name, .. }) =
            self.targets.get(at)
        else {
            return Reply::None;
        };
        let body = alertmanager::body(&elements.iter().collect::<Vec<_>>());
        let (reply, said) = self.post(at, Request::plain(url.url(), body)).await;
        if !matches!(reply, Reply::Status { code: 200..=299, .. }) {
            tracing::warn!(receiver = %name, said, "open alerts could not be posted again");
        }
        reply
    }
}
