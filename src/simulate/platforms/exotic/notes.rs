//! Notices: a success to the order's `success_callback_url`, every rejection to its `error_callback_url` (protocol, section 4).
//!
//! One that is not final (`expectation`) is not documented as a notice; made to send it, the platform uses the address of successes,
//! because the merchant must go by the status and not by the address.

use serde_json::Value;

use super::super::{End, Note, Twist, Way, below};
use super::order::Order;
use super::state::State;

/// A notice and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub url: String,
    pub body: Value,
}

/// The notice about an order; `None` when the order came without an address for it. `merchant` is where the merchant really is, when
/// that may be elsewhere than the order says.
pub fn notice(state: &State, order: &Order, note: Note, merchant: Option<&str>) -> Option<Notice> {
    let mut said = order.truth();
    said.end = note.says.unwrap_or(said.end);
    let given = match said.end {
        End::Paid | End::Pending => Some(&order.asked.success_url),
        End::Declined | End::Cancelled | End::Expired => order.asked.error_url.as_ref(),
    };
    let mut url = given?.clone();
    let mut key = state.account.sign_key.expose();
    match note.twist {
        // A notice names the recipient and not the player.
        Twist::None | Twist::OtherPlayer | Twist::WrongSignature | Twist::NoSignature => {}
        Twist::ForeignSignature => key = "somebody-else-has-this-sign-key",
        Twist::OtherAmount => said.fiat += 100,
        Twist::OtherCurrency => said.currency = if said.currency == "eur" { "rub" } else { "eur" }.to_owned(),
        Twist::OtherDirection => {
            said.way = match said.way {
                Way::Deposit => Way::Payout,
                Way::Payout => Way::Deposit,
            }
        }
        Twist::UnknownOrder => {
            said.order_id = format!("unknown-{}", order.taken.own_id);
            // The merchant may have put the id into its address, too: both must agree.
            url = url.replace(&order.taken.id, &said.order_id);
        }
    }
    let mut body = order.envelope(&said);
    let signature = order.signed(&state.formula, &said, key);
    match note.twist {
        Twist::NoSignature => {}
        Twist::WrongSignature => {
            body.insert("standart_sign".to_owned(), spoilt(&signature).into());
        }
        Twist::None
        | Twist::ForeignSignature
        | Twist::OtherAmount
        | Twist::OtherCurrency
        | Twist::OtherPlayer
        | Twist::OtherDirection
        | Twist::UnknownOrder => {
            body.insert("standart_sign".to_owned(), signature.into());
        }
    }
    Some(Notice { url: merchant.map_or(url.clone(), |merchant| below(merchant, &url)), body: Value::Object(body) })
}

/// The same with another last digit.
fn spoilt(signature: &str) -> String {
    let (kept, last) = signature.split_at(signature.len() - 1);
    format!("{kept}{}", if last == "0" { "1" } else { "0" })
}
