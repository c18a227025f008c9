//! What stands between callers and the service: it does the fault of its row to most requests, and notes answers that contradict.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use croupier::simulate::faults::Dice;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fault::Fault;
use crate::options::Failure;
use crate::wire::{self, Message};

/// How many requests of 100 have the fault: some must pass, or nobody would ever be answered.
const HIT: u64 = 70;

#[derive(Debug)]
struct Inner {
    fault: Fault,
    service: SocketAddr,
    dice: Dice,
    /// Requests so far, and of these the ones that the fault befell.
    requests: AtomicU64,
    hit: AtomicU64,
    problems: Mutex<Vec<String>>,
    /// Requests that are held back, to arrive after others.
    held_back: watch::Sender<usize>,
}

/// One way to the service. Stops when it is dropped.
#[derive(Debug)]
pub struct WayIn {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

impl WayIn {
    pub async fn start(fault: Fault, service: SocketAddr, dice: Dice) -> Result<Self, Failure> {
        let failed = |error: io::Error| format!("the way to the service: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let inner = Arc::new(Inner {
            fault,
            service,
            dice,
            requests: AtomicU64::new(0),
            hit: AtomicU64::new(0),
            problems: Mutex::default(),
            held_back: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, inner.clone()));
        Ok(Self { address, inner, task })
    }

    /// How many requests the fault has befallen.
    pub fn hit(&self) -> u64 {
        self.inner.hit.load(Ordering::Relaxed)
    }

    /// Answers to copies of one request that contradict one another.
    pub fn problems(&self) -> Vec<String> {
        self.inner.problems.lock().expect("nobody panics while noting").clone()
    }

    /// Waits until what was held back has arrived.
    pub async fn delivered(&self) {
        let mut held_back = self.inner.held_back.subscribe();
        let _the_sender_is_here = held_back.wait_for(|count| *count == 0).await;
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut exchanges = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let inner = inner.clone();
                exchanges.spawn(async move {
                    // A caller that is not answered asks again.
                    let _either_side_may_be_gone = inner.pass(stream).await;
                });
            },
            Some(_) = exchanges.join_next() => {}
        }
    }
}

impl Inner {
    async fn pass(self: &Arc<Self>, mut caller: TcpStream) -> io::Result<()> {
        let mut dice = self.dice.fork(self.requests.fetch_add(1, Ordering::Relaxed));
        let request = wire::read(&mut caller).await?;
        if !self.fault.is_of_callers() || !dice.percent(HIT) {
            let answer = wire::exchange(self.service, &request.bytes).await?;
            return caller.write_all(&answer.bytes).await;
        }
        self.hit.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::CallersDuplicate => self.twice(caller, &request, &mut dice).await,
            Fault::CallersResetRequest => {
                let mut ours = wire::connect(self.service).await?;
                ours.write_all(part(&request, &mut dice)).await?;
                wire::reset(ours);
                wire::reset(caller);
                Ok(())
            }
            Fault::CallersTruncatedRequest => {
                let mut ours = wire::connect(self.service).await?;
                ours.write_all(part(&request, &mut dice)).await?;
                ours.shutdown().await?;
                let answer = wire::read(&mut ours).await?;
                caller.write_all(&answer.bytes).await
            }
            Fault::CallersResetAnswer | Fault::CallersTruncatedAnswer => {
                let answer = wire::exchange(self.service, &request.bytes).await?;
                caller.write_all(part(&answer, &mut dice)).await?;
                if self.fault == Fault::CallersResetAnswer {
                    wire::reset(caller);
                }
                Ok(())
            }
            Fault::CallersReordered => {
                self.later(request, &mut dice);
                Ok(())
            }
            Fault::CallersTrickle => {
                let mut ours = wire::connect(self.service).await?;
                slowly(&mut ours, &request.bytes, &mut dice).await?;
                let answer = wire::read(&mut ours).await?;
                slowly(&mut caller, &answer.bytes, &mut dice).await
            }
            _ => {
                let mut bytes: Vec<u8> = (0..dice.between(1, 64)).map(|_| dice.roll().to_be_bytes()[0]).collect();
                bytes.extend_from_slice(&request.bytes);
                let answer = wire::exchange(self.service, &bytes).await?;
                caller.write_all(&answer.bytes).await
            }
        }
    }

    /// The same bytes on two connections at once, or one after the other on one; both answers must be the same.
    async fn twice(&self, mut caller: TcpStream, request: &Message, dice: &mut Dice) -> io::Result<()> {
        let (first, second) = if dice.percent(50) {
            tokio::try_join!(
                wire::exchange(self.service, &request.bytes),
                wire::exchange(self.service, &request.bytes)
            )?
        } else {
            (wire::exchange(self.service, &request.bytes).await?, wire::exchange(self.service, &request.bytes).await?)
        };
        if (first.status(), first.body()) != (second.status(), second.body()) {
            let shown = [&first, &second].map(|one| String::from_utf8_lossy(one.body()).into_owned());
            let text = format!("two copies of one request were answered {} and {}", shown[0], shown[1]);
            self.problems.lock().expect("nobody panics while noting").push(text);
        }
        caller.write_all(&if dice.percent(50) { first } else { second }.bytes).await
    }

    /// Lets a request arrive after others. Nobody reads its answer.
    fn later(self: &Arc<Self>, request: Message, dice: &mut Dice) {
        let (inner, pause) = (self.clone(), Duration::from_millis(dice.between(5, 600).unsigned_abs()));
        inner.held_back.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            if let Err(error) = wire::exchange(inner.service, &request.bytes).await {
                let text = format!("a request that was held back was not answered: {error}");
                inner.problems.lock().expect("nobody panics while noting").push(text);
            }
            inner.held_back.send_modify(|count| *count -= 1);
        });
    }
}

/// The beginning of a message, without its end.
fn part<'a>(message: &'a Message, dice: &mut Dice) -> &'a [u8] {
    let last = i64::try_from(message.bytes.len()).unwrap_or(1) - 1;
    let length = usize::try_from(dice.between(0, last)).unwrap_or(0);
    &message.bytes[..length]
}

/// A few bytes at a time.
async fn slowly(to: &mut TcpStream, bytes: &[u8], dice: &mut Dice) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = usize::try_from(dice.between(1, 40)).unwrap_or(1).min(rest.len());
        to.write_all(&rest[..length]).await?;
        rest = &rest[length..];
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
