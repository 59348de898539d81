//! The maps of gateways. None of them could be run where this was written: all are read in their
//! sources or documentation, which each one names.

use super::{Map, Method, NOTHING, Target};
use crate::decode::Format;

/// Kong: what `file-log`, `http-log`, `tcp-log` and Kafka's plugin write, which share one
/// serializer. Read in `kong/pdk/log.lua` of Kong's sources. `client_ip` is the connection's.
/// Headers have lower-case names; a repeated one is an array.
pub(super) static KONG: Map = Map {
    format: Format::Kong,
    marks: &[&["started_at", "request.method"], &["latencies.request", "request.method"]],
    time: &["started_at"],
    method: &[(Method::Name, "request.method")],
    target: &[(Target::Url, "request.uri"), (Target::Url, "request.url")],
    query: NOTHING,
    status: &["response.status"],
    bytes: &["response.size"],
    peer: &["client_ip"],
    user: &[
        "consumer.username",
        "consumer.custom_id",
        "consumer.id",
        "authenticated_entity.consumer_id",
        "authenticated_entity.id",
    ],
    user_agent: &["request.headers.user-agent"],
    forwarded: &["request.headers.x-forwarded-for"],
    ja4: NOTHING,
    headers: &["request.headers"],
};

/// Apache APISIX's loggers without a `log_format` of one's own (`kafka-logger` with `meta_format`
/// `default`). Read in `apisix/utils/log-util.lua`. Up to a thousand of them come as one array.
pub(super) static APISIX: Map = Map {
    format: Format::Apisix,
    marks: &[
        &["start_time", "request.method"],
        &["apisix_latency", "request.method"],
        &["route_id", "request.method"],
    ],
    time: &["start_time"],
    method: &[(Method::Name, "request.method")],
    target: &[(Target::Url, "request.uri"), (Target::Url, "request.url")],
    query: NOTHING,
    status: &["response.status"],
    bytes: &["response.size"],
    peer: &["client_ip"],
    user: &["consumer.username"],
    user_agent: &["request.headers.user-agent"],
    forwarded: &["request.headers.x-forwarded-for"],
    ja4: NOTHING,
    headers: &["request.headers"],
};

/// Tyk's pump to Kafka. Read in `pumps/kafka.go` of Tyk's pump. Its key may be a credential as it
/// was sent: name `user` as a key of kind `credential`, and a keyed hash of it is all that is kept.
/// `content_length` is the request's, so the size of an answer is not known; neither are headers
/// and query, which stand in `raw_request` where that is recorded.
pub(super) static TYK: Map = Map {
    format: Format::Tyk,
    marks: &[&["raw_path", "api_id"], &["api_id", "org_id", "response_code"]],
    time: &["timestamp"],
    method: &[(Method::Name, "method")],
    target: &[(Target::Url, "raw_path"), (Target::Url, "path")],
    query: NOTHING,
    status: &["response_code"],
    bytes: NOTHING,
    peer: &["ip_address"],
    user: &["api_key", "oauth_id", "alias"],
    user_agent: &["user_agent"],
    forwarded: NOTHING,
    ja4: NOTHING,
    headers: NOTHING,
};

/// AWS API Gateway, REST and HTTP, as its console suggests, with the variables that it makes sense
/// to add under the names that they have in `$context`. Read in Amazon's developer guide ("Set up
/// logging"). What the console suggests has the resource's template and not the path: such a record
/// is decoded, marked as a template, and tells no subject until `$context.path` is logged as `path`.
pub(super) static AWS_API_GATEWAY: Map = Map {
    format: Format::AwsApiGateway,
    marks: &[
        &["httpMethod", "resourcePath"],
        &["httpMethod", "routeKey"],
        &["httpMethod", "requestTime"],
        &["httpMethod", "requestTimeEpoch"],
    ],
    time: &["requestTimeEpoch", "requestTime"],
    method: &[(Method::Name, "httpMethod")],
    target: &[
        (Target::Url, "path"),
        (Target::Template, "resourcePath"),
        (Target::RouteKey, "routeKey"),
    ],
    query: NOTHING,
    status: &["status"],
    bytes: &["responseLength"],
    peer: &["ip", "sourceIp", "identity.sourceIp"],
    user: &[
        "user",
        "caller",
        "principalId",
        "authorizer.principalId",
        "apiKeyId",
        "identity.apiKeyId",
    ],
    user_agent: &["userAgent", "identity.userAgent"],
    forwarded: &["xForwardedFor"],
    ja4: NOTHING,
    headers: NOTHING,
};

/// Azure API Management's `GatewayLogs`, as diagnostic settings send them to Event Hubs (fields of
/// a request under `properties`) and as Log Analytics exports them (all on one level, names with
/// capitals). Read in Microsoft's reference. The address may be a proxy's.
pub(super) static AZURE_APIM: Map = Map {
    format: Format::AzureApim,
    marks: &[
        &["callerIpAddress", "properties.url"],
        &["callerIpAddress", "url", "responseCode"],
        &["apimSubscriptionId", "url"],
        &["properties.apimSubscriptionId", "properties.url"],
        &["properties.apiId", "properties.url"],
    ],
    time: &["time", "timeGenerated"],
    method: &[(Method::Name, "properties.method"), (Method::Name, "method")],
    target: &[(Target::Url, "properties.url"), (Target::Url, "url")],
    query: NOTHING,
    status: &["properties.responseCode", "responseCode"],
    bytes: &["properties.responseSize", "responseSize"],
    peer: &["callerIpAddress", "properties.callerIpAddress"],
    user: &["properties.userId", "userId", "properties.apimSubscriptionId", "apimSubscriptionId"],
    user_agent: &["properties.requestHeaders.user-agent", "requestHeaders.user-agent"],
    forwarded: &["properties.requestHeaders.x-forwarded-for", "requestHeaders.x-forwarded-for"],
    ja4: NOTHING,
    headers: &["properties.requestHeaders", "requestHeaders"],
};
