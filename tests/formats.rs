//! Lines of gateways and schemas, by hand from their documentation: what each one says.

use darban::attribute::Skip;
use darban::config::Config;
use darban::decode::{Decoder, Extra, Format, Options, Refusal, record_json};
use darban::pipeline::{Keys, build};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::path::Path;

fn one(line: &str) -> Result<(Format, Map<String, Value>), Refusal> {
    let decoder = Decoder::new(Options::default());
    decoder.decode(line.as_bytes()).map(|(format, it)| (format, record_json(&it, &[])))
}

/// What a line is read as, and that no other format takes it for its own.
fn assert_reads(format: Format, line: &str, expected: Value) {
    let (told, record) = one(line).unwrap_or_else(|why| panic!("{line}: {why:?}"));
    assert_eq!((told, Value::Object(record.clone())), (format, expected), "{line}");
    let pinned = Options { format: Some(format), ..Options::default() };
    let (_, again) = Decoder::new(pinned).decode(line.as_bytes()).unwrap();
    assert_eq!(record_json(&again, &[]), record, "pinned: {line}");
}

const KONG: &str = r#"{"latencies":{"request":515,"kong":58,"proxy":457},"service":{"host":"api.example","id":"0590139e","name":"portal"},"request":{"querystring":{"fields":"name"},"size":138,"uri":"/v2/p/0012345678?fields=name","url":"https://portal.example:8443/v2/p/0012345678?fields=name","headers":{"host":"portal.example:8443","user-agent":"curl/8.1","x-forwarded-for":["203.0.113.9","10.1.1.1"],"authorization":"REDACTED","x-api-key":"k1"},"method":"GET","tls":{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","client_verify":"NONE"}},"tries":[{"balancer_latency":0,"port":443,"ip":"10.0.0.1"}],"client_ip":"10.9.9.9","upstream_uri":"/p/0012345678","consumer":{"id":"a1","username":"clinic-17","custom_id":null},"authenticated_entity":{"id":"k9","consumer_id":"a1"},"response":{"headers":{"content-type":"application/json"},"status":200,"size":934},"route":{"id":"52c58293","paths":["/v2"]},"started_at":1795289416042}"#;

#[test]
fn kong() {
    let expected = json!({ "method": "GET", "target": "/v2/p/0012345678?fields=name",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "10.9.9.9",
        "user": "clinic-17", "user_agent": "curl/8.1", "forwarded": "203.0.113.9, 10.1.1.1" });
    assert_reads(Format::Kong, KONG, expected);
}

#[test]
fn a_header_of_kong_is_found_among_its_headers() {
    let extras = vec![
        Extra::Header("x-api-key".to_owned()),
        Extra::Json("/route/id".to_owned()),
        Extra::Header("x-none".to_owned()),
    ];
    let decoder = Decoder::new(Options { extras, ..Options::default() });
    let (_, record) = decoder.decode(KONG.as_bytes()).unwrap();
    let found = [0, 1, 2].map(|it| record.extras.get(it));
    assert_eq!(found, [Some(&b"k1"[..]), Some(&b"52c58293"[..]), None]);
}

#[test]
fn apisix() {
    let line = r#"{"upstream":"127.0.0.1:1980","route_id":"1","start_time":1795289416042.0,"client_ip":"203.0.113.9","service_id":"","upstream_latency":2,"apisix_latency":100.9,"latency":102.9,"consumer":{"username":"jack"},"server":{"hostname":"localhost","version":"3.9.0"},"request":{"uri":"/v2/p/12?x=1","method":"GET","headers":{"host":"localhost","user-agent":"curl","x-forwarded-for":"192.0.2.7"},"size":79,"url":"http://localhost:9080/v2/p/12?x=1","querystring":{"x":"1"}},"response":{"status":404,"size":118,"headers":{"server":"APISIX"}}}"#;
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 404, "bytes": 118, "peer": "203.0.113.9",
        "user": "jack", "user_agent": "curl", "forwarded": "192.0.2.7" });
    assert_reads(Format::Apisix, line, expected);
}

#[test]
fn apisix_text() {
    let line = r#"203.0.113.9 - jack [21/Nov/2026:19:30:16 +0000] portal.example:9080 "GET /v2/p/12?x=1 HTTP/1.1" 200 27 0.003 "-" "a\x22b" 10.0.0.1:80 200 0.003 "http://portal.example:9080/p/12" "7f3c""#;
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.000Z", "status": 200, "bytes": 27, "peer": "203.0.113.9",
        "user": "jack", "user_agent": "a\"b" });
    assert_reads(Format::ApisixText, line, expected);
}

#[test]
fn tyk() {
    let line = r#"{"timestamp":"2026-11-21T21:30:16.042999999+02:00","method":"GET","path":"/p/12","raw_path":"/v2/p/12","response_code":200,"alias":"","api_key":"5f2a","api_version":"Default","api_name":"Portal","api_id":"6a1b","org_id":"53ac","oauth_id":"","raw_request":"","request_time_ms":7,"raw_response":"","ip_address":"203.0.113.9","host":"portal.example","content_length":0,"user_agent":"curl"}"#;
    let expected = json!({ "method": "GET", "target": "/v2/p/12", "time": "2026-11-21T19:30:16.042Z",
        "status": 200, "peer": "203.0.113.9", "user": "5f2a", "user_agent": "curl" });
    assert_reads(Format::Tyk, line, expected);
}

const KRAKEND: &str = r#"[GIN] 2026/11/21 - 19:30:16 | 404 |       4.529µs |     203.0.113.9 | GET      "/v2/p/12?x=1""#;

#[test]
fn krakend() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.000Z", "status": 404, "peer": "203.0.113.9" });
    assert_reads(Format::Krakend, KRAKEND, expected);
}

#[test]
fn krakend_writes_the_local_time_of_the_configured_zone() {
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let decoder = Decoder::new(Options { zone, ..Options::default() });
    let (_, record) = decoder.decode(KRAKEND.as_bytes()).unwrap();
    assert_eq!(record.time.unwrap().to_string(), "2026-11-21T14:00:16.000Z");
}

#[test]
fn aws_api_gateway_with_a_path() {
    let line = r#"{"requestId":"c6af9ac6","ip":"203.0.113.9","caller":"-","user":"-","requestTime":"21/Nov/2026:19:30:16 +0000","requestTimeEpoch":"1795289416042","httpMethod":"GET","resourcePath":"/v2/p/{id}","path":"/prod/v2/p/12","status":"200","protocol":"HTTP/1.1","responseLength":"934","authorizer":{"principalId":"clinic-17"},"identity":{"userAgent":"curl"}}"#;
    let expected = json!({ "method": "GET", "target": "/prod/v2/p/12",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
        "user": "clinic-17", "user_agent": "curl" });
    assert_reads(Format::AwsApiGateway, line, expected);
}

#[test]
fn aws_api_gateway_as_the_console_suggests_has_a_template_and_no_path() {
    let line = r#"{"requestId":"c6af9ac6","ip":"203.0.113.9","caller":"-","user":"-","requestTime":"21/Nov/2026:19:30:16 +0000","httpMethod":"GET","resourcePath":"/v2/p/{id}","status":"200","protocol":"HTTP/1.1","responseLength":"934"}"#;
    let expected = json!({ "method": "GET", "target": "/v2/p/{id}", "is_template": true,
        "time": "2026-11-21T19:30:16.000Z", "status": 200, "bytes": 934, "peer": "203.0.113.9" });
    assert_reads(Format::AwsApiGateway, line, expected);
}

#[test]
fn a_template_is_on_its_route_and_tells_no_subject() {
    let toml = "[[routes]]\nname = \"p\"\npath = \"/v2/p/{subject}\"\nclass = \"personal\"\n";
    let config = Config::parse_without_files(toml, Path::new("")).unwrap();
    let attributor = build::attributor(&config, &Keys::derived(&[7; 32])).unwrap();
    for (key, path, skip) in [
        ("resourcePath", "/v2/p/{id}", Some(Skip::NoSubject)),
        ("path", "/v2/p/12", None),
        // What a client writes is a subject, whatever it looks like.
        ("path", "/v2/p/{id}", None),
    ] {
        let line = json!({ "httpMethod": "GET", key: path, "status": "200", "ip": "203.0.113.9",
            "requestTimeEpoch": "1795289416042" })
        .to_string();
        let decoder = Decoder::new(Options::default());
        let (_, record) = decoder.decode(line.as_bytes()).unwrap();
        let explained = attributor.explain(&record);
        assert_eq!((explained.route.is_some(), explained.skip), (true, skip), "{key} {path}");
    }
}

#[test]
fn aws_http_apis_have_a_route_key() {
    for (key, target, is_template) in [
        ("GET /v2/p/{id}", "/v2/p/{id}", json!(true)),
        ("GET /health", "/health", Value::Null),
        ("$default", "$default", json!(true)),
    ] {
        let line = format!(
            r#"{{"requestId":"c6","ip":"203.0.113.9","requestTime":"21/Nov/2026:19:30:16 +0000","httpMethod":"GET","routeKey":"{key}","status":"200","protocol":"HTTP/1.1","responseLength":"9"}}"#
        );
        let (format, record) = one(&line).unwrap();
        let template = record.get("is_template").cloned().unwrap_or_default();
        let found = (format, record["target"].as_str().unwrap(), template);
        assert_eq!(found, (Format::AwsApiGateway, target, is_template), "{key}");
    }
}

const ALB: &str = r#"https 2026-11-21T19:30:17.186641Z app/portal/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://portal.example:443/v2/p/12?x=1 HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73e2 "Root=1-58337281-1d84f3d73c47ec4e58577259" "portal.example" "arn:aws:acm:us-east-2:123456789012:certificate/1" 1 2026-11-21T19:30:16.042000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_dc57cebed65b444ebc8177bb698fe166"#;

#[test]
fn aws_alb() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 57, "peer": "203.0.113.9",
        "user_agent": "curl/7.46.0" });
    assert_reads(Format::AwsAlb, ALB, expected);
}

#[test]
fn an_alb_line_whose_tail_is_forged_has_the_time_of_the_answer() {
    for (from, to) in [
        ("2026-11-21T19:30:16.042000Z", "2020-01-01T00:00:00Z"),
        ("\"curl/7.46.0\"", "\"a\" b c d \"e\" \"f\""),
        (" 1 2026-11-21T19:30:16.042000Z", ""),
    ] {
        let (_, record) = one(&ALB.replace(from, to)).unwrap();
        assert_eq!(record["time"], "2026-11-21T19:30:17.186Z", "{to}");
        assert_eq!(record["target"], "/v2/p/12?x=1", "{to}");
    }
}

#[test]
fn a_connection_that_made_no_request_of_an_alb_is_refused() {
    let request = "GET https://portal.example:443/v2/p/12?x=1 HTTP/1.1";
    let line = ALB.replace(request, "- http://portal.example:80- -");
    assert_eq!(one(&line), Err(Refusal::NoRequest));
}

#[test]
fn azure_api_management_nested_and_flat() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
        "user": "u17" });
    let nested = r#"{"DeploymentVersion":"0.40","Level":4,"isRequestSuccess":true,"time":"2026-11-21T19:30:16.0429999Z","operationName":"Microsoft.ApiManagement/GatewayLogs","category":"GatewayLogs","durationMs":7,"callerIpAddress":"203.0.113.9","correlationId":"c1","location":"West Europe","httpStatusCodeCategory":"Successful","resourceId":"/SUBSCRIPTIONS/1","properties":{"method":"GET","url":"https://portal.azure-api.net/v2/p/12?x=1","backendResponseCode":201,"responseCode":200,"responseSize":934,"cache":"none","apiId":"portal","operationId":"get","userId":"u17","apimSubscriptionId":"s1","clientProtocol":"HTTP/1.1"}}"#;
    assert_reads(Format::AzureApim, nested, expected.clone());
    let flat = r#"{"TimeGenerated":"2026-11-21T19:30:16.042Z","OperationName":"Microsoft.ApiManagement/GatewayLogs","Category":"GatewayLogs","CallerIpAddress":"203.0.113.9","Method":"GET","Url":"https://portal.azure-api.net/v2/p/12?x=1","ResponseCode":200,"ResponseSize":934,"ApiId":"portal","UserId":"u17"}"#;
    assert_reads(Format::AzureApim, flat, expected);
}

#[test]
fn opentelemetry_stable_and_before_dotted_and_nested() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "peer": "203.0.113.9",
        "user_agent": "curl" });
    for line in [
        r#"{"timeUnixNano":"1795289416042999999","http.request.method":"GET","url.path":"/v2/p/12","url.query":"x=1","http.route":"/v2/p/{id}","http.response.status_code":200,"network.peer.address":"203.0.113.9","user_agent.original":"curl"}"#,
        r#"{"timestamp":1795289416.042,"attributes":{"http":{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"path":"/v2/p/12","query":"x=1"},"client":{"address":"203.0.113.9"},"user_agent":{"original":"curl"}},"resource":{"service.name":"gw"}}"#,
        r#"{"time":"2026-11-21T19:30:16.042Z","http.method":"GET","http.target":"/v2/p/12?x=1","http.status_code":"200","http.client_ip":"203.0.113.9","http.user_agent":"curl"}"#,
        r#"{"time":"2026-11-21T19:30:16.042Z","attributes":{"http.request.method":"GET","url.full":"https://h.example/v2/p/12?x=1","http.response.status_code":200,"network.peer.address":"203.0.113.9","user_agent.original":"curl"}}"#,
    ] {
        assert_reads(Format::Otel, line, expected.clone());
    }
}

#[test]
fn a_route_of_opentelemetry_is_a_template() {
    let line = r#"{"time":"1795289416","http.request.method":"GET","http.route":"/v2/p/{id}","http.response.status_code":200}"#;
    assert_eq!(one(line).unwrap().1["is_template"], true);
}

#[test]
fn ecs_dotted_and_nested() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
        "user": "clinic-17", "user_agent": "curl", "forwarded": "192.0.2.7" });
    for line in [
        r#"{"@timestamp":"2026-11-21T19:30:16.042Z","ecs":{"version":"8.11.0"},"message":"GET /other","http":{"request":{"method":"GET"},"response":{"status_code":200,"body":{"bytes":934}}},"url":{"original":"/v2/p/12?x=1","path":"/v2/p/12","query":"x=1"},"source":{"ip":"203.0.113.9","address":"203.0.113.9"},"user":{"name":"clinic-17"},"user_agent":{"original":"curl","name":"curl"},"network":{"forwarded_ip":"192.0.2.7"},"event":{"duration":7000000}}"#,
        r#"{"@timestamp":"2026-11-21T19:30:16.042Z","http.request.method":"GET","http.response.status_code":200,"http.response.bytes":934,"url.path":"/v2/p/12","url.query":"x=1","client.ip":"203.0.113.9","user.id":"clinic-17","user_agent.original":"curl","network.forwarded_ip":"192.0.2.7"}"#,
    ] {
        assert_reads(Format::Ecs, line, expected.clone());
    }
}

#[test]
fn ocsf() {
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
        "user": "u17", "user_agent": "curl", "forwarded": "192.0.2.7, 10.0.0.1", "ja4": "t13d1516h2_a_b" });
    let line = r#"{"class_uid":4002,"category_uid":4,"activity_id":3,"type_uid":400203,"time":1795289416042,"severity_id":1,"http_request":{"http_method":"GET","url":{"path":"/v2/p/12","query_string":"x=1","hostname":"portal.example"},"user_agent":"curl","x_forwarded_for":["192.0.2.7","10.0.0.1"],"uid":"r1"},"http_response":{"code":200,"length":934,"latency":7},"src_endpoint":{"ip":"203.0.113.9","port":4711},"actor":{"user":{"uid":"u17","name":"Clinic"}},"ja4_fingerprint_list":[{"type_id":1,"value":"t13d1516h2_a_b"}],"metadata":{"version":"1.8.0"}}"#;
    assert_reads(Format::Ocsf, line, expected.clone());
    let by_number = line.replace(r#""http_method":"GET","#, "");
    assert_reads(Format::Ocsf, &by_number, expected);
}

#[test]
fn istio_and_contour_write_the_keys_of_envoy() {
    for line in [
        r#"{"start_time":"2026-11-21T19:30:16.042Z","route_name":"default","method":"GET","path":"/v2/p/12?x=1","protocol":"HTTP/1.1","response_code":200,"response_flags":"-","response_code_details":"via_upstream","connection_termination_details":null,"bytes_received":0,"bytes_sent":934,"duration":7,"upstream_service_time":"6","x_forwarded_for":"192.0.2.7","user_agent":"curl","request_id":"r1","authority":"portal.example","upstream_host":"10.0.0.1:80","upstream_cluster":"inbound|80||","upstream_local_address":"127.0.0.6:1","downstream_local_address":"10.0.0.2:80","downstream_remote_address":"203.0.113.9:4711","requested_server_name":null,"upstream_transport_failure_reason":null}"#,
        r#"{"@timestamp":"2026-11-21T19:30:16.042Z","authority":"portal.example","bytes_received":0,"bytes_sent":934,"downstream_local_address":"10.0.0.2:8080","downstream_remote_address":"203.0.113.9:4711","duration":7,"method":"GET","path":"/v2/p/12?x=1","protocol":"HTTP/1.1","request_id":"r1","requested_server_name":null,"response_code":200,"response_flags":"-","uber_trace_id":null,"upstream_cluster":"c","upstream_host":"10.0.0.1:80","upstream_local_address":"10.0.0.2:1","upstream_service_time":"6","user_agent":"curl","x_forwarded_for":"192.0.2.7","grpc_status":"-","grpc_status_number":"-"}"#,
    ] {
        let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
            "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
            "user_agent": "curl", "forwarded": "192.0.2.7" });
        assert_reads(Format::EnvoyJson, line, expected);
    }
}

#[test]
fn istio_text_has_three_fields_more_than_envoys() {
    let line = r#"[2026-11-21T19:30:16.042Z] "GET /v2/p/12?x=1 HTTP/1.1" 200 - via_upstream - "-" 0 934 7 6 "192.0.2.7" "a "quoted" one" "r1" "portal.example" "10.0.0.1:80" inbound|80|| 127.0.0.6:1 10.0.0.2:80 203.0.113.9:4711 outbound_.80_._.portal default"#;
    let expected = json!({ "method": "GET", "target": "/v2/p/12?x=1",
        "time": "2026-11-21T19:30:16.042Z", "status": 200, "bytes": 934, "peer": "203.0.113.9",
        "user_agent": "a \"quoted\" one", "forwarded": "192.0.2.7" });
    let (format, record) = one(line).unwrap();
    // A quote and a space may forge a field: then no user agent is better than a wrong one.
    let mut expected = expected.as_object().unwrap().clone();
    expected.remove("user_agent");
    assert_eq!((format, record), (Format::EnvoyText, expected));
    let plain = line.replace("a \"quoted\" one", "curl");
    assert_eq!(one(&plain).unwrap().1["user_agent"], "curl");
}

#[test]
fn a_line_of_one_format_is_refused_where_another_is_pinned() {
    let lines = [
        (Format::Kong, KONG),
        (Format::Krakend, KRAKEND),
        (Format::AwsAlb, ALB),
        (Format::NginxJson, r#"{"request_uri":"/a","request_method":"GET","time":"1"}"#),
    ];
    for (of, line) in lines {
        for format in Format::ALL.iter().filter(|it| **it != of) {
            let decoder = Decoder::new(Options { format: Some(*format), ..Options::default() });
            // Kong and APISIX write the same request, and tell it by the time's key alone.
            assert!(decoder.decode(line.as_bytes()).is_err(), "{of:?} as {format:?}");
        }
    }
}

#[test]
fn absent_is_absent_however_it_is_written() {
    for absent in ["null", "\"\"", "\"-\""] {
        let line = format!(
            r#"{{"@timestamp":"1795289416.042","http":{{"request":{{"method":"GET"}}}},"url":{{"original":{absent},"path":"/a","query":{absent}}},"source":{{"ip":{absent}}},"client":{{"ip":"192.0.2.1"}},"user":{{"name":{absent}}}}}"#
        );
        let expected = json!({ "method": "GET", "target": "/a", "peer": "192.0.2.1",
            "time": "2026-11-21T19:30:16.042Z" });
        assert_reads(Format::Ecs, &line, expected);
    }
}

#[test]
fn bytes_that_are_not_utf8_stay_in_a_mapped_line() {
    let line = KONG.replace("fields=name", "x=FE").into_bytes();
    let line: Vec<u8> = line.split(|it| *it == b'F').collect::<Vec<_>>().join(&b"\xff"[..]);
    let decoder = Decoder::new(Options::default());
    let (_, record) = decoder.decode(&line).unwrap();
    assert_eq!(record.target.as_ref(), b"/v2/p/0012345678?x=\xffE");
}
