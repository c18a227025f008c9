//! A notification's fields.
//!
//! Source: protocol, "Notification parameters". The set may change without notice: what we do not know is kept and otherwise ignored.

use sha2::{Digest, Sha256};

use super::super::Notification;
use super::super::purse::mask;
use super::SiteWire;
use super::news::news;
use super::pairs::Pairs;
use super::question::put;
use super::signature::{Reading, SIGNATURE, value_text};
use super::wire::{Fields, LONGEST_ID, LONGEST_ORDER, LONGEST_TEXT, plain_number};
use crate::error::Error;

/// The provider's name in URLs, settings and tables.
pub(super) const PROVIDER: &str = "carouseller";
/// The longest name of a channel's currency. ISO 4217 has three letters; tokens have more.
pub(super) const LONGEST_CHANNEL_CURRENCY: usize = 16;

/// The typed notification. Who wrote it has been settled; `reading` is how its signature was read.
pub(super) fn notification(
    site: &SiteWire,
    pairs: &Pairs<'_>,
    signed: bool,
    reading: Reading,
) -> Result<Notification, Error> {
    let fields = Fields(pairs);
    let external_id = fields.required("external_id", LONGEST_ORDER)?;
    let login = fields.required("site_login", LONGEST_ID)?;
    let amount_minor = fields.amount()?;
    let currency = currency(fields.required("currency", LONGEST_TEXT)?)?;
    let type_id = code(fields, "type_id")?;
    let status_id = code(fields, "status_id")?;
    let transaction_id = fields.required("transaction_id", LONGEST_ID)?;
    let real = real(fields, &currency)?;
    check_the_rest(fields)?;
    let content = content(pairs, reading);
    Ok(Notification {
        provider: PROVIDER,
        site: site.site,
        signed,
        external_id: external_id.to_owned(),
        login: login.to_owned(),
        amount_minor,
        currency,
        real,
        transaction_id: transaction_id.to_owned(),
        news: news(type_id, status_id),
        codes: format!("type {type_id} status {status_id}"),
        digest: digest(&content, signed),
        content,
    })
}

fn code(fields: Fields<'_, '_>, name: &'static str) -> Result<i64, Error> {
    plain_number(fields.required_integer(name)?).ok_or(Error::Invalid(name))
}

/// Three letters, upper-cased. Whether it is the order's currency is not decided here.
pub(super) fn currency(text: &str) -> Result<String, Error> {
    let is_code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code { Ok(text.to_ascii_uppercase()) } else { Err(Error::Invalid("currency")) }
}

/// What the channel moved. A declined order may state 0 here. Without a currency of its own it is in the order's.
fn real(fields: Fields<'_, '_>, ordered: &str) -> Result<Option<(i64, String)>, Error> {
    let stated = fields.critical("real_currency", LONGEST_CHANNEL_CURRENCY)?;
    let Some(amount) = fields.integer("real_amount")? else { return Ok(None) };
    let amount = plain_number(amount).ok_or(Error::Invalid("real_amount"))?;
    Ok(Some((amount, stated.map_or_else(|| ordered.to_owned(), str::to_ascii_uppercase))))
}

/// Known fields that nothing hangs on still have to be scalars of a sane size.
fn check_the_rest(fields: Fields<'_, '_>) -> Result<(), Error> {
    const VISIBLE: [&str; 9] = [
        "customer_purse",
        "customer_ip",
        "processor_id",
        "completed_at",
        "payment_group_id",
        "display_payment_group_id",
        "payment_type_id",
        "source_type",
        "extended_info_enabled",
    ];
    for name in VISIBLE {
        fields.visible_text(name, LONGEST_TEXT)?;
    }
    fields.free_text("processor_message", LONGEST_TEXT)?;
    Ok(())
}

/// Everything that came, by name, masked; blank values and the signature left out.
pub(super) fn content(pairs: &Pairs<'_>, reading: Reading) -> Vec<(String, String)> {
    let signed = pairs.iter().filter(|(name, _)| *name != SIGNATURE);
    let texts = signed.filter_map(|(name, value)| Some((name, value_text(value, reading)?)));
    texts.map(|(name, text)| (name.to_owned(), mask(&text).into_owned())).collect()
}

/// Taken over the masked content: a digest of a whole card number would give the number away. A hint without a signature is never
/// the same as the notification that says so with one: it must not make that one a repetition.
fn digest(content: &[(String, String)], signed: bool) -> [u8; 32] {
    let mut sha = Sha256::new();
    if !signed {
        put(&mut sha, b"unsigned");
    }
    for (name, text) in content {
        put(&mut sha, name.as_bytes());
        put(&mut sha, text.as_bytes());
    }
    sha.finalize().into()
}
