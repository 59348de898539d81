//! Batches and what shippers wrap: every access record of a record is found, and counted once.

use darban::attribute::Lookup;
use darban::config::Config;
use darban::decode::{Decoder, Format, Options, RECORDS_MAX, Refusal, Shapes};
use darban::pipeline::{Counts, Intake, Keys, build};
use darban::source::{Batch, Partition};
use darban::time::Moment;
use darban::timeline::{Chunk, Timeline};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const AT: Moment = Moment(1_795_289_416_042);

/// A line of nginx for this person.
fn line(person: usize) -> Value {
    json!({ "time": "2026-11-21T19:30:16.042Z", "remote_addr": "203.0.113.9",
        "request_method": "GET", "request_uri": format!("/v2/p/{person}"), "status": "200" })
}

/// The same as text, and as the line of another gateway.
fn combined(person: usize) -> String {
    format!(
        r#"203.0.113.9 - - [21/Nov/2026:19:30:16 +0000] "GET /v2/p/{person} HTTP/1.1" 200 11 "-" "a""#
    )
}

fn kong(person: usize) -> Value {
    json!({ "request": { "method": "GET", "uri": format!("/v2/p/{person}"), "headers": {} },
        "response": { "status": 200 }, "client_ip": "203.0.113.9", "started_at": AT.0 })
}

/// Targets, or reasons, in their order.
fn found_with(options: Options, bytes: &[u8]) -> Vec<String> {
    let (decoder, mut shapes) = (Decoder::new(options), Shapes::default());
    let mut found = Vec::new();
    decoder.each(bytes, &mut shapes, |it| {
        found.push(match it {
            Ok((_, record)) => String::from_utf8_lossy(&record.target).into_owned(),
            Err(refusal) => refusal.name().to_owned(),
        });
    });
    found
}

fn found(bytes: &[u8]) -> Vec<String> {
    found_with(Options::default(), bytes)
}

#[test]
fn a_line_alone_is_one_record() {
    assert_eq!(found(line(1).to_string().as_bytes()), ["/v2/p/1"]);
    assert_eq!(found(combined(1).as_bytes()), ["/v2/p/1"]);
    assert_eq!(found(b"hello"), ["unknown_format"]);
    assert_eq!(found(b" \n"), ["empty"]);
}

#[test]
fn every_form_of_a_batch_gives_its_lines_in_order() {
    let (one, two) = (line(1).to_string(), line(2).to_string());
    for (name, batch) in [
        ("array", json!([line(1), line(2)]).to_string()),
        ("array of Kong", json!([kong(1), kong(2)]).to_string()),
        ("array of texts", json!([one, combined(2)]).to_string()),
        ("array of arrays", json!([[line(1)], [line(2)]]).to_string()),
        ("lines", format!("{one}\n{two}")),
        ("lines of Windows", format!("{one}\r\n\r\n{two}\r\n")),
        ("objects behind each other", format!("{one}{two}")),
        ("lines over several lines", format!("{:#}\n{:#}", line(1), line(2))),
        ("lines of text", format!("{}\n{}", combined(1), combined(2))),
        ("lines of two kinds", format!("{}\n{two}", combined(1))),
        ("Event Hubs", json!({ "records": [line(1), line(2)] }).to_string()),
        (
            "CloudWatch",
            json!({ "messageType": "DATA_MESSAGE", "logEvents": [
                { "id": "1", "timestamp": 1, "message": one },
                { "id": "2", "timestamp": 2, "message": combined(2) } ] })
            .to_string(),
        ),
        (
            "array in a wrapper",
            json!({ "message": json!([line(1), line(2)]).to_string() }).to_string(),
        ),
        ("lines in a wrapper", json!({ "log": format!("{one}\n{two}\n") }).to_string()),
    ] {
        assert_eq!(found(batch.as_bytes()), ["/v2/p/1", "/v2/p/2"], "{name}: {batch}");
    }
}

#[test]
fn every_wrapper_gives_its_line() {
    let text = line(1).to_string();
    for (name, wrapper) in [
        (
            "Filebeat",
            json!({ "@timestamp": "2026-11-21T19:30:17.000Z", "@metadata": { "beat": "filebeat" },
                "message": text, "log": { "file": { "path": "/var/log/a" }, "offset": 7 },
                "input": { "type": "log" }, "ecs": { "version": "8.0.0" }, "host": { "name": "h" } }),
        ),
        (
            "Filebeat and text",
            json!({ "@timestamp": "2026-11-21T19:30:17.000Z", "message": combined(1) }),
        ),
        (
            "Fluent Bit",
            json!({ "log": format!("{text}\n"), "stream": "stdout", "kubernetes": { "pod_name": "p" } }),
        ),
        ("Fluent Bit, merged", json!({ "log": "", "log_processed": line(1) })),
        (
            "Docker",
            json!({ "log": combined(1), "stream": "stdout", "time": "2026-11-21T19:30:17Z" }),
        ),
        (
            "Vector",
            json!({ "message": text, "source_type": "file", "timestamp": "2026-11-21T19:30:17Z" }),
        ),
        ("an original, nested", json!({ "event": { "original": text, "module": "nginx" } })),
        ("an original, dotted", json!({ "event.original": text })),
        (
            "CloudEvents",
            json!({ "specversion": "1.0", "id": "1", "source": "/gw", "type": "access",
                "time": "2026-11-21T19:30:17Z", "datacontenttype": "application/json",
                "data": line(1) }),
        ),
        ("Kafka Connect", json!({ "schema": { "type": "string" }, "payload": text })),
        (
            "GELF",
            json!({ "version": "1.1", "host": "gw", "short_message": "access", "full_message": text,
                "timestamp": 1795289417.1, "level": 6 }),
        ),
        (
            "GELF by fields",
            json!({ "version": "1.1", "host": "gw", "short_message": "GET /v2/p/9",
                "timestamp": 1795289416.042, "_remote_addr": "203.0.113.9",
                "_request_method": "GET", "_request_uri": "/v2/p/1", "_status": "200" }),
        ),
        (
            "four of them",
            json!({ "records": [{ "specversion": "1.0", "type": "t", "data": {
                "message": json!({ "log": text }).to_string() } }] }),
        ),
    ] {
        assert_eq!(found(wrapper.to_string().as_bytes()), ["/v2/p/1"], "{name}");
    }
}

/// A log record of OpenTelemetry's protocol.
fn otlp(person: usize) -> Value {
    let pair = |key: &str, value: Value| json!({ "key": key, "value": value });
    json!({ "timeUnixNano": "1795289416042999999", "severityText": "INFO", "body": {},
        "attributes": [
            pair("http.request.method", json!({ "stringValue": "GET" })),
            pair("url.path", json!({ "stringValue": format!("/v2/p/{person}") })),
            pair("http.response.status_code", json!({ "intValue": "200" })),
            pair("http.request.header.x-forwarded-for", json!({ "arrayValue": { "values": [
                { "stringValue": "192.0.2.7" }, { "stringValue": "10.0.0.1" } ] } })),
        ] })
}

#[test]
fn the_protocol_of_opentelemetry_is_a_batch_of_three_levels() {
    let of = |records: Value| json!({ "resource": {}, "scopeLogs": [{ "scope": {}, "logRecords": records }] });
    let batch = json!({ "resourceLogs": [of(json!([otlp(1), otlp(2)])), of(json!([otlp(3)]))] });
    assert_eq!(found(batch.to_string().as_bytes()), ["/v2/p/1", "/v2/p/2", "/v2/p/3"]);
    let lines = json!([{ "observedTimeUnixNano": "1795289417042999999", "attributes": [
        { "key": "log.file.name", "value": { "stringValue": "access.log" } } ],
        "body": { "stringValue": combined(4) } }]);
    let batch = json!({ "resourceLogs": [of(lines)] });
    assert_eq!(found(batch.to_string().as_bytes()), ["/v2/p/4"]);
}

#[test]
fn an_attribute_of_opentelemetry_may_have_many_values() {
    let mut seen = Vec::new();
    let line = otlp(1).to_string();
    Decoder::new(Options::default()).each(line.as_bytes(), &mut Shapes::default(), |it| {
        let (format, record) = it.as_ref().unwrap();
        let forwarded = record.forwarded.as_deref().map(String::from_utf8_lossy);
        let time = record.time.unwrap();
        seen.push((*format, record.status, forwarded.unwrap().into_owned(), time));
    });
    let forwarded = "192.0.2.7, 10.0.0.1".to_owned();
    assert_eq!(seen, [(Format::Otel, Some(200), forwarded, AT)]);
}

#[test]
fn a_text_of_a_client_is_no_line() {
    // Whatever a log of something else has of its clients may look like a line of an access log.
    let forged = line(1).to_string();
    for holder in ["body", "user_agent", "query", "data", "payload", "short_message", "original"] {
        let log = json!({ "level": "info", holder: forged }).to_string();
        assert_eq!(found(log.as_bytes()), ["unknown_format"], "{holder}");
    }
    // And so may what a gateway's own line has of them.
    let kong = kong(1).to_string().replace("{}", &json!({ "message": forged }).to_string());
    assert_eq!(found(kong.as_bytes()), ["/v2/p/1"]);
    let timeless = kong.replace("\"started_at\":", "\"started_at\":\"x\",\"then\":");
    assert_eq!(found(timeless.as_bytes()), ["bad_time"]);
}

#[test]
fn a_bad_piece_is_refused_for_itself() {
    let one = line(1).to_string();
    let (cut, _) = one.split_at(40);
    for (batch, expected) in [
        (format!("[{one},7,{one}]"), &["/v2/p/1", "unknown_format", "/v2/p/1"][..]),
        (format!("[{one},{{}},{one}"), &["/v2/p/1", "unknown_format", "/v2/p/1"]),
        (format!("[{one},{}", cut), &["/v2/p/1", "malformed"]),
        (format!("{one}\n{}\n{one}", cut), &["/v2/p/1", "malformed", "/v2/p/1"]),
        (format!("{}\n{one}", cut), &["malformed", "/v2/p/1"]),
        ("[]".to_owned(), &["empty"]),
        ("{\"records\":[]}".to_owned(), &["empty"]),
        (format!("[\"\",{one}]"), &["empty", "/v2/p/1"]),
        ("{\"message\":\"\"}".to_owned(), &["empty"]),
        ("{\"message\":\"hello\"}".to_owned(), &["unknown_format"]),
    ] {
        assert_eq!(found(batch.as_bytes()), expected, "{batch}");
    }
}

#[test]
fn what_a_wrapper_holds_is_refused_for_its_own_reason() {
    let log = json!({ "message": r#"{"request_uri":"/a","request_method":"GET","time":"never"}"# });
    assert_eq!(found(log.to_string().as_bytes()), ["bad_time"]);
}

#[test]
fn a_line_wrapped_too_often_is_refused_as_too_deep() {
    let wrap = |text: String| json!({ "message": text }).to_string();
    let four = (0..4).fold(line(1).to_string(), |text, _| wrap(text));
    assert_eq!(found(four.as_bytes()), ["/v2/p/1"]);
    assert_eq!(found(wrap(four).as_bytes()), ["too_deep"]);
}

#[test]
fn neither_a_batch_nor_a_line_may_be_larger_than_a_mebibyte() {
    let lines: Vec<Value> = (0..1_000).map(kong).collect();
    let batch = json!(lines).to_string();
    assert!(batch.len() > 128 * 1024);
    assert_eq!(found(batch.as_bytes()).len(), 1_000);
    let records = json!({ "records": lines }).to_string();
    assert_eq!(found(records.as_bytes()).len(), 1_000);
    // What a client pads is read all the same.
    let mut long = kong(2);
    long["pad"] = "x".repeat(900_000).into();
    let batch = json!([kong(1), long, kong(3)]).to_string();
    assert_eq!(found(batch.as_bytes()), ["/v2/p/1", "/v2/p/2", "/v2/p/3"]);
    assert_eq!(found(format!("[{}]", " ".repeat(1024 * 1024)).as_bytes()), ["too_long"]);
}

#[test]
fn pieces_beyond_the_bound_are_refused_each() {
    let one = r#"{"request_uri":"/a","request_method":"GET","time":"1"}"#;
    let batch = format!("[{}]", vec![one; RECORDS_MAX + 3].join(","));
    let found = found(batch.as_bytes());
    assert_eq!(found.len(), RECORDS_MAX + 3);
    assert_eq!(found.iter().filter(|it| *it == "too_many").count(), 3);
}

#[test]
fn a_pinned_format_holds_inside_of_batches_and_wrappers() {
    let pinned = |format| Options { format: Some(format), ..Options::default() };
    let batch = json!([line(1), { "message": combined(2) }, { "log": line(3).to_string() }]);
    let batch = batch.to_string();
    let json = found_with(pinned(Format::NginxJson), batch.as_bytes());
    assert_eq!((&*json[0], &*json[2]), ("/v2/p/1", "/v2/p/3"));
    assert!(Refusal::ALL.iter().any(|it| it.name() == json[1]), "{json:?}");
    let text = found_with(pinned(Format::NginxCombined), batch.as_bytes());
    assert_eq!(text, ["unknown_format", "/v2/p/2", "unknown_format"]);
}

fn intake() -> Intake {
    let toml = "[[routes]]\nname = \"p\"\npath = \"/v2/p/{subject}\"\nclass = \"personal\"\n";
    let config = Config::parse_without_files(toml, Path::new("")).unwrap();
    let attributor = build::attributor(&config, &Keys::derived(&[7; 32])).unwrap();
    Intake::new(Arc::new(build::decoder(&config)), Arc::new(attributor))
}

/// These records, with offsets from 10 on.
fn take(records: &[Vec<u8>], time: Option<Moment>) -> (Chunk, Counts) {
    let mut batch = Batch::new(Partition(0));
    records.iter().zip(10..).for_each(|(bytes, offset)| batch.push(offset, time, bytes));
    intake().take(&batch)
}

fn assert_all_counted(records: &[Vec<u8>]) {
    let (chunk, counts) = take(records, Some(AT));
    let refused: u64 = counts.refused.values().sum();
    assert_eq!(counts.received, records.len() as u64);
    assert_eq!(counts.received + counts.unwrapped, counts.decoded_total() + refused);
    let skipped: u64 = counts.skipped.values().sum();
    assert_eq!(counts.decoded_total(), counts.lookups_total() + skipped);
    assert_eq!(chunk.stamps.len(), records.len());
    assert!(chunk.lookups.is_sorted_by_key(|it| it.0), "in the order of their records");
}

#[test]
fn received_and_unwrapped_are_decoded_and_refused() {
    let batch = json!([line(1), 7, line(2)]).to_string().into_bytes();
    let records = [batch, line(3).to_string().into_bytes(), b"hello".to_vec(), Vec::new()];
    let (_, counts) = take(&records, Some(AT));
    assert_eq!((counts.received, counts.unwrapped), (4, 2));
    assert_eq!(counts.decoded.values().sum::<u64>(), 3);
    let refused: Vec<(Refusal, u64)> = counts.refused.clone().into_iter().collect();
    assert_eq!(refused, [(Refusal::Empty, 1), (Refusal::UnknownFormat, 2)]);
    assert_all_counted(&records);
}

/// What does not depend on how lines are sent.
fn lookups(chunk: &Chunk) -> Vec<(u64, Moment, Vec<u8>)> {
    let names = |at| chunk.names_of(at).to_vec();
    let all = chunk.lookups.iter().enumerate();
    all.map(|(at, (_, it))| (it.content, it.event, names(at))).collect()
}

#[test]
fn a_batch_gives_the_look_ups_of_its_lines() {
    let lines: Vec<Value> = (1..50).map(line).collect();
    let batch = json!(lines).to_string().into_bytes();
    let alone: Vec<Vec<u8>> = lines.iter().map(|it| it.to_string().into_bytes()).collect();
    let (batch, _) = take(&[batch], Some(AT));
    assert_eq!(lookups(&batch), lookups(&take(&alone, Some(AT)).0));
    assert!(batch.lookups.iter().all(|it| it.0 == 0), "all at the offset of their record");
}

#[test]
fn the_stamp_of_a_batch_is_the_latest_of_it() {
    let early = line(1).to_string().replace("19:30:16", "19:29:00");
    let batch = format!("[{},{early}]", line(2)).into_bytes();
    let (chunk, _) = take(&[batch, b"[]".to_vec()], None);
    let events: Vec<_> = chunk.stamps.iter().map(|it| it.event).collect();
    assert_eq!(events, [Some(AT), None]);
}

#[test]
fn the_look_ups_of_a_batch_are_judged_together_whatever_the_source() {
    let batch = json!([line(1), line(2), line(3)]).to_string().into_bytes();
    let records = [batch, line(4).to_string().into_bytes()];
    for (name, time) in [("file", None), ("Kafka", Some(AT))] {
        let mut timeline = Timeline::new(Default::default());
        match time {
            None => timeline.opened(Partition(0)),
            Some(_) => timeline.assigned(Partition(0), 10, AT),
        }
        timeline.feed(&take(&records, time).0, AT);
        timeline.end(Partition(0), 12, AT);
        let cut = timeline.cut(AT.plus(10_000)).unwrap();
        let offsets: Vec<i64> = cut.lookups.iter().map(|it| it.offset).collect();
        assert_eq!(offsets.iter().filter(|it| **it == 10).count(), 3, "{name}: {offsets:?}");
        assert_eq!(offsets.len(), 4, "{name}");
        let subjects = |it: &Lookup| it.subject;
        let mut seen: Vec<u64> = cut.lookups.iter().map(|it| subjects(&it.lookup)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4, "{name}: none is there twice");
    }
}

/// Records of every kind of trouble: cut, nested, of random bytes, each within the other.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        (0_usize..9).prop_map(|it| line(it).to_string().into_bytes()),
        (0_usize..9).prop_map(|it| kong(it).to_string().into_bytes()),
        (0_usize..9).prop_map(|it| combined(it).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..40),
        "[\\[\\]{}\",:\\\\\na1 ]{0,30}".prop_map(String::into_bytes),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        let text = |it: &[u8]| json!(String::from_utf8_lossy(it)).to_string().into_bytes();
        let wrap = |key: &'static str, value: Vec<u8>| {
            [b"{\"", key.as_bytes(), b"\":", &value, b"}"].concat()
        };
        let holder = prop_oneof![Just("message"), Just("log"), Just("records"), Just("x")];
        prop_oneof![
            (holder.clone(), inner.clone()).prop_map(move |(key, it)| wrap(key, text(&it))),
            (holder, inner.clone()).prop_map(move |(key, it)| wrap(key, it)),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|it| [
                b"[",
                &it.join(&b","[..])[..],
                b"]"
            ]
            .concat()),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|it| it.join(&b"\n"[..])),
            (inner, any::<proptest::sample::Index>())
                .prop_map(|(it, at)| it[..at.index(it.len() + 1)].to_vec()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(13), ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_received_is_decoded_or_refused_and_counted(
        records in proptest::collection::vec(record(), 1..4),
    ) {
        assert_all_counted(&records);
    }

    #[test]
    fn what_is_found_does_not_depend_on_the_lines_before(
        records in proptest::collection::vec(record(), 1..4),
    ) {
        let (decoder, mut shapes) = (Decoder::new(Options::default()), Shapes::default());
        for record in records.iter().chain(&records) {
            let mut seen = Vec::new();
            decoder.each(record, &mut shapes, |it| seen.push(format!("{it:?}")));
            let mut alone = Vec::new();
            decoder.each(record, &mut Shapes::default(), |it| alone.push(format!("{it:?}")));
            prop_assert_eq!(seen, alone);
        }
    }

    #[test]
    fn a_line_that_is_cut_anywhere_is_a_record_or_a_reason(at in 0_usize..400, of in 0_usize..4) {
        let whole = [
            line(1).to_string(),
            kong(1).to_string(),
            json!([line(1), kong(2)]).to_string(),
            json!({ "message": combined(1), "records": [line(1)] }).to_string(),
        ];
        let cut = whole[of].as_bytes();
        assert_all_counted(&[cut[..at.min(cut.len())].to_vec()]);
    }
}

#[test]
fn what_is_no_line_has_an_unknown_format_however_it_is_wrapped() {
    let gelf = json!({ "version": "1.1", "host": "gw", "short_message": "started", "_unit": "a" });
    let log = json!({
        "observedTimeUnixNano": "1795289417042999999",
        "attributes": [{ "key": "unit", "value": { "stringValue": "a" } }],
        "body": { "stringValue": "started" },
    });
    let otlp = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [log] }] }] });
    for it in [gelf, otlp] {
        assert_eq!(found(it.to_string().as_bytes()), ["unknown_format"], "{it}");
    }
}

#[test]
fn half_a_mebibyte_of_values_without_an_end_is_read_as_lines() {
    let text = "{\n".repeat(1 << 18);
    let found = found(text.as_bytes());
    assert_eq!((found.len(), found.last().unwrap().as_str()), (1 << 18, "too_many"));
}
