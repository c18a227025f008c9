//! What the platform states of an order, in a notification or in the answer to a question.
//!
//! Source: protocol, "Status" and "Notifications" of API 2.0: the same members in both.

use sha2::{Digest, Sha256};

use super::answer::{cut, is_own_id};
use super::news::{OLD_PAYOUT, news};
use super::pairs::Pairs;
use super::signature::{Reading, SIGNATURE, value_text};
use super::wire::{Fields, LONGEST_ID, LONGEST_ORDER, LONGEST_TEXT, plain_number};
use super::{Notification, PROVIDER};
use crate::error::Error;
use crate::ids::SiteId;
use crate::providers::purse::mask;

/// Who vouches for a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'s> {
    /// The signature of a notification.
    Notification,
    /// The answer to a question of ours about this player's order. It need not name the player.
    Answer(&'s str),
}

/// Reads a statement whose source has been settled; `reading` is how its signature was read.
pub(super) fn statement(
    site: SiteId,
    source: Source<'_>,
    pairs: &Pairs<'_>,
    reading: Reading,
) -> Result<Notification, Error> {
    let fields = Fields(pairs);
    let external_id = fields.required("external_id", LONGEST_ORDER)?;
    let order_id = fields.scalar("order_id")?.ok_or(Error::Missing("order_id"))?;
    if !is_own_id(order_id) {
        return Err(Error::Invalid("order_id"));
    }
    let code = |name| plain_number(fields.required_integer(name)?).ok_or(Error::Invalid(name));
    let (kind, status) = (code("type")?, code("status")?);
    let amount_minor = fields.amount()?;
    let currency = currency(fields.required("currency", LONGEST_TEXT)?)?;
    let login = match source {
        Source::Notification => fields.required("customer_id", LONGEST_ID)?,
        Source::Answer(login) => fields.critical("customer_id", LONGEST_ID)?.unwrap_or(login),
    };
    fields.visible_text("customer_purse", LONGEST_TEXT)?;
    let reason_code = fields.visible_text("reason_code", LONGEST_TEXT)?;
    let reason = fields.free_text("reason", LONGEST_TEXT)?;
    if kind == OLD_PAYOUT {
        log::info!("site {site}: {PROVIDER} says type {OLD_PAYOUT} for a payout, as an old edition of its manual");
    }
    let because = [reason_code, reason].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(Notification {
        provider: PROVIDER,
        site,
        signed: true,
        external_id: external_id.to_owned(),
        login: login.to_owned(),
        amount_minor,
        digest: digest(
            source,
            &[
                external_id,
                order_id,
                &kind.to_string(),
                &status.to_string(),
                &amount_minor.to_string(),
                &currency,
                login,
            ],
        ),
        currency,
        // The channel's own amount is not stated in this family.
        real: None,
        transaction_id: order_id.to_owned(),
        news: news(kind, status),
        codes: cut(&format!("type {kind} status {status} {because}")),
        content: content(pairs, reading),
    })
}

/// Three letters, upper-cased. Whether it is the order's currency is not decided here.
fn currency(text: &str) -> Result<String, Error> {
    let is_code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code { Ok(text.to_ascii_uppercase()) } else { Err(Error::Invalid("currency")) }
}

/// Everything that came, by name, masked; blank values and the signature left out.
fn content(pairs: &Pairs<'_>, reading: Reading) -> Vec<(String, String)> {
    let stated = pairs.iter().filter(|(name, _)| *name != SIGNATURE);
    let texts = stated.filter_map(|(name, value)| Some((name, value_text(value, reading)?)));
    texts.map(|(name, text)| (name.to_owned(), mask(&text).into_owned())).collect()
}

/// Equal for the same statement of the same source. The answer to a question is never a repetition of a notification: that one may have been
/// put into review, for want of an order, and the answer is what settles it.
fn digest(source: Source<'_>, statement: &[&str]) -> [u8; 32] {
    let word = match source {
        Source::Notification => "notification",
        Source::Answer(_) => "status call",
    };
    let mut sha = Sha256::new();
    for text in std::iter::once(&word).chain(statement) {
        sha.update(text.len().to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().into()
}
