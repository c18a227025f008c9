//! `POST /cashier/webhook/{provider}`: notifications, stored and applied before they are acknowledged.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::callback::respond;
use super::carouseller::{
    CashierAcknowledgement, CashierNotification, CashierRefusal, CashierRefusals, ProviderAnswer,
};
use super::transport::{TransportError, read_body};
use super::{quiet, raw};
use crate::clock;
use crate::db::{Scope, WriteTx};
use crate::error::Error;
use crate::ids::{Login, Player};
use crate::inquiries::Confirmed;
use crate::providers::carouseller::answer;
use crate::providers::{Heard, Hint, Notification, Provider, RawRequest, ReadError, Said, Told};
use crate::state::State;
use crate::webhooks;

/// Take a notification of the Cashier
///
/// How an order goes. There is no key: the signature is in the body. JSON or a form, or query parameters when there is no body. It is
/// acknowledged after it is stored and applied; a repetition gets the same answer and has no second effect. What cannot be applied is
/// stored, put into review, and acknowledged too.
#[utoipa::path(
    post, path = "/cashier/webhook/carouseller", tag = "carouseller", operation_id = "carouseller_webhook",
    request_body(description = "The provider's signed parameters",
        content((CashierNotification = "application/json"), (CashierNotification = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "Taken", body = CashierAcknowledgement),
        (status = 403, description = "The site, the signature or the address is not good; nothing is stored", body = CashierRefusal),
        CashierRefusals)
)]
pub(super) async fn carouseller(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, TransportError> {
    take(request, payload, &state, "carouseller").await
}

/// Take a message of another provider
///
/// Each in its own dialect, signed or authenticated in its own way (docs/PROVIDERS.md). What a signature does not
/// cover is confirmed by asking the provider before money moves.
#[utoipa::path(
    post, path = "/cashier/webhook/{provider}", tag = "providers", operation_id = "provider_webhook",
    params(("provider" = String, Path, description = "The provider's name")),
    responses((status = 200, description = "Taken; the body is what the provider wants to see", body = ProviderAnswer),
        (status = 401, description = "The provider authenticates by HTTP and has not", body = ProviderAnswer),
        (status = 403, description = "The account, the signature or the address is not good; nothing is stored", body = CashierRefusal),
        (status = 404, description = "There is no such provider", body = CashierRefusal),
        CashierRefusals)
)]
pub(super) async fn provider(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, TransportError> {
    let name = request.match_info().get("provider").unwrap_or_default().to_owned();
    take(request, payload, &state, &name).await
}

/// Take a message of another provider at an address of its own
///
/// Providers that are told our addresses with each order call these: what is behind the name was made by croupier.
#[utoipa::path(
    post, path = "/cashier/webhook/{provider}/{tail}", tag = "providers", operation_id = "provider_webhook_below",
    params(("provider" = String, Path, description = "The provider's name"),
        ("tail" = String, Path, description = "One or more further parts, made by croupier")),
    responses((status = 200, description = "Taken; the body is what the provider wants to see", body = ProviderAnswer),
        (status = 403, description = "The account, the signature or the address is not good; nothing is stored", body = CashierRefusal),
        (status = 404, description = "There is no such provider", body = CashierRefusal),
        CashierRefusals)
)]
pub(super) async fn provider_below(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, TransportError> {
    provider(request, payload, state).await
}

async fn take(
    request: HttpRequest,
    mut payload: web::Payload,
    state: &State,
    name: &str,
) -> Result<HttpResponse, TransportError> {
    let body = read_body(&request, &mut payload, state.settings.server.max_body_bytes).await?;
    let Some(provider) = state.settings.providers.get(name) else {
        return Ok(respond(&answer::not_taken(404, "Not found")));
    };
    let raw = raw(&request, &body, state);
    let told = match provider.read(&raw) {
        Ok(Heard::Notification(notification)) => provider.tell(receive(state, provider, *notification).await),
        Ok(Heard::Hint(hint)) => provider.tell(confirm(state, provider, hint).await),
        Ok(Heard::Nothing(what)) => {
            log::info!("{name}: a message that is about nothing of ours ({what}): acknowledged");
            provider.tell(Said::Taken)
        }
        Err(error) => {
            refused(state, provider.name(), &error, &raw);
            provider.tell(Said::Refused(&error))
        }
    };
    state.metrics.webhooks.with_label_values(&[provider.name(), &told.http.to_string()]).inc();
    Ok(as_http(told))
}

async fn receive(state: &State, provider: &dyn Provider, notification: Notification) -> Said<'static> {
    let about = if notification.external_id.is_empty() { "no order" } else { &notification.external_id };
    let shown = format!("notification about {about} ({})", notification.codes);
    let stored = match state.check_open() {
        Ok(()) => {
            let surplus = provider.surplus(&notification);
            let whose = whose(&notification);
            let take =
                move |tx: &mut WriteTx<'_>| webhooks::additional::receive(tx, &notification, surplus, clock::now());
            state.db.write(whose, take).await
        }
        Err(closed) => Err(closed),
    };
    said(&shown, stored)
}

/// Whose money it is about: the order's player, or, where it names no order, the one it names.
fn whose(notification: &Notification) -> Scope {
    match Login::parse(&notification.login) {
        Ok(login) if notification.external_id.is_empty() => Scope::Player(Player { site: notification.site, login }),
        Ok(_) | Err(_) => Scope::Order(notification.external_id.clone()),
    }
}

/// What a hint claims is asked for before anything moves.
async fn confirm(state: &State, provider: &dyn Provider, hint: Hint) -> Said<'static> {
    let shown = format!("{}: a hint about {} ({})", provider.name(), hint.external_id, hint.claims);
    let confirmed = match state.check_open() {
        Ok(()) => state.asker.confirm(provider, hint).await,
        Err(closed) => Err(closed),
    };
    match confirmed {
        Ok(Confirmed::Done) => said(&shown, Ok(())),
        Ok(Confirmed::Later(why)) => {
            log::warn!("{shown}: not confirmed yet, it is asked for again: {why}");
            Said::Later
        }
        Err(error) => said(&shown, Err(error)),
    }
}

fn said(shown: &str, stored: Result<(), Error>) -> Said<'static> {
    match stored {
        Ok(()) => {
            log::info!("{shown}: acknowledged");
            Said::Taken
        }
        Err(error) => {
            log::error!("{shown}: cannot be stored now: {error}");
            Said::Later
        }
    }
}

/// Counts and logs what was not let in. A line never quotes the message.
pub(super) fn refused(state: &State, provider: &str, error: &ReadError, raw: &RawRequest<'_>) {
    state.metrics.refused.with_label_values(&[provider]).inc();
    quiet::say(|| format!("{provider}: a message from {} was refused: {error}", raw.peer));
}

fn as_http(told: Told) -> HttpResponse {
    let status = StatusCode::from_u16(told.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    for (name, value) in told.headers {
        // One name may stand there several times, as challenges do.
        response.append_header((name, value));
    }
    response.body(told.body)
}
