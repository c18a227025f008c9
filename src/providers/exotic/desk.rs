//! What staff ask of Exotic: to cancel an order.
//!
//! Source: protocol, "Merchant cancellation"; for payments inferred. After it the order is asked to be cancelled, no more: it has ended
//! when a notice or the status says so, and what was executed already still ends as paid.

use serde_json::{Value, json};
use url::Url;

use super::account::Account;
use super::answer::Answer;
use super::create::{REJECT_URL, fiat};
use super::signature::Signed;
use super::{Call, Desk, DeskCall, OpenOrder, Step, Verb, news};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::outgoing::address::is_loopback_host;

const CANCEL: &str = "cancel";

/// All there are.
pub(super) const CALLS: [DeskCall; 1] = [DeskCall {
    name: CANCEL,
    about: "Asks Exotic to cancel the order. It may have been paid all the same: only a notice or the status tells.",
    of_order: true,
    changes: true,
    parameters: &[],
}];

/// The next request of a call, or what came of it.
pub(super) fn call(account: &Account, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Value>, Error> {
    if name != CANCEL {
        return Err(Error::NotFound("call"));
    }
    let order = desk.order.as_ref().ok_or(Error::Missing("order"))?;
    let Some(reply) = replies.last() else { return Ok(Step::call(cancellation(account, order)?)) };
    match Answer::read(reply, None) {
        Answer::Yes(_) => Ok(Step::Done(json!({"asked": true}))),
        Answer::No(why) | Answer::Unclear(why) => Err(Error::Provider(why)),
    }
}

fn cancellation(account: &Account, order: &OpenOrder) -> Result<Call, Error> {
    let (amount, currency) = fiat(order.amount)?;
    let kind = news::kind(order.direction);
    let signed = Signed {
        order_id: order.external_id.as_str(),
        fiat_amount: &amount,
        fiat_currency: &currency,
        kind,
        // The only status in which an order can be cancelled.
        status: "expectation",
    };
    let sign = account.formula.sign(signed, account.sign_key()?);
    let body = json!({"order_id": order.external_id.as_str(), "standart_sign": sign}).to_string();
    let url = match order.facts.get(REJECT_URL).and_then(|told| trusted(account, told)) {
        Some(url) => url,
        None => account.address(&format!("rejected_{kind}/"))?,
    };
    Ok(Call::json(Verb::Post, url, body.into_bytes()))
}

/// The address that the platform named for this order, if it leads to the platform itself. Anywhere else it would carry a signature that
/// is good for notices, too.
fn trusted(account: &Account, told: &str) -> Option<Url> {
    let (url, base) = (Url::parse(told).ok()?, account.base().ok()?);
    let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback_host(&url);
    let same = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && same && bare).then_some(url)
}
