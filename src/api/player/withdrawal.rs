//! `POST /cashier/withdrawal`, and taking one back.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::show::{One, Shown};
use super::{Refusal, Refusals, Session, answer, fields};
use crate::api::{body, peer};
use crate::cashier::details::Details;
use crate::cashier::metadata::Metadata;
use crate::cashier::withdrawal::{self, TakenBack, Wanted};
use crate::cashier::{requests, transactions};
use crate::clock;
use crate::db::{Scope, WriteTx};
use crate::error::Error;
use crate::ids::ExternalId;
use crate::state::State;

/// What a player asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Withdrawal {
    /// An account of the player (a number), or the player's own name; without it, any.
    #[schema(value_type = Option<i64>, example = 5840)]
    login: Option<Box<RawValue>>,
    /// Decimals of the currency, as a number or a text. Read digit by digit.
    #[schema(value_type = f64, example = 50.00)]
    amount: Box<RawValue>,
    /// ISO 4217, the account's.
    #[schema(example = "USD")]
    currency: String,
    /// 1 to 128 characters; a repetition with it has no second effect.
    #[schema(example = "wd-001")]
    idempotency_key: Option<String>,
    /// As in the settings of the site; may be left out where one provider has a fitting method.
    provider: Option<String>,
    /// As in the settings of the site; may be left out where one method fits.
    #[schema(example = "card")]
    method: Option<String>,
    /// What the method needs, texts by name. Kept sealed until the withdrawal ends; staff see card numbers cut.
    #[schema(value_type = Option<Object>, example = json!({"phone_number": "79161234567"}))]
    details: Option<Details>,
    /// At most 512 characters.
    comment: Option<String>,
    /// A text that holds a JSON object of at most 8 KB; `customer_purse` in it is where the money goes.
    #[schema(example = r#"{"customer_purse":"DE89370400440532013000"}"#)]
    metadata_json: Option<String>,
}

/// Ask for a withdrawal
///
/// The money is held at once, and the request waits for staff (status 9).
#[utoipa::path(
    post, path = "/cashier/withdrawal", tag = "player", operation_id = "create_cashier_withdrawal",
    request_body = Withdrawal,
    responses((status = 200, description = "The withdrawal, in its present state", body = One),
        (status = 409, description = "`INSUFFICIENT_FUNDS`, `IDEMPOTENCY_KEY_REUSED`", body = super::Body), Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn create(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let sent: Withdrawal = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let account = fields::account(&session, sent.login.as_deref())?;
    let currency = fields::currency(&session, account, &sent.currency)?;
    let wanted = Wanted {
        amount: fields::amount(&sent.amount, currency)?,
        idempotency_key: requests::read_key(sent.idempotency_key)?,
        comment: requests::read_comment(sent.comment.as_deref())?,
        metadata: Metadata::read(sent.metadata_json.as_deref())?,
        provider: sent.provider.filter(|name| !name.is_empty()),
        method: sent.method.filter(|name| !name.is_empty()),
        details: sent.details.unwrap_or_default().read()?,
        customer_ip: peer::address(&request, &state.settings.server.trusted_proxies),
    };
    state.check_open()?;
    let (site, player) = (session.site.clone(), session.player.clone());
    let (settings, vault) = (state.settings.clone(), state.vault.clone());
    let make = move |tx: &mut WriteTx<'_>| {
        withdrawal::make(tx, &settings.providers, &vault, &site, &player, &wanted, clock::now())
    };
    let id = state.db.write(Scope::Number(session.player.id), make).await?;
    shown(&state, session, id).await
}

/// Take a withdrawal back
///
/// Only while nothing of it was sent. A repetition answers the cancelled transaction.
#[utoipa::path(
    post, path = "/cashier/withdrawal/{id}/cancel", tag = "player", operation_id = "cancel_cashier_withdrawal",
    params(("id" = String, Path, description = "`id` of the transaction")),
    responses((status = 200, description = "The cancelled withdrawal", body = One),
        (status = 404, description = "`NOT_FOUND`: no withdrawal of this player", body = super::Body),
        (status = 409, description = "`INVALID_STATE`: it is on its way or has ended", body = super::Body), Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn cancel(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let id = super::transactions::id_in_path(&request)?;
    state.check_open()?;
    let (site, player, order) = (session.site.clone(), session.player.clone(), id.clone());
    let done = state
        .db
        .write(Scope::Number(session.player.id), move |tx| {
            withdrawal::take_back(tx, &site, &player, &order, clock::now())
        })
        .await?;
    match done {
        TakenBack::Done => shown(&state, session, id).await,
        TakenBack::NotOffered => {
            let message = "withdrawals cannot be taken back here: ask the casino";
            Err(Refusal::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message))
        }
    }
}

/// The transaction in its present state.
async fn shown(state: &State, session: Session, id: ExternalId) -> Result<HttpResponse, Refusal> {
    let (site, player) = (Arc::clone(&session.site), session.player);
    let row = state.db.read(move |conn| transactions::find(conn, &player, &site, &id)).await;
    let row = row.map_err(|error| match error {
        Error::NotFound(what) => Error::Internal(format!("the {what} that was just written is not there")),
        other => other,
    })?;
    Ok(answer(One { transaction: Shown::of(row)? }))
}
