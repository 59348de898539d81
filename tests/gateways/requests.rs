//! What is sent, honest and hostile, and what has to become of each request in each log.

use darban::decode::{Format, Refusal};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpSocket;

/// A proxy that gateways and darban believe. Not 127.0.0.1, for which Envoy writes another address.
pub(super) const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// Somebody who is no proxy.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The API key that requests bring.
pub(super) const KEY: &str = "key-1";
/// How long a gateway may take to answer.
const WITHIN: Duration = Duration::from_secs(60);

/// A log of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    NginxCombined,
    NginxSyslog,
    NginxJson,
    Haproxy,
    HaproxyJson,
    EnvoyText,
    EnvoyJson,
    Traefik,
    Caddy,
}

use Log::{
    Caddy, EnvoyJson, EnvoyText, Haproxy, HaproxyJson, NginxCombined, NginxJson, NginxSyslog,
    Traefik,
};

/// nginx's two texts are one format.
const COMBINED: &[Log] = &[NginxCombined, NginxSyslog];
const NGINX: &[Log] = &[NginxCombined, NginxSyslog, NginxJson];
const HAPROXY: &[Log] = &[Haproxy, HaproxyJson];
const ENVOY: &[Log] = &[EnvoyText, EnvoyJson];
const GO: &[Log] = &[Traefik, Caddy];

impl Log {
    pub(super) const fn format(self) -> Format {
        match self {
            NginxCombined | NginxSyslog => Format::NginxCombined,
            NginxJson | HaproxyJson => Format::NginxJson,
            Haproxy => Format::Haproxy,
            EnvoyText => Format::EnvoyText,
            EnvoyJson => Format::EnvoyJson,
            Traefik => Format::Traefik,
            Caddy => Format::Caddy,
        }
    }

    /// What the doctor has to say of it.
    pub(super) const fn blind(self) -> &'static [&'static str] {
        match self {
            NginxCombined | NginxSyslog => &["no_key_but_the_address", "one_address"],
            // Which captures are which is told by `[decode] captures` only.
            Haproxy => &["one_address", "no_user_agent", "no_zone"],
            EnvoyText => &["no_key_but_the_address"],
            _ => &[],
        }
    }

    /// Whether it has the API key.
    pub(super) fn has_key(self) -> bool {
        !matches!(self, NginxCombined | NginxSyslog | EnvoyText)
    }

    /// Whether it has `X-Forwarded-For`.
    pub(super) fn has_forwarded(self) -> bool {
        !COMBINED.contains(&self)
    }

    /// Whether it has the login of basic authentication that nobody has checked.
    pub(super) fn has_login(self) -> bool {
        NGINX.contains(&self)
    }

    /// The user agent as it is logged.
    pub(super) fn agent(self, sent: &[u8]) -> Option<Vec<u8>> {
        let lossy = || String::from_utf8_lossy(sent).into_owned().into_bytes();
        let logged = match self {
            Haproxy => sent[..sent.len().min(128)].to_vec(),
            // `json(utf8s)` leaves out what is no UTF-8.
            HaproxyJson => lossy().replace_bytes("\u{fffd}", "").into_iter().take(128).collect(),
            // Bytes of a text that is no UTF-8 are written as if they were Latin-1.
            EnvoyJson if str::from_utf8(sent).is_err() => {
                sent.iter().map(|it| char::from(*it)).collect::<String>().into_bytes()
            }
            // Who forges a field behind it has no user agent.
            EnvoyText if sent.windows(2).any(|it| it == b"\" ") => Vec::new(),
            Traefik | Caddy => lossy(),
            _ => sent.to_vec(),
        };
        Some(logged).filter(|it| !it.is_empty())
    }
}

trait ReplaceBytes {
    fn replace_bytes(self, from: &str, to: &str) -> Self;
}

impl ReplaceBytes for Vec<u8> {
    fn replace_bytes(self, from: &str, to: &str) -> Self {
        String::from_utf8(self).unwrap().replace(from, to).into_bytes()
    }
}

/// What has to become of a request in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read as the look-up that it was.
    Seen,
    /// The same, of the subject that this target has: what the gateway made of the one sent.
    As(&'static str),
    /// It is read as what it was, and the gateway answered it itself with an error.
    Failed,
    /// The line is refused.
    Refused(Refusal),
    /// The gateway answers and writes nothing.
    Unlogged,
}

use Fate::{As, Failed, Refused, Seen, Unlogged};
/// The gateway read no request, and says so.
const NO_REQUEST: Fate = Refused(Refusal::NoRequest);
/// The line ends within the path.
const CUT: Fate = Refused(Refusal::CutRequest);

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: &'static str,
    pub(super) from: Ipv4Addr,
    start: Vec<u8>,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: &'static [u8],
    /// Whether nothing more is sent: gateways wait behind what may be half a request.
    pub(super) ends: bool,
    /// Whom it is about: the target of the plainest request for the same.
    pub(super) about: String,
    /// The address behind the proxy, where a log has it.
    pub(super) client: &'static str,
    /// The login that nginx takes from basic authentication.
    pub(super) login: Option<&'static str>,
    fates: Vec<(&'static [Log], Fate)>,
}

impl Request {
    fn to(name: &'static str, id: u64, target: impl AsRef<[u8]>) -> Self {
        let start = [b"GET ", target.as_ref(), b" HTTP/1.1\r\n"].concat();
        let headers = vec![
            ("Host", b"portal.example".to_vec()),
            ("X-Api-Key", KEY.as_bytes().to_vec()),
            ("User-Agent", b"curl/8".to_vec()),
        ];
        Self {
            name,
            from: PROXY,
            start,
            headers,
            body: b"",
            ends: false,
            about: format!("/v2/people/{id}"),
            client: "127.0.0.3",
            login: None,
            fates: Vec::new(),
        }
    }

    /// One for a plain target.
    fn plain(name: &'static str, id: u64) -> Self {
        Self::to(name, id, format!("/v2/people/{id}"))
    }

    /// One that begins as no request should.
    fn raw(name: &'static str, start: &[u8]) -> Self {
        Self { start: start.to_vec(), headers: Vec::new(), ..Self::to(name, 0, "") }
    }

    fn with(mut self, header: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|it| it.0 != header || header == "X-Forwarded-For");
        self.headers.push((header, value.as_ref().to_vec()));
        self
    }

    fn agent(self, value: impl AsRef<[u8]>) -> Self {
        self.with("User-Agent", value)
    }

    fn forwarded(self, value: impl AsRef<[u8]>) -> Self {
        self.with("X-Forwarded-For", value)
    }

    fn behind(self, client: &'static str) -> Self {
        Self { client, ..self }
    }

    fn by_stranger(self) -> Self {
        Self { from: STRANGER, client: "127.0.0.2", ..self }
    }

    fn on(mut self, logs: &'static [Log], fate: Fate) -> Self {
        self.fates.insert(0, (logs, fate));
        self
    }

    /// What has to become of it in a log.
    pub(super) fn fate(&self, log: Log) -> Fate {
        self.fates.iter().find(|it| it.0.contains(&log)).map_or(Seen, |it| it.1)
    }

    pub(super) fn is_logged(&self, log: Log) -> bool {
        self.fate(log) != Unlogged
    }

    /// Whom a log shows to have sent it.
    pub(super) fn address(&self, log: Log) -> &'static str {
        match self.name {
            "a forged end of a field" if log == EnvoyText => "forged",
            _ if !log.has_forwarded() && self.from == PROXY => "127.0.0.3",
            _ => self.client,
        }
    }

    /// Its user agent as it is logged: where a field before it is forged, none.
    pub(super) fn agent_in(&self, log: Log) -> Option<Vec<u8>> {
        let sent = self.header("User-Agent").filter(|_| self.address(log) != "forged")?;
        log.agent(sent)
    }

    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_slice())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.start.clone();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if !bytes.is_empty() {
            bytes.extend(b"\r\n");
        }
        [bytes.as_slice(), self.body].concat()
    }
}

/// Every request.
pub(super) fn all() -> Vec<Request> {
    [honest(), forwarded(), paths(), agents(), long(), broken()].concat()
}

fn honest() -> Vec<Request> {
    let basic = "Basic Y2xpbmljLTE3Ong=";
    let post = Request {
        start: b"POST /v2/people/10000005 HTTP/1.1\r\n".to_vec(),
        body: b"{}",
        ..Request::plain("a post", 10_000_005).with("Content-Length", "2")
    };
    let head = Request {
        start: b"HEAD /v2/people/10000006 HTTP/1.1\r\n".to_vec(),
        ..Request::plain("a head", 10_000_006)
    };
    let login = Request::plain("a login", 10_000_003).with("Authorization", basic);
    vec![
        Request::to("a hit", 10_000_001, "/v2/people/10000001?fields=name"),
        Request::plain("a miss", 10_000_004),
        Request { login: Some("clinic-17"), ..login },
        post,
        head,
        Request::to("two ids in a query", 10_000_007, "/v2/search?id=10000007&id=10000008"),
    ]
}

fn forwarded() -> Vec<Request> {
    let hostile = b"\xe2\x80\xae\", \"\xff";
    let tail = "192.0.2.8 [21/Nov/2026:19:30:16 +0000] \"GET /v2/people/9 HTTP/1.1\" 200 1";
    vec![
        Request::plain("a proxy's client", 10_000_011)
            .forwarded("198.51.100.7, 203.0.113.9")
            .behind("203.0.113.9"),
        Request::plain("a proxy's client in the second header", 10_000_012)
            .forwarded("198.51.100.7")
            .forwarded("203.0.113.9")
            .behind("203.0.113.9"),
        (0..64)
            .fold(Request::plain("many forwarded headers", 10_000_018), |request, _| {
                request.forwarded("198.51.100.7")
            })
            .forwarded("203.0.113.9")
            .behind("203.0.113.9"),
        Request::plain("a long forwarded header", 10_000_019)
            .forwarded(format!("{}198.51.100.7, 203.0.113.9", "198.51.100.8, ".repeat(8)))
            .behind("203.0.113.9"),
        Request::plain("a proxy that forwards no address", 10_000_013).forwarded(hostile),
        Request::plain("a forged proxy", 10_000_015).forwarded("198.51.100.7").by_stranger(),
        Request::plain("a forged end of a field", 10_000_016)
            .forwarded("192.0.2.7\" \"x")
            .by_stranger(),
        Request::plain("a forged line in a field", 10_000_017).forwarded(tail).by_stranger(),
    ]
}

fn paths() -> Vec<Request> {
    vec![
        Request::to("\\xff in a path", 0, b"/v2/people/\xff10000021")
            .on(&[NginxCombined, NginxSyslog, NginxJson, Traefik], As("/v2/people/%FF10000021"))
            .on(&[Caddy], As("/v2/people/%EF%BF%BD10000021"))
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST),
        Request::to("\\xfe in a query", 10_000_022, b"/v2/people/10000022?x=\xfe")
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST),
        Request::to("UTF-8", 10_000_023, "/v2/people/10000023?n=\u{634}")
            .agent("\u{634}\u{202e}")
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST),
        Request::to("quotes in a query", 10_000_025, "/v2/people/10000025?q=\"x\"\\x22\\"),
        Request::to("an encoded digit", 10_000_026, "/v2/people/1%3000%30026?x=%ff%00%22"),
        Request::to("detours", 10_000_027, "/v2//people/./9/../10000027;a=b?x=1&x=2"),
        Request::to("an encoded slash", 10_000_028, "/v2/people/%2F10000028"),
        Request::to("an absolute target", 10_000_029, "http://portal.example/v2/people/10000029"),
        Request::to("a fragment", 10_000_031, "/v2/people/10000031#f")
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, Failed)
            .on(&[Traefik], Unlogged),
        Request::to("escapes of HAProxy's", 10_000_032, "/v2/people/10000032?x=#22#7d")
            .agent("a#22b")
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, Failed),
    ]
}

fn agents() -> Vec<Request> {
    let login = "Basic YSBbMjEvTm92LzIwMjY6MTk6MzA6MTYgKzAwMDBdICJHRVQgLzkgSFRUUC8xLjEiIDIwMA==";
    let forged = Request::plain("a login with the time of a line", 10_000_051);
    vec![
        Request::plain("bytes in an agent", 10_000_041).agent(b"a\xff\xfe\"\\b\tc"),
        Request::plain("a forged end of nginx", 10_000_042).agent("x\" 200 1 \"-\" \"-\""),
        Request::plain("a forged end of Envoy", 10_000_043)
            .agent("x\" \"r\" \"h\" \"10.0.0.1:80\""),
        Request::plain("forged keys of JSON", 10_000_045)
            .agent("x\",\"request_uri\":\"/v2/people/9\",\"path\":\"/v2/people/9"),
        Request::plain("a forged end of HAProxy", 10_000_046)
            .agent("a|b} \"GET /v2/people/9 HTTP/1.1\""),
        Request::plain("a forged time", 10_000_047).agent("a [21/Nov/2026:19:30:16.124] b"),
        Request::plain("a backslash at the end", 10_000_048).agent("a\\"),
        Request::plain("control characters", 10_000_049)
            .agent("a\x01\x1b[2Jb")
            .on(ENVOY, NO_REQUEST)
            .on(GO, Unlogged),
        Request { login: Some("a [21/Nov/2026"), ..forged.with("Authorization", login) },
    ]
}

fn long() -> Vec<Request> {
    let padded = |with: &str, times| format!("/v2/people/10000061?a=1&pad={}", with.repeat(times));
    let digits = "9".repeat(6_000);
    let whole = Request {
        about: format!("/v2/people/{digits}"),
        ..Request::to("a long path", 0, format!("/v2/people/{digits}"))
    };
    let detour = format!("/v2/x/{}../people/10000062", "../x/".repeat(300));
    let bytes = [0xff; 7_000];
    vec![
        Request::to("a long query", 10_000_061, padded("a", 6_000)),
        whole.on(&[Haproxy], CUT),
        Request::to("a long detour", 10_000_062, detour).on(&[Haproxy], CUT),
        Request::plain("a long agent", 10_000_063).agent("u".repeat(5_000)),
        // Four bytes for each in nginx's text, more than a datagram holds.
        Request::to("long bytes", 10_000_065, [b"/v2/people/10000065?x=", &bytes[..]].concat())
            .agent(bytes)
            .with("Referer", bytes)
            .on(&[NginxSyslog, Caddy], Unlogged)
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST),
        Request::to("long quotes", 10_000_061, padded("\"", 25_000))
            .agent("\"".repeat(20_000))
            .on(COMBINED, CUT)
            .on(&[NginxJson], NO_REQUEST)
            .on(HAPROXY, NO_REQUEST)
            .on(&[Caddy], Unlogged),
        Request::to("more than most accept", 10_000_061, padded("a", 70_000))
            .on(COMBINED, CUT)
            .on(&[NginxJson], NO_REQUEST)
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST)
            .on(&[Caddy], Unlogged),
    ]
}

/// What most gateways answer themselves.
fn broken() -> Vec<Request> {
    let refused = |request: Request| {
        request
            .on(COMBINED, Failed)
            .on(&[NginxJson], NO_REQUEST)
            .on(HAPROXY, NO_REQUEST)
            .on(ENVOY, NO_REQUEST)
            .on(GO, Unlogged)
    };
    let lower = Request {
        start: b"get /v2/people/10000071 HTTP/1.1\r\n".to_vec(),
        ..Request::plain("a method in lower case", 10_000_071)
    };
    let about =
        |request: Request, id: u64| Request { about: format!("/v2/people/{id}"), ..request };
    let no_host = Request::raw("no host", b"GET /v2/people/10000072 HTTP/1.1\r\n");
    let old = Request::raw("HTTP/1.0", b"GET /v2/people/10000073 HTTP/1.0\r\n");
    let oldest = Request::raw("HTTP/0.9", b"GET /v2/people/10000075\r\n");
    let newest = Request::raw("HTTP/9.9", b"GET /v2/people/10000076 HTTP/9.9\r\n");
    let spaced =
        Request::raw("a space at the end", b"GET /v2/people/10000081 HTTP/1.1 \r\nHost: x\r\n");
    let zeros = Request::raw(
        "zeros in a version",
        b"GET /v2/people/10000082 HTTP/1.0000000001\r\nHost: x\r\n",
    );
    let hyphen =
        Request::raw("a hyphen for a method", b"- /v2/people/10000083 HTTP/1.1\r\nHost: x\r\n");
    let digit =
        Request::raw("a digit in a method", b"X1 /v2/people/10000084 HTTP/1.1\r\nHost: x\r\n");
    let quoted = Request::raw("a quote in a method", b"G\"T /v2/people/1 HTTP/1.1\r\nHost: x\r\n");
    let hello = Request::raw("a hello of TLS", b"\x16\x03\x01\x02\x00\x01\r\n");
    vec![
        refused(Request::to("a space in a path", 0, "/v2/people/10000077 x")),
        refused(Request::to("a zero byte", 0, b"/v2/people/\x0010000078")),
        refused(Request::to("an escape sequence", 0, b"/v2/people/10000079\x1b[2J")),
        refused(lower).on(HAPROXY, Seen).on(GO, Seen),
        about(no_host, 10_000_072).on(NGINX, Failed).on(ENVOY, Failed).on(GO, Unlogged),
        about(old, 10_000_073).on(ENVOY, NO_REQUEST),
        refused(about(oldest, 10_000_075)).on(NGINX, Seen),
        refused(about(newest, 10_000_076)).on(HAPROXY, Seen),
        refused(about(spaced, 10_000_081)).on(NGINX, Seen).on(ENVOY, Seen),
        refused(about(zeros, 10_000_082)).on(NGINX, Seen),
        refused(about(hyphen, 10_000_083)).on(NGINX, Seen).on(HAPROXY, Seen).on(GO, Seen),
        refused(about(digit, 10_000_084)).on(HAPROXY, Seen).on(GO, Seen),
        refused(quoted).on(COMBINED, NO_REQUEST),
        refused(Request { ends: true, ..hello }).on(COMBINED, NO_REQUEST),
        Request { ends: true, ..refused(Request::raw("nothing", b"")) }
            .on(NGINX, Unlogged)
            .on(ENVOY, Unlogged),
    ]
}

/// Sends bytes from an address, and takes the beginning of the answer; `None` without a connection.
pub(super) fn send(from: Ipv4Addr, port: u16, bytes: &[u8], ends: bool) -> Option<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()?;
        stream.ready(Interest::WRITABLE).await.ok()?;
        stream.into_std().ok()
    });
    let mut stream = connected?;
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    // Who has refused already may have closed; what it answered is still to be read.
    let _sent = stream.write_all(bytes);
    if ends {
        let _closed = stream.shutdown(std::net::Shutdown::Write);
    }
    let (mut answer, mut piece) = (Vec::new(), [0; 4_096]);
    while !answer.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(length) if length > 0 => answer.extend_from_slice(&piece[..length]),
            _ => break,
        }
    }
    Some(answer)
}

/// The status of an answer; one without headers is HTTP/0.9's.
pub(super) fn status_of(answer: &[u8]) -> u16 {
    let word = answer.split(|it| *it == b' ').nth(1).unwrap_or_default();
    if answer.starts_with(b"HTTP/") { str::from_utf8(word).unwrap().parse().unwrap() } else { 200 }
}
