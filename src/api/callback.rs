//! `POST /cashier/callback/carouseller`: questions of the Cashier.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::carouseller::{CashierAnswer, CashierQuestion, CashierRefusals};
use super::raw;
use super::transport::{TransportError, read_body};
use super::webhook::refused;
use crate::providers::carouseller::answer::{self, Answer};
use crate::providers::{Direction, Question};
use crate::questions::{self, Prepared};
use crate::state::State;

const PROVIDER: &str = "carouseller";

/// Answer a question of the Cashier
///
/// `check_deposit` and `request_payout`, told apart by `action`. There is no key: the signature is in the body. JSON or a form, or query
/// parameters when there is no body; one source per request. HTTP 200 whenever a `code` of the protocol is the answer, a refused
/// signature too; 0 and 50 come after the order and the hold are durable.
#[utoipa::path(
    post, path = "/cashier/callback/carouseller", tag = "carouseller", operation_id = "carouseller_callback",
    request_body(description = "The provider's signed parameters",
        content((CashierQuestion = "application/json"), (CashierQuestion = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "The answer of the protocol", body = CashierAnswer), CashierRefusals)
)]
pub(super) async fn carouseller(
    request: HttpRequest,
    mut payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, TransportError> {
    let limit = state.settings.server.max_body_bytes;
    let body = read_body(&request, &mut payload, limit).await?;
    let raw = raw(&request, &body, &state);
    let answer = match state.settings.providers.carouseller.read_question(&raw) {
        Ok(question) => decide(&state, question).await,
        Err(error) => {
            refused(&state, PROVIDER, &error, &raw);
            answer::unread_question(&error)
        }
    };
    Ok(respond(&answer))
}

async fn decide(state: &State, question: Question) -> Answer {
    let direction = question.direction;
    let (amount, site) = (question.amount, question.site);
    let decided = match (state.check_open(), state.site(question.site)) {
        (Err(closed), _) => Err(closed),
        (Ok(()), Some(site)) => questions::answer(&state.db, Prepared::new(PROVIDER, site.clone(), question)).await,
        (Ok(()), None) => Err(crate::error::Error::NotFound("site")),
    };
    let (action, answer) = match direction {
        Direction::Deposit => ("check_deposit", answer::deposit(&decided)),
        Direction::Payout => ("request_payout", answer::payout(&decided)),
    };
    match &decided {
        Ok(_) if direction == Direction::Payout => state.outbox.notify_one(),
        Ok(_) => {}
        Err(error) if error.is_refusal() => log::info!("{action}: {amount} on site {site}: refused: {error}"),
        Err(error) => log::error!("{action}: {amount} on site {site}: cannot be decided now: {error}"),
    }
    state.metrics.questions.with_label_values(&[action, &answer.code.to_string()]).inc();
    answer
}

/// The answer as HTTP.
pub(super) fn respond(answer: &Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type("application/json").body(answer.to_json())
}
