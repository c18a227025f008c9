//! The calls: who may make them, in which order they are checked, and where each leads.
//!
//! First the path's organization (404), then the key or the customer's JWT (401), then the path and the method (404, 405), the rate limit
//! (429, only of what changes something), and the body (400, 422).

use super::books::Asked;
use super::desk::Desk;
use super::fields::Body;
use super::problem::{Outcome, Problem};
use super::{Inner, State, allocations, cashiers, deposits, payouts};
use crate::clock;
use crate::simulate::platforms::host::{Incoming, Reply};

/// Calls in 10 minutes that change something, in the sandbox (manual, "Rate limits"). Shown and counted; only the switch refuses, so that
/// a demo may go on for as long as it likes.
const LIMIT: u32 = 3000;

/// Answers one call.
pub fn handle(state: &State, incoming: &Incoming) -> Reply {
    let path = percent_encoding::percent_decode_str(&incoming.path).decode_utf8_lossy().into_owned();
    let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut inner = state.lock();
    match words.as_slice() {
        ["organizations", organization, rest @ ..] if *organization == state.account.organization_id => {
            api(state, &mut inner, incoming, rest)
        }
        ["deposit", id] => page(&mut inner, id),
        _ => Problem::not_found().reply(),
    }
}

/// The hosted page of a deposit request, which a player sees. To open it is all that can be done there.
fn page(inner: &mut Inner, id: &str) -> Reply {
    match inner.books.deposits.get_mut(id) {
        Some(deposit) => {
            if deposit.status == Asked::Created {
                deposit.status = Asked::Pending;
            }
            Reply::Raw(200, "text/html", b"<html><body>Choose how to deposit.</body></html>".to_vec())
        }
        None => Reply::Raw(404, "text/html", Vec::new()),
    }
}

fn api(state: &State, inner: &mut Inner, incoming: &Incoming, path: &[&str]) -> Reply {
    let customer = if let ["storefront", ..] = path {
        let token = incoming.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let known = token.and_then(|token| inner.books.customers.get(token)).cloned();
        if known.is_none() {
            return Problem::unauthorized().reply();
        }
        known
    } else if incoming.header("reb-apikey") != Some(state.account.api_key.expose()) {
        return Problem::unauthorized().reply();
    } else {
        None
    };
    if !is_known(path) {
        return Problem::not_found().reply();
    }
    let reads = incoming.method == "GET";
    if !reads {
        inner.spent = inner.spent.saturating_add(1);
        if let Some(reset_at) = inner.switches.rate_limit {
            return limited(Problem::too_many(reset_at).reply(), inner.spent);
        }
    }
    let mut desk = Desk {
        account: &state.account,
        base: state.base(),
        root: state.root(),
        books: &mut inner.books,
        switches: &inner.switches,
        at: clock::now(),
    };
    let outcome = route(&mut desk, incoming, path, customer.as_deref());
    let reply = outcome.unwrap_or_else(Problem::reply);
    state.count.send_replace(inner.books.taken.len());
    if reads { reply } else { limited(reply, inner.spent) }
}

/// The answer with what is left of the rate limit.
fn limited(mut reply: Reply, spent: u32) -> Reply {
    let mut within = &mut reply;
    while let Reply::Late(_, then) = within {
        within = then;
    }
    if let Reply::Json(_, headers, _) | Reply::JsonText(_, headers, _) = within {
        headers.push(("x-ratelimit-limit", LIMIT.to_string()));
        headers.push(("x-ratelimit-remaining", LIMIT.saturating_sub(spent).to_string()));
    }
    reply
}

fn is_known(path: &[&str]) -> bool {
    matches!(
        path,
        ["authentication-tokens"]
            | ["authentication-tokens", _, "exchange"]
            | ["cashiers" | "deposit-requests" | "payout-requests" | "payout-request-allocations"]
            | ["cashiers" | "deposit-requests" | "payout-requests" | "payout-request-allocations" | "transactions", _]
            | ["payout-requests", _, "cancel" | "split"]
            | ["transactions", _, "query"]
            | ["storefront", "cashiers", _, "cancel-payout-requests"]
    )
}

fn route(desk: &mut Desk<'_>, incoming: &Incoming, path: &[&str], customer: Option<&str>) -> Outcome {
    let query = incoming.query.as_str();
    match (incoming.method.as_str(), path) {
        ("GET", ["cashiers", id]) => cashiers::read(desk, id),
        ("GET", ["deposit-requests"]) => deposits::list(desk, query),
        ("GET", ["deposit-requests", id]) => deposits::read(desk, id),
        ("GET", ["payout-requests"]) => payouts::list(desk, query),
        ("GET", ["payout-requests", id]) => payouts::read(desk, id),
        ("GET", ["payout-request-allocations"]) => allocations::list(desk, query),
        ("GET", ["payout-request-allocations", id]) => allocations::read(desk, id),
        ("GET", ["transactions", id]) => deposits::transaction(desk, id),
        ("POST", ["transactions", id, "query"]) => deposits::query(desk, id),
        ("POST" | "PUT" | "PATCH", path) => change(desk, incoming, path, customer),
        (_, _) => Err(Problem::wrong_method()),
    }
}

fn change(desk: &mut Desk<'_>, incoming: &Incoming, path: &[&str], customer: Option<&str>) -> Outcome {
    let json = incoming.content_type.to_ascii_lowercase().starts_with("application/json");
    if !incoming.body.is_empty() && !json {
        return Err(Problem::unreadable("the content type is not JSON"));
    }
    let mut body = Body::read(&incoming.body)?;
    let body = &mut body;
    match (incoming.method.as_str(), path) {
        ("POST", ["authentication-tokens"]) => cashiers::token(desk, body),
        ("POST", ["authentication-tokens", token, "exchange"]) => cashiers::exchange(desk, token, body),
        ("POST", ["cashiers"]) => cashiers::create(desk, body),
        ("POST", ["storefront", "cashiers", id, "cancel-payout-requests"]) => {
            cashiers::take_back(desk, id, customer.unwrap_or_default(), body)
        }
        ("POST", ["deposit-requests"]) => deposits::create(desk, body),
        ("POST", ["payout-requests"]) => payouts::create(desk, body),
        ("PUT", ["payout-requests", id]) => payouts::put(desk, id, body),
        ("PATCH", ["payout-requests", id]) => payouts::change(desk, id, body),
        ("POST", ["payout-requests", id, "cancel"]) => payouts::cancel(desk, id, body),
        ("POST", ["payout-requests", id, "split"]) => payouts::split(desk, id, body),
        ("POST", ["payout-request-allocations"]) => allocations::create(desk, body),
        ("POST", ["payout-request-allocations", "auto"]) => allocations::auto(desk, body),
        ("POST", ["payout-request-allocations", "process"]) => allocations::process(desk, body),
        ("PATCH", ["payout-request-allocations", id]) => allocations::change(desk, id, body),
        (_, _) => Err(Problem::wrong_method()),
    }
}
