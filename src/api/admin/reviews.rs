//! What needs a person, and who did what.

use actix_web::{HttpRequest, HttpResponse, web};

use super::decisions::{Because, reason};
use super::guard::{enter, still_may};
use super::orders::LONGEST_PAGE;
use super::{Answer, show};
use crate::api::body::{self, Query};
use crate::clock;
use crate::error::Error;
use crate::orders::reviews;
use crate::staff::{Act, audit};
use crate::state::State;

/// `GET /reviews`: the open ones, unless `status` says otherwise.
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
    Ok(show::page(rows, limit as usize, |row| row.id.to_string(), |row| Ok(show::review(row)))?)
}

/// `POST /reviews/{id}/close`
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
    let closed = state.db.write(move |tx| {
        still_may(tx, &actor, Act::CloseReview)?;
        let at = clock::now();
        let review = reviews::close(tx, id, &actor.name, &reason, at)?;
        audit::append(tx, &actor.name, "review.close", &format!("review:{id}"), &reason, at)?;
        Ok(review)
    });
    Ok(HttpResponse::Ok().json(show::review(&closed.await?)))
}

/// `GET /audit`
pub async fn audit(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::ReadAudit).await?;
    let query = Query::read(request.query_string(), &["after", "limit"])?;
    let after = query.integer("after", 0, 0..=i64::MAX)?;
    let limit = query.integer("limit", 50, 1..=LONGEST_PAGE)?;
    let rows = state.db.read(move |conn| Ok(audit::list(conn, after, limit + 1)?)).await?;
    Ok(show::page(rows, limit as usize, |row| row.id.to_string(), |row| Ok(show::audit(row)))?)
}
