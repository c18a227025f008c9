//! Players: made once, shown with their money, blocked and let in again.

use serde_json::{Value, json};

use super::super::Severity::{Critical, High, Medium};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Medium, "player-is-made-once", "a player is created with 201 and changed with 200", |p| {
            Box::pin(made_once(p))
        }),
        tried(High, "change-keeps-the-money", "changing a player leaves their money", |p| Box::pin(keeps_money(p))),
        tried(High, "player-shows-balances", "a player shows each currency with integers available and held", |p| {
            Box::pin(balances(p))
        }),
        tried(High, "new-player-has-nothing", "a new player has nothing in any currency", |p| Box::pin(nothing(p))),
        tried(High, "blocked-player-cannot-bet", "a blocked player's bet is refused 403 and takes nothing", |p| {
            Box::pin(cannot_bet(p))
        }),
        tried(
            Critical,
            "blocked-player-is-paid",
            "a blocked player's win is accepted: a round that ends is paid",
            |p| Box::pin(is_paid(p)),
        ),
        tried(Critical, "blocked-player-gets-bets-back", "a blocked player's bet can be rolled back", |p| {
            Box::pin(gets_back(p))
        }),
        tried(Medium, "unblocked-player-bets-again", "a bet refused for a block works after it, same key", |p| {
            Box::pin(bets_again(p))
        }),
    ]
}

async fn blocked(player: &Player<'_>) -> Result<(), Stop> {
    player.put(&json!({"status": "blocked"})).await?.ok("the player to be blocked")
}

async fn made_once(player: Player<'_>) -> Result<(), Stop> {
    let new = player.beside("-new");
    new.put(&json!({})).await?.refused(201)?;
    new.put(&json!({})).await?.refused(200)?;
    new.put(&json!({"country": "LV"})).await?.refused(200)
}

async fn keeps_money(player: Player<'_>) -> Result<(), Stop> {
    player.put(&json!({"country": "LV"})).await?.ok("the player to be changed")?;
    player.put(&json!({})).await?.ok("the player to be left as they are")?;
    player.untouched().await
}

async fn balances(player: Player<'_>) -> Result<(), Stop> {
    let reply = player.shown().await?;
    let list = reply.get("balances").as_array().cloned().unwrap_or_default();
    let integer = |one: &Value, name: &str| one.get(name).is_some_and(Value::is_i64);
    let whole = |one: &Value| integer(one, "available") && integer(one, "held") && one["currency"].is_string();
    let own = list.iter().find(|one| one["currency"] == player.bench().subject().currency.as_str());
    let right = own.is_some_and(|one| one["available"] == PURSE * player.unit() && one["held"] == 0);
    let expected = "HTTP 200 with balances of currency, integer available and held";
    reply.check(reply.status() == 200 && right && list.iter().all(whole), expected)
}

async fn nothing(player: Player<'_>) -> Result<(), Stop> {
    let new = player.beside("-new");
    new.put(&json!({})).await?.ok("the player to be created")?;
    let reply = new.shown().await?;
    let list = reply.get("balances").as_array().ok_or_else(|| reply.failed("balances"))?;
    let nothing = |one: &Value| one["available"] == 0 && one["held"] == 0;
    reply.check(list.iter().all(nothing), "every balance to be 0")?;
    let (lines, _) = new.page("").await?;
    if lines.is_empty() { Ok(()) } else { Err(Stop::Failed("a new player's statement has lines".to_owned())) }
}

async fn cannot_bet(player: Player<'_>) -> Result<(), Stop> {
    blocked(&player).await?;
    player.play("bet", player.unit(), "round").await?.refused(403)?;
    player.untouched().await
}

async fn is_paid(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    blocked(&player).await?;
    player.made("win", 3 * player.unit(), "round").await?;
    player.has((PURSE + 2) * player.unit()).await
}

async fn gets_back(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    blocked(&player).await?;
    player.rollback("round").await?.ok("the rollback to be answered 200")?;
    player.untouched().await
}

async fn bets_again(player: Player<'_>) -> Result<(), Stop> {
    blocked(&player).await?;
    player.play("bet", player.unit(), "round").await?;
    player.put(&json!({"status": "active"})).await?.ok("the player to be active again")?;
    player.made("bet", player.unit(), "round").await?;
    player.has((PURSE - 1) * player.unit()).await
}
