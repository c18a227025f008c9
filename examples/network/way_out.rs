//! What stands between the service and the Cashier: it counts what left us, and does the fault of its row to every exchange.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use croupier::simulate::faults::Dice;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fault::Fault;
use crate::options::Failure;
use crate::wire::{self, Message};

/// A yes as the Cashier says it.
const YES: &str = r#"{"success":true,"code":0,"transaction_id":1,"order_id":"1"}"#;
/// A no as the Cashier says it.
const NO: &str = r#"{"success":false,"code":1001,"errors":"no"}"#;

/// Answers that say neither clearly yes nor clearly no, although their HTTP status is 200.
const UNCLEAR: [&str; 10] = [
    r#"{"success":true,"code":1}"#,
    r#"{"success":false,"code":0}"#,
    r#"{"success":"true","code":0}"#,
    r#"{"success":1,"code":0}"#,
    r#"{"success":true}"#,
    r#"{"code":0}"#,
    r#"[{"success":true,"code":0}]"#,
    r#"{"success":true,"code":0,"success":false}"#,
    r#"{"success":false,"code":"1001"}"#,
    "null",
];

/// What was seen of what left us.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections that were made to us.
    pub connections: u64,
    /// Whole requests by the order they are about, as they came.
    pub posts: BTreeMap<String, Vec<Vec<u8>>>,
    /// Connections to the place that redirections point to.
    pub followed: u64,
}

#[derive(Debug)]
struct Inner {
    fault: Fault,
    cashier: SocketAddr,
    trap: SocketAddr,
    patience: Duration,
    seen: Mutex<Seen>,
    dice: Dice,
}

/// One way to one Cashier. Stops when it is dropped.
#[derive(Debug)]
pub struct WayOut {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    opened: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl WayOut {
    /// A way to the Cashier at `cashier`. Of a row whose connections are refused nobody listens before [`WayOut::open`].
    pub async fn start(fault: Fault, cashier: SocketAddr, patience: Duration, dice: Dice) -> Result<Self, Failure> {
        let failed = |error: io::Error| format!("the way to the Cashier: {error}");
        let socket = bound().map_err(failed)?;
        let trap = bound().and_then(|socket| socket.listen(1024)).map_err(failed)?;
        let (address, trapped) = (socket.local_addr().map_err(failed)?, trap.local_addr().map_err(failed)?);
        let inner = Inner { fault, cashier, trap: trapped, patience, seen: Mutex::default(), dice };
        let (inner, opened) = (Arc::new(inner), watch::Sender::new(fault != Fault::Refuse));
        let mut open = opened.subscribe();
        let serving = inner.clone();
        let listening = tokio::spawn(async move {
            if open.wait_for(|open| *open).await.is_ok()
                && let Ok(listener) = socket.listen(1024)
            {
                accept(listener, serving).await;
            }
        });
        let tasks = vec![listening, tokio::spawn(catch(trap, inner.clone()))];
        Ok(Self { address, inner, opened, tasks })
    }

    /// From now on somebody listens.
    pub fn open(&self) {
        self.opened.send_replace(true);
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.inner.seen()
    }
}

impl Drop for WayOut {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A port that is taken and that nobody listens on yet: connections to it are refused.
fn bound() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(socket)
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut exchanges = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let inner = inner.clone();
                exchanges.spawn(async move {
                    // What fails here is what the row is about: the counts and the books say whether it did harm.
                    let _either_side_may_be_gone = inner.pass(stream).await;
                });
            },
            Some(_) = exchanges.join_next() => {}
        }
    }
}

/// Takes whoever follows a redirection, and would pass the request on.
async fn catch(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        inner.seen().followed += 1;
        if let Ok(message) = wire::read(&mut stream).await
            && let Ok(answer) = wire::exchange(inner.cashier, &message.bytes).await
        {
            let _the_peer_may_be_gone = stream.write_all(&answer.bytes).await;
        }
    }
}

impl Inner {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while counting")
    }

    /// One connection from us. A dice of its own, so that the order of the others changes nothing.
    async fn pass(&self, mut ours: TcpStream) -> io::Result<()> {
        let number = {
            let mut seen = self.seen();
            seen.connections += 1;
            seen.connections
        };
        let mut dice = self.dice.fork(number);
        if self.fault == Fault::ResetFirst {
            wire::reset(ours);
            return Ok(());
        }
        let request = wire::read(&mut ours).await?;
        let json = request.json().unwrap_or_default();
        let id = json["external_id"].as_str().unwrap_or("a request without an order").to_owned();
        self.seen().posts.entry(id).or_default().push(request.bytes.clone());
        if self.fault == Fault::ResetRequest {
            let mut theirs = wire::connect(self.cashier).await?;
            theirs.write_all(part(&request, &mut dice)).await?;
            wire::reset(theirs);
            wire::reset(ours);
            return Ok(());
        }
        // Where the Cashier need not have been asked for the answer that we get, it is asked every other time.
        let taken = match self.fault {
            Fault::Calm | Fault::Refuse | Fault::Duplicate | Fault::ResetAnswer | Fault::Truncated | Fault::Late => {
                true
            }
            other => other.is_of_callers() || dice.percent(50),
        };
        let answer = match taken {
            true => wire::exchange(self.cashier, &request.bytes).await?,
            false => Message { bytes: wire::answer(200, "", YES.as_bytes()), body: 0 },
        };
        if self.fault == Fault::Duplicate {
            wire::exchange(self.cashier, &request.bytes).await?;
        }
        self.answer(ours, &answer, &mut dice).await
    }

    /// Gives us the answer, or what is left of it.
    async fn answer(&self, mut ours: TcpStream, answer: &Message, dice: &mut Dice) -> io::Result<()> {
        match self.fault {
            Fault::Blackhole => wire::until_closed(&mut ours).await,
            Fault::Trickle => trickle(&mut ours, dice).await?,
            Fault::Late => {
                tokio::time::sleep(self.patience + Duration::from_millis(300)).await;
                ours.write_all(&answer.bytes).await?;
                wire::end(ours).await;
            }
            Fault::ResetAnswer => {
                ours.write_all(part(answer, dice)).await?;
                wire::reset(ours);
            }
            other => {
                let bytes = match other {
                    Fault::Truncated => part(answer, dice).to_vec(),
                    _ => self.strange(other, dice).unwrap_or_else(|| answer.bytes.clone()),
                };
                ours.write_all(&bytes).await?;
                wire::end(ours).await;
            }
        }
        Ok(())
    }

    /// The bytes of a fault that is an answer of its own.
    fn strange(&self, fault: Fault, dice: &mut Dice) -> Option<Vec<u8>> {
        let body = dice.pick(&[YES, NO, "", "<html>Bad Gateway</html>", r#"{"success":true,"code":"#]);
        Some(match fault {
            Fault::Garbage => (0..dice.between(1, 2_000)).map(|_| dice.roll().to_be_bytes()[0]).collect(),
            Fault::Html => wire::answer(200, "", b"<html><body>It works!</body></html>"),
            Fault::Redirect => {
                let location = format!("location: http://{}/api/payout/\r\n", self.trap);
                wire::answer(dice.pick(&[301, 302, 303, 307, 308]), &location, body.as_bytes())
            }
            Fault::ServerError => wire::answer(dice.pick(&[500, 502, 503, 504]), "", body.as_bytes()),
            Fault::TooMany => wire::answer(429, "retry-after: 0\r\n", body.as_bytes()),
            Fault::Huge => huge(dice),
            Fault::WrongLength => {
                let length = if dice.percent(50) { YES.len() + 20 } else { YES.len() - 20 };
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{YES}").into_bytes()
            }
            Fault::WrongFields => wire::answer(200, "", dice.pick(&UNCLEAR).as_bytes()),
            _ => return None,
        })
    }
}

/// The beginning of a message, without its end.
fn part<'a>(message: &'a Message, dice: &mut Dice) -> &'a [u8] {
    let last = i64::try_from(message.bytes.len()).unwrap_or(1) - 1;
    let length = usize::try_from(dice.between(0, last)).unwrap_or(0);
    &message.bytes[..length]
}

/// A yes with so much beside it that it is longer than 64 KB, with its length or in pieces.
fn huge(dice: &mut Dice) -> Vec<u8> {
    let body = format!(r#"{{"success":true,"code":0,"pad":"{}"}}"#, "x".repeat(70_000));
    if dice.percent(50) {
        return wire::answer(200, "", body.as_bytes());
    }
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes()
}

/// An answer that goes on until nobody listens: of the head, of the body or of the pieces of one.
async fn trickle(ours: &mut TcpStream, dice: &mut Dice) -> io::Result<()> {
    let (start, drop) = match dice.between(0, 2) {
        0 => ("HTTP/1.1 200 OK\r\nx-more: ", "y"),
        1 => ("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", " "),
        _ => ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n"),
    };
    ours.write_all(start.as_bytes()).await?;
    loop {
        ours.write_all(drop.as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
