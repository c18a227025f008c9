//! Reading what callers of our own APIs send: JSON bodies and query parameters, each with an answer that names the field.
//!
//! Values are never echoed. Unknown names and repeated ones are refused rather than passed over (threats ADM-9, PAR-5).

use std::collections::HashSet;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::problem::Problem;
use super::transport::{TransportError, read_body};

/// Reads a JSON object of at most `longest` bytes. Give `T` the attribute `#[serde(deny_unknown_fields)]`.
///
/// # Errors
///
/// 415 for another or a compressed content, 413 when too long, 400 with the name of the field otherwise.
pub async fn json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    longest: usize,
) -> Result<T, Problem> {
    check_type(request)?;
    parse(&read(request, payload, longest).await?)
}

/// Reads a JSON object as [`json`] does; a request without a body stands for the default.
///
/// # Errors
///
/// As [`json`].
pub async fn optional<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: web::Payload,
    longest: usize,
) -> Result<T, Problem> {
    let body = read(request, payload, longest).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    check_type(request)?;
    parse(&body)
}

/// Reads a JSON object that is in memory.
///
/// # Errors
///
/// 400 with the name of the field.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    if text.trim().is_empty() {
        return Err(malformed("the body is empty; a JSON object is needed"));
    }
    let fields = fields(text)?;
    serde_json::from_str(text).map_err(|error| explain(text, &fields, &error))
}

fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = content_type.split(';').next().unwrap_or("").trim();
    let is_json = media.eq_ignore_ascii_case("application/json");
    if is_json { Ok(()) } else { Err(unsupported("the content type must be application/json")) }
}

fn unsupported(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

async fn read(request: &HttpRequest, mut payload: web::Payload, longest: usize) -> Result<web::Bytes, Problem> {
    let late = || Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body did not arrive in time");
    read_body(request, &mut payload, longest).await.map_err(|error| match error {
        TransportError::Unreadable => malformed("the body broke off"),
        TransportError::Timeout => late(),
        TransportError::TooLarge => too_large(longest),
        TransportError::Compressed => unsupported("compressed bodies are not read"),
    })
}

fn too_large(longest: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("the body is longer than {longest} bytes"))
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_body", detail)
}

/// Where each field of the outermost object ends in the text: serde tells a place, we tell a name.
fn fields(text: &str) -> Result<Vec<(String, usize)>, Problem> {
    let mut repeated = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    Unique(&mut repeated).deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| {
        malformed(format!("the body is not JSON (line {}, column {})", error.line(), error.column()))
    })?;
    if let Some(name) = repeated {
        return Err(named("duplicate_field", &name, "is given twice"));
    }
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|_| malformed("the body must be a JSON object"))?;
    let end = |value: &str| value.as_ptr() as usize - text.as_ptr() as usize + value.len();
    Ok(raw.0.into_iter().map(|(name, value)| (name, end(value.get()))).collect())
}

/// The fields of one object, in order, with their text.
struct Raw<'a>(Vec<(String, &'a serde_json::value::RawValue)>);

impl<'de> serde::Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Raw<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Raw(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Reads any JSON and notes the first name that an object, at any depth, has twice.
struct Unique<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Unique(self.0))?;
            if self.0.is_none() && seen.contains(&name) {
                *self.0 = Some(name.clone());
            }
            seen.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Unique(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Names the field of an error of serde, and what would have been right: never what was sent.
fn explain(text: &str, fields: &[(String, usize)], error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let quoted = message.split('`').nth(1).unwrap_or("");
    if message.starts_with("missing field") {
        return named("missing_field", quoted, "is missing");
    }
    if message.starts_with("unknown field") {
        return named("unknown_field", quoted, "is not a field of this request");
    }
    let lines: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let place = lines + error.column();
    let Some((name, _)) = fields.iter().find(|(_, end)| place <= *end).or(fields.last()) else {
        return malformed("the body is not what this request needs");
    };
    let expected = message.rsplit_once(", expected ").map(|(_, rest)| rest.split(" at line ").next().unwrap_or(rest));
    match expected {
        Some("i64" | "u64" | "i32" | "u32" | "usize" | "u16") => named("invalid_field", name, "must be an integer"),
        Some(expected) => named("invalid_field", name, &format!("must be {}", expected.replace('`', ""))),
        None => named("invalid_field", name, "is not acceptable"),
    }
}

/// A name from outside is told only when it looks like one.
fn named(code: &'static str, name: &str, reason: &str) -> Problem {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let plain = (1..=64).contains(&name.len()) && name.bytes().all(good);
    let shown = if plain { name } else { "a field" };
    let problem = Problem::new(StatusCode::BAD_REQUEST, code, format!("{shown} {reason}"));
    if plain { problem.in_field(name) } else { problem }
}

/// Query parameters, each at most once and all of them known.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads the query of an address. Empty values count as absent.
    ///
    /// # Errors
    ///
    /// 400 for a name that is not in `known`, or is given twice.
    pub fn read(query: &str, known: &[&str]) -> Result<Self, Problem> {
        let unreadable = |_| Problem::new(StatusCode::BAD_REQUEST, "malformed_query", "the query cannot be read");
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(unreadable)?;
        let mut seen = HashSet::new();
        for (name, _) in &pairs {
            if !known.contains(&name.as_str()) {
                return Err(named("unknown_parameter", name, "is not a parameter of this request"));
            }
            if !seen.insert(name) {
                return Err(named("duplicate_parameter", name, "is given twice"));
            }
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// An integer of `range`, or `default` when it is not given.
    ///
    /// # Errors
    ///
    /// 400 for anything else.
    pub fn integer(&self, name: &str, default: i64, range: std::ops::RangeInclusive<i64>) -> Result<i64, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && range.contains(number));
        let reason = || format!("must be an integer of {} to {}", range.start(), range.end());
        number.ok_or_else(|| named("invalid_parameter", name, &reason()))
    }

    /// 400: the parameter of this name is not acceptable, and why.
    pub fn invalid(name: &str, reason: &str) -> Problem {
        named("invalid_parameter", name, reason)
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
