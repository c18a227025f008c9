//! Bytes into one set of named values: nothing is merged, nothing is lost, and numbers keep the text they came with.
//!
//! Source: protocol, "Signature" (numbers are signed as written) and "Open questions" 2 (JSON, form or query).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::{RawRequest, ReadError};

/// The most parameters of one message (threats PAR-12). Real ones have about twenty-five.
const MOST_PARAMETERS: usize = 100;
/// The most values of one message, counted through lists and objects.
const MOST_VALUES: usize = 1000;
/// How deep lists and objects may be nested in a message; the message itself is the first level.
pub(crate) const DEEPEST_MESSAGE: usize = 4;
/// The longest parameter name.
const LONGEST_NAME: usize = 64;

/// A value as it came. A form has only texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    /// The text of a JSON number, never taken through a number type.
    Number(Cow<'a, str>),
    Bool(bool),
    Null,
    List(Vec<Value<'a>>),
    Object(Members<'a>),
}

/// Named values in the order they came.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The parameters of one message: no name twice, sorted by name.
#[derive(Debug, Clone)]
pub(crate) struct Pairs<'a> {
    sorted: Members<'a>,
}

impl<'a> Pairs<'a> {
    /// Sorts the members by name. The same name twice is refused before anything hides it (threats PAR-5).
    pub(crate) fn new(mut members: Members<'a>) -> Result<Self, ReadError> {
        members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        if members.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(ReadError::NotOneSet("the same parameter twice"));
        }
        Ok(Self { sorted: members })
    }

    /// The value as it came, blank or not.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let at = self.sorted.binary_search_by(|(other, _)| other.as_ref().cmp(name)).ok()?;
        Some(&self.sorted[at].1)
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.sorted.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// All of them, by name, as they are kept.
    pub(crate) fn members(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        &self.sorted
    }
}

/// Reads a request strictly. One source: the body, or the query when there is no body.
pub(crate) fn read<'a>(raw: &RawRequest<'a>) -> Result<Pairs<'a>, ReadError> {
    let members = match (raw.body.is_empty(), raw.query.is_empty()) {
        (true, true) => return Err(ReadError::Unreadable("no parameters")),
        (false, false) => return Err(ReadError::NotOneSet("parameters in the query and in the body")),
        (true, false) => form(raw.query)?,
        (false, true) => read_body(raw.content_type, raw.body)?,
    };
    if members.len() > MOST_PARAMETERS {
        return Err(ReadError::NotOneSet("too many parameters"));
    }
    if !members.iter().all(|(name, _)| is_name(name)) {
        return Err(ReadError::NotOneSet("a parameter name outside a-z, 0-9 and underscore"));
    }
    Pairs::new(members)
}

/// Whether this is a parameter name of the dialect: `[a-z0-9_]{1,64}` (threats SIG-5).
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_name_byte)
}

/// Whether a parameter name may hold this byte.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// Python's `str.isspace`, and true for the empty text: such a value counts as absent.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// A body without checks of names, in the order it came.
pub(crate) fn read_body<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Members<'a>, ReadError> {
    let is_json = is_json(content_type, body)?;
    let text = std::str::from_utf8(body).map_err(|_| ReadError::Unreadable("not UTF-8"))?;
    if is_json { json(text, DEEPEST_MESSAGE) } else { form(text) }
}

/// Whether a body is JSON (or else a form), by its type or, without one, by how it begins.
pub(crate) fn is_json(content_type: Option<&str>, body: &[u8]) -> Result<bool, ReadError> {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];
    if marks.iter().any(|mark| body.starts_with(mark)) {
        return Err(ReadError::UnsupportedMedia);
    }
    let Some(content_type) = content_type else {
        return match body.trim_ascii_start().first() {
            Some(b'{') => Ok(true),
            Some(b'%' | b'&') => Ok(false),
            Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii() => Ok(false),
            _ => Err(ReadError::UnsupportedMedia),
        };
    };
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !parts.all(is_utf8_charset) {
        return Err(ReadError::UnsupportedMedia);
    }
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(true)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(false)
    } else {
        Err(ReadError::UnsupportedMedia)
    }
}

fn is_utf8_charset(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return parameter.is_empty();
    };
    let value = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("charset")
        && (value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"))
}

/// The fields of a form or a query string, decoded strictly: what is not UTF-8 or not whole is refused, not repaired.
pub(crate) fn form(text: &str) -> Result<Members<'_>, ReadError> {
    let mut members = Vec::with_capacity(32);
    for field in text.split('&').filter(|field| !field.is_empty()) {
        if members.len() > MOST_PARAMETERS {
            return Err(ReadError::NotOneSet("too many parameters"));
        }
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        members.push((percent_decoded(name)?, Value::Text(percent_decoded(value)?)));
    }
    Ok(members)
}

fn percent_decoded(text: &str) -> Result<Cow<'_, str>, ReadError> {
    const BROKEN: ReadError = ReadError::Unreadable("a broken percent sequence");
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (bytes.next().and_then(hex_digit), bytes.next().and_then(hex_digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(BROKEN),
            },
            byte => byte,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| ReadError::Unreadable("not UTF-8"))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The members of one JSON object with nothing after it. No object in it may hold a name twice.
pub(crate) fn json(text: &str, deepest: usize) -> Result<Members<'_>, ReadError> {
    members(text, deepest, &mut 0)
}

/// One JSON value with nothing after it. No object in it may hold a name twice.
pub(crate) fn document(text: &str, deepest: usize) -> Result<Value<'_>, ReadError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| ReadError::Unreadable("not JSON"))?;
    value(raw.get(), deepest + 1, &mut 0)
}

fn members<'a>(text: &'a str, levels: usize, values: &mut usize) -> Result<Members<'a>, ReadError> {
    let raw: RawMembers<'a> = serde_json::from_str(text).map_err(|_| ReadError::Unreadable("not one JSON object"))?;
    raw.0.into_iter().map(|(name, raw)| Ok((name, value(raw.get(), levels, values)?))).collect()
}

fn value<'a>(raw: &'a str, levels: usize, values: &mut usize) -> Result<Value<'a>, ReadError> {
    *values += 1;
    if *values > MOST_VALUES {
        return Err(ReadError::NotOneSet("too many values"));
    }
    match raw.as_bytes().first() {
        Some(b'"') => string(raw).map(Value::Text),
        Some(b't') => Ok(Value::Bool(true)),
        Some(b'f') => Ok(Value::Bool(false)),
        Some(b'n') => Ok(Value::Null),
        Some(b'[' | b'{') if levels <= 1 => Err(ReadError::NotOneSet("nested too deep")),
        Some(b'[') => {
            let items: Vec<&'a RawValue> = serde_json::from_str(raw).map_err(|_| ReadError::Unreadable("not JSON"))?;
            let items = items.into_iter().map(|item| value(item.get(), levels - 1, values));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        Some(b'{') => {
            let inner = members(raw, levels - 1, values)?;
            let mut names: Vec<_> = inner.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            if names.windows(2).any(|two| two[0] == two[1]) {
                return Err(ReadError::NotOneSet("the same parameter twice"));
            }
            Ok(Value::Object(inner))
        }
        _ => Ok(Value::Number(Cow::Borrowed(raw))),
    }
}

/// The scanner that cut `raw` out has checked everything but escapes: without any, the text is between the quotation marks.
fn string(raw: &str) -> Result<Cow<'_, str>, ReadError> {
    if !raw.contains('\\') {
        return Ok(Cow::Borrowed(&raw[1..raw.len() - 1]));
    }
    serde_json::from_str(raw).map(Cow::Owned).map_err(|_| ReadError::Unreadable("a broken JSON string"))
}

/// The members of an object, values not yet looked into.
struct RawMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawMembersVisitor)
    }
}

struct RawMembersVisitor;

impl<'de> Visitor<'de> for RawMembersVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members = Vec::with_capacity(32);
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            // One too many is enough to be refused for it; the rest is only read past.
            if members.len() <= MOST_PARAMETERS {
                members.push((name, value));
            }
        }
        Ok(RawMembers(members))
    }
}

/// A name, borrowed unless it was written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_a_type_is_what_it_begins_like() {
        for (body, json) in [("{", true), (" \t\r\n{", true)] {
            assert_eq!(is_json(None, body.as_bytes()).ok(), Some(json), "{body:?}");
        }
        for body in ["%61=1", "&a=1", "a=1", "Z=1", "0=1", "_a=1", "\u{e9}=1", " a=1"] {
            assert_eq!(is_json(None, body.as_bytes()).ok(), Some(false), "{body:?}");
        }
        for body in ["", " ", "[1]", "\"a\"", "=", "<a>", "-1"] {
            assert!(matches!(is_json(None, body.as_bytes()), Err(ReadError::UnsupportedMedia)), "{body:?}");
        }
    }

    #[test]
    fn a_document_may_be_nested_as_deep_as_said_and_no_deeper() {
        for deepest in 1..5 {
            let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            assert!(document(&nested(deepest), deepest).is_ok(), "{deepest}");
            assert!(document(&nested(deepest + 1), deepest).is_err(), "{deepest}");
            let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            assert!(json(&objects(deepest), deepest).is_ok(), "{deepest}");
            assert!(json(&objects(deepest + 1), deepest).is_err(), "{deepest}");
        }
    }

    #[test]
    fn a_message_may_hold_so_many_values_and_no_more() {
        let list = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count].join(","));

        assert!(json(&list(MOST_VALUES - 1), DEEPEST_MESSAGE).is_ok(), "the list counts too");
        assert!(json(&list(MOST_VALUES), DEEPEST_MESSAGE).is_err());
    }
}
