//! What our own APIs answer when they refuse: problem documents of RFC 9457 with a stable `code`.
//!
//! One exhaustive map from [`Error`]. No SQL, path or other inside of ours gets into a text; the log has them (threats SEC-3).

use std::borrow::Cow;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::error::Error;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal, or the news that nothing could be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    field: Option<String>,
    allow: Option<&'static str>,
}

/// A problem document of RFC 9457, media type `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// Always `about:blank`: `code` says more.
    r#type: &'static str,
    /// The words of the HTTP status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A stable word for programs, like `insufficient_funds`.
    code: &'a str,
    /// A sentence for people.
    detail: &'a str,
    /// The field, header or parameter that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// What every route of the private APIs may answer besides its own, for the OpenAPI document.
#[derive(IntoResponses)]
pub enum Refusals {
    /// The request is not as it must be: `missing_field`, `invalid_field`, `unknown_field`, `invalid_amount`,
    /// `unsupported_currency`, `malformed_body`, …; `field` names what is at fault
    #[response(status = 400, content_type = "application/problem+json")]
    Bad(Document<'static>),
    /// `unauthorized`: no good key or token
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Document<'static>),
    /// Not allowed: `scope_missing`, `site_not_permitted`, `not_permitted`, `player_blocked`, …
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Document<'static>),
    /// Nothing there: `unknown_site`, `unknown_player`, `not_found`
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Document<'static>),
    /// `temporarily_unavailable`: nothing was decided, repeat the same request
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Document<'static>),
}

/// What a route that reads a body may answer besides, for the OpenAPI document.
#[derive(IntoResponses)]
pub enum BodyRefusals {
    /// `request_timeout`: the body did not arrive in time
    #[response(status = 408, content_type = "application/problem+json")]
    Late(Document<'static>),
    /// `body_too_large`: longer than `server.max_body_bytes`
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Document<'static>),
    /// `unsupported_media_type`: not `application/json`, or compressed
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(Document<'static>),
}

impl Problem {
    /// A problem with a stable `code` for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), field: None, allow: None }
    }

    /// Names the field, header or parameter that is wrong.
    pub fn in_field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// 400: the field of this name is not acceptable, and why.
    pub fn field(name: impl Into<String>, reason: impl fmt::Display) -> Self {
        let name = name.into();
        Self::new(StatusCode::BAD_REQUEST, "invalid_field", format!("{name} {reason}")).in_field(name)
    }

    /// 401: no credentials, or not good ones. The same answer for every reason.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a valid bearer token is needed")
    }

    /// 404 for an address that leads nowhere.
    pub fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "no such address")
    }

    /// 405, with what is allowed here.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let problem =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this method is not allowed here");
        Self { allow: Some(allow), ..problem }
    }

    /// 503: nothing was decided, and the same request may go through later.
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again later")
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The field, header or parameter that is at fault.
    pub fn at_fault(&self) -> Option<&str> {
        self.field.as_deref()
    }

    fn respond(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"croupier\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((RETRY_AFTER, "1"));
        }
        if let Some(allow) = self.allow {
            answer.insert_header((ALLOW, allow));
        }
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            field: self.field.as_deref(),
        };
        answer.body(serde_json::to_string(&document).expect("texts and a number are always JSON"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.respond()
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse<BoxBody> {
        self.respond()
    }
}

/// What a field whose text was refused must be.
fn must_be(field: &str) -> &'static str {
    match field {
        "site_login" => {
            "must be 1 to 128 characters without control characters, and hold no text that reads like another parameter (;name:)"
        }
        "reference" => "must be 1 to 128 characters without control characters",
        "reason" => "must be 1 to 1024 characters without control characters",
        "external_id" => "must be 1 to 64 letters, digits, _ and -",
        _ => "must hold neither control characters nor text that reads like another parameter",
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let of = |status: StatusCode, code| Self::new(status, code, text.clone());
        match error {
            Error::InvalidAmount => {
                let detail = "amount must be an integer of 1 to 1000000000000000 minor units; a win may be 0, an adjustment negative";
                Self::new(StatusCode::BAD_REQUEST, "invalid_amount", detail).in_field("amount")
            }
            Error::UnsupportedCurrency => {
                let detail = "currency must be one of the site's, as in ISO 4217";
                Self::new(StatusCode::BAD_REQUEST, "unsupported_currency", detail).in_field("currency")
            }
            Error::BelowMinimum => of(StatusCode::BAD_REQUEST, "amount_below_minimum").in_field("amount"),
            Error::AboveMaximum => of(StatusCode::BAD_REQUEST, "amount_above_maximum").in_field("amount"),
            Error::Missing(field) => {
                Self::new(StatusCode::BAD_REQUEST, "missing_field", format!("{field} is missing or blank"))
                    .in_field(field)
            }
            Error::Invalid(field) => Self::field(field, must_be(field)),
            Error::InsufficientFunds => {
                let detail = "amount is more than the player has available";
                Self::new(StatusCode::PAYMENT_REQUIRED, "insufficient_funds", detail).in_field("amount")
            }
            Error::PlayerBlocked => {
                let detail = "the player is blocked or closed";
                Self::new(StatusCode::FORBIDDEN, "player_blocked", detail).in_field("site_login")
            }
            Error::DepositsNotAllowed => of(StatusCode::FORBIDDEN, "deposits_not_allowed"),
            Error::PayoutsNotAllowed => of(StatusCode::FORBIDDEN, "payouts_not_allowed"),
            Error::NotPermitted(_) => of(StatusCode::FORBIDDEN, "not_permitted"),
            Error::UnknownPlayer => of(StatusCode::NOT_FOUND, "unknown_player").in_field("site_login"),
            Error::NotFound(_) => of(StatusCode::NOT_FOUND, "not_found"),
            Error::ReferenceReused => {
                let detail = "Idempotency-Key was used for another request, which stands";
                Self::new(StatusCode::CONFLICT, "idempotency_key_reused", detail).in_field("Idempotency-Key")
            }
            Error::OutOfRange => {
                let detail = "amount would take the balance beyond 1000000000000000000 minor units";
                Self::new(StatusCode::CONFLICT, "balance_out_of_range", detail).in_field("amount")
            }
            Error::Conflict(_) => of(StatusCode::CONFLICT, "conflict"),
            Error::TooMany(_) => of(StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Error::Provider(_) => {
                log::warn!("api: answered 502: {text}");
                let detail = "the Cashier did not do what it was asked; try again later";
                Self::new(StatusCode::BAD_GATEWAY, "provider_error", detail)
            }
            Error::Busy | Error::Closed(_) => {
                log::warn!("api: answered 503: {text}");
                Self::unavailable()
            }
            Error::Database(_) | Error::NoConnection(_) | Error::Internal(_) => {
                log::error!("api: answered 503: {text}");
                Self::unavailable()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use serde_json::{Value, json};

    use super::*;

    fn answer(problem: &Problem) -> (u16, Value) {
        let response = problem.error_response();
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), PROBLEM_JSON);
        let status = response.status().as_u16();
        let bytes = response.into_body().try_into_bytes().unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        let table = [
            (Error::InvalidAmount, 400, "invalid_amount"),
            (Error::UnsupportedCurrency, 400, "unsupported_currency"),
            (Error::BelowMinimum, 400, "amount_below_minimum"),
            (Error::AboveMaximum, 400, "amount_above_maximum"),
            (Error::Missing("reason"), 400, "missing_field"),
            (Error::Invalid("reason"), 400, "invalid_field"),
            (Error::InsufficientFunds, 402, "insufficient_funds"),
            (Error::PlayerBlocked, 403, "player_blocked"),
            (Error::DepositsNotAllowed, 403, "deposits_not_allowed"),
            (Error::PayoutsNotAllowed, 403, "payouts_not_allowed"),
            (Error::NotPermitted("viewer"), 403, "not_permitted"),
            (Error::UnknownPlayer, 404, "unknown_player"),
            (Error::NotFound("payout"), 404, "not_found"),
            (Error::ReferenceReused, 409, "idempotency_key_reused"),
            (Error::OutOfRange, 409, "balance_out_of_range"),
            (Error::Conflict("it is done".into()), 409, "conflict"),
            (Error::TooMany("withdrawals"), 429, "too_many_requests"),
            (Error::Provider("HTTP 500".into()), 502, "provider_error"),
            (Error::Busy, 503, "temporarily_unavailable"),
        ];
        for (error, status, code) in table {
            let (answered, body) = answer(&Problem::from(error));
            assert_eq!((answered, &body["code"], &body["status"]), (status, &json!(code), &json!(status)));
        }
    }

    #[test]
    fn the_document_has_the_members_of_the_standard() {
        let (_, body) = answer(&Problem::from(Error::Missing("reason")));

        let expected = json!({"type": "about:blank", "title": "Bad Request", "status": 400, "code": "missing_field",
            "detail": "reason is missing or blank", "field": "reason"});
        assert_eq!(body, expected);
    }

    #[test]
    fn nothing_of_our_inside_is_told() {
        let inside = [
            Error::Closed("entry 7 of /var/lib/books.db".into()),
            Error::Database(diesel::result::Error::DatabaseError(
                diesel::result::DatabaseErrorKind::Unknown,
                Box::new("no such table: payouts".to_owned()),
            )),
            Error::NoConnection("/var/lib/books.db".into()),
            Error::Internal("salt of site 7".into()),
        ];
        for error in inside {
            let (status, body) = answer(&Problem::from(error));
            assert_eq!((status, &body["detail"]), (503, &json!("try again later")));
        }
    }

    #[test]
    fn headers_say_what_to_do_next() {
        let header = |problem: Problem, name| problem.error_response().headers().get(name).cloned();

        assert!(header(Problem::unauthorized(), WWW_AUTHENTICATE).is_some());
        assert_eq!(header(Problem::unavailable(), RETRY_AFTER).unwrap(), "1");
        assert_eq!(header(Problem::method_not_allowed("GET"), ALLOW).unwrap(), "GET");
        assert!(header(Problem::no_such_route(), WWW_AUTHENTICATE).is_none());
    }
}
