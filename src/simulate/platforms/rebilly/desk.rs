//! Where a call is carried out: who the merchant is, what is kept, how to answer, and what time it is.

use serde::Serialize;

use super::books::Books;
use super::problem::{Outcome, Problem};
use super::views::Place;
use super::{Account, Switches};
use crate::clock::{self, Micros};
use crate::simulate::platforms::host::Reply;
use crate::simulate::platforms::{Answering, Telling};

/// Seconds until the end of a rate limit that only questions about the status meet.
const SOON: i64 = 60;

/// One call's view of everything.
#[derive(Debug)]
pub struct Desk<'a> {
    pub account: &'a Account,
    pub base: &'a str,
    pub root: &'a str,
    pub books: &'a mut Books,
    pub switches: &'a Switches,
    pub at: Micros,
}

impl<'a> Desk<'a> {
    /// How resources are shown.
    pub fn place(&self) -> Place<'a> {
        Place { website: &self.account.website_id, base: self.base, root: self.root }
    }

    /// A call that makes the order `id`, whose content is right by now, answered as ordered: `take` notes the order and says what the manual
    /// says.
    pub fn answered(&mut self, id: &str, take: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let answering = self.switches.answerings.of(id);
        match answering.clone() {
            Answering::Refuse => return Err(Problem::field("amount", "is refused")),
            Answering::Vanish => return Ok(Reply::Hangup),
            Answering::Redirect(to) => return Ok(Reply::Redirect(to)),
            Answering::Accept
            | Answering::Slow(_)
            | Answering::Hangup
            | Answering::Reset
            | Answering::Status(_)
            | Answering::Html
            | Answering::BrokenJson
            | Answering::Endless => {}
        }
        let good = take(self)?;
        Ok(match answering {
            Answering::Accept | Answering::Refuse | Answering::Vanish | Answering::Redirect(_) => good,
            Answering::Slow(pause) => Reply::Late(pause, Box::new(good)),
            Answering::Hangup => Reply::Hangup,
            Answering::Reset => Reply::Reset,
            Answering::Status(status) => Reply::Raw(status, "text/plain", Vec::new()),
            Answering::Html => Reply::Raw(200, "text/html", b"<html><body>It works!</body></html>".to_vec()),
            Answering::BrokenJson => Reply::Raw(200, "application/json", br#"{"id":"pout_req_"#.to_vec()),
            Answering::Endless => Reply::Endless,
        })
    }

    /// Notes a question about an order, and gives the answer when it is not to be the truth.
    pub fn told(&mut self, id: &str) -> Option<Outcome> {
        let id = self.books.known_as(id);
        *self.books.questions.entry(id).or_default() += 1;
        self.evaded()
    }

    /// The answer to a question when it is not to be the truth.
    pub fn evaded(&self) -> Option<Outcome> {
        match self.switches.telling {
            Telling::Truth => None,
            Telling::NotFound => Some(Err(Problem::not_found())),
            Telling::Unavailable => Some(Err(Problem::unavailable())),
            Telling::TooMany => Some(Err(Problem::too_many(clock::wall_seconds() + SOON))),
            Telling::Hangup => Some(Ok(Reply::Hangup)),
        }
    }

    /// The same for a list.
    pub fn evaded_list(&self) -> Option<Outcome> {
        if self.switches.telling == Telling::NotFound { Some(Ok(empty_page())) } else { self.evaded() }
    }
}

/// What is not to be found in a list is not on its page.
fn empty_page() -> Reply {
    Reply::JsonText(200, vec![("pagination-total", "0".to_owned())], "[]".to_owned())
}

/// A resource with this status.
pub fn shown(status: u16, view: &impl Serialize) -> Reply {
    Reply::JsonText(status, Vec::new(), serde_json::to_string(view).expect("views are JSON"))
}

/// A new resource, and where it is.
pub fn created(location: String, view: &impl Serialize) -> Reply {
    let headers = vec![("location", location)];
    Reply::JsonText(201, headers, serde_json::to_string(view).expect("views are JSON"))
}

/// Done, and nothing to say.
pub fn nothing() -> Reply {
    Reply::JsonText(204, Vec::new(), String::new())
}
