//! `/wallet/v1`: the game server's API.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::body::{self, Query};
use super::keys::{self, authorised};
use super::problem::Problem;
use crate::clock;
use crate::db::DbConn;
use crate::error::Error;
use crate::ids::{Player, plain_text};
use crate::ledger::{self, PlayerId};
use crate::money::Currency;
use crate::players::{self, Change, PlayerRow};
use crate::settings::Scope;
use crate::state::State;
use crate::wallet::rollback;
use crate::wallet::statement;
use crate::wallet::transactions::{self, Kind, Movement};

/// A page of a statement when the caller does not say.
const PAGE: i64 = 50;
/// The longest page.
const LONGEST_PAGE: i64 = 500;

pub(super) fn routes() -> actix_web::Scope {
    let wrong_method = |allow: &'static str| web::to(move || async move { Problem::method_not_allowed(allow) });
    web::scope("/wallet/v1/sites/{site_id}/players/{site_login}")
        .service(
            web::resource("")
                .route(web::put().to(put_player))
                .route(web::get().to(get_player))
                .default_service(wrong_method("GET, PUT")),
        )
        .service(
            web::resource("/transactions")
                .route(web::post().to(post_transaction))
                .route(web::get().to(get_statement))
                .default_service(wrong_method("GET, POST")),
        )
        .service(
            web::resource("/transactions/{reference}/rollback")
                .route(web::post().to(post_rollback))
                .default_service(wrong_method("POST")),
        )
}

async fn put_player(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Players)?;
    let fields: serde_json::Map<String, serde_json::Value> =
        body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let change = read_change(&fields)?;
    state.check_open()?;
    let currencies = site.currencies.clone();
    let (row, created, balances) = state
        .db
        .write(move |tx| {
            let (row, created) = players::put(tx, &player, &change, clock::now())?;
            let balances = ledger::balances(tx.read()?, PlayerId(row.id))?;
            Ok((row, created, balances))
        })
        .await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(shown(&row, &currencies, &balances)?))
}

fn read_change(fields: &serde_json::Map<String, serde_json::Value>) -> Result<Change, Problem> {
    let mut change = Change::default();
    for (name, value) in fields {
        let text = || value.as_str().ok_or_else(|| Problem::field(name, "must be a text"));
        let switch = || value.as_bool().ok_or_else(|| Problem::field(name, "must be true or false"));
        match name.as_str() {
            "status" => match text()? {
                status @ ("active" | "blocked" | "closed") => change.status = Some(status.to_owned()),
                _ => return Err(Problem::field(name, "must be active, blocked or closed")),
            },
            "deposit_allowed" => change.deposit_allowed = Some(switch()?),
            "withdrawal_allowed" => change.withdrawal_allowed = Some(switch()?),
            "country" => {
                let code = text()?;
                if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()) {
                    return Err(Problem::field(name, "must be two letters of ISO 3166-1"));
                }
                change.country = Some(code.to_ascii_uppercase());
            }
            field if players::PROFILE_FIELDS.contains(&field) => {
                let value = text()?;
                if value.chars().count() > 256 || value.chars().any(char::is_control) {
                    return Err(Problem::field(name, "must be at most 256 characters without control characters"));
                }
                change.profile.insert(field.to_owned(), value.trim().to_owned());
            }
            _ => {
                return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown_field", "no such field of a player")
                    .in_field(name.chars().take(64).collect::<String>()));
            }
        }
    }
    Ok(change)
}

async fn get_player(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Read)?;
    let (row, balances) = state
        .db
        .read(move |conn| {
            let row = known(conn, &player)?;
            let balances = ledger::balances(conn, PlayerId(row.id))?;
            Ok((row, balances))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown(&row, &site.currencies, &balances)?))
}

fn known(conn: &mut DbConn, player: &Player) -> Result<PlayerRow, Error> {
    players::read(conn, player)?.ok_or(Error::UnknownPlayer)
}

/// A player as the API shows them: every currency of the site, and every other one they have an account in.
fn shown(
    row: &PlayerRow,
    currencies: &[Currency],
    balances: &[(String, ledger::Balance)],
) -> Result<serde_json::Value, Problem> {
    let mut money: BTreeMap<&str, ledger::Balance> =
        currencies.iter().map(|currency| (currency.code(), ledger::Balance::default())).collect();
    money.extend(balances.iter().map(|(code, balance)| (code.as_str(), *balance)));
    let list: Vec<_> = money
        .iter()
        .map(|(code, money)| json!({"currency": code, "available": money.available, "held": money.held}))
        .collect();
    let mut player = json!({
        "site_id": row.site_id,
        "site_login": row.login,
        "status": row.status,
        "deposit_allowed": row.deposit_allowed,
        "withdrawal_allowed": row.withdrawal_allowed,
        "country": row.country,
        "balances": list,
    });
    for (name, value) in row.profile()? {
        player[name] = value.into();
    }
    Ok(player)
}

/// What a key must be good for.
fn scope_of(kind: Kind) -> Scope {
    match kind {
        Kind::Bet | Kind::Win | Kind::Refund => Scope::Play,
        Kind::Bonus => Scope::Bonus,
        Kind::Adjustment => Scope::Adjust,
    }
}

/// The body of a transaction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transaction {
    kind: String,
    amount: i64,
    currency: String,
    reference: String,
    reason: Option<String>,
}

async fn post_transaction(
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
    let mut answer = json!({
        "transaction_id": moved.transaction_id,
        "available": moved.balance.available,
        "held": moved.balance.held,
    });
    if moved.rolled_back {
        answer["rolled_back"] = true.into();
    }
    Ok(replayable(StatusCode::CREATED, moved.repeated).json(answer))
}

async fn post_rollback(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Play)?;
    let reference = super::path_part(&request, "reference")?;
    let reference = plain_text(&reference, "reference", 128)?;
    state.check_open()?;
    let (done, repeated) = state.db.write(move |tx| rollback::make(tx, &player, &reference, clock::now())).await?;
    let balances: Vec<_> = done
        .balances
        .iter()
        .map(|(currency, available, held)| json!({"currency": currency, "available": available, "held": held}))
        .collect();
    let mut answer = json!({"applied": done.applied, "balances": balances});
    let own = done.balances.iter().find(|(currency, _, _)| Some(currency) == done.currency.as_ref());
    if let Some((currency, available, held)) = own {
        answer["currency"] = currency.as_str().into();
        answer["available"] = (*available).into();
        answer["held"] = (*held).into();
    }
    Ok(replayable(StatusCode::OK, repeated).json(answer))
}

async fn get_statement(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
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
    let items: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({
                "id": line.id,
                "kind": line.kind,
                "cause": line.cause,
                "currency": line.currency,
                "available_change": line.available_change,
                "held_change": line.held_change,
                "at": clock::rfc3339(line.at),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": next})))
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
