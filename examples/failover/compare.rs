//! The book against what the service says at the end, when nothing is on its way. Pure: the tests at the end show what is found.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::{Book, Change, Decision, Deposit, Payout};
use crate::house::Purse;

/// A line of a player's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub cause: String,
    pub change: Change,
}

/// An event as a reader got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub number: u64,
    pub id: String,
    pub kind: String,
    pub order: Option<String>,
}

/// What the service says, and what the Cashier has seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub balances: BTreeMap<Purse, Change>,
    pub statements: BTreeMap<Purse, Vec<Line>>,
    /// Status by order.
    pub deposits: BTreeMap<String, i64>,
    /// Status and stage by order.
    pub payouts: BTreeMap<String, (i64, String)>,
    /// Initiations by order.
    pub initiations: BTreeMap<String, usize>,
    /// Orders that the Cashier has definitely refused.
    pub refused: BTreeSet<String>,
    /// What each reader got, oldest first.
    pub feeds: Vec<Vec<Told>>,
}

/// How a payout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Paid,
    Released,
}

const CREATED: i64 = 0;
const PENDING: i64 = 1;
const CREDITED: i64 = 3;
const FAILED: i64 = 5;
const CANCELLED: i64 = 6;
const CHARGED_BACK: i64 = 8;

/// Everything that does not hold.
pub fn compare(book: &Book, seen: &Seen) -> Vec<String> {
    let mut problems = book.problems.clone();
    let mut lines = book.lines().clone();
    let mut ends = BTreeMap::new();
    for (external_id, payout) in &book.payouts {
        match end_of(external_id, payout, seen) {
            Ok(end) => {
                let change = match end {
                    End::Open => None,
                    End::Paid => Some((0, -payout.amount)),
                    End::Released => Some((payout.amount, -payout.amount)),
                };
                if let (Some(change), Some(of_player)) = (change, lines.get_mut(&payout.purse)) {
                    of_player.insert(format!("{external_id}:end"), change);
                }
                ends.insert(external_id.as_str(), end);
            }
            Err(problem) => problems.push(format!("payout {external_id} of {}: {problem}", payout.amount)),
        }
    }
    for (purse, lines) in &lines {
        problems.extend(statement(purse, lines, seen));
    }
    problems.extend(strangers(book, seen));
    for (external_id, deposit) in &book.deposits {
        let status = seen.deposits.get(external_id).copied();
        if !status.is_some_and(|status| stands(deposit, status)) {
            problems
                .push(format!("deposit {external_id} has status {status:?}, and what was acknowledged is {deposit:?}"));
        }
    }
    problems.extend(feeds(&seen.feeds));
    problems.extend(events(book, &ends, seen));
    problems
}

/// Whether a deposit has the status that follows from what was acknowledged.
fn stands(deposit: &Deposit, status: i64) -> bool {
    match (deposit.reversed, deposit.paid, deposit.declined) {
        (true, _, _) => status == CHARGED_BACK,
        (false, true, _) => status == CREDITED,
        (false, false, true) => status == FAILED,
        (false, false, false) => matches!(status, CREATED | PENDING),
    }
}

/// How a payout has ended, when that agrees with what was acknowledged and with what the Cashier has seen.
fn end_of(external_id: &str, payout: &Payout, seen: &Seen) -> Result<End, String> {
    let initiations = seen.initiations.get(external_id).copied().unwrap_or(0);
    if initiations > 1 {
        return Err(format!("initiated {initiations} times"));
    }
    let Some((status, stage)) = seen.payouts.get(external_id) else { return Err("is lost".to_owned()) };
    let at = format!("{initiations} initiations, status {status}, stage {stage}");
    let must = |wanted: i64, end: End, why: &str| {
        if *status == wanted && stage == "done" { Ok(end) } else { Err(format!("{why}: {at}")) }
    };
    if let Some(paid) = payout.told {
        let (wanted, end) = if paid { (CREDITED, End::Paid) } else { (FAILED, End::Released) };
        return must(wanted, end, "the Cashier's word was acknowledged and is lost");
    }
    match payout.decision {
        Some(Decision::Declined) if initiations > 0 => return Err(format!("declined by staff and sent: {at}")),
        Some(Decision::Declined) => return must(CANCELLED, End::Released, "declined by staff"),
        Some(Decision::Resolved { paid: true }) => return must(CREDITED, End::Paid, "resolved as paid"),
        Some(Decision::Resolved { paid: false }) => return must(FAILED, End::Released, "resolved as not paid"),
        Some(Decision::Approved) | None => {}
    }
    let waits = payout.waits && payout.decision.is_none();
    match (stage.as_str(), initiations) {
        ("sent", 1) | ("unknown", 0 | 1) => Ok(End::Open),
        ("awaiting_approval", 0) if waits => Ok(End::Open),
        ("done", 1) if *status == FAILED && seen.refused.contains(external_id) => Ok(End::Released),
        (_, _) => Err(format!("nobody has said so: {at}")),
    }
}

/// A statement against the lines it must have: missing, unasked for, doubled, different.
fn statement(purse: &Purse, lines: &BTreeMap<String, Change>, seen: &Seen) -> Vec<String> {
    let mut problems = Vec::new();
    let nothing = Vec::new();
    let told = seen.statements.get(purse).unwrap_or(&nothing);
    let mut left = lines.clone();
    let mut sum = (0, 0);
    for line in told {
        sum = (sum.0 + line.change.0, sum.1 + line.change.1);
        match left.remove(&line.cause) {
            Some(change) if change == line.change => {}
            Some(change) => {
                problems.push(format!("{purse}: {} is {:?} and must be {change:?}", line.cause, line.change))
            }
            None if lines.contains_key(&line.cause) => problems.push(format!("{purse}: {} is doubled", line.cause)),
            None => problems.push(format!("{purse}: {} {:?} was never acknowledged", line.cause, line.change)),
        }
    }
    problems
        .extend(left.iter().map(|(cause, change)| format!("{purse}: {cause} {change:?} was acknowledged and is lost")));
    let balance = seen.balances.get(purse).copied().unwrap_or_default();
    if balance != sum {
        problems.push(format!("{purse}: the balance is {balance:?}, the lines of the statement add up to {sum:?}"));
    }
    if balance.0 < 0 || balance.1 < 0 {
        problems.push(format!("{purse}: the balance {balance:?} is below zero"));
    }
    problems
}

/// Orders and initiations that nobody asked for.
fn strangers(book: &Book, seen: &Seen) -> Vec<String> {
    let known = |id: &String| book.payouts.contains_key(id) || book.deposits.contains_key(id);
    let orders = seen.payouts.keys().chain(seen.deposits.keys()).filter(|id| !known(id));
    let initiated = seen.initiations.keys().filter(|id| !book.payouts.contains_key(*id));
    let orders = orders.map(|id| format!("order {id} was never acknowledged"));
    orders.chain(initiated.map(|id| format!("{id} was initiated and never acknowledged"))).collect()
}

/// Every reader has every number once, in order, and all have the same.
fn feeds(feeds: &[Vec<Told>]) -> Vec<String> {
    let mut problems = Vec::new();
    for (reader, feed) in feeds.iter().enumerate() {
        let gap = feed.iter().zip(1..).find(|(told, number)| told.number != *number);
        if let Some((told, wanted)) = gap {
            problems.push(format!("reader {reader}: event {} where {wanted} must be", told.id));
        }
        let Some(first) = feeds.first() else { continue };
        if let Some((one, other)) = first.iter().zip(feed).find(|(one, other)| one != other) {
            problems.push(format!("reader {reader} has {} where the first one has {}", other.id, one.id));
        }
        if first.len() != feed.len() {
            problems.push(format!("reader {reader} has {} events, the first one {}", feed.len(), first.len()));
        }
    }
    problems
}

/// Each order's events: its beginning and its end are told once, and only when they happened.
fn events(book: &Book, ends: &BTreeMap<&str, End>, seen: &Seen) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    // The last one was read from the beginning when all was over.
    let feed = seen.feeds.last().map(Vec::as_slice).unwrap_or_default();
    for told in feed {
        let order = told.order.as_deref().unwrap_or_default();
        *counts.entry((order, told.kind.as_str())).or_default() += 1;
    }
    let count = |order: &str, kind: &str| counts.get(&(order, kind)).copied().unwrap_or(0);
    let mut problems = Vec::new();
    let mut must = |order: &str, what: &str, told: usize, wanted: usize| {
        if told != wanted {
            problems.push(format!("{what} of {order} was told {told} times instead of {wanted}"));
        }
    };
    for (order, deposit) in &book.deposits {
        must(order, "deposit.created", count(order, "deposit.created"), 1);
        must(order, "deposit.credited", count(order, "deposit.credited"), usize::from(deposit.paid));
        must(order, "deposit.failed", count(order, "deposit.failed"), usize::from(deposit.declined));
        must(order, "deposit.charged_back", count(order, "deposit.charged_back"), usize::from(deposit.reversed));
    }
    for order in book.payouts.keys() {
        must(order, "payout.held", count(order, "payout.held"), 1);
        let Some(end) = ends.get(order.as_str()) else { continue };
        must(order, "payout.succeeded", count(order, "payout.succeeded"), usize::from(*end == End::Paid));
        let released = count(order, "payout.failed") + count(order, "payout.cancelled");
        must(order, "the release", released, usize::from(*end == End::Released));
        must(order, "payout.sent", count(order, "payout.sent").saturating_sub(1), 0);
    }
    problems
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
