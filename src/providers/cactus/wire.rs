//! What every call has in common: the members that say who asks, and an answer whose signature holds.
//!
//! Source: manual, "Transport", "Signature". Answers are signed like requests; booleans of requests are avoided, those of answers are
//! read in every documented form.

use std::borrow::Cow;

use serde_json::Value as Json;
use url::Url;

use super::account::Account;
use crate::error::Error;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::outgoing::Reply;
use crate::providers::purse::mask;
use crate::providers::signed::pairs::{DEEPEST_MESSAGE, Members, Pairs, Value, is_blank, json};
use crate::providers::signed::signature::{SIGNATURE, Source, Verdict, verify_from};
use crate::providers::signed::writing::{as_form, as_json, signed};
use crate::providers::{Call, Texts, Verb};

/// The most characters of an answer that people are shown.
const LONGEST_SHOWN: usize = 300;

/// A member that is a number.
pub(super) fn number(number: i64) -> Value<'static> {
    Value::Number(Cow::Owned(number.to_string()))
}

/// A text that something hangs on. Nothing in the signed text is escaped, so that none may hold the separator.
///
/// # Errors
///
/// `Invalid` with `name`.
pub(super) fn text<'a>(name: &'static str, text: &'a str) -> Result<Value<'a>, Error> {
    if text.contains(';') || text.chars().any(char::is_control) {
        return Err(Error::Invalid(name));
    }
    Ok(Value::Text(Cow::Borrowed(text)))
}

/// `additional_fields`. Their names are ours and their values were checked.
pub(super) fn additional<'a>(fields: &[(&'static str, &'a str)]) -> Value<'a> {
    let member = |(name, text): &(&'static str, &'a str)| (Cow::Borrowed(*name), Value::Text(Cow::Borrowed(*text)));
    Value::Object(fields.iter().map(member).collect())
}

/// The two members of every call.
pub(super) fn asker(account: &Account) -> Members<'_> {
    vec![
        ("merchant_id".into(), Value::Text(Cow::Borrowed(&account.merchant_id))),
        ("site_id".into(), number(account.site.0)),
    ]
}

/// The members of every call that makes an order.
///
/// # Errors
///
/// `Invalid` with the name of one that cannot be signed.
pub(super) fn order<'a>(
    account: &'a Account,
    id: &'a ExternalId,
    login: &'a Login,
    amount: Money,
) -> Result<Members<'a>, Error> {
    let mut members = asker(account);
    members.push(("site_login".into(), text("site_login", login.as_str())?));
    members.push(("request_id".into(), text("request_id", id.as_str())?));
    members.push(("amount".into(), number(amount.minor())));
    members.push(("currency".into(), Value::Text(Cow::Owned(amount.currency().code().to_owned()))));
    Ok(members)
}

/// A signed POST.
///
/// # Errors
///
/// `Internal`: it cannot be signed.
pub(super) fn post(account: &Account, url: Url, members: Members<'_>) -> Result<Call, Error> {
    let body = as_json(&signed(members, &account.salts)?).into_bytes();
    Ok(Call::json(Verb::Post, url, body))
}

/// A signed GET.
///
/// # Errors
///
/// `Internal`: it cannot be signed.
pub(super) fn get(account: &Account, mut url: Url, members: Members<'_>) -> Result<Call, Error> {
    url.set_query(Some(&as_form(&signed(members, &account.salts)?)));
    Ok(Call::get(url))
}

/// Whether an answer must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Whatever is in it.
    Needed,
    /// Unless it lists objects, whose signed text nobody has published (manual, "Balance").
    UnlessItLists,
}

/// An answer that may be believed.
#[derive(Debug)]
pub(super) struct Answer<'r>(pub(super) Pairs<'r>);

/// Reads an answer.
///
/// # Errors
///
/// Why it says nothing, for people.
pub(super) fn read<'r>(account: &Account, reply: &'r Reply, proof: Proof) -> Result<Answer<'r>, String> {
    if !(200..300).contains(&reply.status) {
        return Err(format!("HTTP status {}", reply.status));
    }
    let text = std::str::from_utf8(&reply.body).map_err(|_| "the answer is not UTF-8")?;
    let members = json(text, DEEPEST_MESSAGE).map_err(|_| "the answer is not one JSON object")?;
    let pairs = Pairs::new(members).map_err(|_| "the answer names a member twice")?;
    let verdict = match pairs.get(SIGNATURE) {
        Some(Value::Text(signature)) => verify_from(Source::Answer, &pairs, &account.salts, signature.trim()),
        Some(_) | None => Verdict::Fails,
    };
    let excused = proof == Proof::UnlessItLists && pairs.iter().any(|(_, value)| lists_objects(value));
    match verdict {
        Verdict::Holds(_) => Ok(Answer(pairs)),
        Verdict::TwoReadings | Verdict::Fails if excused => Ok(Answer(pairs)),
        Verdict::TwoReadings => Err("the answer is signed, but could be read in two ways".to_owned()),
        Verdict::Fails => Err("the answer is not signed as it should be".to_owned()),
    }
}

fn lists_objects(value: &Value<'_>) -> bool {
    matches!(value, Value::List(items) if items.iter().any(|item| matches!(item, Value::Object(_))))
}

impl Answer<'_> {
    /// `success`
    pub(super) fn success(&self) -> Option<bool> {
        match self.0.get("success") {
            Some(Value::Bool(bit)) => Some(*bit),
            Some(_) | None => None,
        }
    }

    /// A text or a number, unless it is blank.
    pub(super) fn scalar(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Text(text) | Value::Number(text) => Some(text.as_ref()).filter(|text| !is_blank(text)),
            Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// The platform's words for people, without control characters and card numbers.
    pub(super) fn message(&self) -> String {
        cut(self.scalar("message").or_else(|| self.scalar("description")).unwrap_or("no reason was given"))
    }

    /// Whether it is about this order: what it names of it must agree, and it must name the order.
    ///
    /// # Errors
    ///
    /// The member that does not agree, in a sentence for people.
    pub(super) fn is_about(
        &self,
        account: &Account,
        id: &ExternalId,
        login: &Login,
        amount: Money,
    ) -> Result<(), String> {
        let differs = |name: &str| format!("the answer is about another order: {name}");
        if self.scalar("request_id") != Some(id.as_str()) {
            return Err(differs("request_id"));
        }
        let (site, minor) = (account.site.0.to_string(), amount.minor().to_string());
        let ours: [(&str, &str); 3] = [("site_login", login.as_str()), ("site_id", &site), ("amount", &minor)];
        for (name, ours) in ours {
            if self.0.get(name).is_some() && self.scalar(name) != Some(ours) {
                return Err(differs(name));
            }
        }
        match self.scalar("currency") {
            Some(currency) if !currency.eq_ignore_ascii_case(amount.currency().code()) => Err(differs("currency")),
            Some(_) | None => Ok(()),
        }
    }

    /// What we must know of the order later: the platform's id of it.
    pub(super) fn facts(&self) -> Texts {
        let id = self.scalar("invoice_id").map(|id| ("invoice_id".to_owned(), cut(id)));
        id.into_iter().collect()
    }

    /// For people: `invoice 1314 status 3: Payout initialized`. The status of this answer is no end of anything.
    pub(super) fn shown(&self) -> String {
        let of = |name: &str| self.scalar(name).unwrap_or("?");
        cut(&format!("invoice {} status {}: {}", of("invoice_id"), of("status"), self.message()))
    }

    /// Everything but the signature, for staff: decimals as they were written, card numbers masked.
    pub(super) fn to_json(&self) -> Json {
        let members = self.0.iter().filter(|(name, _)| *name != SIGNATURE);
        Json::Object(members.map(|(name, value)| (name.to_owned(), json_of(value))).collect())
    }
}

fn json_of(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) => mask(text).into_owned().into(),
        Value::Number(text) => text.parse::<i64>().map_or_else(|_| text.clone().into_owned().into(), Json::from),
        Value::Bool(bit) => (*bit).into(),
        Value::Null => Json::Null,
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone().into_owned(), json_of(value))).collect())
        }
    }
}

/// Words of the platform, as people may see them.
pub(super) fn cut(text: &str) -> String {
    mask(&text.replace(char::is_control, " ")).trim().chars().take(LONGEST_SHOWN).collect()
}
