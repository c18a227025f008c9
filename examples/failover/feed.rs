//! Readers of the events: each asks a random instance for the next page, and must never miss one, see two, or see another order.

use std::sync::Arc;
use std::time::Duration;

use croupier::simulate::faults::Dice;
use reqwest::Method;
use serde_json::Value;

use crate::compare::Told;
use crate::door::Call;
use crate::player::Load;

/// How many read at the same time.
pub const READERS: u64 = 3;

/// Reads until the load has stopped and nothing more comes; everything it got.
pub async fn read_along(load: Arc<Load>, mut dice: Dice, mut done: tokio::sync::watch::Receiver<bool>) -> Vec<Told> {
    let mut read: Vec<Told> = Vec::new();
    loop {
        let last = *done.borrow_and_update();
        let before = read.len();
        if !page(&load, &mut dice, &mut read, !last).await || (last && read.len() == before) {
            return read;
        }
    }
}

/// Reads everything from the beginning.
pub async fn read_again(load: &Load, dice: &mut Dice) -> Vec<Told> {
    let mut read: Vec<Told> = Vec::new();
    loop {
        let before = read.len();
        if !page(load, dice, &mut read, false).await || read.len() == before {
            return read;
        }
    }
}

/// Adds the next page. `false` when there can be none any more: what was told before is gone.
async fn page(load: &Load, dice: &mut Dice, read: &mut Vec<Told>, wait: bool) -> bool {
    let limit = if wait { dice.between(1, 400) } else { 1_000 };
    let after = read.last().map_or("0", |told| told.id.as_str());
    let wait = i64::from(wait);
    let path = format!("/events?after={after}&limit={limit}&wait={wait}");
    let call = Call::wallet(Method::GET, path, &Value::Null);
    let at = load.door.anybody(dice);
    let Ok(answer) = load.door.once(&call, at, Duration::from_secs(5)).await else {
        tokio::time::sleep(Duration::from_millis(dice.between(10, 100).unsigned_abs())).await;
        return !load.is_stopping() || read_after_stop(load, dice, &call, read).await;
    };
    if answer.status != 200 {
        load.unexpected(&call, &answer);
        return false;
    }
    take(&answer.json, read);
    true
}

/// At the end an attempt that fails must not look like an end of the feed.
async fn read_after_stop(load: &Load, dice: &mut Dice, call: &Call, read: &mut Vec<Told>) -> bool {
    let Some(answer) = load.ask(dice, call).await else { return false };
    take(&answer.json, read);
    answer.status == 200
}

fn take(page: &Value, read: &mut Vec<Told>) {
    for item in page["items"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&item["id"]);
        let number = id.split('_').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
        let order = item["data"]["external_id"].as_str().map(str::to_owned);
        read.push(Told { number, id, kind: text(&item["type"]), order });
    }
}
