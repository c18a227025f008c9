//! Bodies that are no transaction are refused with the name of the field, and refusals are problem documents.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::Severity::{High, Low, Medium};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::reply::Reply;
use super::{PURSE, tried};

const PROBLEM: &str = "application/problem+json";

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Medium, "missing-fields-are-named", "each missing field is refused and named", |p| Box::pin(missing(p))),
        tried(Medium, "unknown-field", "a field that nobody knows is refused: it may be a misspelt one", |p| {
            Box::pin(with(p, "amuont", json!(5), "amuont"))
        }),
        tried(High, "unknown-kind", "a kind that nobody knows is refused and named", |p| {
            Box::pin(with(p, "kind", json!("steal"), "kind"))
        }),
        tried(High, "unknown-currency", "a currency the site does not have is refused and named", |p| {
            Box::pin(with(p, "currency", json!("QQQ"), "currency"))
        }),
        tried(Medium, "empty-reference", "an empty reference is refused and named", |p| {
            Box::pin(with(p, "reference", json!(""), "reference"))
        }),
        tried(Medium, "body-that-is-not-json", "a body that is no JSON object is refused 400", |p| {
            Box::pin(not_json(p))
        }),
        tried(Medium, "other-content-type", "a body that does not say application/json is refused 415", |p| {
            Box::pin(content_type(p))
        }),
        tried(
            Medium,
            "errors-are-problem-documents",
            "refusals are problem documents with status, code and text",
            |p| Box::pin(problems(p)),
        ),
        tried(Low, "wrong-method", "a method that is not offered is refused 405", |p| Box::pin(wrong_method(p))),
    ]
}

async fn missing(player: Player<'_>) -> Result<(), Stop> {
    for field in ["kind", "amount", "currency", "reference"] {
        let mut body = player.movement("win", player.unit(), "round");
        if let Some(fields) = body.as_object_mut() {
            fields.remove(field);
        }
        player.post(field, &body).await?.names(field)?;
    }
    player.untouched().await
}

/// A win with this in one of its fields.
async fn with(player: Player<'_>, field: &str, value: Value, named: &str) -> Result<(), Stop> {
    let mut body = player.movement("win", player.unit(), "round");
    body[field] = value;
    player.post("k", &body).await?.names(named)?;
    player.untouched().await
}

async fn not_json(player: Player<'_>) -> Result<(), Stop> {
    for (nth, text) in ["", "{", "win", "[]", "null", "\"{}\""].into_iter().enumerate() {
        player.post_text(&format!("k{nth}"), text).await?.refused(400)?;
    }
    let twice = player.movement("win", player.unit(), "round").to_string().repeat(2);
    player.post_text("twice", &twice).await?.refused(400)?;
    player.untouched().await
}

async fn content_type(player: Player<'_>) -> Result<(), Stop> {
    let path = player.path("/transactions");
    let body = player.movement("win", player.unit(), "round").to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let request = player.bench().request(Method::POST, &path).header("content-type", kind);
        let key = player.reference("content-type");
        player.send(request.header("idempotency-key", key).body(body.clone())).await?.refused(415)?;
    }
    player.untouched().await
}

async fn problems(player: Player<'_>) -> Result<(), Stop> {
    let nobody = player.beside("-nobody");
    let stranger = player.bench().stranger(Method::GET, &player.path(""));
    let bet = |amount: i64| player.movement("bet", amount, "round");
    player.post("k", &bet(player.unit())).await?.ok("a bet to be taken")?;
    problem(&player.post("k", &bet(player.unit() + 1)).await?)?;
    problem(&player.post("zero", &bet(0)).await?)?;
    problem(&player.post("all", &bet(PURSE * player.unit() + 1)).await?)?;
    problem(&player.send(stranger).await?)?;
    problem(&nobody.shown().await?)
}

/// Whether a refusal has the form it should have. Which status it has is the business of other scenarios.
fn problem(reply: &Reply) -> Result<(), Stop> {
    let text = |name: &str| reply.get(name).as_str().is_some_and(|text| !text.is_empty());
    let media = reply.answer.content_type.split(';').next().unwrap_or("").trim();
    let members = *reply.get("status") == reply.status() && text("code") && (text("detail") || text("title"));
    let good = reply.status() < 400 || (media.eq_ignore_ascii_case(PROBLEM) && members);
    reply.check(good, &format!("{PROBLEM} with status, code and title or detail, not {media}"))
}

async fn wrong_method(player: Player<'_>) -> Result<(), Stop> {
    let table = [
        (Method::DELETE, player.path("")),
        (Method::DELETE, player.path("/transactions")),
        (Method::GET, player.path("/transactions/round/rollback")),
    ];
    for (method, path) in table {
        player.send(player.bench().request(method, &path)).await?.refused(405)?;
    }
    player.untouched().await
}
