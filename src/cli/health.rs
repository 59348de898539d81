//! `darban health`: asks a running darban how it is, for containers that have no other client.

use super::{Failure, exit};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration, which says where it listens
    #[arg(long, short, value_name = "FILE", default_value = "/etc/darban/darban.toml")]
    config: PathBuf,
    /// Ask whether it is ready to watch, and not only whether it is alive
    #[arg(long)]
    ready: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = super::load(&arguments.config)?;
    let mut listen = config.http.listen;
    if listen.ip().is_unspecified() {
        // Whoever listens everywhere listens here.
        let here: std::net::IpAddr = match listen.is_ipv4() {
            true => std::net::Ipv4Addr::LOCALHOST.into(),
            false => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        listen.set_ip(here);
    }
    let path = if arguments.ready { "/readyz" } else { "/livez" };
    let unwell = |words: &str| Failure::new(exit::GATES, &words);
    let answer = ask(listen, path)
        .map_err(|it| unwell(&format!("http://{listen}{path} does not answer: {it}")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    if head.split(' ').nth(1) == Some("200") {
        return super::terminal::Printer::new().line(body.trim_end());
    }
    Err(unwell(body.trim_end()))
}

/// Asks our own server, which is HTTP without TLS; its answers are small and end with the connection.
fn ask(listen: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&listen, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let host = "Host: darban\r\nConnection: close";
    write!(stream, "GET {path} HTTP/1.1\r\n{host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}
