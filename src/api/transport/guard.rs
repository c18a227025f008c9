//! The stream between the socket and the HTTP library: it holds a request back until its head is complete and in order,
//! and gives up on what is slow, endless or broken.
//!
//! A refused request is replaced by a tiny request of our own ([`REFUSED`]) and the end of the stream. So the refusal is
//! answered like everything else: by us, with a body, and after the answers to the requests before it.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Limits;
use super::framing::Follower;
use super::head::Fault;

/// What the HTTP library reads in place of a refused head.
pub(super) const REFUSED: &[u8] = b"GET /_refused HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n";

/// The path of [`REFUSED`]. Only a request on a connection whose [`Verdict`] is set is answered as one.
pub(super) const REFUSED_PATH: &str = "/_refused";

/// What was refused on a connection, for the handlers of its requests.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The head that [`REFUSED`] stands for.
    pub(super) head: Cell<Option<Fault>>,
    /// The body that ended too early.
    pub(super) body: Cell<Option<Fault>>,
}

/// How much is read, and for how long, after a refusal: closing with unread bytes would destroy the answer on its way.
const LINGER_BYTES: usize = 256 * 1024;

/// How many requests may follow one another without an answer having left. More, and a peer that never reads makes us keep answers for it;
/// fewer, and those who send several requests at once wait longer. Nobody who speaks to us sends more than one.
const MOST_AHEAD: u64 = 16;

/// A guarded connection.
pub(super) struct GuardedStream<T> {
    io: T,
    limits: Limits,
    follower: Follower,
    verdict: Rc<Verdict>,
    /// Bytes not yet handed on: `good` of them may be, the rest is an incomplete head.
    held: Vec<u8>,
    good: usize,
    /// Nothing more is read from the peer.
    ended: bool,
    /// When the request that is arriving began; `None` while none is.
    began: Option<Instant>,
    /// Requests that had arrived when that was noted.
    finished: u64,
    timer: Timer,
    write_timer: Timer,
    /// Since when the peer has taken nothing of our answer.
    stalled: Option<Instant>,
    /// Requests that had arrived when something of an answer left last.
    answered: u64,
    /// Who is to be woken when an answer leaves: nothing is read meanwhile.
    paused: Option<Waker>,
    lingered: usize,
    closing: Option<Instant>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> GuardedStream<T> {
    pub(super) fn new(io: T, limits: Limits) -> Self {
        Self {
            io,
            limits,
            follower: Follower::new(limits.max_line_bytes, limits.max_head_bytes, limits.max_body_bytes),
            verdict: Rc::default(),
            held: Vec::new(),
            good: 0,
            ended: false,
            // The first head is awaited from the beginning; later ones from their first byte, idle time is the library's.
            began: Some(Instant::now()),
            finished: 0,
            timer: Timer::default(),
            write_timer: Timer::default(),
            stalled: None,
            answered: 0,
            paused: None,
            lingered: 0,
            closing: None,
        }
    }

    pub(super) fn verdict(&self) -> Rc<Verdict> {
        Rc::clone(&self.verdict)
    }

    /// Refuses what comes next. In a body the handler sees its end and looks at the verdict.
    fn refuse(&mut self, fault: Fault) {
        self.ended = true;
        if self.follower.is_in_body() {
            self.verdict.body.set(Some(fault));
            self.held.truncate(self.good);
        } else {
            self.verdict.head.set(Some(fault));
            self.held.truncate(self.good);
            self.held.extend_from_slice(REFUSED);
            self.good = self.held.len();
        }
    }

    /// Notes when the incomplete request began, and forgets it when none is arriving.
    fn keep_time(&mut self) {
        let finished = self.follower.finished();
        if finished != self.finished {
            // What is arriving now came with the end of another request.
            (self.finished, self.began) = (finished, None);
        }
        let arriving = self.follower.is_in_body() || self.held.len() > self.good;
        if arriving && self.began.is_none() {
            self.began = Some(Instant::now());
        }
    }

    /// Whether the peer asks for more than it takes. The library keeps every answer until it has left, so nothing more is read then; the
    /// peer's time does not run while it waits for us.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stalled.is_none() && self.follower.finished() <= self.answered + MOST_AHEAD {
            return Poll::Ready(());
        }
        self.paused = Some(cx.waker().clone());
        self.began = self.began.map(|_| Instant::now());
        Poll::Pending
    }

    /// Something of an answer has left: reading may go on.
    fn note_written(&mut self) {
        (self.stalled, self.answered) = (None, self.follower.finished());
        if let Some(paused) = self.paused.take() {
            paused.wake();
        }
    }

    /// Nothing to read: is it high time? `Ready` when something was decided.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(began) = self.began else { return Poll::Pending };
        let in_body = self.follower.is_in_body();
        let deadline = began + if in_body { self.limits.request } else { self.limits.head };
        ready!(self.timer.poll(deadline, cx));
        self.refuse(Fault::Timeout);
        Poll::Ready(())
    }

    /// Reads straight into the reader's buffer; what may not be handed on yet is taken out again.
    fn poll_direct(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let new = &buf.filled()[before..];
        if new.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        let step = self.follower.take(new);
        self.held.extend_from_slice(&new[step.good..]);
        buf.set_filled(before + step.good);
        self.judge(step.fault);
        Poll::Ready(Ok(()))
    }

    /// Reads more of a head that did not come in one piece.
    fn poll_rest_of_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; 4096];
        let mut more = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut more))?;
        if more.filled().is_empty() {
            self.ended = true;
            self.held.clear();
            return Poll::Ready(Ok(()));
        }
        self.held.extend_from_slice(more.filled());
        let step = self.follower.take(&self.held);
        self.good = step.good;
        self.judge(step.fault);
        Poll::Ready(Ok(()))
    }

    fn judge(&mut self, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.refuse(fault),
            None => self.keep_time(),
        }
    }

    /// Hands on what was held back; says whether there was anything.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let length = self.good.min(buf.remaining());
        buf.put_slice(&self.held[..length]);
        self.held.drain(..length);
        self.good -= length;
        length > 0
    }

    /// After a refusal: reads what is still coming, until the peer closes or the linger limits are reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = *self.closing.get_or_insert_with(|| Instant::now() + self.limits.linger);
        let mut room = [0; 4096];
        while self.lingered < LINGER_BYTES && self.timer.poll(deadline, cx).is_pending() {
            let mut more = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut more)) {
                Ok(()) if !more.filled().is_empty() => self.lingered += more.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for GuardedStream<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.hand_on(buf) || buf.filled().len() > before || this.ended {
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_ahead(cx));
            let read = if this.held.is_empty() { this.poll_direct(cx, buf) } else { this.poll_rest_of_head(cx) };
            match read {
                Poll::Ready(result) => result?,
                Poll::Pending => ready!(this.poll_late(cx)),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedStream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(result) = Pin::new(&mut this.io).poll_write(cx, buf) {
            this.note_written();
            return Poll::Ready(result);
        }
        let since = *this.stalled.get_or_insert_with(Instant::now);
        ready!(this.write_timer.poll(since + this.limits.write_stall, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not take our answer")))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        }
        if this.verdict.head.get().is_some() || this.verdict.body.get().is_some() {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

/// A timer that costs nothing until it is needed.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}
