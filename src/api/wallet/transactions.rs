//! Moving a player's money for games, undoing bets, and the statement.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::players::{Balance, known};
use crate::api::body::{self, Query};
use crate::api::keys::{self, authorised};
use crate::api::page;
use crate::api::path_part;
use crate::api::problem::{self, Problem};
use crate::clock;
use crate::db;
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
    /// `bet` takes. `win`, `refund` and `bonus` add, whatever became of their reference. `adjustment` adds or takes. The scope a key needs:
    /// `play` for the first three, `bonus`, `adjust`.
    #[schema(example = "bet", pattern = "^(bet|win|refund|bonus|adjustment)$")]
    kind: String,
    /// Minor units, an integer of 1 to 10^15. A win may be 0; an adjustment may be negative, and never takes below zero.
    #[schema(example = 250, minimum = -1_000_000_000_000_000_i64, maximum = 1_000_000_000_000_000_i64)]
    amount: i64,
    /// ISO 4217, one of the site's; case does not matter.
    #[schema(example = "USD", min_length = 3, max_length = 3)]
    currency: String,
    /// Your own name, within one player, for what it belongs to, a round: 1 to 128 characters (Unicode code points) without control
    /// characters, compared byte for byte. A rollback names it and undoes every bet of it, so give a bet that may be undone alone a
    /// reference of its own.
    #[schema(example = "round-7", min_length = 1, max_length = 128)]
    reference: String,
    /// Why, at most 1024 characters; adjustments need it.
    #[schema(max_length = 1024)]
    reason: Option<String>,
}

/// What a movement came to. Every repetition gets the same, balances included: show players those of an answer that is no replay.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Moved {
    /// Ours; the `cause` of its line in the statement.
    transaction_id: String,
    /// Minor units, right after it.
    available: i64,
    /// Minor units, right after it.
    held: i64,
    /// Only there when true: the reference was rolled back before this bet came, so **the bet took nothing**. Void the round.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rolled_back: bool,
}

/// Move a player's money
///
/// Once per `Idempotency-Key`, which is unique within a site: a repetition gets the first answer with HTTP 200 and
/// `Idempotent-Replayed: true`, for ever. The same request is the same player, kind, amount, currency, reference and reason, however
/// the JSON is written. After a time-out or 503 repeat with the same key until there is an answer; give a request at least ten seconds.
/// A refusal is not remembered: the same key may go through later, with this request or with another.
///
/// **A bet may be answered 201 with `rolled_back: true`: then it took nothing.** That is so for every bet of a reference that was
/// rolled back, before or after other bets of it. `refund` gives money back and does not touch the bet: to undo a bet use a rollback, and
/// never both.
///
/// Blocked and closed players cannot bet (`player_blocked`); wins, refunds, bonuses, adjustments, rollbacks and repetitions go through.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions", tag = "play", operation_id = "post_transaction",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 128 characters of ASCII, no control characters; blanks around it do not count")),
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
    let reason = sent.reason.filter(|reason| !reason.trim().is_empty());
    let reason = reason.map(|reason| plain_text(&reason, "reason", 1024)).transpose()?;
    let movement = Movement { player, kind, amount: sent.amount, currency, reference, reason };
    state.check_open()?;
    let moved = state
        .db
        .write(transactions::scope(&key, &movement), move |tx| transactions::make(tx, &key, &movement, clock::now()))
        .await?;
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
    /// Every currency the player has ever had money in, after it.
    balances: Vec<Balance>,
    /// The currency of the bet that was undone; of the first one, when there were several.
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
/// Undoes every bet of the player's reference, in every currency, once. The reference is the key: no header and no body are needed, and a
/// repetition gets the first answer. When there is no bet (also when there is only a win) it answers `applied: false` and is
/// remembered: from then on bets of this reference have no effect. Wins, refunds, bonuses and adjustments stay: take them back with an
/// adjustment.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions/{reference}/rollback", tag = "play",
    operation_id = "post_rollback",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("reference" = String, Path, description = "The `reference` of the bet, percent-encoded")),
    responses((status = 200, description = "Undone, or remembered", body = RolledBack,
            headers(("Idempotent-Replayed" = String, description = "`true` when it was done before"))),
        (status = 409, description = "`balance_out_of_range`: nothing was undone, ask the operator", body = problem::Document,
            content_type = "application/problem+json"),
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
    let (done, repeated) = state
        .db
        .write(db::Scope::from(&player), move |tx| rollback::make(tx, &player, &reference, clock::now()))
        .await?;
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
    /// What caused it: `transaction_id` of your own movement, `transaction_id:rollback` of a bet that was undone, or the order's
    /// `external_id` followed by `:credit`, `:reversal`, `:hold`, `:end` or `:correction:N`. Unique.
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

/// A player's statement
///
/// Every journal entry of the player, oldest first. What had no effect (a win of 0, a bet after its rollback) is not in it.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}/transactions", tag = "play", operation_id = "get_statement",
    params(("site_id" = i64, Path), ("site_login" = String, Path),
        ("after" = Option<String>, Query, description = "The cursor of the page before: `next`, or the `id` of its last line"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = page::Page<Line>), problem::Refusals),
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
            // One more than is shown tells whether there is another page.
            statement::lines(conn, PlayerId(row.id), after, limit + 1)
        })
        .await?;
    let line = |line: statement::Line| {
        Ok(Line {
            id: line.id,
            kind: line.kind,
            cause: line.cause,
            reference: line.reference,
            currency: line.currency,
            available_change: line.available_change,
            held_change: line.held_change,
            at: clock::rfc3339(line.at),
        })
    };
    Ok(page::page(lines, limit as usize, |line| line.id.to_string(), line)?)
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
    let missing = || Problem::from(Error::Missing("Idempotency-Key"));
    let key = keys.next().ok_or_else(missing)?;
    if keys.next().is_some() {
        return Err(problem("is given twice"));
    }
    let key = key.to_str().map_err(|_| problem("must be plain ASCII text"))?.trim();
    if key.is_empty() {
        return Err(missing());
    }
    let good = key.len() <= 128 && !key.bytes().any(|b| b.is_ascii_control());
    if good {
        Ok(key.to_owned())
    } else {
        Err(problem("must have 1 to 128 characters, none of them a control character"))
    }
}
