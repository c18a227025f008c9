//! Requests to providers: one guarded client that never calls a forbidden address, never waits for ever, never follows,
//! never repeats, and always knows whether the request may have been received.

pub mod address;
pub mod page;
mod resolver;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect;
use url::Url;

pub use address::AddressRules;
pub use reqwest::Method;
use resolver::GuardedResolver;

/// The longest answer that is read, in bytes. A real one has a few hundred.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Name lookup, connection and TLS together. Longer, and a dead provider holds up its queue; shorter, and a far one never answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One request from the name lookup to the last byte of the answer (threats OUT-7).
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a provider answered, whatever it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most [`MAX_ANSWER_BYTES`]: the whole of it, unless [`Outgoing::tell`] got it.
    pub body: Vec<u8>,
    /// The headers.
    pub headers: HeaderMap,
}

impl Reply {
    /// A reply without headers, for tests of what reads replies.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), headers: HeaderMap::new() }
    }

    /// The first header with this name, when it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no reply. The texts are for people and hold no part of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No byte of the request left us: sending again is safe.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have been received. Never take this as a refusal, never send again because of it.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// What an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    Status,
    WholeBody,
}

/// The client for all providers. Cheap to clone.
///
/// Every request has a connection of its own: a kept one may be dead already, and then nobody knows whether the
/// request was read.
#[derive(Clone)]
pub struct Outgoing {
    connect: Duration,
    total: Duration,
    /// One inner client for each set of rules: its resolver knows them. There are as many as sites at most.
    clients: Arc<Mutex<HashMap<AddressRules, reqwest::Client>>>,
}

impl Outgoing {
    /// A client with the timeouts of production.
    ///
    /// # Errors
    ///
    /// The reason why no TLS client can be made, as when the machine has no root certificates.
    pub fn new() -> Result<Self, String> {
        Self::with_timeouts(CONNECT_TIMEOUT, TOTAL_TIMEOUT)
    }

    /// A client with other timeouts, for tests.
    ///
    /// # Errors
    ///
    /// As [`Outgoing::new`].
    pub fn with_timeouts(connect: Duration, total: Duration) -> Result<Self, String> {
        // A second installation fails, and that is fine: the first one was this too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let outgoing = Self { connect, total, clients: Arc::default() };
        outgoing.client(&AddressRules::default())?;
        Ok(outgoing)
    }

    /// Sends one request and reads the whole answer, whatever its status, within `patience`.
    ///
    /// # Errors
    ///
    /// `NotSent` when it is certain that no byte of the request was written: forbidden address, name not found, connection
    /// refused or not made in time, TLS failure. `Unknown` for everything else: timeout, reset, answer too long.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        allowed: &AddressRules,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Reply, SendError> {
        let headers = header_map(headers).map_err(SendError::NotSent)?;
        let write = |client: &reqwest::Client| {
            let request = client.request(method, url.clone()).headers(headers);
            if body.is_empty() { request } else { request.body(body) }
        };
        // The shorter of the two: tests have their own.
        let patience = if self.total == TOTAL_TIMEOUT { patience } else { self.total.min(patience) };
        self.exchange(url, allowed, Needed::WholeBody, patience, write).await
    }

    /// Sends one POST with all headers given, of whose answer only the status matters: the body is read as far as it comes and fits.
    ///
    /// # Errors
    ///
    /// As [`Outgoing::post`], but once the status is there nothing is an error; `NotSent` when a header cannot be written.
    pub async fn tell(
        &self,
        url: &Url,
        allowed: &AddressRules,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, SendError> {
        let headers = header_map(headers).map_err(SendError::NotSent)?;
        let write = |client: &reqwest::Client| client.post(url.clone()).headers(headers).body(body);
        self.exchange(url, allowed, Needed::Status, self.total, write).await
    }

    async fn exchange(
        &self,
        url: &Url,
        allowed: &AddressRules,
        needed: Needed,
        patience: Duration,
        write: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Reply, SendError> {
        // Literal addresses never reach the resolver, so they are checked here, at every call.
        allowed.check_url(url).map_err(|reason| SendError::NotSent(format!("the address {reason}")))?;
        let client = self.client(allowed).map_err(SendError::NotSent)?;
        let mut reply = None;
        let exchange = async {
            let mut response = write(&client).send().await.map_err(classify)?;
            let is_long = response.content_length().is_some_and(|announced| announced > MAX_ANSWER_BYTES as u64);
            if is_long && needed == Needed::WholeBody {
                return Err(too_long());
            }
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let reply = reply.insert(Reply { status, body: Vec::new(), headers });
            read(&mut response, &mut reply.body).await
        };
        let late = || SendError::Unknown(format!("no complete answer within {patience:?}"));
        let ended = tokio::time::timeout(patience, exchange).await.unwrap_or_else(|_| Err(late()));
        match reply {
            Some(reply) if ended.is_ok() || needed == Needed::Status => Ok(reply),
            Some(_) | None => Err(ended.err().unwrap_or_else(late)),
        }
    }

    fn client(&self, rules: &AddressRules) -> Result<reqwest::Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(rules) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .user_agent("croupier")
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(self.connect)
            .dns_resolver(Arc::new(GuardedResolver(rules.clone())))
            .build()
            .map_err(|error| format!("no TLS client: {}", chain(&error)))?;
        clients.insert(rules.clone(), client.clone());
        Ok(client)
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("connect", &self.connect).field("total", &self.total).finish_non_exhaustive()
    }
}

fn header_map(headers: &[(&str, &str)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    for (name, value) in headers {
        let bad = |_| format!("the header {name} cannot be written");
        let value = HeaderValue::from_str(value).map_err(|_| bad(()))?;
        map.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?, value);
    }
    Ok(map)
}

/// Only a failure to connect is certain: once there is a connection, bytes may be on their way.
fn classify(error: reqwest::Error) -> SendError {
    let connecting = error.is_connect() || error.is_builder();
    let text = chain(&error.without_url());
    if connecting { SendError::NotSent(text) } else { SendError::Unknown(text) }
}

fn too_long() -> SendError {
    SendError::Unknown(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"))
}

/// Reads a body up to its limit; what was read stays in `body` whatever happens.
async fn read(response: &mut reqwest::Response, body: &mut Vec<u8>) -> Result<(), SendError> {
    let broken = |error: reqwest::Error| SendError::Unknown(chain(&error.without_url()));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Err(too_long());
        }
    }
    Ok(())
}

/// An error with everything below it: the outer text alone says nothing ("error sending request").
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}
