//! Errors with what is behind them: the outermost alone ("error sending request") tells nobody anything.

use std::error::Error;

/// An error and all its causes, as they are: not fit for a terminal where somebody else has words in it.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |it| (*it).source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::with_causes;
    use std::io;

    #[test]
    fn each_cause_is_told_once_from_the_outermost_on() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("inner")]
        struct Inner(#[source] io::Error);
        let error = Outer(Inner(io::Error::other("disk")));
        assert_eq!(with_causes(&error), "outer: inner: disk");
    }
}
