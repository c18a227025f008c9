//! A way to the platform that remembers what went through it, and can be held shut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::support::app::PATIENCE;

/// Passes requests on, one body at a time. Hangs up while it leads nowhere.
pub struct Relay {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    target: Mutex<Option<String>>,
    bodies: Mutex<Vec<Vec<u8>>>,
    held: Mutex<Option<oneshot::Receiver<()>>>,
    count: watch::Sender<usize>,
    http: reqwest::Client,
}

impl Relay {
    pub async fn new() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            target: Mutex::default(),
            bodies: Mutex::default(),
            held: Mutex::default(),
            count: watch::Sender::new(0),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
        });
        let serving = inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.pass_on(stream).await });
            }
        });
        Self { url, inner }
    }

    /// Where requests go from now on.
    pub fn leads_to(&self, target: String) {
        *self.inner.target.lock().expect("nobody panics here") = Some(target);
    }

    /// The next request waits until somebody sends.
    pub fn holds_the_next(&self) -> oneshot::Sender<()> {
        let (release, held) = oneshot::channel();
        *self.inner.held.lock().expect("nobody panics here") = Some(held);
        release
    }

    /// The bodies that came, oldest first.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.inner.bodies.lock().expect("nobody panics here").clone()
    }

    /// So many requests have come.
    pub async fn comes_to(&self, count: usize) {
        let mut seen = self.inner.count.subscribe();
        let came = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| *seen >= count)).await;
        came.expect("it comes in time").expect("the relay is there");
    }
}

impl Inner {
    async fn pass_on(&self, mut stream: TcpStream) {
        let Some(body) = body_of(&mut stream).await else { return };
        let held = self.held.lock().expect("nobody panics here").take();
        self.bodies.lock().expect("nobody panics here").push(body.clone());
        self.count.send_modify(|count| *count += 1);
        if let Some(held) = held {
            let _released_or_the_test_is_over = held.await;
        }
        let target = self.target.lock().expect("nobody panics here").clone();
        let Some(target) = target else { return };
        let request = self.http.post(target).header("content-type", "application/json").body(body);
        // A platform that hangs up is one that hangs up.
        let Ok(answer) = request.send().await else { return };
        let (status, body) = (answer.status().as_u16(), answer.bytes().await.unwrap_or_default());
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        let _the_caller_may_be_gone = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    }
}

/// The body of one request.
async fn body_of(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())?;
        if bytes.len() >= end + 4 + length {
            return Some(bytes[end + 4..end + 4 + length].to_vec());
        }
    }
}
