//! `POST /cashier/deposit`: an order, and where the player pays it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::show::Shown;
use super::{Refusal, Refusals, Session, answer, fields};
use crate::api::{body, peer, quiet};
use crate::cashier::deposit::{self, Begun, Wanted};
use crate::cashier::doors::Turn;
use crate::cashier::metadata::Metadata;
use crate::cashier::open::{self, Wish};
use crate::cashier::{requests, transactions};
use crate::clock;
use crate::db::Scope;
use crate::error::Error;
use crate::ids::ExternalId;
use crate::orders::Status;
use crate::players::Known;
use crate::state::State;

/// What a player asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Deposit {
    /// An account of the player (a number), or the player's own name; without it, any.
    #[schema(value_type = Option<i64>, example = 5840)]
    login: Option<Box<RawValue>>,
    /// As in `GET /cashier/methods`; may be left out where the site has one.
    #[schema(example = "carouseller")]
    provider: Option<String>,
    /// As in `GET /cashier/methods`; may be left out where one is open to the player.
    #[schema(example = "card")]
    method: Option<String>,
    /// Decimals of the currency, as a number or a text. Read digit by digit.
    #[schema(value_type = f64, example = 250.00)]
    amount: Box<RawValue>,
    /// ISO 4217, the account's.
    #[schema(example = "USD")]
    currency: String,
    /// 1 to 128 characters; a repetition with it has no second effect.
    #[schema(example = "0f9bb0e7-642d-4b70-b458-62e3993c7d2d")]
    idempotency_key: Option<String>,
    /// Where the player goes after a payment; http or https, at most 2048 characters. Kept with the order.
    success_url: Option<String>,
    /// Where the player goes after none.
    failure_url: Option<String>,
    /// At most 512 characters.
    comment: Option<String>,
    /// A text that holds a JSON object of at most 8 KB.
    metadata_json: Option<String>,
}

impl Deposit {
    fn read(self, session: &Session) -> Result<Wanted, Refusal> {
        let account = fields::account(session, self.login.as_deref())?;
        let currency = fields::currency(session, account, &self.currency)?;
        Ok(Wanted {
            amount: fields::amount(&self.amount, currency)?,
            provider: self.provider.filter(|name| !name.is_empty()),
            method: self.method.filter(|name| !name.is_empty()),
            idempotency_key: requests::read_key(self.idempotency_key)?,
            comment: requests::read_comment(self.comment.as_deref())?,
            metadata: Metadata::read(self.metadata_json.as_deref())?,
            urls: [
                deposit::read_url(self.success_url, "success_url")?,
                deposit::read_url(self.failure_url, "failure_url")?,
            ],
        })
    }
}

/// A deposit, and where it is paid.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierDepositAnswer)]
pub(in crate::api) struct Answer {
    transaction: Shown,
    /// `REDIRECT`, while there is somewhere to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<&'static str>,
    /// Where the player pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
}

/// Begin a deposit
///
/// Writes the order, opens the Cashier, and says where the player pays. The Cashier's own question goes on with the same order.
#[utoipa::path(
    post, path = "/cashier/deposit", tag = "player", operation_id = "create_cashier_deposit",
    request_body = Deposit,
    responses((status = 200, description = "The deposit, in its present state", body = Answer),
        (status = 409, description = "`IDEMPOTENCY_KEY_REUSED`", body = super::Body),
        (status = 502, description = "`PROVIDER_ERROR`: the Cashier could not be opened, the deposit has failed", body = super::Body),
        Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn create(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let sent: Deposit = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let wanted = sent.read(&session)?;
    state.check_open()?;
    let currency = wanted.amount.currency();
    let (site, player) = (Arc::clone(&session.site), session.player.clone());
    let begun = state
        .db
        .write(Scope::Number(session.player.id), move |tx| deposit::begin(tx, &site, &player, &wanted, clock::now()))
        .await?;
    match begun {
        Begun::Before(id) => shown(&state, session, id, None).await,
        Begun::NotOffered(why) => Err(why.into()),
        Begun::NoSuchMethod => {
            let message = "this site has no such method of this provider";
            let refusal = Refusal::new(StatusCode::FORBIDDEN, "PAYMENT_METHOD_NOT_AVAILABLE", message);
            Err(refusal.in_field("method"))
        }
        Begun::NotNamed => Err(Refusal::field("method", "must be named: several are open to this player")),
        Begun::Open(id) => {
            let _turn = match state.doors.ask(&id) {
                Turn::Yours(turn) => turn,
                Turn::UnderWay(waiting) => {
                    if let Some(waiting) = waiting {
                        waiting.ended().await;
                    }
                    return shown(&state, session, id, None).await;
                }
                Turn::Full => return Err(Error::Busy.into()),
            };
            let customer_ip = peer::address(&request, &state.settings.server.trusted_proxies);
            // 1: the Cashier opens at the deposit, without its tabs.
            let wish = Wish { currency, customer_ip, chosen: vec![("force_action".to_owned(), "1".to_owned())] };
            let opened = open::open(&state.carouseller, &state.outgoing, &session.site, &session.player, wish).await;
            let failed = note(&state, &id, opened).await?;
            shown(&state, session, id, failed).await
        }
    }
}

/// Keeps what came of opening the Cashier; gives back what went wrong.
async fn note(state: &State, id: &ExternalId, opened: Result<open::Opened, Error>) -> Result<Option<Error>, Refusal> {
    let order = id.clone();
    match opened {
        Ok(door) => {
            state.db.write(Scope::from(id), move |tx| deposit::opened(tx, &order, &door.url, clock::now())).await?;
            Ok(None)
        }
        Err(error) => {
            let reason = error.to_string();
            quiet::say(|| format!("deposit {id}: the Cashier could not be opened: {reason}"));
            state.db.write(Scope::from(id), move |tx| deposit::not_opened(tx, &order, &reason, clock::now())).await?;
            Ok(Some(Error::Provider(error.to_string())))
        }
    }
}

/// The deposit in its present state. `failed`: why it could not be opened, which counts when nobody else opened it meanwhile.
async fn shown(
    state: &State,
    session: Session,
    id: ExternalId,
    failed: Option<Error>,
) -> Result<HttpResponse, Refusal> {
    let Session { site, player } = session.clone();
    let found = state.db.read(move |conn| {
        let row = transactions::find(conn, &player, &site, &id)?;
        let request = requests::of_order(conn, &id)?;
        Ok((row, request))
    });
    let excluded = Known::from(&session.player).is_excluded(clock::now());
    let (row, request) = found.await?;
    let (url, reason) = request.map(|request| (request.redirect_url, request.failure_reason)).unwrap_or_default();
    if row.status == Status::Failed && !reason.is_empty() && failed.is_none() {
        // The first answer was that it could not be opened, and so is every other.
        return Err(Error::Provider(reason).into());
    }
    let waits = matches!(row.status, Status::Created | Status::PendingPayment) && !excluded;
    let redirect_url = url.filter(|_| waits);
    match (failed, &redirect_url) {
        (Some(error), None) => Err(error.into()),
        (Some(_), Some(_)) | (None, _) => {
            let next_action = redirect_url.as_ref().map(|_| "REDIRECT");
            Ok(answer(Answer { transaction: Shown::of(row)?, next_action, redirect_url }))
        }
    }
}
