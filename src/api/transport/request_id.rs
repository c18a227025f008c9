//! The name of a request, so that both sides find it in their logs: the caller's own, or one of ours.

use actix_http::{Request, Response};
use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::Side;
use crate::ids::time_ordered;

/// The header, in requests and answers.
const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// The longest one of a caller that is taken over.
const LONGEST: usize = 128;

/// The caller's name for the request, when it is 1 to 128 visible ASCII characters; on the private listener otherwise one of ours. The
/// Cashier does not ask for one, so its requests do not pay for one.
pub(super) fn of(request: &Request, side: Side) -> Option<HeaderValue> {
    let own = request.headers().get(NAME).filter(|value| is_good(value.as_bytes())).cloned();
    match side {
        Side::Public => own,
        Side::Private => own.or_else(|| HeaderValue::from_str(&time_ordered()).ok()),
    }
}

fn is_good(value: &[u8]) -> bool {
    (1..=LONGEST).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic)
}

/// Puts it on the answer. What could not be answered is said with it in the log.
pub(super) fn put(id: Option<HeaderValue>, response: &mut Response<BoxBody>) {
    let Some(id) = id else { return };
    let status = response.status();
    if status.is_server_error() {
        log::warn!("request {}: answered {}", id.to_str().unwrap_or("?"), status.as_u16());
    }
    response.headers_mut().insert(NAME, id);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: &str) -> Request {
        let mut request = Request::new();
        request.headers_mut().insert(NAME, HeaderValue::from_bytes(id.as_bytes()).expect("a header"));
        request
    }

    #[test]
    fn a_good_name_comes_back_and_others_are_replaced_or_left_out() {
        let good = "req-7/ä".replace('ä', "a");
        for side in [Side::Public, Side::Private] {
            assert_eq!(of(&asked(&good), side).expect("a name"), good.as_str());
        }
        for bad in ["", "a b", "ä", &"x".repeat(129)] {
            assert_eq!(of(&asked(bad), Side::Public), None, "{bad}");
            assert_ne!(of(&asked(bad), Side::Private).expect("ours"), bad.as_bytes(), "{bad}");
        }
        assert_eq!(of(&Request::new(), Side::Public), None);
        assert_eq!(of(&Request::new(), Side::Private).expect("ours").len(), 32);
    }
}
