//! Payouts and deposits: lists, and one of them with its time line.

use actix_web::{HttpRequest, HttpResponse, web};
use diesel::Connection;
use serde_json::{Value, json};

use super::guard::enter;
use super::{Answer, show, timeline};
use crate::api::body::Query;
use crate::api::problem::Problem;
use crate::error::Error;
use crate::ids::{ExternalId, Login, SiteId};
use crate::orders::Status;
use crate::orders::filter::Filter;
use crate::payouts::Stage;
use crate::staff::Act;
use crate::state::State;
use crate::{deposits, payouts};

/// Items of a page when nothing else is asked for.
const PAGE: i64 = 50;
/// Items of a page at most: more would hold a reader for too long.
pub const LONGEST_PAGE: i64 = 500;

/// `GET /payouts`
pub async fn payouts(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let known = ["status", "stage", "site_id", "site_login", "after", "limit"];
    let query = Query::read(request.query_string(), &known)?;
    let unknown_stage = || Query::invalid("stage", "is not a stage");
    let stage = query.get("stage").map(|text| Stage::from_name(text).ok_or_else(unknown_stage)).transpose()?;
    let (filter, limit) = filter(&query)?;
    let rows = state.db.read(move |conn| Ok(payouts::list::list(conn, &filter, stage)?)).await?;
    Ok(show::page(rows, limit, |row| row.order.external_id.clone(), show::payout)?)
}

/// `GET /deposits`
pub async fn deposits(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let query = Query::read(request.query_string(), &["status", "site_id", "site_login", "after", "limit"])?;
    let (filter, limit) = filter(&query)?;
    let rows = state.db.read(move |conn| Ok(deposits::list::list(conn, &filter)?)).await?;
    Ok(show::page(rows, limit, |row| row.order.external_id.clone(), show::deposit)?)
}

/// `GET /payouts/{external_id}`
pub async fn payout(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let id = order_id(&path, "payout")?;
    let found = state.db.read(move |conn| {
        conn.transaction(|conn| {
            let listed = payouts::list::find(conn, id.as_str())?.ok_or(Error::NotFound("payout"))?;
            let times = timeline::of_payout(conn, &listed.order)?;
            with(show::payout(&listed)?, &listed.order.details, times)
        })
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// `GET /deposits/{external_id}`
pub async fn deposit(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let id = order_id(&path, "deposit")?;
    let found = state.db.read(move |conn| {
        conn.transaction(|conn| {
            let listed = deposits::list::find(conn, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
            let times = timeline::of_deposit(conn, &listed.order)?;
            with(show::deposit(&listed)?, &listed.order.details, times)
        })
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// An id from the address. What cannot be one is not there.
pub fn order_id(text: &str, what: &'static str) -> Result<ExternalId, Problem> {
    ExternalId::parse(text).map_err(|_| Error::NotFound(what).into())
}

fn with(mut item: Value, details: &str, timeline: Vec<Value>) -> Result<Value, Error> {
    item["details"] = timeline::details(details)?;
    item["timeline"] = json!(timeline);
    Ok(item)
}

/// The filter with room for one row more than the page, and the page's length.
fn filter(query: &Query) -> Result<(Filter, usize), Problem> {
    let unknown_status = || Query::invalid("status", "must be a number of 0 to 9 or a name");
    let status = query.get("status").map(|text| Status::parse(text).ok_or_else(unknown_status)).transpose()?;
    let site = query.get("site_id").map(|_| query.integer("site_id", 0, 0..=i64::MAX)).transpose()?;
    let unreadable = |_| Query::invalid("site_login", "must be 1 to 128 characters without control characters");
    let login = query.get("site_login").map(|text| Login::parse(text).map_err(unreadable)).transpose()?;
    let not_a_cursor = |_| Query::invalid("after", "is not a cursor");
    let after = query.get("after").map(|text| ExternalId::parse(text).map_err(not_a_cursor)).transpose()?;
    let limit = query.integer("limit", PAGE, 1..=LONGEST_PAGE)?;
    let filter = Filter {
        status,
        site: site.map(SiteId),
        login: login.map(|login| login.as_str().to_owned()),
        after: after.map(|id| id.as_str().to_owned()),
        limit: limit + 1,
    };
    Ok((filter, usize::try_from(limit).unwrap_or(usize::MAX)))
}
