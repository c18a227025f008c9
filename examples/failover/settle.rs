//! The end: nothing more is asked, what is on its way ends, some unknown payouts are resolved, and then everything is looked at.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use croupier::simulate::server::{Behaviour, CashierServer};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;

use crate::compare::{Line, Seen};
use crate::door::Call;
use crate::house::Purse;
use crate::payout;
use crate::player::Load;

/// How many answers are asked again at the same time.
const AT_ONCE: usize = 16;

/// Pages of a list until it ends.
async fn all(load: &Load, dice: &mut Dice, list: impl Fn(&str) -> Call) -> Option<Vec<Value>> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let call = list(&after);
        let answer = load.ask(dice, &call).await?;
        if answer.status != 200 {
            load.unexpected(&call, &answer);
            return None;
        }
        let page = answer.json["items"].as_array().cloned().unwrap_or_default();
        let is_last = page.is_empty();
        items.extend(page);
        match answer.json["next"].as_str() {
            Some(next) if !is_last => next.clone_into(&mut after),
            Some(_) | None => return Some(items),
        }
    }
}

async fn orders(load: &Load, dice: &mut Dice, direction: &str) -> Option<Vec<Value>> {
    let list = |after: &str| {
        let after = if after.is_empty() { String::new() } else { format!("&after={after}") };
        Call::staff(Method::GET, format!("/{direction}?limit=500{after}"), &Value::Null)
    };
    all(load, dice, list).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Waits until no payout is on its way any more.
pub async fn payouts_at_rest(load: &Load, dice: &mut Dice, patience: Duration) {
    let deadline = Instant::now() + patience;
    loop {
        let Some(listed) = orders(load, dice, "payouts").await else { return };
        let moving = listed.iter().filter(|one| matches!(one["stage"].as_str(), Some("queued" | "sending")));
        let moving: Vec<String> = moving.map(|one| text(&one["external_id"])).collect();
        if moving.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            return load.book().problem(format!("{} payouts stay on their way, {} first", moving.len(), moving[0]));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Every unknown payout has a review, and a person resolves half of them. How many there were, and how many were resolved.
pub async fn unknown_payouts(load: &Load, dice: &mut Dice) -> (u64, u64) {
    let Some(listed) = orders(load, dice, "payouts").await else { return (0, 0) };
    let reviews = all(load, dice, |after| {
        let after = if after.is_empty() { String::new() } else { format!("&after={after}") };
        Call::staff(Method::GET, format!("/reviews?limit=500{after}"), &Value::Null)
    });
    let reviews = reviews.await.unwrap_or_default();
    let reviewed = |id: &str| reviews.iter().any(|one| one["external_id"] == id && one["kind"] == "payout_unknown");
    let (mut unknown, mut resolved) = (0, 0);
    for one in listed.iter().filter(|one| one["stage"] == "unknown") {
        let id = text(&one["external_id"]);
        unknown += 1;
        if !reviewed(&id) {
            load.book().problem(format!("payout {id} is unknown and nobody is asked"));
        }
        let paid = load.is_initiated(&id);
        if dice.percent(50) && payout::resolve(load, dice, &id, paid).await {
            resolved += 1;
        }
    }
    (unknown, resolved)
}

/// Asks again what was answered, at most so many, newest first: the answers must be the same.
pub async fn ask_again(load: &Load, dice: &mut Dice, since: Option<Instant>, most: usize, when: &str) -> u64 {
    let chosen: Vec<_> = {
        let book = load.book();
        let newest = book.answers.iter().rev().take_while(|one| since.is_none_or(|since| one.at >= since));
        let all: Vec<_> = newest.collect();
        let step = (all.len() / most.max(1)).max(1);
        all.into_iter().step_by(step).cloned().collect()
    };
    let count = chosen.len() as u64;
    let own: Vec<Dice> = (0..count).map(|number| dice.fork(number)).collect();
    let questions = chosen.into_iter().zip(own).map(|(answered, mut dice)| async move {
        let Some(again) = load.ask(&mut dice, &answered.call).await else { return };
        if again.body != answered.body {
            let (call, before) = (answered.call.shown(), &answered.body);
            load.book().problem(format!("{when}: {call} was answered {before} and now {}", again.shown()));
        }
    });
    futures_util::stream::iter(questions).for_each_concurrent(AT_ONCE, |question| question).await;
    count
}

/// What the service says about everybody, and what the Cashier has seen. The feeds come from their readers.
pub async fn look(load: &Load, dice: &mut Dice) -> Seen {
    let mut seen = Seen::default();
    let purses: Vec<Purse> = load.book().lines().keys().cloned().collect();
    for purse in purses {
        let player = Call::wallet(Method::GET, purse.path(), &Value::Null);
        if let Some(answer) = load.ask(dice, &player).await {
            let none = Vec::new();
            let balances = answer.json["balances"].as_array().unwrap_or(&none);
            let number = |name: &str| {
                let own = balances.iter().find(|one| one["currency"] == purse.currency);
                own.and_then(|one| one[name].as_i64()).unwrap_or(0)
            };
            seen.balances.insert(purse.clone(), (number("available"), number("held")));
        }
        let lines = all(load, dice, |after| {
            let after = if after.is_empty() { "0" } else { after };
            let path = format!("{}/transactions?after={after}&limit=500", purse.path());
            Call::wallet(Method::GET, path, &Value::Null)
        });
        let lines = lines.await.unwrap_or_default();
        let own = lines.iter().filter(|line| line["currency"] == purse.currency).map(line);
        seen.statements.insert(purse.clone(), own.collect());
    }
    for one in orders(load, dice, "deposits").await.unwrap_or_default() {
        seen.deposits.insert(text(&one["external_id"]), one["status"].as_i64().unwrap_or(-1));
    }
    for one in orders(load, dice, "payouts").await.unwrap_or_default() {
        let state = (one["status"].as_i64().unwrap_or(-1), text(&one["stage"]));
        seen.payouts.insert(text(&one["external_id"]), state);
    }
    let mut initiations: BTreeMap<String, usize> = BTreeMap::new();
    for one in load.cashiers.iter().flat_map(CashierServer::all) {
        if matches!(one.answered, Some(Behaviour::Refuse(_))) {
            seen.refused.insert(one.external_id.clone());
        }
        *initiations.entry(one.external_id).or_default() += 1;
    }
    seen.initiations = initiations;
    seen
}

/// The game server's own reference where there is one: the book knows no other name.
fn line(value: &Value) -> Line {
    let cause = text(&value["cause"]);
    let cause = match value["reference"].as_str() {
        Some(reference) if cause.ends_with(":rollback") => format!("{reference}:rollback"),
        Some(reference) => reference.to_owned(),
        None => cause,
    };
    let number = |name: &str| value[name].as_i64().unwrap_or(0);
    Line { cause, change: (number("available_change"), number("held_change")) }
}
