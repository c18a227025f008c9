//! Health and metrics, for machines.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::State;

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `up`, `ready`, `closed` or `unavailable`.
    status: &'static str,
    /// Why it is not ready, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Tell whether the process is up
///
/// Looks at nothing else. On both listeners.
#[utoipa::path(
    get, path = "/healthz", tag = "machines", operation_id = "healthz",
    responses((status = 200, description = "It is: `up`", body = Health))
)]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "up", reason: None })
}

/// Tell whether requests can be served
///
/// The database answers, migrations are done, and the books hold. On both listeners.
#[utoipa::path(
    get, path = "/readyz", tag = "machines", operation_id = "readyz",
    responses((status = 200, description = "They can: `ready`", body = Health),
        (status = 503, description = "`closed`: the books do not hold. `unavailable`: the database does not answer", body = Health))
)]
pub(super) async fn readyz(state: web::Data<State>) -> HttpResponse {
    let not_ready = |status, reason| HttpResponse::ServiceUnavailable().json(Health { status, reason: Some(reason) });
    match (state.check_open(), state.db.check().await) {
        (Ok(()), Ok(())) => HttpResponse::Ok().json(Health { status: "ready", reason: None }),
        (Err(_), _) => not_ready("closed", "the books do not hold"),
        (_, Err(_)) => not_ready("unavailable", "the database"),
    }
}

/// Count what happens
///
/// In the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "machines", operation_id = "metrics",
    responses((status = 200, description = "Every counter", body = String, content_type = "text/plain; version=0.0.4"))
)]
pub(super) async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.text())
}
