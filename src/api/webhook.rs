//! `POST /cashier/webhook/{provider}`: notifications, stored and applied before they are acknowledged.

use actix_web::{HttpRequest, HttpResponse, web};

use super::callback::{refused, respond};
use super::carouseller::{CashierAcknowledgement, CashierNotification, CashierRefusal, CashierRefusals};
use super::raw;
use super::transport::{TransportError, read_body};
use crate::clock;
use crate::db::Scope;
use crate::providers::Notification;
use crate::providers::carouseller::answer;
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
    mut payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, TransportError> {
    let limit = state.settings.server.max_body_bytes;
    let body = read_body(&request, &mut payload, limit).await?;
    let raw = raw(&request, &body, &state);
    let answer = match state.carouseller.read_notification(&raw) {
        Ok(notification) => receive(&state, notification).await,
        Err(error) => {
            refused(&state, &error, &raw);
            answer::unread_notification(&error)
        }
    };
    state.metrics.webhooks.with_label_values(&["carouseller", &answer.http.to_string()]).inc();
    Ok(respond(&answer))
}

async fn receive(state: &State, notification: Notification) -> answer::Answer {
    let shown = format!("notification about {} ({})", notification.external_id, notification.codes);
    let stored = match state.check_open() {
        Ok(()) => {
            state
                .db
                .write(Scope::Order(notification.external_id.clone()), move |tx| {
                    webhooks::receive(tx, &notification, clock::now())
                })
                .await
        }
        Err(closed) => Err(closed),
    };
    match stored {
        Ok(()) => {
            log::info!("{shown}: acknowledged");
            answer::acknowledged()
        }
        Err(error) => {
            log::error!("{shown}: cannot be stored now: {error}");
            answer::temporarily_unavailable()
        }
    }
}
