//! `/wallet/v1`: the game server's API (contract, part 4.3). One file per group of routes.

pub(super) mod door;
pub(super) mod overrides;
pub(super) mod players;
pub(super) mod protection;
pub(super) mod sessions;
pub(super) mod transactions;

use actix_web::web;

use super::problem::Problem;

/// Where a player's routes are.
const PLAYER: &str = "/wallet/v1/sites/{site_id}/players/{site_login}";

/// Every route of a player.
pub(super) fn routes() -> actix_web::Scope {
    web::scope(PLAYER)
        .service(
            web::resource("")
                .route(web::put().to(players::put_player))
                .route(web::get().to(players::get_player))
                .default_service(wrong_method("GET, PUT")),
        )
        .service(
            web::resource("/transactions")
                .route(web::post().to(transactions::post_transaction))
                .route(web::get().to(transactions::get_statement))
                .default_service(wrong_method("GET, POST")),
        )
        .service(
            web::resource("/transactions/{reference}/rollback")
                .route(web::post().to(transactions::post_rollback))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/cashier").route(web::post().to(door::open_cashier)).default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/cashier/rotation-reset")
                .route(web::post().to(door::reset_rotation))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/session")
                .route(web::post().to(sessions::open_session))
                .default_service(wrong_method("POST")),
        )
        .service(
            web::resource("/methods")
                .route(web::get().to(overrides::get_overrides))
                .default_service(wrong_method("GET")),
        )
        .service(
            web::resource("/methods/{method}")
                .route(web::put().to(overrides::put_override))
                .route(web::delete().to(overrides::delete_override))
                .route(web::get().to(overrides::get_override))
                .default_service(wrong_method("GET, PUT, DELETE")),
        )
        .service(
            web::resource("/protection")
                .route(web::get().to(protection::get_protection))
                .default_service(wrong_method("GET")),
        )
        .service(
            web::resource("/protection/limits")
                .route(web::put().to(protection::put_limit))
                .default_service(wrong_method("PUT")),
        )
        .service(
            web::resource("/protection/exclusion")
                .route(web::put().to(protection::put_exclusion))
                .default_service(wrong_method("PUT")),
        )
}

fn wrong_method(allow: &'static str) -> actix_web::Route {
    web::to(move || async move { Problem::method_not_allowed(allow) })
}
