//! The rails, and what a player gives for each.
//!
//! Source: protocol, "create_pay_out" and "create_pay_in". What is signed is sent as it was given: nothing is normalised, and what would
//! have to be is refused.

use super::Texts;
use crate::error::Error;

/// `payment_method` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rail {
    /// A bank card.
    Card,
    /// A phone number in the system of fast payments.
    Sbp,
    /// A bank account.
    Score,
    /// An IBAN.
    Iban,
}

impl Rail {
    /// All there are.
    pub(super) const ALL: [Self; 4] = [Self::Card, Self::Sbp, Self::Score, Self::Iban];

    /// The rail with this name on the wire.
    pub(super) fn parse(wire: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rail| rail.wire() == wire)
    }

    /// As on the wire.
    pub(super) fn wire(self) -> &'static str {
        match self {
            Rail::Card => "card",
            Rail::Sbp => "sbp",
            Rail::Score => "score",
            Rail::Iban => "iban",
        }
    }

    /// The member that says who is paid.
    pub(super) fn member(self) -> &'static str {
        match self {
            Rail::Card => "number_card",
            Rail::Sbp => "phone_number",
            Rail::Score => "number_score",
            Rail::Iban => "iban_number",
        }
    }

    /// The same among the requisites of a deposit, as players read it.
    pub(super) fn requisite(self) -> &'static str {
        match self {
            Rail::Card => "card_number",
            Rail::Sbp => "phone_number",
            Rail::Score => "account_number",
            Rail::Iban => "iban",
        }
    }

    fn fits(self, recipient: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            // The field has 16 places (open question 8).
            Rail::Card => recipient.len() == 16 && digits(recipient),
            // Digits without a plus (open question 7).
            Rail::Sbp => (11..=13).contains(&recipient.len()) && digits(recipient),
            Rail::Score => recipient.len() == 20 && digits(recipient),
            Rail::Iban => is_shaped_like_an_iban(recipient),
        }
    }
}

/// Two letters, two digits, then letters and digits: 15 (the shortest country's) to 34. Whether the check digits are right is the bank's
/// to say.
fn is_shaped_like_an_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
}

/// Texts that go with a payout besides the recipient's number, with their longest form. `bik` has no limit in the manual.
const BESIDES: [(&str, usize); 3] = [("bank_name", 72), ("bik", 32), ("full_name", 128)];

/// Whether a payout by this rail can be written with these details.
pub(super) fn check_payout(rail: Rail, details: &Texts) -> Result<(), Error> {
    let recipient = details.get(rail.member()).filter(|text| !text.trim().is_empty());
    if !rail.fits(recipient.ok_or(Error::Missing(rail.member()))?) {
        return Err(Error::Invalid(rail.member()));
    }
    if rail == Rail::Sbp && details.get("bank_name").is_none_or(|name| name.trim().is_empty()) {
        return Err(Error::Missing("bank_name"));
    }
    check_texts(details, &BESIDES, Some(rail.member()))
}

/// Whether a deposit can be written with these details: at most the bank that the player would pay to.
pub(super) fn check_deposit(details: &Texts) -> Result<(), Error> {
    check_texts(details, &[("bank", 72)], None)
}

fn check_texts(details: &Texts, known: &[(&'static str, usize)], checked: Option<&str>) -> Result<(), Error> {
    for (name, text) in details.iter().filter(|(name, _)| Some(name.as_str()) != checked) {
        let (name, longest) = known.iter().find(|(known, _)| known == name).ok_or(Error::Invalid("details"))?;
        let length = text.chars().count();
        if text.trim().is_empty() || length > *longest || text.chars().any(char::is_control) {
            return Err(Error::Invalid(name));
        }
    }
    Ok(())
}
