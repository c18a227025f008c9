//! Notifications of the Cashier's family (manual, "Webhooks"), for orders of the Cashier and of API 1.0 alike.

use serde_json::Value;

use super::{Account, group_of, transaction_of};
use crate::simulate::messages::{self, Notice, Order, with, without};
use crate::simulate::platforms::{End, Note, Taken, Twist, Way};
use crate::simulate::{Brand, Params};

/// What somebody else would sign with.
const FOREIGN_SALT: &str = "the salt of a merchant that is not this one";

/// The body of a notification, signed as its twist says. The page on notifications names five declines and neither an expiry nor a
/// cancellation: both are declines here, although a status call tells them apart.
pub(super) fn body(account: &Account, order: &Taken, note: Note) -> Params {
    let status_id = match note.says.unwrap_or(order.end) {
        End::Pending => messages::PENDING,
        End::Paid => messages::SUCCESS,
        End::Declined | End::Cancelled | End::Expired => messages::DECLINED,
    };
    let mut notice = Notice {
        external_id: order.id.clone(),
        order: Order {
            login: order.login.clone(),
            amount: order.amount,
            currency: order.currency.clone(),
            transaction_id: transaction_of(order),
        },
        type_id: type_of(order.way),
        status_id,
    };
    twist(&mut notice, order.way, note.twist);
    let brand = &account.brand;
    let group = group_of(order);
    let params = messages::notification(brand.site_id, &notice);
    let params = with(params, "payment_group_id", group);
    let params = with(params, "display_payment_group_id", group);
    signed(brand, with(params, "customer_purse", purse(&order.params)), note.twist)
}

fn twist(notice: &mut Notice, way: Way, twist: Twist) {
    let order = &mut notice.order;
    match twist {
        Twist::None | Twist::WrongSignature | Twist::NoSignature | Twist::ForeignSignature => {}
        Twist::OtherAmount => order.amount = order.amount.saturating_add(100),
        Twist::OtherCurrency => order.currency = if order.currency == "EUR" { "USD" } else { "EUR" }.to_owned(),
        Twist::OtherPlayer => order.login = format!("not-{}", order.login),
        Twist::OtherDirection => {
            notice.type_id = match way {
                Way::Deposit => messages::PAYOUT,
                Way::Payout => messages::PURCHASE,
            };
        }
        Twist::UnknownOrder => {
            notice.external_id = format!("nobody-{}", notice.external_id);
            order.transaction_id = order.transaction_id.wrapping_add(1_000_000_000);
        }
    }
}

fn signed(brand: &Brand, params: Params, twist: Twist) -> Params {
    match twist {
        Twist::NoSignature => without(params, "signature"),
        Twist::ForeignSignature => Brand::new(brand.site_id, FOREIGN_SALT).signed(&params),
        Twist::WrongSignature => {
            // Right but for its last digit.
            let right = brand.signed(&params);
            let digest = right.get("signature").and_then(Value::as_str).unwrap_or_default().to_owned();
            let last = if digest.ends_with('0') { "1" } else { "0" };
            with(right, "signature", format!("{}{last}", &digest[..39]))
        }
        Twist::None
        | Twist::OtherAmount
        | Twist::OtherCurrency
        | Twist::OtherPlayer
        | Twist::OtherDirection
        | Twist::UnknownOrder => brand.signed(&params),
    }
}

fn type_of(way: Way) -> i64 {
    match way {
        Way::Deposit => messages::PURCHASE,
        Way::Payout => messages::PAYOUT,
    }
}

/// The purse as the player may see it: a card as first six, three dots, last four.
fn purse(params: &Params) -> String {
    let text = |name: &str| params.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    match (text("card_number"), text("customer_purse").or_else(|| text("account_number"))) {
        (Some(card), _) if card.is_ascii() && card.len() > 10 => {
            format!("{}...{}", &card[..6], &card[card.len() - 4..])
        }
        (_, Some(purse)) => purse.to_owned(),
        (_, None) => "555555...4444".to_owned(),
    }
}
