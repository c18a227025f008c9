//! The three signatures: of a payment, of a payout, and the standard one of notices and cancellations.
//!
//! Source: protocol, "Request signature" and "Standard signature". A plain SHA-256 of values joined with colons, the key last; it is no
//! HMAC. The formula of the standard one is not published: the settings have it.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::Error;
use crate::secret::Secret;

/// `sign` of `create_pay_in`, over the values as they stand in the body.
pub(super) fn pay_in(
    order_id: &str,
    fiat_amount: &str,
    fiat_currency: &str,
    payment_method: &str,
    key: &Secret,
) -> Result<String, Error> {
    joined(
        [
            ("order_id", order_id),
            ("fiat_amount", fiat_amount),
            ("fiat_currency", fiat_currency),
            ("payment_method", payment_method),
        ],
        key,
    )
}

/// `sign` of `create_pay_out`: the recipient's number stands before the currency, and no method.
pub(super) fn pay_out(
    order_id: &str,
    fiat_amount: &str,
    (member, recipient): (&'static str, &str),
    fiat_currency: &str,
    key: &Secret,
) -> Result<String, Error> {
    joined(
        [("order_id", order_id), ("fiat_amount", fiat_amount), (member, recipient), ("fiat_currency", fiat_currency)],
        key,
    )
}

/// What would sign two readings is not signed (threats, rule R2).
fn joined(values: [(&'static str, &str); 4], key: &Secret) -> Result<String, Error> {
    if let Some((name, _)) = values.iter().find(|(_, value)| value.is_empty() || value.contains(':')) {
        return Err(Error::Invalid(name));
    }
    let text = values.map(|(_, value)| value).join(":");
    Ok(hex::encode(digest(&format!("{text}:{}", key.expose()))))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What a standard signature can be made of. The values are those of the message, to the letter.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signed<'a> {
    pub(super) order_id: &'a str,
    pub(super) fiat_amount: &'a str,
    pub(super) fiat_currency: &'a str,
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
}

/// The formula of the standard signature: text with names in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Formula {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    OrderId,
    FiatAmount,
    FiatCurrency,
    Kind,
    Status,
    SignKey,
}

const VALUES: [(&str, Value); 6] = [
    ("order_id", Value::OrderId),
    ("fiat_amount", Value::FiatAmount),
    ("fiat_currency", Value::FiatCurrency),
    ("type", Value::Kind),
    ("status", Value::Status),
    ("sign_key", Value::SignKey),
];

/// The formula that is most likely, and the others that somebody who reads the manual could mean (protocol, "Signature vectors").
pub(super) const CANDIDATES: [(char, &str); 6] = [
    ('A', "{order_id}:{sign_key}"),
    ('B', "{sign_key}:{order_id}"),
    ('C', "{order_id}:{fiat_amount}:{sign_key}"),
    ('D', "{order_id}:{fiat_amount}:{fiat_currency}:{sign_key}"),
    ('E', "{order_id}:{status}:{sign_key}"),
    ('F', "{order_id}:{type}:{status}:{sign_key}"),
];

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be one, for people.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("has a brace that is not closed")?;
            let known = VALUES.iter().find(|(known, _)| *known == name);
            let (_, value) = known.ok_or(
                "names something in braces besides order_id, fiat_amount, fiat_currency, type, status and sign_key",
            )?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value(*value));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let formula = Self { text: text.to_owned(), parts };
        formula.check().map(|()| formula)
    }

    fn check(&self) -> Result<(), &'static str> {
        let stray = |part: &Part| matches!(part, Part::Text(text) if text.contains(['{', '}']));
        if self.parts.iter().any(stray) {
            return Err("has a brace that is not opened");
        }
        if !self.parts.contains(&Part::Value(Value::SignKey)) {
            return Err("needs {sign_key}: without it anybody could sign");
        }
        if !self.parts.contains(&Part::Value(Value::OrderId)) {
            return Err("needs {order_id}: without it one signature is good for every order");
        }
        if self.runs_values_together() {
            return Err("needs a sign like : between two values, or they could be read in two ways");
        }
        Ok(())
    }

    /// Whether two values of a message stand together with nothing between them that no value can hold.
    fn runs_values_together(&self) -> bool {
        let mut behind_a_value = false;
        for part in &self.parts {
            match part {
                Part::Text(text) if text.chars().all(is_plain) => {}
                Part::Text(_) | Part::Value(Value::SignKey) => behind_a_value = false,
                Part::Value(_) if behind_a_value => return true,
                Part::Value(_) => behind_a_value = true,
            }
        }
        false
    }

    /// As it was configured.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The signature of these values: 64 lower-case hex digits. Each name is replaced once, braces inside a value mean nothing.
    pub(super) fn sign(&self, signed: Signed<'_>, key: &Secret) -> String {
        hex::encode(self.digest(signed, key))
    }

    fn digest(&self, signed: Signed<'_>, key: &Secret) -> [u8; 32] {
        let text: String = self.parts.iter().map(|part| part.text(signed, key.expose())).collect();
        digest(&text)
    }

    /// Whether one of the keys has signed these values, for a text with one reading. Decoded bytes are compared in constant time.
    pub(super) fn holds(&self, signed: Signed<'_>, keys: &[Secret], given: &str) -> bool {
        let mut claimed = [0_u8; 32];
        if hex::decode_to_slice(given, &mut claimed).is_err() {
            return false;
        }
        let right = keys.iter().any(|key| self.digest(signed, key).ct_eq(&claimed).into());
        right && self.parts.iter().all(|part| part.is_plain(signed))
    }
}

impl Part {
    fn text<'a>(&'a self, signed: Signed<'a>, key: &'a str) -> &'a str {
        match self {
            Part::Text(text) => text,
            Part::Value(Value::OrderId) => signed.order_id,
            Part::Value(Value::FiatAmount) => signed.fiat_amount,
            Part::Value(Value::FiatCurrency) => signed.fiat_currency,
            Part::Value(Value::Kind) => signed.kind,
            Part::Value(Value::Status) => signed.status,
            Part::Value(Value::SignKey) => key,
        }
    }

    /// Whether it is a value of the message that can be told from what stands around it, or no value of the message at all.
    fn is_plain(&self, signed: Signed<'_>) -> bool {
        match self {
            Part::Text(_) | Part::Value(Value::SignKey) => true,
            Part::Value(_) => {
                let value = self.text(signed, "");
                !value.is_empty() && value.chars().all(is_plain)
            }
        }
    }
}

/// What ids, amounts, currencies and the words of the protocol are made of.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The letter of the candidate that these values were signed by, for a person who sets up `callback_formula`. Never accepted.
pub(super) fn candidate(signed: Signed<'_>, keys: &[Secret], given: &str) -> Option<char> {
    let holds = |(_, text): &&(char, &str)| Formula::parse(text).is_ok_and(|one| one.holds(signed, keys, given));
    CANDIDATES.iter().find(holds).map(|(letter, _)| *letter)
}
