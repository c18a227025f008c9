//! The load: signed questions over keep-alive connections, one after another or at a fixed rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use croupier::simulate::messages::{self, Order};
use croupier::simulate::{Brand, Encoding};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;
use crate::day::{self, SALT, SITE};
use crate::random::Random;

/// Connections of the load.
pub const CONNECTIONS: usize = 64;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Deposit,
    Payout,
}

/// When requests go out.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection asks again as soon as it has its answer.
    Closed,
    /// So many a second, whatever the answers do; latency counts from when a request should have gone out.
    Open(u32),
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    pub per_second: u64,
    pub p50_micros: u64,
    pub p99_micros: u64,
    /// Answers that were not what was wanted.
    pub bad: usize,
}

/// Whole requests of players taken from everybody in the book, each with a transaction number of its own from `first` on.
pub fn requests(question: Question, count: u64, players: i64, first: u64, address: SocketAddr) -> Vec<Vec<u8>> {
    let (brand, mut random) = (Brand::new(SITE, SALT), Random::new(first));
    let request = |transaction_id: u64| {
        let login = day::login(random.between(1, players + 1));
        let order = Order { login, amount: 1, currency: "USD".into(), transaction_id };
        let params = match question {
            Question::Deposit => messages::check_deposit(SITE, &order),
            Question::Payout => messages::request_payout(SITE, &order),
        };
        let (kind, body) = Encoding::Form.write(&brand.signed(&params));
        let head = format!(
            "POST /cashier/callback/carouseller HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    };
    (first..first + count).map(request).collect()
}

/// Sends every request once.
pub async fn run(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    question: Question,
    pace: Pace,
) -> Result<Figures, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let client = |_| tokio::spawn(client(address, requests.clone(), next.clone(), question, (began, pace)));
    let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
    let (mut latencies, mut bad) = (Vec::new(), 0);
    for client in clients {
        let ended = client.await.map_err(|error| error.to_string())?;
        let (own, wrong) = ended.map_err(|error| format!("the load: {error}"))?;
        latencies.extend(own);
        bad += wrong;
    }
    let micros = began.elapsed().as_micros().max(1);
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(0);
    let per_second = u64::try_from(latencies.len() as u128 * 1_000_000 / micros).unwrap_or(0);
    Ok(Figures { per_second, p50_micros: at(50), p99_micros: at(99), bad })
}

async fn client(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    question: Question,
    (began, pace): (Instant, Pace),
) -> std::io::Result<(Vec<u64>, usize)> {
    let wanted: &[u8] = match question {
        Question::Deposit => b"\"code\":0",
        Question::Payout => b"\"code\":50",
    };
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut bad, mut buffer) = (Vec::new(), 0, vec![0; 4096]);
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(place) else { return Ok((latencies, bad)) };
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => {
                let due = began + Duration::from_secs(1) * u32::try_from(place).unwrap_or(u32::MAX) / rate;
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        stream.write_all(request).await?;
        let length = answer(&mut stream, &mut buffer).await?;
        latencies.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
        if !buffer[..length].windows(wanted.len()).any(|part| part == wanted) {
            bad += 1;
        }
    }
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
