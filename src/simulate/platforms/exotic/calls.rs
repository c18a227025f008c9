//! The merchant's calls: creates, questions about the status, cancellations (protocol, sections 3, 5, 6 and 8).
//!
//! Paths are taken exactly as printed: `create_pay_in` has no slash at its end, the others have. The manual gives neither HTTP codes nor
//! the shape of errors. Here: 404 unknown path, merchant or order, 405 wrong method, 415 another content type than JSON (documented for
//! every call, GET too), 400 an unreadable body, 401 a wrong key, 403 a wrong signature, and [`Account::refusal_status`] for an order that
//! is refused.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::host::{Incoming, Reply};
use super::super::{Answering, End, Params, Telling, Way};
use super::account::{Account, ErrorForm, StatusBy};
use super::order::Order;
use super::request::{self, Body, Failure};
use super::state::{Refusal, State, Table};
use crate::clock;

/// One of the merchant's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call<'a> {
    Create(Way),
    Status(Way, &'a str),
    Reject(Way),
}

impl Call<'_> {
    fn method(self) -> &'static str {
        match self {
            Call::Create(_) | Call::Reject(_) => "POST",
            Call::Status(..) => "GET",
        }
    }
}

/// What is behind `/api/merchant/{merchant}/`.
fn route(path: &str) -> Option<Call<'_>> {
    let one = |rest: &'static str| {
        path.strip_prefix(rest)?.strip_suffix('/').filter(|id| !id.is_empty() && !id.contains('/'))
    };
    match path {
        "create_pay_in" => Some(Call::Create(Way::Deposit)),
        "create_pay_out/" => Some(Call::Create(Way::Payout)),
        "rejected_pay_in/" => Some(Call::Reject(Way::Deposit)),
        "rejected_pay_out/" => Some(Call::Reject(Way::Payout)),
        _ => {
            let payout = one("status_pay_out/").map(|id| Call::Status(Way::Payout, id));
            payout.or_else(|| one("status_pay_in/").map(|id| Call::Status(Way::Deposit, id)))
        }
    }
}

/// Answers a request.
pub fn answer(state: &State, incoming: &Incoming) -> Reply {
    served(state, incoming).unwrap_or_else(|failure| failed(state.account.error_form, &failure))
}

fn served(state: &State, incoming: &Incoming) -> Result<Reply, Failure> {
    let prefix = format!("/api/merchant/{}/", state.account.merchant);
    let call = incoming.path.strip_prefix(&prefix).and_then(route).ok_or_else(|| Failure::new(404, "not found"))?;
    if incoming.method != call.method() {
        return Err(Failure::new(405, "method not allowed"));
    }
    let content_type = incoming.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if content_type != "application/json" {
        return Err(Failure::new(415, "Content-Type must be application/json"));
    }
    match call {
        Call::Create(way) => create(state, way, object(&incoming.body)?),
        Call::Status(way, id) => status(state, way, id, incoming.header("x-api-key")),
        Call::Reject(way) => reject(state, way, &object(&incoming.body)?),
    }
}

fn object(body: &[u8]) -> Result<Params, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::new(400, "the body is not a JSON object"))
}

fn failed(form: ErrorForm, failure: &Failure) -> Reply {
    let text = &failure.text;
    let body = match form {
        ErrorForm::Error => json!({"ok": false, "error": text}),
        ErrorForm::Message => json!({"ok": false, "message": text}),
        ErrorForm::Detail => json!({"detail": text}),
        ErrorForm::List => json!({"ok": false, "errors": [text]}),
        ErrorForm::Text => json!(text),
    };
    Reply::Json(failure.status, Vec::new(), body)
}

/// What becomes of a create that is in order.
enum Outcome {
    Accepted(Value),
    Duplicate,
}

/// Takes an order, then answers as it was told to. A repeated `order_id` is refused whatever it says, as the manual is silent and
/// nobody may count on a repetition that is answered; it is counted, and it never makes a second order.
fn create(state: &State, way: Way, params: Params) -> Result<Reply, Failure> {
    let account = &state.account;
    let asked = request::read(account, way, &params)?;
    let mut table = state.table();
    let answering = table.answerings.of(&asked.order_id);
    let outcome = if table.arrived_again(&asked.order_id) {
        state.tick();
        Outcome::Duplicate
    } else {
        match &answering {
            Answering::Refuse => return Err(refused(account, table.refusal)),
            Answering::Vanish => return Ok(Reply::Hangup),
            Answering::Redirect(to) => return Ok(Reply::Redirect(to.clone())),
            Answering::Accept
            | Answering::Slow(_)
            | Answering::Hangup
            | Answering::Reset
            | Answering::Status(_)
            | Answering::Html
            | Answering::BrokenJson
            | Answering::Endless => {}
        }
        if !account.rails.contains(&asked.rail) {
            return Err(refused(account, Refusal::MethodDisabled));
        }
        let own_id = table.next_id(&account.merchant);
        let order = Order::new(account, asked, own_id, params, clock::now());
        if way == Way::Payout && table.balance(account) + order.balance() < 0 {
            return Err(refused(account, Refusal::LowBalance));
        }
        let answer = order.accepted(&state.reject_url());
        table.take(order);
        state.tick();
        Outcome::Accepted(answer)
    };
    drop(table);
    let honest = match outcome {
        Outcome::Accepted(answer) => Reply::ok(answer),
        Outcome::Duplicate => failed(account.error_form, &Failure::new(account.refusal_status, "duplicate order")),
    };
    Ok(spoiled(answering, honest))
}

fn refused(account: &Account, refusal: Refusal) -> Failure {
    Failure::new(account.refusal_status, refusal.text())
}

/// The honest answer as it is told to be given.
fn spoiled(answering: Answering, honest: Reply) -> Reply {
    match answering {
        // A repetition cannot be refused as if nothing had been taken: that would be a lie about the first.
        Answering::Accept | Answering::Refuse => honest,
        Answering::Slow(pause) => Reply::Late(pause, Box::new(honest)),
        Answering::Hangup | Answering::Vanish => Reply::Hangup,
        Answering::Reset => Reply::Reset,
        Answering::Status(status) => Reply::Raw(status, "text/plain", Vec::new()),
        Answering::Html => Reply::Raw(200, "text/html", b"<html><body>It works!</body></html>".to_vec()),
        Answering::BrokenJson => {
            Reply::Raw(200, "application/json", br#"{"ok":true,"internal_transaction_id":"#.to_vec())
        }
        Answering::Endless => Reply::Endless,
        Answering::Redirect(to) => Reply::Redirect(to),
    }
}

/// The key is checked first, then the rate, then the question is counted and answered as it was told to.
fn status(state: &State, way: Way, id: &str, key: Option<&str>) -> Result<Reply, Failure> {
    let account = &state.account;
    if key != Some(account.api_key.expose()) {
        return Err(Failure::new(401, "invalid api key"));
    }
    let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
    let mut table = state.table();
    let order_id = table.order_id(account.status_by, &id);
    *table.questions.entry(order_id.clone().unwrap_or(id)).or_default() += 1;
    if let Some(limit) = account.status_limit
        && !table.may_ask(limit, Instant::now())
    {
        return Err(Failure::new(429, "too many requests"));
    }
    let unknown = || Failure::new(404, "order not found");
    match table.telling {
        Telling::Truth => {}
        Telling::NotFound => return Err(unknown()),
        Telling::Unavailable => return Err(Failure::new(503, "temporarily unavailable")),
        Telling::TooMany => return Err(Failure::new(429, "too many requests")),
        Telling::Hangup => return Ok(Reply::Hangup),
    }
    let order = order_id.and_then(|id| table.orders.get(&id)).filter(|order| order.taken.way == way);
    Ok(Reply::ok(order.ok_or_else(unknown)?.status(&state.base(), account.cheques)))
}

/// Cancels an order that is still waiting. Neither answer nor errors are documented; here: `ok` when it is cancelled now or was
/// before, HTTP 400 when it ended otherwise. A platform told not to heed cancellations says `ok` and goes on.
fn reject(state: &State, way: Way, params: &Params) -> Result<Reply, Failure> {
    let body = Body(params);
    let order_id = body.signed("order_id", 255)?;
    let claimed = body.required("standart_sign", 255)?;
    let mut table = state.table();
    let heeds = table.heeds_cancellations;
    let found = table.orders.get_mut(order_id).filter(|order| order.taken.way == way);
    if claimed != state.standard_sign(order_id, found.as_deref()) {
        return Err(Failure::new(403, "invalid standart_sign"));
    }
    let order = found.ok_or_else(|| Failure::new(404, "order not found"))?;
    match order.taken.end {
        End::Pending if heeds => order.end(End::Cancelled, clock::now()),
        End::Pending | End::Cancelled => {}
        End::Paid | End::Declined | End::Expired => return Err(Failure::new(400, "the order has ended")),
    }
    *table.cancellations.entry(order_id.to_owned()).or_default() += 1;
    Ok(Reply::ok(json!({"ok": true})))
}

impl Table {
    /// The merchant's id of the order that a question means.
    fn order_id(&self, by: StatusBy, id: &str) -> Option<String> {
        match by {
            StatusBy::OrderId => self.orders.contains_key(id).then(|| id.to_owned()),
            StatusBy::InternalTransactionId => {
                self.orders.values().find(|order| order.taken.own_id == id).map(|order| order.taken.id.clone())
            }
        }
    }
}
