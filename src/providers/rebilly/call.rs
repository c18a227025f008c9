//! Calls to Rebilly's API, and how a talk of several of them is told as one piece of code.

use chrono::DateTime;
use url::Url;

use super::account::Account;
use super::wire::Doc;
use crate::error::Error;
use crate::outgoing::Reply;
use crate::providers::{Call, Inquired, Step, Verb};
use crate::secret::Secret;

/// Requests of one talk. Whoever carries them out allows one more.
const MOST_CALLS: usize = 15;

/// What a limit without a moment means, and the longest one that is believed, in seconds (manual, "Rate limits": cap at 15 minutes).
const USUAL_WAIT: u64 = 60;
const LONGEST_WAIT: u64 = 900;
/// Below this, `X-RateLimit-Retry-After` is a number of seconds and no moment (manual, "Rate limits").
const EARLIEST_MOMENT: i64 = 1_000_000_000;

/// Why a talk does not go on from here.
pub(super) enum Stop<T> {
    /// This must be asked first.
    Call(Box<Call>),
    /// It is decided.
    Done(T),
    /// It cannot be written.
    Error(Error),
}

/// What a piece of a talk comes to.
pub(super) type Flow<R, T> = Result<R, Stop<T>>;

/// The replies so far. A talk is told from its beginning every time; the first question without a reply is the next request.
pub(super) struct Script<'r> {
    replies: std::slice::Iter<'r, Reply>,
    asked: usize,
}

impl<'r> Script<'r> {
    pub(super) fn new(replies: &'r [Reply]) -> Self {
        Self { replies: replies.iter(), asked: 0 }
    }

    /// The reply to this request.
    pub(super) fn say<T>(&mut self, call: Call) -> Flow<&'r Reply, T> {
        self.asked += 1;
        if self.asked > MOST_CALLS {
            return Err(Stop::Error(Error::Provider(format!("more than {MOST_CALLS} requests in one talk"))));
        }
        self.replies.next().ok_or_else(|| Stop::Call(Box::new(call)))
    }

    /// How many more requests there may be.
    pub(super) fn left(&self) -> usize {
        MOST_CALLS - self.asked
    }
}

/// What a talk wants next.
pub(super) fn step<T>(told: Flow<T, T>) -> Result<Step<T>, Error> {
    match told {
        Ok(done) | Err(Stop::Done(done)) => Ok(Step::Done(done)),
        Err(Stop::Call(call)) => Ok(Step::Call(call)),
        Err(Stop::Error(error)) => Err(error),
    }
}

impl Account {
    /// A request below the organization. Every part of the path is one part, whatever is in it.
    fn call(&self, verb: Verb, path: &[&str], query: &[(&str, &str)], body: Option<String>) -> Call {
        let mut url: Url = self.url.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(["organizations", &self.organization_id]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let call = match body {
            Some(body) => Call::json(verb, url, body.into_bytes()),
            None => Call { verb, ..Call::get(url) },
        };
        call.with("REB-APIKEY", Secret::new(self.api_key.expose()))
    }

    pub(super) fn get(&self, path: &[&str]) -> Call {
        self.call(Verb::Get, path, &[], None)
    }

    pub(super) fn list(&self, path: &[&str], query: &[(&str, &str)]) -> Call {
        self.call(Verb::Get, path, query, None)
    }

    pub(super) fn post(&self, path: &[&str], body: String) -> Call {
        self.call(Verb::Post, path, &[], Some(body))
    }

    pub(super) fn put(&self, path: &[&str], body: String) -> Call {
        self.call(Verb::Put, path, &[], Some(body))
    }

    pub(super) fn patch(&self, path: &[&str], body: String) -> Call {
        self.call(Verb::Patch, path, &[], Some(body))
    }
}

/// What Rebilly says is wrong (manual, "Errors"), for people: problem details of either content type, or an empty body.
pub(super) fn problem(reply: &Reply) -> String {
    let head = format!("HTTP status {}", reply.status);
    let Ok(doc) = Doc::read(&reply.body) else { return head };
    let Some(thing) = doc.thing() else { return head };
    let mut parts = vec![head];
    parts.extend(["title", "detail"].iter().filter_map(|name| thing.text(name)).map(str::to_owned));
    for wrong in thing.things("invalidFields").into_iter().take(5) {
        let field = wrong.text("field").unwrap_or("a field");
        parts.push(format!("{field}: {}", wrong.text("message").unwrap_or("invalid")));
    }
    super::wire::for_people(&parts.join(", "))
}

/// Whether a reply is Rebilly's own refusal: problem details that name its status (manual, "Errors").
pub(super) fn is_problem(reply: &Reply) -> bool {
    let named = |doc: Doc<'_>| doc.thing().and_then(|thing| thing.number("status")?.parse::<u16>().ok());
    Doc::read(&reply.body).ok().and_then(named) == Some(reply.status)
}

/// The reply to a question, as far as it is one: otherwise what the inquiry comes to.
pub(super) fn answered<'r>(script: &mut Script<'r>, call: Call) -> Flow<Option<&'r Reply>, Inquired> {
    let reply = script.say(call)?;
    match reply.status {
        200 => Ok(Some(reply)),
        404 => Ok(None),
        429 => Err(Stop::Done(Inquired::Later(wait(reply)))),
        _ => Err(Stop::Done(Inquired::Unclear(problem(reply)))),
    }
}

/// How long a limit lasts, in seconds. `X-RateLimit-Retry-After` is the moment of its end; the answer's own `Date` says what time it is,
/// for a driver has no clock.
pub(super) fn wait(reply: &Reply) -> u64 {
    let now = reply.header("date").and_then(http_date);
    let until = |moment: i64| now.map(|now| moment.saturating_sub(now));
    let stated = match reply.header("x-ratelimit-retry-after").and_then(|text| text.trim().parse::<i64>().ok()) {
        Some(moment) if moment >= EARLIEST_MOMENT => until(moment),
        Some(seconds) => Some(seconds),
        None => reply.header("retry-after").and_then(|text| match text.trim().parse::<i64>() {
            Ok(seconds) => Some(seconds),
            Err(_) => http_date(text).and_then(until),
        }),
    };
    let seconds = stated.map_or(USUAL_WAIT, |seconds| u64::try_from(seconds).unwrap_or(1));
    seconds.clamp(1, LONGEST_WAIT)
}

/// A moment as HTTP writes it, `Mon, 15 Apr 2024 13:25:00 GMT`, in Unix seconds.
fn http_date(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.timestamp())
}
