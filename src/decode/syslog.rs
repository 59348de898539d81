//! What syslog writes before a line: nginx and HAProxy send their logs so, and some shippers leave it.
//!
//! Nothing of it is a client's, but what follows is: so it is read word by word from the left, in the
//! two forms that there are, and never looked for. Seen on nginx 1.22 and HAProxy 2.6 (RFC 3164, the
//! latter without a host).

/// `Nov 28 01:11:12 `.
const STAMP_BYTES: usize = 16;
/// Words of RFC 5424 before its structured data: version, time, host, program, process, kind.
const WORDS: usize = 6;

/// A line without the header that syslog wrote before it, if it did.
#[must_use]
pub fn behind_syslog(line: &[u8]) -> &[u8] {
    body(line).unwrap_or(line)
}

/// What stands behind the header of a line that begins with a priority.
fn body(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|it| it.is_ascii_digit()).count();
    let rest = rest.get(digits..)?.strip_prefix(b">")?;
    if !rest.starts_with(b"1 ") {
        return behind_tag(rest.get(STAMP_BYTES..)?);
    }
    let start = memchr::memchr_iter(b' ', rest).nth(WORDS - 1)? + 1;
    rest.get(start..)?.strip_prefix(b"- ")
}

/// Behind `host program[7]: `, of which the host may be missing.
fn behind_tag(rest: &[u8]) -> Option<&[u8]> {
    let mut spaces = memchr::memchr_iter(b' ', rest).take(2);
    let end = spaces.find(|at| at.checked_sub(1).and_then(|it| rest.get(it)) == Some(&b':'))?;
    rest.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn both_headers_are_passed_and_what_is_none_is_left() {
        for (line, expected) in [
            ("<134>Nov 28 01:11:12 haproxy[7]: 1.2.3.4:5 [x", Some("1.2.3.4:5 [x")),
            ("<190>Nov  8 01:11:12 gw-1 nginx: {\"a\": 1}", Some("{\"a\": 1}")),
            ("<134>1 2026-11-21T19:30:16Z gw haproxy 7 - - 1.2.3.4:5 [x", Some("1.2.3.4:5 [x")),
            ("<134>Nov 28 01:11:12 gw 1.2.3.4 - - \"a: b\"", None),
            ("<134>1 2026-11-21T19:30:16Z gw haproxy 7 - [a b=\"c\"] x", None),
            ("<BADREQ> a: b", None),
            ("<134>", None),
        ] {
            assert_eq!(body(line.as_bytes()), expected.map(str::as_bytes), "{line}");
        }
    }
}
