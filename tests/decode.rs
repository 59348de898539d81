//! Lines captured from real gateways, each with what was sent.

use crate::kafka::broker::Broker;
use darban::decode::{Decoder, Format, Options, Refusal, record_json};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Real logs that stand outside the repository, or one line that says what is skipped; with
/// `CI=true` a failure, because CI has them too.
pub(crate) fn data(test: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("DARBAN_DATA").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    crate::skip::skip(test, "no real logs (DARBAN_DATA names their folder)");
    None
}

/// What was sent, less remarks and, where a text field was forged, the fields it may have hidden.
fn expected(sent: &Map<String, Value>) -> Map<String, Value> {
    let remarks = ["file", "line", "decoded", "note", "why"];
    sent.iter()
        .filter(|(name, _)| !remarks.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Captured lines, each with what was sent; the line last.
fn captured(folder: &Path) -> Vec<(Map<String, Value>, Vec<u8>)> {
    let folder = folder.join("gateways");
    let pair = |sent: &str| {
        let sent: Map<String, Value> = serde_json::from_str(sent).unwrap();
        let log = fs::read(folder.join(sent["file"].as_str().unwrap())).unwrap();
        let line = usize::try_from(sent["line"].as_u64().unwrap()).unwrap();
        let line = log.split(|it| *it == b'\n').nth(line - 1).unwrap().to_vec();
        (sent, line)
    };
    fs::read_to_string(folder.join("sent.jsonl")).unwrap().lines().map(pair).collect()
}

fn assert_decodes<'a>(lines: impl Iterator<Item = (&'a Map<String, Value>, &'a [u8])>) {
    let decoder = Decoder::new(Options::default());
    let (mut decoded, mut refused) = (0, 0);
    for (sent, line) in lines {
        let outcome = decoder.decode(line);
        if sent["decoded"] == Value::Bool(true) {
            let (_, record) = outcome.unwrap_or_else(|why| panic!("{sent:?}: {why:?}"));
            assert_eq!(record_json(&record, &[]), expected(sent), "{sent:?}");
            decoded += 1;
        } else {
            assert!(outcome.is_err(), "{sent:?} decoded");
            refused += 1;
        }
    }
    assert_eq!((decoded, refused), (42, 8));
}

#[test]
fn every_captured_line_decodes_to_what_was_sent_or_is_refused() {
    let Some(folder) = data("captured gateway lines") else { return };
    let captured = captured(&folder);
    assert_decodes(captured.iter().map(|(sent, line)| (sent, line.as_slice())));
}

#[test]
fn every_captured_line_comes_out_of_a_topic_as_it_went_in() {
    let Some(folder) = data("captured gateway lines through a topic") else { return };
    let Some(broker) = Broker::start("captured") else { return };
    let captured = captured(&folder);
    broker.create_topic("log", 1, &[]);
    let at = darban::time::wall().0;
    broker.write("log", captured.iter().map(|(_, line)| (0, at, line.as_slice())));
    let lines = crate::kafka::read_all(&broker, "log", captured.len());
    assert_decodes(captured.iter().zip(&lines).map(|((sent, _), line)| (sent, line.as_slice())));
}

#[test]
fn real_archives_decode_but_for_one_line_in_a_thousand() {
    let Some(folder) = data("real archives") else { return };
    for name in
        ["background/apache-2015.log.gz", "background/nasa-1995-07.log.gz", "edgar/access.log.gz"]
    {
        let mut text = Vec::new();
        let file = fs::File::open(folder.join(name)).unwrap();
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(file), &mut text)
            .unwrap();
        let decoder = Decoder::new(Options::default());
        let lines: Vec<&[u8]> = text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
        let refused: Vec<_> = lines.iter().filter(|it| decoder.decode(it).is_err()).collect();
        assert!(
            refused.len() * 1_000 <= lines.len(),
            "{name}: {} of {}: {}",
            refused.len(),
            lines.len(),
            String::from_utf8_lossy(refused[0])
        );
    }
}

fn one(line: &str) -> Result<(Format, Map<String, Value>), Refusal> {
    Decoder::new(Options::default())
        .decode(line.as_bytes())
        .map(|(format, it)| (format, record_json(&it, &[])))
}

#[test]
fn each_format_is_told_by_the_line_alone() {
    let target = "/v2/p/12?x=1";
    for (format, line) in [
        (
            Format::ApacheCommon,
            r#"host.example - - [01/Jul/1995:04:00:01 +0000] "GET /v2/p/12?x=1 HTTP/1.0" 200 -"#,
        ),
        (
            Format::NginxCombined,
            r#"1.2.3.4 - clinic-1 [21/Nov/2026:19:30:16 +0000] "GET /v2/p/12?x=1 HTTP/1.1" 200 11 "-" "a\x22b""#,
        ),
        (
            Format::NginxIngress,
            r#"1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] "GET /v2/p/12?x=1 HTTP/1.1" 200 11 "-" "a" 250 0.001 [ns-svc-80] [] 10.0.0.1:80 11 0.001 200 abc"#,
        ),
        (
            Format::NginxJson,
            r#"{"time":"2026-11-21T19:30:16+00:00","remote_addr":"1.2.3.4","request_method":"GET","request_uri":"/v2/p/12?x=1","status":"200"}"#,
        ),
        (
            Format::EnvoyText,
            r#"[2026-11-21T19:30:16.042Z] "GET /v2/p/12?x=1 HTTP/1.1" 200 - 0 11 1 1 "1.2.3.4" "ua" "id" "host" "10.0.0.1:80""#,
        ),
        (
            Format::EnvoyJson,
            r#"{"start_time":"2026-11-21T19:30:16.042Z","method":"GET","path":"/v2/p/12?x=1","response_code":200}"#,
        ),
        (
            Format::Haproxy,
            r#"1.2.3.4:55 [21/Nov/2026:19:30:16.124] fe~ be/s1 0/0/1/0/1 200 154 - - ---- 1/1/0/0/0 0/0 "GET /v2/p/12?x=1 HTTP/1.1""#,
        ),
        (
            Format::Traefik,
            r#"{"ClientHost":"1.2.3.4","RequestMethod":"GET","RequestPath":"/v2/p/12?x=1","StartUTC":"2026-11-21T19:30:16.2Z","DownstreamStatus":200}"#,
        ),
        (
            Format::Caddy,
            r#"{"ts":1795289416.16,"request":{"client_ip":"1.2.3.4","method":"GET","uri":"/v2/p/12?x=1"},"status":200}"#,
        ),
    ] {
        let (told, record) = one(line).unwrap_or_else(|why| panic!("{line}: {why:?}"));
        assert_eq!((told, record["target"].as_str().unwrap()), (format, target), "{line}");
        assert_eq!(record["status"], 200);
    }
}

#[test]
fn every_reason_to_refuse_is_given_where_it_holds() {
    for (reason, line) in [
        (Refusal::Empty, "  ".to_owned()),
        (Refusal::TooLong, "x".repeat(1_100_000)),
        (Refusal::TooDeep, format!("{{\"a\":{}", "[".repeat(100))),
        (Refusal::UnknownFormat, "hello world".to_owned()),
        (Refusal::Malformed, "{\"request_uri\":".to_owned()),
        (
            Refusal::BadTime,
            r#"{"request_method":"GET","request_uri":"/a","time":"yesterday"}"#.to_owned(),
        ),
        (
            Refusal::NoRequest,
            r#"1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] "-" 400 0 "-" "-""#.to_owned(),
        ),
        (Refusal::NoPath, r#"{"request_method":"GET","request_uri":"","time":"1"}"#.to_owned()),
        (
            Refusal::CutRequest,
            r#"1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] "GET /v2/c/0.00" 400 0 "-" "-""#.to_owned(),
        ),
    ] {
        assert_eq!(one(&line).unwrap_err(), reason, "{line:.80}");
    }
}

#[test]
fn a_request_without_a_protocol_that_was_answered_decodes() {
    let line = r#"host - - [01/Jul/1995:04:00:01 +0000] "GET /history/apollo/" 200 6245"#;
    assert_eq!(one(line).unwrap().1["target"], "/history/apollo/");
}

#[test]
fn of_two_equal_keys_the_first_counts() {
    let line = r#"{"request_uri":"/a","request_uri":"/b","request_method":"GET","time":"1","status":"200"}"#;
    assert_eq!(one(line).unwrap().1["target"], "/a");
}

#[test]
fn a_login_with_the_brackets_of_a_time_hides_no_line() {
    for user in ["a [x", "a [21/Nov/2026", "[21/Nov/2026:19:30:16 +0000]", "a\\x22 b", ""] {
        let line = format!(
            r#"1.2.3.4 - {user} [28/Nov/2026:01:11:12 +0000] "GET /v2/p/12 HTTP/1.1" 200 2 "-" "curl""#
        );
        let (format, record) = one(&line).unwrap_or_else(|why| panic!("{line}: {why:?}"));
        let told = (format, record["time"].as_str().unwrap(), record["target"].as_str().unwrap());
        assert_eq!(told, (Format::NginxCombined, "2026-11-28T01:11:12.000Z", "/v2/p/12"), "{line}");
    }
}

#[test]
fn a_request_that_no_gateway_has_read_is_refused_as_none_in_every_format() {
    for line in [
        r#"{"msec":"1795828279.072","request_method":"<BADREQ>","request_uri":"-","status":"400"}"#,
        r#"{"msec":"1795828271.074","request_method":"","request_uri":"","status":"400"}"#,
        r#"{"start_time":"2026-11-28T01:11:24.810Z","method":null,"path":null,"response_code":400}"#,
        r#"1.2.3.4 - - [28/Nov/2026:01:11:10 +0000] "\x16\x03\x01\x02\x00\x01" 400 157 "-" "-""#,
    ] {
        assert_eq!(one(line), Err(Refusal::NoRequest), "{line}");
    }
}

/// What Envoy's text says of the client, where these two headers were sent from 127.0.0.3.
fn envoy_client(forwarded: &str, agent: &str) -> [Value; 3] {
    let line = format!(
        r#"[2026-11-28T01:11:24.608Z] "GET /v2/p/12 HTTP/1.1" 200 - 0 2 0 0 "{forwarded},127.0.0.3" "{agent}" "r1" "portal.example" "10.0.0.1:80""#
    );
    let (_, record) = one(&line).unwrap();
    ["peer", "forwarded", "user_agent"].map(|it| record.get(it).cloned().unwrap_or_default())
}

#[test]
fn nobody_writes_another_address_into_the_text_of_envoy() {
    let none = Value::Null;
    for (forwarded, agent, expected) in [
        ("192.0.2.7", "curl", [none.clone(), "192.0.2.7,127.0.0.3".into(), "curl".into()]),
        ("x\", \"y", "curl", [none.clone(), "x\", \"y,127.0.0.3".into(), "curl".into()]),
        ("192.0.2.7", "a \"b\" c", [none.clone(), "192.0.2.7,127.0.0.3".into(), none.clone()]),
        ("192.0.2.7\" \"x", "curl", ["forged".into(), none.clone(), none.clone()]),
        ("192.0.2.7", "x,192.0.2.8\" \"y", ["forged".into(), none.clone(), none.clone()]),
    ] {
        assert_eq!(envoy_client(forwarded, agent), expected, "{forwarded} {agent}");
    }
}

/// A line of HAProxy with two captures and this request line, as far as it was written.
fn haproxy(request: &str) -> String {
    format!(
        r#"<134>Nov 28 01:11:12 haproxy[7]: 1.2.3.4:5 [28/Nov/2026:01:11:12.891] fe be/one 0/0/0/0/0 200 51 - - ---- 1/1/0/0/0 0/0 {{curl|192.0.2.7|k1}} "{request}"#
    )
}

#[test]
fn the_port_of_a_client_of_haproxy_is_no_part_of_its_address() {
    let peer = |client: &str| {
        let line = haproxy("GET /v2/p/12 HTTP/1.1\"").replace("1.2.3.4:5 ", &format!("{client} "));
        one(&line).unwrap().1["peer"].clone()
    };
    assert_eq!(peer("1.2.3.4:5"), "1.2.3.4");
    assert_eq!(peer("::ffff:1.2.3.4:54241"), "::ffff:1.2.3.4");
    assert_eq!(peer("2001:db8::1:5432"), "2001:db8::1");
}

#[test]
fn whatever_stands_behind_a_request_line_of_nginx_the_target_ends_before_it() {
    for end in ["HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1   ", "HTTP/1.0000000001"] {
        let line = format!(
            "1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] \"GET /v2/p/12 {end}\" 200 5 \"-\" \"curl\""
        );
        assert_eq!(one(&line).unwrap().1["target"], "/v2/p/12", "{end}");
    }
}

#[test]
fn of_the_text_of_traefik_status_and_target_are_right_whatever_quotes_a_client_sends() {
    let read = |query: &str, referrer: &str, agent: &str| {
        let line = format!(
            "1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] \"GET /v2/p/12{query} HTTP/1.1\" 200 5 \
             \"{referrer}\" \"{agent}\" 7 \"portal@file\" \"http://10.0.0.1:80\" 3ms"
        );
        let record = one(&line).unwrap().1;
        let of = |key: &str| record.get(key).cloned().unwrap_or_default();
        (of("target"), of("status"), of("user_agent"))
    };
    assert_eq!(read("", "-", "curl"), (json!("/v2/p/12"), json!(200), json!("curl")));
    let forged = "?x=\"500";
    assert_eq!(read(forged, "-", "curl"), (json!("/v2/p/12?x=\"500"), json!(200), json!("curl")));
    assert_eq!(read("", "a\"b", "curl"), (json!("/v2/p/12"), json!(200), Value::Null));
}

#[test]
fn the_host_in_front_of_a_line_of_apache_is_not_the_client() {
    let line = "portal.example:80 1.2.3.4 - jo [21/Nov/2026:19:30:16 +0000] \"GET /v2/p/12 HTTP/1.1\" \
                200 5 \"-\" \"curl\"";
    let record = one(line).unwrap().1;
    assert_eq!((&record["peer"], &record["user"]), (&json!("1.2.3.4"), &json!("jo")));
}

#[test]
fn headers_that_a_client_makes_up_push_no_other_out_of_a_line() {
    let more: String = (0..900).map(|at| format!("\"request_A{at}\":\"x\",")).collect();
    let line = format!(
        r#"{{"ClientAddr":"10.0.0.1:80","DownstreamStatus":200,{more}"RequestMethod":"GET","RequestPath":"/v2/p/12","StartUTC":"2026-11-21T19:30:16.042Z","request_X-Forwarded-For":"192.0.2.7"}}"#
    );
    let record = one(&line).unwrap().1;
    assert_eq!(
        (&record["forwarded"], &record["target"]),
        (&json!("192.0.2.7"), &json!("/v2/p/12"))
    );
    let headers: String = (0..900).map(|at| format!("\"A{at}\":[\"x\"],")).collect();
    let hops = vec!["\"192.0.2.7\""; 100].join(",");
    let line = format!(
        r#"{{"ts":1795289416.042,"request":{{"remote_ip":"10.0.0.1","client_ip":"192.0.2.1","method":"-","uri":"/v2/p/12","headers":{{{headers}"X-Forwarded-For":[{hops},"192.0.2.8"]}}}},"status":200,"size":5}}"#
    );
    let record = one(&line).unwrap().1;
    assert!(record["forwarded"].as_str().unwrap().ends_with("192.0.2.7, 192.0.2.8"));
    assert_eq!((&record["peer"], &record["method"]), (&json!("10.0.0.1"), &json!("-")));
}

#[test]
fn of_a_line_that_haproxy_cuts_what_is_whole_is_read() {
    for (request, target) in [
        ("GET /v2/p/12?x=1 HTTP/1.1\"", Ok("/v2/p/12?x=1")),
        ("GET /v2/p/12?x=1&id=77", Ok("/v2/p/12?x=1")),
        ("GET /v2/p/12?id=77\"", Ok("/v2/p/12")),
        ("GET /v2/p/12", Err(Refusal::CutRequest)),
        ("GET /v2/p/12\"", Err(Refusal::CutRequest)),
    ] {
        let found = one(&haproxy(request)).map(|it| it.1["target"].clone());
        assert_eq!(found, target.map(Value::from), "{request}");
    }
}

#[test]
fn captures_of_haproxy_are_the_headers_that_they_are_said_to_be() {
    let captures = ["user-agent", "x-forwarded-for", "x-api-key"].map(str::to_owned).to_vec();
    let extras = vec![darban::decode::Extra::Header("x-api-key".to_owned())];
    let decoder = Decoder::new(Options { captures, extras, ..Options::default() });
    let line = haproxy("GET /v2/p/12 HTTP/1.1\"");
    let (_, record) = decoder.decode(line.as_bytes()).unwrap();
    let found = [record.user_agent.as_deref(), record.forwarded.as_deref(), record.extras.get(0)];
    assert_eq!(found, [Some(&b"curl"[..]), Some(b"192.0.2.7"), Some(b"k1")]);
}

#[test]
fn a_header_of_syslog_is_no_part_of_a_line() {
    let json = r#"{"msec":"1795289416.042","request_method":"GET","request_uri":"/a","remote_addr":"1.2.3.4","status":"200"}"#;
    let text = r#"1.2.3.4 - - [21/Nov/2026:19:30:16 +0000] "GET /a HTTP/1.1" 200 0 "-" "b: c""#;
    for line in [json, text] {
        for header in
            ["<190>Nov 21 19:30:16 gw nginx: ", "<190>1 2026-11-21T19:30:16Z gw nginx 7 - - "]
        {
            assert_eq!(one(&format!("{header}{line}")), one(line), "{header}{line}");
        }
    }
}
