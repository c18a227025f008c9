//! What became of a payout: the request, its parts when it was split, and the transactions of its allocations.
//!
//! Source: manual, "Statuses", "Allocations", "Split". Paid is what is fulfilled down to an approved credit for every minor unit;
//! cancelled is what was cancelled before anything moved; what is neither is unclear and for a person.

use super::account::Account;
use super::call::{Flow, Script, Stop, answered};
use super::request::{Allocation, Part, Request, Status};
use super::split;
use super::statement::Statement;
use super::transaction::Transaction;
use super::wire::Doc;
use crate::money::Money;
use crate::providers::{Inquired, News, OpenOrder, Texts};

type Talk<R> = Flow<R, Inquired>;

pub(super) fn ask(account: &Account, order: &OpenOrder, script: &mut Script<'_>) -> Talk<Inquired> {
    let id = order.external_id.as_str();
    let Some(reply) = answered(script, account.get(&["payout-requests", id]))? else {
        return Ok(Inquired::NotFound("there is no such payout request".to_owned()));
    };
    let request = Doc::read(&reply.body).and_then(|doc| Request::read(doc.thing().ok_or("the answer is no object")?));
    let request = request.or_else(|why| unclear(why.to_owned()))?;
    if request.id != id || request.website.as_deref() != Some(account.website_id.as_str()) {
        return unclear("the answer is about another payout request or website".to_owned());
    }
    let leaves = match request.status {
        Status::Split => split::leaves(account, &request, script)?,
        Status::Pending
        | Status::Ready
        | Status::Approved
        | Status::InProgress
        | Status::Fulfilled
        | Status::Canceled
        | Status::Merged
        | Status::Other => vec![request.clone()],
    };
    let mut told = content(&request, &leaves);
    let (news, paid) = match standing(&leaves) {
        // Only what looks paid is worth a look at every transaction.
        News::PayoutPaid => match confirm(account, &leaves, script, &mut told)? {
            Some(paid) => (News::PayoutPaid, Some(paid)),
            None => (News::PayoutUnclear, None),
        },
        news => (news, None),
    };
    let facts = Texts::from([("payout_request_status".to_owned(), request.word.clone())]);
    let statement = Statement {
        news,
        codes: codes(&request, &leaves),
        amount: Some(request.amount),
        real: paid,
        doubt: None,
        customer: request.customer.clone(),
        transaction_id: request.id.clone(),
        content: told,
    };
    Ok(statement.about(order, facts))
}

fn unclear<R>(why: String) -> Talk<R> {
    Err(Stop::Done(Inquired::Unclear(why)))
}

/// What all parts together come to. One that is open keeps the whole open; different ends are for a person.
pub(super) fn standing(leaves: &[Request]) -> News {
    let each: Vec<News> = leaves.iter().map(one).collect();
    let any = |news| each.contains(&news);
    let all = |news| !each.is_empty() && each.iter().all(|one| *one == news);
    if any(News::PayoutUnclear) {
        News::PayoutUnclear
    } else if any(News::NotKnown) {
        News::NotKnown
    } else if any(News::PayoutPending) {
        News::PayoutPending
    } else if all(News::PayoutPaid) {
        News::PayoutPaid
    } else if all(News::PayoutDeclined) {
        News::PayoutDeclined
    } else if each.iter().all(|one| matches!(one, News::PayoutCancelled | News::PayoutDeclined)) && !each.is_empty() {
        News::PayoutCancelled
    } else {
        News::PayoutUnclear
    }
}

/// What one unsplit request comes to by its own word and its allocations.
fn one(request: &Request) -> News {
    let any = |part| request.allocations.iter().any(|one| one.part == part);
    let is_under_way = any(Part::Pending) || any(Part::UnderWay) || any(Part::Other);
    match request.status {
        Status::Pending | Status::Ready => News::PayoutPending,
        // A part of it did not go, and nothing is under way: what happens next is not documented (manual, "Open questions" 13).
        Status::Approved | Status::InProgress if any(Part::Dead) && !is_under_way => News::PayoutUnclear,
        Status::Approved | Status::InProgress => News::PayoutPending,
        Status::Fulfilled => News::PayoutPaid,
        Status::Canceled if request.allocations.iter().any(|one| one.part.may_move()) => News::PayoutUnclear,
        Status::Canceled => match request.canceled_by.as_deref() {
            Some("system") => News::PayoutDeclined,
            Some(_) | None => News::PayoutCancelled,
        },
        // Its money goes with another request, and nobody says how much of that is ours.
        Status::Split | Status::Merged => News::PayoutUnclear,
        Status::Other => News::NotKnown,
    }
}

/// Reads every completed allocation's transaction. Gives what they paid when each of them did, and each part was paid in full.
fn confirm(
    account: &Account,
    leaves: &[Request],
    script: &mut Script<'_>,
    told: &mut Vec<(String, String)>,
) -> Talk<Option<Money>> {
    let completed = |leaf: &Request| leaf.allocations.iter().filter(|one| one.part == Part::Completed).count();
    if leaves.iter().map(completed).sum::<usize>() > script.left() {
        told.push(("doubt".to_owned(), "more allocations than can be looked at".to_owned()));
        return Ok(None);
    }
    let (mut paid, mut good) = (0_i64, true);
    for leaf in leaves {
        let mut of_leaf = 0_i64;
        for allocation in leaf.allocations.iter().filter(|one| one.part == Part::Completed) {
            match credited(account, leaf, allocation, script, told)? {
                Some(amount) => of_leaf = of_leaf.saturating_add(amount.minor()),
                None => good = false,
            }
        }
        good &= of_leaf == leaf.amount.minor();
        paid = paid.saturating_add(of_leaf);
    }
    let currency = leaves.first().map(|leaf| leaf.amount.currency());
    let sum = currency.and_then(|currency| Money::new(paid, currency).ok());
    if !good {
        told.push(("doubt".to_owned(), "its allocations do not add up to it in approved credits".to_owned()));
    }
    Ok(sum.filter(|_| good))
}

/// What an allocation's transaction paid, when it is an approved credit of this request and customer.
fn credited(
    account: &Account,
    leaf: &Request,
    allocation: &Allocation,
    script: &mut Script<'_>,
    told: &mut Vec<(String, String)>,
) -> Talk<Option<Money>> {
    let Some(id) = &allocation.transaction else { return Ok(None) };
    let Some(reply) = answered(script, account.get(&["transactions", id]))? else { return Ok(None) };
    let transaction = Transaction::read(reply).or_else(|why| unclear(why.to_owned()))?;
    told.extend(transaction.content());
    let is_of_this = transaction.id == *id
        && transaction.payout_request.as_ref().is_none_or(|payout| *payout == leaf.id)
        && transaction.customer == leaf.customer
        && transaction.website.as_deref() == Some(account.website_id.as_str())
        && transaction.amount == allocation.amount
        && transaction.amount.is_some_and(|amount| amount.currency() == leaf.amount.currency());
    Ok(transaction.amount.filter(|_| is_of_this && transaction.is_paid_credit() && !transaction.is_adjusted))
}

/// In Rebilly's words, for people.
fn codes(request: &Request, leaves: &[Request]) -> String {
    let words: Vec<String> = leaves.iter().take(5).map(words_of).collect();
    match request.status {
        Status::Split => format!("status split, {} parts: {}", leaves.len(), words.join("; ")),
        Status::Pending
        | Status::Ready
        | Status::Approved
        | Status::InProgress
        | Status::Fulfilled
        | Status::Canceled
        | Status::Merged
        | Status::Other => format!("status {}", words.join("; ")),
    }
}

fn words_of(leaf: &Request) -> String {
    let mut words = leaf.word.clone();
    if let Some(reason) = &leaf.blocked {
        words.push_str(&format!(", blocked: {reason}"));
    }
    if let Some(by) = leaf.canceled_by.as_ref().filter(|_| leaf.status == Status::Canceled) {
        words.push_str(&format!(" by {by}"));
    }
    for allocation in leaf.allocations.iter().take(5) {
        words.push_str(&format!(", allocation {}", allocation.word));
    }
    words
}

/// What identifies the answer.
fn content(request: &Request, leaves: &[Request]) -> Vec<(String, String)> {
    let customer = request.customer.clone().unwrap_or_default();
    let mut told = vec![
        ("payout_request".to_owned(), format!("{} {}", request.id, request.word)),
        ("amount".to_owned(), request.amount.to_string()),
        ("customer".to_owned(), customer),
    ];
    for leaf in leaves {
        if leaf.id != request.id {
            told.push(("part".to_owned(), format!("{} {} {}", leaf.id, leaf.amount, leaf.word)));
        }
        let by = leaf.canceled_by.clone().unwrap_or_default();
        told.push(("standing".to_owned(), format!("blocked {} canceled by {by}", leaf.blocked.is_some())));
        let allocations = leaf.allocations.iter();
        told.extend(allocations.map(|one| ("allocation".to_owned(), format!("{} {}", one.id, one.word))));
    }
    told
}
