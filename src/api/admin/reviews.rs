//! What needs a person, and who did what.

use actix_web::{HttpRequest, HttpResponse, web};

use super::decisions::{Because, reason};
use super::guard::{enter, still_may};
use super::orders::LONGEST_PAGE;
use super::{Answer, show};
use crate::api::body::{self, Query};
use crate::api::{page, problem};
use crate::clock;
use crate::db::Scope;
use crate::error::Error;
use crate::orders::reviews;
use crate::staff::{Act, audit};
use crate::state::State;

/// List reviews
///
/// What needs a person, oldest first: the open ones, unless `status` says otherwise. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/reviews", tag = "staff", operation_id = "list_reviews",
    params(("status" = Option<String>, Query, description = "`open`, `closed` or `all`; otherwise `open`"),
        ("after" = Option<i64>, Query, description = "The cursor of the page before: its `next`, or the `id` of its last item"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = page::Page<show::Review>), problem::Refusals),
    security(("staff" = []))
)]
pub async fn list(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let query = Query::read(request.query_string(), &["status", "after", "limit"])?;
    let closed = match query.get("status") {
        None | Some("open") => Some(false),
        Some("closed") => Some(true),
        Some("all") => None,
        Some(_) => return Err(Query::invalid("status", "must be open, closed or all")),
    };
    let after = query.integer("after", 0, 0..=i64::MAX)?;
    let limit = query.integer("limit", 50, 1..=LONGEST_PAGE)?;
    let rows = state.db.read(move |conn| Ok(reviews::list(conn, closed, after, limit + 1)?)).await?;
    Ok(page::page(rows, limit as usize, |row| row.id.to_string(), |row| Ok(show::review(&row)))?)
}

/// Close a review
///
/// Somebody has looked at it. It changes nothing else: money is moved by the decisions. Operators, approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/reviews/{id}/close", tag = "staff", operation_id = "close_review",
    params(("id" = i64, Path, description = "The number of the review")),
    request_body = Because,
    responses((status = 200, description = "Closed", body = show::Review),
        (status = 409, description = "`conflict`: it is closed already", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn close(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::CloseReview).await?;
    let id: i64 = path.parse().map_err(|_| Error::NotFound("review"))?;
    let given: Because = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let reason = reason(&given.reason)?;
    let closed = state.db.write(Scope::Nobody, move |tx| {
        still_may(tx, &actor, Act::CloseReview)?;
        let at = clock::now();
        let review = reviews::close(tx, id, &actor.name, &reason, at)?;
        audit::append(tx, &actor.name, "review.close", &format!("review:{id}"), &reason, at)?;
        Ok(review)
    });
    Ok(HttpResponse::Ok().json(show::review(&closed.await?)))
}

/// Show the audit
///
/// Who did what, oldest first; `croupier ledger verify` checks its chain. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/audit", tag = "staff", operation_id = "show_audit",
    params(("after" = Option<i64>, Query, description = "The cursor of the page before: its `next`, or the `id` of its last item"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = page::Page<show::AuditEntry>), problem::Refusals),
    security(("staff" = []))
)]
pub async fn audit(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::ReadAudit).await?;
    let query = Query::read(request.query_string(), &["after", "limit"])?;
    let after = query.integer("after", 0, 0..=i64::MAX)?;
    let limit = query.integer("limit", 50, 1..=LONGEST_PAGE)?;
    let rows = state.db.read(move |conn| Ok(audit::list(conn, after, limit + 1)?)).await?;
    Ok(page::page(rows, limit as usize, |row| row.id.to_string(), |row| Ok(show::audit(&row)))?)
}
