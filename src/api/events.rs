//! `GET /wallet/v1/events`: the feed, with a long poll.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::body::Query;
use super::keys;
use super::problem::{self, Problem};
use crate::events::feed::{self, Cursor, Page};
use crate::ids::SiteId;
use crate::settings::Scope;
use crate::state::State;

/// Requests that may wait for events at once. More would hold more connections and look into the database at every commit; fewer,
/// and a game server of many processes has to ask again and again.
pub const MOST_POLLS: usize = 256;

/// A page when the caller does not say.
const PAGE: i64 = 100;
/// The longest page.
const LONGEST_PAGE: i64 = 1000;
/// The longest wait in seconds.
const LONGEST_WAIT: i64 = 30;

/// How long a poll rests that found only events of other sites: a busy casino must not make it look at every commit.
const REST: Duration = Duration::from_millis(25);

/// The one route.
pub(super) fn route() -> actix_web::Resource {
    web::resource("/wallet/v1/events")
        .route(web::get().to(get_events))
        .default_service(web::to(|| async { Problem::method_not_allowed("GET") }))
}

/// The feed of events
///
/// Every change as an event, in the order of the commits, written in the commit of its cause: nothing is missed and nothing is told
/// that did not happen. Keep `next`, and give it as `after` next time. A key that is limited to sites sees the events of those only.
#[utoipa::path(
    get, path = "/wallet/v1/events", tag = "events", operation_id = "get_events",
    params(
        ("after" = Option<String>, Query, description = "`next` of the page before, or an event's `id` or number; absent or 0: from the beginning"),
        ("limit" = Option<i64>, Query, description = "1 to 1000, otherwise 100"),
        ("wait" = Option<i64>, Query, description = "Seconds to wait when there is nothing yet, 0 to 30, otherwise 0")
    ),
    responses(
        (status = 200, description = "A page; empty when nothing has happened", body = Page),
        (status = 409, description = "`unknown_cursor`: the cursor is of other books, as when a backup was put back. Compare your state with ours, then start from the beginning",
            body = problem::Document, content_type = "application/problem+json"),
        problem::Refusals
    ),
    security(("game_server" = []))
)]
pub(super) async fn get_events(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let caller = keys::caller(&request, &state)?;
    caller.may(Scope::Events)?;
    let query = Query::read(request.query_string(), &["after", "limit", "wait"])?;
    let unreadable = || Query::invalid("after", "must be the id of an event, its number, or 0");
    let after = query.get("after").map_or(Some(Cursor::START), Cursor::parse).ok_or_else(unreadable)?;
    let limit = query.integer("limit", PAGE, 1..=LONGEST_PAGE)?;
    let wait = query.integer("wait", 0, 0..=LONGEST_WAIT)?;
    let wait = Duration::from_secs(wait.unsigned_abs());
    Ok(HttpResponse::Ok().json(poll(&state, after, limit, caller.sites(), wait).await?))
}

/// Looks, and looks again after every commit with news, until there is something, the wait is over, or the service stops. No
/// connection to the database is held meanwhile.
async fn poll(state: &State, mut after: Cursor, limit: i64, sites: &[SiteId], wait: Duration) -> Result<Page, Problem> {
    let deadline = Instant::now() + wait;
    let (mut news, mut stopping) = (state.db.news(), state.stopping.clone());
    let (mut passed, mut place) = (None, None);
    // Whoever has an answer of ours finds what it caused.
    state.db.settle().await;
    loop {
        // Seen before the look: what is committed after it wakes us.
        news.borrow_and_update();
        let page = look(state, &after, limit, sites).await?;
        if !page.items.is_empty() {
            return Ok(page);
        }
        let only_others = page.next.is_some();
        if let Some(next) = page.next {
            after = Cursor::parse(&next).ok_or_else(Problem::unavailable)?;
            passed = Some(next);
        }
        let nothing = Page { items: Vec::new(), next: passed.clone() };
        if Instant::now() >= deadline || *stopping.borrow_and_update() {
            return Ok(nothing);
        }
        if place.is_none() {
            place = Some(state.polls.try_acquire().map_err(|_| Problem::unavailable())?);
        }
        let mut commits = state.db.commits();
        let closed = async move { while commits.changed().await.is_ok() {} };
        tokio::select! {
            // Nothing can come any more when the lanes are closed: the service is going.
            () = closed => return Ok(nothing),
            changed = news.changed(), if !only_others => if changed.is_err() { return Ok(nothing) },
            () = tokio::time::sleep(REST), if only_others => {}
            () = tokio::time::sleep_until(deadline) => {}
            // It changes once, to true, or nobody is left who could change it: the service is gone.
            _ = stopping.changed() => return Ok(nothing),
        }
    }
}

async fn look(state: &State, after: &Cursor, limit: i64, sites: &[SiteId]) -> Result<Page, Problem> {
    let (after, sites) = (after.clone(), sites.to_vec());
    let horizon = state.db.horizon();
    let page = state.db.read(move |conn| feed::page(conn, &after, limit, horizon, &sites)).await?;
    page.ok_or_else(|| {
        let detail = "this cursor is not of these books: was a backup put back? Compare, then start from the beginning";
        Problem::new(StatusCode::CONFLICT, "unknown_cursor", detail).in_field("after")
    })
}
