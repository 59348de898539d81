//! E-mail, over SMTP that is encrypted: from the first byte on, or from STARTTLS on, without which
//! nothing is sent. There is no third way: an alert names people's clients, and a password would
//! go with it.
//!
//! A message's id is that of the notification, so that a repetition is recognised, and all about
//! one alert refer to the same id, so that they are one thread. Nothing that a mail server says is
//! final: 550 is as often a mailbox or a rule that will be put right as a message that never will,
//! and a page is not given up for it. A letter that is refused twice goes to each of its readers alone,
//! so that one who has left keeps it from nobody.
//!
//! `lettre` does the protocol and the encoding of messages: its last release is of August 2026, it
//! is what Rust programs send mail with, and it takes rustls with the provider that we have. Where
//! the server may be is not judged as for HTTP: nothing but SMTP over TLS is spoken to it, with a
//! certificate for its name, and mail servers are at private addresses as a rule.

use super::http::in_words;
use super::notification::{Action, Notification};
use super::receiver::Secret;
use super::retry::Reply;
use crate::alert::text::{self, Wording};
use crate::alert::{Alert, escape_text};
use crate::time::Moment;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::Category;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Characters of a subject at most: a phone shows fewer, and a header has limits.
pub const SUBJECT_CHARACTERS_MAX: usize = 200;

/// From when on the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From STARTTLS on; port 587 as a rule.
    StartTls,
    /// From the first byte on; port 465 as a rule.
    Implicit,
}

/// A mail server, and who writes to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRoute {
    /// The server, by the name that its certificate has.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// The certificates (PEM) that are trusted besides those of this machine.
    pub ca: Option<Vec<u8>>,
    /// Whoever signs in, if anybody has to.
    pub login: Option<(String, Secret)>,
    /// Who writes.
    pub from: Address,
    /// Who reads.
    pub to: Vec<Address>,
}

/// A mail address, with or without a name.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Mailbox);

impl Address {
    /// Reads `ops@example.org` or `Operations <ops@example.org>`; `None` where it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.0)
    }
}

/// The message about a change: a subject and lines.
#[must_use]
pub fn letter(alert: &Alert, wording: &Wording) -> Value {
    let lines = text::block(alert, wording);
    let subject = lines.first().map(ToString::to_string).unwrap_or_default();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    json!({ "subject": clipped(&subject), "text": lines.join("\n") })
}

/// The digest of what the budget held back.
#[must_use]
pub fn digest(words: &str) -> Value {
    json!({ "subject": clipped(&format!("DIGEST  {words}")), "text": words })
}

/// One line without runs of spaces.
fn clipped(subject: &str) -> String {
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    text::clipped(&subject, SUBJECT_CHARACTERS_MAX)
}

/// The message as it is sent at `wall`.
fn message(
    route: &MailRoute,
    notification: &Notification,
    wall: Moment,
) -> Result<Message, lettre::error::Error> {
    let field = |name: &str| notification.body.get(name).and_then(Value::as_str);
    let domain = route.from.0.email.domain();
    let id = |name: &str| format!("<{name}@{domain}>");
    let since = Duration::from_millis(u64::try_from(wall.0).unwrap_or(0));
    let addressed = |builder: MessageBuilder, to: &Address| builder.to(to.0.clone());
    let builder = route.to.iter().fold(Message::builder().from(route.from.0.clone()), addressed);
    let (thread, own) = (id(&notification.id), id(&super::webhook::id(notification)));
    let builder = builder
        .date(UNIX_EPOCH + since)
        .message_id(Some(own))
        .references(thread.clone())
        .in_reply_to(thread)
        .subject(field("subject").unwrap_or_default())
        // Nobody's absence note shall answer.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Darban-Alert", &notification.id));
    let builder = match notification.action {
        Action::Trigger if notification.page => builder.raw_header(header("Importance", "high")),
        _ => builder,
    };
    let text = field("text").unwrap_or_default().to_owned();
    builder.header(ContentType::TEXT_PLAIN).body(text)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The way to a mail server.
pub(super) struct Mailer {
    route: MailRoute,
    timeout: Duration,
    /// The last letter was refused for what it was, or for one of its readers.
    refused: AtomicBool,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mailer {
    /// # Errors
    /// Where no TLS client can be made, or a certificate not be read.
    pub(super) fn new(
        route: &MailRoute,
        timeout: Duration,
    ) -> Result<Self, lettre::transport::smtp::Error> {
        let mut parameters = TlsParameters::builder(route.host.clone());
        if let Some(pem) = &route.ca {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
        }
        let parameters = parameters.build_rustls()?;
        let tls = match route.encryption {
            Encryption::StartTls => Tls::Required(parameters),
            Encryption::Implicit => Tls::Wrapper(parameters),
        };
        // "Dangerous" is what it would be without the line on TLS.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&route.host);
        let mut builder = builder.port(route.port).tls(tls).timeout(Some(timeout));
        if let Some((user, password)) = &route.login {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            builder = builder.credentials(credentials);
        }
        let refused = AtomicBool::new(false);
        Ok(Self { route: route.clone(), timeout, refused, transport: builder.build() })
    }

    /// Sends a message once; how it ended, and what the server said.
    pub(super) async fn send(&self, notification: &Notification, wall: Moment) -> (Reply, String) {
        let message = match message(&self.route, notification, wall) {
            Ok(message) => message,
            Err(error) => return (Reply::None, error.to_string()),
        };
        let (envelope, letter) = (message.envelope(), message.formatted());
        let said = match self.sent(envelope, &letter).await {
            Err(Refused { is_about_it: true, .. })
                if self.refused.swap(true, Ordering::Relaxed) && envelope.to().len() > 1 =>
            {
                self.one_by_one(envelope, &letter).await
            }
            Ok(said) => {
                self.refused.store(false, Ordering::Relaxed);
                Ok(said)
            }
            Err(Refused { said, .. }) => Err(said),
        };
        match said {
            Ok(said) => (Reply::Status { code: 200, retry_after_ms: None }, said),
            Err(said) => (Reply::None, said),
        }
    }

    /// A letter to several that is refused again, to each alone: one reader whom the server does not
    /// know must not keep it from the others. It has arrived where one of them has it.
    async fn one_by_one(&self, envelope: &Envelope, letter: &[u8]) -> Result<String, String> {
        let (mut taken, mut refused) = (None, String::new());
        for reader in envelope.to() {
            let alone = Envelope::new(envelope.from().cloned(), vec![reader.clone()]);
            let alone = alone.map_err(|error| error.to_string())?;
            match self.sent(&alone, letter).await {
                Ok(said) => taken = Some(said),
                Err(Refused { said, .. }) => {
                    tracing::warn!(said, "a reader does not get letters that others get");
                    refused = said;
                }
            }
        }
        taken.ok_or(refused)
    }

    /// Sends once; what the server said.
    async fn sent(&self, envelope: &Envelope, letter: &[u8]) -> Result<String, Refused> {
        // The library's own limit is for the connection and for answers, and leaves out what is
        // between them: a server that takes a connection and says nothing of TLS would keep us.
        let sending = self.transport.send_raw(envelope, letter);
        let Ok(sent) = tokio::time::timeout(self.timeout, sending).await else {
            let said = "no answer within the time limit".to_owned();
            return Err(Refused { is_about_it: false, said });
        };
        let response = sent.map_err(|error| {
            // 55x is about the letter or a reader; 53x would be about who signs in.
            let is_about_it = error.status().is_some_and(|it| it.category == Category::MailSystem);
            Refused { is_about_it, said: in_words(&error) }
        })?;
        let lines: Vec<&str> = response.message().collect();
        Ok(escape_text(&format!("{} {}", response.code(), lines.join(" "))).into_owned())
    }
}

/// A letter that did not arrive.
struct Refused {
    /// The server refused it, or one of its readers, and is well itself.
    is_about_it: bool,
    said: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, sample};
    use crate::attribute::KeyKind;

    fn notification(action: Action, body: Value) -> Notification {
        Notification {
            seq: 1,
            target: "mail".to_owned(),
            id: "5f3a9c0b1d2e4f60".to_owned(),
            action,
            page: true,
            records: 17,
            changed_ms: 1_000,
            queued_ms: 0,
            due_ms: 0,
            body,
        }
    }

    fn sent(action: Action, body: Value) -> String {
        let address = |text| Address::parse(text).unwrap();
        let route = MailRoute {
            host: "mail.example".to_owned(),
            port: 587,
            encryption: Encryption::StartTls,
            ca: None,
            login: Some(("darban".to_owned(), Secret::new("hunter2"))),
            from: address("darban <darban@example.org>"),
            to: vec![address("a@example.org"), address("b@example.org")],
        };
        assert!(!format!("{route:?}").contains("hunter2"));
        let message = message(&route, &notification(action, body), sample::FIRED).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_letter_names_its_thread_and_itself_and_asks_for_no_answer() {
        let sent = sent(Action::Trigger, letter(&sample::alert(), &Wording::default()));
        for line in [
            "From: darban <darban@example.org>\r\n",
            "To: a@example.org, b@example.org\r\n",
            "Date: Sat, 21 Nov 2026 19:30:16 +0000\r\n",
            "Message-ID: <msg_5f3a9c0b1d2e4f60_firing_page_1000_17@example.org>\r\n",
            "References: <5f3a9c0b1d2e4f60@example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Importance: high\r\n",
        ] {
            assert!(sent.contains(line), "{line} in {sent}");
        }
        assert!(sent.contains("Subject: PAGE Walk through ids by staff clinic-17"), "{sent}");
    }

    #[test]
    fn what_a_client_wrote_makes_no_header() {
        let mut alert = sample::alert();
        let id = "x\r\nBcc: all@evil.example\r\n\r\nDear colleague".to_owned();
        alert.clients = vec![Client { key: KeyKind::Staff, id }];
        let sent = sent(Action::Update, letter(&alert, &Wording::default()));
        assert!(!sent.contains("\r\nBcc:") && !sent.contains("\nDear"), "{sent}");
        assert!(!sent.contains("Importance"), "{sent}");
    }

    #[test]
    fn a_subject_is_one_line_and_short() {
        let letter = digest(&"wörd \n".repeat(1_000));
        let subject = letter["subject"].as_str().unwrap();
        assert!(subject.chars().count() <= SUBJECT_CHARACTERS_MAX && !subject.contains('\n'));
    }
}
