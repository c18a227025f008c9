//! The session key of API 1.0: for one player and one currency. Asking for one makes nothing.
//!
//! Source: protocol, "Session key". The body of the answer is missing in the public manual; the key is looked for under its name in the
//! calls that use it, and then under the Cashier's.

use std::borrow::Cow;
use std::net::IpAddr;

use super::super::account::Account;
use super::super::authlink::members;
use super::super::door::Opening as Wish;
use super::super::initiation::{object, shown};
use super::super::pairs::Value;
use super::super::wire::plain_number;
use super::super::writing::{as_json, signed};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::providers::{Call, DepositOrder, PayoutOrder, Verb};

/// The longest key that is taken.
const LONGEST_KEY: usize = 4096;

/// `force_action`: other numbers than the Cashier's (manual, "Key obtaining" of API 1.0).
const DEPOSIT: &str = "1";
const WITHDRAWAL: &str = "2";

/// What the manual's table calls integers.
const INTEGERS: [&str; 2] = ["force_action", "user_preset_id"];

/// Asks for a key for a deposit.
pub(super) fn of_deposit(account: &Account, order: &DepositOrder) -> Result<Call, Error> {
    let chosen = vec![("force_action".to_owned(), DEPOSIT.to_owned())];
    let currency = order.amount.currency();
    call(account, &Wish::new(&order.login, currency, order.customer_ip, &order.optional, chosen))
}

/// Asks for a key for a payout.
pub(super) fn of_payout(account: &Account, order: &PayoutOrder) -> Result<Call, Error> {
    let ip = order.optional.iter().find(|(name, _)| name == "customer_ip").ok_or(Error::Missing("customer_ip"))?;
    let ip: IpAddr = ip.1.parse().map_err(|_| Error::Invalid("customer_ip"))?;
    let chosen = vec![("force_action".to_owned(), WITHDRAWAL.to_owned())];
    call(account, &Wish::new(&order.login, order.amount.currency(), ip, &order.optional, chosen))
}

fn call(account: &Account, wish: &Wish) -> Result<Call, Error> {
    let none = || Error::Conflict("the site has no session_url".into());
    let url = account.session_url.clone().ok_or_else(none)?;
    let mut members = members(&account.wire, wish)?;
    for (name, value) in &mut members {
        let number = match value {
            Value::Text(text) if INTEGERS.contains(&name.as_ref()) => plain_number(text),
            _ => None,
        };
        if let Some(number) = number {
            *value = Value::Number(Cow::Owned(number.to_string()));
        }
    }
    Ok(Call::json(Verb::Post, url, as_json(&signed(members, &account.wire.salts)?).into_bytes()))
}

/// The key in an answer.
///
/// # Errors
///
/// What was answered instead, for people.
pub(super) fn read(reply: &Reply) -> Result<String, String> {
    let answer = object(reply.status, &reply.body)?;
    if !matches!(answer.get("success"), None | Some(Value::Bool(true))) {
        return Err(format!("refused: {}", shown(&answer)));
    }
    let key = match answer.get("session_key").or_else(|| answer.get("key")) {
        Some(Value::Text(key)) => key,
        _ => return Err("an answer without a key".to_owned()),
    };
    // A semicolon would not be signed with one reading.
    let is_key = |b: u8| b.is_ascii_graphic() && b != b';';
    let good = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(is_key);
    if good { Ok(key.clone().into_owned()) } else { Err("a key that cannot be used".to_owned()) }
}
