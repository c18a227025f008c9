//! What stands between an instance and a server: passes bytes on, and can cut, swallow and refuse.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Failure;

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
    /// Listens on a free port for a server on `to`.
    pub async fn start(to: u16) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| format!("a proxy: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let (order, orders) = watch::channel(Order { mode: Mode::Open, cuts: 0 });
        let task = tokio::spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], to)), orders));
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

async fn accept(listener: TcpListener, to: SocketAddr, orders: watch::Receiver<Order>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        tokio::spawn(connect(client, to, orders.clone()));
    }
}

async fn connect(client: TcpStream, to: SocketAddr, mut orders: watch::Receiver<Order>) {
    let cuts = orders.borrow().cuts;
    if orders.borrow().mode == Mode::Refuse {
        let _best_effort = client.set_zero_linger();
        return;
    }
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
        let proxy = Proxy::start(echo().await).await.expect("a proxy");
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
        let mut refused = TcpStream::connect(to).await.expect("the system takes it");
        assert_eq!(says(&mut refused, 4).await, None);
        proxy.set(Mode::Open);
        let mut again = TcpStream::connect(to).await.expect("a connection");
        assert_eq!(says(&mut again, 5).await, Some(5));
    }
}
