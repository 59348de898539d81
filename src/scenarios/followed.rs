//! What follows some requests a little later: an act after a look-up, a repeat after a failure.
//!
//! It is put around a generator and draws from a stream of its own, so the requests that are
//! followed stay exactly what they were.

use super::random::{Random, whole};
use super::request::{Answer, Request, Who};
use super::route::Route;
use crate::time::{Moment, SECOND_MS};
use std::collections::BTreeMap;
use std::iter::Peekable;

/// Seconds from a look-up to its act, on average, beside twenty.
const ACT_SECONDS: f64 = 150.0;
/// Seconds from a failure to the next try, beside one.
const RETRY_SECONDS: f64 = 2.0;

/// The requests of a generator and what follows them, in time order. It holds those that are to
/// come, a handful.
pub(super) struct Followed<I: Iterator, F> {
    inner: Peekable<I>,
    follow: F,
    /// By time, and then as they were made.
    pending: BTreeMap<(Moment, u64), Request>,
    made: u64,
    /// What the last request is followed by.
    later: Vec<Request>,
}

impl<I, F> Followed<I, F>
where
    I: Iterator<Item = Request>,
    F: FnMut(&mut Request, &mut Vec<Request>),
{
    /// `follow` may change a request, and adds what follows it: nothing from before it.
    pub(super) fn new(inner: I, follow: F) -> Self {
        let (pending, later) = (BTreeMap::new(), Vec::new());
        Self { inner: inner.peekable(), follow, pending, made: 0, later }
    }
}

impl<I, F> Iterator for Followed<I, F>
where
    I: Iterator<Item = Request>,
    F: FnMut(&mut Request, &mut Vec<Request>),
{
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let pending = self.pending.first_key_value().map(|it| it.0.0);
        let comes_first =
            pending.is_some_and(|due| self.inner.peek().is_none_or(|next| due <= next.at));
        if comes_first {
            return self.pending.pop_first().map(|it| it.1);
        }
        let mut request = self.inner.next()?;
        (self.follow)(&mut request, &mut self.later);
        for later in self.later.drain(..) {
            self.made += 1;
            self.pending.insert((later.at, self.made), later);
        }
        Some(request)
    }
}

/// Acts: this share of look-ups that find somebody is followed by the vaccination that it was made
/// for, under the id that was looked up.
pub(super) fn acts(
    share: f64,
    mut random: Random,
) -> impl FnMut(&mut Request, &mut Vec<Request>) + Send {
    move |request, later| {
        if !request.is_disclosed() || !random.chance(share) {
            return;
        }
        let wait = SECOND_MS as f64 * (20.0 + random.exponential(ACT_SECONDS));
        let (status, bytes) = Answer::Done.shown(&mut random);
        let (at, route) = (request.at.plus(whole(wait)), Route::Vaccination);
        later.push(Request { at, route, status, bytes, records: 0, ..*request });
    }
}

/// B11: an app with a fault. While it is out, requests of citizens fail and are sent again and
/// again until they are answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storm {
    /// When the release comes.
    pub from: Moment,
    /// When it is taken back.
    pub until: Moment,
    /// The share of requests that fail.
    pub share: f64,
    /// How often each of them is sent again.
    pub times: u32,
}

impl Storm {
    /// What is put around citizens' requests.
    pub(super) fn retries(
        self,
        mut random: Random,
    ) -> impl FnMut(&mut Request, &mut Vec<Request>) + Send {
        move |request, later| {
            let is_hit = matches!(request.client.who, Who::Session(_))
                && (self.from..self.until).contains(&request.at)
                && random.chance(self.share);
            if is_hit {
                self.fail(request, later, &mut random);
            }
        }
    }

    /// Makes a request fail; the last of its repeats is answered as it was.
    fn fail(self, request: &mut Request, later: &mut Vec<Request>, random: &mut Random) {
        let answered = *request;
        let (status, bytes) = Answer::Failed.shown(random);
        *request = Request { status, bytes, records: 0, ..answered };
        let mut at = answered.at;
        for left in (0..self.times).rev() {
            let pause = SECOND_MS as f64 * (1.0 + random.exponential(RETRY_SECONDS));
            at = at.plus(whole(pause));
            let again = if left == 0 { answered } else { *request };
            later.push(Request { at, ..again });
        }
    }
}
