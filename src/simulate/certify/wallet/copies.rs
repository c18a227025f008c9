//! The same at the same time: what a wallet without a lock or a unique key gets wrong.

use super::super::Severity::Critical;
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{COPIES, PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(
            Critical,
            "copies-of-a-bet-take-once",
            "copies of a bet at the same time take once, answered alike",
            |p| Box::pin(copies(p, "bet", PURSE - 1)),
        ),
        tried(Critical, "copies-of-a-win-pay-once", "copies of a win at the same time pay once, answered alike", |p| {
            Box::pin(copies(p, "win", PURSE + 1))
        }),
        tried(Critical, "copies-of-a-rollback-pay-once", "copies of a rollback at the same time pay back once", |p| {
            Box::pin(rollbacks(p))
        }),
        tried(Critical, "rollback-races-its-bet", "a bet and its rollback at the same time leave the money", |p| {
            Box::pin(race(p))
        }),
    ]
}

async fn copies(player: Player<'_>, kind: &str, units: i64) -> Result<(), Stop> {
    let replies = player.post_copies("k", &player.movement(kind, player.unit(), "round")).await?;
    for reply in &replies {
        reply.ok("every copy to be answered 200 or 201")?;
        reply.repeats(&replies[0])?;
    }
    player.has(units * player.unit()).await
}

async fn rollbacks(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", 3 * player.unit(), "round").await?;
    player.made("bet", player.unit(), "other").await?;
    let copies = (0..COPIES).map(|_| player.rolled_back("round", true));
    for reply in futures_util::future::join_all(copies).await {
        reply?;
    }
    player.has((PURSE - 1) * player.unit()).await
}

async fn race(player: Player<'_>) -> Result<(), Stop> {
    for nth in 0..COPIES {
        let round = format!("round-{nth}");
        let bet = player.play("bet", player.unit(), &round);
        let rollback = player.rollback(&round);
        let (rollback, bet) = futures_util::future::join(rollback, bet).await;
        bet?.ok("the bet to be answered 201")?;
        rollback?.ok("the rollback to be answered 200")?;
    }
    player.untouched().await
}
