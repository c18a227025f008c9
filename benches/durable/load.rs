//! The load generator: keep-alive connections on one thread, each with one request at a time, every answer checked.
//!
//! Closed loop: a connection sends its next request when it has the answer to the last. Open loop ([`Run::rate`]): requests are due at
//! a fixed rate whatever becomes of earlier ones, and their latency counts from the moment they were due, so that a pause is felt by
//! everything that would have come during it. This file stands on its own: other campaigns include it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Semaphore};

/// What an answer must be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The HTTP status.
    pub status: u16,
    /// What the body contains.
    pub body: &'static str,
}

/// One request, ready to be written to the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which of the service's addresses it goes to.
    pub door: usize,
    /// Head and body.
    pub bytes: Vec<u8>,
    /// The right answer.
    pub wanted: Wanted,
}

/// What is to be sent, and how.
#[derive(Debug)]
pub struct Run {
    /// Where: [`Request::door`] is an index here.
    pub doors: Vec<SocketAddr>,
    /// What, in this order.
    pub requests: Vec<Request>,
    /// Begin again at the end of `requests`: only where a repetition costs the same.
    pub again: bool,
    /// Connections to each door, each with one request at a time.
    pub connections: usize,
    /// Nothing is sent after this time.
    pub longest: Duration,
    /// Requests due per second; `None` is the closed loop.
    pub rate: Option<u64>,
    /// Keep the bodies of the answers.
    pub keep: bool,
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Answers per second.
    pub per_second: f64,
    /// Requests that were due or sent.
    pub due: usize,
    /// Latencies in microseconds, in ascending order.
    pub micros: Vec<u32>,
    /// Answers that were not the wanted one, and connections that broke.
    pub bad: usize,
    /// The first of them.
    pub first_bad: Option<String>,
    /// The number of each request and the body of its answer, when they were to be kept.
    pub kept: Vec<(usize, String)>,
}

impl Figures {
    /// The latency that so many of 1000 answers did not exceed, in microseconds.
    pub fn at(&self, per_mille: usize) -> u32 {
        let index = (self.micros.len() * per_mille / 1000).min(self.micros.len().max(1) - 1);
        self.micros.get(index).copied().unwrap_or_default()
    }
}

/// Why a run could not begin.
pub type Failure = String;

/// Sends the requests until all are answered or the time is over.
///
/// # Errors
///
/// That nobody listens at a door.
pub fn run(run: Run) -> Result<Figures, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(drive(Arc::new(run)))
}

/// Sends one request and returns status and body of its answer.
///
/// # Errors
///
/// What is wrong with the connection or the answer.
pub fn ask(door: SocketAddr, bytes: &[u8]) -> Result<(u16, String), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let asked = runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut connection = Connection::open(door).await?;
        connection.ask(bytes).await.map(|answer| (answer.status, connection.body(answer).to_owned()))
    });
    asked.map_err(|error| format!("{door}: {error}"))
}

struct Shared {
    run: Arc<Run>,
    next: AtomicUsize,
    /// One permit for each request that is due.
    due: Semaphore,
    over: AtomicBool,
    started: OnceLock<Instant>,
}

async fn drive(run: Arc<Run>) -> Result<Figures, Failure> {
    let shared = Arc::new(Shared {
        run: run.clone(),
        next: AtomicUsize::new(0),
        due: Semaphore::new(0),
        over: AtomicBool::new(false),
        started: OnceLock::new(),
    });
    let ready = Arc::new(Barrier::new(run.connections + 1));
    let mut clients = Vec::new();
    for _ in 0..run.connections {
        let mut connections = Vec::new();
        for door in &run.doors {
            connections.push(Connection::open(*door).await.map_err(|error| format!("{door}: {error}"))?);
        }
        let (shared, ready) = (shared.clone(), ready.clone());
        clients.push(tokio::spawn(async move {
            ready.wait().await;
            client(&shared, connections).await
        }));
    }
    let started = *shared.started.get_or_init(Instant::now);
    let pacer = run.rate.map(|rate| {
        let shared = shared.clone();
        std::thread::spawn(move || pace(&shared, rate, started))
    });
    ready.wait().await;
    let mut all = Figures::default();
    for client in clients {
        let own = client.await.map_err(|error| format!("a client ended: {error}"))?;
        all.micros.extend(own.micros);
        all.bad += own.bad;
        all.first_bad = all.first_bad.or(own.first_bad);
        all.kept.extend(own.kept);
    }
    let took = started.elapsed();
    shared.over.store(true, Ordering::Relaxed);
    if let Some(pacer) = pacer {
        pacer.join().map_err(|_| "the pacer ended")?;
    }
    all.per_second = all.micros.len() as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    all.due = run.rate.map_or(all.micros.len(), |rate| planned(&run, rate));
    all.micros.sort_unstable();
    Ok(all)
}

/// How many requests an open loop has.
fn planned(run: &Run, rate: u64) -> usize {
    let due = (u128::from(rate) * run.longest.as_millis() / 1000) as usize;
    if run.again { due } else { due.min(run.requests.len()) }
}

/// Lets requests go when they are due. A thread, because a runtime's timers are too coarse.
fn pace(shared: &Shared, rate: u64, started: Instant) {
    let (all, mut given) = (planned(&shared.run, rate), 0);
    while given < all && !shared.over.load(Ordering::Relaxed) {
        let due = (started.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000) as usize;
        let due = (due + 1).min(all);
        shared.due.add_permits(due - given);
        given = due;
        // Until the next one is due, not for as long as lies between two: its wait would be part of every latency.
        let next = started + Duration::from_nanos(given as u64 * 1_000_000_000 / rate);
        std::thread::sleep(next.saturating_duration_since(Instant::now()).max(Duration::from_micros(50)));
    }
    // Whoever waits finds that there is no more.
    shared.due.add_permits(shared.run.connections);
}

async fn client(shared: &Shared, mut connections: Vec<Connection>) -> Figures {
    let run = &shared.run;
    let started = *shared.started.get().expect("it is set before anybody may begin");
    let mut own = Figures::default();
    loop {
        if run.rate.is_some() {
            shared.due.acquire().await.expect("it is never closed").forget();
        }
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let index = if run.again { number % run.requests.len().max(1) } else { number };
        let Some(request) = run.requests.get(index) else { break };
        let now = Instant::now();
        // What was due and could not be sent in time is missing in the answers per second; its latency would only grow.
        if now > started + run.longest || run.rate.is_some_and(|rate| number >= planned(run, rate)) {
            break;
        }
        let since = match run.rate {
            Some(rate) => started + Duration::from_nanos(number as u64 * 1_000_000_000 / rate),
            None => now,
        };
        let connection = &mut connections[request.door];
        let answered = connection.ask(&request.bytes).await;
        own.micros.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
        if let Some(wrong) = wrong(connection, request, &answered) {
            own.bad += 1;
            own.first_bad.get_or_insert(wrong);
        }
        match answered {
            Ok(answer) if run.keep => own.kept.push((number, connection.body(answer).to_owned())),
            Ok(_) => {}
            Err(_) => match Connection::open(connection.door).await {
                Ok(again) => *connection = again,
                Err(_) => break,
            },
        }
    }
    own
}

fn wrong(connection: &Connection, request: &Request, answered: &io::Result<Answer>) -> Option<String> {
    match answered {
        Err(error) => Some(format!("the connection: {error}")),
        Ok(answer) => {
            let body = connection.body(*answer);
            let right = answer.status == request.wanted.status && body.contains(request.wanted.body);
            (!right).then(|| format!("HTTP {} {body}", answer.status))
        }
    }
}

struct Connection {
    door: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where the body of an answer stands in the buffer.
#[derive(Debug, Clone, Copy)]
struct Answer {
    status: u16,
    from: usize,
    to: usize,
}

impl Connection {
    async fn open(door: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(door).await?;
        stream.set_nodelay(true)?;
        Ok(Self { door, stream, buffer: vec![0; 8192] })
    }

    async fn ask(&mut self, bytes: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(bytes).await?;
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize(length * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[length..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            length += read;
            match parsed(&self.buffer[..length])? {
                Some(answer) if answer.to <= length => return Ok(answer),
                Some(_) | None => {}
            }
        }
    }

    fn body(&self, answer: Answer) -> &str {
        std::str::from_utf8(&self.buffer[answer.from..answer.to]).unwrap_or("(not UTF-8)")
    }
}

/// The answer whose head is whole in `text`; its body may still be on the way.
fn parsed(text: &[u8]) -> io::Result<Option<Answer>> {
    let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "an answer without a status or a length");
    let head_text = std::str::from_utf8(&text[..head]).map_err(|_| bad())?;
    let status = head_text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
    let is_length = |name: &&str| name.eq_ignore_ascii_case("content-length");
    let mut headers = head_text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let length: usize =
        headers.find(|(name, _)| is_length(name)).and_then(|(_, text)| text.trim().parse().ok()).ok_or_else(bad)?;
    Ok(Some(Answer { status, from: head + 4, to: head + 4 + length }))
}
