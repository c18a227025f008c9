//! A payout: the request is made under our own id, approved, allocated and started. Every step may be taken again.
//!
//! Source: manual, "Payout requests" and "Allocations". What became of it is asked for, or told by a webhook and then asked for.

use super::account::{Account, Allocate};
use super::call::{Flow, Script, Stop, is_problem, problem};
use super::request::{Request, Status};
use super::wire::{Doc, Written};
use super::{INSTRUMENT, customer};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::providers::{Call, InitiationAnswer, PayoutOrder, Texts};

const REQUESTS: &str = "payout-requests";
pub(super) const ALLOCATIONS: &str = "payout-request-allocations";

/// Steps on the way to `approved`, each with a second look: `pending` → `ready` → `approved`.
const MOST_STEPS: usize = 3;

type Talk<R> = Flow<R, InitiationAnswer>;

pub(super) fn pay(account: &Account, order: &PayoutOrder, script: &mut Script<'_>) -> Talk<InitiationAnswer> {
    let customer = customer(&order.login, &order.optional).map_err(Stop::Error)?;
    let id = order.external_id.as_str();
    let reply = script.say(make(account, order, customer))?;
    let request = match reply.status {
        200 | 201 => read(reply)?,
        // It may be there from an earlier attempt and not allow a change: looked at, never guessed.
        400 | 404 | 409 | 422 => match look(account, id, script)? {
            Some(request) => request,
            None if matches!(reply.status, 400 | 422) => return Ok(InitiationAnswer::Refused(problem(reply))),
            None => return unknown(format!("it is not there: {}", problem(reply))),
        },
        // Only in Rebilly's own words: something between us may answer so after it has passed the request on.
        401 | 403 | 429 if is_problem(reply) => return Ok(InitiationAnswer::NotNow(problem(reply))),
        _ => return unknown(problem(reply)),
    };
    let differs = [
        ("id", request.id != id),
        ("amount or currency", request.amount != order.amount),
        ("customer", request.customer.as_deref() != Some(customer)),
        ("website", request.website.as_deref() != Some(account.website_id.as_str())),
    ];
    if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
        return unknown(format!("the payout request there has another {what} than the order"));
    }
    let request = approve(account, request, script)?;
    let note = match account.allocate {
        Allocate::Auto => allocate(account, request, script)?,
        Allocate::Nobody => format!("payout request {}; a person allocates at Rebilly", request.word),
    };
    Ok(InitiationAnswer::Accepted(note, Texts::from([("customer_id".to_owned(), customer.to_owned())])))
}

fn unknown<R>(why: String) -> Talk<R> {
    Err(Stop::Done(InitiationAnswer::Unknown(why)))
}

/// `PUT /payout-requests/{id}`: the id is ours, so that a repetition is the same request (manual, "Resource").
fn make(account: &Account, order: &PayoutOrder, customer: &str) -> Call {
    let body = Written::default()
        .text("websiteId", &account.website_id)
        .text("customerId", customer)
        .text("currency", order.amount.currency().code())
        .amount("amount", order.amount)
        .text_if("paymentInstrumentId", order.details.get(INSTRUMENT).map(String::as_str))
        .text("description", &format!("Withdrawal {}", order.external_id));
    account.put(&[REQUESTS, order.external_id.as_str()], body.done())
}

fn read(reply: &Reply) -> Talk<Request> {
    let read = Doc::read(&reply.body).and_then(|doc| Request::read(doc.thing().ok_or("the answer is no object")?));
    read.or_else(|why| unknown(format!("HTTP status {}: {why}", reply.status)))
}

/// The payout request as it stands; `None`: there is none.
fn look(account: &Account, id: &str, script: &mut Script<'_>) -> Talk<Option<Request>> {
    let reply = script.say(account.get(&[REQUESTS, id]))?;
    match reply.status {
        200 => read(reply).map(Some),
        404 if Doc::read(&reply.body).is_ok() => Ok(None),
        _ => unknown(format!("it cannot be looked at: {}", problem(reply))),
    }
}

/// Moves the request to `approved`, unless it is there or beyond (manual, "Statuses").
fn approve(account: &Account, mut request: Request, script: &mut Script<'_>) -> Talk<Request> {
    for _ in 0..MOST_STEPS {
        let next = match request.status {
            Status::Pending => "ready",
            Status::Ready => "approved",
            Status::Approved
            | Status::InProgress
            | Status::Fulfilled
            | Status::Canceled
            | Status::Split
            | Status::Merged
            | Status::Other => return Ok(request),
        };
        if let Some(reason) = &request.blocked {
            return unknown(format!("the payout request is there and blocked ({reason}): lift that, then retry"));
        }
        let body = Written::default().text("status", next).done();
        let reply = script.say(account.patch(&[REQUESTS, &request.id], body))?;
        let before = request.status;
        request = match reply.status {
            200 => read(reply)?,
            409 => match look(account, &request.id, script)? {
                Some(now) if now.status != before || now.blocked.is_some() => now,
                Some(_) | None => return unknown(format!("it could not be made {next}: {}", problem(reply))),
            },
            _ => return unknown(format!("it is there and could not be made {next}: {}", problem(reply))),
        };
    }
    match request.status {
        Status::Pending | Status::Ready => unknown(format!("the payout request stays {}", request.word)),
        Status::Approved
        | Status::InProgress
        | Status::Fulfilled
        | Status::Canceled
        | Status::Split
        | Status::Merged
        | Status::Other => Ok(request),
    }
}

/// Has Rebilly allocate an approved request, and starts what waits. Says where it stands, for people.
fn allocate(account: &Account, mut request: Request, script: &mut Script<'_>) -> Talk<String> {
    let id = request.id.clone();
    match request.status {
        Status::Approved | Status::InProgress => {}
        Status::Pending
        | Status::Ready
        | Status::Fulfilled
        | Status::Canceled
        | Status::Split
        | Status::Merged
        | Status::Other => return Ok(format!("payout request {}", request.word)),
    }
    if request.status == Status::Approved && !request.is_allocated() {
        let body = Written::default().text("payoutRequestId", &id).done();
        let reply = script.say(account.post(&[ALLOCATIONS, "auto"], body))?;
        if !matches!(reply.status, 200..=299 | 409) {
            return unknown(format!("it is approved and could not be allocated: {}", problem(reply)));
        }
        request = match look(account, &id, script)? {
            Some(now) if now.is_allocated() => now,
            Some(_) | None => return unknown(format!("it is approved, and nothing was allocated: {}", problem(reply))),
        };
    }
    let waiting = request.waiting();
    if !waiting.is_empty() {
        let body = Written::default().texts("allocationIds", &waiting).done();
        let reply = script.say(account.post(&[ALLOCATIONS, "process"], body))?;
        if !(200..300).contains(&reply.status) {
            return unknown(format!("it is allocated and could not be started: {}", problem(reply)));
        }
    }
    Ok(format!("payout request {}, {} allocations, {} started", request.word, request.allocations.len(), waiting.len()))
}

/// An id of ours in Rebilly's words: made by us, 32 lower-case hexadecimal digits.
pub(super) fn is_ours(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// As an error of a desk call.
pub(super) fn refused(reply: &Reply) -> Error {
    Error::Provider(problem(reply))
}
