//! The load generator: keep-alive connections that each send one request after another and measure it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Answers per second.
    pub per_second: u64,
    /// Half of the answers came within this many microseconds.
    pub p50_micros: u64,
    /// 99 of 100 did.
    pub p99_micros: u64,
    /// Answers that were not what was wanted.
    pub bad: usize,
}

/// Sends `requests`, each once, over `connections` until all are answered or `longest` has passed.
pub async fn run(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    longest: Duration,
    wanted: &'static [u8],
) -> Figures {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let clients = (0..connections).map(|_| client(address, requests.clone(), next.clone(), started + longest, wanted));
    let clients: Vec<_> = clients.map(tokio::spawn).collect();
    let (mut latencies, mut bad) = (Vec::new(), 0);
    for client in clients {
        let (own, wrong) = client.await.expect("a client does not panic").expect("the connection holds");
        latencies.extend(own);
        bad += wrong;
    }
    let micros = started.elapsed().as_micros().max(1);
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(0);
    let per_second = u64::try_from(latencies.len() as u128 * 1_000_000 / micros).expect("a small number");
    Figures { per_second, p50_micros: at(50), p99_micros: at(99), bad }
}

async fn client(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    until: Instant,
    wanted: &'static [u8],
) -> std::io::Result<(Vec<u64>, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut bad) = (Vec::new(), 0);
    let mut buffer = vec![0; 4096];
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        if sent > until {
            break;
        }
        stream.write_all(request).await?;
        let length = answer(&mut stream, &mut buffer).await?;
        latencies.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
        if !contains(&buffer[..length], wanted) {
            if bad == 0 {
                eprintln!("unexpected answer: {}", String::from_utf8_lossy(&buffer[..length]));
            }
            bad += 1;
        }
    }
    Ok((latencies, bad))
}

/// Reads one answer and returns its length.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        let text = &buffer[..length];
        if let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            let head_text = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let body =
                head_text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if length >= head + 4 + body.unwrap_or(0) {
                return Ok(length);
            }
        }
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}
