//! Fields that several requests have.

use serde_json::value::RawValue;

use super::{Refusal, Session};
use crate::cashier::accounts::{self, Named};
use crate::money::{Currency, Money};

/// The text of a scalar as it was sent: a number as it stands, or a text without its quotation marks.
fn text_of(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).ok(),
        Some(b'-' | b'0'..=b'9') => Some(json.to_owned()),
        _ => None,
    }
}

/// What `login` names; absent and `null` are the player.
pub(super) fn account(session: &Session, login: Option<&RawValue>) -> Result<Named, Refusal> {
    let Some(raw) = login.filter(|raw| raw.get() != "null") else { return Ok(Named::Player) };
    let text = text_of(raw).ok_or_else(Refusal::foreign_account)?;
    accounts::own(Some(&text), &session.player).ok_or_else(Refusal::foreign_account)
}

/// The currency of a movement.
pub(super) fn currency(session: &Session, account: Named, sent: &str) -> Result<Currency, Refusal> {
    Ok(account.currency(sent, &session.site)?)
}

/// How much, read from the text that was sent.
pub(super) fn amount(raw: &RawValue, currency: Currency) -> Result<Money, Refusal> {
    let text = text_of(raw).ok_or(crate::error::Error::InvalidAmount)?;
    Ok(Money::parse_major(&text, currency)?)
}
