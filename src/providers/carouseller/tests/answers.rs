//! The bytes the Cashier gets.

use super::super::answer::*;
use super::*;
use crate::ids::ExternalId;

#[test]
fn every_reason_has_its_answer() {
    let cases = [
        (Error::InvalidAmount, 200, 500, "Invalid amount"),
        (Error::UnsupportedCurrency, 200, 500, "Unsupported currency"),
        (Error::UnknownPlayer, 200, 500, "User not found"),
        (Error::PlayerBlocked, 200, 500, "User is blocked"),
        (Error::DepositsNotAllowed, 200, 500, "Deposits are not allowed"),
        (Error::PayoutsNotAllowed, 200, 500, "Payouts are not allowed"),
        (Error::BelowMinimum, 200, 500, "Amount is below the minimum"),
        (Error::AboveMaximum, 200, 500, "Amount is above the maximum"),
        (Error::OutOfRange, 200, 500, "Amount is above the maximum"),
        (Error::InsufficientFunds, 200, 402, "Insufficient funds"),
        (Error::ReferenceReused, 200, 500, "transaction_id was used with other parameters"),
        (Error::Missing("amount"), 200, 500, "Missing parameter amount"),
        (Error::Invalid("customer_ip"), 200, 500, "Invalid parameter customer_ip"),
        (Error::NotFound("row in table x"), 200, 500, "Not possible now"),
        (Error::Conflict("a sentence for staff".to_owned()), 200, 500, "Not possible now"),
        (Error::NotPermitted("viewer"), 200, 500, "Not possible now"),
        (Error::Busy, 503, 500, "Temporarily unavailable"),
        (Error::Closed("why".to_owned()), 503, 500, "Temporarily unavailable"),
        (Error::NoConnection("postgres://secret".to_owned()), 503, 500, "Temporarily unavailable"),
        (Error::Internal("line 7".to_owned()), 503, 500, "Temporarily unavailable"),
    ];
    for (error, http, code, text) in cases {
        let outcome = Err(error);
        for answer in [deposit(&outcome), payout(&outcome)] {
            assert_eq!((answer.http, answer.code), (http, code), "{text}");
            assert_eq!(answer.to_json(), format!("{{\"code\":{code},\"error_description\":\"{text}\"}}"));
        }
    }
}

#[test]
fn a_yes_is_0_for_a_deposit_and_50_for_a_payout() {
    let order = Ok(ExternalId::parse("order_1").unwrap());

    assert_eq!(deposit(&order).to_json(), r#"{"code":0,"external_id":"order_1"}"#);
    assert_eq!(payout(&order).to_json(), r#"{"code":50,"external_id":"order_1"}"#);
    assert_eq!((deposit(&order).http, payout(&order).http), (200, 200));
}

#[test]
fn what_could_not_be_read_is_refused_by_the_status_of_its_route() {
    let cases = [
        (ReadError::Unreadable("x"), 400, 400, "Unreadable request: x"),
        (ReadError::NotOneSet("x"), 200, 403, "Invalid parameter: x"),
        (ReadError::UnsupportedMedia, 415, 415, "Unsupported content type"),
        (ReadError::UnknownAction, 200, 403, "Unknown action"),
        (ReadError::UnknownSite, 200, 403, "Unknown site"),
        (ReadError::AddressNotAllowed, 200, 403, "Address is not allowed"),
        (ReadError::InvalidSignature, 200, 403, "Invalid signature"),
        (ReadError::Field(Error::Missing("amount")), 200, 400, "Missing parameter amount"),
        (ReadError::Field(Error::InvalidAmount), 200, 400, "Invalid amount"),
    ];
    for (error, callback, webhook, text) in cases {
        let (question, notification) = (unread_question(&error), unread_notification(&error));

        assert_eq!((question.http, notification.http), (callback, webhook), "{text}");
        for answer in [question, notification] {
            assert_eq!(answer.to_json(), format!("{{\"code\":500,\"error_description\":\"{text}\"}}"));
        }
    }
}

#[test]
fn a_notification_is_acknowledged_in_every_published_way() {
    assert_eq!((acknowledged().http, acknowledged().to_json().as_str()), (200, r#"{"code":0,"result":"ok"}"#));
    let temporary = r#"{"code":500,"error_description":"Temporarily unavailable"}"#;
    assert_eq!((temporarily_unavailable().http, temporarily_unavailable().to_json().as_str()), (503, temporary));
    let refused = not_taken(405, "Method \"PUT\"");
    assert_eq!(
        (refused.http, refused.to_json().as_str()),
        (405, r#"{"code":500,"error_description":"Method \"PUT\""}"#)
    );
}
