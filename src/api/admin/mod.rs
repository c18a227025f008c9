//! The back office in JSON, under `/admin/api/v1`, for bearers of a staff token (contract, part 4.4).
//!
//! Every handler lets somebody in or not, then does one read or one write. The permission is looked at again inside the write, so
//! that a change of role that comes first counts.

pub(super) mod decisions;
pub(super) mod desk;
mod guard;
pub(super) mod inquiries;
mod moments;
pub(super) mod orders;
pub(super) mod reviews;
pub(super) mod sending;
mod show;
mod timeline;

#[cfg(test)]
mod tests;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpResponse, Resource, Route, web};

use super::problem::Problem;

/// Where this API is.
pub const PREFIX: &str = "/admin/api/v1";

/// Every route of this API. Needs `web::Data<crate::state::State>`.
pub fn scope() -> impl HttpServiceFactory {
    web::scope(PREFIX)
        .wrap(security_headers())
        .service(get("/payouts", web::get().to(orders::payouts)))
        .service(get("/payouts/{external_id}", web::get().to(orders::payout)))
        .service(get("/deposits", web::get().to(orders::deposits)))
        .service(get("/deposits/{external_id}", web::get().to(orders::deposit)))
        .service(get("/reviews", web::get().to(reviews::list)))
        .service(get("/audit", web::get().to(reviews::audit)))
        .service(post("/payouts/{external_id}/approve", web::post().to(decisions::approve)))
        .service(post("/payouts/{external_id}/decline", web::post().to(decisions::decline)))
        .service(post("/payouts/{external_id}/retry", web::post().to(decisions::retry)))
        .service(post("/payouts/{external_id}/ask", web::post().to(inquiries::payout)))
        .service(post("/deposits/{external_id}/ask", web::post().to(inquiries::deposit)))
        .service(post("/payouts/{external_id}/resolve", web::post().to(decisions::resolve)))
        .service(post("/players/{site_id}/{site_login}/adjust", web::post().to(decisions::adjust)))
        .service(post("/reviews/{id}/close", web::post().to(reviews::close)))
        .service(get("/providers", web::get().to(desk::list)))
        .service(post("/providers/{site_id}/{provider}/{call}", web::post().to(desk::call)))
        .service(get("/sending", web::get().to(sending::look)))
        .service(post("/sending/confirm", web::post().to(sending::confirm)))
        .default_service(web::to(|| async { Problem::no_such_route() }))
}

/// What every answer under `/admin` carries: not kept, not guessed at, not framed, not scripted (threats ADM-8). A handler's own
/// header of the same name stays.
pub fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((CACHE_CONTROL, "no-store"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((X_FRAME_OPTIONS, "DENY"))
        .add((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// What a handler answers.
type Answer = Result<HttpResponse, Problem>;

fn get(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(|| async { Problem::method_not_allowed("GET") }))
}

fn post(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(|| async { Problem::method_not_allowed("POST") }))
}
