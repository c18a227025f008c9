//! What staff may ask of Rebilly, and have it do (manual, "Payout requests", "Block", "Split", "Allocations").
//!
//! Nothing here moves our books: what follows from a call is heard by a webhook or an inquiry.

use serde_json::{Value, json};

use super::account::{Account, is_id};
use super::call::{Flow, Script, Stop};
use super::payout::{ALLOCATIONS, refused};
use super::request::Request;
use super::wire::{Doc, Written};
use crate::error::Error;
use crate::money::Money;
use crate::outgoing::Reply;
use crate::providers::{Call, Desk, DeskCall, Direction, OpenOrder};

const REQUESTS: &str = "payout-requests";
const LONGEST_TEXT: usize = 255;
const FEWEST_PARTS: usize = 2;
const MOST_PARTS: usize = 100;

const BLOCK_REASONS: [&str; 8] = [
    "fraud-suspected",
    "kyc-verification-required",
    "aml-review",
    "account-verification",
    "duplicate-request",
    "insufficient-documentation",
    "risk-review",
    "other",
];

const SPLIT_REASONS: [&str; 7] = [
    "payment-instrument-limit",
    "processor-limit",
    "risk-review",
    "compliance-review",
    "partial-processing",
    "operational-reconciliation",
    "other",
];

const fn look(name: &'static str, about: &'static str) -> DeskCall {
    DeskCall { name, about, of_order: true, changes: false, parameters: &[] }
}

const fn act(name: &'static str, about: &'static str, parameters: &'static [(&'static str, bool)]) -> DeskCall {
    DeskCall { name, about, of_order: true, changes: true, parameters }
}

/// Every call.
pub(super) const CALLS: &[DeskCall] = &[
    look("payout_request", "the payout request as it stands there"),
    look("timeline", "the history of the payout request"),
    look("instruments", "the instruments that the payout request can be paid to"),
    look("deposit_request", "the deposit request as it stands there"),
    act("approve", "approves the payout request, as after a block", &[]),
    act("cancel", "cancels the payout request, by the merchant", &[("description", false)]),
    act("block", "blocks the payout request", &[("block_reason", true), ("description", false)]),
    act("unblock", "lifts the block of the payout request", &[]),
    act(
        "split",
        "replaces the payout request by parts: amounts separated by commas",
        &[("amounts", true), ("split_reason", true), ("description", false)],
    ),
    act(
        "allocate",
        "has what is left of the payout request allocated, on an instrument of choice or as Rebilly likes, and starts it",
        &[("payment_instrument_id", false), ("gateway_account_id", false), ("amount", false)],
    ),
    // It changes nothing at Rebilly, but the gateway is asked.
    act("query_transaction", "has the gateway asked about a transaction of the order", &[("transaction_id", true)]),
];

type Talk<R> = Flow<R, Value>;

pub(super) fn call(account: &Account, name: &str, desk: &Desk, script: &mut Script<'_>) -> Talk<Value> {
    let known = CALLS.iter().find(|call| call.name == name).ok_or(Stop::Error(Error::NotFound("call")))?;
    if desk.parameters.keys().any(|given| !known.parameters.iter().any(|(name, _)| name == given)) {
        return bad("parameters");
    }
    let order = desk.order.as_ref().ok_or(Stop::Error(Error::Missing("external_id")))?;
    let is_deposit = name == "deposit_request";
    if name != "query_transaction" && (order.direction == Direction::Deposit) != is_deposit {
        return bad("external_id");
    }
    let id = order.external_id.as_str();
    let one = match name {
        "payout_request" => account.get(&[REQUESTS, id]),
        "timeline" => account.get(&[REQUESTS, id, "timeline"]),
        "instruments" => account.get(&[REQUESTS, id, "payment-instruments"]),
        "deposit_request" => {
            let known = order.facts.get("deposit_request_id").filter(|known| is_id(known));
            account.get(&["deposit-requests", known.ok_or(Stop::Error(Error::NotFound("deposit request")))?])
        }
        "approve" => account.patch(&[REQUESTS, id], Written::default().text("status", "approved").done()),
        "cancel" => cancel(account, desk, id)?,
        "block" => block(account, desk, id)?,
        "unblock" => account.patch(&[REQUESTS, id], Written::default().json("blocked", "false").done()),
        "split" => split(account, desk, order)?,
        "allocate" => return allocate(account, desk, order, script),
        "query_transaction" => {
            let transaction = needed(desk, "transaction_id", is_id)?;
            account.post(&["transactions", transaction, "query"], "{}".to_owned())
        }
        _ => return Err(Stop::Error(Error::NotFound("call"))),
    };
    shown(script.say(one)?)
}

fn bad<R>(field: &'static str) -> Talk<R> {
    Err(Stop::Error(Error::Invalid(field)))
}

fn given<'d>(desk: &'d Desk, name: &str) -> Option<&'d str> {
    desk.parameters.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn needed<'d>(desk: &'d Desk, name: &'static str, good: impl Fn(&str) -> bool) -> Talk<&'d str> {
    let text = given(desk, name).ok_or(Stop::Error(Error::Missing(name)))?;
    if good(text) { Ok(text) } else { bad(name) }
}

fn described(desk: &Desk) -> Talk<Option<&str>> {
    match given(desk, "description") {
        Some(text) if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) => bad("description"),
        text => Ok(text),
    }
}

/// What Rebilly answered, for people; a refusal is an error with its words.
fn shown(reply: &Reply) -> Talk<Value> {
    match reply.status {
        204 => Ok(json!({"done": true})),
        200 | 201 => match Doc::read(&reply.body) {
            Ok(doc) => Ok(doc.shown()),
            Err(why) => Err(Stop::Error(Error::Provider(format!("HTTP status {}: {why}", reply.status)))),
        },
        _ => Err(Stop::Error(refused(reply))),
    }
}

fn cancel(account: &Account, desk: &Desk, id: &str) -> Talk<Call> {
    let body = Written::default().text("canceledBy", "merchant").text_if("description", described(desk)?);
    Ok(account.post(&[REQUESTS, id, "cancel"], body.done()))
}

fn block(account: &Account, desk: &Desk, id: &str) -> Talk<Call> {
    let reason = needed(desk, "block_reason", |text| BLOCK_REASONS.contains(&text))?;
    let body = Written::default().json("blocked", "true").text("blockReason", reason);
    Ok(account.patch(&[REQUESTS, id], body.text_if("blockDescription", described(desk)?).done()))
}

/// The parts must add up to exactly the order (manual, "Split").
fn split(account: &Account, desk: &Desk, order: &OpenOrder) -> Talk<Call> {
    let currency = order.amount.currency();
    let texts = needed(desk, "amounts", |_| true)?.split(',');
    let amounts: Result<Vec<Money>, Error> = texts.map(|text| Money::parse_major(text.trim(), currency)).collect();
    let amounts = amounts.or_else(|_| bad("amounts"))?;
    let sum = amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(amount.minor()));
    if !(FEWEST_PARTS..=MOST_PARTS).contains(&amounts.len()) || sum != Some(order.amount.minor()) {
        return bad("amounts");
    }
    let reason = needed(desk, "split_reason", |text| SPLIT_REASONS.contains(&text))?;
    let texts: Vec<String> = amounts.iter().map(|amount| currency.in_major(amount.minor())).collect();
    let body = Written::default().json("amounts", &format!("[{}]", texts.join(","))).text("splitReason", reason);
    let body = body.text_if("splitDescription", described(desk)?);
    Ok(account.post(&[REQUESTS, order.external_id.as_str(), "split"], body.done()))
}

/// Allocates by hand or automatically, then starts what waits.
fn allocate(account: &Account, desk: &Desk, order: &OpenOrder, script: &mut Script<'_>) -> Talk<Value> {
    let id = order.external_id.as_str();
    let by_hand =
        ["payment_instrument_id", "gateway_account_id", "amount"].iter().any(|name| given(desk, name).is_some());
    let reply = if by_hand {
        let currency = order.amount.currency();
        let amount = Money::parse_major(needed(desk, "amount", |_| true)?, currency).or_else(|_| bad("amount"))?;
        let body = Written::default()
            .text("payoutRequestId", id)
            .text("paymentInstrumentId", needed(desk, "payment_instrument_id", is_id)?)
            .text("gatewayAccountId", needed(desk, "gateway_account_id", is_id)?)
            .amount("amount", amount);
        script.say(account.post(&[ALLOCATIONS], body.done()))?
    } else {
        script.say(account.post(&[ALLOCATIONS, "auto"], Written::default().text("payoutRequestId", id).done()))?
    };
    // 409: nothing is left, and what was allocated before may still wait for its start.
    if !matches!(reply.status, 200..=299 | 409) {
        return Err(Stop::Error(refused(reply)));
    }
    let looked = script.say(account.get(&[REQUESTS, id]))?;
    if looked.status != 200 {
        return Err(Stop::Error(refused(looked)));
    }
    let unreadable = |why: &'static str| Stop::Error(Error::Provider(why.to_owned()));
    let doc = Doc::read(&looked.body).map_err(unreadable)?;
    let request = Request::read(doc.thing().ok_or(unreadable("the answer is no object"))?).map_err(unreadable)?;
    let waiting = request.waiting();
    if waiting.is_empty() {
        let problem = (reply.status == 409).then(|| Stop::Error(refused(reply)));
        return problem.map_or_else(|| Ok(doc.shown()), Err);
    }
    let body = Written::default().texts("allocationIds", &waiting).done();
    let started = script.say(account.post(&[ALLOCATIONS, "process"], body))?;
    if !(200..300).contains(&started.status) {
        return Err(Stop::Error(refused(started)));
    }
    Ok(json!({"started": waiting}))
}
