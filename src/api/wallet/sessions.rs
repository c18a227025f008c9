//! A player's session for the players' API.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body;
use crate::api::keys::authorised;
use crate::api::problem::{self, Problem};
use crate::cashier::{accounts, session};
use crate::clock;
use crate::db;
use crate::error::Error;
use crate::settings::Scope;
use crate::state::State;

/// Nothing is chosen yet; the body may be left out.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OpenSession {}

/// A player's account in one currency.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierAccount)]
pub(in crate::api) struct Account {
    /// What ScaleTrade calls the account: the customer's number and the currency's.
    #[schema(example = 5840)]
    login: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

/// An open session.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SessionOpened {
    /// What the player's front end sends in `Authorization`.
    token: String,
    /// From when on it is good no more.
    #[schema(example = "2026-11-21T02:54:21.000000Z")]
    expires_at: String,
    /// The player's number.
    #[schema(example = 5)]
    customer_id: i64,
    /// One for each currency of the site.
    accounts: Vec<Account>,
}

/// Open a session for a player
///
/// The token is good for the players' API, for `wallet.session_seconds`, and no longer than the player is active.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/session", tag = "cashier", operation_id = "open_session",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    request_body = Option<OpenSession>,
    responses((status = 201, description = "The session is open", body = SessionOpened), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn open_session(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Cashier)?;
    let OpenSession {} = body::optional(&request, payload, state.settings.server.max_body_bytes).await?;
    state.check_open()?;
    let seconds = state.settings.wallet.session_seconds;
    let opened =
        state.db.write(db::Scope::from(&player), move |tx| session::open(tx, &player, seconds, clock::now())).await?;
    let account = |currency: &crate::money::Currency| -> Result<Account, Error> {
        let login = accounts::number(opened.player.id, *currency)?;
        Ok(Account { login, currency: currency.code().to_owned() })
    };
    let accounts = site.currencies.iter().map(account).collect::<Result<Vec<_>, Error>>()?;
    let mut answer = HttpResponse::build(StatusCode::CREATED);
    Ok(answer.insert_header(("cache-control", "no-store")).json(SessionOpened {
        token: opened.token,
        expires_at: clock::rfc3339(opened.expires_at),
        customer_id: opened.player.id,
        accounts,
    }))
}
