//! Idempotency keys: a repetition has no second effect and gets the first answer, for ever.

use super::super::Severity::{Critical, High, Medium};
use super::super::{Scenario, Stop};
use super::bench::{Bench, encoded};
use super::player::Player;
use super::{PURSE, tried};

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "repeat-takes-once", "the same bet under the same key takes once", |p| {
            Box::pin(once(p, "bet", PURSE - 1))
        }),
        tried(Critical, "repeat-pays-once", "the same win under the same key pays once", |p| {
            Box::pin(once(p, "win", PURSE + 1))
        }),
        tried(Critical, "repeat-gets-the-first-answer", "a repetition is answered 200 with the first body", |p| {
            Box::pin(first_answer(p))
        }),
        tried(High, "repeat-says-so", "a repetition carries Idempotent-Replayed: true", |p| Box::pin(says_so(p))),
        tried(High, "repeat-shows-the-balance-of-then", "a repetition after other movements has the first body", |p| {
            Box::pin(balance_of_then(p))
        }),
        tried(Critical, "key-with-another-body", "a used key with another body is refused 409, without effect", |p| {
            Box::pin(other_body(p))
        }),
        tried(High, "misused-key-keeps-its-answer", "after the refused misuse the first answer stands", |p| {
            Box::pin(keeps_answer(p))
        }),
        tried(Critical, "another-key-another-movement", "the same body under another key is another movement", |p| {
            Box::pin(other_key(p))
        }),
        tried(High, "keys-differ-by-case", "keys that differ only by case are different keys", |p| Box::pin(case(p))),
        tried(High, "long-keys-are-not-cut", "keys of 120 characters that differ at the end are different keys", |p| {
            Box::pin(not_cut(p))
        }),
        tried(High, "without-idempotency-key", "a transaction without Idempotency-Key is refused", |p| {
            Box::pin(no_key(p))
        }),
        tried(Medium, "empty-idempotency-key", "an empty Idempotency-Key is refused", |p| {
            Box::pin(key_refused(p, String::new()))
        }),
        tried(Medium, "too-long-idempotency-key", "an Idempotency-Key of 1000 characters is refused, not cut", |p| {
            Box::pin(key_refused(p, "k".repeat(1000)))
        }),
    ]
}

async fn once(player: Player<'_>, kind: &str, units: i64) -> Result<(), Stop> {
    for _ in 0..3 {
        player.made(kind, player.unit(), "round").await?;
    }
    player.has(units * player.unit()).await
}

async fn first_answer(player: Player<'_>) -> Result<(), Stop> {
    let first = player.made("bet", player.unit(), "round").await?;
    let again = player.made("bet", player.unit(), "round").await?;
    again.check(again.status() == 200, "HTTP 200 for the repetition")?;
    again.repeats(&first)
}

async fn says_so(player: Player<'_>) -> Result<(), Stop> {
    player.made("bet", player.unit(), "round").await?;
    let again = player.made("bet", player.unit(), "round").await?;
    again.check(again.replayed, "the header Idempotent-Replayed: true")
}

async fn balance_of_then(player: Player<'_>) -> Result<(), Stop> {
    let first = player.made("bet", player.unit(), "round").await?;
    player.made("win", 5 * player.unit(), "other").await?;
    player.made("bet", player.unit(), "round").await?.repeats(&first)
}

async fn other_body(player: Player<'_>) -> Result<(), Stop> {
    let unit = player.unit();
    player.post("k", &player.movement("bet", unit, "round")).await?.ok("a bet to be taken")?;
    let others = [("bet", unit + 1, "round"), ("win", unit, "round"), ("bet", unit, "another")];
    for (kind, amount, reference) in others {
        player.post("k", &player.movement(kind, amount, reference)).await?.refused(409)?;
    }
    player.has((PURSE - 1) * unit).await
}

async fn keeps_answer(player: Player<'_>) -> Result<(), Stop> {
    let bet = player.movement("bet", player.unit(), "round");
    let first = player.post("k", &bet).await?;
    first.ok("a bet to be taken")?;
    player.post("k", &player.movement("win", 7 * player.unit(), "round")).await?;
    player.post("k", &bet).await?.repeats(&first)
}

async fn other_key(player: Player<'_>) -> Result<(), Stop> {
    both(player, "one", "two").await
}

async fn case(player: Player<'_>) -> Result<(), Stop> {
    both(player, "round-a", "ROUND-A").await
}

/// The same bet under two keys is taken twice.
async fn both(player: Player<'_>, one: &str, two: &str) -> Result<(), Stop> {
    let bet = player.movement("bet", player.unit(), "round");
    for key in [one, two] {
        player.post(key, &bet).await?.ok("a bet under a new key to be taken")?;
    }
    player.has((PURSE - 2) * player.unit()).await
}

async fn not_cut(player: Player<'_>) -> Result<(), Stop> {
    // With the login before it the key has 120 characters, the last of which tells one from the other.
    let width = 118_usize.saturating_sub(encoded(player.login()).len());
    let [one, two] = ["1", "2"].map(|end| format!("{}{end}", "k".repeat(width)));
    both(player, &one, &two).await
}

async fn no_key(player: Player<'_>) -> Result<(), Stop> {
    let body = player.movement("bet", player.unit(), "round").to_string();
    player.send(player.unsent().body(body)).await?.names("idempotency-key")?;
    player.untouched().await
}

async fn key_refused(player: Player<'_>, key: String) -> Result<(), Stop> {
    let body = player.movement("bet", player.unit(), "round").to_string();
    let request = player.unsent().header("idempotency-key", key).body(body);
    player.send(request).await?.names("idempotency-key")?;
    player.untouched().await
}
