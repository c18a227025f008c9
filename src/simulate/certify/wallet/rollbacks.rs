//! Bets undone: after they came, before they came, several of a round, and never more than once.

use super::super::Severity::{Critical, High};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    let mut scenarios = after_the_bet();
    scenarios.extend(before_the_bet());
    scenarios
}

fn after_the_bet() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "rollback-gives-the-bet-back", "a rollback gives the bet back", |p| Box::pin(gives_back(p))),
        tried(Critical, "rollback-twice-pays-back-once", "a repeated rollback pays nothing more", |p| {
            Box::pin(twice(p))
        }),
        tried(High, "rollback-repeats-its-answer", "a repeated rollback is answered 200 with the same applied", |p| {
            Box::pin(same_applied(p))
        }),
        tried(High, "rollback-shows-balances", "a rollback is answered with applied and integer balances", |p| {
            Box::pin(balances(p))
        }),
        tried(Critical, "rollback-undoes-every-bet", "a rollback undoes all bets of its round", |p| Box::pin(all(p))),
        tried(Critical, "rollback-leaves-other-rounds", "a rollback leaves the bets of other rounds", |p| {
            Box::pin(other_rounds(p))
        }),
        tried(Critical, "rollback-leaves-wins", "a rollback leaves the win of its round", |p| Box::pin(wins(p))),
        tried(Critical, "win-after-rollback", "a win after the rollback is paid once and revives no bet", |p| {
            Box::pin(win_after(p))
        }),
        tried(Critical, "rolled-back-bet-repeated", "a bet that comes again after its rollback takes nothing", |p| {
            Box::pin(bet_repeated(p))
        }),
        tried(Critical, "rollback-of-a-refused-bet", "a bet that was refused is not paid back", |p| {
            Box::pin(refused_bet(p))
        }),
    ]
}

fn before_the_bet() -> Vec<Scenario<Bench>> {
    vec![
        tried(High, "rollback-before-its-bet", "a rollback before its bet is answered 200 with applied false", |p| {
            Box::pin(before(p))
        }),
        tried(
            Critical,
            "late-bet-has-no-effect",
            "a bet after its early rollback is accepted and takes nothing",
            |p| Box::pin(late_bet(p)),
        ),
        tried(High, "late-bet-says-so", "a bet after its early rollback is answered with rolled_back true", |p| {
            Box::pin(late_says_so(p))
        }),
        tried(Critical, "late-bet-repeated", "a late bet takes nothing however often it comes, under any key", |p| {
            Box::pin(late_repeated(p))
        }),
        tried(Critical, "early-rollback-of-one-round", "an early rollback leaves the bets of other rounds", |p| {
            Box::pin(early_other_round(p))
        }),
        tried(Critical, "early-rollback-of-one-player", "an early rollback leaves other players' bets", |p| {
            Box::pin(early_other_player(p))
        }),
    ]
}

async fn gives_back(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", 3 * player.unit(), "round").await?;
    player.rolled_back("round", true).await?;
    player.untouched().await
}

async fn twice(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", 3 * player.unit(), "round").await?;
    for _ in 0..3 {
        player.rollback("round").await?.ok("the rollback to be answered 200")?;
    }
    player.untouched().await
}

async fn same_applied(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    player.rolled_back("round", true).await?;
    player.rolled_back("round", true).await?;
    player.rolled_back("nothing", false).await?;
    player.rolled_back("nothing", false).await.map(|_| ())
}

async fn balances(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", 3 * player.unit(), "round").await?;
    let reply = player.rolled_back("round", true).await?;
    let own = &player.bench().subject().currency;
    let list = reply.get("balances").as_array().cloned().unwrap_or_default();
    let shown = list.iter().find(|one| one.get("currency").is_some_and(|code| code == own));
    let expected = format!("balances with available {} and held 0 in {own}", PURSE * player.unit());
    let shown = shown.ok_or_else(|| reply.failed(&expected))?;
    reply.check(shown["available"] == PURSE * player.unit() && shown["held"] == 0, &expected)
}

async fn all(player: Player<'_>) -> Result<(), Stop> {
    for (key, units) in [("first", 1), ("second", 2), ("third", 3)] {
        let bet = player.movement("bet", units * player.unit(), "round");
        player.post(key, &bet).await?.ok("every bet of the round to be taken")?;
    }
    player.rolled_back("round", true).await?;
    player.untouched().await
}

async fn other_rounds(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    player.made("bet", 2 * player.unit(), "round-2").await?;
    player.rolled_back("round", true).await?;
    player.has((PURSE - 2) * player.unit()).await
}

async fn wins(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    player.made("win", 4 * player.unit(), "round").await?;
    player.rolled_back("round", true).await?;
    player.has((PURSE + 4) * player.unit()).await
}

async fn win_after(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    player.rolled_back("round", true).await?;
    for _ in 0..2 {
        player.made("win", 4 * player.unit(), "round").await?;
    }
    player.has((PURSE + 4) * player.unit()).await
}

async fn bet_repeated(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", 2 * player.unit(), "round").await?;
    player.rolled_back("round", true).await?;
    player.made("bet", 2 * player.unit(), "round").await?;
    player.untouched().await
}

async fn refused_bet(player: Player<'_>) -> Result<(), Stop> {
    player.play("bet", PURSE * player.unit() + 1, "round").await?.refused(402)?;
    player.rolled_back("round", false).await?;
    player.untouched().await
}

async fn before(player: Player<'_>) -> Result<(), Stop> {
    player.rolled_back("round", false).await?;
    player.untouched().await
}

async fn late_bet(player: Player<'_>) -> Result<(), Stop> {
    player.rollback("round").await?.ok("the early rollback to be answered 200")?;
    player.made("bet", 2 * player.unit(), "round").await?;
    player.untouched().await
}

async fn late_says_so(player: Player<'_>) -> Result<(), Stop> {
    player.rollback("round").await?.ok("the early rollback to be answered 200")?;
    let bet = player.made("bet", 2 * player.unit(), "round").await?;
    bet.check(*bet.get("rolled_back") == true, "rolled_back true")
}

async fn late_repeated(player: Player<'_>) -> Result<(), Stop> {
    player.rollback("round").await?.ok("the early rollback to be answered 200")?;
    let bet = player.movement("bet", 2 * player.unit(), "round");
    for key in ["one", "one", "two"] {
        player.post(key, &bet).await?.ok("the late bet to be accepted")?;
    }
    // Another rollback would hide what they took.
    player.untouched().await?;
    player.rollback("round").await?.ok("the rollback to be answered 200 again")?;
    player.post("three", &bet).await?.ok("the late bet to be accepted")?;
    player.untouched().await
}

async fn early_other_round(player: Player<'_>) -> Result<(), Stop> {
    player.rollback("round").await?.ok("the early rollback to be answered 200")?;
    player.made("bet", player.unit(), "round-2").await?;
    player.has((PURSE - 1) * player.unit()).await
}

async fn early_other_player(player: Player<'_>) -> Result<(), Stop> {
    let other = player.bench().player_named(player.beside("-other").login().to_owned()).await?;
    // Both players' rounds have one name.
    let bet = player.movement("bet", player.unit(), "round");
    player.rollback("round").await?.ok("the early rollback to be answered 200")?;
    other.post("k", &bet).await?.ok("the other player's bet to be taken")?;
    other.has((PURSE - 1) * player.unit()).await
}
