//! What all answers of the platform have in common.

use subtle::ConstantTimeEq;

use super::account::Account;
use super::pairs::{Pairs, Value, is_blank, json};
use super::signature::{SIGNATURE, sign};
use super::wire::{Fields, plain_number};
use crate::outgoing::Reply;
use crate::providers::purse::mask;

/// How deep an answer may be nested.
const DEEPEST_ANSWER: usize = 16;
/// The most characters of an answer that people are shown.
const LONGEST_SHOWN: usize = 300;
/// The longest id of the platform's; real ones have about thirty digits.
const LONGEST_OWN_ID: usize = 64;

/// The members of a good answer. A signature that it carries must hold (open question 26); the older editions carry none.
///
/// # Errors
///
/// Why it says nothing, for people.
pub(super) fn object<'a>(account: &Account, reply: &'a Reply) -> Result<Pairs<'a>, String> {
    let answer = members(&reply.body);
    if !(200..300).contains(&reply.status) {
        let words = answer.map(|answer| shown(&answer)).unwrap_or_default();
        return Err(cut(&format!("HTTP status {} {words}", reply.status)));
    }
    let answer = answer?;
    match answer.get(SIGNATURE) {
        Some(_) if !is_ours(account, &answer) => Err("the signature of the answer does not hold".to_owned()),
        Some(_) | None => Ok(answer),
    }
}

fn members(body: &[u8]) -> Result<Pairs<'_>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8")?;
    let members = json(text, DEEPEST_ANSWER).map_err(|_| "the answer is not one JSON object")?;
    Pairs::new(members).map_err(|_| "the answer names a member twice".to_owned())
}

/// In the answer to a call of ours the reference form of objects is enough: nobody but the platform chose between two readings.
fn is_ours(account: &Account, answer: &Pairs<'_>) -> bool {
    let Some(Value::Text(given)) = answer.get(SIGNATURE) else { return false };
    let given = given.to_ascii_lowercase();
    account.salts.iter().any(|salt| sign(answer, salt).as_bytes().ct_eq(given.as_bytes()).into())
}

/// A number of an enumeration, when it is one.
pub(super) fn code(fields: Fields<'_, '_>, name: &'static str) -> Option<i64> {
    fields.integer(name).ok().flatten().and_then(plain_number)
}

/// The platform's id of an order: digits, more than a number of ours holds.
pub(super) fn order_id<'p>(answer: &'p Pairs<'_>) -> Option<&'p str> {
    Fields(answer).scalar("order_id").ok().flatten().filter(|id| is_own_id(id))
}

/// Whether this is an id of the platform's.
pub(super) fn is_own_id(id: &str) -> bool {
    (1..=LONGEST_OWN_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// What people can use of an answer.
pub(super) fn shown(answer: &Pairs<'_>) -> String {
    let parts = ["order_id", "reason_code", "reason", "errors", "error", "message"].into_iter().filter_map(|name| {
        let (Value::Text(text) | Value::Number(text)) = answer.get(name)? else { return None };
        (!is_blank(text)).then(|| format!("{name}: {}", text.trim()))
    });
    cut(&parts.collect::<Vec<_>>().join(", "))
}

/// Without control characters and card numbers, and not too long.
pub(super) fn cut(text: &str) -> String {
    mask(&text.replace(char::is_control, " ")).trim().chars().take(LONGEST_SHOWN).collect()
}
