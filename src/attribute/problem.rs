//! What is wrong with a configuration, in words; `config` puts the dotted path in front.

use std::fmt;

/// Which list of [`Options`](super::Options) an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// `routes`.
    Route,
    /// `keys`.
    Key,
    /// `skip_suffixes`.
    SkipSuffix,
    /// `crawlers`.
    Crawler,
    /// `monitors`.
    Monitor,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Route => "route",
            Self::Key => "client key",
            Self::SkipSuffix => "skipped suffix",
            Self::Crawler => "crawler",
            Self::Monitor => "monitor",
        })
    }
}

/// One entry that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} {index}: {fault}")]
pub struct Problem {
    /// The list.
    pub part: Part,
    /// The place in that list, from 0.
    pub index: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// Why an entry cannot be used. The words name what stands there and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A template without its slash.
    #[error("the path must begin with `/`")]
    NotAbsolute,
    /// A segment that no canonical path has.
    #[error(
        "`{0}` never matches: paths are compared percent-decoded and without query, fragment, \
         `;params` and empty, `.` or `..` segments"
    )]
    NeverMatches(String),
    /// A placeholder that there is not.
    #[error("`{{{0}}}` is none of {{subject}}, {{record}}, {{*}}, {{*subject}}")]
    Placeholder(String),
    /// A brace without its other half, or two placeholders side by side.
    #[error("`{0}` must hold at most one placeholder, in a pair of braces")]
    Segment(String),
    /// `{*}` or `{*subject}` in front of something or inside a segment.
    #[error("`{0}` must be the whole last segment")]
    TailNotLast(String),
    /// One placeholder in two places.
    #[error("{{{0}}} stands twice in the path")]
    Twice(&'static str),
    /// A judged route without a subject.
    #[error("the path has no {{subject}}, and no other field is named for it")]
    NoSubject,
    /// A route with a subject in two places.
    #[error("the path has a {{subject}} although another field is named for it")]
    TwoSubjects,
    /// A method that no request has.
    #[error("`{0}` is no method: upper-case letters, as in `GET`")]
    Method(String),
    /// A template that an earlier route has for one of the methods, or cannot be told from it.
    #[error("the path cannot be told from `{0}` of another route with the same method")]
    Conflict(String),
    /// More routes than an id can count.
    #[error("more than {0} routes")]
    TooMany(usize),
    /// An extra beyond those that a record has.
    #[error("more than {0} headers and JSON pointers are asked for")]
    NoSuchExtra(usize),
    /// A suffix that every path ends with.
    #[error("an empty suffix would skip every path")]
    EmptySuffix,
    /// A part of a user agent that says nothing.
    #[error("`{0}` is shorter than {1} bytes and would stand in nearly every user agent")]
    ShortAgent(String, usize),
}
