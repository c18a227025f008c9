//! What a played platform keeps: its orders, and how it was told to answer. For platforms on which an order is made by one call and
//! named by one id of the merchant's.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::host::Reply;
use super::{Answering, Answerings, End, Taken, Telling, Way};
use crate::simulate::{Params, sign};

/// Members of a call that may differ between two arrivals of the same order: what proves who sent it, not what it says.
const NOT_CONTENT: [&str; 2] = ["signature", "session_key"];

/// An order that a merchant wants made, read and found in order.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The merchant's id of it.
    pub id: String,
    /// Which way its money goes.
    pub way: Way,
    /// The player.
    pub login: String,
    /// The rail as on the wire; may be empty.
    pub method: String,
    /// Minor units.
    pub amount: i64,
    /// Upper case.
    pub currency: String,
    /// The body of the call.
    pub params: Params,
}

/// What a platform says to a call that makes an order.
pub struct Answers<'a> {
    /// The order is taken, now or by an earlier arrival. Equal orders have equal answers, however they stand by now.
    pub taken: &'a dyn Fn(&Taken) -> Value,
    /// It definitely is not.
    pub refused: Reply,
    /// Its id belongs to an order with other content.
    pub conflict: Reply,
}

/// What became of an arrival.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// It made the order, or repeated the call that did.
    Taken(Taken),
    /// There is an order of this id with other content.
    OtherContent,
}

/// Orders, and how calls are answered.
#[derive(Debug)]
pub struct Shelf {
    inner: Mutex<Inner>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Inner {
    orders: Vec<Taken>,
    places: HashMap<String, usize>,
    questions: HashMap<String, usize>,
    answerings: Answerings,
    telling: Telling,
}

impl Default for Shelf {
    /// Empty, and everything is taken and told as it stands.
    fn default() -> Self {
        let inner = Inner {
            orders: Vec::new(),
            places: HashMap::new(),
            questions: HashMap::new(),
            answerings: Answerings::default(),
            telling: Telling::Truth,
        };
        Self { inner: Mutex::new(inner), count: watch::Sender::new(0) }
    }
}

impl Shelf {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while noting an order")
    }

    /// How calls that make an order are answered from now on.
    pub fn answer_with(&self, answering: Answering) {
        self.inner().answerings.set(answering);
    }

    /// How calls that make this order are answered from now on.
    pub fn answer_order_with(&self, id: &str, answering: Answering) {
        self.inner().answerings.set_of(id, answering);
    }

    /// How questions are answered from now on.
    pub fn tell_with(&self, telling: Telling) {
        self.inner().telling = telling;
    }

    /// Everything taken, oldest first.
    pub fn orders(&self) -> Vec<Taken> {
        self.inner().orders.clone()
    }

    /// The order with this id of the merchant's.
    pub fn order(&self, id: &str) -> Option<Taken> {
        let inner = self.inner();
        inner.places.get(id).map(|at| inner.orders[*at].clone())
    }

    /// The order with this id of the platform's.
    pub fn by_own_id(&self, own_id: &str) -> Option<Taken> {
        self.inner().orders.iter().find(|order| order.own_id == own_id).cloned()
    }

    /// Decides how an order stands. Nothing happens when there is none.
    pub fn set(&self, id: &str, end: End) {
        let mut inner = self.inner();
        if let Some(at) = inner.places.get(id).copied() {
            inner.orders[at].end = end;
        }
    }

    /// How often an order was asked about.
    pub fn asked_about(&self, id: &str) -> usize {
        self.inner().questions.get(id).copied().unwrap_or(0)
    }

    /// Notes a question about an order, known or not, and says how it is to be answered.
    pub fn question(&self, id: &str) -> Telling {
        let mut inner = self.inner();
        *inner.questions.entry(id.to_owned()).or_default() += 1;
        inner.telling
    }

    /// The order with this id, as soon as it is there; `None` when it does not come in time.
    pub async fn wait_for(&self, id: &str, patience: Duration) -> Option<Taken> {
        let mut count = self.count.subscribe();
        let arrived = async {
            loop {
                let found = self.order(id);
                if found.is_some() || count.changed().await.is_err() {
                    return found;
                }
            }
        };
        tokio::time::timeout(patience, arrived).await.ok().flatten()
    }

    /// Takes an order, or finds it taken. `own_id` makes the platform's id from the order's number, 1 for the first one.
    pub fn take(&self, draft: Draft, own_id: &dyn Fn(usize) -> String) -> Arrival {
        let mut inner = self.inner();
        if let Some(at) = inner.places.get(&draft.id).copied() {
            let known = &mut inner.orders[at];
            known.asked += 1;
            let is_same = known.way == draft.way && content(&known.params) == content(&draft.params);
            return if is_same { Arrival::Taken(known.clone()) } else { Arrival::OtherContent };
        }
        let Draft { id, way, login, method, amount, currency, params } = draft;
        let own_id = own_id(inner.orders.len() + 1);
        let taken = Taken { id, own_id, way, login, method, amount, currency, asked: 1, end: End::Pending, params };
        let at = inner.orders.len();
        inner.places.insert(taken.id.clone(), at);
        inner.orders.push(taken.clone());
        self.count.send_replace(inner.orders.len());
        Arrival::Taken(taken)
    }

    /// Answers a call that makes an order, as told: what is taken is on the shelf before anything is said.
    pub fn make(&self, draft: Draft, own_id: &dyn Fn(usize) -> String, answers: Answers<'_>) -> Reply {
        let answering = self.inner().answerings.of(&draft.id);
        let not_taken = match &answering {
            Answering::Refuse => Some(answers.refused),
            Answering::Vanish => Some(Reply::Hangup),
            Answering::Redirect(to) => Some(Reply::Redirect(to.clone())),
            Answering::Accept
            | Answering::Slow(_)
            | Answering::Hangup
            | Answering::Reset
            | Answering::Status(_)
            | Answering::Html
            | Answering::BrokenJson
            | Answering::Endless => None,
        };
        if let Some(reply) = not_taken {
            self.arrived_again(&draft.id);
            return reply;
        }
        match self.take(draft, own_id) {
            Arrival::Taken(order) => dressed(answering, (answers.taken)(&order)),
            Arrival::OtherContent => answers.conflict,
        }
    }

    /// An arrival counts for an order that is there, even when it is turned away.
    fn arrived_again(&self, id: &str) {
        let mut inner = self.inner();
        if let Some(at) = inner.places.get(id).copied() {
            inner.orders[at].asked += 1;
        }
    }
}

/// Why a question is not answered with how things stand; `None`: it is.
pub fn evasion(telling: Telling, not_found: Reply) -> Option<Reply> {
    match telling {
        Telling::Truth => None,
        Telling::NotFound => Some(not_found),
        Telling::Unavailable => Some(Reply::Raw(503, "text/plain", Vec::new())),
        Telling::TooMany => Some(Reply::Raw(429, "text/plain", Vec::new())),
        Telling::Hangup => Some(Reply::Hangup),
    }
}

/// What a call says, as text: a form and JSON that say the same are equal.
fn content(params: &Params) -> BTreeMap<&str, String> {
    let members = params.iter().filter(|(name, _)| !NOT_CONTENT.contains(&name.as_str()));
    members.map(|(name, value)| (name.as_str(), sign::text(value))).collect()
}

/// The answer to an order that is taken, well or badly given.
fn dressed(answering: Answering, good: Value) -> Reply {
    match answering {
        Answering::Accept | Answering::Refuse | Answering::Vanish | Answering::Redirect(_) => Reply::ok(good),
        Answering::Slow(pause) => Reply::Late(pause, Box::new(Reply::ok(good))),
        Answering::Hangup => Reply::Hangup,
        Answering::Reset => Reply::Reset,
        Answering::Status(status) => Reply::Raw(status, "text/plain", Vec::new()),
        Answering::Html => Reply::Raw(200, "text/html", b"<html><body>It works!</body></html>".to_vec()),
        Answering::BrokenJson => {
            let mut bytes = good.to_string().into_bytes();
            bytes.truncate(bytes.len() / 2);
            Reply::Raw(200, "application/json", bytes)
        }
        Answering::Endless => Reply::Endless,
    }
}
