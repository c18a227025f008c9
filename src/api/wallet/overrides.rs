//! Exceptions for one player: methods of the players' API allowed besides the settings, or denied against them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::players::known;
use crate::api::body::{self, Query};
use crate::api::keys::authorised;
use crate::api::problem::{self, Problem};
use crate::cashier::overrides::{self, Override};
use crate::clock::{self, Micros};
use crate::db;
use crate::error::Error;
use crate::ids::plain_text;
use crate::money::{Currency, MAX_MINOR};
use crate::settings::{Scope, Site};
use crate::state::State;

/// An exception, as it is set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SetOverride {
    /// `allow`: whatever the method's currencies and countries say. `deny`: whatever else allows it.
    #[schema(example = "allow")]
    mode: String,
    /// For this currency only; without it for any.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// In the place of the method's smallest deposit, minor units; needs `currency`.
    min_amount: Option<i64>,
    /// In the place of the method's largest deposit, minor units; needs `currency`.
    max_amount: Option<i64>,
    /// Why, for people.
    #[schema(example = "VIP")]
    reason: String,
    /// Until when it counts, RFC 3339; without it for good.
    expires_at: Option<String>,
}

/// An exception.
#[derive(Serialize, ToSchema)]
#[schema(as = MethodOverride)]
pub(in crate::api) struct Shown {
    method: String,
    /// `null`: for any.
    currency: Option<String>,
    /// `allow` or `deny`.
    mode: &'static str,
    min_amount: Option<i64>,
    max_amount: Option<i64>,
    reason: String,
    expires_at: Option<String>,
    updated_at: String,
}

/// The exceptions for a player, expired ones included.
#[derive(Serialize, ToSchema)]
#[schema(as = MethodOverrides)]
pub(in crate::api) struct Listed {
    items: Vec<Shown>,
}

impl From<Override> for Shown {
    fn from(one: Override) -> Self {
        Self {
            method: one.method,
            currency: one.currency.map(|currency| currency.code().to_owned()),
            mode: if one.allow { "allow" } else { "deny" },
            min_amount: one.min_amount,
            max_amount: one.max_amount,
            reason: one.reason,
            expires_at: one.expires_at.map(clock::rfc3339),
            updated_at: clock::rfc3339(one.updated_at),
        }
    }
}

impl SetOverride {
    fn read(self, method: String, site: &Site, at: Micros) -> Result<Override, Problem> {
        let allow = match self.mode.as_str() {
            "allow" => true,
            "deny" => false,
            _ => return Err(Problem::field("mode", "must be allow or deny")),
        };
        let currency = currency(self.currency.as_deref(), site)?;
        for (name, amount) in [("min_amount", self.min_amount), ("max_amount", self.max_amount)] {
            if amount.is_some_and(|amount| !(1..=MAX_MINOR).contains(&amount)) {
                return Err(Problem::field(name, "must be 1 to 10^15 minor units"));
            }
            if amount.is_some() && (currency.is_none() || !allow) {
                return Err(Problem::field(name, "needs a currency, and mode allow"));
            }
        }
        if self.min_amount.zip(self.max_amount).is_some_and(|(min, max)| min > max) {
            return Err(Problem::field("min_amount", "is above max_amount: nothing could pass"));
        }
        Ok(Override {
            method,
            currency,
            allow,
            min_amount: self.min_amount,
            max_amount: self.max_amount,
            reason: plain_text(&self.reason, "reason", 256)?,
            expires_at: self.expires_at.map(|text| end(&text, at)).transpose()?,
            updated_at: at,
        })
    }
}

fn end(text: &str, at: Micros) -> Result<Micros, Problem> {
    let wrong = || Problem::field("expires_at", "must be a time of RFC 3339 in the future");
    let end = clock::parse_rfc3339(text).ok_or_else(wrong)?;
    if end > at { Ok(end) } else { Err(wrong()) }
}

fn currency(text: Option<&str>, site: &Site) -> Result<Option<Currency>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let currency = Currency::parse(text)?;
    if site.currencies.contains(&currency) { Ok(Some(currency)) } else { Err(Error::UnsupportedCurrency.into()) }
}

/// The method in the path: one of the site's.
fn method(request: &HttpRequest, site: &Site) -> Result<String, Problem> {
    let name = crate::api::path_part(request, "method")?;
    if site.methods.iter().any(|method| method.name == name) { Ok(name) } else { Err(Error::NotFound("method").into()) }
}

/// Set an exception for a player
///
/// In the place of an earlier one for the same method and currency.
#[utoipa::path(
    put, path = "/wallet/v1/sites/{site_id}/players/{site_login}/methods/{method}", tag = "players", operation_id = "put_override",
    params(("site_id" = i64, Path), ("site_login" = String, Path), ("method" = String, Path, description = "A method of the site")),
    request_body = SetOverride,
    responses((status = 201, description = "It is set", body = Shown), (status = 200, description = "It took another's place", body = Shown),
        problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn put_override(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Players)?;
    let method = method(&request, site)?;
    let sent: SetOverride = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let one = sent.read(method, site, clock::now())?;
    state.check_open()?;
    let stored = one.clone();
    let created = state.db.write(db::Scope::from(&player), move |tx| {
        let row = known(tx.read()?, &player)?;
        overrides::put(tx, row.id, &stored)
    });
    let status = if created.await? { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(Shown::from(one)))
}

/// Take exceptions for a player away
///
/// Those for a method: all of them, or with `currency` the one for it.
#[utoipa::path(
    delete, path = "/wallet/v1/sites/{site_id}/players/{site_login}/methods/{method}", tag = "players",
    operation_id = "delete_override",
    params(("site_id" = i64, Path), ("site_login" = String, Path), ("method" = String, Path),
        ("currency" = Option<String>, Query, description = "ISO 4217")),
    responses((status = 204, description = "They are gone"), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn delete_override(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Players)?;
    // One of a method that the settings do not know any more can still be taken away; one by an impossible name there is none.
    let method = crate::api::path_part(&request, "method")?;
    let method = plain_text(&method, "method", 64).map_err(|_| Error::NotFound("exception"))?;
    let query = Query::read(request.query_string(), &["currency"])?;
    let currency = currency(query.get("currency"), site)?;
    state.check_open()?;
    let gone = state.db.write(db::Scope::from(&player), move |tx| {
        let row = known(tx.read()?, &player)?;
        overrides::remove(tx, row.id, &method, currency)
    });
    if gone.await? == 0 { Err(Error::NotFound("exception").into()) } else { Ok(HttpResponse::NoContent().finish()) }
}

/// List the exceptions for a player
///
/// By method and currency, those that have expired too.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}/methods", tag = "players", operation_id = "get_overrides",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    responses((status = 200, description = "By method and currency", body = Listed), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn get_overrides(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Read)?;
    let found = state.db.read(move |conn| {
        let row = known(conn, &player)?;
        overrides::of_player(conn, row.id)
    });
    let items = found.await?.into_iter().map(Shown::from).collect();
    Ok(HttpResponse::Ok().json(Listed { items }))
}

/// List the exceptions for a player and a method
///
/// By currency, those that have expired too.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}/methods/{method}", tag = "players", operation_id = "get_override",
    params(("site_id" = i64, Path), ("site_login" = String, Path), ("method" = String, Path)),
    responses((status = 200, description = "By currency", body = Listed), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn get_override(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (_, player) = authorised(&request, &state, Scope::Read)?;
    let method = crate::api::path_part(&request, "method")?;
    let found = state.db.read(move |conn| {
        let row = known(conn, &player)?;
        overrides::of_player(conn, row.id)
    });
    let items = found.await?.into_iter().filter(|one| one.method == method).map(Shown::from).collect();
    Ok(HttpResponse::Ok().json(Listed { items }))
}
