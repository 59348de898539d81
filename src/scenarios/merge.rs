//! Many generators in time order as one.

use super::request::Request;
use crate::time::Moment;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// A generator of requests in time order.
pub type Source = Box<dyn Iterator<Item = Request> + Send>;

/// The requests of many sources in time order; of requests at the same moment those of the earlier
/// source come first. It holds one request a source, however long the traffic is.
pub struct Merge {
    sources: Vec<Source>,
    /// The next request of each source.
    heads: Vec<Option<Request>>,
    /// Sources by the time of their next request.
    order: BinaryHeap<Reverse<(Moment, usize)>>,
    /// Requests from here on are left out.
    end: Moment,
}

impl Merge {
    /// The requests of these sources before `end`.
    #[must_use]
    pub fn new(sources: Vec<Source>, end: Moment) -> Self {
        let mut merge =
            Self { sources: Vec::new(), heads: Vec::new(), order: BinaryHeap::new(), end };
        for source in sources {
            merge.add(source);
        }
        merge
    }

    /// Adds a source. Its requests must not lie before those that were already handed out.
    pub fn add(&mut self, mut source: Source) {
        let head = source.next();
        if let Some(request) = head {
            self.order.push(Reverse((request.at, self.sources.len())));
        }
        self.sources.push(source);
        self.heads.push(head);
    }
}

impl Iterator for Merge {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let mut first = self.order.peek_mut()?;
        let Reverse((at, index)) = *first;
        if at >= self.end {
            return None;
        }
        let (source, head) = (self.sources.get_mut(index)?, self.heads.get_mut(index)?);
        let request = std::mem::replace(head, source.next());
        match head {
            Some(next) => *first = Reverse((next.at.max(at), index)),
            None => {
                PeekMut::pop(first);
            }
        }
        request
    }
}

impl std::fmt::Debug for Merge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merge").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}
