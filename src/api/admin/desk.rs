//! What staff ask of providers: which accounts there are, and the calls that each of them takes.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Answer;
use super::decisions::{Waiting, reason, waiting};
use super::guard::{enter, still_may};
use crate::api::{body, path_part, problem};
use crate::cashier::details::Details;
use crate::clock;
use crate::db::{Scope, WriteTx};
use crate::desk::{self, Permission, Wanted};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::providers::Provider;
use crate::staff::Act;
use crate::state::State;

/// A parameter of a call.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderCallParameter)]
pub struct Parameter {
    #[schema(example = "currency")]
    name: &'static str,
    /// Whether the call is refused without it.
    required: bool,
}

/// A call that a provider takes.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderCall)]
pub struct Call {
    #[schema(example = "balance")]
    name: &'static str,
    #[schema(example = "What the account has, by currency")]
    description: &'static str,
    /// Whether it is about one order of ours, whose `external_id` is given.
    of_order: bool,
    /// Whether it changes something there: approvers and admins only, with a reason, and from `four_eyes_from` on two people.
    changes: bool,
    parameters: Vec<Parameter>,
}

/// An account with a provider.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderAccount)]
pub struct Account {
    #[schema(example = 332)]
    site_id: i64,
    #[schema(example = "cactus")]
    provider: &'static str,
    /// Whether it can be asked how an order stands.
    tells_status: bool,
    /// Whether an unknown payout may be sent to it again.
    deduplicates: bool,
    calls: Vec<Call>,
}

fn account(site: SiteId, provider: &dyn Provider) -> Account {
    let manners = provider.manners(site);
    let calls = provider.desk().iter().map(|call| Call {
        name: call.name,
        description: call.about,
        of_order: call.of_order,
        changes: call.changes,
        parameters: call.parameters.iter().map(|(name, required)| Parameter { name, required: *required }).collect(),
    });
    Account {
        site_id: site.0,
        provider: provider.name(),
        tells_status: manners.tells_status,
        deduplicates: manners.deduplicates,
        calls: calls.collect(),
    }
}

/// Every account of every site.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderAccounts)]
pub struct Accounts {
    items: Vec<Account>,
}

/// List the providers
///
/// Every account of every site, and what can be asked of it. Any role.
#[utoipa::path(
    get, path = "/admin/api/v1/providers", tag = "staff", operation_id = "list_providers",
    responses((status = 200, description = "All accounts", body = Accounts), problem::Refusals),
    security(("staff" = []))
)]
pub async fn list(state: web::Data<State>, request: HttpRequest) -> Answer {
    enter(&state, &request, Act::Read).await?;
    body::Query::read(request.query_string(), &[])?;
    let of_site = |site: &crate::settings::Site| {
        let found = state.settings.providers.all().filter(|provider| site.has(provider.name()));
        found.map(|provider| account(site.site_id, provider)).collect::<Vec<_>>()
    };
    let items = state.settings.sites.iter().flat_map(of_site).collect();
    Ok(HttpResponse::Ok().json(Accounts { items }))
}

/// What a call is made with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderCallRequest)]
pub struct Asked {
    /// Our order, for calls that are about one.
    external_id: Option<String>,
    /// Texts by name.
    #[schema(value_type = Option<Object>, example = json!({"currency": "KZT"}))]
    parameters: Option<Details>,
    /// Why: needed where something changes there.
    reason: Option<String>,
}

/// What the provider said.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderCallAnswer)]
pub struct Said {
    /// In the provider's own words, read strictly; amounts as the provider writes them.
    #[schema(value_type = Object)]
    answer: Value,
}

/// Ask a provider
///
/// Makes one of the calls that `GET /admin/api/v1/providers` lists. No money moves here by it: what follows comes as a notification, or is
/// asked about. Operators for what only looks; approvers and admins for what changes something there, which is in the audit before it goes
/// out, and about an order from `four_eyes_from` on two different people must want the same.
#[utoipa::path(
    post, path = "/admin/api/v1/providers/{site_id}/{provider}/{call}", tag = "staff", operation_id = "call_provider",
    params(("site_id" = i64, Path), ("provider" = String, Path), ("call" = String, Path)),
    request_body = Asked,
    responses((status = 200, description = "What the provider said", body = Said),
        (status = 202, description = "Noted: another person must want the same", body = Waiting),
        (status = 409, description = "`conflict`: you have said so already", body = problem::Document,
            content_type = "application/problem+json"),
        (status = 502, description = "`provider_error`: it did not answer, or said no", body = problem::Document,
            content_type = "application/problem+json"),
        problem::Refusals, problem::BodyRefusals),
    security(("staff" = []))
)]
pub async fn call(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> Answer {
    let actor = enter(&state, &request, Act::AskProvider).await?;
    let sent: Asked = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let site = path_part(&request, "site_id")?.parse().map_err(|_| Error::NotFound("site"))?;
    let wanted = Wanted {
        site: SiteId(site),
        provider: path_part(&request, "provider")?,
        call: path_part(&request, "call")?,
        external_id: sent.external_id.filter(|id| !id.is_empty()).map(|id| ExternalId::parse(&id)).transpose()?,
        parameters: sent.parameters.unwrap_or_default().read().map_err(|_| Error::Invalid("parameters"))?,
        reason: sent.reason.as_deref().map(reason).transpose()?.unwrap_or_default(),
    };
    let (_, call) = desk::find(&state.settings, &wanted)?;
    desk::check(&call, &wanted)?;
    let by = actor.name.clone();
    let allowed = if call.changes {
        actor.require(Act::ChangeAtProvider)?;
        state.check_open()?;
        let (settings, asked) = (state.settings.clone(), wanted.clone());
        let permit = move |tx: &mut WriteTx<'_>| {
            still_may(tx, &actor, Act::ChangeAtProvider)?;
            desk::permit(tx, &settings, &call, &asked, &actor.name, clock::now())
        };
        // Two people who say the same at once are one after the other.
        let whose = wanted.external_id.as_ref().map_or(Scope::Nobody, Scope::from);
        match state.db.write(whose, permit).await? {
            Permission::Allowed(allowed) => *allowed,
            Permission::Waiting { approvals, required } => {
                return Ok(waiting(approvals, required));
            }
        }
    } else {
        let asked = wanted.clone();
        state.db.read(move |conn| desk::look(conn, &asked)).await?
    };
    let (state, by) = (state.into_inner(), by);
    // It goes on when the caller hangs up: a call of several requests must not stop in the middle.
    let made = tokio::spawn(async move {
        let (provider, call) = desk::find(&state.settings, &wanted)?;
        let answered = desk::carry_out(provider, &state.outgoing, &call, allowed).await;
        if call.changes {
            let outcome = answered.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
            let note = move |tx: &mut WriteTx<'_>| desk::note(tx, &wanted, &by, &outcome, clock::now());
            state.db.write(Scope::Nobody, note).await?;
        }
        answered
    });
    let answer = made.await.map_err(|broken| Error::Internal(format!("a call of a provider: {broken}")))??;
    Ok(HttpResponse::Ok().json(Said { answer }))
}
