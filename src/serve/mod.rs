//! The HTTP server: metrics, health, and the pages of alerts.
//!
//! The pages only read. There is no script, no form and no request of theirs that changes anything,
//! so there is nothing to forge; programs that hold a token change silences (`silences`). What a client of the gateway wrote passes the one escaper, and the content security
//! policy allows one style sheet, by its hash, our own icon, and nothing else. It listens on the loopback
//! address unless configured otherwise, because the pages name clients.

mod board;
mod case;
mod drawing;
mod listener;
mod pages;
mod readiness;
mod router;
mod runbooks;
mod silences;
mod unwatched;

pub use board::{Board, Case, RESOLVED_MAX};
pub use readiness::{Check, Readiness};
pub use router::{Error, Running, Serve, Shared};
pub use silences::SilenceDesk;
pub use unwatched::{Row as UnwatchedRow, Unwatched, UnwatchedPath};
