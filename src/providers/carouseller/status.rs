//! How an order stands, asked with our signature: of the Cashier's orders and of those of API 1.0.
//!
//! Source: protocol, "Status" of API 1.0 and the table of statuses. The answer names no type, so the direction is the order's; it names no
//! player and is not signed, so it says something only of the order that was asked about.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::account::{Account, Amounts};
use super::authlink::main;
use super::initiation::{cut, object, shown};
use super::news::stands;
use super::notification::{LONGEST_CHANNEL_CURRENCY, PROVIDER, content, currency};
use super::pairs::{Pairs, Value};
use super::question::put;
use super::signature::Reading;
use super::wire::{Fields, LONGEST_ID, LONGEST_ORDER, LONGEST_TEXT, plain_number};
use super::writing::{as_json, signed, unambiguous};
use crate::error::Error;
use crate::money::{Currency, Money, parse_minor};
use crate::outgoing::Reply;
use crate::providers::{Call, Inquired, Notification, OpenOrder, Texts, Verb};

/// The longest id of the Cashier's, in digits; real ones have about thirty.
const LONGEST_OWN_ID: usize = 64;

/// How long it is left alone when it says that it is asked too often and not for how long, and the longest that it may say, in seconds.
const REST: u64 = 600;
const LONGEST_REST: u64 = 86_400;

/// The question about an order: by the Cashier's id where it told us, else by ours.
pub(super) fn question(account: &Account, order: &OpenOrder) -> Result<Call, Error> {
    let none = || Error::Conflict("the site has no status_url".into());
    let url = account.status_url.clone().ok_or_else(none)?;
    let mut members = main(&account.wire, &order.login)?;
    members.push(match own_id(&order.facts, "order_id") {
        Some(id) => ("order_id".into(), Value::Text(Cow::Borrowed(id))),
        None => ("external_id".into(), unambiguous("external_id", order.external_id.as_str())?),
    });
    Ok(Call::json(Verb::Post, url, as_json(&signed(members, &account.wire.salts)?).into_bytes()))
}

/// One of the Cashier's ids that it told us. One that is not whole is no id.
fn own_id<'a>(facts: &'a Texts, name: &str) -> Option<&'a str> {
    let is_id = |id: &&String| (1..=LONGEST_OWN_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    facts.get(name).filter(is_id).map(String::as_str)
}

/// What is answered. Only a whole answer about this very order says anything.
pub(super) fn read(account: &Account, order: &OpenOrder, reply: &Reply) -> Inquired {
    match reply.status {
        404 => return Inquired::NotFound(said(reply)),
        429 => return Inquired::Later(rest(reply)),
        _ => {}
    }
    let answer = match object(reply.status, &reply.body) {
        Ok(answer) => answer,
        Err(_) => return Inquired::Unclear(said(reply)),
    };
    if answer.get("success") != Some(&Value::Bool(true)) {
        return Inquired::Unclear(format!("it does not say success: {}", shown(&answer)));
    }
    match statement(account, order, &answer) {
        Ok((notification, facts)) => Inquired::Says(Box::new(notification), facts),
        Err(error) => Inquired::Unclear(format!("the answer is not one about this order: {error}")),
    }
}

/// The HTTP status, and what is in a refusal that people can use.
fn said(reply: &Reply) -> String {
    let message = object(200, &reply.body).map(|answer| shown(&answer)).unwrap_or_default();
    cut(&format!("HTTP status {} {message}", reply.status))
}

fn rest(reply: &Reply) -> u64 {
    let seconds = reply.header("retry-after").and_then(|text| text.trim().parse().ok());
    seconds.unwrap_or(REST).clamp(1, LONGEST_REST)
}

fn statement(account: &Account, order: &OpenOrder, answer: &Pairs<'_>) -> Result<(Notification, Texts), Error> {
    let fields = Fields(answer);
    if fields.required("external_id", LONGEST_ORDER)? != order.external_id.as_str() {
        return Err(Error::Invalid("external_id"));
    }
    let order_id = fields.critical("order_id", LONGEST_ID)?;
    let known = own_id(&order.facts, "order_id");
    if known.is_some_and(|known| order_id.is_some_and(|id| id != known)) {
        return Err(Error::Invalid("order_id"));
    }
    let status_id = plain_number(fields.required_integer("status_id")?).ok_or(Error::Invalid("status_id"))?;
    let currency = currency(fields.required("currency", LONGEST_TEXT)?)?;
    let units = account.status_amounts;
    let amount_minor = minor(units, answer, "amount", &currency)?.ok_or(Error::Missing("amount"))?;
    let stated = fields.critical("real_currency", LONGEST_CHANNEL_CURRENCY)?;
    let real_currency = stated.map_or_else(|| currency.clone(), str::to_ascii_uppercase);
    let real = minor(units, answer, "real_amount", &real_currency)?.map(|amount| (amount, real_currency));
    let login = fields.critical("site_login", LONGEST_ID)?.unwrap_or(order.login.as_str());
    // Named by a notification too, so that both are known to be about one movement; an answer that names none names no other one either.
    let transaction_id = fields.critical("transaction_id", LONGEST_ID)?;
    let transaction_id = transaction_id.or_else(|| own_id(&order.facts, "transaction_id")).unwrap_or_default();
    let mut facts = Texts::new();
    facts.extend(order_id.map(|id| ("order_id".to_owned(), id.to_owned())));
    let codes = format!("status {status_id}");
    let notification = Notification {
        provider: PROVIDER,
        site: order.site,
        // Our own authenticated call vouches for it.
        signed: true,
        external_id: order.external_id.as_str().to_owned(),
        login: login.to_owned(),
        digest: digest(order, &codes, (amount_minor, &currency), real.as_ref(), login),
        amount_minor,
        currency,
        real,
        transaction_id: transaction_id.to_owned(),
        news: stands(order.direction, status_id),
        codes,
        content: content(answer, Reading::REFERENCE),
    };
    Ok((notification, facts))
}

/// An amount in minor units, as the account's answers state them. `real_amount` may be 0, and in a currency that we do not know.
fn minor(units: Amounts, answer: &Pairs<'_>, name: &'static str, currency: &str) -> Result<Option<i64>, Error> {
    let wrong = || Error::Invalid(name);
    let text = match answer.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Text(text) | Value::Number(text)) => text,
        Some(Value::Bool(_) | Value::List(_) | Value::Object(_)) => return Err(wrong()),
    };
    let is_nothing = text.bytes().all(|b| b == b'0' || b == b'.') && text.starts_with('0') && !text.ends_with('.');
    if name == "real_amount" && is_nothing {
        return Ok(Some(0));
    }
    let minor = match units {
        Amounts::Minor if name == "real_amount" => plain_number(text).ok_or_else(wrong)?,
        Amounts::Minor => parse_minor(text).map_err(|_| wrong())?,
        Amounts::Major => match Currency::parse(currency) {
            Ok(currency) => Money::parse_major(text, currency).map_err(|_| wrong())?.minor(),
            Err(_) if name == "real_amount" => return Ok(None),
            Err(_) => return Err(Error::Invalid("currency")),
        },
    };
    Ok(Some(minor))
}

/// Equal for the same statement about the same order, whatever else stands beside it, and never that of a notification.
fn digest(order: &OpenOrder, codes: &str, said: (i64, &str), real: Option<&(i64, String)>, login: &str) -> [u8; 32] {
    let mut sha = Sha256::new();
    let (amount, real) =
        (said.0.to_string(), real.map_or_else(String::new, |(amount, code)| format!("{amount} {code}")));
    for text in ["status call", order.external_id.as_str(), codes, &amount, said.1, &real, login] {
        put(&mut sha, text.as_bytes());
    }
    sha.finalize().into()
}
