//! Just enough HTTP to ask a server.

use std::io::{Read, Write};
use std::net::TcpStream;

/// The answer of ClickHouse to one query, as text; an error when the status is not 200.
pub(crate) fn query(url: &str, sql: &str) -> Result<String, String> {
    exchange(url, &format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{sql}", sql.len()))
}

/// The body of a GET; an error when the status is not 200.
pub(crate) fn get(url: &str, path: &str) -> Result<String, String> {
    exchange(url, &format!("GET {path} HTTP/1.0\r\n\r\n"))
}

fn exchange(url: &str, request: &str) -> Result<String, String> {
    let mut stream =
        TcpStream::connect(url.trim_start_matches("http://")).map_err(|error| error.to_string())?;
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
    if head.contains(" 200 ") { Ok(body.to_owned()) } else { Err(answer) }
}
