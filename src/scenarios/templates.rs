//! What each format's lines look like.
//!
//! Fields and order are those that the real gateway was seen to write, or that its documentation
//! has (`decode` says which): what reads simulated lines reads real ones. A length that nobody reads
//! is a constant.

use crate::decode::Format;

/// The line of a format; a word behind `$` is a field.
pub(super) const fn template(format: Format) -> &'static str {
    match format {
        Format::ApacheCommon => APACHE_COMMON,
        Format::NginxCombined => NGINX_COMBINED,
        Format::NginxIngress => NGINX_INGRESS,
        Format::NginxJson => NGINX_JSON,
        Format::EnvoyText => ENVOY_TEXT,
        Format::EnvoyJson => ENVOY_JSON,
        Format::Haproxy => HAPROXY,
        Format::Traefik => TRAEFIK,
        Format::Caddy => CADDY,
        Format::Kong => KONG,
        Format::Apisix => APISIX,
        Format::ApisixText => APISIX_TEXT,
        Format::Tyk => TYK,
        Format::Krakend => KRAKEND,
        Format::AwsApiGateway => AWS_API_GATEWAY,
        Format::AwsAlb => AWS_ALB,
        Format::AzureApim => AZURE_APIM,
        Format::Otel => OTEL,
        Format::Ecs => ECS,
        Format::Ocsf => OCSF,
        Format::Custom => CUSTOM,
    }
}

const APACHE_COMMON: &str =
    r#"$address - $column [$clf +0000] "$method $target HTTP/1.1" $status $bytes"#;

const NGINX_COMBINED: &str =
    r#"$address - $column [$clf +0000] "$method $target HTTP/1.1" $status $bytes "-" "$agent""#;

const NGINX_INGRESS: &str = concat!(
    r#"$address - $column [$clf +0000] "$method $target HTTP/1.1" $status $bytes "-" "#,
    r#""$agent" 412 0.007 [portal-api-80] [] 10.42.0.7:8080 $bytes 0.007 $status "#,
    "7f3c9b402ae5444b3bafeac23fbd5916",
);

const NGINX_JSON: &str = concat!(
    r#"{"time":"$iso+00:00","msec":"$seconds.$milliseconds","remote_addr":"$address","#,
    r#""remote_user":"$login","x_forwarded_for":"","x_session":"$session","#,
    r#""request_method":"$method","request_uri":"$target","status":"$status","#,
    r#""body_bytes_sent":"$bytes","request_length":"412","request_time":"0.007","#,
    r#""http_referer":"","http_user_agent":"$agent","host":"portal.example","#,
    r#""server_protocol":"HTTP/1.1","ssl_protocol":"TLSv1.3"$identity}"#,
);

const ENVOY_TEXT: &str = concat!(
    r#"[$iso.$millisecondsZ] "$method $target HTTP/1.1" $status - 0 $bytes 7 6 "$address" "#,
    r#""$agent" "8869e56a-f153-410e-92b2-f1fea299bb3c" "portal.example" "10.42.0.7:8080""#,
);

const ENVOY_JSON: &str = concat!(
    r#"{"authority":"portal.example","bytes_received":0,"bytes_sent":$bytes,"#,
    r#""downstream_remote_address":"$address:41022","duration":7,"method":"$method","#,
    r#""path":"$target","protocol":"HTTP/1.1","response_code":$status,"#,
    r#""response_flags":"-","route_name":null,"start_time":"$iso.$millisecondsZ","#,
    r#""upstream_service_time":"6","user":$json_login,"user_agent":"$agent","#,
    r#""x_forwarded_for":null,"x_session":$json_session$identity}"#,
);

const HAPROXY: &str = concat!(
    r"<134>$syslog haproxy[16152]: $address:41022 [$clf.$milliseconds] portal~ api/api1 ",
    r"0/0/1/6/7 $status $bytes - - ---- 12/12/0/0/0 0/0 {$agent||$name} ",
    r#""$method $target HTTP/1.1""#,
);

const TRAEFIK: &str = concat!(
    r#"{"ClientAddr":"$address:41022","ClientHost":"$address","ClientPort":"41022","#,
    r#""ClientUsername":"$login_or_dash","DownstreamContentSize":$bytes,"#,
    r#""DownstreamStatus":$status,"Duration":7311534,"OriginStatus":$status,"#,
    r#""RequestHost":"portal.example","RequestMethod":"$method","RequestPath":"$target","#,
    r#""RequestProtocol":"HTTP/2.0","RequestScheme":"https","RouterName":"portal@file","#,
    r#""StartUTC":"$iso.$milliseconds000000Z","entryPointName":"web","level":"info","#,
    r#""msg":"","request_User-Agent":"$agent"$traefik_session,"time":"$isoZ"$identity}"#,
);

const CADDY: &str = concat!(
    r#"{"level":"info","ts":$seconds.$milliseconds,"logger":"http.log.access.log0","#,
    r#""msg":"handled request","request":{"remote_ip":"$address","remote_port":"41022","#,
    r#""client_ip":"$address","proto":"HTTP/2.0","method":"$method","#,
    r#""host":"portal.example","uri":"$target","headers":{"User-Agent":["$agent"]"#,
    r#"$caddy_session}},"bytes_read":0,"user_id":"$login","duration":0.0073,"#,
    r#""size":$bytes,"status":$status$identity}"#,
);

const KONG: &str = concat!(
    r#"{"request":{"uri":"$target","url":"https://portal.example:443$target","#,
    r#""method":"$method","querystring":{},"size":412,"headers":{"host":"portal.example","#,
    r#""user-agent":"$agent","x-session":$json_session}},"upstream_uri":"$target","#,
    r#""response":{"status":$status,"size":$bytes,"headers":{}},"tries":[],"#,
    r#""latencies":{"kong":1,"proxy":6,"request":7},"route":{"name":"portal"},"#,
    r#""consumer":{"username":$json_login},"client_ip":"$address","#,
    r#""started_at":$seconds$milliseconds$identity}"#,
);

const APISIX: &str = concat!(
    r#"{"request":{"url":"https://portal.example:443$target","uri":"$target","#,
    r#""method":"$method","headers":{"user-agent":"$agent","x-session":$json_session},"#,
    r#""querystring":{},"size":412},"response":{"status":$status,"headers":{},"#,
    r#""size":$bytes},"server":{"hostname":"gateway","version":"3.9.0"},"#,
    r#""upstream":"10.42.0.7:8080","service_id":"","route_id":"1","#,
    r#""consumer":{"username":$json_login},"client_ip":"$address","#,
    r#""start_time":$seconds$milliseconds.0,"latency":7.1,"apisix_latency":1.1$identity}"#,
);

const APISIX_TEXT: &str = concat!(
    r#"$address - $column [$clf +0000] portal.example "$method $target HTTP/1.1" $status "#,
    r#"$bytes 0.007 "-" "$agent" 10.42.0.7:8080 $status 0.006 "http://portal.example""#,
);

const TYK: &str = concat!(
    r#"{"timestamp":"$iso.$millisecondsZ","method":"$method","path":"$target","#,
    r#""raw_path":"$target","response_code":$status,"alias":"","api_key":$json_login,"#,
    r#""api_version":"","api_name":"portal","api_id":"1","org_id":"1","oauth_id":"","#,
    r#""raw_request":"","request_time_ms":7,"raw_response":"","ip_address":"$address","#,
    r#""host":"portal.example","content_length":0,"user_agent":"$agent","#,
    r#""x_session":$json_session$identity}"#,
);

const KRAKEND: &str =
    r#"[GIN] $gin | $status |     7.3114ms |     $address | $method     "$target""#;

const AWS_API_GATEWAY: &str = concat!(
    r#"{"requestId":"8869e56a","ip":"$address","caller":"-","user":$json_login,"#,
    r#""requestTime":"$clf +0000","requestTimeEpoch":"$seconds$milliseconds","#,
    r#""httpMethod":"$method","resourcePath":"/{proxy+}","path":"$target","#,
    r#""status":"$status","protocol":"HTTP/1.1","responseLength":"$bytes","#,
    r#""userAgent":"$agent","x_session":$json_session$identity}"#,
);

const AWS_ALB: &str = concat!(
    r"https $iso.$milliseconds000Z app/portal/50dc6c495c0c9188 $address:41022 ",
    r"10.42.0.7:8080 0.000 0.000 0.000 $status $status 412 $bytes ",
    r#""$method https://portal.example:443$target HTTP/1.1" "$agent" "#,
    r"ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:targetgroup/a/1 ",
    r#""Root=1-58337281-1d84f3d7" "portal.example" "arn:aws:acm:certificate/1" 0 "#,
    r#"$iso.$milliseconds000Z "forward" "-" "-" "10.42.0.7:8080" "$status" "-" "-""#,
);

const AZURE_APIM: &str = concat!(
    r#"{"time":"$iso.$milliseconds0000Z","category":"GatewayLogs","#,
    r#""operationName":"Microsoft.ApiManagement/GatewayLogs","durationMs":7,"#,
    r#""callerIpAddress":"$address","correlationId":"8869e56a","properties":{"#,
    r#""method":"$method","url":"https://portal.example$target","responseCode":$status,"#,
    r#""responseSize":$bytes,"apiId":"portal","userId":$json_login,"#,
    r#""requestHeaders":{"User-Agent":"$agent","X-Session":$json_session}}$identity}"#,
);

const OTEL: &str = concat!(
    r#"{"timeUnixNano":"$seconds$milliseconds000000","severityText":"INFO","attributes":{"#,
    r#""http.request.method":"$method","url.path":"$target","url.scheme":"https","#,
    r#""http.response.status_code":$status,"http.response.body.size":$bytes,"#,
    r#""network.peer.address":"$address","user.id":$json_login,"#,
    r#""user_agent.original":"$agent"},"x_session":$json_session$identity}"#,
);

const ECS: &str = concat!(
    r#"{"@timestamp":"$iso.$millisecondsZ","ecs":{"version":"8.11.0"},"http":{"#,
    r#""request":{"method":"$method"},"response":{"status_code":$status,"#,
    r#""body":{"bytes":$bytes}}},"url":{"original":"$target"},"source":{"#,
    r#""ip":"$address"},"user":{"name":$json_login},"user_agent":{"#,
    r#""original":"$agent"},"x_session":$json_session$identity}"#,
);

const OCSF: &str = concat!(
    r#"{"class_uid":4002,"activity_id":99,"time":$seconds$milliseconds,"http_request":{"#,
    r#""http_method":"$method","url":{"path":"$target"},"user_agent":"$agent"},"#,
    r#""http_response":{"code":$status,"length":$bytes},"src_endpoint":{"#,
    r#""ip":"$address"},"actor":{"user":{"uid":$json_login}},"#,
    r#""x_session":$json_session$identity}"#,
);

const CUSTOM: &str = concat!(
    r#"{"ts":"$iso.$millisecondsZ","req":{"method":"$method","path":"$target"},"#,
    r#""status":$status,"bytes":$bytes,"client":{"ip":"$address","login":"$login"},"#,
    r#""x_session":"$session","agent":"$agent"$identity}"#,
);
