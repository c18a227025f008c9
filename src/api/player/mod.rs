//! `/cashier` for players, in the shape of ScaleTrade's Cashier API (contract, part 4.2). One file per method.

mod brackets;
pub(super) mod deposit;
mod error;
mod fields;
pub(super) mod methods;
pub(super) mod show;
pub(super) mod transactions;
pub(super) mod withdrawal;

use std::sync::Arc;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::cashier::{session, token};
use crate::clock;
use crate::ids::SiteId;
use crate::players::PlayerRow;
use crate::settings::Site;
use crate::state::State;

pub(super) use error::{Body, Refusal, Refusals};

/// The routes of players, each with an answer for other methods.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/cashier/methods").route(web::get().to(methods::list)).default_service(wrong_method("GET")),
        )
        .service(
            web::resource("/cashier/deposit")
                .route(web::post().to(deposit::create))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/cashier/withdrawal")
                .route(web::post().to(withdrawal::create))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/cashier/withdrawal/{id}/cancel")
                .route(web::post().to(withdrawal::cancel))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/cashier/transactions")
                .route(web::get().to(transactions::list))
                .default_service(wrong_method("GET")),
        )
        .service(
            web::resource("/cashier/transactions/{id}")
                .route(web::get().to(transactions::one))
                .default_service(wrong_method("GET")),
        );
}

fn wrong_method(allow: &'static str) -> actix_web::Route {
    web::to(move || async move { Err::<HttpResponse, _>(Refusal::method_not_allowed(allow)) })
}

/// Who asks: an active player with a good token, and their site.
#[derive(Clone)]
pub(super) struct Session {
    pub site: Arc<Site>,
    pub player: PlayerRow,
}

impl Session {
    /// Reads the token, and the player's row as it is now.
    ///
    /// # Errors
    ///
    /// 401 without a good token, 403 for a player who is not active, 503 when nobody can say.
    pub(super) async fn of(request: &HttpRequest, state: &State) -> Result<Self, Refusal> {
        let token = token(request).ok_or_else(Refusal::no_session)?.to_owned();
        let at = clock::now();
        let row = state.db.read(move |conn| session::holder(conn, &token, at)).await?;
        let player = row.ok_or_else(Refusal::no_session)?;
        let site = state.site(SiteId(player.site_id)).ok_or_else(Refusal::no_session)?.clone();
        if player.status == "active" { Ok(Self { site, player }) } else { Err(Refusal::disabled()) }
    }
}

/// The token of a request, with `Bearer` before it or without. Two headers are none.
fn token(request: &HttpRequest) -> Option<&str> {
    let mut all = request.headers().get_all(AUTHORIZATION);
    let (first, second) = (all.next()?, all.next());
    let text = match (first.to_str(), second) {
        (Ok(text), None) => text.trim(),
        (Ok(_), Some(_)) | (Err(_), _) => return None,
    };
    let token = match text.split_once(' ') {
        None => Some(text),
        Some((scheme, token)) => scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()),
    };
    token.filter(|token| token::could_be(token))
}

/// An answer that no cache keeps.
fn answer(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(body)
}
