//! Reads the members of a body, and notes everything that is wrong with them before it says no once (manual, "Errors").

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::decimal;
use super::problem::Problem;
use crate::simulate::Params;

const LONGEST_ID: usize = 50;
const LONGEST_URL: usize = 2083;

/// A JSON object as it came: numbers keep their digits. Members nobody asks for are tolerated.
#[derive(Debug, Clone, Default)]
pub struct Body {
    members: BTreeMap<String, Box<RawValue>>,
    prefix: String,
    wrong: Vec<(String, String)>,
}

impl Body {
    /// Reads a body. An empty one is an empty object: some calls need no member.
    ///
    /// # Errors
    ///
    /// 400: no JSON object.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let members = serde_json::from_slice(bytes).map_err(|_| Problem::unreadable("the body is no JSON object"))?;
        Ok(Self { members, ..Self::default() })
    }

    /// Everything that came, for whoever looks at orders afterwards. Numbers with a point stand there as texts.
    pub fn params(&self) -> Params {
        self.members.iter().map(|(name, raw)| (name.clone(), kept(raw))).collect()
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, field: &str, message: &str) {
        self.wrong.push((format!("{}{field}", self.prefix), message.to_owned()));
    }

    /// Whether the member is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Says no when anything was wrong.
    ///
    /// # Errors
    ///
    /// 422, with every field that is wrong.
    pub fn done(&self) -> Result<(), Problem> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(self.wrong.clone())) }
    }

    /// A text of at most so many characters.
    pub fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.chars().count() <= longest => Some(text),
            Value::String(_) => self.none(name, "is too long"),
            _ => self.none(name, "must be a string"),
        }
    }

    /// An id, which may be missing.
    pub fn optional_id(&mut self, name: &str) -> Option<String> {
        let id = self.text(name, LONGEST_ID)?;
        if is_id(&id) { Some(id) } else { self.none(name, "is no id") }
    }

    /// An id that is needed.
    pub fn id(&mut self, name: &str) -> String {
        self.need(name);
        self.optional_id(name).unwrap_or_default()
    }

    /// The website, which must be the account's.
    pub fn website(&mut self, ours: &str) {
        let name = "websiteId";
        if self.id(name) != ours && self.wrong.iter().all(|(field, _)| field != name) {
            self.wrong(name, "there is no such website");
        }
    }

    /// An address; placeholders may stand in it.
    pub fn url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name, LONGEST_URL)?;
        let web = url.starts_with("https://") || url.starts_with("http://");
        let clean = url.bytes().all(|b| b.is_ascii_graphic());
        if web && clean { Some(url) } else { self.none(name, "is no URI") }
    }

    /// One of these words.
    pub fn word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let word = self.text(name, LONGEST_URL)?;
        if words.contains(&word.as_str()) { Some(word) } else { self.none(name, "is not one of the known values") }
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.none(name, "must be true or false"),
        }
    }

    /// The currency, which is needed: ISO 4217 in upper case.
    pub fn currency(&mut self) -> String {
        self.need("currency");
        let code = self.text("currency", 3).unwrap_or_default();
        if self.has("currency") && decimal::exponent(&code).is_none() {
            self.wrong("currency", "is no currency");
        }
        code
    }

    /// An amount of 0 or more in minor units.
    pub fn amount(&mut self, name: &str, currency: &str) -> Option<i64> {
        let text = self.raw(name)?.get().to_owned();
        match decimal::read(&text, decimal::exponent(currency)?) {
            Some(minor) => Some(minor),
            None => self.none(name, "is no amount of this currency"),
        }
    }

    /// An amount above 0, which may be missing.
    pub fn optional_positive(&mut self, name: &str, currency: &str) -> Option<i64> {
        let minor = self.amount(name, currency)?;
        if minor > 0 { Some(minor) } else { self.none(name, "must be more than 0") }
    }

    /// An amount above 0, which is needed.
    pub fn positive(&mut self, name: &str, currency: &str) -> i64 {
        self.need(name);
        self.optional_positive(name, currency).unwrap_or_default()
    }

    /// Amounts above 0.
    pub fn amounts(&mut self, name: &str, currency: &str) -> Option<Vec<i64>> {
        let exponent = decimal::exponent(currency)?;
        let Ok(raws) = serde_json::from_str::<Vec<Box<RawValue>>>(self.raw(name)?.get()) else {
            return self.none(name, "must be a list of amounts");
        };
        let read: Option<Vec<i64>> =
            raws.iter().map(|raw| decimal::read(raw.get(), exponent).filter(|m| *m > 0)).collect();
        if read.is_some() { read } else { self.none(name, "has something that is no amount of this currency") }
    }

    /// Ids.
    pub fn ids(&mut self, name: &str) -> Option<Vec<String>> {
        let Value::Array(values) = self.value(name)? else { return self.none(name, "must be a list of ids") };
        let ids: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        if ids.is_some() { ids } else { self.none(name, "must be a list of ids") }
    }

    /// An object within, as it came, after `check` has looked at its members.
    pub fn object(&mut self, name: &str, check: impl FnOnce(&mut Body)) -> Option<Box<RawValue>> {
        let raw = self.raw(name)?.to_owned();
        let Ok(members) = serde_json::from_str(raw.get()) else { return self.none(name, "must be an object") };
        let mut inner = Body { members, prefix: format!("{}{name}.", self.prefix), wrong: Vec::new() };
        check(&mut inner);
        self.wrong.append(&mut inner.wrong);
        Some(raw)
    }

    /// Notes that a member is missing.
    pub fn need(&mut self, name: &str) {
        if !self.has(name) {
            self.wrong(name, "is required");
        }
    }

    fn none<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.wrong(name, message);
        None
    }

    fn raw(&self, name: &str) -> Option<&RawValue> {
        self.members.get(name).map(AsRef::as_ref).filter(|raw| raw.get() != "null")
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
    }
}

/// Whether an id has the form of one: at most 50 of word characters, `@`, `~`, `-` and `.` (manual, "Conventions").
pub fn is_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_@~-.".contains(&b);
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(fits)
}

/// The value, with numbers that are no integers as their text.
fn kept(raw: &RawValue) -> Value {
    let text = raw.get();
    let number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            Value::Object(members.iter().map(|(name, raw)| (name.clone(), kept(raw))).collect())
        }
        Some(b'[') => {
            let elements: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
            Value::Array(elements.iter().map(|raw| kept(raw)).collect())
        }
        _ if number => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
        _ => serde_json::from_str(text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        Body::read(text.as_bytes()).expect("an object")
    }

    #[test]
    fn all_wrong_fields_are_named_at_once() {
        let mut read =
            body(r#"{"customerId":"a b","currency":"usd","amount":"1","blocked":1,"notificationUrl":"ftp://x"}"#);
        read.website("web_1");
        read.id("customerId");
        read.currency();
        read.positive("amount", "USD");
        read.flag("blocked");
        read.url("notificationUrl");

        let fields: Vec<&str> = read.wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["websiteId", "customerId", "currency", "amount", "blocked", "notificationUrl"]);
        assert!(read.done().is_err());
    }

    #[test]
    fn numbers_keep_their_digits_and_null_is_nothing() {
        let mut read = body(r#"{"amount": 0.29, "amounts": [0.1, 20], "limits": {"maximum": 1.10}, "text": null}"#);

        assert_eq!(read.positive("amount", "USD"), 29);
        assert_eq!(read.amounts("amounts", "USD"), Some(vec![10, 2000]));
        assert_eq!(read.params()["amounts"], serde_json::json!(["0.1", 20]));
        assert_eq!(read.params()["limits"]["maximum"], "1.10");
        let limits = read.object("limits", |inner| assert_eq!(inner.positive("maximum", "USD"), 110));
        assert_eq!(limits.map(|raw| raw.get().to_owned()).as_deref(), Some(r#"{"maximum": 1.10}"#));
        assert!(!read.has("text") && read.text("text", 5).is_none() && read.done().is_ok());
        assert!(Body::read(b"[1]").is_err() && Body::read(b"{").is_err() && Body::read(b"").is_ok());
    }
}
