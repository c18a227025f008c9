//! What `payment_data` holds, method by method.
//!
//! Source: protocol, "Deposit and pay-out" of API 2.0. Every member is a text and required. The names of the methods on the wire come from
//! the manager, so that the settings say which name has which form; where they do not, the details that a player gives must be those of
//! exactly one.

use crate::error::Error;
use crate::providers::{Direction, Texts};

/// The longest free text. The manual names no limit.
const LONGEST: usize = 128;

/// A form of `payment_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Bank cards.
    Card,
    /// Bank cards from person to person: a deposit is paid to what the answer shows.
    P2p,
    /// Japanese banks: payouts only.
    JapanBank,
    /// VegaWallet.
    Vega,
    /// JetonWallet.
    Jeton,
}

/// A member's name, and whether a text is one.
type Field = (&'static str, fn(&str) -> bool);

const CARD_NUMBER: Field = ("card_number", |text| digits(text, 12, 19));
const CARD_HOLDER: Field = ("card_holder", anything);
const EXP_YEAR: Field = ("exp_year", |text| digits(text, 4, 4));
const EXP_MONTH: Field = ("exp_month", |text| digits(text, 2, 2) && ("01"..="12").contains(&text));
/// A deposit's alone: it goes through and is kept nowhere.
const CVV: Field = ("cvv", |text| digits(text, 3, 4));
const BANK_NAME: Field = ("bank_name", anything);
const WALLET: Field = ("wallet", anything);

impl Form {
    /// All of them, with their names in the settings.
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("card", Self::Card),
        ("p2p", Self::P2p),
        ("japan_bank", Self::JapanBank),
        ("vega", Self::Vega),
        ("jeton", Self::Jeton),
    ];

    /// The form with this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, form)| form)
    }

    /// The name in the settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Form::Card => "card",
            Form::P2p => "p2p",
            Form::JapanBank => "japan_bank",
            Form::Vega => "vega",
            Form::Jeton => "jeton",
        }
    }

    /// Whether money goes this way by it.
    pub(super) fn goes(self, direction: Direction) -> bool {
        self.fields(direction).is_some()
    }

    fn fields(self, direction: Direction) -> Option<&'static [Field]> {
        match (self, direction) {
            (Form::Card, Direction::Deposit) => Some(&[CARD_NUMBER, CARD_HOLDER, EXP_YEAR, EXP_MONTH, CVV]),
            (Form::Card, Direction::Payout) => Some(&[CARD_NUMBER, CARD_HOLDER, EXP_YEAR, EXP_MONTH]),
            (Form::P2p, Direction::Deposit) => Some(&[]),
            (Form::P2p, Direction::Payout) => Some(&[BANK_NAME, CARD_NUMBER, CARD_HOLDER]),
            (Form::JapanBank, Direction::Deposit) => None,
            (Form::JapanBank, Direction::Payout) => Some(&[
                ("account_number", |text| digits(text, 1, 34)),
                ("owner_name", anything),
                ("owner_native_name", anything),
                BANK_NAME,
                ("bank_code", anything),
                ("branch_name", anything),
                ("branch_code", anything),
            ]),
            (Form::Vega, Direction::Deposit | Direction::Payout) => Some(&[WALLET, ("password", anything)]),
            (Form::Jeton, Direction::Deposit | Direction::Payout) => Some(&[WALLET]),
        }
    }
}

/// Whether these are the details of the method, and no others. `form`: as the settings say; without it, of any one form.
pub(super) fn check(form: Option<Form>, direction: Direction, details: &Texts) -> Result<(), Error> {
    let fields = match form {
        Some(form) => form.fields(direction).ok_or(Error::Invalid("method"))?,
        None => nearest(direction, details),
    };
    for (name, is_good) in fields {
        let text = details.get(*name).filter(|text| !text.trim().is_empty()).ok_or(Error::Missing(name))?;
        if !is_good(text) || !has_one_reading(text) {
            return Err(Error::Invalid(name));
        }
    }
    match details.keys().all(|given| fields.iter().any(|(name, _)| name == given)) {
        true => Ok(()),
        false => Err(Error::Invalid("details")),
    }
}

/// The form that has most of the names that were given, and of those the one that lacks the fewest.
fn nearest(direction: Direction, details: &Texts) -> &'static [Field] {
    let forms = Form::NAMES.iter().filter_map(|(_, form)| form.fields(direction));
    let given = |fields: &&'static [Field]| fields.iter().filter(|(name, _)| details.contains_key(*name)).count();
    let best = forms.max_by_key(|fields| (given(fields), usize::MAX - fields.len()));
    best.unwrap_or(&[])
}

/// Inside an object nothing but `;` separates the members of the signed text, and nothing is escaped (threats R2).
pub(super) fn has_one_reading(text: &str) -> bool {
    !text.contains(';') && !text.chars().any(char::is_control)
}

fn anything(text: &str) -> bool {
    text.chars().count() <= LONGEST
}

fn digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
