//! HTTP: parse, call one use case, answer. The two route tables are here, each readable on one screen.

pub mod admin;
pub mod body;
mod callback;
mod carouseller;
mod events;
mod keys;
mod machines;
mod openapi;
mod page;
mod peer;
mod player;
pub mod problem;
mod quiet;
pub mod transport;
mod wallet;
mod webhook;

use std::future::Future;
use std::io;
use std::net::TcpListener;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{HttpRequest, web};

use crate::providers::RawRequest;
use crate::state::State;
use transport::{Limits, Side, only_post};

pub use events::MOST_POLLS;
pub use openapi::document;
pub use transport::bind;

/// What the Cashier and players reach.
fn public(config: &mut web::ServiceConfig) {
    config
        .service(only_post("/cashier/callback/carouseller", callback::carouseller))
        .service(only_post("/cashier/webhook/carouseller", webhook::carouseller))
        .service(only_post("/cashier/webhook/{provider}", webhook::provider))
        .service(only_post("/cashier/webhook/{provider}/{tail:.*}", webhook::provider_below))
        .configure(player::routes)
        .route("/healthz", web::get().to(machines::healthz))
        .route("/readyz", web::get().to(machines::readyz));
}

/// What the game server, staff and machines reach.
fn private(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(machines::healthz))
        .route("/readyz", web::get().to(machines::readyz))
        .route("/metrics", web::get().to(machines::metrics))
        .configure(openapi::routes)
        .service(events::route())
        .service(wallet::routes())
        .service(admin::scope())
        .default_service(web::to(|| async { problem::Problem::no_such_route() }));
}

/// Serves both listeners until `stop` completes, then lets requests under way finish.
///
/// # Errors
///
/// What the listeners say.
pub async fn serve(
    public_listener: TcpListener,
    private_listener: TcpListener,
    state: State,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = &state.settings.server;
    let limits =
        Limits { max_body_bytes: server.max_body_bytes, max_connections: server.max_connections, ..Limits::default() };
    let shared = web::Data::new(state);
    let data = shared.clone();
    let public_side = transport::serve(public_listener, Side::Public, limits, move |config| {
        config.app_data(data.clone());
        public(config);
    })?;
    let private_limits = Limits { workers: 2, ..limits };
    let private_side = transport::serve(private_listener, Side::Private, private_limits, move |config| {
        config.app_data(shared.clone());
        private(config);
    })?;
    let handles = [public_side.handle(), private_side.handle()];
    let stopping = async {
        stop.await;
        log::info!("stopping: no new connections, requests under way finish");
        futures_util::future::join_all(handles.iter().map(|handle| handle.stop(true))).await;
    };
    let (public_side, private_side, ()) = tokio::join!(public_side, private_side, stopping);
    public_side.and(private_side)
}

/// A message of a provider as it came, for its dialect to read. A `Content-Type` that is no text is none we read.
fn raw<'a>(request: &'a HttpRequest, body: &'a [u8], state: &State) -> RawRequest<'a> {
    let content_type = request.headers().get(CONTENT_TYPE);
    RawRequest {
        content_type: content_type.map(|value| value.to_str().unwrap_or("unreadable")),
        query: request.query_string(),
        body,
        peer: peer::address(request, &state.settings.server.trusted_proxies),
        path: request.uri().path(),
        tail: tail(request.uri().path()),
        authorization: request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
    }
}

/// What stands behind `/cashier/webhook/{provider}/`.
fn tail(path: &str) -> &str {
    path.splitn(5, '/').nth(4).unwrap_or("")
}

/// The bearer token of a request.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The part of the path that stands for `name` in the route, decoded once. It is taken from the address as it was sent: the router
/// puts a mark in the place of bytes that are no text, and two names would become one.
fn path_part(request: &HttpRequest, name: &'static str) -> Result<String, problem::Problem> {
    let route = request.match_pattern().unwrap_or_default();
    let at = route.split('/').position(|part| part.trim_matches(['{', '}']) == name);
    let part = at.and_then(|at| request.uri().path().split('/').nth(at)).unwrap_or("");
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = part.as_bytes();
    let is_broken = |at: usize| bytes[at] == b'%' && !(hex(bytes.get(at + 1)) && hex(bytes.get(at + 2)));
    if (0..bytes.len()).any(is_broken) {
        return Err(problem::Problem::field(name, "is not percent-encoded: a % needs two hexadecimal digits after it"));
    }
    let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| problem::Problem::field(name, "is not UTF-8"))
}
