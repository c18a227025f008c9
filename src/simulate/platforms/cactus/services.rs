//! The calls beside those that make orders: balances, taking back, changing, reserving, failed deposits, and the extension that tells
//! a status (manual, "Additional endpoints").

use serde_json::{Value, json};

use super::check::{self, CURRENCIES, needed, text};
use super::desk::{OTHER_CONTENT, Order, RESERVED_SECONDS, State, status as number};
use super::{calls, rails};
use crate::clock;
use crate::simulate::Params;
use crate::simulate::platforms::host::Reply;
use crate::simulate::platforms::{End, Telling, Way};

/// What the platform has of the merchant's in every currency before the first order, in minor units. Our choice.
const OPENING: i64 = 100_000_000;

/// How far around the wanted amount a free one is looked for, in minor units: three steps of a whole unit up and three down. The
/// manual says that up to six nearby amounts are tried, and not which.
const NEARBY: [i64; 7] = [0, 100, -100, 200, -200, 300, -300];

/// How many failed deposits are listed unless the merchant says (manual).
const LIST: usize = 100;

/// Why a call has no success.
pub(super) enum Refusal {
    /// In words.
    Because(String),
    /// HTTP 404.
    NothingFree,
    /// The order has ended; with how it stands.
    Final(Params),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Self {
        Self::Because(reason.to_owned())
    }
}

fn members(value: Value) -> Params {
    match value {
        Value::Object(members) => members,
        other => unreachable!("written as an object above, not {other}"),
    }
}

/// An amount as this part of the manual prints it: a JSON number in major units with a point, written digit by digit.
fn decimal(minor: i64, currency: &str) -> Value {
    let (unit, digits) = if currency == "VND" { (1, 1) } else { (100, 2) };
    let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    let text = format!("{sign}{}.{:0digits$}", size / unit, size % unit);
    serde_json::from_str(&text).expect("digits around a point are a number")
}

/// What the merchant has and what of it no open payout waits for: minor units. Money found without an order is not in it.
fn funds(orders: &[Order], currency: &str) -> (i64, i64) {
    orders.iter().filter(|order| order.taken.currency == currency).fold((OPENING, OPENING), |(all, free), order| {
        let amount = order.taken.amount;
        match (order.taken.way, order.taken.end) {
            (Way::Deposit, End::Paid) => (all.saturating_add(amount), free.saturating_add(amount)),
            (Way::Payout, End::Paid) => (all.saturating_sub(amount), free.saturating_sub(amount)),
            (Way::Payout, End::Pending) => (all, free.saturating_sub(amount)),
            (Way::Deposit, End::Pending)
            | (Way::Deposit | Way::Payout, End::Declined | End::Cancelled | End::Expired) => (all, free),
        }
    })
}

/// The currency that is asked for, or all.
fn currencies(params: &Params) -> Result<Vec<String>, Refusal> {
    if text(params, "currency").is_some() {
        return Ok(vec![check::currency(params)?]);
    }
    Ok(CURRENCIES.iter().map(|&currency| currency.to_owned()).collect())
}

/// The balances; the name is that of the sample, the table has it in the singular.
pub(super) fn balance(state: &State, params: &Params) -> Result<Params, Refusal> {
    let desk = state.desk();
    let balances: Vec<Value> = currencies(params)?
        .iter()
        .map(|currency| {
            let (all, free) = funds(desk.orders(), currency);
            let id = CURRENCIES.iter().position(|known| known == currency).map(|at| at + 1);
            json!({"id": id, "name": format!("Balance_{currency}"), "currency": currency,
                "amount": decimal(all, currency), "available": decimal(free, currency)})
        })
        .collect();
    Ok(members(json!({"site_id": state.account.site_id, "balances": balances})))
}

/// The same for the project, to which this one site belongs.
pub(super) fn project(state: &State, params: &Params) -> Result<Params, Refusal> {
    let project_id = needed(params, "project_id")?;
    if project_id != state.account.project_id {
        return Err("Unknown project".into());
    }
    let desk = state.desk();
    let balances: Vec<Value> = currencies(params)?
        .iter()
        .map(|currency| {
            let (all, free) = funds(desk.orders(), currency);
            json!({"currency": currency, "amount": decimal(all, currency), "available": decimal(free, currency)})
        })
        .collect();
    Ok(members(json!({"project_id": project_id, "project_balance": balances})))
}

/// How an order stands, as `close_invoice` and the status say it.
fn standing(state: &State, order: &Order) -> Params {
    let taken = &order.taken;
    members(json!({
        "site_id": state.account.site_id, "site_login": taken.login, "status": number(taken.end),
        "invoice_id": order.invoice_id, "request_id": taken.id, "amount": taken.amount,
        "received_amount": order.received(taken.end), "currency": taken.currency,
    }))
}

fn with_message(mut members: Params, message: &str) -> Params {
    members.insert("message".to_owned(), message.into());
    members
}

/// Takes a deposit back that is still open. Taking it back twice is no error; one that ended otherwise stays as it is, and the
/// refusal says how. Cash has a call of its own.
pub(super) fn close(state: &State, params: &Params) -> Result<Params, Refusal> {
    let (id, login) = (needed(params, "request_id")?, needed(params, "site_login")?);
    let mut desk = state.desk();
    let order = desk.order(&id).filter(|order| order.taken.login == login && order.taken.way == Way::Deposit);
    let mut order = order.cloned().ok_or("Invoice not found")?;
    if order.taken.method == "cash" {
        return Err("Unsupported method".into());
    }
    match order.taken.end {
        End::Pending => {
            desk.change(&id, |order| order.taken.end = End::Cancelled);
            order.taken.end = End::Cancelled;
            Ok(standing(state, &order))
        }
        End::Cancelled => Ok(standing(state, &order)),
        End::Paid | End::Declined | End::Expired => {
            Err(Refusal::Final(with_message(standing(state, &order), "Invoice is final")))
        }
    }
}

/// What of a cash order can be changed.
const EDITABLE: [&str; 5] = ["address", "messenger", "username", "time", "asap"];

/// Takes a cash order back, or changes where and when somebody comes, while it is open. Either way of money: a cash payout is made
/// by `payout` and changed here.
pub(super) fn cash(state: &State, params: &Params) -> Result<Params, Refusal> {
    let id = needed(params, "request_id")?;
    let mut desk = state.desk();
    let order = desk.order(&id).filter(|order| order.taken.method == "cash").cloned().ok_or("Invoice not found")?;
    let is_open = order.taken.end == End::Pending;
    match text(params, "update_type") {
        Some("delete") if is_open => desk.change(&id, |order| order.taken.end = End::Cancelled),
        Some("delete") if order.taken.end == End::Cancelled => {}
        Some("edit") if is_open => {
            let edits = edits(params)?;
            desk.change(&id, |order| order.edited.extend(edits));
        }
        Some("delete" | "edit") => return Err("Invoice is final".into()),
        Some(_) | None => return Err("Invalid parameter update_type".into()),
    }
    Ok(members(json!({
        "amount": order.taken.amount, "currency": order.taken.currency, "invoice_id": order.invoice_id,
        "request_id": id, "site_id": state.account.site_id, "site_login": order.taken.login,
    })))
}

/// What is to change; something must. `asap` is a boolean in the table and may be a text, as everywhere else.
fn edits(params: &Params) -> Result<Params, Refusal> {
    let mut edits = Params::new();
    for name in EDITABLE {
        match params.get(name) {
            None => {}
            Some(value @ Value::Bool(_)) if name == "asap" => drop(edits.insert(name.to_owned(), value.clone())),
            Some(_) => drop(edits.insert(name.to_owned(), needed(params, name)?.into())),
        }
    }
    if edits.is_empty() { Err("Missing parameter address".into()) } else { Ok(edits) }
}

/// Keeps the wanted amount, or the nearest free one, for the order with this `request_id`, which then must have exactly it. The names
/// of the answer's members are our choice: `amount`, and `expires_in` in seconds.
pub(super) fn book(state: &State, params: &Params) -> Result<Params, Refusal> {
    let (id, _login) = (needed(params, "request_id")?, needed(params, "site_login")?);
    let (wanted, currency) = (check::amount(params)?, check::currency(params)?);
    let rail = check::method(params, rails::INVOICE)?;
    let bank = text(params, "bank_name").unwrap_or_default().to_owned();
    let mut desk = state.desk();
    desk.forget_old_reservations();
    let said = |amount: i64| {
        members(json!({"request_id": id, "amount": amount, "currency": currency, "method": rail.name,
            "expires_in": RESERVED_SECONDS}))
    };
    if let Some(known) = desk.reserved.iter().find(|one| one.id == id) {
        return if &known.params == params { Ok(said(known.amount)) } else { Err(OTHER_CONTENT.into()) };
    }
    if desk.order(&id).is_some() {
        return Err(OTHER_CONTENT.into());
    }
    let requisites = (rail.name.to_owned(), currency.clone(), bank);
    let mut near = NEARBY.iter().map(|step| wanted + step).filter(|amount| *amount > 0);
    let free = near.find(|amount| desk.is_free(&requisites, *amount)).ok_or(Refusal::NothingFree)?;
    desk.reserve(id.clone(), requisites, free, params.clone());
    Ok(said(free))
}

/// Deposits that ended without money, latest first.
pub(super) fn failed(state: &State, params: &Params) -> Result<Params, Refusal> {
    let currency = check::currency(params)?;
    let from = match text(params, "from_date") {
        Some(text) => Some(moment(text).ok_or("Invalid parameter from_date")?),
        None => None,
    };
    let limit = match text(params, "limit") {
        Some(text) => text.parse::<usize>().map_err(|_| "Invalid parameter limit")?,
        None => LIST,
    };
    let desk = state.desk();
    let listed = desk.orders().iter().rev().filter(|order| {
        let is_asked = order.taken.currency == currency && from.is_none_or(|from| order.created >= from);
        is_asked && order.taken.way == Way::Deposit && number(order.taken.end) == number(End::Declined)
    });
    let invoices: Vec<Value> = listed
        .take(limit)
        .map(|order| {
            let requisite = |name: &str| text(&order.answer, name).unwrap_or_default();
            json!({"invoice_id": order.invoice_id, "amount": decimal(order.taken.amount, &currency),
                "currency": currency, "status": "Failed", "bank_name": requisite("bank_name"),
                "card_number": requisite("card_number"), "phone_number": requisite("phone_number"),
                "date_created": date(order.created), "date_modified": date(order.modified)})
        })
        .collect();
    Ok(members(json!({"invoices": invoices})))
}

/// ISO 8601 without a zone: UTC.
fn date(at: clock::Micros) -> String {
    clock::rfc3339(at).trim_end_matches('Z').to_owned()
}

/// ISO 8601: with a zone, without one, or a day alone.
fn moment(text: &str) -> Option<clock::Micros> {
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    forms.iter().find_map(|form| clock::parse_rfc3339(form))
}

/// The extension: how an order of either way stands, as a notification would say it.
pub(super) fn status(state: &State, params: &Params) -> Reply {
    let id = match needed(params, "request_id") {
        Ok(id) => id,
        Err(reason) => return calls::refused(state, &reason),
    };
    let (telling, order) = {
        let mut desk = state.desk();
        *desk.asked_about.entry(id.clone()).or_default() += 1;
        (desk.telling, desk.order(&id).cloned())
    };
    match (telling, order) {
        (Telling::Truth, Some(order)) => {
            let mut members = standing(state, &order);
            members.insert("received_currency".to_owned(), order.taken.currency.into());
            members.insert("method".to_owned(), order.taken.method.into());
            members.insert("is_payout".to_owned(), (order.taken.way == Way::Payout).into());
            calls::accepted(state, members)
        }
        (Telling::Truth, None) | (Telling::NotFound, _) => calls::refused(state, "Invoice not found"),
        (Telling::Unavailable, _) => Reply::Raw(503, "text/plain", Vec::new()),
        (Telling::TooMany, _) => Reply::Raw(429, "text/plain", Vec::new()),
        (Telling::Hangup, _) => Reply::Hangup,
    }
}
