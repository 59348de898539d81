//! What to write into a gateway's configuration: one table, by what is needed and who logs.
//!
//! All that a gateway logs is read by the decoder of that gateway, under the keys that stand here.

use crate::decode::Format;

/// What a log needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Path with query, status, address, forwarded addresses, user agent, all at once.
    Fields,
    /// Who the client is.
    Key,
    /// Proxies, in darban's configuration.
    Proxies,
    /// Routes, in darban's configuration.
    Routes,
    /// One gateway only.
    Once,
    /// The zone of times.
    Zone,
    /// The time of records in Kafka.
    RecordTime,
    /// To be looked at.
    Look,
}

/// What to write, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) place: &'static str,
    pub(super) text: &'static str,
}

/// Who writes a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gateway {
    Nginx,
    Envoy,
    Kong,
    Apisix,
    Traefik,
    Caddy,
    Haproxy,
    Aws,
    Alb,
    Azure,
    Tyk,
    Krakend,
    Otel,
    Ecs,
    Ocsf,
    Custom,
}

const fn gateway(format: Format) -> Gateway {
    match format {
        Format::NginxCombined | Format::NginxIngress | Format::NginxJson | Format::ApacheCommon => {
            Gateway::Nginx
        }
        Format::EnvoyText | Format::EnvoyJson => Gateway::Envoy,
        Format::Haproxy => Gateway::Haproxy,
        Format::Traefik => Gateway::Traefik,
        Format::Caddy => Gateway::Caddy,
        Format::Kong => Gateway::Kong,
        Format::Apisix | Format::ApisixText => Gateway::Apisix,
        Format::Tyk => Gateway::Tyk,
        Format::Krakend => Gateway::Krakend,
        Format::AwsApiGateway => Gateway::Aws,
        Format::AwsAlb => Gateway::Alb,
        Format::AzureApim => Gateway::Azure,
        Format::Otel => Gateway::Otel,
        Format::Ecs => Gateway::Ecs,
        Format::Ocsf => Gateway::Ocsf,
        Format::Custom => Gateway::Custom,
    }
}

/// The snippet for a need at the gateway that writes a format.
pub(super) fn of(need: Need, format: Option<Format>) -> Snippet {
    let gateway = format.map(gateway);
    let own = TABLE.iter().find(|it| it.0 == need && Some(it.1) == gateway).map(|it| it.2);
    // Whoever has no words of its own for a key logs it with all other fields.
    let fields = || TABLE.iter().find(|it| it.0 == Need::Fields && Some(it.1) == gateway);
    let instead = || fields().filter(|_| need == Need::Key).map(|it| it.2);
    let any = || ANY.iter().find(|it| it.0 == need).map(|it| it.1);
    own.or_else(instead).or_else(any).unwrap_or(Snippet { place: "the gateway", text: FIELDS })
}

const NGINX: &str = "\
log_format darban escape=json '{\"msec\":\"$msec\",\"request_id\":\"$request_id\",\"remote_addr\":\"$remote_addr\",'
  '\"remote_user\":\"$remote_user\",\"request_method\":\"$request_method\",\"request_uri\":\"$request_uri\",'
  '\"status\":\"$status\",\"body_bytes_sent\":\"$body_bytes_sent\",\"http_user_agent\":\"$http_user_agent\",'
  '\"http_x_forwarded_for\":\"$http_x_forwarded_for\",\"http_x_api_key\":\"$http_x_api_key\",\"jwt_sub\":\"$jwt_claim_sub\"}';
access_log /var/log/nginx/darban.json darban;   # leave out variables that this nginx does not have";

const ENVOY: &str = "\
access_log:
- name: envoy.access_loggers.file
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
    path: /dev/stdout
    log_format:
      json_format:               # with Istio: meshConfig.accessLogEncoding JSON and accessLogFormat
        start_time: \"%START_TIME%\"
        request_id: \"%REQ(X-REQUEST-ID)%\"
        method: \"%REQ(:METHOD)%\"
        path: \"%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%\"
        response_code: \"%RESPONSE_CODE%\"
        bytes_sent: \"%BYTES_SENT%\"
        downstream_direct_remote_address: \"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\"
        x_forwarded_for: \"%REQ(X-FORWARDED-FOR)%\"
        user_agent: \"%REQ(USER-AGENT)%\"
        x_api_key: \"%REQ(X-API-KEY)%\"        # in darban.toml: field = \"header:x-api-key\"
        user: \"%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%\"";

const KONG_KEY: &str = "\
plugins:                         # Kong logs the consumer once a plugin knows it
- name: key-auth                 # or jwt, oauth2, openid-connect, basic-auth
# where the key is a header only, in darban.toml:
# [[clients.keys]]
# kind = \"credential\"
# field = \"header:x-api-key\"";

const APISIX: &str = "\
plugins:
  kafka-logger:
    brokers: [{host: kafka-1.example, port: 9092}]
    kafka_topic: gateway-access
    meta_format: default         # and no log_format: method, URI, headers, status and consumer are in it
    api_version: 2               # else records have no time
  key-auth: {}                   # or jwt-auth: the consumer is logged once a plugin knows it";

const TRAEFIK: &str = "\
accessLog:
  format: json
  fields:
    defaultMode: keep
    headers:
      defaultMode: drop
      names:
        User-Agent: keep
        X-Forwarded-For: keep
        X-Api-Key: keep          # in darban.toml: field = \"header:x-api-key\"";

const CADDY: &str = "\
log {
  format json
}
log_append user_id {http.auth.user.id}   # or in darban.toml: field = \"header:x-api-key\"";

const HAPROXY: &str = "\
# read as nginx's JSON, with times that need no zone. Lines end at a kilobyte unless there is
# tune.http.logurilen 16384 in global, and len 65535 behind the address of log. Whoever keeps option
# httplog names what it captures in darban.toml: [decode] captures. Of X-Forwarded-For the end is what
# proxies wrote, and a capture keeps the beginning: so its last hop alone is captured.
capture request header User-Agent len 128
http-request capture req.hdr(x-forwarded-for,-1) len 64   # behind two proxies: req.fhdr(x-forwarded-for),field(-1,',',2)
capture request header X-Api-Key len 64
log-format '{\"msec\":\"%Ts.%ms\",\"remote_addr\":\"%ci\",\"request_method\":\"%HM\",\"request_uri\":\"%[capture.req.uri,json(utf8s)]\",\
\"status\":\"%ST\",\"body_bytes_sent\":\"%B\",\"http_user_agent\":\"%[capture.req.hdr(0),json(utf8s)]\",\
\"http_x_forwarded_for\":\"%[capture.req.hdr(1),json(utf8s)]\",\"http_x_api_key\":\"%[capture.req.hdr(2),json(utf8s)]\"}'";

const AWS: &str = "\
{\"requestId\":\"$context.requestId\",\"ip\":\"$context.identity.sourceIp\",\"requestTimeEpoch\":\"$context.requestTimeEpoch\",
 \"httpMethod\":\"$context.httpMethod\",\"path\":\"$context.path\",\"resourcePath\":\"$context.resourcePath\",
 \"status\":\"$context.status\",\"responseLength\":\"$context.responseLength\",\"userAgent\":\"$context.identity.userAgent\",
 \"principalId\":\"$context.authorizer.principalId\",\"apiKeyId\":\"$context.identity.apiKeyId\"}
# the stage's access log format, in one line; $context.path has the id, and no query";

const ALB: &str = "\
# A load balancer logs no header but the user agent, and no login. Log at the gateway or the
# application behind it, and send that log instead of this one.";

const AZURE: &str = "\
# Diagnostic settings of the API, for all requests (sampling 100 %):
headers to log: User-Agent, X-Forwarded-For
# the caller is userId, else the subscription: require one (\"Subscription required\")";

const TYK: &str = "\
\"enable_analytics\": true,       # in tyk.conf; in pump.conf a kafka pump without \"filters\"
\"analytics_config\": {\"enable_detailed_recording\": false}
# and an API that is not keyless (\"use_keyless\": false), so that api_key is logged";

const KRAKEND: &str = "\
# KrakenD's community edition logs the address only, and its log cannot be changed. Put nginx or Envoy
# in front of it and send their log, or with the Enterprise edition:
\"extra_config\": {\"telemetry/logging\": {\"access_log_format\": \"custom\", \"access_log_template\": \"...\"}}";

const OTEL: &str = "\
# attributes of a request that darban reads; headers are captured with
OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=x-forwarded-for,x-api-key
# http.request.method, url.path, url.query, http.response.status_code, network.peer.address,
# http.request.header.x-forwarded-for, user_agent.original, and the login as user.id";

const ECS: &str = "\
# fields of a request that darban reads: @timestamp, http.request.method, url.original (path and query),
# http.response.status_code, source.ip, network.forwarded_ip, user_agent.original, user.id";

const OCSF: &str = "\
# fields of class 4002 that darban reads: time, http_request.http_method, http_request.url.path and
# query_string, http_request.user_agent, http_request.x_forwarded_for, http_response.code,
# src_endpoint.ip, actor.user.uid";

const FIELDS: &str = "\
# log of each request: time with zone, method, path with query, status, bytes, address,
# X-Forwarded-For, User-Agent, and who the client is (login, consumer, key)";

const CUSTOM: &str = "\
[decode.custom]
status = \"/res/status\"
peer = \"/remote/ip\"
forwarded = \"/req/headers/x-forwarded-for\"
user_agent = \"/req/headers/user-agent\"
user = \"/auth/login\"";

const fn at(place: &'static str, text: &'static str) -> Snippet {
    Snippet { place, text }
}

/// By need and gateway.
const TABLE: &[(Need, Gateway, Snippet)] = &[
    (Need::Fields, Gateway::Nginx, at("nginx.conf", NGINX)),
    (Need::Fields, Gateway::Envoy, at("Envoy", ENVOY)),
    (
        Need::Fields,
        Gateway::Kong,
        at(
            "Kong",
            "# a logging plugin without custom_fields_by_lua that take fields away: kafka-log, http-log, file-log",
        ),
    ),
    (Need::Key, Gateway::Kong, at("Kong", KONG_KEY)),
    (Need::Fields, Gateway::Apisix, at("APISIX", APISIX)),
    (Need::RecordTime, Gateway::Apisix, at("APISIX", APISIX)),
    (Need::Fields, Gateway::Traefik, at("traefik.yml", TRAEFIK)),
    (Need::Fields, Gateway::Caddy, at("Caddyfile", CADDY)),
    (Need::Fields, Gateway::Haproxy, at("haproxy.cfg", HAPROXY)),
    (Need::Zone, Gateway::Haproxy, at("haproxy.cfg, or [decode] zone in darban.toml", HAPROXY)),
    (Need::Fields, Gateway::Aws, at("the stage of AWS API Gateway", AWS)),
    (Need::Fields, Gateway::Alb, at("AWS", ALB)),
    (Need::Fields, Gateway::Azure, at("Azure API Management", AZURE)),
    (Need::Fields, Gateway::Tyk, at("Tyk", TYK)),
    (Need::Fields, Gateway::Krakend, at("KrakenD", KRAKEND)),
    (Need::Fields, Gateway::Otel, at("what writes the log", OTEL)),
    (Need::Fields, Gateway::Ecs, at("what writes the log", ECS)),
    (Need::Fields, Gateway::Ocsf, at("what writes the log", OCSF)),
    (Need::Fields, Gateway::Custom, at("darban.toml", CUSTOM)),
];

/// Whoever logs.
const ANY: &[(Need, Snippet)] = &[
    (
        Need::Proxies,
        at(
            "darban.toml",
            "[clients]\ntrusted_proxies = []   # the networks of the proxies in front",
        ),
    ),
    (Need::Routes, at("darban.toml", "# darban init writes the routes that are in these lines")),
    (
        Need::Once,
        at(
            "the shipper",
            "# send the log of one of the two to the topic: of the one that the clients reach",
        ),
    ),
    (
        Need::Zone,
        at("darban.toml", "[decode]\nzone = \"Europe/Berlin\"   # where the gateway's clock is"),
    ),
    (
        Need::RecordTime,
        at(
            "Kafka",
            "kafka-configs.sh --alter --entity-type topics --entity-name TOPIC --add-config message.timestamp.type=LogAppendTime",
        ),
    ),
    (
        Need::Look,
        at("the shipper", "# darban check --sample FILE shows each line that is refused, and why"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_words_for_every_need() {
        let needs = [
            Need::Fields,
            Need::Key,
            Need::Proxies,
            Need::Routes,
            Need::Once,
            Need::Zone,
            Need::RecordTime,
            Need::Look,
        ];
        for (format, need) in Format::ALL.iter().flat_map(|it| needs.map(|need| (*it, need))) {
            let snippet = of(need, Some(format));
            assert_ne!(snippet.place, "the gateway", "{format:?} {need:?}");
        }
        assert_eq!(of(Need::Fields, None).text, FIELDS);
    }
}
