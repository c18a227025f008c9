//! A player's own deposit limits, self-exclusion and cool-off.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::players::known;
use crate::api::body;
use crate::api::keys::authorised;
use crate::api::problem::{self, Problem};
use crate::clock::{self, Micros, rfc3339};
use crate::db::{self, DbConn};
use crate::deposits;
use crate::error::Error;
use crate::ids::Player;
use crate::ledger::PlayerId;
use crate::limits::Period;
use crate::money::{Currency, MAX_MINOR};
use crate::protection::exclusion::{self, FOR_EVER};
use crate::protection::{self, own_limits};
use crate::settings::Scope;
use crate::state::State;

/// Changes of the log that are shown.
const SHOWN: i64 = 50;

/// A limit to come.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct NextLimit {
    /// Minor units; null: no limit.
    deposit_max: Option<i64>,
    /// From when, RFC 3339.
    from: String,
}

/// What a player may deposit in a currency within a period.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct OwnLimit {
    currency: String,
    /// `day`, `week` (from Monday) or `month`, UTC.
    period: &'static str,
    /// Minor units, in force now; null: no limit.
    deposit_max: Option<i64>,
    /// What the player has asked to deposit in this period, minor units.
    used: i64,
    /// What takes its place later: a limit that was raised or lifted.
    next: Option<NextLimit>,
}

/// One change of a player's protection.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ProtectionChange {
    /// `limit`, `cool_off` or `self_exclusion`.
    act: String,
    detail: String,
    /// RFC 3339.
    at: String,
}

/// What protects a player.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Protection {
    /// Whether deposits are blocked now.
    excluded: bool,
    /// Until when, RFC 3339; null when they are not blocked, or for ever (see `for_ever`).
    excluded_until: Option<String>,
    /// Whether the exclusion has no end.
    for_ever: bool,
    limits: Vec<OwnLimit>,
    /// The newest 50 changes, newest first.
    history: Vec<ProtectionChange>,
}

/// A limit to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LimitWish {
    /// ISO 4217, one of the site's.
    #[schema(example = "USD")]
    currency: String,
    /// `day`, `week` or `month`.
    #[schema(example = "week")]
    period: String,
    /// Minor units, 0 to 10^15; null lifts the limit.
    #[schema(example = 50000)]
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    deposit_max: Option<i64>,
}

/// An exclusion to begin, or to make longer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ExclusionWish {
    /// `cool_off` or `self_exclusion`.
    #[schema(example = "cool_off")]
    kind: String,
    /// RFC 3339; null: for ever.
    #[schema(example = "2027-01-01T00:00:00Z")]
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    until: Option<String>,
}

/// Show what protects a player
///
/// Limits of their own with what is used of them, an exclusion, and the newest changes.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}/protection", tag = "protection",
    operation_id = "get_protection",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    responses((status = 200, description = "Limits, exclusion, and how they came about", body = Protection), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn get_protection(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Read)?;
    let shown = state.db.read(move |conn| show(conn, &player, clock::now())).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// Limit a player's deposits
///
/// A lower limit holds at once. A higher one, or none, comes into force after the site's `raise_limits_after_hours`; until then the old
/// one holds, and a lower wish takes the higher one back. Payouts are never limited by it.
#[utoipa::path(
    put, path = "/wallet/v1/sites/{site_id}/players/{site_login}/protection/limits", tag = "protection",
    operation_id = "put_limit",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    request_body = LimitWish,
    responses((status = 200, description = "What holds now", body = Protection), problem::Refusals, problem::BodyRefusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn put_limit(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Players)?;
    let wish: LimitWish = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let currency = Currency::parse(&wish.currency).ok().filter(|currency| site.currencies.contains(currency));
    let currency = currency.ok_or(Error::UnsupportedCurrency)?;
    let period = Period::from_name(&wish.period);
    let period = period.ok_or_else(|| Problem::field("period", "must be day, week or month"))?;
    if wish.deposit_max.is_some_and(|minor| !(0..=MAX_MINOR).contains(&minor)) {
        return Err(Problem::field("deposit_max", format!("must be an integer of 0 to {MAX_MINOR}, or null")));
    }
    state.check_open()?;
    let hours = site.raise_limits_after_hours;
    let whose = db::Scope::from(&player);
    let change = move |tx: &mut db::WriteTx<'_>| {
        let at = clock::now();
        own_limits::set(tx, &player, (currency, period), wish.deposit_max, hours, at)?;
        show(tx.read()?, &player, at)
    };
    Ok(HttpResponse::Ok().json(state.db.write(whose, change).await?))
}

/// Block a player's deposits
///
/// At once, and until then. It can be made longer, never shorter. Payouts go on.
#[utoipa::path(
    put, path = "/wallet/v1/sites/{site_id}/players/{site_login}/protection/exclusion", tag = "protection",
    operation_id = "put_exclusion",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    request_body = ExclusionWish,
    responses((status = 200, description = "What holds now", body = Protection),
        (status = 409, description = "`conflict`: it would make an exclusion in force shorter", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn put_exclusion(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Players)?;
    let wish: ExclusionWish = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let kind = exclusion::Kind::from_name(&wish.kind);
    let kind = kind.ok_or_else(|| Problem::field("kind", "must be cool_off or self_exclusion"))?;
    let until = match &wish.until {
        None => FOR_EVER,
        Some(text) => clock::parse_rfc3339(text)
            .ok_or_else(|| Problem::field("until", "must be a time as in RFC 3339, or null for ever"))?,
    };
    state.check_open()?;
    let whose = db::Scope::from(&player);
    let change = move |tx: &mut db::WriteTx<'_>| {
        let at = clock::now();
        exclusion::exclude(tx, &player, kind, until, at)?;
        show(tx.read()?, &player, at)
    };
    let shown = state.db.write(whose, change).await.map_err(|error| match error {
        Error::Invalid("until") => Problem::field("until", "must be in the future"),
        error => error.into(),
    })?;
    Ok(HttpResponse::Ok().json(shown))
}

fn show(conn: &mut DbConn, player: &Player, at: Micros) -> Result<Protection, Error> {
    let row = known(conn, player)?;
    let id = PlayerId(row.id);
    let mut limits = Vec::new();
    for limit in own_limits::of(conn, id)? {
        let used = deposits::asked_since(conn, id, Currency::parse(&limit.currency)?, limit.period.start(at), at)?;
        let next = limit.to_come(at).map(|(deposit_max, from)| NextLimit { deposit_max, from: rfc3339(from) });
        let deposit_max = limit.in_force(at);
        limits.push(OwnLimit { currency: limit.currency, period: limit.period.name(), deposit_max, used, next });
    }
    let until = row.excluded_until.filter(|until| at < *until);
    let history = protection::history(conn, id, SHOWN)?
        .into_iter()
        .map(|change| ProtectionChange { act: change.act, detail: change.detail, at: rfc3339(change.at) })
        .collect();
    Ok(Protection {
        excluded: until.is_some(),
        excluded_until: until.filter(|until| *until != FOR_EVER).map(rfc3339),
        for_ever: until == Some(FOR_EVER),
        limits,
        history,
    })
}
