//! The OpenAPI document, made from the handlers themselves, and the page that shows it.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::schema::{Array, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Ref, RefOr};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use super::{admin, callback, events, machines, player, problem, wallet, webhook};

/// Nothing on the page comes from elsewhere, whatever the page says.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "croupier",
        description = include_str!("openapi.md")
    ),
    servers((url = "/", description = "The listener that this document came from")),
    paths(
        wallet::players::put_player,
        wallet::players::get_player,
        wallet::transactions::post_transaction,
        wallet::transactions::post_rollback,
        wallet::transactions::get_statement,
        events::get_events,
        wallet::door::open_cashier,
        wallet::door::reset_rotation,
        wallet::sessions::open_session,
        wallet::overrides::put_override,
        wallet::overrides::get_overrides,
        wallet::overrides::get_override,
        wallet::overrides::delete_override,
        player::methods::list,
        player::deposit::create,
        player::withdrawal::create,
        player::withdrawal::cancel,
        player::transactions::list,
        player::transactions::one,
        wallet::protection::get_protection,
        wallet::protection::put_limit,
        wallet::protection::put_exclusion,
        admin::orders::payouts,
        admin::orders::payout,
        admin::decisions::approve,
        admin::decisions::decline,
        admin::decisions::retry,
        admin::decisions::resolve,
        admin::inquiries::payout,
        admin::orders::deposits,
        admin::orders::deposit,
        admin::inquiries::deposit,
        admin::decisions::adjust,
        admin::reviews::list,
        admin::reviews::close,
        admin::reviews::audit,
        admin::desk::list,
        admin::desk::call,
        admin::sending::look,
        admin::sending::confirm,
        callback::carouseller,
        webhook::carouseller,
        webhook::provider,
        webhook::provider_below,
        machines::healthz,
        machines::readyz,
        machines::metrics,
        json,
    ),
    components(schemas(problem::Document, player::Body)),
    tags(
        (name = "players", description = "The game server: players, with the scopes `players` and `read`"),
        (name = "play", description = "The game server: money of games, with the scopes `play`, `bonus`, `adjust` and `read`"),
        (name = "events", description = "The game server: every change as an event, with the scope `events`"),
        (name = "protection", description = "The game server: limits of a player's own, self-exclusion, cool-off"),
        (name = "cashier", description = "The game server: the Cashier for a player, with the scope `cashier`"),
        (name = "player", description = "Players, on the public listener, with a session token: the shape of ScaleTrade's Cashier API"),
        (name = "staff", description = "The back office: what people see and decide"),
        (name = "carouseller", description = "The Cashier, on the public listener: its questions and notifications"),
        (name = "providers", description = "Other providers, on the public listener: their notifications"),
        (name = "machines", description = "Health, metrics and this document"),
    ),
    modifiers(&Security, &Pages)
)]
struct Api;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let mut bearer = |name: &str, description: &str| {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(description.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        };
        bearer("game_server", "A key of `[wallet] api_keys`");
        bearer("player", "A session token of a player, with `Bearer` before it or without");
        bearer("staff", "A token of `croupier staff token NAME`");
    }
}

/// What the name of a generic page begins with; the name of its items follows.
const PAGE: &str = "Page_";

struct Pages;

impl Modify for Pages {
    /// A generic page shows its items in full; here it names them.
    fn modify(&self, document: &mut Document) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        for (name, schema) in schemas.iter_mut() {
            if let (Some(item), RefOr::T(Schema::Object(page))) = (name.strip_prefix(PAGE), schema) {
                page.properties.insert("items".to_owned(), Array::new(Ref::from_schema_name(item)).into());
            }
        }
    }
}

/// The whole document.
pub fn document() -> Document {
    Api::openapi()
}

/// Show this document
///
/// Made from the code that serves. `/docs` shows it to people.
#[utoipa::path(
    get, path = "/openapi.json", tag = "machines", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
pub(super) async fn json() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// `GET /docs` and what its page loads, all of it from here.
pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    let file = request.match_info().query("file");
    let config = Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(false);
    match utoipa_swagger_ui::serve(if file.is_empty() { "index.html" } else { file }, Arc::new(config)) {
        Ok(Some(found)) => {
            let mut body = found.bytes.into_owned();
            if file.is_empty() {
                // The page names its files beside itself, and it is at /docs, not in it.
                let html = String::from_utf8_lossy(&body).replacen("<head>", "<head><base href=\"/docs/\">", 1);
                body = html.into_bytes();
            }
            HttpResponse::Ok()
                .content_type(found.content_type)
                .insert_header((CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .body(body)
        }
        Ok(None) | Err(_) => actix_web::ResponseError::error_response(&problem::Problem::no_such_route()),
    }
}

/// The routes of the document and its page.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/openapi.json", web::get().to(json))
        .route("/docs", web::get().to(page))
        .route("/docs/{file}", web::get().to(page));
}
