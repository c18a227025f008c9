//! What is not there cannot be spent, whoever asks how often at once.

use super::super::Severity::{Critical, High};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{COPIES, PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(
            Critical,
            "bet-beyond-the-balance",
            "a bet of more than there is is refused 402 and takes nothing",
            |p| Box::pin(beyond(p)),
        ),
        tried(High, "insufficient-funds-has-its-code", "the refusal says insufficient_funds in code", |p| {
            Box::pin(code(p))
        }),
        tried(High, "bet-of-everything", "a bet of all there is is taken", |p| Box::pin(everything(p))),
        tried(
            Critical,
            "refusal-is-not-remembered",
            "after 402 and a bonus the same key with the same body works",
            |p| Box::pin(not_remembered(p)),
        ),
        tried(Critical, "adjustment-cannot-overdraw", "an adjustment never takes more than there is", |p| {
            Box::pin(adjustment(p))
        }),
        tried(Critical, "parallel-bets-never-overspend", "bets at the same time never take more than there is", |p| {
            Box::pin(parallel(p))
        }),
        tried(Critical, "players-are-apart", "nothing a player does touches another player's money", |p| {
            Box::pin(apart(p))
        }),
    ]
}

async fn beyond(player: Player<'_>) -> Result<(), Stop> {
    player.play("bet", PURSE * player.unit() + 1, "round").await?.refused(402)?;
    player.untouched().await
}

async fn code(player: Player<'_>) -> Result<(), Stop> {
    let reply = player.play("bet", PURSE * player.unit() + 1, "round").await?;
    reply.check(*reply.get("code") == "insufficient_funds", "the code insufficient_funds")
}

async fn everything(player: Player<'_>) -> Result<(), Stop> {
    let reply = player.made("bet", PURSE * player.unit(), "round").await?;
    reply.check(reply.available()? == 0, "available 0")?;
    player.has(0).await
}

async fn not_remembered(player: Player<'_>) -> Result<(), Stop> {
    let bet = player.movement("bet", (PURSE + 5) * player.unit(), "round");
    player.post("k", &bet).await?.refused(402)?;
    player.made("bonus", 6 * player.unit(), "more").await?;
    let reply = player.post("k", &bet).await?;
    reply.ok("the same bet to be taken now that there is enough")?;
    player.has(player.unit()).await
}

async fn adjustment(player: Player<'_>) -> Result<(), Stop> {
    let mut body = player.movement("adjustment", -(PURSE * player.unit() + 1), "round");
    body["reason"] = "put right".into();
    player.post("k", &body).await?.refused(402)?;
    player.untouched().await
}

async fn parallel(player: Player<'_>) -> Result<(), Stop> {
    let bets = (0..COPIES).map(|nth| {
        let player = player.clone();
        async move { player.play("bet", 3 * player.unit(), &format!("round-{nth}")).await }
    });
    let mut taken = 0;
    for reply in futures_util::future::join_all(bets).await {
        let reply = reply?;
        match reply.status() {
            200 | 201 => taken += 1,
            _ => reply.refused(402)?,
        }
    }
    if taken != 3 {
        let text = format!("of {COPIES} bets of 3 units {taken} were taken with {PURSE} units there, not 3");
        return Err(Stop::Failed(text));
    }
    player.has(player.unit()).await
}

async fn apart(player: Player<'_>) -> Result<(), Stop> {
    let other = player.bench().player_named(player.beside("-other").login().to_owned()).await?;
    player.made("bet", 4 * player.unit(), "round").await?;
    other.untouched().await?;
    other.made("win", player.unit(), "round").await?;
    player.has((PURSE - 4) * player.unit()).await
}
