//! What staff decide: approve, decline, retry, resolve a payout; adjust a balance. Each is one write with its audit row.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::guard::{enter, still_may};
use super::orders::order_id;
use super::{Answer, show};
use crate::api::body;
use crate::api::path_part;
use crate::api::problem::Problem;
use crate::clock::{self, Micros};
use crate::db::WriteTx;
use crate::error::Error;
use crate::ids::{ExternalId, Login, Player, SiteId, plain_text};
use crate::money::Currency;
use crate::payouts;
use crate::payouts::approve::{self as payout, By, Ending};
use crate::payouts::list::Listed;
use crate::settings::Site;
use crate::staff::approvals::Agreement;
use crate::staff::{Act, Actor};
use crate::state::State;
use crate::wallet::adjust::{self, Adjusted, Adjustment};

/// The body of most decisions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why: 1 to 1024 characters.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolution {
    outcome: Outcome,
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Succeeded,
    Failed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    amount: i64,
    currency: String,
    reason: String,
}

/// A reason as it is kept: 1 to 1024 characters, not only blanks.
///
/// # Errors
///
/// 400 otherwise.
pub fn reason(text: &str) -> Result<String, Problem> {
    // Line ends are fine in what people write; other control characters are not.
    let plain = text.replace(['\r', '\n', '\t'], " ");
    plain_text(plain.trim(), "reason", 1024).map_err(|error| match error {
        Error::Missing(field) => Problem::from(Error::Missing(field)),
        _ => Problem::field("reason", "must be 1 to 1024 characters without control characters"),
    })
}

/// `POST /payouts/{external_id}/approve`
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

/// `POST /payouts/{external_id}/decline`
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

/// `POST /payouts/{external_id}/retry`
pub async fn retry(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let actor = enter(&state, &request, Act::Retry).await?;
    let reason = because(&state, &request, payload).await?;
    let done = |tx: &mut WriteTx<'_>, site: &Site, id: &ExternalId, by: By<'_>, at| {
        payout::retry(tx, site, id, by, at).map(|()| alone(by))
    };
    decide(&state, &path, actor, Act::Retry, reason, done).await
}

/// `POST /payouts/{external_id}/resolve`
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
        payout::resolve(tx, site, PROVIDER, id, ending, by, at)
    };
    decide(&state, &path, actor, Act::Resolve, reason, done).await
}

/// `POST /players/{site_id}/{site_login}/adjust`
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
    let adjusted = state.db.write(move |tx| {
        still_may(tx, &actor, Act::Adjust)?;
        adjust::adjust(tx, &site, &wanted, &actor.name, clock::now())
    });
    Ok(match adjusted.await? {
        Adjusted::Waiting { approvals, required } => waiting(approvals, required),
        Adjusted::Done { id, balance } => {
            HttpResponse::Ok().json(json!({"adjustment_id": id, "available": balance.available, "held": balance.held}))
        }
    })
}

/// The one provider that payouts go through.
const PROVIDER: &str = "carouseller";

async fn because(state: &State, request: &HttpRequest, payload: web::Payload) -> Result<String, Problem> {
    let given: Because = body::json(request, payload, state.settings.server.max_body_bytes).await?;
    reason(&given.reason)
}

/// Does one thing to a payout in one write, and answers with the payout as it is then.
async fn decide<F>(state: &State, id: &str, actor: Actor, act: Act, reason: String, mut work: F) -> Answer
where
    F: FnMut(&mut WriteTx<'_>, &Site, &ExternalId, By<'_>, Micros) -> Result<Agreement, Error> + Send + 'static,
{
    state.check_open()?;
    let id = order_id(id, "payout")?;
    let sites = state.sites.clone();
    let decided = state.db.write(move |tx| {
        still_may(tx, &actor, act)?;
        let order = payouts::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("payout"))?;
        let gone = || Error::Conflict(format!("site {} is not in the settings any more", order.site_id));
        let site = sites.get(&SiteId(order.site_id)).ok_or_else(gone)?;
        let agreement = work(tx, site, &id, By { actor: &actor.name, reason: &reason }, clock::now())?;
        let after = payouts::list::find(tx.read()?, id.as_str())?.ok_or(Error::NotFound("payout"))?;
        Ok((agreement, after))
    });
    let (agreement, after): (Agreement, Listed) = decided.await?;
    state.outbox.notify_one();
    match agreement {
        Agreement::Waiting { approvals, required } => Ok(waiting(approvals, required)),
        Agreement::Agreed { .. } => Ok(HttpResponse::Ok().json(show::payout(&after)?)),
    }
}

/// What one person may decide alone.
fn alone(by: By<'_>) -> Agreement {
    Agreement::Agreed { by: vec![by.actor.to_owned()] }
}

fn waiting(approvals: usize, required: usize) -> HttpResponse {
    HttpResponse::Accepted().json(json!({"approvals": approvals, "required": required}))
}
