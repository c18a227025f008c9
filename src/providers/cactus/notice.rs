//! Callbacks: how an order ended, and money that belongs to no open order.
//!
//! Source: manual, "Callbacks", "Callback parameters", "Additional deposit callbacks". The set may change without notice: what we do not
//! know is kept and otherwise ignored. `description` is for people and decides nothing.

use sha2::{Digest, Sha256};

use super::PROVIDER;
use super::account::Account;
use crate::error::Error;
use crate::providers::purse::mask;
use crate::providers::signed::fields::{Fields, LONGEST_ID, LONGEST_ORDER, LONGEST_TEXT, plain_number};
use crate::providers::signed::pairs::{Pairs, Value, is_blank};
use crate::providers::signed::signature::{Reading, SIGNATURE, value_text};
use crate::providers::{News, Notification};

/// The longest name of a currency; the platform knows one of four letters.
const LONGEST_CURRENCY: usize = 16;

/// The typed notification. Who wrote it has been settled; `reading` is how its signature was read.
pub(super) fn notification(account: &Account, pairs: &Pairs<'_>, reading: Reading) -> Result<Notification, Error> {
    let fields = Fields(pairs);
    let login = fields.required("site_login", LONGEST_ID)?;
    // Missing: an operator made an order of money that belongs to none.
    let external_id = fields.critical("request_id", LONGEST_ORDER)?.unwrap_or_default();
    let amount_minor = fields.amount()?;
    let ordered = currency(fields.required("currency", LONGEST_TEXT)?, "currency")?;
    let status = plain_number(fields.required_integer("status")?).ok_or(Error::Invalid("status"))?;
    let invoice_id = fields.required("invoice_id", LONGEST_ID)?;
    let received = fields.required_integer("received_amount")?;
    let received = plain_number(received).ok_or(Error::Invalid("received_amount"))?;
    let received_in = currency(fields.required("received_currency", LONGEST_TEXT)?, "received_currency")?;
    fields.required("method", LONGEST_TEXT)?;
    fields.visible_text("transaction_id", LONGEST_TEXT)?;
    for name in ["description", "message"] {
        fields.free_text(name, LONGEST_TEXT)?;
    }
    let content = content(pairs, reading);
    Ok(Notification {
        provider: PROVIDER,
        site: account.site,
        signed: true,
        external_id: external_id.to_owned(),
        login: login.to_owned(),
        amount_minor,
        currency: stated(&ordered, &received_in, status, received),
        real: Some((received, received_in)),
        transaction_id: invoice_id.to_owned(),
        news: news(status, is_payout(pairs)?),
        codes: format!("status {status}"),
        digest: digest("callback", &content),
        content,
    })
}

/// What a status means. `is_payout` is optional: without it the order says which way its money goes.
pub(super) fn news(status: i64, is_payout: Option<bool>) -> News {
    match (status, is_payout) {
        (3, Some(false)) => News::DepositPaid,
        (3, Some(true)) => News::PayoutPaid,
        (3, None) => News::Paid,
        (4, Some(false)) => News::DepositDeclined,
        (4, Some(true)) => News::PayoutDeclined,
        (4, None) => News::Declined,
        (1 | 2, Some(false)) => News::DepositPending,
        (1 | 2, Some(true)) => News::PayoutPending,
        (1 | 2, None) => News::Pending,
        (_, _) => News::NotKnown,
    }
}

/// The currency as a notification states it. Money that moved in another currency than the order's is nothing the order agrees with:
/// both are named then, which is no currency of any order.
pub(super) fn stated(ordered: &str, received_in: &str, status: i64, received: i64) -> String {
    let moved = status == 3 || received > 0;
    if moved && ordered != received_in { format!("{ordered} received as {received_in}") } else { ordered.to_owned() }
}

/// Whether it says that it is about a payout: a boolean, in any documented form.
pub(super) fn is_payout(pairs: &Pairs<'_>) -> Result<Option<bool>, Error> {
    match pairs.get("is_payout") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(bit)) => Ok(Some(*bit)),
        Some(Value::Text(text) | Value::Number(text)) => match text.as_ref() {
            text if is_blank(text) => Ok(None),
            "True" | "true" | "1" => Ok(Some(true)),
            "False" | "false" | "0" => Ok(Some(false)),
            _ => Err(Error::Invalid("is_payout")),
        },
        Some(Value::List(_) | Value::Object(_)) => Err(Error::Invalid("is_payout")),
    }
}

/// Letters and digits, upper-cased. Whether it is the order's currency is not decided here.
pub(super) fn currency(text: &str, name: &'static str) -> Result<String, Error> {
    let good = (3..=LONGEST_CURRENCY).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if good { Ok(text.to_ascii_uppercase()) } else { Err(Error::Invalid(name)) }
}

/// Everything that came, by name, masked; blank values and the signature left out.
pub(super) fn content(pairs: &Pairs<'_>, reading: Reading) -> Vec<(String, String)> {
    let signed = pairs.iter().filter(|(name, _)| *name != SIGNATURE);
    let texts = signed.filter_map(|(name, value)| Some((name, value_text(value, reading)?)));
    texts.map(|(name, text)| (name.to_owned(), mask(&text).into_owned())).collect()
}

/// Taken over the masked content: a digest of a whole card number would give the number away. What we asked for and what came by itself
/// are two statements.
pub(super) fn digest(kind: &str, content: &[(String, String)]) -> [u8; 32] {
    let mut sha = Sha256::new();
    let texts = content.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
    for text in std::iter::once(kind).chain(texts) {
        sha.update((text.len() as u64).to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().into()
}
