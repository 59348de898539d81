//! What stands behind the gateways: it answers whatever bytes arrive, 404 where what was asked for
//! ends in a 4. A library for HTTP would refuse half of what is sent here.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts it; it ends with the tests.
pub(super) fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut request, mut piece) = (Vec::new(), [0; 65_536]);
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..length]);
    }
    let target = request.split(|it| *it == b' ').nth(1).unwrap_or_default();
    let path = target.split(|it| b"?#;".contains(it)).next().unwrap_or_default();
    let status = if path.ends_with(b"4") { "404 Not Found" } else { "200 OK" };
    let body = if request.starts_with(b"HEAD") { "" } else { "ok" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{body}")
}
