//! What staff decide: approve, decline, retry, resolve a payout; adjust a balance. Each is one write with its audit row.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{enter, still_may};
use super::inquiries::ask_instead;
use super::orders::order_id;
use super::{Answer, show};
use crate::api::body;
use crate::api::path_part;
use crate::api::problem::{self, Problem};
use crate::clock::{self, Micros};
use crate::db::{Scope, WriteTx};
use crate::error::Error;
use crate::ids::{ExternalId, Login, Player, SiteId};
use crate::money::Currency;
use crate::payouts;
use crate::payouts::approve::{self as payout, By, Ending, Retried};
use crate::payouts::list::Listed;
use crate::settings::Site;
use crate::staff::approvals::Agreement;
use crate::staff::{self, Act, Actor};
use crate::state::State;
use crate::wallet::adjust::{self, Adjusted, Adjustment};

/// Why somebody decides so.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// 1 to 1024 characters. The audit keeps it.
    #[schema(example = "documents checked", min_length = 1, max_length = 1024)]
    pub reason: String,
}

/// How a payout ended, and how that is known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    outcome: Outcome,
    /// 1 to 1024 characters. The audit keeps it.
    #[schema(example = "paid, as the Cashier's back office shows", min_length = 1, max_length = 1024)]
    reason: String,
}

/// `succeeded`: the player has the money. `failed`: they do not have it.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PayoutOutcome)]
pub enum Outcome {
    Succeeded,
    Failed,
}

/// A change of a balance by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StaffAdjustment)]
pub struct Amount {
    /// Minor units, not 0: positive gives, negative takes and may take below zero.
    #[schema(example = -500)]
    amount: i64,
    /// ISO 4217, one of the site's.
    #[schema(example = "USD")]
    currency: String,
    /// 1 to 1024 characters. The audit keeps it.
    #[schema(example = "credited twice", min_length = 1, max_length = 1024)]
    reason: String,
}

/// A change of a balance that is booked.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffAdjusted)]
pub struct Booked {
    adjustment_id: String,
    /// Minor units, after it. Below zero when more was taken than there was; a review is open then.
    available: i64,
    /// Minor units, after it.
    held: i64,
}

/// A decision that waits for another person (four-eyes). Nothing has changed yet.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// How many have said yes.
    #[schema(example = 1)]
    approvals: usize,
    /// How many must.
    #[schema(example = 2)]
    required: usize,
}

/// A reason as it is kept: 1 to 1024 characters, not only blanks.
///
/// # Errors
///
/// 400 otherwise.
pub fn reason(text: &str) -> Result<String, Problem> {
    staff::reason(text).map_err(|error| match error {
        Error::Missing(field) => Problem::from(Error::Missing(field)),
        _ => Problem::field("reason", "must be 1 to 1024 characters without control characters"),
    })
}

/// Approve a payout
///
/// With enough approvals it is queued and goes out. From the site's `four_eyes_from` on, two different people must approve it.
/// Approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/payouts/{external_id}/approve", tag = "staff", operation_id = "approve_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    request_body = Because,
    responses((status = 200, description = "Done: the payout as it is now", body = show::Payout),
        (status = 202, description = "Noted: another person must want the same", body = Waiting),
        (status = 409, description = "`conflict`: it does not wait for approval, or you have approved it already", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn approve(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::Approve).await?;
    let reason = because(&state, &request, payload).await?;
    decide(&state, &path, actor, Act::Approve, reason, payout::approve).await
}

/// Decline a payout
///
/// The held money goes back to the player. Only while nothing of it may have reached the Cashier. Operators, approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/payouts/{external_id}/decline", tag = "staff", operation_id = "decline_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    request_body = Because,
    responses((status = 200, description = "Done: the payout as it is now", body = show::Payout),
        (status = 409, description = "`conflict`: it may have reached the Cashier, or has ended", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn decline(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::Decline).await?;
    let reason = because(&state, &request, payload).await?;
    let done = |tx: &mut WriteTx<'_>, _: &Site, id: &ExternalId, by: By<'_>, at| {
        payout::decline(tx, id, by, at).map(|()| alone(by))
    };
    decide(&state, &path, actor, Act::Decline, reason, done).await
}

/// Send a payout again
///
/// One that waits after tries that never reached the Cashier goes at once. One at stage `unknown` goes again only where the site says that
/// the Cashier pays a repeated `external_id` once (`deduplicates_external_id`); otherwise its provider is asked what became of it, where it
/// tells a status, and what it says is applied. Operators, approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/payouts/{external_id}/retry", tag = "staff", operation_id = "retry_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    request_body = Because,
    responses((status = 200, description = "Done: the payout as it is now", body = show::Payout),
        (status = 409, description = "`conflict`: sending it again could pay twice, or there is nothing to send", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn retry(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::Retry).await?;
    let reason = because(&state, &request, payload).await?;
    let settings = state.settings.clone();
    let done = move |tx: &mut WriteTx<'_>, _: &Site, id: &ExternalId, by: By<'_>, at| {
        payout::retry(tx, &settings.providers, id, by, at)
    };
    let (retried, after) = written(&state, &path, actor, Act::Retry, reason, done).await?;
    match retried {
        Retried::Queued => Ok(HttpResponse::Ok().json(show::payout(&after)?)),
        Retried::Ask => ask_instead(&state, &path).await,
    }
}

/// Say how a payout ended
///
/// On a person's word: the held money is taken (`succeeded`) or given back (`failed`). One that ended the other way is corrected, which
/// may take the player below zero. One that was never sent cannot be resolved, except while sending is held: a restored database may
/// have forgotten that it was. From the site's `four_eyes_from` on, two different people must say the same. Approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/payouts/{external_id}/resolve", tag = "staff", operation_id = "resolve_payout",
    params(("external_id" = String, Path, description = "Our order id")),
    request_body = Resolution,
    responses((status = 200, description = "Done: the payout as it is now", body = show::Payout),
        (status = 202, description = "Noted: another person must want the same", body = Waiting),
        (status = 409, description = "`conflict`: nothing of it was sent, it ended so already, or you have said so already", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn resolve(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::Resolve).await?;
    let given: Resolution = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let reason = reason(&given.reason)?;
    let ending = match given.outcome {
        Outcome::Succeeded => Ending::Succeeded,
        Outcome::Failed => Ending::Failed,
    };
    let done = move |tx: &mut WriteTx<'_>, site: &Site, id: &ExternalId, by: By<'_>, at| {
        payout::resolve(tx, site, id, ending, by, at)
    };
    decide(&state, &path, actor, Act::Resolve, reason, done).await
}

/// Change a balance by hand
///
/// It may go below zero, which opens a review. From the site's `four_eyes_from` on, two different people must want exactly the same
/// amount. Approvers and admins.
#[utoipa::path(
    post, path = "/admin/api/v1/players/{site_id}/{site_login}/adjust", tag = "staff", operation_id = "adjust_balance",
    params(("site_id" = i64, Path), ("site_login" = String, Path, description = "The login, percent-encoded")),
    request_body = Amount,
    responses((status = 200, description = "Booked", body = Booked),
        (status = 202, description = "Noted: another person must want the same", body = Waiting),
        (status = 409, description = "`conflict`: you have wanted this already. `balance_out_of_range`: the balance would be too large", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn adjust(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> Answer {
    let actor = enter(&state, &request, Act::Adjust).await?;
    state.check_open()?;
    let given: Amount = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let reason = reason(&given.reason)?;
    let site: i64 = path_part(&request, "site_id")?.parse().map_err(|_| Error::NotFound("site"))?;
    let site = state.site(SiteId(site)).ok_or(Error::NotFound("site"))?.clone();
    let login = Login::parse(&path_part(&request, "site_login")?).map_err(|_| Error::UnknownPlayer)?;
    let player = Player { site: site.site_id, login };
    let wanted = Adjustment { player, amount: given.amount, currency: Currency::parse(&given.currency)?, reason };
    let adjusted = state.db.write(Scope::from(&wanted.player), move |tx| {
        still_may(tx, &actor, Act::Adjust)?;
        adjust::adjust(tx, &site, &wanted, &actor.name, clock::now())
    });
    Ok(match adjusted.await? {
        Adjusted::Waiting { approvals, required } => waiting(approvals, required),
        Adjusted::Done { id, balance } => {
            HttpResponse::Ok().json(Booked { adjustment_id: id, available: balance.available, held: balance.held })
        }
    })
}

async fn because(state: &State, request: &HttpRequest, payload: web::Payload) -> Result<String, Problem> {
    let given: Because = body::json(request, payload, state.settings.server.max_body_bytes).await?;
    reason(&given.reason)
}

/// Does one thing to a payout in one write, and answers with the payout as it is then.
async fn decide<F>(state: &State, id: &str, actor: Actor, act: Act, reason: String, work: F) -> Answer
where
    F: FnMut(&mut WriteTx<'_>, &Site, &ExternalId, By<'_>, Micros) -> Result<Agreement, Error> + Send + 'static,
{
    match written(state, id, actor, act, reason, work).await? {
        (Agreement::Waiting { approvals, required }, _) => Ok(waiting(approvals, required)),
        (Agreement::Agreed { .. }, after) => Ok(HttpResponse::Ok().json(show::payout(&after)?)),
    }
}

/// Does one thing to a payout in one write. Gives back what came of it, and the payout as it is then.
async fn written<T, F>(
    state: &State,
    id: &str,
    actor: Actor,
    act: Act,
    reason: String,
    mut work: F,
) -> Result<(T, Listed), Problem>
where
    T: Send + 'static,
    F: FnMut(&mut WriteTx<'_>, &Site, &ExternalId, By<'_>, Micros) -> Result<T, Error> + Send + 'static,
{
    state.check_open()?;
    let id = order_id(id, "payout")?;
    let sites = state.sites.clone();
    let done = state.db.write(Scope::from(&id), move |tx| {
        still_may(tx, &actor, act)?;
        let order = payouts::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("payout"))?;
        let gone = || Error::Conflict(format!("site {} is not in the settings any more", order.site_id));
        let site = sites.get(&SiteId(order.site_id)).ok_or_else(gone)?;
        let came = work(tx, site, &id, By { actor: &actor.name, reason: &reason }, clock::now())?;
        let after = payouts::list::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("payout"))?;
        Ok((came, after))
    });
    let done = done.await?;
    state.outbox.notify_one();
    Ok(done)
}

/// What one person may decide alone.
fn alone(by: By<'_>) -> Agreement {
    Agreement::Agreed { by: vec![by.actor.to_owned()] }
}

pub(super) fn waiting(approvals: usize, required: usize) -> HttpResponse {
    HttpResponse::Accepted().json(Waiting { approvals, required })
}
