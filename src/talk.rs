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
/// See [`Broken`]. `NotSent` only while no request that could make something has reached the provider.
pub async fn talk<T>(
    outgoing: &Outgoing,
    rules: &AddressRules,
    next: impl FnMut(&[Reply]) -> Result<Step<T>, Error>,
) -> Result<T, Broken> {
    go_on(outgoing, rules, Vec::new(), next).await
}

/// As [`talk`], behind the replies to what prepared it.
///
/// # Errors
///
/// As [`talk`].
pub async fn go_on<T>(
    outgoing: &Outgoing,
    rules: &AddressRules,
    mut replies: Vec<Reply>,
    mut next: impl FnMut(&[Reply]) -> Result<Step<T>, Error>,
) -> Result<T, Broken> {
    let mut made = false;
    while replies.len() < MOST_CALLS {
        let (call, makes) = match next(&replies).map_err(Broken::Driver)? {
            Step::Done(done) => return Ok(done),
            Step::Prepare(call) => (call, false),
            Step::Call(call) => (call, true),
        };
        match carry_out(outgoing, rules, *call).await {
            Ok(reply) => replies.push(reply),
            Err(SendError::NotSent(note)) if !made => return Err(Broken::NotSent(note)),
            // Whatever became of a request that makes nothing.
            Err(SendError::Unknown(note)) if !made && !makes => return Err(Broken::NotSent(note)),
            Err(SendError::NotSent(note) | SendError::Unknown(note)) => return Err(Broken::Unknown(note)),
        }
        made |= makes;
    }
    let endless = format!("no end after {MOST_CALLS} requests");
    Err(if made { Broken::Unknown(endless) } else { Broken::NotSent(endless) })
}

/// Where a talk stands when everything that prepares it is done.
#[derive(Debug)]
pub enum Ready<T> {
    /// This request would be the first that makes something; the replies before it.
    Call(Box<Call>, Vec<Reply>),
    /// It ended before.
    Done(T),
}

/// As [`talk`], but stops before the first request that makes something.
///
/// # Errors
///
/// See [`Broken`]; never `Unknown`, since nothing was sent that makes anything.
pub async fn prepare<T>(
    outgoing: &Outgoing,
    rules: &AddressRules,
    mut next: impl FnMut(&[Reply]) -> Result<Step<T>, Error>,
) -> Result<Ready<T>, Broken> {
    let mut replies = Vec::new();
    while replies.len() < MOST_CALLS {
        match next(&replies).map_err(Broken::Driver)? {
            Step::Done(done) => return Ok(Ready::Done(done)),
            Step::Call(call) => return Ok(Ready::Call(call, replies)),
            Step::Prepare(call) => {
                let reply = carry_out(outgoing, rules, *call).await;
                replies.push(reply.map_err(|error| Broken::NotSent(error.to_string()))?);
            }
        }
    }
    Err(Broken::NotSent(format!("not ready after {MOST_CALLS} requests")))
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use url::Url;

    use super::*;

    /// A peer that answers each connection with the next of these, and closes without a word where there is none.
    async fn peer(answers: Vec<Option<&'static str>>) -> Url {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _request = stream.read(&mut [0; 4096]).await;
                if let Some(body) = answer {
                    let head =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                }
            }
        });
        format!("http://{address}/").parse().unwrap()
    }

    /// One request that prepares, one that makes, and the end.
    fn two_steps(url: &Url) -> impl Fn(&[Reply]) -> Result<Step<usize>, Error> + use<> {
        let call = Call::json(Verb::Post, url.clone(), b"{}".to_vec());
        move |replies| {
            Ok(match replies {
                [] => Step::prepare(call.clone()),
                [_] => Step::call(call.clone()),
                [..] => Step::Done(replies.len()),
            })
        }
    }

    fn outgoing() -> Outgoing {
        Outgoing::with_timeouts(Duration::from_secs(5), Duration::from_secs(5)).unwrap()
    }

    #[tokio::test]
    async fn what_only_prepares_was_not_sent_and_what_makes_may_have_been() {
        let rules = AddressRules::default();
        let lost_before = two_steps(&peer(vec![None]).await);
        let lost_after = two_steps(&peer(vec![Some("{}"), None]).await);
        let whole = two_steps(&peer(vec![Some("{}"), Some("{}")]).await);

        assert!(matches!(talk(&outgoing(), &rules, lost_before).await, Err(Broken::NotSent(_))));
        assert!(matches!(talk(&outgoing(), &rules, lost_after).await, Err(Broken::Unknown(_))));
        assert_eq!(talk(&outgoing(), &rules, whole).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn preparing_stops_before_what_makes_and_going_on_starts_there() {
        let rules = AddressRules::default();
        let lost = two_steps(&peer(vec![None]).await);
        let url = peer(vec![Some("{}"), Some("{}")]).await;

        assert!(matches!(prepare(&outgoing(), &rules, lost).await, Err(Broken::NotSent(_))));
        let Ok(Ready::Call(_, replies)) = prepare(&outgoing(), &rules, two_steps(&url)).await else {
            panic!("it is ready")
        };
        assert_eq!(replies.len(), 1);
        assert_eq!(go_on(&outgoing(), &rules, replies, two_steps(&url)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_driver_that_prepares_for_ever_has_sent_nothing() {
        let url = peer(vec![Some("{}"); 2 * MOST_CALLS]).await;
        let call = Call::json(Verb::Post, url, b"{}".to_vec());
        let circle = |_: &[Reply]| Ok(Step::<()>::prepare(call.clone()));

        assert!(matches!(talk(&outgoing(), &AddressRules::default(), circle).await, Err(Broken::NotSent(_))));
        assert!(matches!(prepare(&outgoing(), &AddressRules::default(), circle).await, Err(Broken::NotSent(_))));
    }
}
