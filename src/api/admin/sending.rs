//! Whether payouts go out: what a restored or copied database holds back, and the word of the person that lets it go.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use super::decisions::{Because, reason};
use super::guard::{enter, still_may};
use super::show::time;
use crate::api::body;
use crate::api::problem;
use crate::clock;
use crate::db::Scope;
use crate::payouts::approve::By;
use crate::payouts::sending;
use crate::staff::Act;
use crate::state::State;

/// Whether payouts go out, and what waits.
#[derive(Serialize, ToSchema)]
pub struct Sending {
    /// While it is true no payout is sent: approved ones queue up.
    #[schema(example = true)]
    held: bool,
    /// Why it is held; null while it is not.
    #[schema(example = "restored from a backup of 2026-11-21T08:00:00Z")]
    reason: Option<String>,
    /// Payouts that wait to be sent. They go out after the confirmation.
    #[schema(example = 12)]
    queued: i64,
    /// Payouts that wait for a person's approval. They may have been approved and paid after the copy was made.
    #[schema(example = 3)]
    awaiting_approval: i64,
    /// Payouts of which nobody knows whether they were sent. The confirmation does not send them.
    #[schema(example = 1)]
    unknown: i64,
    /// RFC 3339: when the oldest one that waits was asked for; null when none waits.
    oldest: Option<String>,
}

fn shown(standing: sending::Sending) -> Sending {
    let sending::Sending { held, queued, awaiting_approval, unknown, oldest } = standing;
    Sending { held: held.is_some(), reason: held, queued, awaiting_approval, unknown, oldest: time(oldest) }
}

/// Show whether payouts go out
///
/// A database that was restored from a backup or copied from another holds all payouts back until a person confirms: it does not know
/// what was sent after the copy was made. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/sending", tag = "staff", operation_id = "show_sending",
    responses((status = 200, description = "Where sending stands", body = Sending), problem::Refusals),
    security(("staff" = []))
)]
pub async fn look(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    body::Query::read(request.query_string(), &[])?;
    let standing = state.db.read(|conn| Ok(sending::look(conn)?)).await?;
    Ok(HttpResponse::Ok().json(shown(standing)))
}

/// Let payouts go out
///
/// Compare what waits with the Cashier's back office first: a payout that was paid after the copy was made must be resolved here, or it is
/// paid twice. From then on everything that is queued goes out. Approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/sending/confirm", tag = "staff", operation_id = "confirm_sending",
    request_body = Because,
    responses((status = 200, description = "Payouts go out: where sending stands now", body = Sending),
        (status = 409, description = "`conflict`: sending is not held", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn confirm(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> Answer {
    let actor = enter(&state, &request, Act::ConfirmSending).await?;
    state.check_open()?;
    let given: Because = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let reason = reason(&given.reason)?;
    let confirmed = state.db.write(Scope::Nobody, move |tx| {
        still_may(tx, &actor, Act::ConfirmSending)?;
        sending::confirm(tx, By { actor: &actor.name, reason: &reason }, clock::now())?;
        Ok(sending::look(tx.read()?)?)
    });
    let standing = confirmed.await?;
    state.outbox.notify_one();
    Ok(HttpResponse::Ok().json(shown(standing)))
}
