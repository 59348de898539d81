//! The HTTP server: metrics, health, and the pages of alerts.
//!
//! It only reads. There is no script, no form and no state-changing request, so there is nothing
//! to forge; what a client of the gateway wrote passes the one escaper, and the content security
//! policy allows one style sheet, by its hash, and nothing else. It listens on the loopback
//! address unless configured otherwise, because the pages name clients.

mod board;
mod listener;
mod pages;
mod readiness;
mod router;
mod runbooks;

pub use board::{Board, RESOLVED_MAX};
pub use readiness::{Check, Readiness};
pub use router::{Error, Running, Serve, Shared};
