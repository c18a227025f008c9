//! Carries out what a driver wants: request after request, until it says what came of it.

use crate::error::Error;
use crate::outgoing::{AddressRules, Method, Outgoing, Reply, SendError};
use crate::providers::{Call, Step, Verb};

/// More requests than any talk has; a driver that asks for more goes in a circle.
const MOST_CALLS: usize = 16;

/// Why a talk did not come to its end.
#[derive(Debug)]
pub enum Broken {
    /// A request cannot be written, or the driver refused a reply.
    Driver(Error),
    /// Nothing of the talk reached the provider.
    NotSent(String),
    /// Something of it may have.
    Unknown(String),
}

impl Broken {
    /// As an error of a call whose effect does not matter, or is looked after elsewhere.
    pub fn into_error(self) -> Error {
        match self {
            Broken::Driver(error) => error,
            Broken::NotSent(note) | Broken::Unknown(note) => Error::Provider(note),
        }
    }
}

/// Asks `next` for the next request with the replies so far, and carries it out. No transaction may be open.
///
/// # Errors
///
/// See [`Broken`]. `NotSent` only while no request before has reached the provider.
pub async fn talk<T>(
    outgoing: &Outgoing,
    rules: &AddressRules,
    mut next: impl FnMut(&[Reply]) -> Result<Step<T>, Error>,
) -> Result<T, Broken> {
    let mut replies = Vec::new();
    while replies.len() < MOST_CALLS {
        let call = match next(&replies).map_err(Broken::Driver)? {
            Step::Done(done) => return Ok(done),
            Step::Call(call) => call,
        };
        match carry_out(outgoing, rules, *call).await {
            Ok(reply) => replies.push(reply),
            Err(SendError::NotSent(note)) if replies.is_empty() => return Err(Broken::NotSent(note)),
            Err(SendError::NotSent(note) | SendError::Unknown(note)) => return Err(Broken::Unknown(note)),
        }
    }
    Err(Broken::Unknown(format!("no end after {MOST_CALLS} requests")))
}

async fn carry_out(outgoing: &Outgoing, rules: &AddressRules, call: Call) -> Result<Reply, SendError> {
    let method = match call.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
    };
    let content_type = call.content_type.map(|it| ("content-type", it));
    let own = call.headers.iter().map(|(name, value)| (*name, value.expose()));
    let headers: Vec<(&str, &str)> = content_type.into_iter().chain(own).collect();
    outgoing.send(method, &call.url, rules, &headers, call.body, call.patience).await
}
