//! The methods of each call, and what a player gives for them: `additional_fields`.
//!
//! Source: manual, "Payment form", "Deposit", "Pay-out". Names are case-exact as each page lists them. What a page does not name is
//! refused: a misspelt member would be lost without a word, and the money with it.

use super::account::DepositBy;
use crate::error::Error;
use crate::providers::Texts;
use crate::providers::signed::pairs::is_blank;

/// What a member of `additional_fields` may be; the manual says only that it is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// At most so many characters, none of them a control character or `;`.
    Text(usize),
    /// So many digits.
    Digits(usize, usize),
    /// So many ASCII letters and digits.
    Plain(usize, usize),
    /// Month and year of a card: `07/23`.
    Expiry,
    /// `true` or `false`.
    Flag,
    /// `2023-05-01 10:22`
    Moment,
    /// `Sberbank` or `Tinkoff`.
    App,
}

/// A member of `additional_fields`.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    needed: bool,
    form: Form,
}

/// A method of a call.
#[derive(Debug)]
pub(super) struct Rail {
    /// On the wire.
    pub(super) name: &'static str,
    fields: &'static [Field],
    /// Of these members one must be there.
    one_of: &'static [&'static str],
}

const fn needed(name: &'static str, form: Form) -> Field {
    Field { name, needed: true, form }
}

const fn may(name: &'static str, form: Form) -> Field {
    Field { name, needed: false, form }
}

const fn rail(name: &'static str, fields: &'static [Field]) -> Rail {
    Rail { name, fields, one_of: &[] }
}

const NAME: Form = Form::Text(128);
const PLACE: Form = Form::Text(256);
const PHONE: Field = needed("phone_number", Form::Digits(7, 15));
const BANK: Field = may("bank_name", NAME);
const APP: &[Field] = &[needed("bank_app", Form::App)];

/// Methods that the form can be opened with (manual, "Payment form").
const FORM: &[Rail] = &[
    rail("sbp", &[]),
    rail("card", &[]),
    rail("qiwi", &[]),
    rail("cash", &[]),
    rail("mobile", &[]),
    rail("binance", &[]),
    rail("MTSPay", &[]),
    rail("WalletM10", &[]),
    rail("Emanat", &[]),
    rail("wise", &[]),
    rail("skrill", &[]),
    rail("cis_transfer", APP),
    rail("cis_transfer_card", APP),
    rail("localbanks", &[]),
    rail("papara", &[]),
    rail("Tbank_card", &[]),
    rail("PIX", &[]),
];

/// Methods of `create_invoice` (manual, "Deposit"); what those behind `cis_transfer` need is cut off there.
const INVOICE: &[Rail] = &[
    rail("card", &[BANK]),
    rail("sbp", &[BANK]),
    rail("WalletM10", &[]),
    rail("localbanks", &[]),
    rail("binance", &[]),
    Rail {
        name: "cash",
        fields: &[
            needed("address", PLACE),
            needed("username", NAME),
            needed("messenger", NAME),
            may("verification_code", Form::Plain(1, 32)),
            may("asap", Form::Flag),
            may("time", Form::Moment),
        ],
        one_of: &["asap", "time"],
    },
    rail("MTS", &[]),
    rail("sbp_qr", &[]),
    rail("Emanat", &[]),
    rail("Tbank_card", &[]),
    rail("cis_transfer", APP),
    rail("PIX", &[]),
];

/// Methods of `payout` (manual, "Pay-out"). The card's last member is printed `expiry date` there and goes out as `expiry_date`.
const PAYOUT: &[Rail] = &[
    rail(
        "card",
        &[
            needed("card_number", Form::Digits(12, 19)),
            BANK,
            may("card_holder", NAME),
            may("bank_option", Form::Plain(1, 32)),
            may("expiry_date", Form::Expiry),
        ],
    ),
    rail("sbp", &[PHONE, needed("phone_holder", NAME), BANK]),
    rail("WalletM10", &[PHONE]),
    rail("localbanks", &[needed("account_number", Form::Plain(4, 34)), BANK, may("account_holder", NAME)]),
    rail("binance", &[]),
    rail(
        "cash",
        &[
            needed("address", PLACE),
            needed("username", NAME),
            needed("messenger", NAME),
            needed("verification_code", Form::Plain(1, 32)),
            may("asap", Form::Flag),
            may("time", Form::Moment),
        ],
    ),
    rail("MTS", &[PHONE]),
    rail("sbp_qr", &[]),
    rail("Emanat", &[PHONE]),
    rail("skrill", &[needed("skrill_account", NAME), needed("skrill_holder", NAME)]),
    rail("wise", &[needed("wise_tag", NAME), needed("wise_holder", NAME)]),
    rail("papara", &[needed("papara_account", Form::Plain(1, 34)), needed("papara_holder", NAME), PHONE]),
    rail("PIX", &[PHONE, needed("account_holder", NAME), needed("pix_transfer_key", NAME)]),
];

/// The methods of payouts.
pub(super) fn payouts() -> &'static [Rail] {
    PAYOUT
}

/// The methods of deposits that begin like this.
pub(super) fn deposits(by: DepositBy) -> &'static [Rail] {
    match by {
        DepositBy::Form => FORM,
        DepositBy::Invoice => INVOICE,
    }
}

/// The method with this name, letter for letter.
pub(super) fn find(rails: &'static [Rail], name: &str) -> Option<&'static Rail> {
    rails.iter().find(|rail| rail.name == name)
}

impl Rail {
    /// What is sent of these details: by the table's names, without blanks.
    ///
    /// # Errors
    ///
    /// `Missing` or `Invalid` with the name of the detail; `Invalid` with `details` for one that the method does not have.
    pub(super) fn fields<'d>(&self, details: &'d Texts) -> Result<Vec<(&'static str, &'d str)>, Error> {
        if details.keys().any(|name| self.fields.iter().all(|field| field.name != name)) {
            return Err(Error::Invalid("details"));
        }
        let given = |name: &str| details.get(name).map(String::as_str).filter(|text| !is_blank(text));
        let mut found = Vec::new();
        for field in self.fields {
            match given(field.name) {
                Some(text) if field.form.fits(text) => found.push((field.name, text)),
                Some(_) => return Err(Error::Invalid(field.name)),
                None if field.needed => return Err(Error::Missing(field.name)),
                None => {}
            }
        }
        match self.one_of.first() {
            Some(first) if self.one_of.iter().all(|name| given(name).is_none()) => Err(Error::Missing(first)),
            Some(_) | None => Ok(found),
        }
    }
}

impl Form {
    fn fits(self, text: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        match self {
            Form::Text(longest) => text.chars().count() <= longest && !text.chars().any(|c| c.is_control() || c == ';'),
            Form::Digits(least, most) => (least..=most).contains(&text.len()) && digits(text),
            Form::Plain(least, most) => {
                (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
            }
            Form::Expiry => matches!(text.split_once('/'), Some((month, year))
                if month.len() == 2 && year.len() == 2 && digits(year) && ("01"..="12").contains(&month) && digits(month)),
            Form::Flag => text == "true" || text == "false",
            Form::Moment => is_moment(text),
            Form::App => text == "Sberbank" || text == "Tinkoff",
        }
    }
}

/// A member of a cash order that is changed afterwards: one text.
pub(super) fn is_good_change(name: &str, text: &str) -> bool {
    let form = match name {
        "time" => Form::Moment,
        "asap" => Form::Flag,
        "address" => PLACE,
        _ => NAME,
    };
    form.fits(text)
}

/// `2023-05-01 10:22`, as far as its form goes.
fn is_moment(text: &str) -> bool {
    const LIKE: &[u8] = b"0000-00-00 00:00";
    let fits = |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
    text.len() == LIKE.len() && text.bytes().zip(LIKE).all(fits)
}

/// Every name of a detail that a method has, for tests.
#[cfg(test)]
impl Rail {
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.fields.iter().map(|field| (field.name, field.needed))
    }
}
