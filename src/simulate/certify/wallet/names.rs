//! Names from outside stay what they are: no folding, no second decoding, no cutting.

use super::super::Severity::{Critical, High};
use super::super::{Scenario, Stop};
use super::bench::Bench;
use super::player::Player;
use super::{PURSE, tried};

/// Pairs that a wallet which folds, decodes twice, trims or treats a path as a path takes for one: the first for the second.
const PAIRS: [(&str, &str); 7] = [
    ("a%2Fb", "a/b"),
    ("a+b", "a b"),
    ("a", "A"),
    ("\u{fc}", "u\u{308}"),
    ("\u{65e5}\u{672c}", "\u{65e5}"),
    ("a?b=c", "a?b"),
    ("x ", "x"),
];

pub(super) fn scenarios() -> Vec<Scenario<Bench>> {
    vec![
        tried(Critical, "odd-logins-stay-apart", "logins with slashes, spaces, marks and any script stay apart", |p| {
            Box::pin(logins(p))
        }),
        tried(
            Critical,
            "odd-references-stay-apart",
            "references with odd characters are rolled back one by one",
            |p| Box::pin(references(p)),
        ),
        tried(High, "login-is-shown-as-given", "a login with odd characters is shown as it was given", |p| {
            Box::pin(shown(p))
        }),
    ]
}

async fn logins(player: Player<'_>) -> Result<(), Stop> {
    for (one, two) in PAIRS {
        let bench = player.bench();
        let one = bench.player_named(player.beside(&format!("-{one}")).login().to_owned()).await?;
        let two = bench.player_named(player.beside(&format!("-{two}")).login().to_owned()).await?;
        one.made("bet", player.unit(), "round").await?;
        two.untouched().await?;
        one.has((PURSE - 1) * player.unit()).await?;
    }
    Ok(())
}

async fn references(player: Player<'_>) -> Result<(), Stop> {
    let half = player.unit().div_euclid(2);
    for (pair, (one, two)) in (1_i64..).zip(PAIRS) {
        for (key, name, amount) in [("one", one, 2 * half), ("two", two, half)] {
            let bet = player.movement("bet", amount, name);
            player.post(&format!("{pair}-{key}"), &bet).await?.ok("a bet with an odd reference to be taken")?;
        }
        player.rolled_back(one, true).await?;
        // Of each pair the one is back, the other is not.
        player.has(PURSE * player.unit() - pair * half).await?;
    }
    Ok(())
}

async fn shown(player: Player<'_>) -> Result<(), Stop> {
    let odd = player.beside("-a/b c%2F\u{fc}\u{65e5}+;");
    odd.put(&serde_json::json!({})).await?.ok("the player to be created")?;
    let reply = odd.shown().await?;
    reply.check(*reply.get("site_login") == odd.login(), "the site_login as it was given")
}
