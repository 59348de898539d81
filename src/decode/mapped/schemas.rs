//! The maps of schemas that many programs write. All are read in their specifications.

use super::{Map, Method, NOTHING, Target};
use crate::decode::Format;

/// The Elastic Common Schema, as Filebeat's modules and Logstash write it. Read in Elastic's
/// `fields.csv`. What the client sent is `url.original`; the rest of `url` is made of it.
pub(super) static ECS: Map = Map {
    format: Format::Ecs,
    marks: &[
        &["@timestamp", "http.request.method"],
        &["@timestamp", "http.response.status_code"],
        &["ecs.version", "http.request.method"],
        &["ecs.version", "url.path"],
    ],
    time: &["@timestamp"],
    method: &[(Method::Name, "http.request.method")],
    target: &[(Target::Url, "url.original"), (Target::Url, "url.path"), (Target::Url, "url.full")],
    query: &["url.query"],
    status: &["http.response.status_code"],
    bytes: &["http.response.body.bytes", "http.response.bytes"],
    peer: &["source.ip", "client.ip", "source.address", "client.address"],
    user: &["user.name", "user.id", "client.user.name", "client.user.id", "source.user.name"],
    user_agent: &["user_agent.original"],
    forwarded: &["network.forwarded_ip"],
    ja4: &["tls.client.ja4"],
    headers: &["http.request.headers"],
};

/// OpenTelemetry's conventions for HTTP servers, the stable ones and those before, as attributes of
/// a log record or on one level. Read in the specification.
pub(super) static OTEL: Map = Map {
    format: Format::Otel,
    marks: &[
        &["http.request.method"],
        &["attributes.http.request.method"],
        &["http.method", "http.status_code"],
        &["attributes.http.method"],
    ],
    time: &["timeUnixNano", "timestamp", "@timestamp", "time", "observedTimeUnixNano"],
    method: &[
        (Method::Name, "attributes.http.request.method"),
        (Method::Name, "http.request.method"),
        (Method::Name, "attributes.http.method"),
        (Method::Name, "http.method"),
    ],
    target: &[
        (Target::Url, "attributes.url.path"),
        (Target::Url, "url.path"),
        (Target::Url, "attributes.http.target"),
        (Target::Url, "http.target"),
        (Target::Url, "attributes.url.full"),
        (Target::Url, "url.full"),
        (Target::Url, "attributes.http.url"),
        (Target::Url, "http.url"),
        (Target::Template, "attributes.http.route"),
        (Target::Template, "http.route"),
    ],
    query: &["attributes.url.query", "url.query"],
    status: &[
        "attributes.http.response.status_code",
        "http.response.status_code",
        "attributes.http.status_code",
        "http.status_code",
    ],
    bytes: &[
        "attributes.http.response.body.size",
        "http.response.body.size",
        "attributes.http.response_content_length",
        "http.response_content_length",
    ],
    peer: &[
        "attributes.network.peer.address",
        "network.peer.address",
        "attributes.client.address",
        "client.address",
        "attributes.net.sock.peer.addr",
        "net.sock.peer.addr",
        "attributes.http.client_ip",
        "http.client_ip",
    ],
    user: &["attributes.user.id", "user.id", "attributes.enduser.id", "enduser.id"],
    user_agent: &[
        "attributes.user_agent.original",
        "user_agent.original",
        "attributes.http.user_agent",
        "http.user_agent",
    ],
    forwarded: &[
        "attributes.http.request.header.x-forwarded-for",
        "http.request.header.x-forwarded-for",
    ],
    ja4: NOTHING,
    headers: &["attributes.http.request.header", "http.request.header"],
};

/// What [`Method::Activity`] counts, from 1.
pub(super) const ACTIVITIES: &[&str] =
    &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"];

/// OCSF's HTTP Activity, class 4002. Read in the schema, 1.9.0-dev.
pub(super) static OCSF: Map = Map {
    format: Format::Ocsf,
    marks: &[
        &["class_uid", "http_request.url"],
        &["class_uid", "http_request.http_method"],
        &["http_request.url", "http_response.code"],
    ],
    time: &["time", "time_dt"],
    method: &[(Method::Name, "http_request.http_method"), (Method::Activity, "activity_id")],
    target: &[
        (Target::Url, "http_request.url.path"),
        (Target::Url, "http_request.url.url_string"),
        (Target::Url, "http_request.url.text"),
    ],
    query: &["http_request.url.query_string"],
    status: &["http_response.code", "status_code"],
    bytes: &["http_response.length"],
    peer: &["src_endpoint.ip"],
    user: &["actor.user.uid", "actor.user.name", "user.uid", "user.name"],
    user_agent: &["http_request.user_agent"],
    forwarded: &["http_request.x_forwarded_for"],
    ja4: &["ja4_fingerprint_list.0.value"],
    headers: NOTHING,
};
