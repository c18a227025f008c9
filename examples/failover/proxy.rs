//! What stands between an instance and a server: passes bytes on, and can cut, swallow and refuse.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::options::Failure;

/// What it does with bytes and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Open,
    /// Takes connections and bytes, and passes nothing on.
    Blackhole,
    /// Takes no new connection.
    Refuse,
}

/// The mode, and a count: whenever it grows, all connections there are end.
#[derive(Debug, Clone, Copy)]
struct Order {
    mode: Mode,
    cuts: u64,
}

/// One way to one server.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    order: watch::Sender<Order>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Listens on `port` for a server on `to`, as long as that is up: where nobody listens a connection is refused, and libpq tries
    /// the next host. It does not when one is taken and then closed.
    pub async fn start(port: u16, to: u16, up: watch::Receiver<bool>) -> Result<Self, Failure> {
        let listener = listen(port).await.map_err(|error| format!("a proxy on {port}: {error}"))?;
        let (order, orders) = watch::channel(Order { mode: Mode::Open, cuts: 0 });
        let task = tokio::spawn(serve(listener, port, SocketAddr::from(([127, 0, 0, 1], to)), orders, up));
        Ok(Self { port, order, task })
    }

    pub fn set(&self, mode: Mode) {
        self.order.send_modify(|order| order.mode = mode);
    }

    /// Ends all connections there are.
    pub fn cut(&self) {
        self.order.send_modify(|order| order.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

/// Takes connections while it may; otherwise nobody listens.
async fn serve(
    first: TcpListener,
    port: u16,
    to: SocketAddr,
    mut orders: watch::Receiver<Order>,
    mut up: watch::Receiver<bool>,
) {
    let mut listener = Some(first);
    loop {
        let open = *up.borrow_and_update() && orders.borrow_and_update().mode != Mode::Refuse;
        match (&listener, open) {
            (Some(_), false) => listener = None,
            (None, true) => listener = listen(port).await.ok(),
            (Some(_), true) | (None, false) => {}
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None if open => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err(std::io::ErrorKind::AddrInUse.into())
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => if let Ok((client, _)) = accepted {
                tokio::spawn(connect(client, to, orders.clone()));
            },
            changed = orders.changed() => if changed.is_err() { return },
            changed = up.changed() => if changed.is_err() { return },
        }
    }
}

async fn connect(client: TcpStream, to: SocketAddr, mut orders: watch::Receiver<Order>) {
    let cuts = orders.borrow().cuts;
    if orders.wait_for(|order| order.mode != Mode::Blackhole || order.cuts > cuts).await.is_err() {
        return;
    }
    let Ok(Ok(server)) = tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(to)).await else { return };
    let _slower_without = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass(from_client, to_server, orders.clone(), cuts) => {}
        () = pass(from_server, to_client, orders.clone(), cuts) => {}
    }
}

/// Passes bytes on until one side ends or the connection is cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut orders: watch::Receiver<Order>, cuts: u64) {
    let mut cut = orders.clone();
    let passing = async {
        let mut bytes = vec![0; 16_384];
        loop {
            let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
            if orders.wait_for(|order| order.mode != Mode::Blackhole).await.is_err() {
                return;
            }
            if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = passing => {}
        _ = cut.wait_for(|order| order.cuts > cuts) => {
            // A peer that is cut off learns it from a reset, as when a machine is gone.
            let _best_effort = from.as_ref().set_zero_linger();
        }
    }
}

#[cfg(test)]
mod tests {
    use croupier::simulate::faults::Dice;

    use super::*;

    /// A server that says everything twice.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() && stream.write_all(&byte).await.is_ok() {}
                });
            }
        });
        port
    }

    async fn says(stream: &mut TcpStream, byte: u8) -> Option<u8> {
        let mut answer = [0];
        stream.write_all(&[byte]).await.ok()?;
        let read = tokio::time::timeout(Duration::from_millis(300), stream.read_exact(&mut answer)).await;
        read.ok()?.ok().map(|_| answer[0])
    }

    #[tokio::test]
    async fn a_proxy_passes_on_swallows_cuts_and_refuses() {
        let (up, is_up) = watch::channel(true);
        let port =
            crate::process::free_ports(&mut Dice::new(u64::from(std::process::id())), 1).expect("a free port")[0];
        let proxy = Proxy::start(port, echo().await, is_up).await.expect("a proxy");
        let to = ("127.0.0.1", proxy.port);
        let mut line = TcpStream::connect(to).await.expect("a connection");

        assert_eq!(says(&mut line, 1).await, Some(1));
        proxy.set(Mode::Blackhole);
        assert_eq!(says(&mut line, 2).await, None);
        proxy.set(Mode::Open);
        let mut late = [0];
        line.read_exact(&mut late).await.expect("what was swallowed arrives late");
        assert_eq!(late, [2]);
        proxy.cut();
        assert_eq!(says(&mut line, 3).await, None);
        proxy.set(Mode::Refuse);
        is_refused(to, true).await;
        proxy.set(Mode::Open);
        is_refused(to, false).await;
        up.send_replace(false);
        is_refused(to, true).await;
        up.send_replace(true);
        is_refused(to, false).await;
        let mut again = TcpStream::connect(to).await.expect("a connection");
        assert_eq!(says(&mut again, 5).await, Some(5));
    }

    /// It becomes so at once, but in another task.
    async fn is_refused(to: (&str, u16), wanted: bool) {
        let is_so = async {
            while TcpStream::connect(to).await.is_err() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), is_so).await.expect("it opens and closes");
    }
}
