//! The line: 667 bytes of nginx with `escape=json`, twenty keys, ten of which are read.

use darban::scenarios::{Request, Who, mix};
use darban::time::SECOND_MS;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// Bytes of every line.
pub(crate) const LINE_BYTES: usize = 667;
/// One line in so many has an escape: a parser that borrows must cope with both.
const ESCAPED_EVERY: u64 = 50;

/// The fields that judging needs, borrowed where they can be.
#[derive(Deserialize)]
pub(crate) struct Borrowed<'a> {
    #[serde(borrow)]
    msec: Cow<'a, str>,
    #[serde(borrow)]
    remote_addr: Cow<'a, str>,
    #[serde(borrow)]
    remote_user: Cow<'a, str>,
    #[serde(borrow)]
    x_forwarded_for: Cow<'a, str>,
    #[serde(borrow)]
    x_session: Cow<'a, str>,
    #[serde(borrow)]
    request_method: Cow<'a, str>,
    #[serde(borrow)]
    request_uri: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    body_bytes_sent: Cow<'a, str>,
    #[serde(borrow)]
    http_user_agent: Cow<'a, str>,
}

impl Borrowed<'_> {
    /// Bytes of all fields, so that every one of them is used.
    pub(crate) fn bytes(&self) -> usize {
        let Self { msec, remote_addr, remote_user, x_forwarded_for, x_session, .. } = self;
        let Self { request_method, request_uri, status, body_bytes_sent, http_user_agent, .. } =
            self;
        let first = [msec, remote_addr, remote_user, x_forwarded_for, x_session];
        let second = [request_method, request_uri, status, body_bytes_sent, http_user_agent];
        first.iter().chain(&second).map(|it| it.len()).sum()
    }
}

/// Writes lines.
#[derive(Default)]
pub(crate) struct Lines {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Lines {
    /// Appends the line of a request. The referer is as long as the line needs it to be.
    pub(crate) fn write(&mut self, number: u64, of: &Request, out: &mut Vec<u8>) -> io::Result<()> {
        self.head(of)?;
        self.tail(number, of)?;
        out.extend_from_slice(&self.head);
        let room = LINE_BYTES.checked_sub(self.head.len() + self.tail.len());
        let room = room.ok_or_else(|| io::Error::other("a line is longer than it should be"))?;
        let mut digits = mix(number);
        for _ in 0..room {
            out.push(b'a' + u8::try_from(digits % 26).unwrap_or(0));
            digits = digits.rotate_left(7);
        }
        out.extend_from_slice(&self.tail);
        Ok(())
    }

    fn head(&mut self, of: &Request) -> io::Result<()> {
        let head = &mut self.head;
        head.clear();
        let (seconds, ms) = (of.at.index(SECOND_MS), of.at.0.rem_euclid(SECOND_MS));
        let address = of.client.address;
        write!(
            head,
            r#"{{"msec":"{seconds}.{ms:03}","connection":"41022","remote_addr":"{address}","remote_user":""#
        )?;
        let is_session = matches!(of.client.who, Who::Session(_));
        if !is_session {
            of.client.who.write(head);
        }
        head.extend_from_slice(br#"","x_forwarded_for":"","x_session":""#);
        if is_session {
            of.client.who.write(head);
        }
        write!(head, r#"","request_method":"{}","request_uri":""#, of.route.method())?;
        of.route.write_target(of.subject, head);
        write!(
            head,
            r#"","status":"{}","body_bytes_sent":"{}","request_length":"412","#,
            of.status, of.bytes
        )?;
        let upstream = concat!(
            r#""request_time":"0.007","upstream_addr":"10.4.0.7:80","scheme":"https","#,
            r#""http_referer":"https://portal.example/"#,
        );
        head.extend_from_slice(upstream.as_bytes());
        Ok(())
    }

    fn tail(&mut self, number: u64, of: &Request) -> io::Result<()> {
        self.tail.clear();
        let escaped = if number.is_multiple_of(ESCAPED_EVERY) { r#" \"beta\""# } else { "" };
        write!(
            self.tail,
            r#"","http_user_agent":"{}{escaped}","host":"portal.example","#,
            of.agent.text(),
        )?;
        write!(
            self.tail,
            r#""server_protocol":"HTTP/2.0","tls":"TLSv1.3","request_id":"{:016x}"}}"#,
            mix(number),
        )
    }
}
