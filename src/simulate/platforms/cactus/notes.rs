//! What the platform tells the merchant: how an order stands, and money that belongs to no open order (manual, "Callbacks" and
//! "Additional deposit callbacks").

use serde_json::{Value, json};

use super::desk::{Order, status};
use super::{Account, Additional, Manners, sign};
use crate::simulate::Params;
use crate::simulate::caller::{Answer, CallError, client, read, with_causes};
use crate::simulate::platforms::{End, Twist, Way};

/// A salt of somebody else.
const FOREIGN_SALT: &str = "the salt of another merchant of this platform";

/// The body about an order that stands like this, not yet signed.
///
/// `is_payout` is optional in the manual and missing from its sample; `transaction_id` is the reverse, and comes here with a success.
pub(super) fn about(order: &Order, end: End, account: &Account, manners: Manners) -> Params {
    let taken = &order.taken;
    let body = json!({
        "request_id": taken.id, "site_login": taken.login, "amount": taken.amount,
        "description": description(taken.way, end), "status": status(end), "currency": taken.currency,
        "site_id": account.site_id, "invoice_id": order.invoice_id, "received_amount": order.received(end),
        "received_currency": taken.currency, "method": taken.method,
    });
    let mut body = members(body);
    if end == End::Paid {
        body.insert("transaction_id".to_owned(), transaction_id(order.invoice_id).into());
    }
    if manners.says_direction {
        body.insert("is_payout".to_owned(), (taken.way == Way::Payout).into());
    }
    body
}

/// The body about money that was found. Under an old `request_id` it looks like the manual's sample (`message` for `description`, a
/// `transaction_id`), without one like its table.
pub(super) fn found(found: &Additional, account: &Account, manners: Manners) -> Params {
    let mut body = members(json!({
        "site_login": found.login, "invoice_id": found.invoice_id, "method": found.method, "amount": found.amount,
        "site_id": account.site_id, "status": status(End::Paid), "received_amount": found.amount,
        "received_currency": found.currency, "currency": found.currency,
    }));
    match &found.request_id {
        Some(id) => {
            body.insert("request_id".to_owned(), id.as_str().into());
            body.insert("message".to_owned(), "".into());
            body.insert("transaction_id".to_owned(), transaction_id(found.invoice_id).into());
        }
        None => drop(body.insert("description".to_owned(), "Manual created payment".into())),
    }
    if manners.says_direction {
        body.insert("is_payout".to_owned(), false.into());
    }
    body
}

fn members(value: Value) -> Params {
    match value {
        Value::Object(members) => members,
        other => unreachable!("written as an object above, not {other}"),
    }
}

/// 30 digits, as in the sample.
fn transaction_id(invoice_id: i64) -> String {
    format!("116579133176442782{invoice_id:012}")
}

/// One of the manual's texts that fits; nothing on plain success, and nothing while the order is open.
fn description(way: Way, end: End) -> &'static str {
    match (way, end) {
        (Way::Deposit | Way::Payout, End::Pending | End::Paid) => "",
        (Way::Deposit, End::Declined) => "No payment received",
        (Way::Deposit, End::Cancelled) => "Another bill has already been paid",
        (Way::Deposit, End::Expired) => "Session expired. No success payment",
        (Way::Payout, End::Declined) => "Payout Invoice status set to Decline by user operator_4",
        (Way::Payout, End::Cancelled) => "Receive cancelled after request - cancelled",
        (Way::Payout, End::Expired) => "Could not make payout. Server respond incorrect",
    }
}

/// The body with what is wrong with it on purpose, signed.
pub(super) fn twisted(mut body: Params, way: Way, twist: Twist, salt: &str) -> Params {
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    match twist {
        Twist::None => {}
        Twist::WrongSignature => {
            let mut signed = sign::signed(body, salt);
            signed.insert("signature".to_owned(), "0".repeat(40).into());
            return signed;
        }
        Twist::NoSignature => return body,
        Twist::ForeignSignature => return sign::signed(body, FOREIGN_SALT),
        Twist::OtherAmount => {
            for name in ["amount", "received_amount"] {
                let amount = body.get(name).and_then(Value::as_i64).filter(|amount| *amount > 0);
                body.extend(amount.map(|amount| (name.to_owned(), amount.saturating_add(1).into())));
            }
        }
        Twist::OtherCurrency => {
            let other = if body.get("currency") == Some(&"EUR".into()) { "USD" } else { "EUR" };
            for name in ["currency", "received_currency"] {
                body.insert(name.to_owned(), other.into());
            }
        }
        Twist::OtherPlayer => set("site_login", "somebody-else".into()),
        Twist::OtherDirection => set("is_payout", (way == Way::Deposit).into()),
        Twist::UnknownOrder => {
            set("request_id", "nobody-asked-for-this".into());
            set("invoice_id", 900_000.into());
        }
    }
    sign::signed(body, salt)
}

/// Sends a notification once.
pub(super) async fn send(merchant: &str, body: Params) -> Result<Answer, CallError> {
    let url = format!("{}/cashier/webhook/cactus", merchant.trim_end_matches('/'));
    let request = client().post(url).header("content-type", "application/json");
    let sent = request.body(Value::Object(body).to_string()).send().await;
    read(sent.map_err(|error| CallError::NoAnswer(with_causes(&error)))?).await
}
