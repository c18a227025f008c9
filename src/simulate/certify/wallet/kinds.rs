//! Each kind of movement moves the balance its way, and the answers say what game servers need.

use super::super::Severity::{Critical, High, Medium};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "bet-takes", "a bet takes its amount", |p| Box::pin(moves(p, "bet", -1))),
        tried(Critical, "win-adds", "a win adds its amount", |p| Box::pin(moves(p, "win", 1))),
        tried(High, "refund-adds", "a refund adds its amount", |p| Box::pin(moves(p, "refund", 1))),
        tried(High, "bonus-adds", "a bonus adds its amount", |p| Box::pin(moves(p, "bonus", 1))),
        tried(High, "win-of-zero", "a win of 0 is accepted and repeatable: it says that a round is over", |p| {
            Box::pin(win_of_zero(p))
        }),
        tried(High, "adjustment-goes-both-ways", "an adjustment with a reason adds, or takes what is there", |p| {
            Box::pin(adjustment(p))
        }),
        tried(Medium, "adjustment-needs-a-reason", "an adjustment without a reason is refused and named", |p| {
            Box::pin(needs_reason(p))
        }),
        tried(Medium, "first-answer-is-201", "what is done for the first time is answered 201", |p| {
            Box::pin(first_is_201(p))
        }),
        tried(High, "answers-carry-the-balance", "answers carry transaction_id and integers available and held", |p| {
            Box::pin(answers(p))
        }),
        tried(High, "transaction-ids-differ", "two transactions never share an id", |p| Box::pin(ids_differ(p))),
        tried(Critical, "currencies-are-apart", "the money of one currency is never used for another", |p| {
            Box::pin(currencies(p))
        }),
    ]
}

async fn moves(player: Player<'_>, kind: &str, sign: i64) -> Result<(), Stop> {
    player.made(kind, 3 * player.unit(), "round").await?;
    player.has((PURSE + 3 * sign) * player.unit()).await
}

async fn win_of_zero(player: Player<'_>) -> Result<(), Stop> {
    let first = player.made("win", 0, "round").await?;
    player.made("win", 0, "round").await?.repeats(&first)?;
    player.untouched().await
}

async fn adjusted(player: &Player<'_>, amount: i64, name: &str) -> Result<(), Stop> {
    let mut body = player.movement("adjustment", amount, name);
    body["reason"] = "put right".into();
    player.post(name, &body).await?.ok(&format!("an adjustment of {amount} to be made"))
}

async fn adjustment(player: Player<'_>) -> Result<(), Stop> {
    adjusted(&player, 2 * player.unit(), "plus").await?;
    player.has((PURSE + 2) * player.unit()).await?;
    adjusted(&player, -(PURSE + 2) * player.unit(), "minus").await?;
    player.has(0).await
}

async fn needs_reason(player: Player<'_>) -> Result<(), Stop> {
    let mut body = player.movement("adjustment", player.unit(), "round");
    player.post("none", &body).await?.names("reason")?;
    body["reason"] = "".into();
    player.post("empty", &body).await?.names("reason")?;
    player.untouched().await
}

async fn first_is_201(player: Player<'_>) -> Result<(), Stop> {
    for (kind, amount) in [("bet", 1), ("win", 1), ("refund", 1), ("bonus", 1)] {
        let reply = player.play(kind, amount, "round").await?;
        reply.check(reply.status() == 201 && !reply.replayed, "HTTP 201, not marked as repeated")?;
    }
    Ok(())
}

async fn answers(player: Player<'_>) -> Result<(), Stop> {
    let unit = player.unit();
    for (kind, after) in [("bet", 9), ("win", 10), ("refund", 11), ("bonus", 12)] {
        let reply = player.made(kind, unit, "round").await?;
        let id = reply.get("transaction_id").as_str().is_some_and(|id| !id.is_empty());
        let right = id && *reply.get("available") == after * unit && *reply.get("held") == 0;
        reply.check(right, &format!("a transaction_id, available {} and held 0", after * unit))?;
    }
    Ok(())
}

async fn ids_differ(player: Player<'_>) -> Result<(), Stop> {
    let first = player.made("bet", player.unit(), "one").await?;
    let second = player.made("bet", player.unit(), "two").await?;
    let differ = first.get("transaction_id") != second.get("transaction_id");
    second.check(differ, "another transaction_id")
}

async fn currencies(player: Player<'_>) -> Result<(), Stop> {
    let shown = player.shown().await?;
    let own = player.bench().subject().currency.clone();
    let balances = shown.get("balances").as_array().ok_or_else(|| shown.failed("balances"))?;
    let codes = balances.iter().filter_map(|one| one.get("currency")?.as_str());
    let Some(other) = codes.into_iter().find(|code| *code != own) else {
        return Err(Stop::Skipped("needs a site that shows a second currency".to_owned()));
    };
    if player.available_in(other).await? != 0 {
        return Err(shown.failed(&format!("a new player to have nothing in {other}")));
    }
    let mut bet = player.movement("bet", player.unit(), "round");
    bet["currency"] = other.into();
    player.post("bet", &bet).await?.refused(402)?;
    bet["kind"] = "win".into();
    player.post("win", &bet).await?.ok("a win in the second currency to be made")?;
    if player.available_in(other).await? != player.unit() {
        return Err(player.shown().await?.failed(&format!("{} available in {other}", player.unit())));
    }
    player.untouched().await
}
