//! What became of a deposit: its deposit request, and every transaction that tried to pay it.
//!
//! Source: manual, "Deposit requests", "Confirmation" and its decision table. A declined attempt is no end: the player may try again until
//! the request is completed or expires.

use super::account::{Account, is_id};
use super::call::{Flow, Script, Stop, answered};
use super::statement::Statement;
use super::transaction::{Came, Transaction};
use super::wire::{Doc, Thing, for_people};
use crate::providers::{Inquired, News, OpenOrder, Texts};

/// Transactions of one deposit request that are looked at, newest first. At most one is approved (manual, "Deposit requests").
const MOST_TRANSACTIONS: usize = 10;
/// Deposit requests that are searched when the answer to the opening was lost.
const SEARCHED: &str = "10";

type Talk<R> = Flow<R, Inquired>;

/// A deposit request as Rebilly shows it.
struct DepositRequest {
    id: String,
    word: String,
    website: Option<String>,
    customer: Option<String>,
    notification_url: Option<String>,
    transactions: Vec<String>,
}

impl DepositRequest {
    fn read(thing: Thing<'_>) -> Result<Self, &'static str> {
        let owned = |name: &str| thing.text(name).map(str::to_owned);
        Ok(Self {
            id: owned("id").ok_or("the deposit request has no id")?,
            word: thing.text("status").map(for_people).ok_or("the deposit request has no status")?,
            website: owned("websiteId"),
            customer: owned("customerId"),
            notification_url: owned("notificationUrl"),
            transactions: thing.texts("transactionIds").into_iter().map(str::to_owned).collect(),
        })
    }
}

pub(super) fn ask(account: &Account, order: &OpenOrder, script: &mut Script<'_>) -> Talk<Inquired> {
    let named = match order.about.as_deref().filter(|id| is_id(id)) {
        Some(id) => transaction(account, id, script)?,
        None => None,
    };
    let known = order.facts.get("deposit_request_id").cloned();
    let from_hint = named.as_ref().and_then(|named| named.deposit_request.clone());
    let found = match known.clone().or(from_hint) {
        Some(id) => read(account, &id, script)?,
        None => search(account, order, script)?,
    };
    let Some(request) = found else {
        return Ok(Inquired::NotFound("no deposit request of this order is known there".to_owned()));
    };
    if request.website.as_deref() != Some(account.website_id.as_str()) {
        return unclear("the deposit request is another website's");
    }
    let ours = account.notification_url(order.external_id.as_str());
    if known.is_none() && request.notification_url != ours {
        return unclear("it is not known which deposit request is this order's");
    }
    let mut all: Vec<Transaction> = Vec::new();
    // A transaction of something else under this order's address says nothing about it.
    all.extend(named.filter(|named| named.deposit_request.as_deref() == Some(&request.id)));
    for id in request.transactions.iter().rev().take(MOST_TRANSACTIONS) {
        if !all.iter().any(|known| known.id == *id) {
            all.extend(transaction(account, id, script)?);
        }
    }
    let customer = all.iter().filter_map(|one| one.customer.clone()).find(|one| Some(one) != request.customer.as_ref());
    let statement = statement(&request, &all, customer)?;
    let mut facts = Texts::from([("deposit_request_status".to_owned(), request.word.clone())]);
    facts.insert("deposit_request_id".to_owned(), request.id.clone());
    if let (false, Some(customer)) = (order.facts.contains_key("customer_id"), &request.customer) {
        facts.insert("customer_id".to_owned(), customer.clone());
    }
    Ok(statement.about(order, facts))
}

fn unclear<R>(why: &str) -> Talk<R> {
    Err(Stop::Done(Inquired::Unclear(why.to_owned())))
}

fn transaction(account: &Account, id: &str, script: &mut Script<'_>) -> Talk<Option<Transaction>> {
    let Some(reply) = answered(script, account.get(&["transactions", id]))? else { return Ok(None) };
    let read = Transaction::read(reply).or_else(unclear)?;
    if read.id == id { Ok(Some(read)) } else { unclear("the answer is about another transaction") }
}

fn read(account: &Account, id: &str, script: &mut Script<'_>) -> Talk<Option<DepositRequest>> {
    let Some(reply) = answered(script, account.get(&["deposit-requests", id]))? else { return Ok(None) };
    let doc = Doc::read(&reply.body).or_else(unclear)?;
    let read = doc.thing().ok_or("the answer is no object").and_then(DepositRequest::read).or_else(unclear)?;
    if read.id == id { Ok(Some(read)) } else { unclear("the answer is about another deposit request") }
}

/// The deposit request whose answer was lost, among the newest of the player: the one that reports to this order's address. Two of them
/// are two ways to pay one order: a person looks.
fn search(account: &Account, order: &OpenOrder, script: &mut Script<'_>) -> Talk<Option<DepositRequest>> {
    let customer = order.facts.get("customer_id").map_or(order.login.as_str(), String::as_str);
    let ours = account.notification_url(order.external_id.as_str());
    if !is_id(customer) || ours.is_none() {
        return Ok(None);
    }
    let filter = format!("customerId:{customer};currency:{}", order.amount.currency());
    let query = [("filter", filter.as_str()), ("sort", "-createdTime"), ("limit", SEARCHED)];
    let Some(reply) = answered(script, account.list(&["deposit-requests"], &query))? else { return Ok(None) };
    let doc = Doc::read(&reply.body).or_else(unclear)?;
    let items = doc.list().ok_or("the list of deposit requests is no list").or_else(unclear)?;
    let mut found: Option<DepositRequest> = None;
    for item in items {
        let request = DepositRequest::read(item).or_else(unclear)?;
        if request.notification_url == ours {
            if found.is_some() {
                return unclear("several deposit requests report to this order");
            }
            found = Some(request);
        }
    }
    Ok(found)
}

/// What the request and its transactions come to together.
fn statement(request: &DepositRequest, all: &[Transaction], other: Option<String>) -> Talk<Statement> {
    let came = |came: Came| all.iter().filter(move |one| one.of_deposit() == came);
    let moved: Vec<&Transaction> = all.iter().filter(|one| has_moved(one.of_deposit())).collect();
    let (news, doubt) = match (moved.first(), request.word.as_str()) {
        (Some(first), _) => news_of(first, moved.len()),
        (None, _) if came(Came::Open).next().is_some() => (News::DepositPending, None),
        (None, "expired") if came(Came::Failed).next().is_some() => (News::DepositDeclined, None),
        (None, "expired") => (News::DepositCancelled, None),
        (None, "created" | "pending" | "initiated" | "attempted") => (News::DepositPending, None),
        (None, "completed") => return unclear("it is completed, and no approved sale of it is to be seen"),
        (None, _) => (News::NotKnown, None),
    };
    let amount = match moved.first().map(|first| first.amount) {
        Some(None) => return unclear("the amount or currency of its transaction cannot be read"),
        Some(amount) => amount,
        None => None,
    };
    let last = moved.first().copied().or(all.first());
    let words = last.map_or_else(String::new, |last| format!(", {}", last.words()));
    let mut content = vec![("deposit_request".to_owned(), format!("{} {}", request.id, request.word))];
    // In one order, whichever of them a hint named.
    let mut sorted: Vec<&Transaction> = all.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    content.extend(sorted.into_iter().flat_map(Transaction::content));
    Ok(Statement {
        news,
        codes: format!("status {}{words}", request.word),
        amount,
        real: None,
        doubt,
        customer: other.or_else(|| request.customer.clone()),
        transaction_id: last.map_or_else(|| request.id.clone(), |last| last.id.clone()),
        content,
    })
}

fn has_moved(came: Came) -> bool {
    match came {
        Came::Approved | Came::Returned | Came::PartlyReturned | Came::Disputed | Came::ChargedBack => true,
        Came::Failed | Came::Open | Came::Beside => false,
    }
}

/// What a transaction that moved money says, and why it must be looked at by a person.
fn news_of(transaction: &Transaction, how_many: usize) -> (News, Option<&'static str>) {
    let (news, doubt) = match transaction.of_deposit() {
        Came::Approved => (News::DepositPaid, transaction.is_adjusted.then_some("ADJUSTED")),
        Came::Returned => (News::Refunded, None),
        Came::PartlyReturned => (News::Refunded, Some("PARTIALLY REFUNDED")),
        Came::Disputed => (News::Dispute, None),
        Came::ChargedBack => (News::ChargedBack, None),
        Came::Failed | Came::Open | Came::Beside => (News::NotKnown, None),
    };
    if how_many > 1 { (news, Some("PAID MORE THAN ONCE")) } else { (news, doubt) }
}
