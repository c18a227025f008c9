//! What the players' API answers when it refuses, in ScaleTrade's form: `{"error":"CODE","message":…}`, and `field` where one is at fault.
//!
//! One exhaustive map from [`Error`]. Nothing of our inside gets into a text; the log has it (threats SEC-3).

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::api::problem::Problem;
use crate::cashier::methods::Why;
use crate::error::Error;

/// A refusal, or the news that nothing could be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Refusal {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    allow: Option<&'static str>,
}

/// An error of the players' API.
#[derive(Serialize, ToSchema)]
#[schema(as = PlayerError)]
pub(in crate::api) struct Body<'a> {
    /// A stable word for programs.
    #[schema(example = "INVALID_DATA")]
    error: &'a str,
    /// A sentence for people: what is at fault, and why.
    message: &'a str,
    /// The field or parameter that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// What every route of the players' API may answer besides its own, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers in the OpenAPI document")]
pub(in crate::api) enum Refusals {
    /// `INVALID_DATA`, `CURRENCY_CONVERSION_REQUIRED`, `AMOUNT_OUT_OF_RANGE`
    #[response(status = 400)]
    Bad(Body<'static>),
    /// `INVALID_CUSTOMER_SESSION`: no good token
    #[response(status = 401)]
    NoSession(Body<'static>),
    /// `CUSTOMER_DISABLED`, `PERMISSION_DENIED`, `DEPOSIT_NOT_ALLOWED`, `WITHDRAWAL_NOT_ALLOWED`, `PAYMENT_METHOD_NOT_AVAILABLE`
    #[response(status = 403)]
    Forbidden(Body<'static>),
    /// `TEMPORARILY_UNAVAILABLE`: nothing was decided, repeat the same request
    #[response(status = 503)]
    Unavailable(Body<'static>),
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into(), message: message.into(), field: None, allow: None }
    }

    /// 400: the field or parameter of this name is not acceptable, and why.
    pub(super) fn field(name: impl Into<Cow<'static, str>>, reason: impl fmt::Display) -> Self {
        let name = name.into();
        Self::new(StatusCode::BAD_REQUEST, "INVALID_DATA", format!("{name} {reason}")).in_field(name)
    }

    pub(super) fn in_field(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(name.into()), ..self }
    }

    /// 401, the same for every reason.
    pub(super) fn no_session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_CUSTOMER_SESSION", "a valid session token is needed")
    }

    pub(super) fn disabled() -> Self {
        Self::new(StatusCode::FORBIDDEN, "CUSTOMER_DISABLED", "the player is blocked or closed")
    }

    pub(super) fn foreign_account() -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", "login is not an account of this player")
            .in_field("login")
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let refusal =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "this method is not allowed here");
        Self { allow: Some(allow), ..refusal }
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", "try again later")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.message)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"croupier players\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, "1"));
        }
        if let Some(allow) = self.allow {
            answer.insert_header((ALLOW, allow));
        }
        answer.json(Body { error: &self.code, message: &self.message, field: self.field.as_deref() })
    }
}

impl From<Problem> for Refusal {
    /// What is wrong with a body or a parameter is told in the same words; only the form is another.
    fn from(problem: Problem) -> Self {
        let status = problem.status_code();
        let code = match status {
            StatusCode::BAD_REQUEST => Cow::Borrowed("INVALID_DATA"),
            _ => Cow::Owned(problem.code().to_ascii_uppercase()),
        };
        let message = Cow::Owned(problem.detail().to_owned());
        let field = problem.at_fault().map(|name| Cow::Owned(name.to_owned()));
        Self { status, code, message, field, allow: None }
    }
}

impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        let method = |reason: &'static str| {
            Self::new(StatusCode::FORBIDDEN, "PAYMENT_METHOD_NOT_AVAILABLE", reason).in_field("method")
        };
        match why {
            Why::Gate => Self::from(Error::DepositsNotAllowed),
            Why::Disabled => method("this method is not offered"),
            Why::Provider => method("the provider of this method cannot be reached from here"),
            Why::Denied => method("this method is not offered to this player"),
            Why::Currency => method("this method does not serve this currency"),
            Why::Country => method("this method does not serve the player's country"),
            Why::Limits => method("the limits leave no amount for this method"),
        }
    }
}

/// What a field whose text was refused must be.
fn must_be(field: &str) -> &'static str {
    match field {
        "idempotency_key" => "must be 1 to 128 characters without control characters",
        "comment" => "must be at most 512 characters without control characters",
        "customer_purse" => "must be a text of at most 1024 characters without ; and control characters",
        "metadata_json" => {
            "must be a text that holds a JSON object of at most 8 KB, at most 16 deep, with each name once"
        }
        "success_url" | "failure_url" => "must be an http or https address of at most 2048 characters",
        _ => "is not acceptable",
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let of = |status: StatusCode, code| Self::new(status, code, text.clone());
        let bad = |code| of(StatusCode::BAD_REQUEST, code);
        let forbidden = |code| of(StatusCode::FORBIDDEN, code);
        match error {
            Error::InvalidAmount => {
                Self::field("amount", "must be a decimal of the currency above zero, without sign or exponent")
            }
            Error::UnsupportedCurrency => {
                let message = "currency is not the account's: conversion is not offered";
                Self::new(StatusCode::BAD_REQUEST, "CURRENCY_CONVERSION_REQUIRED", message).in_field("currency")
            }
            Error::AboveMaximum => {
                let message = "amount is above the limit for one movement, or with earlier ones above that of the day, week or month";
                Self::new(StatusCode::BAD_REQUEST, "AMOUNT_OUT_OF_RANGE", message).in_field("amount")
            }
            Error::BelowMinimum | Error::OutOfRange => bad("AMOUNT_OUT_OF_RANGE").in_field("amount"),
            Error::Missing(field) => Self::field(field, "is missing or blank"),
            Error::Invalid(field) => Self::field(field, must_be(field)),
            Error::InsufficientFunds => of(StatusCode::CONFLICT, "INSUFFICIENT_FUNDS").in_field("amount"),
            Error::PlayerBlocked => Self::disabled(),
            Error::DepositsNotAllowed => forbidden("DEPOSIT_NOT_ALLOWED"),
            Error::PayoutsNotAllowed => forbidden("WITHDRAWAL_NOT_ALLOWED"),
            Error::NotPermitted(_) => forbidden("PERMISSION_DENIED"),
            Error::UnknownPlayer => Self::no_session(),
            Error::NotFound(_) => of(StatusCode::NOT_FOUND, "NOT_FOUND"),
            Error::ReferenceReused => {
                let message = "idempotency_key was used for another request";
                Self::new(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED", message).in_field("idempotency_key")
            }
            Error::TooMany(_) => of(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Error::Conflict(_) => of(StatusCode::CONFLICT, "INVALID_STATE"),
            Error::Provider(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "PROVIDER_ERROR", "the payment provider did not take the request")
            }
            Error::Busy | Error::Closed(_) => {
                log::warn!("players: answered 503: {text}");
                Self::unavailable()
            }
            Error::Database(_) | Error::NoConnection(_) | Error::Internal(_) => {
                log::error!("players: answered 503: {text}");
                Self::unavailable()
            }
        }
    }
}
