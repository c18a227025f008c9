//! Deposit requests and their transactions (manual, "Deposit requests", "Confirmation").

use serde_json::json;
use serde_json::value::RawValue;

use super::books::{Asked, Deposit, fresh};
use super::desk::{Desk, created, shown};
use super::fields::Body;
use super::list::Query;
use super::problem::{Outcome, Problem};
use super::{decimal, notes};
use crate::clock;
use crate::simulate::Params;
use crate::simulate::platforms::host::Reply;
use crate::simulate::platforms::{End, Way};

/// A deposit request lives an hour unless it says when it ends.
const LIFE: i64 = 3_600_000_000;
/// What the default strategy offers, in major units.
const USUAL: [i64; 3] = [10, 20, 30];

/// `POST /deposit-requests`. No field makes it unique: asked for twice, it is made twice.
///
/// # Errors
///
/// 422.
pub fn create(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let customer = body.id("customerId");
    body.website(&desk.account.website_id);
    let currency = body.currency();
    let mut deposit = blank(desk, &customer, &currency);
    deposit.strategy = body.optional_id("strategyId");
    deposit.properties = body.optional_id("customPropertySetId");
    (deposit.redirect, deposit.notification) = (body.url("redirectUrl"), body.url("notificationUrl"));
    if let Some(offered) = body.amounts("amounts", &currency) {
        if offered.is_empty() {
            body.wrong("amounts", "is empty");
        }
        deposit.amount = offered.first().copied().unwrap_or_default();
        deposit.offered = offered;
    }
    (deposit.limits, deposit.custom) = ranges(body, &currency);
    if let Some(expires) = body.text("expirationTime", 64) {
        match clock::parse_rfc3339(&expires) {
            Some(expires) if expires > desk.at => deposit.expires = expires,
            _ => body.wrong("expirationTime", "is no time to come"),
        }
    }
    body.done()?;
    let order = deposit.notification.as_deref().and_then(notes::order_of).unwrap_or_else(|| deposit.id.clone());
    *desk.books.arrivals.entry(order.clone()).or_default() += 1;
    deposit.params = body.params();
    let id = order.clone();
    desk.answered(&id, move |desk| {
        deposit.token = desk.books.jwt(&customer);
        deposit.order = Some(order.clone());
        let id = deposit.id.clone();
        let answer = created(desk.place().of("deposit-requests", &id), &desk.place().deposit(&deposit));
        desk.books.deposits.add(&id, deposit);
        desk.books.latest.insert(order.clone(), id);
        desk.books.note_taken(Way::Deposit, &order);
        Ok(answer)
    })
}

type Ranges = (Option<Box<RawValue>>, Option<Box<RawValue>>);

fn ranges(body: &mut Body, currency: &str) -> Ranges {
    let limits = body.object("amountLimits", |inner| {
        if inner.amount("minimum", currency).is_none() && inner.amount("maximum", currency).is_none() {
            inner.wrong("maximum", "or minimum is required");
        }
    });
    let custom = body.object("customAmount", |inner| {
        for name in ["minimum", "multipleOf", "maximum"] {
            inner.positive(name, currency);
        }
    });
    (limits, custom)
}

fn blank(desk: &mut Desk<'_>, customer: &str, currency: &str) -> Deposit {
    let unit = 10_i64.pow(decimal::exponent(currency).map_or(0, |digits| digits.try_into().unwrap_or_default()));
    let offered = USUAL.map(|major| major * unit).to_vec();
    Deposit {
        id: fresh("dep_req_"),
        customer: customer.to_owned(),
        currency: currency.to_owned(),
        amount: offered[0],
        offered,
        limits: None,
        custom: None,
        strategy: None,
        properties: None,
        redirect: None,
        notification: None,
        status: Asked::Created,
        end: End::Pending,
        transactions: Vec::new(),
        order: None,
        token: String::new(),
        expires: desk.at + LIFE,
        created: desk.at,
        updated: desk.at,
        params: Params::new(),
    }
}

/// The request behind a cashier. It is an order only when the player pays there. Gives its id.
pub fn behind_cashier(
    desk: &mut Desk<'_>,
    customer: &str,
    currency: &str,
    redirect: Option<String>,
    notification: Option<String>,
) -> String {
    let token = desk.books.jwt(customer);
    let deposit = Deposit { token, redirect, notification, ..blank(desk, customer, currency) };
    let id = deposit.id.clone();
    desk.books.deposits.add(&id, deposit);
    id
}

/// `GET /deposit-requests/{id}`.
///
/// # Errors
///
/// 404.
pub fn read(desk: &mut Desk<'_>, id: &str) -> Outcome {
    if let Some(answer) = desk.told(id) {
        return answer;
    }
    desk.books.expire_deposit(id, desk.at);
    let deposit = desk.books.deposits.get(id).ok_or_else(Problem::not_found)?;
    Ok(shown(200, &desk.place().deposit(deposit)))
}

/// `GET /deposit-requests`.
///
/// # Errors
///
/// 400.
pub fn list(desk: &mut Desk<'_>, query: &str) -> Outcome {
    let query = Query::read(query, &["id", "customerId", "websiteId", "status", "currency"])?;
    for id in query.ids() {
        desk.told(id);
        desk.books.expire_deposit(id, desk.at);
    }
    if let Some(answer) = desk.evaded_list() {
        return answer;
    }
    let value = |one: &Deposit, field: &str| match field {
        "id" => Some(one.id.clone()),
        "customerId" => Some(one.customer.clone()),
        "websiteId" => Some(desk.account.website_id.clone()),
        "status" => Some(one.status.name().to_owned()),
        "currency" => Some(one.currency.clone()),
        _ => None,
    };
    let found = desk.books.deposits.iter().filter(|one| query.takes(|field| value(one, field)));
    query.page(found.map(|one| desk.place().deposit(one)).collect())
}

/// `GET /transactions/{id}`: the confirmation.
///
/// # Errors
///
/// 404.
pub fn transaction(desk: &mut Desk<'_>, id: &str) -> Outcome {
    if let Some(answer) = desk.told(id) {
        return answer;
    }
    let transaction = desk.books.transactions.get(id).ok_or_else(Problem::not_found)?;
    Ok(shown(200, &desk.place().transaction(transaction)))
}

/// `POST /transactions/{id}/query`: what the gateway says; changes nothing.
///
/// # Errors
///
/// 404.
pub fn query(desk: &mut Desk<'_>, id: &str) -> Outcome {
    if let Some(answer) = desk.told(id) {
        return answer;
    }
    let one = desk.books.transactions.get(id).ok_or_else(Problem::not_found)?;
    let amount = decimal::written(one.amount, decimal::exponent(&one.currency).unwrap_or_default());
    let (result, status) = (one.verdict.result(), one.verdict.status(one.kind));
    let rest = json!({"result": result, "status": status, "currency": one.currency}).to_string();
    let body = format!("{{\"amount\":{amount},{}", rest.trim_start_matches('{'));
    Ok(Reply::JsonText(200, Vec::new(), body))
}
