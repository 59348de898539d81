//! Lines as each gateway writes them out of the box, two dozen clients that each look up one person.

use darban::decode::Format;

/// How many lines of each.
pub(crate) const LINES: usize = 24;

/// A format's stock log, and what of it is blind.
pub(crate) struct Stock {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    pub(crate) line: fn(usize) -> String,
    pub(crate) blind: &'static [&'static str],
}

impl Stock {
    pub(crate) fn lines(&self) -> Vec<String> {
        (0..LINES).map(self.line).collect()
    }
}

/// The person that a line is about; none of the ids may ever be shown.
pub(crate) fn id(at: usize) -> String {
    (71_012_345 + at * 7_919).to_string()
}

pub(crate) fn address(at: usize) -> String {
    format!("203.0.113.{}", at + 1)
}

fn path(at: usize) -> String {
    format!("/v2/people/{}", id(at))
}

fn seconds(at: usize) -> usize {
    10 + at
}

fn rfc(at: usize) -> String {
    format!("2026-11-21T19:30:{}.042Z", seconds(at))
}

fn clf(at: usize) -> String {
    format!("21/Nov/2026:19:30:{} +0000", seconds(at))
}

fn epoch_ms(at: usize) -> usize {
    1_795_289_410_042 + at * 1_000
}

fn nginx_combined(at: usize) -> String {
    format!(
        r#"{} - - [{}] "GET {} HTTP/1.1" 200 512 "-" "curl/8.{at}""#,
        address(at),
        clf(at),
        path(at)
    )
}

fn nginx_json(at: usize) -> String {
    format!(
        r#"{{"time_iso8601":"{}","remote_addr":"{}","remote_user":"","request_method":"GET","request_uri":"{}","status":"200","body_bytes_sent":"512"}}"#,
        rfc(at),
        address(at),
        path(at)
    )
}

fn envoy_text(at: usize) -> String {
    format!(
        r#"[{}] "GET {} HTTP/1.1" 200 - 0 512 7 6 "-" "curl/8.{at}" "r-{at}" "portal.example" "10.0.0.1:80""#,
        rfc(at),
        path(at)
    )
}

fn istio(at: usize) -> String {
    format!(
        r#"{{"start_time":"{}","route_name":"default","method":"GET","path":"{}","protocol":"HTTP/1.1","response_code":200,"response_flags":"-","bytes_received":0,"bytes_sent":512,"duration":7,"x_forwarded_for":"{}","user_agent":"curl/8","request_id":"r-{at}","authority":"portal.example","upstream_host":"10.0.0.1:80","downstream_remote_address":"10.4.0.7:41000"}}"#,
        rfc(at),
        path(at),
        address(at)
    )
}

fn kong(at: usize) -> String {
    format!(
        r#"{{"latencies":{{"request":15,"kong":5,"proxy":10}},"request":{{"id":"r{at}","querystring":{{}},"uri":"{}","url":"https://portal.example{}","headers":{{"host":"portal.example","user-agent":"curl/8.1"}},"method":"GET","size":1}},"client_ip":"{}","upstream_uri":"/","response":{{"headers":{{}},"status":200,"size":512}},"started_at":{}}}"#,
        path(at),
        path(at),
        address(at),
        epoch_ms(at)
    )
}

fn apisix(at: usize) -> String {
    format!(
        r#"{{"upstream":"10.0.0.1:80","route_id":"1","start_time":{},"client_ip":"{}","service_id":"","upstream_latency":2,"apisix_latency":1.5,"latency":3.5,"server":{{"hostname":"gw","version":"3.9.0"}},"request":{{"uri":"{}","method":"GET","headers":{{"host":"portal.example","user-agent":"curl"}},"size":79,"url":"http://portal.example{}","querystring":{{}}}},"response":{{"status":200,"size":512,"headers":{{}}}}}}"#,
        epoch_ms(at),
        address(at),
        path(at),
        path(at)
    )
}

fn traefik(at: usize) -> String {
    format!(
        r#"{{"ClientAddr":"{0}:4000","ClientHost":"{0}","ClientPort":"4000","ClientUsername":"-","DownstreamContentSize":512,"DownstreamStatus":200,"Duration":1000,"RequestHost":"portal.example","RequestMethod":"GET","RequestPath":"{1}","RequestProtocol":"HTTP/1.1","StartUTC":"{2}","time":"{2}","level":"info"}}"#,
        address(at),
        path(at),
        rfc(at)
    )
}

fn haproxy(at: usize) -> String {
    format!(
        r#"<134>Nov 21 19:30:16 gw haproxy[7]: {}:4000 [21/Nov/2026:19:30:{}.124] fe~ be/srv 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 "GET {} HTTP/1.1""#,
        address(at),
        seconds(at),
        path(at)
    )
}

fn caddy(at: usize) -> String {
    format!(
        r#"{{"level":"info","ts":{}.5,"logger":"http.log.access","msg":"handled request","request":{{"remote_ip":"{1}","remote_port":"4000","client_ip":"{1}","proto":"HTTP/2.0","method":"GET","host":"portal.example","uri":"{2}","headers":{{"User-Agent":["curl/8"]}}}},"bytes_read":0,"user_id":"","duration":0.01,"size":512,"status":200,"resp_headers":{{}}}}"#,
        epoch_ms(at) / 1_000,
        address(at),
        path(at)
    )
}

fn aws(at: usize) -> String {
    format!(
        r#"{{"requestId":"r{at}","ip":"{}","caller":"-","user":"-","requestTime":"{}","httpMethod":"GET","resourcePath":"/v2/people/{{id}}","status":"200","protocol":"HTTP/1.1","responseLength":"512"}}"#,
        address(at),
        clf(at)
    )
}

fn alb(at: usize) -> String {
    format!(
        r#"https {} app/portal/50dc {}:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 512 "GET https://portal.example:443{} HTTP/1.1" "curl/7" - - arn:aws:x "Root=1-{at}" "portal.example" "arn:aws:y" 1 {} "forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#,
        rfc(at),
        address(at),
        path(at),
        rfc(at)
    )
}

fn azure(at: usize) -> String {
    format!(
        r#"{{"time":"{}","operationName":"Microsoft.ApiManagement/GatewayLogs","category":"GatewayLogs","callerIpAddress":"{}","correlationId":"c{at}","properties":{{"method":"GET","url":"https://portal.azure-api.net{}","responseCode":200,"responseSize":512,"apiId":"portal","apimSubscriptionId":"s{}"}}}}"#,
        rfc(at),
        address(at),
        path(at),
        at % 7
    )
}

fn tyk(at: usize) -> String {
    format!(
        r#"{{"timestamp":"{}","method":"GET","path":"{2}","raw_path":"{2}","response_code":200,"alias":"","api_key":"5f2a{}","api_version":"Default","api_name":"Portal","api_id":"6a1b","org_id":"53ac","oauth_id":"","raw_request":"","request_time_ms":7,"raw_response":"","ip_address":"{3}","host":"portal.example","content_length":0,"user_agent":"curl"}}"#,
        rfc(at),
        at % 7,
        path(at),
        address(at)
    )
}

fn krakend(at: usize) -> String {
    format!(
        r#"[GIN] 2026/11/21 - 19:30:{} | 200 |       4.529µs |     {} | GET      "{}""#,
        seconds(at),
        address(at),
        path(at)
    )
}

fn otel(at: usize) -> String {
    format!(
        r#"{{"timeUnixNano":"{}000000","attributes":{{"http.request.method":"GET","url.path":"{}","http.route":"/v2/people/{{id}}","http.response.status_code":200,"network.peer.address":"{}","user_agent.original":"curl"}}}}"#,
        epoch_ms(at),
        path(at),
        address(at)
    )
}

fn ecs(at: usize) -> String {
    format!(
        r#"{{"@timestamp":"{}","ecs":{{"version":"8.11.0"}},"http":{{"request":{{"method":"GET"}},"response":{{"status_code":200,"body":{{"bytes":512}}}}}},"url":{{"original":"{}"}},"source":{{"ip":"{}"}},"user_agent":{{"original":"curl"}}}}"#,
        rfc(at),
        path(at),
        address(at)
    )
}

fn ocsf(at: usize) -> String {
    format!(
        r#"{{"class_uid":4002,"activity_id":3,"time":{},"http_request":{{"http_method":"GET","url":{{"path":"{}","hostname":"portal.example"}},"user_agent":"curl"}},"http_response":{{"code":200,"length":512}},"src_endpoint":{{"ip":"{}"}}}}"#,
        epoch_ms(at),
        path(at),
        address(at)
    )
}

const ADDRESS: &str = "no_key_but_the_address";

/// Every stock format.
pub(crate) const STOCK: &[Stock] = &[
    Stock {
        name: "nginx combined",
        format: Format::NginxCombined,
        line: nginx_combined,
        blind: &[ADDRESS],
    },
    Stock {
        name: "nginx JSON without headers",
        format: Format::NginxJson,
        line: nginx_json,
        blind: &[ADDRESS, "no_user_agent"],
    },
    Stock {
        name: "Envoy text",
        format: Format::EnvoyText,
        line: envoy_text,
        blind: &["no_client"],
    },
    Stock {
        name: "Istio JSON",
        format: Format::EnvoyJson,
        line: istio,
        blind: &[ADDRESS, "untrusted_proxy"],
    },
    Stock { name: "Kong", format: Format::Kong, line: kong, blind: &[ADDRESS] },
    Stock { name: "APISIX", format: Format::Apisix, line: apisix, blind: &[ADDRESS] },
    Stock {
        name: "Traefik JSON",
        format: Format::Traefik,
        line: traefik,
        blind: &[ADDRESS, "no_user_agent"],
    },
    Stock {
        name: "HAProxy",
        format: Format::Haproxy,
        line: haproxy,
        blind: &[ADDRESS, "no_user_agent", "no_zone"],
    },
    Stock { name: "Caddy", format: Format::Caddy, line: caddy, blind: &[ADDRESS] },
    Stock {
        name: "AWS API Gateway",
        format: Format::AwsApiGateway,
        line: aws,
        blind: &["template_instead_of_path", ADDRESS, "no_user_agent"],
    },
    Stock { name: "ALB", format: Format::AwsAlb, line: alb, blind: &[ADDRESS] },
    Stock {
        name: "Azure API Management",
        format: Format::AzureApim,
        line: azure,
        blind: &["no_user_agent"],
    },
    Stock { name: "Tyk", format: Format::Tyk, line: tyk, blind: &[] },
    Stock {
        name: "KrakenD CE",
        format: Format::Krakend,
        line: krakend,
        blind: &[ADDRESS, "no_user_agent", "no_zone"],
    },
    Stock { name: "OpenTelemetry", format: Format::Otel, line: otel, blind: &[ADDRESS] },
    Stock { name: "ECS", format: Format::Ecs, line: ecs, blind: &[ADDRESS] },
    Stock { name: "OCSF", format: Format::Ocsf, line: ocsf, blind: &[ADDRESS] },
];
