//! The socket of a played platform: every request goes to one function, and every good and bad way of answering can be had.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::super::http;
pub use super::super::http::Incoming;

/// What goes back.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This status, these headers, and JSON.
    Json(u16, Vec<(&'static str, String)>, Value),
    /// This status, these headers, and JSON as it is written here: a number in it keeps its digits.
    JsonText(u16, Vec<(&'static str, String)>, String),
    /// This status, content type and body.
    Raw(u16, &'static str, Vec<u8>),
    /// Nothing: the connection is closed.
    Hangup,
    /// Nothing: the connection is reset.
    Reset,
    /// A redirection.
    Redirect(String),
    /// An answer that never ends.
    Endless,
    /// The same, after this long.
    Late(Duration, Box<Reply>),
}

impl Reply {
    /// JSON with HTTP 200.
    pub fn ok(body: Value) -> Self {
        Self::Json(200, Vec::new(), body)
    }
}

/// Answers a request.
pub type Handler = dyn Fn(Incoming) -> BoxFuture<'static, Reply> + Send + Sync;

/// A listener. Stops when it is dropped.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Host {
    /// Listens on `bind` (port 0: any free one).
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr, handler: Arc<Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(accept(listener, handler)) })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, handler: Arc<Handler>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let handler = handler.clone();
                connections.spawn(async move {
                    if let Err(error) = serve(stream, &handler).await {
                        log::debug!("simulated platform: connection ended: {error}");
                    }
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, handler: &Arc<Handler>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(incoming) = http::read(&mut stream).await? {
        let mut reply = handler(incoming).await;
        while let Reply::Late(pause, then) = reply {
            tokio::time::sleep(pause).await;
            reply = *then;
        }
        if !write(&mut stream, reply).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Says whether the connection goes on.
async fn write(stream: &mut BufReader<TcpStream>, reply: Reply) -> io::Result<bool> {
    let bytes = match reply {
        Reply::Json(status, headers, body) => json(status, &headers, &body.to_string()),
        Reply::JsonText(status, headers, body) => json(status, &headers, &body),
        Reply::Raw(status, content_type, body) => http::response(status, &[("content-type", content_type)], &body),
        Reply::Redirect(to) => http::response(302, &[("location", &to)], b""),
        Reply::Hangup | Reply::Late(..) => return Ok(false),
        Reply::Reset => {
            stream.get_ref().set_zero_linger()?;
            return Ok(false);
        }
        Reply::Endless => return endless(stream).await,
    };
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    Ok(true)
}

fn json(status: u16, headers: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    http::response(status, &all, body.as_bytes())
}

async fn endless(stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await?;
    loop {
        stream.write_all(b"10\r\n                \r\n").await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
