//! What players give for a card, by the names on the platform's wire.
//!
//! Source: protocol, "Deposit" and "Pay-out" of API 1.0.

use super::super::pairs::is_blank;
use super::super::writing::unambiguous;
use crate::error::Error;
use crate::providers::{Direction, Texts};

/// The longest name on a card. The manual names no limit; no card has more than 26.
const LONGEST_NAME: usize = 128;

/// A detail, and whether a text is one.
type Detail = (&'static str, fn(&str) -> bool);

/// What a payout needs, and a deposit too.
pub(super) const CARD: [Detail; 4] = [
    ("card_number", |text| digits(text, 12, 19)),
    ("valid_thru_month", |text| digits(text, 2, 2) && ("01"..="12").contains(&text)),
    ("valid_thru_year", |text| digits(text, 4, 4)),
    ("card_holder", |text| text.chars().count() <= LONGEST_NAME && unambiguous("card_holder", text).is_ok()),
];

/// What a deposit needs besides. A payout must not have it: nobody may keep it until a payout is approved.
pub(super) const CODE: Detail = ("cvv", |text| digits(text, 3, 4));

/// What a deposit may have besides, of the player's browser: integers, and a language.
pub(super) const BROWSER: [Detail; 5] = [
    ("browser_language", |text| text.len() <= 35 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')),
    ("color_depth", is_size),
    ("screen_height", is_size),
    ("screen_width", is_size),
    ("time_zone_offset", |text| text == "0" || is_size(text.strip_prefix('-').unwrap_or(text))),
];

/// Whether these are the details that a direction needs, and no others.
pub(super) fn check(direction: Direction, details: &Texts) -> Result<(), Error> {
    let (needed, optional): (Vec<Detail>, &[Detail]) = match direction {
        Direction::Deposit => (CARD.into_iter().chain([CODE]).collect(), &BROWSER),
        Direction::Payout => (CARD.to_vec(), &[]),
    };
    for (name, is_good) in &needed {
        let text = details.get(*name).filter(|text| !is_blank(text)).ok_or(Error::Missing(name))?;
        if !is_good(text) {
            return Err(Error::Invalid(name));
        }
    }
    for (name, is_good) in optional {
        if details.get(*name).is_some_and(|text| !is_good(text)) {
            return Err(Error::Invalid(name));
        }
    }
    let is_known = |name: &&String| needed.iter().chain(optional).any(|(known, _)| known == name);
    if details.keys().all(|name| is_known(&name)) {
        return Ok(());
    }
    Err(Error::Invalid(if details.contains_key(CODE.0) && direction == Direction::Payout { CODE.0 } else { "details" }))
}

fn digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number of a screen: digits without a leading zero.
fn is_size(text: &str) -> bool {
    digits(text, 1, 5) && !text.starts_with('0')
}
