//! The signed order to pay a player, and what the Cashier says to it.
//!
//! Source: protocol, "Pay-out initiation". Acceptance is not the outcome: that comes as a notification.

use std::borrow::Cow;

use super::super::purse::mask;
use super::super::{InitiationAnswer, PayoutOrder, Texts};
use super::SiteWire;
use super::pairs::{Members, Pairs, Value, is_blank, json};
use super::writing::{as_form, as_json, harmless, signed, unambiguous};
use crate::error::Error;

/// How an initiation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A JSON object.
    Json,
    /// A form.
    Form,
}

impl Encoding {
    /// The `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Json => "application/json",
            Encoding::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// The optional fields that the manual names; others are not sent.
const OPTIONAL: [&str; 16] = [
    "bank",
    "billing_phone",
    "birthdate",
    "comment",
    "country_code",
    "customer_ip",
    "document_id",
    "external_value1",
    "first_name",
    "invoice_id",
    "last_name",
    "owner_address",
    "owner_name",
    "owner_phone",
    "remember_customer_purse",
    "user_preset_id",
];

/// The most characters of an answer that people are shown.
const LONGEST_SHOWN: usize = 300;
/// How deep an answer may be nested.
const DEEPEST_ANSWER: usize = 16;

/// The body: the same bytes for the same order, sorted by name.
pub(super) fn body(site: &SiteWire, order: &PayoutOrder, encoding: Encoding) -> Result<Vec<u8>, Error> {
    let mut members = required(order)?;
    for (name, text) in &order.optional {
        let known = OPTIONAL.iter().find(|known| *known == name);
        let is_new = members.iter().all(|(other, _)| other != name);
        if let (Some(name), true, false) = (known, is_new, is_blank(text)) {
            members.push((Cow::Borrowed(*name), Value::Text(harmless(text))));
        }
    }
    let pairs = signed(members, &site.salts)?;
    Ok(match encoding {
        Encoding::Json => as_json(&pairs).into_bytes(),
        Encoding::Form => as_form(&pairs).into_bytes(),
    })
}

fn required(order: &PayoutOrder) -> Result<Members<'_>, Error> {
    let number = |number: i64| Value::Number(Cow::Owned(number.to_string()));
    let mut members: Members<'_> = vec![
        (Cow::Borrowed("action"), Value::Text(Cow::Borrowed("payout"))),
        (Cow::Borrowed("amount"), number(order.amount.minor())),
        (Cow::Borrowed("site_id"), number(order.site.0)),
        (Cow::Borrowed("currency"), Value::Text(Cow::Owned(order.amount.currency().code().to_owned()))),
        (Cow::Borrowed("site_login"), unambiguous("site_login", order.login.as_str())?),
        (Cow::Borrowed("external_id"), unambiguous("external_id", order.external_id.as_str())?),
    ];
    if let Some(purse) = order.purse.as_deref().filter(|purse| !is_blank(purse)) {
        members.push((Cow::Borrowed("customer_purse"), unambiguous("customer_purse", purse)?));
    }
    Ok(members)
}

/// What the answer to an initiation means (contract 4.1). Only a clear yes is a yes, only a clear no is a no.
pub fn read_initiation_answer(http_status: u16, body: &[u8]) -> InitiationAnswer {
    let answer = match object(http_status, body) {
        Ok(answer) => answer,
        Err(why) => return InitiationAnswer::Unknown(why),
    };
    match (answer.get("success"), answer.get("code").and_then(code)) {
        (Some(Value::Bool(true)), Some(0)) => InitiationAnswer::Accepted(shown(&answer), facts(&answer)),
        (Some(Value::Bool(false)), Some(code)) if code != 0 => {
            InitiationAnswer::Refused(cut(&format!("code {code} {}", shown(&answer))))
        }
        _ => InitiationAnswer::Unknown(cut(&format!("neither a clear yes nor a clear no {}", shown(&answer)))),
    }
}

/// The members of an answer: one JSON object with HTTP 2xx, no name twice. What else came, for people.
pub(super) fn object(http_status: u16, body: &[u8]) -> Result<Pairs<'_>, String> {
    if !(200..300).contains(&http_status) {
        return Err(format!("HTTP status {http_status}"));
    }
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8")?;
    let members = json(text, DEEPEST_ANSWER).map_err(|_| "the answer is not one JSON object")?;
    Pairs::new(members).map_err(|_| "the answer names a member twice".to_owned())
}

/// The Cashier's own ids of it, by which its status can be asked for.
pub(super) fn facts(answer: &Pairs<'_>) -> Texts {
    let id = |name: &&str| match answer.get(name) {
        Some(Value::Text(text) | Value::Number(text)) if !is_blank(text) => {
            Some(((*name).to_owned(), text.trim().to_owned()))
        }
        Some(_) | None => None,
    };
    ["transaction_id", "order_id"].iter().filter_map(id).collect()
}

/// An integer, or the same as a text. `00`, `-0` and `0.0` are not clear.
pub(super) fn code(value: &Value<'_>) -> Option<i64> {
    let Value::Number(text) = value else { return None };
    let code: i64 = text.parse().ok()?;
    (code.to_string() == *text.as_ref()).then_some(code)
}

/// What people can use of an answer, without control characters and card numbers.
pub(super) fn shown(answer: &Pairs<'_>) -> String {
    let parts = ["transaction_id", "order_id", "message_for_user", "errors"].into_iter().filter_map(|name| {
        let (Value::Text(text) | Value::Number(text)) = answer.get(name)? else { return None };
        (!is_blank(text)).then(|| format!("{name}: {}", text.trim()))
    });
    cut(&parts.collect::<Vec<_>>().join(", "))
}

/// A text for people: masked, in one line, not too long.
pub(super) fn cut(text: &str) -> String {
    mask(&text.replace(char::is_control, " ")).trim().chars().take(LONGEST_SHOWN).collect()
}
