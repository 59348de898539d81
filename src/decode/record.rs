//! What every format decodes to, and why a line may be refused.

use crate::time::Moment;
use std::borrow::Cow;

/// Values outside the fixed fields that a configuration may ask for (`header:`, `json:`).
pub const EXTRAS_MAX: usize = 8;

/// One request as the gateway logged it. Absent is `None`: `-`, `""` and `null` are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRecord<'a> {
    /// When the gateway says it was (event time), to the millisecond, rounded down.
    pub time: Option<Moment>,
    /// The method, as sent.
    pub method: Cow<'a, [u8]>,
    /// Path and query as sent (or as the gateway cleaned it), the log's own escapes undone,
    /// percent-encoding kept.
    pub target: Cow<'a, [u8]>,
    /// The target is a route's template (`/pets/{id}`), because the log has no path: it is on that
    /// route, and tells nothing of whom the request was about.
    pub is_template: bool,
    /// The status that the client was answered; `None` where none was sent.
    pub status: Option<u16>,
    /// Bytes of the answer.
    pub bytes: Option<u64>,
    /// The address (or host name) that the connection came from, without the port.
    pub peer: Option<Cow<'a, [u8]>>,
    /// The authenticated user.
    pub user: Option<Cow<'a, [u8]>>,
    /// The `User-Agent` header.
    pub user_agent: Option<Cow<'a, [u8]>>,
    /// The `X-Forwarded-For` header; repeated headers joined with `, `.
    pub forwarded: Option<Cow<'a, [u8]>>,
    /// The JA4 fingerprint of the TLS hello.
    pub ja4: Option<Cow<'a, [u8]>>,
    /// HAProxy's captured headers, in order.
    pub captures: Vec<Cow<'a, [u8]>>,
    /// What the configuration asked for beside the above.
    pub extras: Extras<'a>,
}

/// The values of the [`Extra`]s that the decoder was made with, by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras<'a>([Option<Cow<'a, [u8]>>; EXTRAS_MAX]);

impl<'a> Extras<'a> {
    /// The value of the extra with this index, where the record has it.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index)?.as_deref()
    }

    /// Sets a value that is not set yet: the first one wins, as with every duplicate.
    pub fn set(&mut self, index: usize, value: Cow<'a, [u8]>) {
        if let Some(slot) = self.0.get_mut(index) {
            slot.get_or_insert(value);
        }
    }
}

/// A value outside the fixed fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Extra {
    /// A request header by its lower-case name, in the formats that log headers.
    Header(String),
    /// A JSON pointer (RFC 6901) into the line, in JSON formats.
    Json(String),
}

/// A log format that darban reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// nginx `combined`, and Apache's: the same line.
    NginxCombined,
    /// ingress-nginx `upstreaminfo`.
    NginxIngress,
    /// nginx with `escape=json` and the usual keys.
    NginxJson,
    /// Envoy's default text format.
    EnvoyText,
    /// Envoy's `json_format` with the usual keys; Istio's and Contour's keys too.
    EnvoyJson,
    /// HAProxy `httplog` and `httpslog`, with or without a syslog header.
    Haproxy,
    /// Traefik JSON.
    Traefik,
    /// Caddy JSON.
    Caddy,
    /// Apache `common`: combined without referer and user agent.
    ApacheCommon,
    /// Kong's logging plugins.
    Kong,
    /// APISIX's logging plugins without a format of one's own.
    Apisix,
    /// APISIX's `access.log`.
    ApisixText,
    /// Tyk's pump.
    Tyk,
    /// KrakenD's community edition: Gin's text.
    Krakend,
    /// AWS API Gateway.
    AwsApiGateway,
    /// AWS Application Load Balancer.
    AwsAlb,
    /// Azure API Management's `GatewayLogs`.
    AzureApim,
    /// OpenTelemetry's conventions for HTTP.
    Otel,
    /// The Elastic Common Schema.
    Ecs,
    /// OCSF's HTTP Activity (4002).
    Ocsf,
    /// JSON with pointers from the configuration.
    Custom,
}

impl Format {
    /// Every format, in the order in which the documentation lists them.
    pub const ALL: &'static [Self] = &[
        Self::NginxCombined,
        Self::NginxIngress,
        Self::NginxJson,
        Self::EnvoyText,
        Self::EnvoyJson,
        Self::Haproxy,
        Self::Traefik,
        Self::Caddy,
        Self::ApacheCommon,
        Self::Kong,
        Self::Apisix,
        Self::ApisixText,
        Self::Tyk,
        Self::Krakend,
        Self::AwsApiGateway,
        Self::AwsAlb,
        Self::AzureApim,
        Self::Otel,
        Self::Ecs,
        Self::Ocsf,
        Self::Custom,
    ];

    /// The name in the configuration, in `check` and as a metric label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NginxCombined => "nginx_combined",
            Self::NginxIngress => "nginx_ingress",
            Self::NginxJson => "nginx_json",
            Self::EnvoyText => "envoy_text",
            Self::EnvoyJson => "envoy_json",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::ApacheCommon => "apache_common",
            Self::Kong => "kong",
            Self::Apisix => "apisix",
            Self::ApisixText => "apisix_text",
            Self::Tyk => "tyk",
            Self::Krakend => "krakend",
            Self::AwsApiGateway => "aws_api_gateway",
            Self::AwsAlb => "aws_alb",
            Self::AzureApim => "azure_apim",
            Self::Otel => "otel",
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
            Self::Custom => "custom",
        }
    }
}

/// Why a line was refused: a closed list, counted by these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// No bytes: a blank line or a Kafka tombstone.
    Empty,
    /// Longer than a mebibyte.
    TooLong,
    /// Behind the 4,096th access record of a batch.
    TooMany,
    /// JSON nested deeper than 16 levels, or a line wrapped more than four times.
    TooDeep,
    /// No format that `auto` knows, or not the pinned one.
    UnknownFormat,
    /// The right format by its look, but broken inside.
    Malformed,
    /// No time, or none that can be read.
    BadTime,
    /// The gateway read no request: `<BADREQ>`, `- -`, an empty request line.
    NoRequest,
    /// A request without a path.
    NoPath,
    /// A request line without a protocol that was not answered 2xx: cut on the wire.
    CutRequest,
}

impl Refusal {
    /// Every reason, so that each counter exists from the start.
    pub const ALL: &'static [Self] = &[
        Self::Empty,
        Self::TooLong,
        Self::TooMany,
        Self::TooDeep,
        Self::UnknownFormat,
        Self::Malformed,
        Self::BadTime,
        Self::NoRequest,
        Self::NoPath,
        Self::CutRequest,
    ];

    /// The reason as a metric label and in `replay`'s summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::TooDeep => "too_deep",
            Self::UnknownFormat => "unknown_format",
            Self::Malformed => "malformed",
            Self::BadTime => "bad_time",
            Self::NoRequest => "no_request",
            Self::NoPath => "no_path",
            Self::CutRequest => "cut_request",
        }
    }
}
