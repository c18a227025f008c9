//! A payout to a card.
//!
//! Source: protocol, "Pay-out" of API 1.0. The table names `order_ref`, the samples of the deposit do too and its table `external_id`: both
//! are sent with the same value.

use std::borrow::Cow;

use super::super::account::Account;
use super::super::authlink::main;
use super::super::pairs::Value;
use super::super::writing::{as_json, signed, unambiguous};
use super::{card, decimal};
use crate::error::Error;
use crate::providers::{Call, PayoutOrder, Verb};

/// The request that makes it: the same bytes for the same order and session.
pub(super) fn call(account: &Account, order: &PayoutOrder, group: i64, key: &str) -> Result<Call, Error> {
    let none = || Error::Conflict("the site has no direct_payout_url".into());
    let url = account.direct_payout_url.clone().ok_or_else(none)?;
    let number = |text: String| Value::Number(Cow::Owned(text));
    let mut members = main(&account.wire, &order.login)?;
    members.push(("session_key".into(), unambiguous("session_key", key)?));
    for name in ["external_id", "order_ref"] {
        members.push((name.into(), unambiguous(name, order.external_id.as_str())?));
    }
    members.push(("group".into(), number(group.to_string())));
    members.push(("amount".into(), number(decimal(order.amount))));
    for (name, _) in card::CARD {
        let text = order.details.get(name).ok_or(Error::Missing(name))?;
        members.push((name.into(), unambiguous(name, text)?));
    }
    let body = as_json(&signed(members, &account.wire.salts)?).into_bytes();
    let card = order.details.get("card_number").map_or("", String::as_str);
    Ok(Call::json(Verb::Post, url, body).hiding(key).hiding(card))
}
