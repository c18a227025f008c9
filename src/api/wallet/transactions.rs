//! Moving a player's money for games, undoing bets, and the statement.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::players::{Balance, known};
use crate::api::body::{self, Query};
use crate::api::keys::{self, authorised};
use crate::api::path_part;
use crate::api::problem::{self, Problem};
use crate::clock;
use crate::error::Error;
use crate::ids::plain_text;
use crate::ledger::PlayerId;
use crate::money::Currency;
use crate::settings::Scope;
use crate::state::State;
use crate::wallet::transactions::{self, Kind, Movement};
use crate::wallet::{rollback, statement};

/// A page of a statement when the caller does not say.
const PAGE: i64 = 50;
/// The longest page.
const LONGEST_PAGE: i64 = 500;

/// What a key must be good for.
fn scope_of(kind: Kind) -> Scope {
    match kind {
        Kind::Bet | Kind::Win | Kind::Refund => Scope::Play,
        Kind::Bonus => Scope::Bonus,
        Kind::Adjustment => Scope::Adjust,
    }
}

/// A movement of a player's money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Transaction {
    /// `bet` takes; `win`, `refund` and `bonus` add; `adjustment` adds or takes.
    #[schema(example = "bet")]
    kind: String,
    /// Minor units, an integer of 1 to 10^15. A win may be 0; an adjustment may be negative, and never takes below zero.
    #[schema(example = 250)]
    amount: i64,
    /// ISO 4217, one of the site's.
    #[schema(example = "USD")]
    currency: String,
    /// Your own name for what it belongs to, a round: 1 to 128 characters. A rollback names it.
    #[schema(example = "round-7")]
    reference: String,
    /// Why, at most 1024 characters; adjustments need it.
    reason: Option<String>,
}

/// What a movement came to. Every repetition gets the same.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Moved {
    transaction_id: String,
    /// Minor units, after it.
    available: i64,
    /// Minor units, after it.
    held: i64,
    /// Only there when true: the bet's rollback came first, so it had no effect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rolled_back: bool,
}

/// Move a player's money
///
/// Once per `Idempotency-Key`, which is unique within a site: a repetition gets the first answer with HTTP 200 and
/// `Idempotent-Replayed: true`, for ever. After a time-out repeat with the same key until there is an answer. A refusal is not
/// remembered: the same key may go through later.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions", tag = "play", operation_id = "post_transaction",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 128 characters of visible ASCII")),
    request_body = Transaction,
    responses((status = 201, description = "Done", body = Moved),
        (status = 200, description = "Done before: the first answer", body = Moved,
            headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 402, description = "`insufficient_funds`", body = problem::Document, content_type = "application/problem+json"),
        (status = 409, description = "`idempotency_key_reused` with another body, or `balance_out_of_range`",
            body = problem::Document, content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn post_transaction(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let caller = keys::caller(&request, &state)?;
    let (site, player) = caller.player(&request)?;
    let key = idempotency_key(&request)?;
    let sent: Transaction = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let kind = Kind::from_name(&sent.kind)
        .ok_or_else(|| Problem::field("kind", "must be bet, win, refund, bonus or adjustment"))?;
    caller.may(scope_of(kind))?;
    let currency = Currency::parse(&sent.currency).ok().filter(|currency| site.currencies.contains(currency));
    let currency = currency.ok_or(Error::UnsupportedCurrency)?;
    let reference = plain_text(&sent.reference, "reference", 128)?;
    let reason = sent.reason.map(|reason| plain_text(&reason, "reason", 1024)).transpose()?;
    let movement = Movement { player, kind, amount: sent.amount, currency, reference, reason };
    state.check_open()?;
    let moved = state.db.write(move |tx| transactions::make(tx, &key, &movement, clock::now())).await?;
    let answer = Moved {
        transaction_id: moved.transaction_id,
        available: moved.balance.available,
        held: moved.balance.held,
        rolled_back: moved.rolled_back,
    };
    Ok(replayable(StatusCode::CREATED, moved.repeated).json(answer))
}

/// What a rollback came to. Every repetition gets the same.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct RolledBack {
    /// Whether there was a bet to undo. When not, a bet that comes later has no effect.
    applied: bool,
    /// Everything the player has, after it.
    balances: Vec<Balance>,
    /// The currency of the bet that was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// Minor units in that currency, after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<i64>,
    /// Minor units in that currency, after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<i64>,
}

/// Undo the bets of a reference
///
/// Undoes every bet of the reference, once; the reference is the key. Before its bet it is remembered, and the bet then has no
/// effect. Wins stay: take them back with an adjustment.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions/{reference}/rollback", tag = "play",
    operation_id = "post_rollback",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("reference" = String, Path, description = "The `reference` of the bet, percent-encoded")),
    responses((status = 200, description = "Undone, or remembered", body = RolledBack,
            headers(("Idempotent-Replayed" = String, description = "`true` when it was done before"))),
        problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn post_rollback(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Play)?;
    let reference = path_part(&request, "reference")?;
    let reference = plain_text(&reference, "reference", 128)?;
    state.check_open()?;
    let (done, repeated) = state.db.write(move |tx| rollback::make(tx, &player, &reference, clock::now())).await?;
    let own = done.balances.iter().find(|(currency, _, _)| Some(currency) == done.currency.as_ref());
    let answer = RolledBack {
        applied: done.applied,
        currency: own.map(|(currency, _, _)| currency.clone()),
        available: own.map(|(_, available, _)| *available),
        held: own.map(|(_, _, held)| *held),
        balances: done
            .balances
            .iter()
            .map(|(currency, available, held)| Balance {
                currency: currency.clone(),
                available: *available,
                held: *held,
            })
            .collect(),
    };
    Ok(replayable(StatusCode::OK, repeated).json(answer))
}

/// One line of a statement: what a journal entry did to the player's money.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Line {
    /// The entry's number; also the cursor.
    id: i64,
    /// `bet`, `win`, `refund`, `rollback`, `bonus`, `adjustment`, `deposit`, `deposit_refund`, `chargeback`, `hold`, `capture`,
    /// `release` or `payout_correction`.
    kind: String,
    /// What caused it: a transaction's or an order's id, with what it did.
    cause: String,
    /// Your own reference, where a transaction of yours caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    currency: String,
    /// Minor units.
    available_change: i64,
    /// Minor units.
    held_change: i64,
    /// RFC 3339.
    at: String,
}

/// A page of a statement, oldest first.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Statement {
    items: Vec<Line>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// A player's statement
///
/// Every journal entry of the player, oldest first. What had no effect (a win of 0, a bet after its rollback) is not in it.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions", tag = "play", operation_id = "get_statement",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("after" = Option<String>, Query, description = "The cursor of the page before: `next`, or the `id` of its last line"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = Statement), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn get_statement(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Read)?;
    let query = Query::read(request.query_string(), &["after", "limit"])?;
    let after = query.integer("after", 0, 0..=i64::MAX)?;
    let limit = query.integer("limit", PAGE, 1..=LONGEST_PAGE)?;
    let lines = state
        .db
        .read(move |conn| {
            let row = known(conn, &player)?;
            statement::lines(conn, PlayerId(row.id), after, limit)
        })
        .await?;
    let full = i64::try_from(lines.len()).is_ok_and(|count| count == limit);
    let next = lines.last().filter(|_| full).map(|line| line.id.to_string());
    let line = |line: statement::Line| Line {
        id: line.id,
        kind: line.kind,
        cause: line.cause,
        reference: line.reference,
        currency: line.currency,
        available_change: line.available_change,
        held_change: line.held_change,
        at: clock::rfc3339(line.at),
    };
    Ok(HttpResponse::Ok().json(Statement { items: lines.into_iter().map(line).collect(), next }))
}

/// A repetition gets the first answer, with 200 and a header that says so.
fn replayable(first: StatusCode, repeated: bool) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::build(if repeated { StatusCode::OK } else { first });
    if repeated {
        answer.insert_header(("idempotent-replayed", "true"));
    }
    answer
}

fn idempotency_key(request: &HttpRequest) -> Result<String, Problem> {
    let mut keys = request.headers().get_all("idempotency-key");
    let problem = |reason: &str| Problem::field("Idempotency-Key", reason);
    let key = keys.next().ok_or_else(|| problem("is missing: the header is required"))?;
    if keys.next().is_some() {
        return Err(problem("is given twice"));
    }
    let key = key.to_str().map_err(|_| problem("must be plain ASCII text"))?.trim();
    if key.is_empty() || key.len() > 128 { Err(problem("must have 1 to 128 characters")) } else { Ok(key.to_owned()) }
}
