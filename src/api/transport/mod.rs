//! The server front: everything between a socket and a handler, with bounds on time, bytes and connections
//! (threats NET-1 to NET-8).
//!
//! The way of a request: `guard` holds it back until its head is complete and in order (`head`, `framing`), the HTTP library
//! parses it, `shield` calls the application and gives every error a body, a handler reads the body with [`read_body`].

mod answer;
mod body;
mod framing;
mod guard;
mod head;
mod request_id;
mod shield;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{ServiceFactoryExt, fn_factory_with_config, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App, FromRequest, Handler, HttpResponse, Resource, Responder, web};
use tokio::net::{TcpSocket, TcpStream};

pub use answer::{error_body, refused_total};
pub use body::{TransportError, read_body};
use guard::GuardedStream;
pub use head::Fault;

/// Which listener: it decides the form of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The Cashier and players: `{"code":500,"error_description":…}`.
    Public,
    /// Game server, staff, machines: `application/problem+json`.
    Private,
}

/// Bounds of one listener. The defaults are those of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first byte of a head, or from the connection for its first one, to the end of the head: then 408.
    pub head: Duration,
    /// From the same moment to the end of the body: then 408.
    pub request: Duration,
    /// How long a connection may be idle between requests. Too short, and senders pay for a new one each time.
    pub idle: Duration,
    /// How long a peer may take nothing of our answer before it is cut off.
    pub write_stall: Duration,
    /// How long is read after a refusal, so that the answer arrives before the connection is reset.
    pub linger: Duration,
    /// How long a stop waits for running requests, in whole seconds. Longer than `request`, and short enough for the rest of a stop
    /// to be done within 30 s.
    pub stop: Duration,
    /// The longest request line: then 414.
    pub max_line_bytes: usize,
    /// The longest head: then 431.
    pub max_head_bytes: usize,
    /// The longest body: then 413. Also the limit of the framework's own extractors.
    pub max_body_bytes: usize,
    /// Connections at once; more wait in the backlog.
    pub max_connections: usize,
    /// Threads that serve.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            request: Duration::from_secs(15),
            idle: Duration::from_secs(75),
            write_stall: Duration::from_secs(15),
            linger: Duration::from_secs(2),
            stop: Duration::from_secs(20),
            max_line_bytes: 8 * 1024,
            max_head_bytes: 32 * 1024,
            max_body_bytes: 65_536,
            max_connections: 8000,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// Connections that may wait for a worker.
const BACKLOG: u32 = 2048;

/// How much of an answer the system takes from us before the peer has, for each connection; the system doubles it. Left to itself it takes
/// megabytes from us for a peer that never reads, thousands of answers; smaller, and long answers to far peers are slow.
const SEND_BUFFER: u32 = 64 * 1024;

/// Binds a listener with a backlog for bursts. Runs inside a Tokio runtime.
///
/// # Errors
///
/// As the system says: in use, not ours, not allowed.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without it, a restart waits for the old connections to be forgotten.
    socket.set_reuseaddr(true)?;
    // Connections have it from their listener.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves an application on a listener; `configure` runs once in every worker. Await the returned server inside a Tokio
/// runtime; stop it with `server.handle().stop(true)`, which stops accepting, ends idle connections and waits up to
/// `limits.stop` for running requests. Signals are not its business.
///
/// Whatever `configure` does not route is 404, and an error answer without a body gets one.
///
/// # Errors
///
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    side: Side,
    limits: Limits,
    configure: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static,
) -> io::Result<Server> {
    let workers = limits.workers.clamp(1, 512).min(limits.max_connections.max(1));
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(limits.max_connections.div_ceil(workers))
        .shutdown_timeout(limits.stop.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let name = match side {
        Side::Public => "public",
        Side::Private => "private",
    };
    let builder = builder.listen(name, listener, move || {
        let (configure, stopping) = (configure.clone(), stopping.clone());
        let app = fn_factory_with_config(move |()| {
            let configure = configure.clone();
            let app = App::new().app_data(web::PayloadConfig::new(limits.max_body_bytes)).configure(configure);
            let factory = map_config(actix_service::IntoServiceFactory::into_factory(app), |()| AppConfig::default());
            async move {
                let inner = actix_service::ServiceFactory::new_service(&factory, ()).await?;
                Ok::<_, ()>(shield::Shield { inner, side })
            }
        });
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(limits.idle))
            // The guard does this for every head of a connection, not only for the first.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(limits.linger)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|io: &GuardedStream<TcpStream>, data| {
                data.insert(io.verdict());
            })
            .h1(app);
        fn_service(move |io: TcpStream| async move {
            // It only costs time when this fails.
            let _ = io.set_nodelay(true);
            let peer = io.peer_addr().ok();
            Ok((GuardedStream::new(io, limits), peer))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// A resource that takes POST only; anything else is 405 with `Allow`.
pub fn only_post<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let refuse = || async { HttpResponse::MethodNotAllowed().insert_header(("allow", "POST")).finish() };
    web::resource(path).route(web::post().to(handler)).default_service(web::to(refuse))
}
