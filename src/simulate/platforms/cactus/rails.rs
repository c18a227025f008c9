//! The methods of each call and what they want in `additional_fields` (manual, "Payment form", "Deposit", "Pay-out").
//!
//! Names of methods are compared without case, because the manual's pages spell them differently; a notification spells them as here.
//! Where the manual has the whole list of a method's members, a name that is not in it is refused: a misspelt optional member would
//! be lost without a word. Where the list is cut or missing, any name is let through.

use serde_json::Value;

use crate::simulate::Params;

/// A member of `additional_fields`.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// The manual's.
    pub(super) example: &'static str,
}

/// A method of one call.
#[derive(Debug)]
pub(super) struct Rail {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// Whether `fields` is everything there is.
    is_whole: bool,
}

const fn must(name: &'static str, example: &'static str) -> Field {
    Field { name, is_required: true, example }
}

const fn may(name: &'static str, example: &'static str) -> Field {
    Field { name, is_required: false, example }
}

/// A method whose members are all known.
const fn rail(name: &'static str, fields: &'static [Field]) -> Rail {
    Rail { name, fields, is_whole: true }
}

/// A method of which the manual does not say what it takes.
const fn cut(name: &'static str) -> Rail {
    Rail { name, fields: &[], is_whole: false }
}

const PHONE: Field = must("phone_number", "79999999999");
const BANK: Field = may("bank_name", "Morgan");
const APP: &[Field] = &[must("bank_app", "Sberbank")];

/// Methods that the page of `obtain_token` can be opened with.
pub(super) const FORM: &[Rail] = &[
    cut("sbp"),
    cut("card"),
    cut("qiwi"),
    cut("cash"),
    cut("mobile"),
    cut("binance"),
    cut("MTSPay"),
    cut("WalletM10"),
    cut("Emanat"),
    cut("wise"),
    cut("skrill"),
    rail("cis_transfer", APP),
    rail("cis_transfer_card", APP),
    cut("localbanks"),
    cut("papara"),
    cut("Tbank_card"),
    cut("PIX"),
];

/// Methods of `create_invoice`.
pub(super) const INVOICE: &[Rail] = &[
    rail("card", &[BANK]),
    rail("sbp", &[BANK]),
    cut("WalletM10"),
    cut("localbanks"),
    cut("binance"),
    rail(
        "cash",
        &[
            must("address", "Pushkin street, Kolotushkin house 5"),
            must("username", "@test"),
            must("messenger", "telegram"),
            may("verification_code", "123456"),
            may("asap", "true"),
            may("time", "2023-05-01 10:22"),
        ],
    ),
    cut("MTS"),
    cut("sbp_qr"),
    cut("Emanat"),
    cut("Tbank_card"),
    rail("cis_transfer", APP),
    cut("PIX"),
];

/// Methods of `payout`.
pub(super) const PAYOUT: &[Rail] = &[
    rail(
        "card",
        &[
            must("card_number", "4242424242424242"),
            BANK,
            may("card_holder", "John Wick"),
            may("bank_option", "778953337789"),
            may("expiry_date", "07/23"),
            // As the manual prints it.
            may("expiry date", "07/23"),
        ],
    ),
    rail("sbp", &[PHONE, must("phone_holder", "John Wick"), BANK]),
    rail("WalletM10", &[PHONE]),
    rail(
        "localbanks",
        &[
            must("account_number", "40702810800070000366"),
            may("bank_name", "Testbank"),
            may("account_holder", "John Wick"),
        ],
    ),
    rail("binance", &[]),
    rail(
        "cash",
        &[
            must("address", "Pushkin street, Kolotushkin house 5"),
            must("username", "@test"),
            must("messenger", "telegram"),
            must("verification_code", "123456"),
            may("asap", "true"),
            may("time", "2023-05-01 10:22"),
        ],
    ),
    rail("MTS", &[PHONE]),
    rail("sbp_qr", &[]),
    rail("Emanat", &[PHONE]),
    rail("skrill", &[must("skrill_account", "test@mail.com"), must("skrill_holder", "Potter Vasya")]),
    rail("wise", &[must("wise_tag", "@examplovich23"), must("wise_holder", "Petrov Vasya")]),
    rail("papara", &[must("papara_account", "9925125660"), must("papara_holder", "John Wick"), PHONE]),
    rail(
        "PIX",
        &[PHONE, must("account_holder", "John Wick"), must("pix_transfer_key", "123e4567-e89b-12d3-a456-426655440000")],
    ),
];

/// The method with this name, in any case.
pub(super) fn find(rails: &'static [Rail], name: &str) -> Option<&'static Rail> {
    rails.iter().find(|rail| rail.name.eq_ignore_ascii_case(name))
}

impl Rail {
    /// Whether these are the members it wants; the first that is not, in words. All values are texts, in deposits too.
    pub(super) fn check(&self, given: &Params) -> Result<(), String> {
        let filled = |name: &str| given.get(name).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        for (name, value) in given {
            let known = !self.is_whole || self.fields.iter().any(|field| field.name == name);
            if !known || !value.is_string() {
                return Err(format!("Invalid parameter additional_fields.{name}"));
            }
        }
        for field in self.fields.iter().filter(|field| field.is_required) {
            if !filled(field.name) {
                return Err(format!("Missing parameter additional_fields.{}", field.name));
            }
        }
        let app = given.get("bank_app").and_then(Value::as_str);
        if app.is_some_and(|app| self.is_whole && !["Sberbank", "Tinkoff"].contains(&app)) {
            return Err("Invalid parameter additional_fields.bank_app".to_owned());
        }
        Ok(())
    }

    /// Besides [`Rail::check`], for a deposit: a courier comes at once or at a time, and must be told which.
    pub(super) fn check_invoice(&self, given: &Params) -> Result<(), String> {
        self.check(given)?;
        if self.name == "cash" && !given.contains_key("asap") && !given.contains_key("time") {
            return Err("Missing parameter additional_fields.asap or additional_fields.time".to_owned());
        }
        Ok(())
    }
}
