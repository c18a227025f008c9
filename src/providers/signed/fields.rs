//! Parameters into typed fields, strictly: the signature says who wrote it, not that it makes sense.

use super::pairs::{Pairs, Value, is_blank};
use crate::error::Error;
use crate::ids::SiteId;
use crate::money::parse_minor;

/// `site_login`, and the Cashier's own ids.
pub(crate) const LONGEST_ID: usize = 128;
/// `external_id`.
pub(crate) const LONGEST_ORDER: usize = 256;
/// Every other text.
pub(crate) const LONGEST_TEXT: usize = 1024;

/// The fields of a message. A blank text counts as absent everywhere (threats SIG-6).
#[derive(Clone, Copy)]
pub(crate) struct Fields<'p, 'a>(pub(crate) &'p Pairs<'a>);

impl<'p> Fields<'p, '_> {
    /// The scalar text of a field: a text, or an integer as it was written. Everything else is refused.
    pub(crate) fn scalar(self, name: &'static str) -> Result<Option<&'p str>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.as_ref()).filter(|text| !is_blank(text))),
            Some(Value::Number(text)) if is_integer(text) => Ok(Some(text)),
            Some(Value::Number(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_)) => {
                Err(Error::Invalid(name))
            }
        }
    }

    /// A text for people: at most `longest` characters, whatever they are.
    pub(crate) fn free_text(self, name: &'static str, longest: usize) -> Result<Option<&'p str>, Error> {
        match self.scalar(name)? {
            Some(text) if text.len() > longest && text.chars().count() > longest => Err(Error::Invalid(name)),
            text => Ok(text),
        }
    }

    /// A text without control characters.
    pub(crate) fn visible_text(self, name: &'static str, longest: usize) -> Result<Option<&'p str>, Error> {
        match self.free_text(name, longest)? {
            Some(text) if text.chars().any(char::is_control) => Err(Error::Invalid(name)),
            text => Ok(text),
        }
    }

    /// A text that something hangs on: without control characters and without `;`.
    pub(crate) fn critical(self, name: &'static str, longest: usize) -> Result<Option<&'p str>, Error> {
        match self.visible_text(name, longest)? {
            Some(text) if text.contains(';') => Err(Error::Invalid(name)),
            text => Ok(text),
        }
    }

    /// A critical text that has to be there.
    pub(crate) fn required(self, name: &'static str, longest: usize) -> Result<&'p str, Error> {
        self.critical(name, longest)?.ok_or(Error::Missing(name))
    }

    /// A number of the Cashier's: digits without a leading zero. Kept as text, equal texts are equal numbers.
    pub(crate) fn integer(self, name: &'static str) -> Result<Option<&'p str>, Error> {
        match self.scalar(name)? {
            Some(text) if plain_number(text).is_none() => Err(Error::Invalid(name)),
            text => Ok(text),
        }
    }

    /// A number of the Cashier's that has to be there.
    pub(crate) fn required_integer(self, name: &'static str) -> Result<&'p str, Error> {
        self.integer(name)?.ok_or(Error::Missing(name))
    }

    /// `amount` in minor units.
    pub(crate) fn amount(self) -> Result<i64, Error> {
        let text = self.scalar("amount").map_err(|_| Error::InvalidAmount)?;
        parse_minor(text.ok_or(Error::Missing("amount"))?)
    }

    /// `site_id`, when it is a plain number.
    pub(crate) fn site(self) -> Option<SiteId> {
        self.scalar("site_id").ok().flatten().and_then(plain_number).map(SiteId)
    }

    /// `signature`; absent when blank, refused when it is not a text.
    pub(crate) fn signature(self) -> Result<Option<&'p str>, Error> {
        self.scalar(super::signature::SIGNATURE)
    }
}

/// Digits without a sign and without a leading zero, within 64 bits.
pub(crate) fn plain_number(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn is_integer(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.bytes().all(|b| b.is_ascii_digit())
}
