//! What Rebilly tells by itself: webhooks, and the notice to notificationUrl (manual, "Webhooks", "notificationUrl").
//!
//! Both are hints. They may be late, repeated and out of order: what is read back is always how it stands, so that an older message does
//! no harm and a repeated one says nothing new.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::super::purse::mask;
use super::super::signed::pairs::is_json;
use super::PROVIDER;
use super::account::{Account, NOTICE, is_id};
use super::auth;
use super::payout::is_ours;
use super::wire::{Doc, Thing, for_people};
use crate::error::Error;
use crate::providers::{Heard, Hint, News, Notification, RawRequest, ReadError};
use sha2::{Digest, Sha256};

/// The longest event type and result that are believed to be ones.
const LONGEST_WORD: usize = 64;

/// Events that say that money went back or is fought over; they must not go unheard.
const BACK: [&str; 5] = [
    "transaction-refunded",
    "transaction-partially-refunded",
    "transaction-voided",
    "dispute-created",
    "dispute-modified",
];

/// Address, then who it is, then what it says.
pub(super) fn read(accounts: &BTreeMap<i64, Account>, raw: &RawRequest<'_>) -> Result<Heard, ReadError> {
    if accounts.is_empty() {
        return Err(ReadError::UnknownSite);
    }
    let allowed: Vec<&Account> = accounts.values().filter(|account| account.allows(raw.peer)).collect();
    if allowed.is_empty() {
        return Err(ReadError::AddressNotAllowed);
    }
    if !raw.tail.is_empty() {
        return notice(&allowed, raw.tail);
    }
    let nonce = auth::nonce(accounts);
    let account = auth::sender(allowed.into_iter(), &nonce, raw).ok_or(ReadError::InvalidSignature)?;
    webhook(account, raw)
}

/// `notification/TOKEN/TRANSACTION/RESULT/ORDER`: whoever knows the token was told the address by us. The body is not read: it is not
/// documented.
fn notice(allowed: &[&Account], tail: &str) -> Result<Heard, ReadError> {
    let parts: Vec<&str> = tail.split('/').collect();
    let [NOTICE, token, id, result, order] = parts.as_slice() else { return Err(ReadError::UnknownAction) };
    let mut found = None;
    for account in allowed {
        let is_its = auth::same(token.as_bytes(), account.notification_token.expose().as_bytes());
        found = if is_its { Some(*account) } else { found };
    }
    let account = found.ok_or(ReadError::UnknownSite)?;
    // A placeholder that nobody replaced is no id (manual, "Placeholder substitution").
    let [id, result, order] = [id, result, order].map(|part| percent_decode_str(part).decode_utf8_lossy());
    if !is_id(&id) || !is_ours(&order) || !is_word(&result) {
        return Err(ReadError::UnknownAction);
    }
    Ok(Heard::Hint(Hint {
        site: account.site,
        external_id: order.into_owned(),
        about: Some(id.into_owned()),
        claims: format!("notice {result}"),
        news: match result.as_ref() {
            "approved" => News::DepositPaid,
            "declined" | "canceled" | "abandoned" => News::DepositDeclined,
            _ => News::DepositPending,
        },
    }))
}

/// Words of Rebilly's: letters, digits and dashes.
fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A webhook of an authenticated sender.
fn webhook(account: &Account, raw: &RawRequest<'_>) -> Result<Heard, ReadError> {
    if !raw.query.is_empty() {
        return Err(ReadError::NotOneSet("parameters in the query and in the body"));
    }
    if !is_json(raw.content_type, raw.body)? {
        return Err(ReadError::UnsupportedMedia);
    }
    let doc = Doc::read(raw.body).map_err(|_| ReadError::Unreadable("not JSON with one reading"))?;
    let message = doc.thing().ok_or(ReadError::Unreadable("not a JSON object"))?;
    let event = typed(message, "eventType", is_word)?.ok_or(ReadError::Field(Error::Missing("eventType")))?;
    let payout = typed(message, "payoutRequestId", is_id)?;
    let transaction = typed(message, "transactionId", is_id)?;
    let embedded = message.within("_embedded");
    let resource = embedded.and_then(|all| all.within("payoutRequest").or_else(|| all.within("transaction")));
    let website = resource.and_then(|resource| resource.text("websiteId"));
    if website.is_some_and(|website| website != account.website_id) {
        return Ok(Heard::Nothing(format!("{event} of another website")));
    }
    match (payout, transaction) {
        (Some(payout), _) if event.starts_with("payout-request-") => Ok(payout_event(account, event, payout, resource)),
        (_, Some(transaction)) => Ok(transaction_event(account, event, transaction, resource)),
        _ if event.starts_with("payout-request-") => Err(ReadError::Field(Error::Missing("payoutRequestId"))),
        _ if BACK.contains(&event) => Ok(parked(account, event, "unknown", resource)),
        _ if event.contains("transaction") => Err(ReadError::Field(Error::Missing("transactionId"))),
        _ => Ok(Heard::Nothing(event.to_owned())),
    }
}

/// A known member: a text of this form, or not there.
fn typed<'v>(message: Thing<'v>, name: &'static str, good: fn(&str) -> bool) -> Result<Option<&'v str>, ReadError> {
    if !message.has(name) {
        return Ok(None);
    }
    match message.text(name).filter(|text| good(text)) {
        Some(text) => Ok(Some(text)),
        None => Err(ReadError::Field(Error::Invalid(name))),
    }
}

/// A payout request changed: ours, or a part of ours.
fn payout_event(account: &Account, event: &str, id: &str, resource: Option<Thing<'_>>) -> Heard {
    let whole = resource.and_then(|resource| resource.text("splitFromPayoutRequestId"));
    let Some(order) = [Some(id), whole].into_iter().flatten().find(|id| is_ours(id)) else {
        return Heard::Nothing(format!("{event} of {}, which was not made here: look at it", for_people(id)));
    };
    let word = |name| for_people(resource.and_then(|resource| resource.text(name)).unwrap_or("?"));
    Heard::Hint(Hint {
        site: account.site,
        external_id: order.to_owned(),
        about: Some(id.to_owned()),
        claims: format!("{event} {id} {} {}", word("status"), word("updatedTime")),
        news: match event {
            "payout-request-fulfilled" => News::PayoutPaid,
            "payout-request-canceled" => News::PayoutCancelled,
            _ => News::PayoutPending,
        },
    })
}

/// A transaction changed. That of a payout leads to its order; that of a deposit only when it shows the address that was given with it.
fn transaction_event(account: &Account, event: &str, id: &str, resource: Option<Thing<'_>>) -> Heard {
    let text = |name| resource.and_then(|resource| resource.text(name));
    let revision = resource.and_then(|resource| resource.number("revision")).unwrap_or("?");
    let claims = format!(
        "{event} {id} {} {} revision {revision}",
        for_people(text("status").unwrap_or("?")),
        for_people(text("result").unwrap_or("?"))
    );
    let hint = |order: &str, news| {
        let external_id = order.to_owned();
        Heard::Hint(Hint { site: account.site, external_id, about: Some(id.to_owned()), claims: claims.clone(), news })
    };
    if let Some(payout) = text("payoutRequestId").filter(|payout| is_ours(payout)) {
        return hint(payout, News::PayoutPending);
    }
    let order = text("notificationUrl").and_then(|url| url.rsplit('/').next()).filter(|order| is_ours(order));
    match order {
        Some(order) if text("notificationUrl") == account.notification_url(order).as_deref() => {
            hint(order, if text("result") == Some("approved") { News::DepositPaid } else { News::DepositPending })
        }
        Some(_) | None if BACK.contains(&event) => {
            parked(account, event, text("depositRequestId").unwrap_or(id), resource)
        }
        // What is open is asked about anyway.
        Some(_) | None => Heard::Nothing(claims),
    }
}

/// Money may have gone back, and nothing says of which order: kept, moves nothing, and a person looks.
fn parked(account: &Account, event: &str, about: &str, resource: Option<Thing<'_>>) -> Heard {
    let text = |name| resource.and_then(|resource| resource.text(name)).unwrap_or_default();
    let amount = resource.and_then(Thing::money);
    let revision = resource.and_then(|resource| resource.number("revision")).unwrap_or_default();
    let names = ["id", "depositRequestId", "status", "result", "customerId", "disputeStatus"];
    let mut content: Vec<(String, String)> =
        names.iter().map(|name| ((*name).to_owned(), mask(text(name)).into_owned())).collect();
    content.push(("eventType".to_owned(), event.to_owned()));
    content.push(("revision".to_owned(), revision.to_owned()));
    let mut sha = Sha256::new_with_prefix(about);
    for (name, value) in &content {
        sha.update([0]);
        sha.update(name);
        sha.update([0]);
        sha.update(value);
    }
    Heard::Notification(Box::new(Notification {
        provider: PROVIDER,
        site: account.site,
        signed: false,
        external_id: for_people(about),
        login: text("customerId").to_owned(),
        amount_minor: amount.map_or(0, |amount| amount.minor()),
        currency: amount.map(|amount| amount.currency().code().to_owned()).unwrap_or_default(),
        real: None,
        transaction_id: text("id").to_owned(),
        news: if event.starts_with("dispute") { News::Dispute } else { News::Refunded },
        codes: event.to_owned(),
        digest: sha.finalize().into(),
        content,
    }))
}
