//! `GET /cashier/methods`: what a player may deposit with.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Refusal, Refusals, Session, answer, show};
use crate::api::body::Query;
use crate::cashier::accounts::{self, Named};
use crate::cashier::methods::{self, Offer};
use crate::cashier::overrides;
use crate::clock;
use crate::error::Error;
use crate::settings::Site;
use crate::state::State;

/// What a player may deposit with.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierMethods)]
pub(in crate::api) struct Listed {
    rows: Vec<Shown>,
    /// How many rows there are.
    count: usize,
}

/// A method in a currency.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierMethod)]
pub(in crate::api) struct Shown {
    /// The place of the method among the site's in the order of their names, from 1.
    provider_config_id: i64,
    #[schema(example = "carouseller")]
    provider: String,
    #[schema(example = "card")]
    method: String,
    /// The name of the site.
    brand: String,
    #[schema(example = "USD")]
    currency: String,
    /// For players of these countries only, with commas; empty: all.
    country: String,
    /// Always `redirect`.
    payment_mode: &'static str,
    display_name: String,
    description: String,
    /// Always empty: the provider has none.
    public_key: &'static str,
    /// The smallest deposit that is allowed; 0: none.
    #[schema(value_type = f64, example = 10.00)]
    min_amount: Box<RawValue>,
    /// The largest deposit that is allowed; 0: none.
    #[schema(value_type = f64, example = 5000.00)]
    max_amount: Box<RawValue>,
    /// 1: a trial without real money.
    sandbox: i64,
    sort_index: i64,
    /// The exception that opened it to this player; 0: none.
    override_id: i64,
    /// 0 allow. Denied methods are not listed.
    override_mode: i64,
}

/// List what the player may deposit with
///
/// With `login` for this account's currency, else for every currency of the site. Empty when the player may not deposit at all.
#[utoipa::path(
    get, path = "/cashier/methods", tag = "player", operation_id = "get_cashier_methods",
    params(("login" = Option<String>, Query, description = "An account of the player, or the player's own name")),
    responses((status = 200, description = "The methods", body = Listed), Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn list(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let query = Query::read(request.query_string(), &["login"])?;
    let account = accounts::own(query.get("login"), &session.player).ok_or_else(Refusal::foreign_account)?;
    state.check_open()?;
    let player = session.player.id;
    let exceptions = state.db.read(move |conn| overrides::of_player(conn, player)).await?;
    let currencies = match account {
        Named::Player => session.site.currencies.clone(),
        Named::Account(currency) => vec![currency],
    };
    let offers = methods::offers(&session.site, &currencies, &session.player, &exceptions, clock::now());
    let rows: Vec<Shown> =
        offers.iter().map(|offer| Shown::of(&session.site, offer)).collect::<Result<Vec<_>, Error>>()?;
    Ok(answer(Listed { count: rows.len(), rows }))
}

impl Shown {
    fn of(site: &Site, offer: &Offer<'_>) -> Result<Self, Error> {
        let method = offer.method;
        let limit = |minor: Option<i64>| show::decimal(minor.unwrap_or(0), offer.currency);
        Ok(Self {
            provider_config_id: offer.place,
            provider: method.provider.clone(),
            method: method.name.clone(),
            brand: site.name.clone(),
            currency: offer.currency.code().to_owned(),
            country: method.countries.join(","),
            payment_mode: "redirect",
            display_name: method.display_name.clone(),
            description: method.description.clone(),
            public_key: "",
            min_amount: limit(offer.min)?,
            max_amount: limit(offer.max)?,
            sandbox: i64::from(method.sandbox),
            sort_index: method.sort_index,
            override_id: offer.override_id(),
            override_mode: 0,
        })
    }
}
