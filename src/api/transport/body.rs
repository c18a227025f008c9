//! Reads the body of a request within its limits.

use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use futures_util::StreamExt;

use super::guard::Verdict;
use super::head::Fault;

/// Why a body could not be had. As an answer it has the form of the listener it came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// 400: the body broke off or its chunks cannot be read.
    #[error("the body cannot be read")]
    Unreadable,
    /// 408: the whole request did not arrive in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// 413: longer than the limit, or announced to be.
    #[error("the body is too large")]
    TooLarge,
    /// 415: compressed. We never inflate what somebody else packed.
    #[error("the body is compressed")]
    Compressed,
}

impl ResponseError for TransportError {
    fn status_code(&self) -> StatusCode {
        match self {
            TransportError::Unreadable => StatusCode::BAD_REQUEST,
            TransportError::Timeout => StatusCode::REQUEST_TIMEOUT,
            TransportError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            TransportError::Compressed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// Reads the whole body, at most `limit` bytes. The time limit of the whole request is kept by the connection.
///
/// # Errors
///
/// Why it could not be had; the connection is closed after the answer, but for `Compressed` with an empty body.
pub async fn read_body(
    request: &HttpRequest,
    payload: &mut web::Payload,
    limit: usize,
) -> Result<Bytes, TransportError> {
    refuse_compressed(request)?;
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limit as u64) {
        return Err(TransportError::TooLarge);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| why(request))?;
        if first.len() + all.len() + chunk.len() > limit {
            return Err(TransportError::TooLarge);
        }
        // Nearly every body is one chunk, which then needs no copy.
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&chunk);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Any content coding but `identity`, in any of several fields, makes the body something else than its bytes.
fn refuse_compressed(request: &HttpRequest) -> Result<(), TransportError> {
    let plain = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"identity");
    let all_plain = request.headers().get_all(CONTENT_ENCODING).all(|value| plain(value.as_bytes()));
    if all_plain { Ok(()) } else { Err(TransportError::Compressed) }
}

/// A body that ended early, in the words of whoever ended it.
fn why(request: &HttpRequest) -> TransportError {
    match request.conn_data::<Rc<Verdict>>().and_then(|verdict| verdict.body.get()) {
        Some(Fault::Timeout) => TransportError::Timeout,
        Some(Fault::TooLarge) => TransportError::TooLarge,
        Some(Fault::Unreadable | Fault::AddressTooLong | Fault::HeadTooLarge) | None => TransportError::Unreadable,
    }
}
