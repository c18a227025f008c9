//! Just enough HTTP/1.1 for a client that behaves.

use std::collections::HashMap;
use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request.
#[derive(Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub content_type: &'static str,
    pub replayed: bool,
    pub json: Value,
}

/// The next request of a connection; none at its end.
pub async fn read(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Asked> {
    loop {
        if let Some((asked, length)) = parse(unread) {
            unread.drain(..length);
            return Some(asked);
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => unread.extend_from_slice(&piece[..read]),
        }
    }
}

/// The request at the start of `bytes` and its length, when it is complete.
fn parse(bytes: &[u8]) -> Option<(Asked, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(Some(0), |text| text.parse().ok())?;
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    let asked = Asked { method, path: path.to_owned(), query: query.to_owned(), headers, body };
    Some((asked, end + 4 + length))
}

pub async fn write(stream: &mut TcpStream, told: &Told) -> io::Result<()> {
    let Told { status, content_type, replayed, json } = told;
    let (body, replayed) = (json.to_string(), if *replayed { "idempotent-replayed: true\r\n" } else { "" });
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Told\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{replayed}\r\n");
    stream.write_all(&[head.into_bytes(), body.into_bytes()].concat()).await
}
