//! The statement: every movement once, oldest first, in pages that join.

use std::collections::HashSet;

use serde_json::Value;

use super::super::Severity::{Critical, High};
use super::super::{Scenario, Stop};
use super::bench::{Bench, encoded};
use super::player::Player;
use super::{PURSE, tried};

/// Pages read at most; a cursor that never ends is a failure.
const MOST_PAGES: usize = 50;

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(High, "statement-is-oldest-first", "the statement lists every movement, oldest first", |p| {
            Box::pin(oldest_first(p))
        }),
        tried(High, "statement-pages-join", "pages follow each other without gap and without repetition", |p| {
            Box::pin(pages(p))
        }),
        tried(Critical, "statement-adds-up", "the changes of the statement add up to the balance", |p| {
            Box::pin(adds_up(p))
        }),
        tried(High, "statement-lists-repeats-once", "repetitions and refusals have no line in the statement", |p| {
            Box::pin(once(p))
        }),
        tried(High, "statement-is-of-one-player", "the statement shows nothing of another player", |p| {
            Box::pin(one_player(p))
        }),
    ]
}

fn change(line: &Value) -> Result<i64, Stop> {
    let change = line.get("available_change").and_then(Value::as_i64);
    change.ok_or_else(|| Stop::Failed(format!("a line without an integer available_change: {line}")))
}

async fn changes(player: &Player<'_>) -> Result<Vec<i64>, Stop> {
    player.page("limit=100").await?.0.iter().map(change).collect()
}

fn expect(seen: &[i64], unit: i64, units: &[i64]) -> Result<(), Stop> {
    let expected: Vec<i64> = units.iter().map(|units| units * unit).collect();
    if seen == expected {
        return Ok(());
    }
    Err(Stop::Failed(format!("expected the changes {expected:?}, the statement has {seen:?}")))
}

/// The statement must have these changes. In which order is the business of one scenario alone.
async fn expect_in_any_order(player: &Player<'_>, units: &[i64]) -> Result<(), Stop> {
    let mut seen = changes(player).await?;
    seen.sort_unstable();
    expect(&seen, player.unit(), units)
}

async fn play(player: &Player<'_>) -> Result<(), Stop> {
    for (kind, units) in [("bet", 1), ("win", 2), ("refund", 3), ("bet", 4), ("bonus", 5)] {
        player.made(kind, units * player.unit(), &format!("round-{units}")).await?;
    }
    Ok(())
}

async fn oldest_first(player: Player<'_>) -> Result<(), Stop> {
    play(&player).await?;
    expect(&changes(&player).await?, player.unit(), &[PURSE, -1, 2, 3, -4, 5])
}

async fn pages(player: Player<'_>) -> Result<(), Stop> {
    play(&player).await?;
    let (whole, _) = player.page("limit=100").await?;
    for limit in [1, 2, 5] {
        let (mut joined, mut cursors, mut query) = (Vec::new(), HashSet::new(), format!("limit={limit}"));
        for _ in 0..MOST_PAGES {
            let (lines, next) = player.page(&query).await?;
            joined.extend(lines);
            let Some(next) = next else { break };
            if !cursors.insert(next.clone()) {
                return Err(Stop::Failed(format!("the cursor {next} leads to itself")));
            }
            query = format!("limit={limit}&after={}", encoded(&next));
        }
        if joined != whole {
            let text = format!("pages of {limit} have {} lines, the whole statement {}", joined.len(), whole.len());
            return Err(Stop::Failed(format!("{text}, or others")));
        }
    }
    Ok(())
}

async fn adds_up(player: Player<'_>) -> Result<(), Stop> {
    play(&player).await?;
    player.rolled_back("round-4", true).await?;
    player.has((PURSE - 1 + 2 + 3 + 5) * player.unit()).await?;
    let (sum, shown) = (changes(&player).await?.iter().sum::<i64>(), (PURSE + 9) * player.unit());
    if sum == shown { Ok(()) } else { Err(Stop::Failed(format!("the lines add up to {sum}, not {shown}"))) }
}

async fn once(player: Player<'_>) -> Result<(), Stop> {
    for _ in 0..2 {
        player.made("bet", player.unit(), "round").await?;
        player.play("bet", 100 * player.unit(), "too much").await?;
    }
    expect_in_any_order(&player, &[-1, PURSE]).await
}

async fn one_player(player: Player<'_>) -> Result<(), Stop> {
    let other = player.bench().player_named(player.beside("-other").login().to_owned()).await?;
    other.made("win", 7 * player.unit(), "round").await?;
    player.made("win", player.unit(), "round").await?;
    expect_in_any_order(&player, &[1, PURSE]).await
}
