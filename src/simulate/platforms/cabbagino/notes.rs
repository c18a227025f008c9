//! Notifications of API 2.0 (manual, "Webhooks"): a signed JSON object to the one address that was agreed.

use serde_json::Value;

use super::{Account, calls, methods, sign};
use crate::simulate::Params;
use crate::simulate::caller::{self, Answer, CallError};
use crate::simulate::platforms::{Note, Taken, Twist, Way};

/// Where notifications go, below the merchant's public address.
const ADDRESS: &str = "/cashier/webhook/cabbagino";
/// What somebody else would sign with.
const FOREIGN_SALT: &str = "the salt of a merchant that is not this one";

/// The body of a notification, signed as its twist says.
pub(super) fn body(account: &Account, order: &Taken, note: Note) -> Params {
    let mut params = calls::told(order, note.says.unwrap_or(order.end));
    let mut put = |name: &str, value: Value| {
        params.insert(name.to_owned(), value);
    };
    put("customer_purse", methods::purse(&order.params).into());
    match note.twist {
        Twist::None | Twist::WrongSignature | Twist::NoSignature | Twist::ForeignSignature => {}
        Twist::OtherAmount => put("amount", order.amount.saturating_add(100).into()),
        Twist::OtherCurrency => put("currency", if order.currency == "EUR" { "USD" } else { "EUR" }.into()),
        Twist::OtherPlayer => put("customer_id", format!("not-{}", order.login).into()),
        Twist::OtherDirection => {
            let other = match order.way {
                Way::Deposit => Way::Payout,
                Way::Payout => Way::Deposit,
            };
            put("type", calls::kind(other).into());
        }
        Twist::UnknownOrder => {
            put("external_id", format!("nobody-{}", order.id).into());
            put("order_id", format!("9{}", &order.own_id[1..]).into());
        }
    }
    let salt = account.salt.expose();
    match note.twist {
        Twist::NoSignature => params,
        Twist::ForeignSignature => sign::sealed(params, FOREIGN_SALT),
        Twist::WrongSignature => {
            // Right but for its last digit.
            let digest = sign::digest(&params, salt);
            let last = if digest.ends_with('0') { "1" } else { "0" };
            params.insert(sign::SIGNATURE.to_owned(), format!("{}{last}", &digest[..39]).into());
            params
        }
        Twist::None
        | Twist::OtherAmount
        | Twist::OtherCurrency
        | Twist::OtherPlayer
        | Twist::OtherDirection
        | Twist::UnknownOrder => sign::sealed(params, salt),
    }
}

/// Sends a body once.
pub(super) async fn send(http: &reqwest::Client, merchant: &str, params: Params) -> Result<Answer, CallError> {
    let request = http.post(format!("{merchant}{ADDRESS}")).header("content-type", "application/json");
    let sent = request.body(Value::Object(params).to_string()).send().await;
    caller::read(sent.map_err(|error| CallError::NoAnswer(caller::with_causes(&error)))?).await
}
