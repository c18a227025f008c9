//! What Carouseller is told. No other file knows these numbers.
//!
//! Source: protocol, "Payment processing" and "Delivery"; texts from the contract, 4.1. HTTP is 200 when we decided a question,
//! 503 when we could not.

use super::super::ReadError;
use crate::error::Error;
use crate::ids::ExternalId;

/// `check_deposit` is allowed; a notification is taken.
const ALLOWED: i32 = 0;
/// `request_payout` is approved.
const APPROVED: i32 = 50;
/// `request_payout`: the player does not have the money.
const NOT_ENOUGH: i32 = 402;
/// Everything else.
const FAILED: i32 = 500;

/// An answer to the Cashier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub http: u16,
    /// `code`
    pub code: i32,
    /// Our order, when the answer is yes.
    pub external_id: Option<String>,
    /// Why not, when the answer is no.
    pub error_description: Option<String>,
    /// `result`, which newer Cashiers look for in the acknowledgement of a notification.
    pub result: Option<&'static str>,
}

impl Answer {
    /// The body: compact JSON.
    pub fn to_json(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut json = format!("{{\"code\":{}", self.code);
        let members = [
            ("external_id", self.external_id.as_deref()),
            ("error_description", self.error_description.as_deref()),
            ("result", self.result),
        ];
        for (name, text) in members.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            json.push_str(&format!(",\"{name}\":{}", quoted(text)));
        }
        json.push('}');
        json
    }
}

/// The answer to `check_deposit`.
pub fn deposit(outcome: &Result<ExternalId, Error>) -> Answer {
    match outcome {
        Ok(order) => yes(ALLOWED, order),
        Err(error) => no(error),
    }
}

/// The answer to `request_payout`.
pub fn payout(outcome: &Result<ExternalId, Error>) -> Answer {
    match outcome {
        Ok(order) => yes(APPROVED, order),
        Err(error) => no(error),
    }
}

/// The answer to a question that could not be accepted as one.
pub fn unread_question(error: &ReadError) -> Answer {
    match error {
        ReadError::Unreadable(why) => failed(400, format!("Unreadable request: {why}")),
        ReadError::NotOneSet(why) => failed(200, format!("Invalid parameter: {why}")),
        ReadError::UnsupportedMedia => failed(415, "Unsupported content type"),
        ReadError::UnknownAction => failed(200, "Unknown action"),
        ReadError::UnknownSite => failed(200, "Unknown site"),
        ReadError::AddressNotAllowed => failed(200, "Address is not allowed"),
        ReadError::InvalidSignature => failed(200, "Invalid signature"),
        ReadError::Field(error) => no(error),
    }
}

/// The answer to a notification that could not be accepted as one. Nothing of it is stored.
pub fn unread_notification(error: &ReadError) -> Answer {
    let http = match error {
        ReadError::Unreadable(_) => 400,
        ReadError::UnsupportedMedia => 415,
        ReadError::NotOneSet(_)
        | ReadError::UnknownAction
        | ReadError::UnknownSite
        | ReadError::AddressNotAllowed
        | ReadError::InvalidSignature => 403,
        ReadError::Field(error) if error.is_refusal() => 400,
        ReadError::Field(_) => 503,
    };
    Answer { http, code: FAILED, ..unread_question(error) }
}

/// The answer to a notification whose effect, or whose record, is durable.
pub fn acknowledged() -> Answer {
    Answer { http: 200, code: ALLOWED, external_id: None, error_description: None, result: Some("ok") }
}

/// We could not decide or store: the Cashier should come again.
pub fn temporarily_unavailable() -> Answer {
    failed(503, "Temporarily unavailable")
}

/// A request that never became a message: wrong method, too slow, too large, too many.
pub fn not_taken(http: u16, why: &str) -> Answer {
    failed(http, why)
}

fn yes(code: i32, order: &ExternalId) -> Answer {
    let external_id = Some(order.as_str().to_owned());
    Answer { http: 200, code, external_id, error_description: None, result: None }
}

fn no(error: &Error) -> Answer {
    match error {
        Error::InvalidAmount => failed(200, "Invalid amount"),
        Error::UnsupportedCurrency => failed(200, "Unsupported currency"),
        Error::UnknownPlayer => failed(200, "User not found"),
        Error::PlayerBlocked => failed(200, "User is blocked"),
        Error::DepositsNotAllowed => failed(200, "Deposits are not allowed"),
        Error::PayoutsNotAllowed => failed(200, "Payouts are not allowed"),
        Error::BelowMinimum => failed(200, "Amount is below the minimum"),
        // A balance beyond the range is an amount we cannot take.
        Error::AboveMaximum | Error::OutOfRange => failed(200, "Amount is above the maximum"),
        Error::InsufficientFunds => Answer { code: NOT_ENOUGH, ..failed(200, "Insufficient funds") },
        Error::ReferenceReused => failed(200, "transaction_id was used with other parameters"),
        Error::Missing(field) => failed(200, format!("Missing parameter {field}")),
        Error::Invalid(field) => failed(200, format!("Invalid parameter {field}")),
        // Staff's refusals: the Cashier's questions do not lead to them, and their texts are not for the Cashier.
        Error::NotFound(_) | Error::Conflict(_) | Error::NotPermitted(_) => failed(200, "Not possible now"),
        Error::TooMany(_)
        | Error::Provider(_)
        | Error::Busy
        | Error::Closed(_)
        | Error::Database(_)
        | Error::NoConnection(_)
        | Error::Internal(_) => temporarily_unavailable(),
    }
}

fn failed(http: u16, why: impl Into<String>) -> Answer {
    Answer { http, code: FAILED, external_id: None, error_description: Some(why.into()), result: None }
}
