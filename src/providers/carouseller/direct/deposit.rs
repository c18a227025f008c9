//! A deposit by card.
//!
//! Source: protocol, "Deposit" of API 1.0. It is not signed: the session key says for whom it is, and in which currency. The answer is
//! missing in the public manual but for a member `3ds_redirect_url`.

use std::borrow::Cow;

use super::super::account::Account;
use super::super::initiation::{code, facts, object, shown};
use super::super::pairs::{Members, Pairs, Value, is_blank};
use super::super::writing::as_json;
use super::{card, decimal, is_whole};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::outgoing::page::web_page;
use crate::providers::{Call, DepositOrder, Opened, Opening, Texts, Verb};

/// Where the page to go to may be: the name of API 1.0, and that of API 2.0.
const REDIRECTS: [&str; 2] = ["3ds_redirect_url", "redirect"];

/// The request that makes it.
pub(super) fn call(account: &Account, order: &DepositOrder, group: i64, key: &str) -> Result<Call, Error> {
    let none = || Error::Conflict("the site has no deposit_url".into());
    let url = account.deposit_url.clone().ok_or_else(none)?;
    let text = |text: &str| Value::Text(Cow::Owned(text.to_owned()));
    let number = |text: String| Value::Number(Cow::Owned(text));
    let mut members: Members<'_> = vec![
        ("session_key".into(), text(key)),
        ("external_id".into(), text(order.external_id.as_str())),
        ("order_ref".into(), text(order.external_id.as_str())),
        ("group".into(), number(group.to_string())),
        match is_whole(order.amount.currency()) {
            true => ("minor_amount".into(), number(order.amount.minor().to_string())),
            false => ("amount".into(), number(decimal(order.amount))),
        },
    ];
    for (name, given) in &order.details {
        let is_number = card::BROWSER.iter().any(|(known, _)| known == name) && name != "browser_language";
        members.push((Cow::Owned(name.clone()), if is_number { number(given.clone()) } else { text(given) }));
    }
    for (name, url) in ["redirect_success_url", "redirect_fail_url"].into_iter().zip(&order.return_urls) {
        if let Some(url) = url {
            members.push((name.into(), text(url)));
        }
    }
    let twice = |_| Error::Internal("a deposit with the same field twice".to_owned());
    let body = as_json(&Pairs::new(members).map_err(twice)?).into_bytes();
    Ok(Call::json(Verb::Post, url, body).hiding(key))
}

/// What the answer means. A page to go to, or a clear yes, is an order; a clear no without one is none; anything else may be either.
pub(super) fn read(reply: &Reply) -> Opening {
    let answer = match object(reply.status, &reply.body) {
        Ok(answer) => answer,
        Err(why) => return Opening::Unknown(why),
    };
    let page = match redirect(&answer) {
        Ok(page) => page,
        Err(why) => return Opening::Unknown(why),
    };
    let open = |redirect_url| {
        let opened = Opened { redirect_url, requisites: Texts::new(), facts: facts(&answer) };
        Opening::Open(opened)
    };
    match (answer.get("success"), answer.get("code").map(code), page) {
        (Some(Value::Bool(true)), None | Some(Some(0)), page) => open(page),
        // The form of API 2.0 has neither.
        (None, None, Some(page)) => open(Some(page)),
        (Some(Value::Bool(false)), Some(Some(code)), None) if code != 0 => {
            Opening::Refused(format!("code {code} {}", shown(&answer)))
        }
        _ => Opening::Unknown(format!("neither a clear yes nor a clear no {}", shown(&answer))),
    }
}

/// The page to go to, when there is one.
fn redirect(answer: &Pairs<'_>) -> Result<Option<String>, String> {
    for value in REDIRECTS.iter().filter_map(|name| answer.get(name)) {
        let text = match value {
            Value::Null => continue,
            Value::Text(text) if is_blank(text) => continue,
            Value::Text(text) => text,
            Value::Number(_) | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                return Err("a page to go to that is no address".to_owned());
            }
        };
        return match web_page(text) {
            Some(_) if text.is_ascii() => Ok(Some(text.clone().into_owned())),
            Some(_) | None => Err("a page to go to that is no address".to_owned()),
        };
    }
    Ok(None)
}
