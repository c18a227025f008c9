//! HTTP/1.1 as bytes: one message read from a connection, one exchange on a connection of its own, and ends that are no good.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest message that is read. Ours have a few hundred bytes.
const LONGEST: usize = 1 << 20;

/// How long a peer of ours may take for one message. Longer than the service's own bounds.
const PATIENCE: Duration = Duration::from_secs(40);

/// A whole message as it came: head and body.
#[derive(Debug, Clone)]
pub struct Message {
    pub bytes: Vec<u8>,
    /// Where the body begins.
    pub body: usize,
}

impl Message {
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }

    /// The status of an answer.
    pub fn status(&self) -> Option<u16> {
        let line = self.bytes.split(|byte| *byte == b'\r').next()?;
        std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body()).ok()
    }
}

/// Reads one message: its head, and as many bytes as that announces. One that ends early is an error.
pub async fn read(stream: &mut TcpStream) -> io::Result<Message> {
    let reading = async {
        let (mut bytes, mut whole) = (Vec::new(), None);
        loop {
            if let Some((body, length)) = whole
                && bytes.len() >= length
            {
                bytes.truncate(length);
                return Ok(Message { bytes, body });
            }
            if bytes.len() > LONGEST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if whole.is_none() {
                whole = extent(&bytes);
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Where the body begins and where it ends, as soon as the head is there.
fn extent(bytes: &[u8]) -> Option<(usize, usize)> {
    let body = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..body]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    Some((body, body + length.unwrap_or(0)))
}

pub async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends bytes on a connection of their own and reads the answer.
pub async fn exchange(to: SocketAddr, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = connect(to).await?;
    stream.write_all(bytes).await?;
    read(&mut stream).await
}

/// Ends a connection with a reset.
pub fn reset(stream: TcpStream) {
    // A socket that is gone already needs no reset.
    let _best_effort = stream.set_zero_linger();
    drop(stream);
}

/// Ends a connection in order, after the peer has got everything.
pub async fn end(mut stream: TcpStream) {
    let _the_peer_may_be_gone = stream.shutdown().await;
    until_closed(&mut stream).await;
}

/// Swallows what comes until the peer closes.
pub async fn until_closed(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    let swallow = async { while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {} };
    let _it_is_over_in_any_case = tokio::time::timeout(PATIENCE, swallow).await;
}

/// A request with a JSON body, for one connection.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: croupier\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer with its length.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
