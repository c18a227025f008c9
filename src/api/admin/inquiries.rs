//! What a provider is asked about an order, and what it said.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::enter;
use super::orders::order_id;
use super::show::time;
use super::{Answer, show};
use crate::api::problem;
use crate::clock::rfc3339;
use crate::db::DbConn;
use crate::error::Error;
use crate::inquiries::standing;
use crate::orders::facts;
use crate::payouts::list;
use crate::providers::{Direction, Providers};
use crate::staff::Act;
use crate::state::State;

/// The end of an order that is waited for.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffAwaited)]
pub struct Awaited {
    /// RFC 3339: since when.
    since: String,
    /// How often its provider was asked about it.
    #[schema(example = 3)]
    asked: i64,
    /// RFC 3339; null when it was never asked.
    last_asked_at: Option<String>,
    /// What the last answer was, in words; empty when there was none. "Not found" proves nothing.
    #[schema(example = "payout pending (status processing)")]
    last_answer: String,
    /// RFC 3339: when it is asked about, or looked at, next; null: at once.
    next: Option<String>,
    /// RFC 3339: when the provider repeats its notification for the last time; null when its section is gone from the settings.
    last_notification_due: Option<String>,
    /// Whether a person was called because the notification is missing.
    alarmed: bool,
}

/// What is known of an order besides its own fields.
pub struct Known {
    /// The end that is waited for.
    pub awaited: Option<Awaited>,
    /// What the provider told us, by name.
    pub facts: BTreeMap<String, String>,
}

/// What a provider answered.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffInquiry)]
pub struct Told {
    /// In words. What it says of the order's end is applied already.
    #[schema(example = "payout paid (status finished)")]
    answer: String,
}

/// What is known of an order.
pub fn known(conn: &mut DbConn, providers: &Providers, id: &str) -> Result<Known, Error> {
    let standing = standing::of_order(conn, providers, id)?;
    let awaited = standing.map(|standing| Awaited {
        since: rfc3339(standing.order.since),
        asked: standing.order.asked,
        last_asked_at: time(standing.order.last_asked_at),
        last_answer: standing.order.last_answer,
        next: time(standing.next),
        last_notification_due: time(standing.last_notification_due),
        alarmed: standing.order.alarmed,
    });
    Ok(Known { awaited, facts: facts::of_order(conn, id)? })
}

/// Ask what became of a payout
///
/// Its provider's status call, now. What it says of the end is applied as a notification would be. Operators, approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/payouts/{external_id}/ask", tag = "staff", operation_id = "ask_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    responses((status = 200, description = "What the provider said", body = Told),
        (status = 409, description = "`conflict`: the provider has no status call, was asked a moment ago (the text says when to ask again), or nothing of the payout has left us", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals),
    security(("staff" = []))
)]
pub async fn payout(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    ask(&state, &request, &path, Direction::Payout).await
}

/// Ask what became of a deposit
///
/// Its provider's status call, now. What it says of the end is applied as a notification would be. Operators, approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/deposits/{external_id}/ask", tag = "staff", operation_id = "ask_deposit",
    params(("external_id" = String, Path, description = "Our order id")),
    responses((status = 200, description = "What the provider said", body = Told),
        (status = 409, description = "`conflict`: the provider has no status call, or was asked a moment ago (the text says when to ask again)", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals),
    security(("staff" = []))
)]
pub async fn deposit(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    ask(&state, &request, &path, Direction::Deposit).await
}

async fn ask(state: &State, request: &HttpRequest, path: &str, direction: Direction) -> Answer {
    let actor = enter(state, request, Act::Retry).await?;
    state.check_open()?;
    let what = match direction {
        Direction::Deposit => "deposit",
        Direction::Payout => "payout",
    };
    let id = order_id(path, what)?;
    log::info!("admin: {} asks what became of {what} {id}", actor.name);
    let answer = state.asker.ask_now(&id, direction).await?;
    Ok(HttpResponse::Ok().json(Told { answer }))
}

/// Asks about a payout that cannot be sent again, and answers with it as it is then.
pub async fn ask_instead(state: &State, path: &str) -> Answer {
    let id = order_id(path, "payout")?;
    state.asker.ask_now(&id, Direction::Payout).await?;
    let after = state.db.read(move |conn| list::find(conn, id.as_str())?.ok_or(Error::NotFound("payout")));
    Ok(HttpResponse::Ok().json(show::payout(&after.await?)?))
}

#[cfg(test)]
#[path = "inquiries_tests.rs"]
mod tests;
