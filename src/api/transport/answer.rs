//! What a caller is told when no handler had the say: one table of texts, and one form for each listener.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_http::{ConnectionType, Response};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::Side;
use super::head::Fault;

impl Fault {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Fault::Unreadable => StatusCode::BAD_REQUEST,
            Fault::Timeout => StatusCode::REQUEST_TIMEOUT,
            Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::AddressTooLong => StatusCode::URI_TOO_LONG,
            Fault::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

/// Text for the public listener and `code` for the private one. Other statuses are told by their name.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        400 => ("Request cannot be read", "unreadable_request"),
        401 => ("Unauthorized", "unauthorized"),
        403 => ("Forbidden", "forbidden"),
        404 => ("Not found", "not_found"),
        405 => ("Method not allowed", "method_not_allowed"),
        408 => ("Request took too long", "request_timeout"),
        413 => ("Request is too large", "request_too_large"),
        414 => ("Address is too long", "address_too_long"),
        415 => ("Content type is not supported", "unsupported_media_type"),
        429 => ("Too many requests", "too_many_requests"),
        431 => ("Request header fields are too large", "header_fields_too_large"),
        503 => ("Temporarily unavailable", "temporarily_unavailable"),
        500..=599 => ("Temporarily unavailable", "internal_error"),
        _ => (status.canonical_reason().unwrap_or("Refused"), "refused"),
    }
}

/// The body of an error and its content type: JSON of the Cashier's protocol, or a problem document of RFC 9457.
pub fn error_body(side: Side, status: StatusCode) -> (&'static str, String) {
    let (text, code) = words(status);
    match side {
        Side::Public => ("application/json", json!({ "code": 500, "error_description": text }).to_string()),
        Side::Private => {
            let problem = json!({ "type": "about:blank", "title": text, "status": status.as_u16(), "code": code });
            ("application/problem+json", problem.to_string())
        }
    }
}

/// A whole answer of this status; those that end a connection say so.
pub(super) fn error(side: Side, status: StatusCode) -> Response<BoxBody> {
    dress(side, Response::new(status))
}

/// Gives an error without a proper body one, and ends the connection where the rest of a request cannot be trusted or waited for;
/// everything else passes.
pub(super) fn dress(side: Side, mut response: Response<BoxBody>) -> Response<BoxBody> {
    let status = response.status();
    if matches!(status.as_u16(), 408 | 413 | 414 | 431) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    if !(status.is_client_error() || status.is_server_error()) || has_form(&response) {
        return response;
    }
    let (content_type, body) = error_body(side, status);
    let mut response = response.set_body(BoxBody::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Whether a handler said what the body is. The framework's own errors are plain text or nothing.
fn has_form(response: &Response<BoxBody>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|kind| kind.starts_with(b"application/") || kind.starts_with(b"text/html"))
}

const COUNTED: [u16; 5] = [400, 408, 413, 414, 431];
static COUNTS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// Counts a request that no handler saw.
pub(super) fn count(fault: Fault) {
    if let Some(at) = COUNTED.iter().position(|status| *status == fault.status().as_u16()) {
        COUNTS[at].fetch_add(1, Ordering::Relaxed);
    }
}

/// How many requests were refused before any handler saw them, by status, since the process started.
pub fn refused_total() -> [(u16, u64); 5] {
    std::array::from_fn(|at| (COUNTED[at], COUNTS[at].load(Ordering::Relaxed)))
}
