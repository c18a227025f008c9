//! Rebilly's JSON: read strictly, numbers as their text; written with every digit of an amount.

use super::super::purse::mask;
use super::super::signed::pairs::{Members, Value, document, is_blank};
use crate::money::{Currency, Money};

/// How deep an answer may be nested: a webhook holds a payout request, which holds allocations, which hold links.
const DEEPEST: usize = 12;
/// The most characters of an answer that people are shown.
const LONGEST_SHOWN: usize = 300;

/// One JSON document.
#[derive(Debug)]
pub(super) struct Doc<'a>(Value<'a>);

impl<'a> Doc<'a> {
    /// Reads it. No object in it may hold a name twice.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8")?;
        document(text, DEEPEST).map(Self).map_err(|_| "the answer is not JSON with one reading")
    }

    /// It as an object.
    pub(super) fn thing(&self) -> Option<Thing<'_>> {
        Thing::of(&self.0)
    }

    /// It as a list of objects; `None` when it is anything else.
    pub(super) fn list(&self) -> Option<Vec<Thing<'_>>> {
        match &self.0 {
            Value::List(items) => items.iter().map(Thing::of).collect(),
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
        }
    }

    /// It for people: numbers as they were written, no card numbers, and no key to anything.
    pub(super) fn shown(&self) -> serde_json::Value {
        shown(&self.0)
    }
}

/// An object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing<'v>(&'v Members<'v>);

impl<'v> Thing<'v> {
    fn of(value: &'v Value<'_>) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self(members)),
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null | Value::List(_) => None,
        }
    }

    fn get(self, name: &str) -> Option<&'v Value<'v>> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Whether a member is there and not null.
    pub(super) fn has(self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value != Value::Null)
    }

    /// A text that is not blank.
    pub(super) fn text(self, name: &str) -> Option<&'v str> {
        match self.get(name)? {
            Value::Text(text) => Some(text.as_ref()).filter(|text| !is_blank(text)),
            Value::Number(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// The text of a number.
    pub(super) fn number(self, name: &str) -> Option<&'v str> {
        match self.get(name)? {
            Value::Number(text) => Some(text.as_ref()),
            Value::Text(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// Whether it says true.
    pub(super) fn is(self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// An object in it.
    pub(super) fn within(self, name: &str) -> Option<Thing<'v>> {
        self.get(name).and_then(Thing::of)
    }

    /// The objects of a list in it; what is no object is left out.
    pub(super) fn things(self, name: &str) -> Vec<Thing<'v>> {
        self.items(name).iter().filter_map(Thing::of).collect()
    }

    /// The texts of a list in it; what is no text is left out.
    pub(super) fn texts(self, name: &str) -> Vec<&'v str> {
        let text = |item: &'v Value<'v>| match item {
            Value::Text(text) => Some(text.as_ref()),
            Value::Number(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => None,
        };
        self.items(name).iter().filter_map(text).collect()
    }

    fn items(self, name: &str) -> &'v [Value<'v>] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            Some(Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null | Value::Object(_)) | None => &[],
        }
    }

    /// `amount` and `currency`: decimals by their digits, never through a float.
    pub(super) fn money(self) -> Option<Money> {
        let currency = Currency::parse(self.text("currency")?).ok()?;
        Money::parse_major(self.number("amount")?, currency).ok()
    }

    /// Where a link of this kind leads (`_links`).
    pub(super) fn link(self, rel: &str) -> Option<&'v str> {
        self.things("_links").into_iter().find(|link| link.text("rel") == Some(rel))?.text("href")
    }
}

/// What opens something for whoever has it.
const KEYS: [&str; 4] = ["cashierToken", "notificationUrl", "selectPaymentInstrumentUrl", "token"];

fn shown(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Text(text) => mask(text).into_owned().into(),
        Value::Number(text) => text.clone().into_owned().into(),
        Value::Bool(bit) => (*bit).into(),
        Value::Null => serde_json::Value::Null,
        Value::List(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            let open = members.iter().filter(|(name, _)| !KEYS.contains(&name.as_ref()));
            serde_json::Value::Object(open.map(|(name, value)| (name.clone().into_owned(), shown(value))).collect())
        }
    }
}

/// A text of Rebilly's for people: short, without control characters and card numbers.
pub(super) fn for_people(text: &str) -> String {
    mask(&text.replace(char::is_control, " ")).trim().chars().take(LONGEST_SHOWN).collect()
}

/// A JSON object that is written member by member, in this order: the same order makes the same bytes.
#[derive(Debug, Default)]
pub(super) struct Written(Vec<String>);

impl Written {
    pub(super) fn text(mut self, name: &str, text: &str) -> Self {
        self.0.push(format!("\"{name}\":{}", serde_json::Value::from(text)));
        self
    }

    pub(super) fn text_if(self, name: &str, text: Option<&str>) -> Self {
        match text.filter(|text| !is_blank(text)) {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// What is JSON already.
    pub(super) fn json(mut self, name: &str, json: &str) -> Self {
        self.0.push(format!("\"{name}\":{json}"));
        self
    }

    /// A number with exactly the digits of its currency (manual, "Open questions" 10).
    pub(super) fn amount(self, name: &str, amount: Money) -> Self {
        self.json(name, &amount.currency().in_major(amount.minor()))
    }

    pub(super) fn texts(self, name: &str, texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| serde_json::Value::from(*text).to_string()).collect();
        self.json(name, &format!("[{}]", texts.join(",")))
    }

    pub(super) fn done(self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}
