//! Requests as log lines, in every format that darban reads.
//!
//! A format is a template, as it is for the gateways themselves (`templates.rs`). Nothing in a
//! request needs an escape, in any format, unless the line is to be hostile (`hostile.rs`). JSON
//! formats carry a session in the header `x-session`; text formats have one column for whoever is
//! logged in, if any, and there it stands.

use super::hostile::{Hostile, is_json};
use super::id::decimal;
use super::record::write_address;
use super::request::{Request, Who};
use super::templates::template;
use crate::decode::Format;
use crate::time::{DAY_MS, MINUTE_MS, Moment, SECOND_MS, civil_from_days};

/// Months as logs abbreviate them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What stands in a line beside its fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Iso,
    Clf,
    Gin,
    Syslog,
    Seconds,
    Milliseconds,
    Address,
    Method,
    Target,
    Status,
    Bytes,
    Agent,
    /// Login or session or nothing.
    Name,
    /// The same with a dash for nothing.
    Column,
    Login,
    LoginOrDash,
    Session,
    /// As a JSON value, `null` for nothing.
    JsonLogin,
    JsonSession,
    /// As one more member of an object, where there is one.
    CaddySession,
    TraefikSession,
    Identity,
}

impl Field {
    /// Every field by its name in templates; of two that begin alike the longer one comes first.
    const ALL: [(&'static str, Self); 22] = [
        ("iso", Self::Iso),
        ("clf", Self::Clf),
        ("gin", Self::Gin),
        ("syslog", Self::Syslog),
        ("seconds", Self::Seconds),
        ("milliseconds", Self::Milliseconds),
        ("address", Self::Address),
        ("method", Self::Method),
        ("target", Self::Target),
        ("status", Self::Status),
        ("bytes", Self::Bytes),
        ("agent", Self::Agent),
        ("name", Self::Name),
        ("column", Self::Column),
        ("login_or_dash", Self::LoginOrDash),
        ("login", Self::Login),
        ("session", Self::Session),
        ("json_login", Self::JsonLogin),
        ("json_session", Self::JsonSession),
        ("caddy_session", Self::CaddySession),
        ("traefik_session", Self::TraefikSession),
        ("identity", Self::Identity),
    ];
}

/// Fixed text, and the field behind it.
type Piece = (&'static str, Option<Field>);

/// Parts a template at its fields.
fn pieces(template: &'static str) -> Vec<Piece> {
    let mut parts = template.split('$');
    let mut pieces: Vec<Piece> = vec![(parts.next().unwrap_or_default(), None)];
    for part in parts {
        let found = Field::ALL.iter().find_map(|(name, it)| Some((part.strip_prefix(name)?, *it)));
        let (text, field) = found.map_or((part, None), |(text, it)| (text, Some(it)));
        if let Some(last) = pieces.last_mut() {
            last.1 = field;
        }
        pieces.push((text, None));
    }
    pieces
}

/// Writes lines of one format. It keeps the last second's text, so one writer serves one thread.
#[derive(Clone, Debug)]
pub struct Writer {
    format: Format,
    /// Whether lines of harvests are hostile.
    hostile: bool,
    pieces: Vec<Piece>,
    second: Second,
}

impl Writer {
    /// A writer of this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let (pieces, second) = (pieces(template(format)), Second::of(Moment(0)));
        Self { format, hostile: false, pieces, second }
    }

    /// A writer of this format, at which lines of harvests (and no others) are as the
    /// [`Hostile`] of their request.
    #[must_use]
    pub fn hostile(format: Format) -> Self {
        Self { hostile: true, ..Self::new(format) }
    }

    /// Appends the line of a request, without a line feed.
    pub fn write(&mut self, request: &Request, out: &mut Vec<u8>) {
        if request.at.index(SECOND_MS) != self.second.number {
            self.second = Second::of(request.at);
        }
        let hostile = (self.hostile && request.label > 0).then(|| Hostile::of(request));
        for (text, field) in &self.pieces {
            out.extend_from_slice(text.as_bytes());
            let Some(field) = *field else { continue };
            let begin = out.len();
            self.field(field, request, out);
            match (hostile, field) {
                (Some(hostile), Field::Target) => {
                    let query = out.iter().skip(begin).any(|it| *it == b'?');
                    hostile.end_target(self.format, query, out);
                }
                (Some(hostile), Field::Agent) => hostile.end_agent(self.format, out),
                _ => {}
            }
        }
        if let Some(hostile) = hostile {
            hostile.end_line(self.format, out);
        }
    }

    /// Path and query. An id that stands in the body is a segment of the path where a line has no
    /// field for it.
    fn target(&self, request: &Request, out: &mut Vec<u8>) {
        request.route.write_target(request.subject, out);
        if request.route.has_body() && !is_json(self.format) {
            out.push(b'/');
            request.subject.write(out);
        }
    }

    fn field(&self, field: Field, request: &Request, out: &mut Vec<u8>) {
        let who = request.client.who;
        let (login, session) = match who {
            Who::Nobody => (None, None),
            Who::Session(_) => (None, Some(who)),
            Who::Staff(_) | Who::Partner(_) => (Some(who), None),
        };
        let fixed: &[u8] = match field {
            Field::Iso => self.second.iso.as_bytes(),
            Field::Clf => self.second.clf.as_bytes(),
            Field::Gin => self.second.gin.as_bytes(),
            Field::Syslog => self.second.syslog.as_bytes(),
            Field::Method => request.route.method().as_bytes(),
            Field::Agent => request.agent.text().as_bytes(),
            Field::Address => return write_address(request.client.address, out),
            Field::Target => return self.target(request, out),
            Field::Seconds => return count(out, self.second.number, 1),
            Field::Milliseconds => return count(out, request.at.0.rem_euclid(SECOND_MS), 3),
            Field::Status => return decimal(out, u64::from(request.status), 1),
            Field::Bytes => return decimal(out, u64::from(request.bytes), 1),
            Field::Name => return who.write(out),
            Field::Column => return quoted(out, ["", "", "-"], login.or(session)),
            Field::Login => return quoted(out, [""; 3], login),
            Field::LoginOrDash => return quoted(out, ["", "", "-"], login),
            Field::Session => return quoted(out, [""; 3], session),
            Field::JsonLogin => return quoted(out, ["\"", "\"", "null"], login),
            Field::JsonSession => return quoted(out, ["\"", "\"", "null"], session),
            Field::CaddySession => return quoted(out, [r#","X-Session":[""#, "\"]", ""], session),
            Field::TraefikSession => {
                return quoted(out, [r#","request_X-Session":""#, "\"", ""], session);
            }
            Field::Identity => return identity(request, out),
        };
        out.extend_from_slice(fixed);
    }
}

/// Appends a name between two texts, or a third one where there is none.
fn quoted(out: &mut Vec<u8>, [before, after, none]: [&str; 3], who: Option<Who>) {
    let Some(who) = who else { return out.extend_from_slice(none.as_bytes()) };
    out.extend_from_slice(before.as_bytes());
    who.write(out);
    out.extend_from_slice(after.as_bytes());
}

/// Appends the field for what stood in the body, where there was anything, and the one for the district of
/// whom was found, where that is known.
fn identity(request: &Request, out: &mut Vec<u8>) {
    if let Some(district) = request.named_district() {
        out.extend_from_slice(br#","district":""#);
        decimal(out, u64::from(district), 1);
        out.push(b'"');
    }
    if request.route.has_body() {
        out.extend_from_slice(br#","identity":""#);
        request.subject.write(out);
        out.push(b'"');
    }
}

/// Appends a count that is not negative.
fn count(out: &mut Vec<u8>, value: i64, width: usize) {
    decimal(out, u64::try_from(value).unwrap_or(0), width);
}

/// A second in the forms that logs have: most lines share theirs with the one before.
#[derive(Clone, Debug)]
struct Second {
    /// Since 1970.
    number: i64,
    /// `2026-11-21T19:30:16`.
    iso: String,
    /// `21/Nov/2026:19:30:16`.
    clf: String,
    /// `2026/11/21 - 19:30:16`.
    gin: String,
    /// `Nov 21 19:30:16`.
    syslog: String,
}

impl Second {
    fn of(at: Moment) -> Self {
        let (year, month, day) = civil_from_days(at.index(DAY_MS));
        let minutes = at.0.rem_euclid(DAY_MS) / MINUTE_MS;
        let seconds = at.0.rem_euclid(MINUTE_MS) / SECOND_MS;
        let time = format!("{:02}:{:02}:{seconds:02}", minutes / 60, minutes % 60);
        let index = usize::try_from(month - 1).unwrap_or(0);
        let name = MONTHS.get(index).copied().unwrap_or_default();
        Self {
            number: at.index(SECOND_MS),
            iso: format!("{year:04}-{month:02}-{day:02}T{time}"),
            clf: format!("{day:02}/{name}/{year:04}:{time}"),
            gin: format!("{year:04}/{month:02}/{day:02} - {time}"),
            syslog: format!("{name} {day:2} {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_template_is_a_field_and_every_field_is_used() {
        let mut used = Vec::new();
        for format in Format::ALL {
            let pieces = pieces(template(*format));
            let (last, rest) = pieces.split_last().unwrap();
            assert!(last.1.is_none() && rest.iter().all(|it| it.1.is_some()), "{format:?}");
            used.extend(rest.iter().filter_map(|it| it.1));
        }
        for (name, field) in Field::ALL {
            assert!(used.contains(&field), "${name}");
        }
    }

    #[test]
    fn a_second_is_written_as_gateways_write_it() {
        let second = Second::of(Moment(1_795_289_416_042));
        assert_eq!(second.iso, "2026-11-21T19:30:16");
        assert_eq!(second.clf, "21/Nov/2026:19:30:16");
        assert_eq!(second.gin, "2026/11/21 - 19:30:16");
        assert_eq!(second.syslog, "Nov 21 19:30:16");
    }
}
