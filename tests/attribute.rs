//! Attribution as the stages behind it see it.

use darban::attribute::{
    Attributed, Attributor, ClassId, Codec, EmptyField, Fault, Field, HashKey, KeyKind, KeySpec,
    Lookup, Options, Outcome, Part, RouteClass, RouteId, RouteSpec, Scratch, Skip, SubjectFrom,
    names, shipped_crawlers, shipped_monitors,
};
use darban::decode::AccessRecord;
use darban::time::Moment;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::borrow::Cow;

const NOW: Moment = Moment(1_795_289_416_042);

/// The same cases every time, nothing written beside.
fn seeded() -> Config {
    Config {
        cases: 512,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(17),
        ..Config::default()
    }
}

fn route(name: &str, path: &str, class: RouteClass) -> RouteSpec {
    RouteSpec {
        name: name.into(),
        methods: Vec::new(),
        path: path.into(),
        class,
        codec: Codec::Auto,
        households: false,
        subject: SubjectFrom::Path,
        region: None,
        empty_bytes: Some(2),
        empty_field: None,
    }
}

fn key(kind: KeyKind, field: Field) -> KeySpec {
    KeySpec { kind, field, pattern: None, class: ClassId(1), hashed: false }
}

fn options() -> Options {
    let by_mobile = SubjectFrom::Field(Field::Query("mobile".into()));
    Options {
        routes: vec![
            route("person", "/v2/people/{subject}", RouteClass::Personal),
            route("document", "/v2/people/{subject}/documents/{record}", RouteClass::Personal),
            RouteSpec {
                subject: by_mobile,
                ..route("mobile", "/v2/by-mobile", RouteClass::Personal)
            },
            route("health", "/health", RouteClass::Public),
        ],
        keys: vec![
            key(KeyKind::Staff, Field::User),
            key(KeyKind::Address, Field::Address),
            key(KeyKind::Fingerprint, Field::UserAgent),
        ],
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        skip_suffixes: vec![".css".into()],
        crawlers: shipped_crawlers().map(str::to_owned).collect(),
        crawler_class: ClassId(7),
        monitors: shipped_monitors().map(str::to_owned).collect(),
        monitor_class: ClassId(8),
    }
}

fn attributor() -> Attributor {
    Attributor::new(options(), HashKey::new([5; 16])).unwrap()
}

fn record<'a>(target: impl Into<Cow<'a, [u8]>>) -> AccessRecord<'a> {
    AccessRecord {
        time: Some(NOW),
        method: Cow::Borrowed(b"GET"),
        target: target.into(),
        status: Some(200),
        bytes: Some(600),
        peer: Some(Cow::Borrowed(b"10.0.0.1")),
        user: Some(Cow::Borrowed(b"clinic-17")),
        forwarded: Some(Cow::Borrowed(b"192.0.2.9")),
        ..AccessRecord::default()
    }
}

fn attribute(record: &AccessRecord<'_>) -> Result<Lookup, Skip> {
    let fallback = Moment(1);
    match attributor().attribute(record, fallback, &mut Scratch::default(), &mut Vec::new()) {
        Attributed::Lookup(lookup) => Ok(lookup),
        Attributed::Skipped(skip) => Err(skip),
    }
}

fn at(target: &str) -> Result<Lookup, Skip> {
    attribute(&record(target.as_bytes()))
}

#[test]
fn a_record_becomes_a_lookup() {
    let (attributor, mut arena) = (attributor(), Vec::new());
    let record = record(&b"/v2/people/0012345678/documents/4?x=1"[..]);
    let Attributed::Lookup(lookup) =
        attributor.attribute(&record, Moment(1), &mut Scratch::default(), &mut arena)
    else {
        panic!("no lookup");
    };
    assert_eq!((lookup.event, lookup.route, lookup.bytes), (NOW, RouteId(1), 600));
    assert_eq!(lookup.outcome, Outcome::Disclosed);
    assert_eq!(lookup.position.ordinal(), Some(12_345_678));
    assert_eq!(lookup.mask.to_string(), "00******78");
    assert_eq!(lookup.keys.map(|it| it != 0).iter().filter(|it| **it).count(), 2);
    assert_eq!(lookup.keys[1], attributor.key_hash(KeyKind::Staff, b"clinic-17"));
    assert_eq!(lookup.keys[5], attributor.key_hash(KeyKind::Address, b"192.0.2.9"));
    assert_eq!(names::read(&arena, lookup.names, KeyKind::Staff), Some(&b"clinic-17"[..]));
    assert_eq!(names::read(&arena, lookup.names, KeyKind::Address), Some(&b"192.0.2.9"[..]));
    assert_eq!(names::read(&arena, lookup.names, KeyKind::Fingerprint), None);
    assert_eq!(attributor.route(lookup.route).unwrap().name, "document");
}

#[test]
fn what_gives_no_lookup_has_its_reason_and_leaves_no_names() {
    let nobody = AccessRecord { target: record(&b"/v2/people/1"[..]).target, ..Default::default() };
    for (record, skip) in [
        (record(&b"/static/main.css"[..]), Skip::Asset),
        (record(&b"/v3/people/1"[..]), Skip::NoRoute),
        (record(&b"/health"[..]), Skip::Public),
        (record(&b"/v2/by-mobile?mobil=1"[..]), Skip::NoSubject),
        (record(&b"/v2/by-mobile?mobile="[..]), Skip::NoSubject),
        (nobody, Skip::NoKey),
    ] {
        let mut arena = Vec::new();
        let outcome = attributor().attribute(&record, NOW, &mut Scratch::default(), &mut arena);
        assert!(matches!(outcome, Attributed::Skipped(it) if it == skip), "{skip:?}");
        assert!(arena.is_empty(), "{skip:?}");
    }
}

#[test]
fn one_person_is_one_subject_on_every_route_and_a_record_is_its_subjects() {
    let person = at("/v2/people/0012345678").unwrap();
    let document = at("/v2/people/0012345678/documents/4").unwrap();
    let other = at("/v2/people/0012345679/documents/4").unwrap();
    assert_eq!(person.subject, document.subject);
    assert_eq!(person.subject, at("/v2/by-mobile?mobile=0012345678").unwrap().subject);
    assert_eq!(person.record, person.subject);
    assert_ne!(document.record, document.subject);
    assert_ne!(document.record, other.record);
}

#[test]
fn a_redelivered_line_has_the_same_content_and_any_other_fact_another() {
    let first = attribute(&record(&b"/v2/people/1"[..])).unwrap().content;
    assert_eq!(attribute(&record(&b"/v2//people/%31?again"[..])).unwrap().content, first);
    let base = record(&b"/v2/people/1"[..]);
    for other in [
        record(&b"/v2/people/2"[..]),
        record(&b"/v2/people/1/documents/1"[..]),
        AccessRecord { time: Some(Moment(2)), ..base.clone() },
        AccessRecord { status: Some(404), ..base.clone() },
        AccessRecord { bytes: Some(601), ..base.clone() },
        AccessRecord { user: None, ..base.clone() },
        AccessRecord { forwarded: None, ..base },
    ] {
        assert_ne!(attribute(&other).unwrap().content, first, "{other:?}");
    }
}

#[test]
fn an_answer_is_empty_by_its_size_or_where_the_log_says_so() {
    let found = EmptyField { field: Field::Extra(0), pattern: "none*".into() };
    let mut options = options();
    options.routes[0].empty_field = Some(found);
    let attributor = Attributor::new(options, HashKey::new([5; 16])).unwrap();
    let outcome = |bytes, says: Option<&'static [u8]>| {
        let mut record = AccessRecord { bytes: Some(bytes), ..record(&b"/v2/people/1"[..]) };
        if let Some(says) = says {
            record.extras.set(0, Cow::Borrowed(says));
        }
        attributor.explain(&record).outcome.unwrap()
    };
    assert_eq!(outcome(600, Some(b"none at all")), Outcome::Missed);
    assert_eq!(outcome(600, Some(b"one")), Outcome::Disclosed);
    assert_eq!(outcome(600, None), Outcome::Disclosed);
    assert_eq!(outcome(2, Some(b"one")), Outcome::Missed);
}

#[test]
fn a_region_is_a_number_that_tells_one_from_another_and_absent_is_0() {
    let mut options = options();
    options.routes[0].region = Some(Field::Extra(0));
    let attributor = Attributor::new(options, HashKey::new([5; 16])).unwrap();
    let region = |says: Option<&'static [u8]>| {
        let mut record = record(&b"/v2/people/1"[..]);
        if let Some(says) = says {
            record.extras.set(0, Cow::Borrowed(says));
        }
        let (mut scratch, mut names) = (Scratch::default(), Vec::new());
        match attributor.attribute(&record, Moment(1), &mut scratch, &mut names) {
            Attributed::Lookup(lookup) => lookup.region,
            Attributed::Skipped(skip) => panic!("{skip:?}"),
        }
    };
    let (north, south) = (region(Some(b"north")), region(Some(b"south")));
    assert!(north != south && north > 0 && south > 0, "{north} {south}");
    assert_eq!([None, Some(&b""[..])].map(region), [0; 2]);
}

#[test]
fn a_record_without_a_time_is_of_its_record_time() {
    let record = AccessRecord { time: None, ..record(&b"/v2/people/1"[..]) };
    assert_eq!(attribute(&record).unwrap().event, Moment(1));
}

#[test]
fn declared_bots_are_of_their_class() {
    for (agent, class) in [
        ("Mozilla/5.0 (compatible; bingbot/2.0)", ClassId(7)),
        ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", ClassId(8)),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", ClassId(1)),
    ] {
        let user_agent = Some(Cow::Borrowed(agent.as_bytes()));
        let record = AccessRecord { user_agent, ..record(&b"/v2/people/1"[..]) };
        assert_eq!(attribute(&record).unwrap().classes[5], class, "{agent}");
    }
}

#[test]
fn a_check_tells_what_is_seen_and_not_the_subject() {
    let seen = attributor().explain(&record(&b"/v2/people/0012345678"[..]));
    let name = |kind, name: &str| (kind, name.to_owned());
    assert_eq!(seen.keys, [name(KeyKind::Staff, "clinic-17"), name(KeyKind::Address, "192.0.2.9")]);
    assert_eq!((seen.route, seen.has_subject, seen.skip), (Some(RouteId(0)), true, None));
    assert_eq!(seen.outcome, Some(Outcome::Disclosed));
    assert!(!format!("{seen:?}").contains("12345678"));
    let unseen = attributor().explain(&record(&b"/v2/by-mobile"[..]));
    assert_eq!((unseen.route, unseen.skip), (Some(RouteId(2)), Some(Skip::NoSubject)));
    assert_eq!(attributor().explain(&record(&b"/x"[..])).skip, Some(Skip::NoRoute));
}

#[test]
fn all_problems_of_a_configuration_come_at_once() {
    let mut options = options();
    options.routes[0].path = "/v2/people/{id}".into();
    options.routes[2].subject = SubjectFrom::Field(Field::Extra(99));
    options.keys[0].field = Field::Extra(8);
    options.crawlers.insert(0, "b".into());
    options.skip_suffixes.push(String::new());
    let problems = Attributor::new(options, HashKey::new([5; 16])).unwrap_err();
    let seen: Vec<_> = problems.iter().map(|it| (it.part, it.index, &it.fault)).collect();
    assert_eq!(
        seen,
        [
            (Part::Route, 2, &Fault::NoSuchExtra(8)),
            (Part::Key, 0, &Fault::NoSuchExtra(8)),
            (Part::Crawler, 0, &Fault::ShortAgent("b".into(), 3)),
            (Part::SkipSuffix, 1, &Fault::EmptySuffix),
            (Part::Route, 0, &Fault::Placeholder("id".into())),
            (Part::Route, 0, &Fault::NoSubject),
        ]
    );
}

#[test]
fn neither_a_lookup_nor_the_attributor_prints_an_id_or_the_secret() {
    let lookup = at("/v2/people/0012345678").unwrap();
    assert!(!format!("{lookup:?}").contains("12345678"));
    assert!(!format!("{:?}", attributor()).contains("5, 5"));
}

/// A path and another way of writing it.
fn two_ways() -> impl Strategy<Value = (String, String)> {
    let detour = prop::sample::select(vec![
        "/",
        "//",
        "/./",
        "/x/../",
        "/;a=b/",
        "/%2e/",
        "/y/%2E%2e/",
        "/z/..;/",
        "%2F",
    ]);
    let end = prop::sample::select(vec!["", "/", "//", "/.", ";v=1", "?q=1", "/;x?y", "#top"]);
    let origin = prop::sample::select(vec!["", "http://portal", "HTTPS://portal:443"]);
    let ways = (detour, end, origin, prop::collection::vec(any::<bool>(), 40));
    ("[a-zA-Z0-9_~é%\\-]{1,12}", ways).prop_map(|(id, (detour, end, origin, encode))| {
        let encoded = |byte: u8| format!("%{byte:02X}");
        let plain = |byte: u8| match byte {
            b'%' => "%25".to_owned(),
            _ => char::from(byte).to_string(),
        };
        let all = |it: &str| it.bytes().map(encoded).collect::<String>();
        let some: String = if id.is_ascii() {
            let pairs = id.bytes().zip(&encode);
            pairs.map(|(byte, it)| if *it { encoded(byte) } else { plain(byte) }).collect()
        } else {
            all(&id)
        };
        let first = detour.strip_prefix("%2F").map_or(detour, |_| "/");
        let other = format!("{origin}{first}v2{detour}people{detour}{some}{end}");
        (format!("/v2/people/{}", id.replace('%', "%25")), other)
    })
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn two_ways_of_writing_one_path_give_one_subject((one, other) in two_ways()) {
        let (one, other) = (at(&one), at(&other));
        prop_assert!(one.is_ok());
        prop_assert_eq!(one.map(|it| it.subject), other.map(|it| it.subject));
    }

    #[test]
    fn no_header_of_a_client_changes_its_address(written: Vec<u8>, agent: Vec<u8>) {
        let forwarded = [written.as_slice(), b", 192.0.2.9"].concat();
        let spoofed = AccessRecord {
            forwarded: Some(Cow::Owned(forwarded)),
            user_agent: Some(Cow::Owned(agent)),
            ..record(&b"/v2/people/1"[..])
        };
        let honest = at("/v2/people/1").unwrap();
        prop_assert_eq!(attribute(&spoofed).unwrap().keys[5], honest.keys[5]);
    }

    #[test]
    fn any_record_gives_a_lookup_or_a_reason(
        way in prop::sample::select(vec!["", "/", "/v2/people/", "/v2/by-mobile?mobile=", "http://"]),
        target: Vec<u8>,
        values in prop::collection::vec(prop::option::of(any::<Vec<u8>>()), 4),
        status: Option<u16>,
        bytes: Option<u64>,
        time: Option<i64>,
    ) {
        let value = |at: usize| values[at].clone().map(Cow::Owned);
        let record = AccessRecord {
            time: time.map(Moment),
            method: Cow::Borrowed(b"GET"),
            target: Cow::Owned([way.as_bytes(), &target].concat()),
            status,
            bytes,
            peer: value(0),
            user: value(1),
            user_agent: value(2),
            forwarded: value(3),
            ..AccessRecord::default()
        };
        if let Ok(lookup) = attribute(&record) {
            prop_assert!(lookup.subject != 0 && lookup.record != 0 && lookup.content != 0);
            prop_assert!(lookup.keys.iter().any(|it| *it != 0));
        }
        let explained = attributor().explain(&record);
        prop_assert_eq!(explained.skip, attribute(&record).err());
    }
}
