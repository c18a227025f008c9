//! Notices: `POST` to the addresses that we give with each order.
//!
//! Source: protocol, sections 4 and 7. The standard signature most likely covers neither status nor amounts, so that a notice is never
//! more than a hint: it says which order to ask about.

use super::account::Account;
use super::pairs::{self, Pairs};
use super::signature::{Signed, candidate};
use super::wire::{Fields, LONGEST_ORDER};
use super::{Exotic, Hint, RawRequest, ReadError, news};
use crate::error::Error;
use crate::money::{Currency, Money};

/// The longest of the protocol's own words.
const LONGEST_WORD: usize = 64;

/// Verifies, then reads, a notice. The order of checks is that of the contract: readable, site, address, signature, fields. The site is
/// known by the token in the address, which only Exotic was told.
pub(super) fn read(exotic: &Exotic, raw: &RawRequest<'_>) -> Result<Hint, ReadError> {
    let pairs = pairs::read(raw)?;
    let mut tail = raw.tail.split('/');
    let (kind, token, named) = (tail.next(), tail.next().unwrap_or_default(), tail.next().unwrap_or_default());
    if !matches!(kind, Some("success" | "error")) || named.is_empty() || tail.next().is_some() {
        return Err(ReadError::UnknownSite);
    }
    // All of them are looked at, so that the time says nothing about which.
    let owners: Vec<&Account> = exotic.accounts.values().filter(|account| account.owns(token)).collect();
    let account = owners.first().copied().ok_or(ReadError::UnknownSite)?;
    if !account.allows(raw.peer) {
        return Err(ReadError::AddressNotAllowed);
    }
    verify(account, &pairs)?;
    if Fields(&pairs).scalar("order_id").ok().flatten() != Some(named) {
        log::warn!("security: site {}: a notice of exotic came to the address of another order", account.site);
        return Err(ReadError::InvalidSignature);
    }
    hint(account, &pairs).map_err(ReadError::Field)
}

fn verify(account: &Account, pairs: &Pairs<'_>) -> Result<(), ReadError> {
    let fields = Fields(pairs);
    let text = |name| fields.scalar(name).ok().flatten().unwrap_or_default();
    let signed = Signed {
        order_id: text("order_id"),
        fiat_amount: text("fiat_amount"),
        fiat_currency: text("fiat_currency"),
        kind: text("type"),
        status: text("status"),
    };
    let given = text("standart_sign");
    if !given.is_empty() && account.formula.holds(signed, &account.sign_keys, given) {
        return Ok(());
    }
    // Helps whoever sets the account up, and tells nothing but a letter. It is refused all the same.
    if let Some(letter) = candidate(signed, &account.sign_keys, given) {
        log::warn!(
            "site {}: a notice of exotic was refused; its standart_sign fits formula {letter} of docs/PROVIDERS.md, \
             not the configured callback_formula",
            account.site
        );
    }
    Err(ReadError::InvalidSignature)
}

/// Decided by `status`, whichever of our two addresses it came to (open question 15).
fn hint(account: &Account, pairs: &Pairs<'_>) -> Result<Hint, Error> {
    let fields = Fields(pairs);
    let order_id = fields.required("order_id", LONGEST_ORDER)?;
    let kind = fields.required("type", LONGEST_WORD)?;
    let direction = news::direction(kind).ok_or(Error::Invalid("type"))?;
    let status = fields.required("status", LONGEST_WORD)?;
    let amount = stated(fields)?;
    fields.critical("payment_method", LONGEST_WORD)?;
    Ok(Hint {
        site: account.site,
        external_id: order_id.to_owned(),
        about: None,
        claims: format!("{kind} {status}, {amount}"),
        news: news::news(direction, status),
    })
}

/// `fiat_amount` and `fiat_currency`, which must be there and be money.
pub(super) fn stated(fields: Fields<'_, '_>) -> Result<Money, Error> {
    let currency = fields.required("fiat_currency", LONGEST_WORD)?;
    let currency = Currency::parse(currency).map_err(|_| Error::Invalid("fiat_currency"))?;
    let amount = fields.required("fiat_amount", LONGEST_WORD)?;
    Money::parse_major(amount, currency).map_err(|_| Error::Invalid("fiat_amount"))
}
