//! The end of a demo: the merchant's state against the book, player by player and order by order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Records, World};
use crate::simulate::book::{Account, Book, End, Entry};

/// How long orders may take to end after the last player is done.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Everything that differs from the book, in words.
pub(super) async fn with_book(world: &World, records: &impl Records) -> Vec<String> {
    let book = world.book().clone();
    let mut differences = book.problems().to_vec();
    differences.extend(orders(&book, records).await);
    for account in book.accounts() {
        differences.extend(balance(world, account).await.err());
    }
    for (external_id, count) in world.side.doubles() {
        differences.push(format!("payout {external_id} was initiated {count} times"));
    }
    for external_id in world.side.initiated() {
        if !book.payouts().contains_key(&external_id) {
            differences.push(format!("payout {external_id} was initiated but never requested"));
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

/// Looks at every order until all have ended or patience has; then says which ended otherwise than the book.
async fn orders(book: &Book, records: &impl Records) -> Vec<String> {
    let all: BTreeMap<&String, &Entry> = book.deposits().iter().chain(book.payouts()).collect();
    let started = Instant::now();
    loop {
        let ends = match records.ends(all.keys().map(|id| (*id).clone()).collect()).await {
            Ok(ends) => ends,
            Err(reason) => return vec![format!("the merchant's records cannot be read: {reason}")],
        };
        let ended = |id: &String| ends.get(id).is_some_and(|(end, _)| *end != End::Open);
        if all.keys().all(|id| ended(id)) || started.elapsed() > PATIENCE {
            return all.iter().filter_map(|(id, entry)| difference(id, entry, ends.get(*id))).collect();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn difference(external_id: &str, entry: &Entry, found: Option<&(End, String)>) -> Option<String> {
    match found {
        Some((end, _)) if *end == entry.end => None,
        Some((_, word)) => Some(format!("order {external_id} is {word}, must be {:?}", entry.end)),
        None => Some(format!("order {external_id} is not in the merchant's records")),
    }
}
