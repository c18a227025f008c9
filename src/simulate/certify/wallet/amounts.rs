//! Amounts are integers in minor units: everything else is refused and named, and changes nothing.

use super::super::Severity::{Critical, High, Medium};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::tried;

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "bet-of-a-negative-amount", "a negative bet is refused and named", |p| {
            Box::pin(refused(p, "bet", &["-1", "-1000"]))
        }),
        tried(High, "bet-of-zero", "a bet of 0 is refused and named", |p| Box::pin(refused(p, "bet", &["0"]))),
        tried(Critical, "win-of-a-negative-amount", "a negative win is refused and named", |p| {
            Box::pin(refused(p, "win", &["-1", "-1000"]))
        }),
        tried(High, "credits-of-negative-amounts", "negative refunds and bonuses are refused and named", |p| {
            Box::pin(negative_credits(p))
        }),
        tried(High, "amount-as-text", "an amount in quotation marks is refused and named", |p| {
            Box::pin(refused(p, "win", &["\"5\"", "\"5.00\"", "\"\""]))
        }),
        tried(Critical, "amount-with-a-fraction", "an amount with a fraction is refused and named", |p| {
            Box::pin(refused(p, "win", &["5.5", "5.0", "0.1"]))
        }),
        tried(High, "amount-with-an-exponent", "an amount with an exponent is refused and named", |p| {
            Box::pin(refused(p, "win", &["1e3", "1E3", "1e300"]))
        }),
        tried(High, "amount-of-another-type", "null, true, lists and objects are no amounts", |p| {
            Box::pin(refused(p, "win", &["null", "true", "[5]", "{\"minor\":5}"]))
        }),
        tried(High, "amount-too-large", "more than 10^15 is refused and named", |p| {
            let large = &["1000000000000001", "9223372036854775807", "9223372036854775808", "18446744073709551617"];
            Box::pin(refused(p, "win", large))
        }),
        tried(Medium, "amount-written-oddly", "an amount that JSON does not allow is refused", |p| {
            Box::pin(not_json(p))
        }),
    ]
}

/// The text of a movement with this text as its amount.
fn text(player: &Player<'_>, kind: &str, amount: &str) -> String {
    let body = player.movement(kind, 0, "round");
    let field = |name: &str| body[name].to_string();
    let (kind, currency, reference) = (field("kind"), field("currency"), field("reference"));
    format!("{{\"kind\":{kind},\"amount\":{amount},\"currency\":{currency},\"reference\":{reference}}}")
}

async fn refused(player: Player<'_>, kind: &str, amounts: &[&str]) -> Result<(), Stop> {
    for (nth, amount) in amounts.iter().enumerate() {
        player.post_text(&format!("k{nth}"), &text(&player, kind, amount)).await?.names("amount")?;
    }
    player.untouched().await
}

async fn negative_credits(player: Player<'_>) -> Result<(), Stop> {
    for kind in ["refund", "bonus"] {
        player.post_text(kind, &text(&player, kind, "-5")).await?.names("amount")?;
    }
    player.untouched().await
}

async fn not_json(player: Player<'_>) -> Result<(), Stop> {
    for (nth, amount) in ["+5", "05", "0x5", "5,0", "5_000", "NaN"].into_iter().enumerate() {
        player.post_text(&format!("k{nth}"), &text(&player, "win", amount)).await?.refused(400)?;
    }
    player.untouched().await
}
