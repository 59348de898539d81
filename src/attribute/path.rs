//! The path of a request in its canonical form.
//!
//! A gateway, a framework and a log seldom agree on how a path is written: Traefik cleans it
//! before logging, nginx logs what was sent, Tomcat drops `;params`. Whoever can write one path in
//! two ways can be two clients or none, so routes are matched, and subjects hashed, on one form:
//! scheme and authority of an absolute target dropped, cut at `?` and `#`, percent-decoded once,
//! `;params` dropped from each segment, empty and `.` segments removed, `..` taken back, no slash
//! at the end. Bytes that are not UTF-8 are kept apart as `%XX`, whichever way they were sent.
//!
//! Nearly every real path is canonical already; telling so costs a few nanoseconds and then
//! nothing is copied.

use memchr::{memchr, memchr_iter, memchr2, memchr3, memrchr};
use percent_encoding::{percent_decode, percent_encode_byte};

/// A request target, cut into its parts, all as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'r> {
    /// From the first slash to `?` or `#`; empty where the target has no path (`*`, CONNECT).
    path: &'r [u8],
    /// Behind `?`, to `#`.
    pub(super) query: &'r [u8],
}

/// Buffers for a path that is not canonical, kept from record to record.
#[derive(Debug, Default)]
pub(super) struct PathScratch {
    bytes: Vec<u8>,
    text: String,
}

/// What becomes of a slash that was sent as `%2F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EncodedSlash {
    /// It separates segments, as most gateways read it.
    Separates,
    /// It belongs to an id: kept as `%2F`.
    Belongs,
}

/// The canonical path of a request target, and its query as sent. Ids stand in them as they are: for
/// whoever looks at a sample to find where they stand, and shows none.
#[must_use]
pub fn path_and_query(target: &[u8]) -> (String, String) {
    let (target, mut scratch) = (Target::of(target), PathScratch::default());
    let query = String::from_utf8_lossy(target.query).into_owned();
    (target.canonical(EncodedSlash::Separates, &mut scratch).to_owned(), query)
}

impl<'r> Target<'r> {
    pub(super) fn of(target: &'r [u8]) -> Self {
        let target = without_authority(target);
        let (head, query) = match memchr2(b'?', b'#', target) {
            Some(at) => (target.get(..at), target.get(at..)),
            None => (Some(target), None),
        };
        let path = head.filter(|it| it.starts_with(b"/")).unwrap_or_default();
        let query = query.and_then(|it| it.strip_prefix(b"?")).unwrap_or_default();
        let query = memchr(b'#', query).and_then(|at| query.get(..at)).unwrap_or(query);
        Self { path, query }
    }

    /// The canonical path, written to `scratch` where it differs from what was sent; empty where
    /// the target has none.
    pub(super) fn canonical<'a>(&self, slash: EncodedSlash, scratch: &'a mut PathScratch) -> &'a str
    where
        'r: 'a,
    {
        if let Some(path) = self.as_sent() {
            return path;
        }
        let PathScratch { bytes, text } = scratch;
        clean(self.path, slash, bytes);
        text.clear();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                text.push_str(percent_encode_byte(*byte));
            }
        }
        text
    }

    /// Whether the path has a slash that was sent as `%2F`.
    pub(super) fn has_encoded_slash(&self) -> bool {
        memchr_iter(b'%', self.path)
            .filter_map(|at| self.path.get(at + 1..at + 3))
            .any(|code| code.eq_ignore_ascii_case(b"2f"))
    }

    /// The path as it was sent, where that is canonical but for a slash at the end. One pass: paths
    /// are shorter than what several searches cost to set up.
    fn as_sent(&self) -> Option<&'r str> {
        let mut before = 0;
        for byte in self.path {
            match byte {
                b'%' | b';' => return None,
                b'/' | b'.' if before == b'/' => return None,
                _ => before = *byte,
            }
        }
        let path = match self.path {
            [head @ .., b'/'] if !head.is_empty() => head,
            path => path,
        };
        std::str::from_utf8(path).ok()
    }
}

/// A target in absolute form (`http://host/path`, which HTTP/2 front ends log and any client may
/// send) from its path on.
fn without_authority(target: &[u8]) -> &[u8] {
    if target.starts_with(b"/") {
        return target;
    }
    let after = |scheme: &[u8]| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let Some(rest) = after(b"http://").or_else(|| after(b"https://")) else {
        return target;
    };
    let at = memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    rest.get(at..).unwrap_or_default()
}

/// Writes the canonical form of a path with its leading slash; nothing for an empty one.
fn clean(path: &[u8], slash: EncodedSlash, out: &mut Vec<u8>) {
    out.clear();
    if path.is_empty() {
        return;
    }
    out.push(b'/');
    for sent in path.split(|byte| *byte == b'/').skip(1) {
        let (mut start, mut in_params) = (out.len(), false);
        for byte in percent_decode(sent) {
            match byte {
                _ if in_params => {}
                b';' => in_params = true,
                b'/' if slash == EncodedSlash::Separates => start = close_segment(out, start),
                b'/' => out.extend_from_slice(b"%2F"),
                _ => out.push(byte),
            }
        }
        close_segment(out, start);
    }
    if out.len() > 1 {
        out.pop();
    }
}

/// Ends the segment that was written from `start` on; where the next one starts.
fn close_segment(out: &mut Vec<u8>, start: usize) -> usize {
    match out.get(start..) {
        Some(b"" | b".") => out.truncate(start),
        Some(b"..") => {
            let parent = out.get(..start.saturating_sub(1)).and_then(|it| memrchr(b'/', it));
            out.truncate(parent.map_or(1, |at| at + 1));
        }
        _ => out.push(b'/'),
    }
    out.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::seeded;
    use proptest::prelude::*;

    fn canonical(target: &[u8]) -> String {
        let mut scratch = PathScratch::default();
        Target::of(target).canonical(EncodedSlash::Separates, &mut scratch).to_owned()
    }

    #[test]
    fn every_way_of_writing_a_path_gives_its_one_form() {
        for (target, path) in [
            (&b"/v2/c/1"[..], "/v2/c/1"),
            (b"/v2/c/1/", "/v2/c/1"),
            (b"/v2/c/1//", "/v2/c/1"),
            (b"/v2//c/./../c/1;a=b?x=1&x=2#f", "/v2/c/1"),
            (b"/v2/c/%31", "/v2/c/1"),
            (b"/v2/c/%2531", "/v2/c/%31"),
            (b"/v2/%2e%2e/v2/c/1", "/v2/c/1"),
            (b"/v2/x/..;/c/1", "/v2/c/1"),
            (b"/;jsessionid=7/v2/c/1#top", "/v2/c/1"),
            (b"HTTPS://host:8443/v2/c/1", "/v2/c/1"),
            (b"/v2%2Fc%2f1", "/v2/c/1"),
            (b"/v2/c/%ff%00/..%2Fa//b;x=1/\xd8\xb4?x=\"q\"", "/v2/c/a/b/\u{634}"),
            (b"/v2/c/\xff1", "/v2/c/%FF1"),
            (b"/v2/c/%ff1", "/v2/c/%FF1"),
            (b"/../../v2/c/1", "/v2/c/1"),
            (b"/.well-known/x", "/.well-known/x"),
            (b"/v2/c/100%", "/v2/c/100%"),
            (b"/", "/"),
            (b"//", "/"),
            (b"/..", "/"),
            (b"http://host", ""),
            (b"http://host?/v2", ""),
            (b"*", ""),
            (b"host:443", ""),
            (b"", ""),
        ] {
            assert_eq!(canonical(target), path, "{}", target.escape_ascii());
        }
    }

    #[test]
    fn an_encoded_slash_can_belong_to_an_id() {
        let target = Target::of(b"/cases/12%2f2024");
        let mut scratch = PathScratch::default();
        assert!(target.has_encoded_slash());
        assert_eq!(target.canonical(EncodedSlash::Belongs, &mut scratch), "/cases/12%2F2024");
        assert!(!Target::of(b"/cases/12%2?%2f").has_encoded_slash());
    }

    #[test]
    fn the_query_ends_at_the_fragment() {
        assert_eq!(Target::of(b"/a?x=1?y#z?w").query, b"x=1?y");
        assert_eq!(Target::of(b"/a#z?x=1").query, b"");
    }

    proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn a_canonical_path_is_canonical_for_any_bytes(target: Vec<u8>) {
            let path = canonical(&[b"/", target.as_slice()].concat());
            prop_assert!(path.starts_with('/'));
            prop_assert!(path == "/" || !path.ends_with('/'));
            for segment in path.split('/').skip(1).filter(|_| path != "/") {
                prop_assert!(!matches!(segment, "" | "." | "..") && !segment.contains(';'));
            }
        }

        #[test]
        fn the_short_way_for_clean_paths_agrees_with_the_long_one(path in "(/[a-z.;é/]{0,5}){1,4}") {
            let mut cleaned = Vec::new();
            clean(path.as_bytes(), EncodedSlash::Separates, &mut cleaned);
            prop_assert_eq!(canonical(path.as_bytes()).into_bytes(), cleaned);
        }
    }
}
