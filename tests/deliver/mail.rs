//! A mail server that speaks SMTP over TLS: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA, QUIT,
//! with the answers of RFC 5321, and the order in which it insists on them.

use super::driver::{IMPATIENCE, Running};
use super::sample::{page, then, ticket};
use super::scratch::Scratch;
use super::wait::wait_until;
use darban::alert::Status;
use darban::deliver::{Address, Encryption, MailRoute, Policy, ReceiverKind, ReceiverSpec, Secret};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

/// `\0darban\0hunter2` in base64.
const SIGN_IN: &str = "AUTH PLAIN AGRhcmJhbgBodW50ZXIy";

#[derive(Default)]
struct Mailbox {
    letters: Vec<String>,
    /// Answers to the next messages instead of taking them.
    refusals: VecDeque<&'static str>,
    /// A reader whom nobody knows here.
    unknown: Option<&'static str>,
    /// Passwords and letters that came before the connection was encrypted.
    in_the_clear: usize,
    commands: usize,
}

/// A running server. It ends with the process.
struct MailServer {
    port: u16,
    pem: Vec<u8>,
    mailbox: Arc<Mutex<Mailbox>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offers {
    StartTls,
    Implicit,
    /// Somebody between us and the server has taken STARTTLS out.
    NoTls,
}

impl MailServer {
    fn start(offers: Offers, scratch: &Scratch) -> Self {
        let (pem, config) = tls(scratch.path());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mailbox = Arc::new(Mutex::new(Mailbox::default()));
        let shared = Arc::clone(&mailbox);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (mailbox, config) = (Arc::clone(&shared), Arc::clone(&config));
                // A client that goes away ends its connection, and nothing else.
                std::thread::spawn(move || drop(serve(stream, offers, config, &mailbox)));
            }
        });
        Self { port, pem, mailbox }
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap()
    }

    fn spec(&self, encryption: Encryption) -> ReceiverSpec {
        let address = |text| Address::parse(text).unwrap();
        let route = MailRoute {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            encryption,
            ca: Some(self.pem.clone()),
            login: Some(("darban".to_owned(), Secret::new("hunter2"))),
            from: address("darban <darban@example.org>"),
            to: vec![address("ops@example.org"), address("boss@example.org")],
        };
        let kind = ReceiverKind::Mail(Box::new(route));
        ReceiverSpec { name: "mail".to_owned(), severity: Vec::new(), kind }
    }
}

/// A certificate that signs itself, for 127.0.0.1.
fn tls(folder: &Path) -> (Vec<u8>, Arc<ServerConfig>) {
    let (key, certificate) = (folder.join("mail.key"), folder.join("mail.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pem = std::fs::read(&certificate).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&pem).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (pem, Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

fn serve(
    stream: TcpStream,
    offers: Offers,
    config: Arc<ServerConfig>,
    mailbox: &Mutex<Mailbox>,
) -> io::Result<()> {
    let encrypted = |stream| {
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok::<_, io::Error>(StreamOwned::new(connection, stream))
    };
    if offers == Offers::Implicit {
        let mut stream = encrypted(stream)?;
        say(&mut stream, "220 mail ready")?;
        return converse(stream, None, mailbox).map(drop);
    }
    let mut plain = stream.try_clone()?;
    say(&mut plain, "220 mail ready")?;
    let extension = if offers == Offers::StartTls { "250-STARTTLS\r\n" } else { "" };
    if converse(plain, Some(extension), mailbox)? {
        converse(encrypted(stream)?, None, mailbox)?;
    }
    Ok(())
}

fn say(stream: &mut impl Write, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes())?;
    stream.flush()
}

/// A session to its end; whether it ends in STARTTLS. `plain`: what is offered in the clear.
fn converse(
    stream: impl Read + Write,
    plain: Option<&str>,
    mailbox: &Mutex<Mailbox>,
) -> io::Result<bool> {
    let mut stream = BufReader::with_capacity(1, stream);
    let mut signed_in = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let line = line.trim_end();
        mailbox.lock().unwrap().commands += 1;
        let secret = line.starts_with("AUTH") || line.starts_with("MAIL");
        if plain.is_some() && secret {
            mailbox.lock().unwrap().in_the_clear += 1;
        }
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => format!("250-mail\r\n{}250 AUTH PLAIN", plain.unwrap_or_default()),
            "STARTTLS" if plain.is_some_and(|it| !it.is_empty()) => {
                say(stream.get_mut(), "220 go ahead")?;
                return Ok(true);
            }
            "AUTH" if line == SIGN_IN => {
                signed_in = true;
                "235 welcome".to_owned()
            }
            "AUTH" => "535 no".to_owned(),
            "RCPT" if mailbox.lock().unwrap().unknown.is_some_and(|it| line.contains(it)) => {
                "550 no such user".to_owned()
            }
            "MAIL" | "RCPT" if signed_in => "250 ok".to_owned(),
            "DATA" if signed_in => {
                say(stream.get_mut(), "354 go ahead")?;
                let letter = letter(&mut stream)?;
                let mut mailbox = mailbox.lock().unwrap();
                match mailbox.refusals.pop_front() {
                    Some(refusal) => refusal.to_owned(),
                    None => {
                        mailbox.letters.push(letter);
                        "250 taken".to_owned()
                    }
                }
            }
            "QUIT" => {
                say(stream.get_mut(), "221 bye")?;
                return Ok(false);
            }
            "RSET" | "NOOP" => "250 ok".to_owned(),
            _ => "503 not now".to_owned(),
        };
        say(stream.get_mut(), &answer)?;
    }
}

fn letter(stream: &mut impl BufRead) -> io::Result<String> {
    let mut letter = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line == ".\r\n" {
            return Ok(letter);
        }
        letter.push_str(&line);
    }
}

fn header<'l>(letter: &'l str, name: &str) -> &'l str {
    let lines = letter.lines().take_while(|it| !it.is_empty());
    let found = lines.filter_map(|it| it.split_once(": ")).find(|(it, _)| *it == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

#[test]
fn a_harvest_is_one_thread_over_either_way_of_encryption() {
    for (offers, encryption) in
        [(Offers::StartTls, Encryption::StartTls), (Offers::Implicit, Encryption::Implicit)]
    {
        let scratch = Scratch::new();
        let server = MailServer::start(offers, &scratch);
        let receivers = vec![server.spec(encryption)];
        let running = Running::start(&scratch, receivers, Policy::default());
        let fired = page("a");
        for alert in [&fired, &then(&fired, Status::Resolved), &ticket("b")] {
            running.offer(alert);
            running.settled();
        }
        let mailbox = server.mailbox();
        let of = |name| mailbox.letters.iter().map(|it| header(it, name)).collect::<Vec<_>>();
        let (a, b) = ("<a@example.org>", "<b@example.org>");
        assert_eq!(of("References"), [a, a, b], "{offers:?}");
        assert_eq!(of("Importance"), ["high", "", ""]);
        assert_eq!(of("To"), ["ops@example.org, boss@example.org"; 3]);
        let mut ids = of("Message-ID");
        ids.dedup();
        assert_eq!((ids.len(), mailbox.in_the_clear), (3, 0));
    }
}

#[test]
fn nothing_is_sent_where_the_connection_cannot_be_encrypted_or_is_anothers() {
    for (offers, of_another) in [(Offers::NoTls, false), (Offers::StartTls, true)] {
        let (scratch, other) = (Scratch::new(), Scratch::new());
        let server = MailServer::start(offers, &scratch);
        let mut spec = server.spec(Encryption::StartTls);
        if let (ReceiverKind::Mail(route), true) = (&mut spec.kind, of_another) {
            route.ca = Some(tls(other.path()).0);
        }
        let running = Running::start(&scratch, vec![spec], Policy::default());
        running.offer(&page("a"));
        wait_until("two attempts", || running.delivery.stats().receivers[0].retried >= 2);
        let mailbox = server.mailbox();
        assert_eq!((mailbox.letters.len(), mailbox.in_the_clear), (0, 0), "{offers:?}");
        assert!(mailbox.commands > 0, "{offers:?}");
    }
}

#[test]
fn a_page_is_sent_again_whatever_the_server_said_and_under_the_same_id() {
    for refusal in ["451 try again", "550 no such mailbox", "552 too large", "421 closing"] {
        let scratch = Scratch::new();
        let server = MailServer::start(Offers::Implicit, &scratch);
        server.mailbox().refusals.push_back(refusal);
        let receivers = vec![server.spec(Encryption::Implicit)];
        let running = Running::start(&scratch, receivers, Policy::default());
        running.offer(&page("a"));
        running.settled();
        let mailbox = server.mailbox();
        assert_eq!(mailbox.letters.len(), 1, "{refusal}");
        assert!(header(&mailbox.letters[0], "Message-ID").starts_with("<msg_a_firing_"));
        assert!(running.delivery.stats().receivers[0].retried >= 1, "{refusal}");
    }
}

#[test]
fn a_reader_whom_the_server_does_not_know_keeps_a_page_from_no_other() {
    let scratch = Scratch::new();
    let server = MailServer::start(Offers::Implicit, &scratch);
    server.mailbox().unknown = Some("boss@example.org");
    let receivers = vec![server.spec(Encryption::Implicit)];
    let running = Running::start(&scratch, receivers, Policy::default());
    running.offer(&page("a"));
    running.settled();
    assert_eq!(server.mailbox().letters.len(), 1);
}

#[test]
fn a_server_that_says_nothing_is_given_up_and_asked_again() {
    let scratch = Scratch::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = MailServer::start(Offers::Implicit, &scratch);
    server.port = listener.local_addr().unwrap().port();
    let receivers = vec![server.spec(Encryption::Implicit)];
    let running = Running::impatient(&scratch, receivers, Policy::default(), IMPATIENCE);
    running.offer(&page("a"));
    wait_until("two attempts", || running.delivery.stats().receivers[0].retried >= 2);
    assert!(!format!("{:?}", running.delivery).contains("hunter2"));
}
