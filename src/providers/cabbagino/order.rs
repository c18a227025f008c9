//! The calls that make an order: deposit and payout, and what is answered.
//!
//! Source: protocol, "Deposit and pay-out" of API 2.0. How a call is refused is not documented: only a clear decline of this very order is a
//! no.

use std::borrow::Cow;

use super::account::Account;
use super::answer::{self, cut, order_id};
use super::forms::{self, has_one_reading};
use super::news::{DECLINE, is_of, is_taken};
use super::pairs::{Members, Pairs, Value, is_blank};
use super::signature::looks_like_more;
use super::wire::{Fields, LONGEST_ORDER, LONGEST_TEXT};
use super::writing::{as_json, signed};
use super::{Call, DepositOrder, Direction, InitiationAnswer, Opened, Opening, PayoutOrder, Texts, Verb};
use crate::error::Error;
use crate::ids::{ExternalId, Login};
use crate::money::{Currency, Money};
use crate::outgoing::Reply;
use crate::outgoing::address::is_loopback_host;
use crate::outgoing::page::web_page;

/// The platform's own id of an order, among the facts.
pub(super) const ORDER_ID: &str = "order_id";
/// Currencies whose amounts are whole units (manual, the newest edition). It names ECS, too, which is no currency any more.
const WHOLE: [&str; 6] = ["JPY", "CLP", "VND", "KRW", "ISK", "PYG"];
/// Details that nobody may read in the books.
const HIDDEN: [&str; 5] = ["account_number", "card_number", "cvv", "password", "wallet"];
/// The longest name of a person.
const LONGEST_NAME: usize = 128;

/// Whether the platform and we mean the same by an amount in this currency: minor units, which the manual calls whole units for a few.
/// One without minor units that is not on its list could be paid a hundred times over.
pub(super) fn counts_alike(currency: Currency) -> bool {
    (currency.exponent() == 0) == WHOLE.contains(&currency.code())
}

/// What both calls have.
struct Asked<'o> {
    external_id: &'o ExternalId,
    amount: Money,
    login: &'o Login,
    rail: Option<&'o str>,
    details: &'o Texts,
    profile: &'o [(String, String)],
}

/// The call that makes a payout: the same bytes for the same order.
pub(super) fn payout(account: &Account, order: &PayoutOrder) -> Result<Call, Error> {
    let asked = Asked {
        external_id: &order.external_id,
        amount: order.amount,
        login: &order.login,
        rail: order.rail.as_deref(),
        details: &order.details,
        profile: &order.optional,
    };
    call(account, Direction::Payout, "/v2/payment/payout/", &asked)
}

/// The call that makes a deposit.
pub(super) fn deposit(account: &Account, order: &DepositOrder) -> Result<Call, Error> {
    let asked = Asked {
        external_id: &order.external_id,
        amount: order.amount,
        login: &order.login,
        rail: order.rail.as_deref(),
        details: &order.details,
        profile: &order.optional,
    };
    call(account, Direction::Deposit, "/v2/payment/deposit/", &asked)
}

fn call(account: &Account, direction: Direction, path: &str, asked: &Asked<'_>) -> Result<Call, Error> {
    let method = asked.rail.filter(|method| !is_blank(method)).ok_or(Error::Missing("method"))?;
    if looks_like_more(method) {
        return Err(Error::Invalid("method"));
    }
    forms::check(account.form(method), direction, asked.details)?;
    let currency = asked.amount.currency();
    if !counts_alike(currency) {
        return Err(Error::UnsupportedCurrency);
    }
    let mut members: Members<'_> = vec![
        ("payment_system".into(), Value::Text(method.into())),
        ("external_id".into(), Value::Text(asked.external_id.as_str().into())),
        ("amount".into(), Value::Number(asked.amount.minor().to_string().into())),
        ("currency".into(), Value::Text(currency.code().to_owned().into())),
        ("customer".into(), Value::Object(customer(asked)?)),
    ];
    if !asked.details.is_empty() {
        let data = asked.details.iter().map(|(name, text)| (name.as_str().into(), Value::Text(text.as_str().into())));
        members.push(("payment_data".into(), Value::Object(data.collect())));
    }
    let body = as_json(&signed(members, &account.salts)?).into_bytes();
    let call = authorised(account, Call::json(Verb::Post, account.address(path)?, body));
    let hidden = HIDDEN.iter().filter_map(|name| asked.details.get(*name));
    Ok(hidden.fold(call, |call, text| call.hiding(text)))
}

/// The same with the header that says who we are.
pub(super) fn authorised(account: &Account, call: Call) -> Call {
    call.with("merchant_key", account.merchant_key.clone())
}

/// All four members are listed, and none as optional.
fn customer<'o>(asked: &Asked<'o>) -> Result<Members<'o>, Error> {
    let login = asked.login.as_str();
    if !has_one_reading(login) {
        return Err(Error::Invalid("customer_id"));
    }
    let found = |name: &'static str, known: &str| -> Result<&'o str, Error> {
        let text = asked.profile.iter().find(|(other, _)| other == known).map(|(_, text)| text.as_str());
        text.filter(|text| !is_blank(text)).ok_or(Error::Missing(name))
    };
    let country = found("country", "country_code")?;
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(Error::Invalid("country"));
    }
    let name = |text: &'o str| -> Value<'o> {
        let plain: String = text.replace(char::is_control, " ").replace(';', ",");
        Value::Text(Cow::Owned(plain.chars().take(LONGEST_NAME).collect()))
    };
    Ok(vec![
        ("customer_id".into(), Value::Text(login.into())),
        ("country".into(), Value::Text(country.to_ascii_uppercase().into())),
        ("first_name".into(), name(found("first_name", "first_name")?)),
        ("last_name".into(), name(found("last_name", "last_name")?)),
    ])
}

/// What the answer to a call says of the order.
enum Said<'a> {
    /// Made.
    Taken(Pairs<'a>),
    /// Declined. Carries why, for people.
    Declined(String),
    /// Neither. Carries why we cannot tell, for people.
    Unclear(String),
}

fn said<'a>(account: &Account, direction: Direction, id: &ExternalId, reply: &'a Reply) -> Said<'a> {
    let answer = match answer::object(account, reply) {
        Ok(answer) => answer,
        Err(why) => return Said::Unclear(why),
    };
    let fields = Fields(&answer);
    if fields.scalar("external_id").ok().flatten() != Some(id.as_str()) {
        return Said::Unclear(format!("the answer does not name the order: {}", answer::shown(&answer)));
    }
    let (Some(kind), Some(status)) = (answer::code(fields, "type"), answer::code(fields, "status")) else {
        return Said::Unclear(format!("the answer has no type and status: {}", answer::shown(&answer)));
    };
    match status {
        _ if !is_of(direction, kind) => Said::Unclear(format!("the answer is of type {kind}")),
        DECLINE => Said::Declined(cut(&format!("status {status} {}", answer::shown(&answer)))),
        status if is_taken(status) => Said::Taken(answer),
        _ => Said::Unclear(cut(&format!("status {status} {}", answer::shown(&answer)))),
    }
}

/// What the answer to a payout means. The manual does not show one; it is read like that of a deposit.
pub(super) fn paid_out(account: &Account, order: &PayoutOrder, reply: &Reply) -> InitiationAnswer {
    match said(account, Direction::Payout, &order.external_id, reply) {
        Said::Taken(answer) => InitiationAnswer::Accepted(answer::shown(&answer), facts(&answer)),
        Said::Declined(why) => InitiationAnswer::Refused(why),
        Said::Unclear(why) => InitiationAnswer::Unknown(why),
    }
}

/// Where a deposit is paid: on a page, to what is shown, or nowhere, when the card alone was enough.
pub(super) fn opened(account: &Account, order: &DepositOrder, reply: &Reply) -> Opening {
    let answer = match said(account, Direction::Deposit, &order.external_id, reply) {
        Said::Taken(answer) => answer,
        Said::Declined(why) => return Opening::Refused(why),
        Said::Unclear(why) => return Opening::Unknown(why),
    };
    let to = Fields(&answer).visible_text("redirect", LONGEST_TEXT * 2).ok().flatten();
    if to.is_some_and(|to| !is_a_page(to)) {
        return Opening::Unknown("it was taken, and leads to a page that no browser may go to".to_owned());
    }
    let mut requisites = to_show(&answer);
    if !requisites.is_empty() {
        let currency = order.amount.currency();
        for (name, text) in
            [("amount", currency.in_major(order.amount.minor())), ("currency", currency.code().to_owned())]
        {
            requisites.entry(name.to_owned()).or_insert(text);
        }
    }
    Opening::Open(Opened { redirect_url: to.map(str::to_owned), requisites, facts: facts(&answer) })
}

fn facts(answer: &Pairs<'_>) -> Texts {
    order_id(answer).map(|id| (ORDER_ID.to_owned(), id.to_owned())).into_iter().collect()
}

/// A page that a browser may be sent to.
fn is_a_page(text: &str) -> bool {
    web_page(text).is_some_and(|url| url.scheme() == "https" || is_loopback_host(&url))
}

/// What a payer is shown, by the names that players read. What the manual does not know is shown as it is: it may be needed.
fn to_show(answer: &Pairs<'_>) -> Texts {
    let Some(Value::Object(members)) = answer.get("display_data") else { return Texts::new() };
    let shown = members.iter().filter_map(|(name, value)| {
        let (Value::Text(text) | Value::Number(text)) = value else { return None };
        let name = match name.as_ref() {
            "card" => "card_number",
            "card_holder" => "holder",
            other => other,
        };
        let usable = !is_blank(text) && text.len() <= LONGEST_ORDER && !text.chars().any(char::is_control);
        (usable && super::pairs::is_name(name)).then(|| (name.to_owned(), text.as_ref().to_owned()))
    });
    shown.collect()
}
