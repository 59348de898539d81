//! A listener with limits: connections at a time, and how long one may say nothing.
//!
//! Whoever can reach the port could otherwise open connections and leave them, until the process
//! has no file descriptor left for its brokers and receivers. With these limits only the pages
//! suffer.

use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at a time: some scrapers, a probe, a team at its phones. Further ones wait in the
/// system's queue.
pub(super) const CONNECTIONS_MAX: usize = 64;
/// How long a connection may say nothing: longer than any usual scrape interval.
const QUIET_MAX: Duration = Duration::from_secs(75);

/// The listener.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    quiet_max: Duration,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { listener, places, quiet_max: QUIET_MAX }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Nobody closes the semaphore; without a place the connection would merely be uncounted.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let quiet = Box::pin(sleep(self.quiet_max));
        (Connection { stream, quiet, quiet_max: self.quiet_max, _place: place }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds a place and ends when nothing is heard on it.
pub(super) struct Connection {
    stream: TcpStream,
    quiet: Pin<Box<Sleep>>,
    quiet_max: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Something moved.
    fn heard(&mut self) {
        let until = Instant::now() + self.quiet_max;
        self.quiet.as_mut().reset(until);
    }

    /// An error once it was quiet for too long; wakes the task at that time.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.quiet.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => {
                self.check(context).map_or_else(|it| Poll::Ready(Err(it)), |()| Poll::Pending)
            }
            ready @ Poll::Ready(_) => {
                self.heard();
                ready
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => {
                self.check(context).map_or_else(|it| Poll::Ready(Err(it)), |()| Poll::Pending)
            }
            ready @ Poll::Ready(_) => {
                self.heard();
                ready
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn bounded() -> Bounded {
        Bounded::new(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_given_up() {
        let mut listener = Bounded { quiet_max: Duration::from_millis(20), ..bounded().await };
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut connection, _) = listener.accept().await;
        client.write_all(b"GET").await.unwrap();
        let mut bytes = Vec::new();
        let error = connection.read_to_end(&mut bytes).await.unwrap_err();
        assert_eq!((bytes.as_slice(), error.kind()), (b"GET".as_slice(), io::ErrorKind::TimedOut));
    }

    #[tokio::test]
    async fn a_place_is_free_again_once_its_connection_is_gone() {
        let mut listener = bounded().await;
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (connection, _) = listener.accept().await;
        assert_eq!(listener.places.available_permits(), CONNECTIONS_MAX - 1);
        drop((connection, client));
        assert_eq!(listener.places.available_permits(), CONNECTIONS_MAX);
    }
}
