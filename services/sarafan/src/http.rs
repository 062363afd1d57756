//! One question to a service on this machine, over HTTP.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const PATIENCE: Duration = Duration::from_secs(5);

/// The body of the answer, if the answer is 200. One request on a connection of its own: nothing more than that is needed
/// of HTTP here.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    ask(
        address,
        path,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
        PATIENCE,
    )
}

/// As [`get`], for what changes something and may take a while.
#[cfg(feature = "localstack")]
pub(crate) fn post(
    address: SocketAddr,
    path: &str,
    body: &str,
    patience: Duration,
) -> anyhow::Result<String> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    ask(address, path, &(head + body), patience)
}

fn ask(address: SocketAddr, path: &str, request: &str, patience: Duration) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(head.starts_with("HTTP/1.1 200"), "{path}: {status}: {}", body.trim_end().replace('\n', "; "));
    Ok(body.to_owned())
}
