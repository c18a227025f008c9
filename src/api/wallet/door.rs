//! Opening the Cashier for a player.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::players::known;
use crate::api::body;
use crate::api::keys::authorised;
use crate::api::problem::{self, Problem};
use crate::cashier::deposit::read_url;
use crate::cashier::open::{self, Wish};
use crate::clock;
use crate::error::Error;
use crate::money::Currency;
use crate::players::Known;
use crate::settings::{Scope, Site};
use crate::state::State;

/// How to open it. Everything but the first two is the Cashier's own, as its manual says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OpenCashier {
    /// ISO 4217, one of the site's; the first of them when it is not given.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// The player's own address, v4 or v6.
    #[schema(example = "203.0.113.7")]
    customer_ip: String,
    /// ISO 639-1; the profile's when it is not given.
    language: Option<String>,
    /// 1 deposit without tab, 2 withdrawal without tab, 4 deposit with tab, 5 withdrawal with tab.
    force_action: Option<i64>,
    /// `general`, `mobile` or `one_click`.
    mode: Option<String>,
    /// Preset amounts, `group:a,b,c`.
    amount_series: Option<String>,
    /// Order of payment groups, `1,2;3,4`.
    ps_range: Option<String>,
    /// Limits shown for deposits, `groups:min-max;…`.
    deposit_range: Option<String>,
    /// Limits shown for withdrawals.
    payout_range: Option<String>,
    /// The site's mirror that the Cashier is opened from.
    mirror_url: Option<String>,
}

impl OpenCashier {
    fn read(self, site: &Site) -> Result<Wish, Problem> {
        let customer_ip: IpAddr =
            self.customer_ip.parse().map_err(|_| Problem::field("customer_ip", "must be an address, v4 or v6"))?;
        let named = self.currency.as_deref().map(Currency::parse).transpose()?;
        let currency = named.or(site.currencies.first().copied());
        let currency = currency.filter(|currency| site.currencies.contains(currency));
        let currency = currency.ok_or(Error::UnsupportedCurrency)?;
        let mut chosen = Vec::new();
        if let Some(action) = self.force_action {
            if ![1, 2, 4, 5].contains(&action) {
                return Err(Problem::field("force_action", "must be 1, 2, 4 or 5"));
            }
            chosen.push(("force_action".to_owned(), action.to_string()));
        }
        if self.mode.as_deref().is_some_and(|mode| !["general", "mobile", "one_click"].contains(&mode)) {
            return Err(Problem::field("mode", "must be general, mobile or one_click"));
        }
        for (name, text) in [
            ("language", self.language),
            ("mode", self.mode),
            ("amount_series", self.amount_series),
            ("ps_range", self.ps_range),
            ("deposit_range", self.deposit_range),
            ("payout_range", self.payout_range),
            ("mirror_url", self.mirror_url),
        ] {
            let Some(text) = text else { continue };
            if name == "mirror_url" {
                read_url(Some(text.clone()), "mirror_url")
                    .map_err(|_| Problem::field(name, "must be an http or https address of at most 2048 characters"))?;
            }
            if text.chars().count() > 1024 {
                return Err(Problem::field(name, "must be at most 1024 characters"));
            }
            chosen.push((name.to_owned(), text));
        }
        Ok(Wish { currency, customer_ip, chosen })
    }
}

/// An open door, good for one opening, soon.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CashierOpened {
    /// The Cashier's key, for its native version.
    key: String,
    /// Where a browser or a frame goes.
    url: String,
}

/// Open the Cashier for a player
///
/// Asks the Cashier for a key with the player's profile, signed by croupier: the salt never leaves it. No money moves.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/cashier", tag = "cashier", operation_id = "open_cashier",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    request_body = OpenCashier,
    responses((status = 200, description = "The door is open", body = CashierOpened),
        (status = 502, description = "The Cashier did not do it", body = problem::Document, content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn open_cashier(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Cashier)?;
    let wish: OpenCashier = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    // 1 and 4 lead to a deposit; a player who has excluded themselves may still come for a withdrawal.
    let at_deposit = matches!(wish.force_action, Some(1 | 4));
    let wish = wish.read(site)?;
    state.check_open()?;
    let row = state.db.read(move |conn| known(conn, &player)).await?;
    if row.status != "active" {
        return Err(Error::PlayerBlocked.into());
    }
    if at_deposit && Known::from(&row).is_excluded(clock::now()) {
        return Err(Error::DepositsNotAllowed.into());
    }
    let opened = open::open(&state.settings.providers, &state.outgoing, site.site_id, &row, wish).await?;
    Ok(HttpResponse::Ok().json(CashierOpened { key: opened.key, url: opened.url }))
}

/// The Cashier has forgotten it.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct RotationReset {
    /// Always true; anything else is an error.
    reset: bool,
}

/// Reset a player's rotation
///
/// Lets the Cashier forget which payment systems it has shown this player.
#[utoipa::path(
    post, path = "/wallet/v1/sites/{site_id}/players/{site_login}/cashier/rotation-reset", tag = "cashier",
    operation_id = "reset_rotation",
    params(("site_id" = i64, Path), ("site_login" = String, Path)),
    responses((status = 200, description = "It was reset", body = RotationReset),
        (status = 502, description = "The Cashier did not do it", body = problem::Document, content_type = "application/problem+json"),
        problem::Refusals),
    security(("game_server" = []))
)]
pub(in crate::api) async fn reset_rotation(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (site, player) = authorised(&request, &state, Scope::Cashier)?;
    let login = player.login.clone();
    state.db.read(move |conn| known(conn, &player).map(|_| ())).await?;
    open::reset_rotation(&state.settings.providers, &state.outgoing, site.site_id, &login).await?;
    Ok(HttpResponse::Ok().json(RotationReset { reset: true }))
}
