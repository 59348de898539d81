//! S17: lines that a harvester writes so that they fall out of the log.
//!
//! A client chooses its path, its query and its user agent, and nothing else. What stands here is
//! what a real gateway would have written of a hostile one: escaped where it escapes, raw where it
//! does not. None of it changes who asked whom.

use super::random::mix;
use super::request::Request;
use super::templates::template;
use crate::decode::Format;

/// Bytes of a huge path: what gateways still accept in a request line at their defaults.
const HUGE_BYTES: usize = 8_000;
/// What a forged tail pretends the end of the line to be.
const FORGED: [&str; 3] = ["", " 404 9 ", "-"];

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// A byte that is not UTF-8.
    InvalidByte,
    /// A key that comes twice, with another value: of the JSON object, or of the query.
    TwoKeys,
    /// A path of thousands of bytes.
    HugePath,
    /// A user agent that looks like the end of another line.
    ForgedTail,
}

impl Hostile {
    /// What is wrong with the line of this request: each fault comes up, always the same for one.
    #[must_use]
    pub const fn of(request: &Request) -> Self {
        match mix(request.subject.number ^ request.at.0.cast_unsigned()) % 4 {
            0 => Self::InvalidByte,
            1 => Self::TwoKeys,
            2 => Self::HugePath,
            _ => Self::ForgedTail,
        }
    }

    /// Appends to a target, of which `query` says whether it has a query already.
    pub(super) fn end_target(self, format: Format, query: bool, out: &mut Vec<u8>) {
        let begin = |out: &mut Vec<u8>| out.extend_from_slice(if query { b"&x=" } else { b"?x=" });
        match self {
            Self::InvalidByte => {
                begin(out);
                out.extend_from_slice(match format {
                    Format::NginxCombined | Format::NginxIngress | Format::ApisixText => br"\xFE",
                    Format::ApacheCommon | Format::Krakend => br"\xfe",
                    Format::Haproxy => b"#FE",
                    _ => b"\xfe",
                });
            }
            Self::TwoKeys if !is_json(format) => {
                begin(out);
                out.extend_from_slice(b"1&x=2");
            }
            Self::HugePath => {
                begin(out);
                out.resize(out.len() + HUGE_BYTES, b'a');
            }
            // The formats without user agents.
            Self::ForgedTail if matches!(format, Format::ApacheCommon | Format::Krakend) => {
                begin(out);
                out.extend_from_slice(br#"\"404"#);
            }
            Self::TwoKeys | Self::ForgedTail => {}
        }
    }

    /// Appends to a user agent.
    pub(super) fn end_agent(self, format: Format, out: &mut Vec<u8>) {
        if self != Self::ForgedTail {
            return;
        }
        let quote = match format {
            Format::NginxCombined | Format::NginxIngress | Format::ApisixText => r"\x22",
            Format::Haproxy => "#22",
            Format::EnvoyText => "\"",
            _ => "\\\"",
        };
        out.extend_from_slice(FORGED.join(quote).as_bytes());
    }

    /// Appends to the whole line.
    pub(super) fn end_line(self, format: Format, out: &mut Vec<u8>) {
        let again = match format {
            Format::NginxJson => r#","request_uri":"/health","status":"404"}"#,
            Format::EnvoyJson => r#","path":"/health","response_code":404}"#,
            Format::Traefik => r#","RequestPath":"/health","DownstreamStatus":404}"#,
            Format::Caddy | Format::Custom | Format::AwsApiGateway => r#","status":404}"#,
            Format::Kong => r#","request":{"uri":"/health"},"response":{"status":404}}"#,
            Format::Apisix => r#","request":{"uri":"/health"},"client_ip":"10.0.0.1"}"#,
            Format::Tyk => r#","raw_path":"/health","response_code":404}"#,
            Format::AzureApim => r#","properties":{"url":"/health","responseCode":404}}"#,
            Format::Otel => r#","attributes":{"url.path":"/health"}}"#,
            Format::Ecs => r#","url":{"original":"/health"},"http":{}}"#,
            Format::Ocsf => r#","http_request":{"url":{"path":"/health"}}}"#,
            _ => return,
        };
        if self == Self::TwoKeys && out.pop_if(|it| *it == b'}').is_some() {
            out.extend_from_slice(again.as_bytes());
        }
    }
}

/// Whether a format's lines are JSON.
pub(super) fn is_json(format: Format) -> bool {
    matches!(template(format).as_bytes(), [b'{', ..])
}
