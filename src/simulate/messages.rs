//! What the Cashier says: the two questions and the notification (manual, "Payment processing" and "Notification parameters").

use serde_json::{Value, json};

use super::Params;

/// A deposit or payout as the Cashier asks about it.
#[derive(Debug, Clone)]
pub struct Order {
    /// `site_login`.
    pub login: String,
    /// Minor units.
    pub amount: i64,
    /// Alphabetic code.
    pub currency: String,
    /// The Cashier's own id: what makes a repetition recognisable.
    pub transaction_id: u64,
}

/// What a notification says.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The merchant's order.
    pub external_id: String,
    /// The order it is about.
    pub order: Order,
    /// What was done: [`PURCHASE`], [`PAYOUT`] and others.
    pub type_id: i64,
    /// How it ended: [`SUCCESS`], [`DECLINED`] and others.
    pub status_id: i64,
}

/// `type_id`: the player paid in one step.
pub const PURCHASE: i64 = 3;
/// `type_id`: money back to the player's card, asked for by the merchant.
pub const REFUND: i64 = 5;
/// `type_id`: the card's bank took the money back.
pub const CHARGEBACK: i64 = 7;
/// `type_id`: a payout.
pub const PAYOUT: i64 = 11;
/// `type_id` values that credit the player: authorization, purchase, rebill.
pub const CREDITING: [i64; 3] = [1, PURCHASE, 6];
/// `status_id`: waiting for the external system.
pub const PENDING: i64 = 2;
/// `status_id`: done; the only success.
pub const SUCCESS: i64 = 4;
/// `status_id`: declined by the processor.
pub const DECLINED: i64 = 6;
/// `status_id` values of a decline: processor, fraud-stop, MPI, unsupported, misconfigured.
pub const DECLINES: [i64; 5] = [DECLINED, 7, 8, 11, 12];

/// `check_deposit`, not yet signed.
pub fn check_deposit(site_id: i64, order: &Order) -> Params {
    question(
        order,
        json!({
            "action": "check_deposit", "site_id": site_id, "payment_group_id": 6, "payment_type_id": 18,
            "source_type": 4,
        }),
    )
}

/// `request_payout`, not yet signed.
pub fn request_payout(site_id: i64, order: &Order) -> Params {
    question(
        order,
        json!({
            "action": "request_payout", "site_id": site_id, "payment_group_id": 6, "payment_type_id": 18,
            "remember_customer_purse": 0,
        }),
    )
}

/// A notification, not yet signed. Equal notices give equal messages.
pub fn notification(site_id: i64, notice: &Notice) -> Params {
    let order = &notice.order;
    let said = if notice.status_id == SUCCESS { "Success" } else { "Declined" };
    object(json!({
        "site_id": site_id, "site_login": order.login, "amount": order.amount, "currency": order.currency,
        "real_amount": order.amount, "real_currency": order.currency, "extended_info_enabled": 0,
        "processor_id": order.transaction_id.to_string(), "processor_message": said,
        "customer_purse": "555555...4444", "completed_at": "2026-02-12T15:19:21+00:00", "payment_group_id": 6,
        "display_payment_group_id": 6, "payment_type_id": 18, "customer_ip": "127.0.0.1", "source_type": 4,
        "type_id": notice.type_id, "status_id": notice.status_id, "transaction_id": order.transaction_id,
        "external_id": notice.external_id,
    }))
}

/// The message with one parameter changed or added.
pub fn with(mut params: Params, name: &str, value: impl Into<Value>) -> Params {
    params.insert(name.to_owned(), value.into());
    params
}

/// The message without one parameter.
pub fn without(mut params: Params, name: &str) -> Params {
    params.remove(name);
    params
}

fn question(order: &Order, head: Value) -> Params {
    let mut params = object(head);
    let fields = json!({
        "site_login": order.login, "amount": order.amount, "currency": order.currency,
        "customer_purse": "555555...4444", "customer_ip": "127.0.0.1",
        "transaction_id": order.transaction_id.to_string(),
    });
    params.extend(object(fields));
    params
}

fn object(value: Value) -> Params {
    match value {
        Value::Object(members) => members,
        other => unreachable!("written as an object above, not {other}"),
    }
}
