//! Who comes in, and for what.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use crate::api::problem::Problem;
use crate::db::WriteTx;
use crate::error::Error;
use crate::secret::Secret;
use crate::staff::{Act, Actor, accounts};
use crate::state::State;

/// The bearer of the request's token, when their role allows the act now.
///
/// # Errors
///
/// 401, the same for every reason; 403 when the role does not allow it.
pub async fn enter(state: &State, request: &HttpRequest, act: Act) -> Result<Actor, Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let found = state.db.read(move |conn| accounts::authenticate(conn, &token)).await?;
    let actor = found.ok_or_else(Problem::unauthorized)?;
    if let Err(refusal) = actor.require(act) {
        log::warn!("admin: {} ({}) was refused {act:?}", actor.name, actor.role.name());
        return Err(refusal.into());
    }
    Ok(actor)
}

/// The same permission once more, inside the transaction of the act. It stays as it is until the commit.
///
/// # Errors
///
/// `NotPermitted`.
pub fn still_may(tx: &mut WriteTx<'_>, actor: &Actor, act: Act) -> Result<(), Error> {
    let current = accounts::locked(tx, actor.id)?;
    current.ok_or(Error::NotPermitted(actor.role.name()))?.require(act)
}

/// The token of the one `Authorization: Bearer` header.
fn bearer(request: &HttpRequest) -> Option<Secret> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else { return None };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_one_bearer_header_is_a_token() {
        let read = |headers: &[&str]| {
            let mut request = TestRequest::default();
            for header in headers {
                request = request.append_header((AUTHORIZATION, *header));
            }
            bearer(&request.to_http_request()).map(|token| token.expose().to_owned())
        };

        let refused: [&[&str]; 6] =
            [&[], &[""], &["crp_1"], &["Basic crp_1"], &["Bearer\tcrp_1"], &["Bearer crp_1", "Bearer crp_1"]];
        assert!(refused.iter().all(|headers| read(headers).is_none()));
        assert_eq!(read(&["bearer crp_1"]).as_deref(), Some("crp_1"));
    }
}
