//! HTTP/1.1 for the simulated Cashier, on a bare connection: a peer that hangs up, resets or never ends its answer
//! needs the socket in its own hands, which a web framework does not give.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;

const LONGEST_LINE: u64 = 16_384;
const MOST_HEADERS: usize = 100;
const LONGEST_BODY: usize = 262_144;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The method, as sent.
    pub method: String,
    /// The path, still encoded.
    pub path: String,
    /// What is behind the question mark, still encoded.
    pub query: String,
    /// The `Content-Type` header, or nothing.
    pub content_type: String,
    /// All headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Incoming {
    /// The first header with this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the next request of a connection; `None` at its orderly end.
pub(super) async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Incoming>> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(_)) = (words.next(), words.next(), words.next()) else {
        return if first.is_empty() { Ok(None) } else { Err(bad("the first line is not a request")) };
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut incoming =
        Incoming { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Incoming::default() };
    let (mut length, mut chunked) = (0, false);
    for _ in 0..MOST_HEADERS {
        let header = line(stream).await?;
        if header.is_empty() {
            incoming.body = if chunked { chunks(stream).await? } else { exactly(stream, length).await? };
            return Ok(Some(incoming));
        }
        let (name, value) = header.split_once(':').ok_or_else(|| bad("a header without a colon"))?;
        incoming.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(|_| bad("content-length is not a number"))?,
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            "content-type" => incoming.content_type = value.trim().to_owned(),
            _ => {}
        }
    }
    Err(bad("too many headers"))
}

/// An answer with its length, for a connection that stays open.
pub(super) fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {}\r\ncontent-length: {}\r\n", reason(status), body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [format!("{head}\r\n").into_bytes(), body.to_vec()].concat()
}

fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Elsewhere",
        400..=499 => "Refused",
        _ => "Failed",
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    (&mut *stream).take(LONGEST_LINE).read_until(b'\n', &mut bytes).await?;
    if bytes.len() as u64 == LONGEST_LINE {
        return Err(bad("a line is too long"));
    }
    let text = String::from_utf8(bytes).map_err(|_| bad("the head is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    if length > LONGEST_BODY {
        return Err(bad("the body is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn chunks(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let head = line(stream).await?;
        let digits = head.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(|_| bad("a chunk without its length"))?;
        if length == 0 {
            while !line(stream).await?.is_empty() {}
            return Ok(body);
        }
        if length > LONGEST_BODY || body.len() + length > LONGEST_BODY {
            return Err(bad("the body is too long"));
        }
        body.extend(exactly(stream, length).await?);
        line(stream).await?;
    }
}

fn bad(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
