//! Creating, changing and showing players.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::body;
use crate::api::keys::authorised;
use crate::api::problem::{self, Problem};
use crate::clock;
use crate::db::{self, DbConn};
use crate::error::Error;
use crate::ids::Player;
use crate::ledger::{self, PlayerId};
use crate::money::Currency;
use crate::players::{self, Change, PROFILE_FIELDS, PlayerRow};
use crate::providers::carouseller;
use crate::settings::Scope;
use crate::state::State;

/// What may be said of a player. What is left out stays as it is; an empty text or null removes the country or a profile field. Profile
/// fields are at most 256 characters, and what the Cashier makes of them is its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlayerFields, example = json!({"status": "active", "country": "DE", "first_name": "Ann", "last_name": "Lee"}))]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; a test compares it with what is read")]
pub(in crate::api) struct PlayerFields {
    /// `active`, `blocked` or `closed`. Blocked and closed players can neither bet, deposit nor withdraw; everything else that the game
    /// server does still goes through.
    #[schema(nullable = false, pattern = "^(active|blocked|closed)$")]
    status: Option<String>,
    /// Whether deposits are allowed; an exclusion blocks them besides, see `protection`.
    #[schema(nullable = false)]
    deposit_allowed: Option<bool>,
    /// Whether payouts are allowed.
    #[schema(nullable = false)]
    withdrawal_allowed: Option<bool>,
    /// ISO 3166-1 alpha-2, two letters; shown in capitals.
    #[schema(example = "DE")]
    country: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// `DD-MM-YYYY`, as the Cashier wants it.
    birthdate: Option<String>,
    billing_phone: Option<String>,
    owner_name: Option<String>,
    owner_phone: Option<String>,
    owner_address: Option<String>,
    bank: Option<String>,
    document_id: Option<String>,
    user_preset_id: Option<String>,
    external_value1: Option<String>,
    user_name: Option<String>,
    user_email: Option<String>,
    user_phone: Option<String>,
    user_city: Option<String>,
    user_address: Option<String>,
    user_postal: Option<String>,
    /// ISO 639-1.
    language: Option<String>,
    timezone: Option<String>,
    /// The player's id at Rebilly, where it is not the login: 1 to 50 letters, digits and `@~-._`.
    rebilly_customer_id: Option<String>,
}

/// A player's money in one currency, minor units.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Balance {
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// What can be played or withdrawn, minor units. Below zero only after a refund, chargeback or correction.
    #[schema(example = 12500)]
    pub available: i64,
    /// What is set aside for payouts, minor units.
    #[schema(example = 0)]
    pub held: i64,
}

/// A player.
#[derive(Serialize, ToSchema)]
#[schema(as = Player)]
pub(in crate::api) struct Shown {
    site_id: i64,
    site_login: String,
    /// `active`, `blocked` or `closed`.
    status: String,
    deposit_allowed: bool,
    withdrawal_allowed: bool,
    country: Option<String>,
    /// Every currency of the site, and every other one they have money in.
    balances: Vec<Balance>,
    /// The profile fields that are set, each under its own name.
    #[serde(flatten)]
    profile: BTreeMap<String, String>,
}

/// Create or change a player
///
/// The login is the casino's own name for the player, 1 to 128 characters, percent-encoded in the path. Text that differs in a byte
/// is another player.
#[utoipa::path(
    put, path = "/wallet/v1/sites/{site_id}/players/{site_login}", tag = "players", operation_id = "put_player",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    request_body = PlayerFields,
    responses((status = 201, description = "Created", body = Shown), (status = 200, description = "Changed", body = Shown),
        problem::Refusals, problem::BodyRefusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn put_player(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Players)?;
    let fields: Map<String, Value> = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let change = read_change(&fields)?;
    if carouseller::looks_like_more(player.login.as_str()) {
        // No message about such a player can be signed, so no payout of theirs could ever be sent.
        return Err(Error::Invalid("site_login").into());
    }
    state.check_open()?;
    let currencies = site.currencies.clone();
    let (row, created, balances) = state
        .db
        .write(db::Scope::from(&player), move |tx| {
            let (row, created) = players::put(tx, &player, &change, clock::now())?;
            let balances = ledger::balances(tx.read()?, PlayerId(row.id))?;
            Ok((row, created, balances))
        })
        .await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(shown(&row, &currencies, &balances)?))
}

fn read_change(fields: &Map<String, Value>) -> Result<Change, Problem> {
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
            "country" if value.is_null() || value == "" => change.country = Some(String::new()),
            "country" => {
                let code = text()?;
                if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()) {
                    return Err(Problem::field(name, "must be two letters of ISO 3166-1"));
                }
                change.country = Some(code.to_ascii_uppercase());
            }
            field if PROFILE_FIELDS.contains(&field) => {
                let value = if value.is_null() { "" } else { text()? };
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

/// Show a player
///
/// Who they are, what they may do, and their balances.
#[utoipa::path(
    get, path = "/wallet/v1/sites/{site_id}/players/{site_login}", tag = "players", operation_id = "get_player",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    responses((status = 200, description = "The player", body = Shown), problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn get_player(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
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

/// The player's row, or that there is none.
pub(super) fn known(conn: &mut DbConn, player: &Player) -> Result<PlayerRow, Error> {
    players::read(conn, player)?.ok_or(Error::UnknownPlayer)
}

/// A player as the API shows them: every currency of the site, and every other one they have an account in.
fn shown(row: &PlayerRow, currencies: &[Currency], balances: &[(String, ledger::Balance)]) -> Result<Shown, Error> {
    let mut money: BTreeMap<&str, ledger::Balance> =
        currencies.iter().map(|currency| (currency.code(), ledger::Balance::default())).collect();
    money.extend(balances.iter().map(|(code, balance)| (code.as_str(), *balance)));
    let balance = |(code, money): (&&str, &ledger::Balance)| Balance {
        currency: (*code).to_owned(),
        available: money.available,
        held: money.held,
    };
    Ok(Shown {
        site_id: row.site_id,
        site_login: row.login.clone(),
        status: row.status.clone(),
        deposit_allowed: row.deposit_allowed,
        withdrawal_allowed: row.withdrawal_allowed,
        country: row.country.clone(),
        balances: money.iter().map(balance).collect(),
        profile: row.profile()?,
    })
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn the_document_names_every_field_that_is_read() {
        let schema = serde_json::to_value(PlayerFields::schema()).unwrap();
        let documented: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();

        for name in &documented {
            let value = match *name {
                "deposit_allowed" | "withdrawal_allowed" => Value::Bool(true),
                "status" => "blocked".into(),
                "country" => "de".into(),
                _ => "text".into(),
            };
            let fields = Map::from_iter([((*name).to_owned(), value)]);
            assert!(read_change(&fields).is_ok(), "{name}");
        }
        assert!(PROFILE_FIELDS.iter().all(|name| documented.contains(name)), "{documented:?}");
    }
}
