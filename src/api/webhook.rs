//! `POST /cashier/webhook/{provider}`: notifications, stored and applied before they are acknowledged.

use actix_web::{HttpRequest, HttpResponse, web};

use super::callback::{refused, respond};
use super::raw;
use super::transport::{TransportError, read_body};
use crate::clock;
use crate::providers::Notification;
use crate::providers::carouseller::answer;
use crate::state::State;
use crate::webhooks;

/// Verifies the notification, applies it, and acknowledges it after the commit.
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
        Ok(()) => state.db.write(move |tx| webhooks::receive(tx, &notification, clock::now())).await,
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
