//! Who may come in, and whom they may ask about.

use reqwest::{Method, RequestBuilder};

use super::super::Severity::{Critical, High};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::tried;

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "without-bearer-key", "without a bearer key everything is refused 401", |p| {
            Box::pin(refused(p, &[]))
        }),
        tried(Critical, "with-a-wrong-bearer-key", "with a wrong bearer key everything is refused 401", |p| {
            Box::pin(wrong_key(p))
        }),
        tried(High, "unknown-player", "everything about a player that nobody made is refused 404", |p| {
            Box::pin(unknown_player(p))
        }),
        tried(High, "unknown-site", "everything about a site that is not there is refused 404", |p| {
            Box::pin(unknown_site(p))
        }),
    ]
}

/// Every request there is, without credentials.
fn every_request(player: &Player<'_>) -> Vec<RequestBuilder> {
    let bench = player.bench();
    let json = |request: RequestBuilder| request.header("content-type", "application/json");
    let win = player.movement("win", player.unit(), "round").to_string();
    vec![
        bench.stranger(Method::GET, &player.path("")),
        json(bench.stranger(Method::PUT, &player.path(""))).body(r#"{"status":"blocked"}"#),
        json(bench.stranger(Method::POST, &player.path("/transactions")))
            .header("idempotency-key", player.reference("k"))
            .body(win),
        bench.stranger(Method::GET, &player.path("/transactions")),
        bench.stranger(Method::POST, &player.path("/transactions/round/rollback")),
    ]
}

async fn refused(player: Player<'_>, credentials: &[String]) -> Result<(), Stop> {
    if credentials.is_empty() {
        for request in every_request(&player) {
            player.send(request).await?.refused(401)?;
        }
    }
    for credential in credentials {
        for request in every_request(&player) {
            player.send(request.header("authorization", credential)).await?.refused(401)?;
        }
    }
    player.untouched().await
}

async fn wrong_key(player: Player<'_>) -> Result<(), Stop> {
    let key = player.bench().subject().key.expose().to_owned();
    let cut: String = key.chars().skip(1).collect();
    let wrong = ["Bearer wrong".to_owned(), format!("Bearer {key}x"), format!("Bearer {cut}"), format!("Basic {key}")];
    refused(player, &wrong).await
}

async fn unknown_player(player: Player<'_>) -> Result<(), Stop> {
    let nobody = player.beside("-nobody");
    nobody.shown().await?.refused(404)?;
    nobody.play("bet", player.unit(), "round").await?.refused(404)?;
    nobody.play("win", player.unit(), "round").await?.refused(404)?;
    nobody.rollback("round").await?.refused(404)?;
    let statement = player.bench().request(Method::GET, &nobody.path("/transactions"));
    player.send(statement).await?.refused(404)?;
    nobody.shown().await?.refused(404)
}

async fn unknown_site(player: Player<'_>) -> Result<(), Stop> {
    let bench = player.bench();
    let own = format!("/sites/{}/", bench.subject().site_id);
    let path = player.path("").replacen(&own, "/sites/999999999/", 1);
    player.send(bench.request(Method::GET, &path)).await?.refused(404)?;
    let put = bench.request(Method::PUT, &path).header("content-type", "application/json").body("{}");
    player.send(put).await?.refused(404)
}
