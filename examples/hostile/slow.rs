//! Slow clients: each holds a connection as long as the service lets it, then opens another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a client is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Says nothing at all.
    Silent,
    /// A head, a byte at a time, without an end.
    Head,
    /// A body, a byte at a time.
    Body,
    /// Asks for more and more, and never reads an answer.
    Deaf,
    /// One good request, and then nothing.
    Idle,
}

pub const KINDS: [Kind; 5] = [Kind::Silent, Kind::Head, Kind::Body, Kind::Deaf, Kind::Idle];

/// Between two bytes of a slow head or body.
const DRIP: Duration = Duration::from_secs(1);

const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: croupier\r\n\r\n";

/// What became of the connections of one kind.
#[derive(Debug, Default)]
pub struct Counts {
    pub open: AtomicU64,
    /// The most at once.
    pub most: AtomicU64,
    /// How often the service has closed one.
    pub closed: AtomicU64,
}

/// All slow clients.
pub struct Slow {
    stop: watch::Sender<bool>,
    clients: JoinSet<()>,
    counts: Arc<[Counts; KINDS.len()]>,
}

impl Slow {
    /// So many clients, in equal parts of every kind.
    pub fn start(count: usize, address: SocketAddr) -> Self {
        let (stop, stopping) = watch::channel(false);
        let counts: Arc<[Counts; KINDS.len()]> = Arc::default();
        let mut clients = JoinSet::new();
        for number in 0..count {
            let (mut stopping, counts) = (stopping.clone(), counts.clone());
            clients.spawn(async move {
                tokio::select! {
                    () = hold_for_ever(number % KINDS.len(), address, &counts) => {}
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
            });
        }
        Self { stop, clients, counts }
    }

    /// The kinds with: the most at once, and how often the service closed one.
    pub fn counts(&self) -> Vec<(Kind, u64, u64)> {
        let of = |(kind, counts): (Kind, &Counts)| {
            (kind, counts.most.load(Ordering::Relaxed), counts.closed.load(Ordering::Relaxed))
        };
        KINDS.into_iter().zip(self.counts.iter()).map(of).collect()
    }

    /// Lets go of everything.
    pub async fn end(mut self) {
        self.stop.send_replace(true);
        while self.clients.join_next().await.is_some() {}
    }
}

async fn hold_for_ever(kind: usize, address: SocketAddr, counts: &[Counts; KINDS.len()]) {
    let (kind, counts) = (KINDS[kind], &counts[kind]);
    loop {
        if let Ok(stream) = connect(kind, address).await {
            let open = counts.open.fetch_add(1, Ordering::Relaxed) + 1;
            counts.most.fetch_max(open, Ordering::Relaxed);
            let _gone = Gone(&counts.open);
            hold(kind, stream).await;
            counts.closed.fetch_add(1, Ordering::Relaxed);
        }
        // Not faster than the service can take connections, and never in a step with the others.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One less, also when the client is dropped.
struct Gone<'a>(&'a AtomicU64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connect(kind: Kind, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if kind == Kind::Deaf {
        // What it does not read must not lie in its own buffers.
        socket.set_recv_buffer_size(4096)?;
    }
    socket.connect(address).await
}

/// Holds a connection until the service ends it.
async fn hold(kind: Kind, mut stream: TcpStream) {
    const HEAD: &[u8] = b"POST /cashier/callback/carouseller HTTP/1.1\r\nhost: croupier\r\nx-slow: ";
    const BODY: &[u8] = b"POST /cashier/callback/carouseller HTTP/1.1\r\nhost: croupier\r\n\
        content-type: application/json\r\ncontent-length: 5000\r\n\r\n{";
    let begun = match kind {
        Kind::Silent => Ok(()),
        Kind::Head => stream.write_all(HEAD).await,
        Kind::Body => stream.write_all(BODY).await,
        Kind::Deaf => return never_read(stream).await,
        Kind::Idle => stream.write_all(ASK).await,
    };
    if begun.is_err() {
        return;
    }
    let drips = matches!(kind, Kind::Head | Kind::Body);
    let mut answer = [0; 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => if !read.is_ok_and(|count| count > 0) { return },
            () = tokio::time::sleep(DRIP), if drips => if stream.write_all(b" ").await.is_err() { return },
        }
    }
}

/// Asks until nothing more is taken, and goes on trying until the connection is gone.
async fn never_read(mut stream: TcpStream) {
    let many = ASK.repeat(64);
    while stream.write_all(&many).await.is_ok() {}
}
