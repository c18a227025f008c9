//! The end of a demo: the merchant's state against the book, player by player and payout by payout.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Merchant, World};
use crate::simulate::book::{Account, End, Entry};
use crate::simulate::caller;

/// How long payouts may take to end after the last player is done.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Everything that differs from the book, in words.
pub(super) async fn with_book(world: &World, merchant: &Merchant) -> Vec<String> {
    let book = world.book().clone();
    let mut differences = book.problems().to_vec();
    differences.extend(payouts(book.payouts().iter().collect(), merchant).await);
    for account in book.accounts() {
        differences.extend(balance(world, account).await.err());
    }
    for (external_id, count) in world.cashier.server().doubles() {
        differences.push(format!("payout {external_id} was initiated {count} times"));
    }
    for one in world.cashier.server().all() {
        if !book.payouts().contains_key(&one.external_id) {
            differences.push(format!("payout {} was initiated but never requested", one.external_id));
        }
    }
    differences
}

async fn balance(world: &World, account: &Account) -> Result<(), String> {
    let (login, currency) = account;
    let has = world.game.balance(login, currency).await.map_err(|error| error.to_string())?;
    let must = world.book().expected(account);
    if has == must {
        return Ok(());
    }
    Err(format!(
        "{login} has {} available and {} held {currency}, must have {} and {}",
        has.available, has.held, must.available, must.held
    ))
}

/// Asks for every payout until it has ended or patience has; then says which ended otherwise than the book.
async fn payouts(mut open: Vec<(&String, &Entry)>, merchant: &Merchant) -> Vec<String> {
    let http = caller::client();
    let started = Instant::now();
    let mut differences = Vec::new();
    loop {
        let mut waiting = Vec::new();
        for (external_id, entry) in open {
            match outcome(&http, merchant, external_id).await {
                Ok((End::Open, _)) => waiting.push((external_id, entry)),
                Ok((end, _)) if end == entry.end => {}
                Ok((_, said)) => {
                    differences.push(format!("payout {external_id} is {said}, must be {:?}", entry.end));
                }
                Err(reason) => differences.push(format!("payout {external_id}: {reason}")),
            }
        }
        if waiting.is_empty() || started.elapsed() > PATIENCE {
            differences.extend(waiting.iter().map(|(id, _)| format!("payout {id} has not ended")));
            return differences;
        }
        open = waiting;
        tokio::time::sleep(PAUSE).await;
    }
}

/// How the back office says a payout ended, with its own word for it.
async fn outcome(http: &reqwest::Client, merchant: &Merchant, external_id: &str) -> Result<(End, String), String> {
    let url = format!("{}/admin/api/v1/payouts/{external_id}", merchant.private.trim_end_matches('/'));
    let bearer = format!("Bearer {}", merchant.staff_token.expose());
    let sent = http.get(url).header("authorization", bearer).send().await.map_err(|error| error.to_string())?;
    let answer = caller::read(sent).await.map_err(|error| error.to_string())?;
    let status = answer.json.as_ref().and_then(|json| json.get("status").or_else(|| json.get("payout")?.get("status")));
    let Some(status) = status else { return Err(format!("the back office answered {}", answer.summary())) };
    let name = match status {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    };
    let end = match name.as_str() {
        "credited" | "3" => End::Paid,
        "failed" | "5" | "cancelled" | "6" => End::Declined,
        _ => End::Open,
    };
    Ok((end, name))
}
