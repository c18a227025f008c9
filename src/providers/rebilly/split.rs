//! A payout request that was replaced by parts (manual, "Split"): the parts are found in the customer's list, and may be split again.

use super::account::Account;
use super::call::{Flow, Script, Stop, answered};
use super::request::{Request, Status};
use super::wire::Doc;
use crate::providers::Inquired;

/// Requests of one page. More, and a page may be longer than an answer may be; fewer, and there are more of them.
const PAGE: usize = 10;
/// Pages that are looked through, newest first: parts are younger than what they were made of. Some requests are left for transactions.
const MOST_PAGES: usize = 8;
/// How often a part may have been split again.
const DEEPEST: usize = 6;

/// The unsplit requests that took the place of `whole`. What does not add up to it is no answer.
pub(super) fn leaves(account: &Account, whole: &Request, script: &mut Script<'_>) -> Flow<Vec<Request>, Inquired> {
    let unclear = |why: &str| Stop::Done(Inquired::Unclear(why.to_owned()));
    let customer = whole.customer.as_deref().ok_or_else(|| unclear("it is split, and names no customer"))?;
    let filter = format!("customerId:{customer};currency:{}", whole.amount.currency());
    let mut seen: Vec<Request> = Vec::new();
    for page in 0..MOST_PAGES {
        let (limit, offset) = (PAGE.to_string(), (page * PAGE).to_string());
        let query = [("filter", filter.as_str()), ("sort", "-createdTime"), ("limit", &limit), ("offset", &offset)];
        let reply = answered(script, account.list(&["payout-requests"], &query))?;
        let reply = reply.ok_or_else(|| unclear("the list of payout requests is not there"))?;
        let doc = Doc::read(&reply.body).map_err(unclear)?;
        let items = doc.list().ok_or_else(|| unclear("the list of payout requests is no list"))?;
        let is_last = items.len() < PAGE;
        for item in items {
            let request = Request::read(item).map_err(unclear)?;
            // The list may move between two pages.
            if !seen.iter().any(|known| known.id == request.id) {
                seen.push(request);
            }
        }
        if let Some(leaves) = below(whole, &seen, DEEPEST) {
            return Ok(leaves.into_iter().cloned().collect());
        }
        if is_last {
            break;
        }
    }
    Err(unclear("it is split, and its parts do not add up to it"))
}

/// The leaves below a request that was split; `None` while its parts, or theirs, do not add up.
pub(super) fn below<'s>(whole: &Request, seen: &'s [Request], deepest: usize) -> Option<Vec<&'s Request>> {
    let parts: Vec<&Request> = seen.iter().filter(|one| one.split_from.as_deref() == Some(&whole.id)).collect();
    let same_currency = parts.iter().all(|one| one.amount.currency() == whole.amount.currency());
    let sum = parts.iter().try_fold(0_i64, |sum, one| sum.checked_add(one.amount.minor()));
    if deepest == 0 || !same_currency || sum != Some(whole.amount.minor()) {
        return None;
    }
    let mut leaves = Vec::new();
    for part in parts {
        if part.status == Status::Split {
            leaves.extend(below(part, seen, deepest - 1)?);
        } else {
            leaves.push(part);
        }
    }
    Some(leaves)
}
