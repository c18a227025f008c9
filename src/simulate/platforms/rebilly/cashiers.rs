//! Cashiers, what a player takes back in one, and customers' tokens (manual, "Cashiers", "Customer JWT for the storefront").

use serde_json::json;

use super::books::{Cashier, fresh};
use super::deposits;
use super::desk::{Desk, created, shown};
use super::fields::Body;
use super::problem::{Outcome, Problem};
use crate::simulate::platforms::host::Reply;

/// A cashier lives an hour.
const LIFE: i64 = 3_600_000_000;
/// Refused since 20 July 2026.
const BALANCES: [&str; 3] = ["balance", "bonusBalance", "pendingPayoutTotal"];

/// `POST /cashiers`: a new one, or the one that lives, as it is (manual, "POST /cashiers request").
///
/// # Errors
///
/// 422.
pub fn create(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let customer = body.id("customerId");
    body.website(&desk.account.website_id);
    let currency = body.currency();
    let (redirect, notification) = (body.url("redirectUrl"), body.url("notificationUrl"));
    let mut limits = (None, None);
    body.object("depositLimits", |inner| {
        limits = (inner.optional_positive("minimum", &currency), inner.optional_positive("maximum", &currency));
    });
    let mut balances = [None; 3];
    for (name, balance) in BALANCES.iter().zip(&mut balances) {
        if desk.switches.older_edition {
            *balance = body.amount(name, &currency);
        } else if body.has(name) {
            body.wrong(name, "is not accepted");
        }
    }
    body.done()?;
    let mine = |one: &&Cashier| one.customer == customer && one.currency == currency && one.expires > desk.at;
    if let Some(living) = desk.books.cashiers.iter().rev().find(mine) {
        return Ok(shown(200, &desk.place().cashier(desk.books, living)));
    }
    let id = fresh("cashier_");
    let deposit = deposits::behind_cashier(desk, &customer, &currency, redirect.clone(), notification.clone());
    let cashier = Cashier {
        id: id.clone(),
        customer,
        currency,
        redirect,
        notification,
        limits,
        balances,
        deposit,
        expires: desk.at + LIFE,
        created: desk.at,
        params: body.params(),
    };
    let answer = created(desk.place().of("cashiers", &id), &desk.place().cashier(desk.books, &cashier));
    desk.books.cashiers.add(&id, cashier);
    Ok(answer)
}

/// `GET /cashiers/{id}`.
///
/// # Errors
///
/// 404.
pub fn read(desk: &mut Desk<'_>, id: &str) -> Outcome {
    let deposit = desk.books.cashiers.get(id).ok_or_else(Problem::not_found)?.deposit.clone();
    desk.books.expire_deposit(&deposit, desk.at);
    let cashier = desk.books.cashiers.get(id).ok_or_else(Problem::not_found)?;
    Ok(shown(200, &desk.place().cashier(desk.books, cashier)))
}

/// `POST /storefront/cashiers/{id}/cancel-payout-requests`: a customer takes back what is pending. A cashier of somebody else's is
/// 403 here; the manual lists 403 and 404.
///
/// # Errors
///
/// 403, 404; 422 for more than is pending.
pub fn take_back(desk: &mut Desk<'_>, id: &str, customer: &str, body: &mut Body) -> Outcome {
    let cashier = desk.books.cashiers.get(id).ok_or_else(Problem::not_found)?.clone();
    if cashier.customer != customer {
        return Err(Problem::forbidden());
    }
    let amount = body.amount("amount", &cashier.currency);
    if amount.is_some_and(|amount| amount > desk.books.reversible(customer, &cashier.currency)) {
        body.wrong("amount", "is more than what is pending");
    }
    body.done()?;
    desk.books.reverse(customer, &cashier.currency, amount, desk.at);
    Ok(shown(200, &desk.place().cashier(desk.books, &cashier)))
}

/// `POST /authentication-tokens`: the first of two steps to a customer's JWT.
///
/// # Errors
///
/// 422.
pub fn token(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    body.need("mode");
    body.word("mode", &["passwordless"]);
    let customer = body.id("customerId");
    body.done()?;
    let token = fresh("");
    desk.books.passes.insert(token.clone(), customer.clone());
    Ok(Reply::Json(201, Vec::new(), json!({"token": token, "mode": "passwordless", "customerId": customer})))
}

/// `POST /authentication-tokens/{token}/exchange`: the second. The token is used up, unless `invalidate` is false.
///
/// # Errors
///
/// 404, 422.
pub fn exchange(desk: &mut Desk<'_>, token: &str, body: &mut Body) -> Outcome {
    let customer = desk.books.passes.get(token).cloned().ok_or_else(Problem::not_found)?;
    let keeps = body.flag("invalidate") == Some(false);
    body.done()?;
    if !keeps {
        desk.books.passes.remove(token);
    }
    let jwt = desk.books.jwt(&customer);
    Ok(Reply::Json(201, Vec::new(), json!({"token": jwt, "customerId": customer, "type": "customer"})))
}
