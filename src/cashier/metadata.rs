//! `metadata_json`: a text that holds a JSON object of the casino's own. It is kept as it came, but without blanks and without whole card
//! numbers (threats SEC-2), and no number in it is ever computed with: numbers stay the text they are.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::providers::purse::mask;

/// The longest text in bytes. Longer belongs into the casino's own books; shorter would cut off honest ones.
const LONGEST: usize = 8 * 1024;
/// How deep it may be nested.
const DEEPEST: usize = 16;
/// The longest destination of a payout, as on the Cashier's wire.
const LONGEST_PURSE: usize = 1024;

/// What came, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The object, masked; `{}` when nothing came.
    pub text: String,
    /// Its `customer_purse`, masked: where a payout goes.
    pub purse: Option<String>,
}

impl Metadata {
    /// Reads the text of a request; absent and blank are an empty object.
    ///
    /// # Errors
    ///
    /// `Invalid` with `metadata_json`: no JSON object, a name twice, too long, too deep; or with `customer_purse`, when it is none.
    pub fn read(text: Option<&str>) -> Result<Self, Error> {
        let wrong = Error::Invalid("metadata_json");
        let text = text.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self { text: "{}".to_owned(), purse: None });
        }
        if text.len() > LONGEST {
            return Err(wrong);
        }
        let Ok(object) = serde_json::from_str::<Members<'_>>(text) else { return Err(wrong) };
        let mut masked = String::new();
        write_object(&object, 1, &mut masked)?;
        let purse = object.0.iter().find(|(name, _)| name == "customer_purse").map(|(_, value)| value.get());
        let purse = match purse {
            None | Some("null") => None,
            Some(json) => Some(read_purse(json)?),
        };
        Ok(Self { text: masked, purse: purse.filter(|text| !text.trim().is_empty()) })
    }
}

/// A destination is a text that something hangs on: no control characters, and no `;`, which would make our signature ambiguous.
fn read_purse(json: &str) -> Result<String, Error> {
    let wrong = Error::Invalid("customer_purse");
    let Ok(text) = serde_json::from_str::<String>(json) else { return Err(wrong) };
    if text.chars().count() > LONGEST_PURSE || text.chars().any(char::is_control) || text.contains(';') {
        return Err(wrong);
    }
    Ok(mask(&text).into_owned())
}

/// The members of an object, in order, with their text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn write_object(object: &Members<'_>, depth: usize, out: &mut String) -> Result<(), Error> {
    let mut names: Vec<&str> = object.0.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if depth > DEEPEST || names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::Invalid("metadata_json"));
    }
    out.push('{');
    for (at, (name, value)) in object.0.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write_value(value.get(), depth, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_value(json: &str, depth: usize, out: &mut String) -> Result<(), Error> {
    let wrong = |_| Error::Invalid("metadata_json");
    match json.as_bytes().first() {
        Some(b'{') => write_object(&serde_json::from_str(json).map_err(wrong)?, depth + 1, out),
        Some(b'[') if depth < DEEPEST => {
            let items: Vec<&RawValue> = serde_json::from_str(json).map_err(wrong)?;
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item.get(), depth + 1, out)?;
            }
            out.push(']');
            Ok(())
        }
        Some(b'[') => Err(Error::Invalid("metadata_json")),
        Some(b'"') => {
            write_text(&serde_json::from_str::<String>(json).map_err(wrong)?, out);
            Ok(())
        }
        // A card number without quotation marks cannot stay a number when it is masked.
        _ if mask(json) != json => {
            write_text(json, out);
            Ok(())
        }
        _ => {
            out.push_str(json);
            Ok(())
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(mask(text)).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<String>), Error> {
        Metadata::read(Some(text)).map(|read| (read.text, read.purse))
    }

    #[test]
    fn an_object_is_kept_as_it_came() {
        let kept = [
            ("", "{}"),
            ("  ", "{}"),
            ("{}", "{}"),
            (r#"{"promo":"A1"}"#, r#"{"promo":"A1"}"#),
            (r#" { "b" : 1.50 , "a" : [ true , null , {} ] } "#, r#"{"b":1.50,"a":[true,null,{}]}"#),
            (r#"{"n":100000000000000000000.000001e99}"#, r#"{"n":100000000000000000000.000001e99}"#),
        ];
        for (sent, stored) in kept {
            assert_eq!(read(sent).unwrap(), (stored.to_owned(), None), "{sent}");
        }
        assert_eq!(Metadata::read(None).unwrap().text, "{}");
    }

    #[test]
    fn no_card_number_stays_whole_however_it_is_written() {
        let masked = [
            (r#"{"card":"4111111111111111"}"#, r#"{"card":"411111...1111"}"#),
            (r#"{"card":"4111 1111-1111 1111"}"#, r#"{"card":"411111...1111"}"#),
            (r#"{"card":4111111111111111}"#, r#"{"card":"411111...1111"}"#),
            (r#"{"card":"\u0034111111111111111"}"#, r#"{"card":"411111...1111"}"#),
            (r#"{"4111111111111111":1}"#, r#"{"411111...1111":1}"#),
            (r#"{"a":[{"b":["x 4111111111111111 y"]}]}"#, r#"{"a":[{"b":["x 411111...1111 y"]}]}"#),
            (r#"{"a":-4111111111111111}"#, r#"{"a":"-411111...1111"}"#),
        ];
        for (sent, stored) in masked {
            assert_eq!(read(sent).unwrap().0, stored, "{sent}");
        }
    }

    #[test]
    fn a_destination_is_taken_from_the_outermost_object_and_masked() {
        let purse = |text: &str| read(text).unwrap().1;

        assert_eq!(purse(r#"{"customer_purse":"4111111111111111"}"#).unwrap(), "411111...1111");
        assert_eq!(purse(r#"{"customer_purse":"DE89370400440532013000"}"#).unwrap(), "DE89370400440532013000");
        assert_eq!(purse(r#"{"customer_purse":" "}"#), None);
        assert_eq!(purse(r#"{"customer_purse":null}"#), None);
        assert_eq!(purse(r#"{"a":{"customer_purse":"x"}}"#), None);
    }

    #[test]
    fn what_is_no_object_of_bounded_size_is_refused() {
        let deep = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        let lists = format!(r#"{{"a":{}{}}}"#, "[".repeat(3000), "]".repeat(3000));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST));
        let refused = [
            "null",
            "1",
            "\"{}\"",
            "[]",
            "[{}]",
            "{",
            "{}{}",
            "{a:1}",
            "{'a':1}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            &deep(17),
            &lists,
            &long,
        ];
        for text in refused {
            assert!(matches!(read(text), Err(Error::Invalid("metadata_json"))), "{text}");
        }
        for purse in ["1", "{}", r#""a;b""#, r#""a\nb""#] {
            let text = format!(r#"{{"customer_purse":{purse}}}"#);
            assert!(matches!(read(&text), Err(Error::Invalid("customer_purse"))), "{text}");
        }
        assert!(read(&deep(16)).is_ok());
    }
}
