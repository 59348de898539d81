//! What may be committed: an offset is only as far as its alerts stand somewhere.

use crate::source::Partition;
use std::io;

/// How far has been judged, alerts included that may not stand in the outbox yet.
#[derive(Debug, Default)]
pub(super) struct Judged(pub(super) Vec<(Partition, i64)>);

impl Judged {
    /// What may be committed: all of it, once an offer made after it was judged has returned
    /// without an error, for such an offer writes everything that earlier ones could not; else
    /// nothing.
    pub(super) fn behind(&self, offered: &io::Result<()>) -> Option<Vec<(Partition, i64)>> {
        offered.is_ok().then(|| self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_committed_behind_an_outbox_that_was_refused() {
        let judged = Judged(vec![(Partition(3), 7)]);
        assert_eq!(judged.behind(&Err(io::Error::from(io::ErrorKind::StorageFull))), None);
        assert_eq!(judged.behind(&Ok(())), Some(vec![(Partition(3), 7)]));
    }
}
