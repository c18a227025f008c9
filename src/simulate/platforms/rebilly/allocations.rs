//! Allocations of payout requests (manual, "Allocations").

use super::books::{Allocation, Part};
use super::desk::{Desk, created, nothing, shown};
use super::fields::Body;
use super::list::Query;
use super::machine::{DEFAULT_GATEWAY, DEFAULT_INSTRUMENT};
use super::problem::{Outcome, Problem};

const MOST: usize = 1000;

/// `POST /payout-request-allocations`: by hand.
///
/// # Errors
///
/// 404, 409, 422.
pub fn create(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let id = body.id("payoutRequestId");
    let (instrument, gateway) = (body.id("paymentInstrumentId"), body.id("gatewayAccountId"));
    body.need("amount");
    body.done()?;
    let currency = desk.books.payouts.get(&id).ok_or_else(Problem::not_found)?.currency.clone();
    let amount = body.positive("amount", &currency);
    body.done()?;
    let own = desk.books.allocate(&id, (&instrument, &gateway), amount, desk.at)?;
    let allocation = desk.books.allocations.get(&own).ok_or_else(Problem::not_found)?;
    let place = desk.place();
    Ok(created(place.of("payout-request-allocations", &own), &place.allocation(desk.books, allocation)))
}

/// `POST /payout-request-allocations/auto`: everything that is available, on the instrument of the request or a usual one, in one part.
/// Nothing available is 409.
///
/// # Errors
///
/// 404, 409, 422.
pub fn auto(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let id = body.id("payoutRequestId");
    body.done()?;
    let payout = desk.books.payouts.get(&id).ok_or_else(Problem::not_found)?;
    let (rest, instrument) = (desk.books.available(payout), payout.instrument.clone());
    if rest == 0 {
        return Err(Problem::conflict("nothing is left to allocate"));
    }
    let instrument = instrument.as_deref().unwrap_or(DEFAULT_INSTRUMENT);
    desk.books.allocate(&id, (instrument, DEFAULT_GATEWAY), rest, desk.at)?;
    Ok(nothing())
}

/// `POST /payout-request-allocations/process`: starts those that are pending, of requests that are not blocked; passes over the others.
///
/// # Errors
///
/// 422: an id that is none.
pub fn process(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let name = "allocationIds";
    body.need(name);
    let ids = body.ids(name).unwrap_or_default();
    let known = ids.iter().all(|id| desk.books.allocations.get(id).is_some());
    if body.has(name) && (ids.is_empty() || ids.len() > MOST || !known) {
        body.wrong(name, "must be 1 to 1000 ids of allocations");
    }
    body.done()?;
    for id in &ids {
        desk.books.process(id, desk.at);
    }
    Ok(nothing())
}

/// `PATCH /payout-request-allocations/{id}`: starts a pending one, or cancels it.
///
/// # Errors
///
/// 404, 409, 422.
pub fn change(desk: &mut Desk<'_>, id: &str, body: &mut Body) -> Outcome {
    let allocation = desk.books.allocations.get(id).ok_or_else(Problem::not_found)?;
    let (status, blocked) =
        (allocation.status, desk.books.payouts.get(&allocation.payout).is_some_and(|one| one.blocked));
    body.need("status");
    let word = body.word("status", &["processing", "canceled"]).unwrap_or_default();
    body.done()?;
    if status != Part::Pending || blocked {
        return Err(Problem::conflict("the allocation is not pending, or its payout request is blocked"));
    }
    let to = if word == "canceled" { Part::Canceled } else { Part::Processing };
    desk.books.end_allocation(id, to, desk.at);
    read(desk, id)
}

/// `GET /payout-request-allocations/{id}`.
///
/// # Errors
///
/// 404.
pub fn read(desk: &mut Desk<'_>, id: &str) -> Outcome {
    let allocation = desk.books.allocations.get(id).ok_or_else(Problem::not_found)?;
    Ok(shown(200, &desk.place().allocation(desk.books, allocation)))
}

/// `GET /payout-request-allocations`.
///
/// # Errors
///
/// 400.
pub fn list(desk: &mut Desk<'_>, query: &str) -> Outcome {
    let query = Query::read(query, &["id", "payoutRequestId", "status"])?;
    let value = |one: &Allocation, field: &str| match field {
        "id" => Some(one.id.clone()),
        "payoutRequestId" => Some(one.payout.clone()),
        "status" => Some(one.status.name().to_owned()),
        _ => None,
    };
    let found = desk.books.allocations.iter().filter(|one| query.takes(|field| value(one, field)));
    query.page(found.map(|one| desk.place().allocation(desk.books, one)).collect())
}
