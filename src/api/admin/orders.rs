//! Payouts and deposits: lists, and one of them with its time line.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::guard::enter;
use super::inquiries::{self, Awaited, Known};
use super::moments::Moment;
use super::{Answer, show, timeline};
use crate::api::body::Query;
use crate::api::page;
use crate::api::problem::{self, Problem};
use crate::db::snapshot;
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

/// A payout with its whole life.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffPayoutLife)]
pub struct PayoutLife {
    #[serde(flatten)]
    payout: show::Payout,
    /// The end that is waited for; null when it has ended, or has not left us.
    awaited: Option<Awaited>,
    /// What the provider told us of it, by name: its own ids, receipts.
    facts: BTreeMap<String, String>,
    /// The other fields of the question by name, masked.
    #[schema(value_type = Object)]
    details: Value,
    /// Everything that happened to it, oldest first.
    timeline: Vec<Moment>,
}

/// A deposit with its whole life.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffDepositLife)]
pub struct DepositLife {
    #[serde(flatten)]
    deposit: show::Deposit,
    /// The end that is waited for; null when it has ended, or is not asked about.
    awaited: Option<Awaited>,
    /// What the provider told us of it, by name: its own ids, receipts.
    facts: BTreeMap<String, String>,
    /// The other fields of the question by name, masked.
    #[schema(value_type = Object)]
    details: Value,
    /// Everything that happened to it, oldest first.
    timeline: Vec<Moment>,
}

/// List payouts
///
/// Oldest first, of every site. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/payouts", tag = "staff", operation_id = "list_payouts",
    params(("status" = Option<String>, Query, description = "Only at this status: 0 to 9, or its name"),
        ("stage" = Option<String>, Query,
            description = "Only at this stage: `awaiting_approval`, `queued`, `sending`, `unknown`, `sent` or `done`"),
        ("site_id" = Option<i64>, Query, description = "Only of this site"),
        ("site_login" = Option<String>, Query, description = "Only of players with exactly this login"),
        ("after" = Option<String>, Query, description = "The cursor of the page before: its `next`, an `external_id`"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = page::Page<show::Payout>), problem::Refusals),
    security(("staff" = []))
)]
pub async fn payouts(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let known = ["status", "stage", "site_id", "site_login", "after", "limit"];
    let query = Query::read(request.query_string(), &known)?;
    let unknown_stage = || Query::invalid("stage", "is not a stage");
    let stage = query.get("stage").map(|text| Stage::from_name(text).ok_or_else(unknown_stage)).transpose()?;
    let (filter, limit) = filter(&query)?;
    let rows = state.db.read(move |conn| Ok(payouts::list::list(conn, &filter, stage)?)).await?;
    Ok(page::page(rows, limit, |row| row.order.external_id.clone(), |row| show::payout(&row))?)
}

/// List deposits
///
/// Oldest first, of every site. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/deposits", tag = "staff", operation_id = "list_deposits",
    params(("status" = Option<String>, Query, description = "Only at this status: 0 to 9, or its name"),
        ("site_id" = Option<i64>, Query, description = "Only of this site"),
        ("site_login" = Option<String>, Query, description = "Only of players with exactly this login"),
        ("after" = Option<String>, Query, description = "The cursor of the page before: its `next`, an `external_id`"),
        ("limit" = Option<i64>, Query, description = "1 to 500, otherwise 50")),
    responses((status = 200, description = "A page", body = page::Page<show::Deposit>), problem::Refusals),
    security(("staff" = []))
)]
pub async fn deposits(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let query = Query::read(request.query_string(), &["status", "site_id", "site_login", "after", "limit"])?;
    let (filter, limit) = filter(&query)?;
    let rows = state.db.read(move |conn| Ok(deposits::list::list(conn, &filter)?)).await?;
    Ok(page::page(rows, limit, |row| row.order.external_id.clone(), |row| show::deposit(&row))?)
}

/// Show a payout
///
/// With its whole time line: the question, decisions, postings, requests sent, notifications. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/payouts/{external_id}", tag = "staff", operation_id = "show_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    responses((status = 200, description = "The payout", body = PayoutLife), problem::Refusals),
    security(("staff" = []))
)]
pub async fn payout(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let (id, settings) = (order_id(&path, "payout")?, state.settings.clone());
    let found = state.db.read(move |conn| {
        snapshot(conn, |conn| {
            let listed = payouts::list::find(conn, id.as_str())?.ok_or(Error::NotFound("payout"))?;
            let timeline = timeline::of_payout(conn, &listed.order)?;
            let details = timeline::details(&listed.order.details)?;
            let Known { awaited, facts } = inquiries::known(conn, &settings.providers, id.as_str())?;
            Ok::<_, Error>(PayoutLife { payout: show::payout(&listed)?, awaited, facts, details, timeline })
        })
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// Show a deposit
///
/// With its whole time line: the question, postings, notifications. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/deposits/{external_id}", tag = "staff", operation_id = "show_deposit",
    params(("external_id" = String, Path, description = "Our order id")),
    responses((status = 200, description = "The deposit", body = DepositLife), problem::Refusals),
    security(("staff" = []))
)]
pub async fn deposit(state: web::Data<State>, request: HttpRequest, path: web::Path<String>) -> Answer {
    enter(&state, &request, Act::Read).await?;
    let (id, settings) = (order_id(&path, "deposit")?, state.settings.clone());
    let found = state.db.read(move |conn| {
        snapshot(conn, |conn| {
            let listed = deposits::list::find(conn, id.as_str())?.ok_or(Error::NotFound("deposit"))?;
            let timeline = timeline::of_deposit(conn, &listed.order)?;
            let details = timeline::details(&listed.order.details)?;
            let Known { awaited, facts } = inquiries::known(conn, &settings.providers, id.as_str())?;
            Ok::<_, Error>(DepositLife { deposit: show::deposit(&listed)?, awaited, facts, details, timeline })
        })
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// An id from the address. What cannot be one is not there.
pub fn order_id(text: &str, what: &'static str) -> Result<ExternalId, Problem> {
    ExternalId::parse(text).map_err(|_| Error::NotFound(what).into())
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
