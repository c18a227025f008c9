//! What staff may ask: balances, closing an invoice, changing a cash order, failed invoices, reserving an amount. None of it moves money
//! here: what follows comes as a callback.
//!
//! Source: manual, "Additional endpoints", "Failed invoices".

use serde_json::Value as Json;

use super::account::Account;
use super::wire::{self, Proof};
use super::{Cactus, rails};
use crate::error::Error;
use crate::money::{Currency, parse_minor};
use crate::outgoing::Reply;
use crate::providers::signed::fields::{LONGEST_ID, plain_number};
use crate::providers::signed::pairs::{Members, Value, is_blank};
use crate::providers::{Desk, DeskCall, OpenOrder, Step};

/// What there is.
pub(super) const CALLS: &[DeskCall] = &[
    DeskCall {
        name: "balance",
        about: "What the site has at Cactus. The manual does not say in which unit the amounts are.",
        of_order: false,
        changes: false,
        parameters: &[("currency", false)],
    },
    DeskCall {
        name: "balance_project",
        about: "What the project of `project_id` has at Cactus, in decimals.",
        of_order: false,
        changes: false,
        parameters: &[("currency", false)],
    },
    DeskCall {
        name: "close_invoice",
        about: "Asks Cactus to close an SBP or P2P deposit. What it answers ends nothing here: the callback does.",
        of_order: true,
        changes: true,
        parameters: &[],
    },
    DeskCall {
        name: "cash_update",
        about: "Takes a cash order back (`update_type` delete), or changes where and when somebody comes (edit).",
        of_order: true,
        changes: true,
        parameters: &[
            ("update_type", true),
            ("address", false),
            ("messenger", false),
            ("username", false),
            ("time", false),
            ("asap", false),
        ],
    },
    DeskCall {
        name: "failed_invoices",
        about: "Invoices that failed at Cactus, for merchants with requisites of their own.",
        of_order: false,
        changes: false,
        parameters: &[("currency", true), ("from_date", false), ("limit", false)],
    },
    DeskCall {
        name: "book_cabinet",
        about: "Keeps an amount (minor units), or the nearest free one, for an order that is about to be made. Typically for 30 seconds.",
        of_order: false,
        changes: true,
        parameters: &[
            ("request_id", true),
            ("site_login", true),
            ("method", true),
            ("currency", true),
            ("amount", true),
            ("bank_name", false),
        ],
    },
];

impl Cactus {
    pub(super) fn next_of_desk(&self, name: &str, desk: &Desk, replies: &[Reply]) -> Result<Step<Json>, Error> {
        let account = self.account(desk.site)?;
        let call = CALLS.iter().find(|call| call.name == name).ok_or(Error::NotFound("call"))?;
        if desk.parameters.keys().any(|given| call.parameters.iter().all(|(known, _)| known != given)) {
            return Err(Error::Invalid("parameters"));
        }
        let order = if call.of_order { Some(desk.order.as_ref().ok_or(Error::Missing("external_id"))?) } else { None };
        if let Some(reply) = replies.first() {
            return shown(account, order, reply).map(Step::Done);
        }
        let written = match (name, order) {
            ("balance", _) => wire::post(account, account.at("/api/balance/"), balance(account, desk)?),
            ("balance_project", _) => wire::post(account, account.at("/api/balance_project/"), project(account, desk)?),
            ("close_invoice", Some(order)) => {
                wire::post(account, account.at("/api/close_invoice/"), close(account, order)?)
            }
            ("cash_update", Some(order)) => {
                wire::post(account, account.at("/api/cash_in/update/"), cash(account, order, desk)?)
            }
            ("failed_invoices", _) => {
                wire::get(account, account.at("/api/supplier/invoices/failed/"), failed(account, desk)?)
            }
            ("book_cabinet", _) => wire::post(account, account.at("/book_cabinet"), book(account, desk)?),
            (_, _) => Err(Error::NotFound("call")),
        };
        written.map(Step::call)
    }
}

/// A parameter, unless it is blank.
fn given<'d>(desk: &'d Desk, name: &str) -> Option<&'d str> {
    desk.parameters.get(name).map(String::as_str).filter(|text| !is_blank(text))
}

fn needed<'d>(desk: &'d Desk, name: &'static str) -> Result<&'d str, Error> {
    given(desk, name).ok_or(Error::Missing(name))
}

/// A short text that can be signed.
fn short<'d>(name: &'static str, text: &'d str) -> Result<Value<'d>, Error> {
    if text.chars().count() > LONGEST_ID { Err(Error::Invalid(name)) } else { wire::text(name, text) }
}

fn push_currency(members: &mut Members<'_>, desk: &Desk) -> Result<(), Error> {
    if let Some(code) = given(desk, "currency") {
        let currency = Currency::parse(code).map_err(|_| Error::Invalid("currency"))?;
        members.push(("currency".into(), Value::Text(currency.code().to_owned().into())));
    }
    Ok(())
}

fn balance<'a>(account: &'a Account, desk: &'a Desk) -> Result<Members<'a>, Error> {
    let mut members = wire::asker(account);
    push_currency(&mut members, desk)?;
    Ok(members)
}

fn project<'a>(account: &'a Account, desk: &'a Desk) -> Result<Members<'a>, Error> {
    let id = account.project_id.as_deref();
    let id = id.ok_or_else(|| Error::Conflict("the site has no project_id".into()))?;
    let mut members = balance(account, desk)?;
    members.push(("project_id".into(), wire::text("project_id", id)?));
    Ok(members)
}

fn close<'a>(account: &'a Account, order: &'a OpenOrder) -> Result<Members<'a>, Error> {
    let mut members = wire::asker(account);
    members.push(("site_login".into(), wire::text("site_login", order.login.as_str())?));
    members.push(("request_id".into(), wire::text("request_id", order.external_id.as_str())?));
    Ok(members)
}

fn cash<'a>(account: &'a Account, order: &'a OpenOrder, desk: &'a Desk) -> Result<Members<'a>, Error> {
    let kind = needed(desk, "update_type")?;
    if kind != "delete" && kind != "edit" {
        return Err(Error::Invalid("update_type"));
    }
    let mut members = wire::asker(account);
    members.push(("request_id".into(), wire::text("request_id", order.external_id.as_str())?));
    members.push(("update_type".into(), Value::Text(kind.into())));
    let changes = ["address", "messenger", "username", "time", "asap"];
    let changes: Vec<_> = changes.into_iter().filter_map(|name| Some((name, given(desk, name)?))).collect();
    match (kind, changes.first()) {
        ("edit", None) => return Err(Error::Missing("address")),
        ("delete", Some((name, _))) => return Err(Error::Invalid(name)),
        (_, _) => {}
    }
    for (name, text) in changes {
        if !rails::is_good_change(name, text) {
            return Err(Error::Invalid(name));
        }
        members.push((name.into(), Value::Text(text.into())));
    }
    Ok(members)
}

fn failed<'a>(account: &'a Account, desk: &'a Desk) -> Result<Members<'a>, Error> {
    needed(desk, "currency")?;
    let mut members = balance(account, desk)?;
    if let Some(from) = given(desk, "from_date") {
        let like_a_date = from.len() <= 40 && from.bytes().all(|b| b.is_ascii_digit() || b"-:.TZ+".contains(&b));
        let from = if like_a_date { from } else { return Err(Error::Invalid("from_date")) };
        members.push(("from_date".into(), Value::Text(from.into())));
    }
    if let Some(limit) = given(desk, "limit") {
        let limit = plain_number(limit).filter(|limit| (1..=1000).contains(limit)).ok_or(Error::Invalid("limit"))?;
        members.push(("limit".into(), wire::number(limit)));
    }
    Ok(members)
}

fn book<'a>(account: &'a Account, desk: &'a Desk) -> Result<Members<'a>, Error> {
    needed(desk, "currency")?;
    let mut members = balance(account, desk)?;
    for name in ["request_id", "site_login", "method"] {
        members.push((name.into(), short(name, needed(desk, name)?)?));
    }
    let amount = parse_minor(needed(desk, "amount")?).map_err(|_| Error::Invalid("amount"))?;
    members.push(("amount".into(), wire::number(amount)));
    if let Some(bank) = given(desk, "bank_name") {
        members.push(("bank_name".into(), short("bank_name", bank)?));
    }
    Ok(members)
}

/// The answer as it is. A no that says how the order stands is shown too: that is what staff asked for.
fn shown(account: &Account, order: Option<&OpenOrder>, reply: &Reply) -> Result<Json, Error> {
    if reply.status == 404 {
        return Err(Error::Provider("there is nothing like that (HTTP status 404)".into()));
    }
    let answer = wire::read(account, reply, Proof::UnlessItLists).map_err(Error::Provider)?;
    let named = answer.scalar("request_id");
    if order.is_some_and(|order| named.is_some_and(|id| id != order.external_id.as_str())) {
        return Err(Error::Provider("the answer is about another order".into()));
    }
    match answer.success() {
        Some(false) if answer.scalar("status").is_none() => Err(Error::Provider(answer.message())),
        Some(_) | None => Ok(answer.to_json()),
    }
}
