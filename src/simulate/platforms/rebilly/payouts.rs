//! Payout requests (manual, "Payout requests").

use super::books::{By, Payout, Status, fresh};
use super::desk::{Desk, created, shown};
use super::fields::{Body, is_id};
use super::list::Query;
use super::machine;
use super::problem::{Outcome, Problem};
use crate::simulate::platforms::Way;
use crate::simulate::platforms::host::Reply;

const LONGEST_TEXT: usize = 255;
/// The manual gives no limit for a description.
const LONGEST_DESCRIPTION: usize = 2083;
const BLOCK_REASONS: [&str; 8] = [
    "fraud-suspected",
    "kyc-verification-required",
    "aml-review",
    "account-verification",
    "duplicate-request",
    "insufficient-documentation",
    "risk-review",
    "other",
];
const SPLIT_REASONS: [&str; 7] = [
    "payment-instrument-limit",
    "processor-limit",
    "risk-review",
    "compliance-review",
    "partial-processing",
    "operational-reconciliation",
    "other",
];
const PEOPLE: [&str; 3] = ["merchant", "customer", "system"];

fn read_draft(desk: &Desk<'_>, id: &str, body: &mut Body) -> Result<Payout, Problem> {
    body.website(&desk.account.website_id);
    let customer = body.id("customerId");
    let currency = body.currency();
    let amount = body.positive("amount", &currency);
    let instrument = body.optional_id("paymentInstrumentId");
    let description = body.text("description", LONGEST_DESCRIPTION);
    body.url("selectedPaymentInstrumentRedirectUrl");
    let blocked = body.flag("blocked").unwrap_or_default();
    body.done()?;
    Ok(Payout {
        id: id.to_owned(),
        customer,
        currency,
        amount,
        instrument,
        description,
        status: if desk.switches.automatic_readiness { Status::Pending } else { Status::Ready },
        blocked,
        block_reason: blocked.then(|| "other".to_owned()),
        split_reason: None,
        split_from: None,
        parts: Vec::new(),
        allocations: Vec::new(),
        cancellation: None,
        created: desk.at,
        updated: desk.at,
        params: body.params(),
    })
}

/// `POST /payout-requests`. No field makes it unique: asked for twice, it is made twice.
///
/// # Errors
///
/// 422.
pub fn create(desk: &mut Desk<'_>, body: &mut Body) -> Outcome {
    let payout = read_draft(desk, &fresh("pout_req_"), body)?;
    *desk.books.arrivals.entry(payout.id.clone()).or_default() += 1;
    let id = payout.id.clone();
    desk.answered(&id, |desk| Ok(take(desk, payout)))
}

fn take(desk: &mut Desk<'_>, payout: Payout) -> Reply {
    let answer = created(desk.place().of("payout-requests", &payout.id), &desk.place().payout(desk.books, &payout));
    let id = payout.id.clone();
    desk.books.payouts.add(&id, payout);
    desk.books.note_taken(Way::Payout, &id);
    answer
}

/// `PUT /payout-requests/{id}`: made once under the merchant's id, shown as it stands ever after. The manual calls it an upsert and does
/// not say what may change: here the description, and the instrument until the request is approved; another player, currency or amount
/// is refused.
///
/// # Errors
///
/// 422.
pub fn put(desk: &mut Desk<'_>, id: &str, body: &mut Body) -> Outcome {
    if !is_id(id) {
        return Err(Problem::field("id", "is no id"));
    }
    let draft = read_draft(desk, id, body)?;
    *desk.books.arrivals.entry(id.to_owned()).or_default() += 1;
    desk.answered(id, |desk| {
        let Some(known) = desk.books.payouts.get_mut(id) else { return Ok(take(desk, draft)) };
        let chosen = matches!(known.status, Status::Pending | Status::Ready) || known.instrument == draft.instrument;
        let same = [
            ("customerId", known.customer == draft.customer),
            ("currency", known.currency == draft.currency),
            ("amount", known.amount == draft.amount),
            ("paymentInstrumentId", chosen),
        ];
        let differ = same.iter().filter(|(_, same)| !same);
        let differ: Vec<_> = differ.map(|(field, _)| ((*field).to_owned(), "cannot change".to_owned())).collect();
        if !differ.is_empty() {
            return Err(Problem::invalid(differ));
        }
        (known.instrument, known.description) = (draft.instrument, draft.description);
        show(desk, id)
    })
}

/// `GET /payout-requests/{id}`.
///
/// # Errors
///
/// 404.
pub fn read(desk: &mut Desk<'_>, id: &str) -> Outcome {
    if let Some(answer) = desk.told(id) {
        return answer;
    }
    show(desk, id)
}

fn show(desk: &Desk<'_>, id: &str) -> Outcome {
    let payout = desk.books.payouts.get(id).ok_or_else(Problem::not_found)?;
    Ok(shown(200, &desk.place().payout(desk.books, payout)))
}

/// `GET /payout-requests`.
///
/// # Errors
///
/// 400.
pub fn list(desk: &mut Desk<'_>, query: &str) -> Outcome {
    let query = Query::read(query, &["id", "customerId", "websiteId", "status", "currency"])?;
    for id in query.ids() {
        desk.told(id);
    }
    if let Some(answer) = desk.evaded_list() {
        return answer;
    }
    let value = |one: &Payout, field: &str| match field {
        "id" => Some(one.id.clone()),
        "customerId" => Some(one.customer.clone()),
        "websiteId" => Some(desk.account.website_id.clone()),
        "status" => Some(one.status.name().to_owned()),
        "currency" => Some(one.currency.clone()),
        _ => None,
    };
    let found = desk.books.payouts.iter().filter(|one| query.takes(|field| value(one, field)));
    query.page(found.map(|one| desk.place().payout(desk.books, one)).collect())
}

/// `PATCH /payout-requests/{id}`: another status, a block, a description; all of it or nothing.
///
/// # Errors
///
/// 404, 409, 422.
pub fn change(desk: &mut Desk<'_>, id: &str, body: &mut Body) -> Outcome {
    let payout = desk.books.payouts.get(id).ok_or_else(Problem::not_found)?;
    let status = body.word("status", &["pending", "ready", "approved", "canceled"]).and_then(|word| status_of(&word));
    let by = body.word("canceledBy", &PEOPLE).and_then(|word| person(&word));
    if status == Some(Status::Canceled) && by.is_none() {
        body.wrong("canceledBy", "is required with canceled");
    }
    let why = body.text("cancellationDescription", LONGEST_TEXT);
    let description = body.text("description", LONGEST_DESCRIPTION);
    let blocked = body.flag("blocked");
    let reason = body.word("blockReason", &BLOCK_REASONS);
    body.text("blockDescription", LONGEST_TEXT);
    body.done()?;
    if blocked.is_some() && !payout.status.is_open() {
        return Err(Problem::conflict("only an open payout request can be blocked"));
    }
    if let Some(to) = status {
        machine::check(payout, blocked.unwrap_or(payout.blocked), to)?;
    }
    if let Some(payout) = desk.books.payouts.get_mut(id) {
        payout.updated = desk.at;
        payout.description = description.or(payout.description.take());
        if let Some(blocked) = blocked {
            payout.blocked = blocked;
            payout.block_reason = blocked.then(|| reason.unwrap_or_else(|| "other".to_owned()));
        }
    }
    match (status, by) {
        (Some(Status::Canceled), Some(by)) => desk.books.cancel(id, by, why, desk.at)?,
        (Some(to), _) => desk.books.advance(id, to, desk.at)?,
        (None, _) => {}
    }
    show(desk, id)
}

/// `POST /payout-requests/{id}/cancel`.
///
/// # Errors
///
/// 404, 409, 422.
pub fn cancel(desk: &mut Desk<'_>, id: &str, body: &mut Body) -> Outcome {
    let by = body.word("canceledBy", &PEOPLE).and_then(|word| person(&word)).unwrap_or(By::Customer);
    let description = body.text("description", LONGEST_TEXT);
    body.done()?;
    desk.books.cancel(id, by, description, desk.at)?;
    show(desk, id)
}

/// `POST /payout-requests/{id}/split`.
///
/// # Errors
///
/// 404, 409, 422.
pub fn split(desk: &mut Desk<'_>, id: &str, body: &mut Body) -> Outcome {
    let payout = desk.books.payouts.get(id).ok_or_else(Problem::not_found)?;
    body.need("amounts");
    body.need("splitReason");
    let amounts = body.amounts("amounts", &payout.currency).unwrap_or_default();
    let reason = body.word("splitReason", &SPLIT_REASONS).unwrap_or_default();
    body.text("splitDescription", LONGEST_TEXT);
    if body.has("amounts") && !is_split(&amounts, payout.amount) {
        body.wrong("amounts", "must be 2 to 100 amounts that sum up to the request's");
    }
    body.done()?;
    let parts = desk.books.split(id, &amounts, &reason, desk.at)?;
    let views: Vec<_> = parts.iter().filter_map(|part| desk.books.payouts.get(part)).collect();
    let views: Vec<_> = views.into_iter().map(|part| desk.place().payout(desk.books, part)).collect();
    Ok(shown(201, &views))
}

/// Whether these minor units are a split of the whole (manual, "Split").
pub fn is_split(amounts: &[i64], whole: i64) -> bool {
    let sum = amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(*amount));
    (2..=100).contains(&amounts.len()) && amounts.iter().all(|amount| *amount > 0) && sum == Some(whole)
}

fn status_of(word: &str) -> Option<Status> {
    [Status::Pending, Status::Ready, Status::Approved, Status::Canceled]
        .into_iter()
        .find(|status| status.name() == word)
}

fn person(word: &str) -> Option<By> {
    match word {
        "merchant" => Some(By::Merchant),
        "customer" => Some(By::Customer),
        "system" => Some(By::System),
        _ => None,
    }
}
