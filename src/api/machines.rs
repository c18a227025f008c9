//! Health and metrics, for machines.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::state::State;

/// The process is up.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "up"}))
}

/// The database answers, migrations are done, and the books hold.
pub(super) async fn readyz(state: web::Data<State>) -> HttpResponse {
    match (state.check_open(), state.db.check().await) {
        (Ok(()), Ok(())) => HttpResponse::Ok().json(json!({"status": "ready"})),
        (Err(_), _) => {
            HttpResponse::ServiceUnavailable().json(json!({"status": "closed", "reason": "the books do not hold"}))
        }
        (_, Err(_)) => {
            HttpResponse::ServiceUnavailable().json(json!({"status": "unavailable", "reason": "the database"}))
        }
    }
}

/// Counters for Prometheus.
pub(super) async fn metrics(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(state.metrics.text())
}
