//! What a player gives for a method besides the amount: card number, phone, bank. Texts by name, passed to the provider and kept nowhere
//! in the clear.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::error::Error;
use crate::providers::Texts;
use crate::providers::purse::mask;

/// The most details of one request, the longest name, and the longest text, in characters.
const MOST: usize = 32;
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 512;

/// The `details` of a request as they came: a name twice, and what is no text, is refused.
#[derive(Debug, Default)]
pub struct Details(Texts);

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Details;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Details, A::Error> {
        let mut texts = Texts::new();
        while let Some((name, text)) = map.next_entry::<String, String>()? {
            if texts.insert(name, text).is_some() {
                return Err(serde::de::Error::custom("the same name twice in details"));
            }
        }
        Ok(Details(texts))
    }
}

impl Details {
    /// The texts, checked as far as that can be done without knowing the method.
    ///
    /// # Errors
    ///
    /// `Invalid` with `details`: too many, too long, control characters, or a text that could be read as further parameters (threats R2).
    pub fn read(self) -> Result<Texts, Error> {
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let good = |(name, text): (&String, &String)| {
            (1..=LONGEST_NAME).contains(&name.len())
                && plain(name)
                && text.chars().count() <= LONGEST_TEXT
                && !text.chars().any(char::is_control)
                && !text.contains(';')
        };
        if self.0.len() <= MOST && self.0.iter().all(good) { Ok(self.0) } else { Err(Error::Invalid("details")) }
    }
}

/// The details as people may see them: no whole card number, whatever it looks like.
pub fn shown(details: &Texts) -> Texts {
    details.iter().map(|(name, text)| (name.clone(), shown_one(name, text))).collect()
}

/// Equal for equal details, as far as they may be kept: a hash of a whole card number could be guessed from.
pub fn fingerprint(details: &Texts) -> String {
    let pairs = shown(details);
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// What is called a card is cut even when its check digit is wrong; codes of cards are not shown at all.
fn shown_one(name: &str, text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    if name == "cvv" || name == "cvc" || name == "password" {
        return "***".to_owned();
    }
    if name.contains("card") && digits.len() >= 10 {
        let ends = |range: &[char]| range.iter().collect::<String>();
        return format!("{}...{}", ends(&digits[..6]), ends(&digits[digits.len() - 4..]));
    }
    mask(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Texts, Error> {
        let details: Result<Details, _> = serde_json::from_str(json);
        details.map_err(|_| Error::Invalid("details")).and_then(Details::read)
    }

    #[test]
    fn details_are_an_object_of_plain_texts() {
        assert_eq!(read(r#"{"phone_number":"79161234567"}"#).unwrap()["phone_number"], "79161234567");
        assert!(read("{}").unwrap().is_empty());
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(513));
        let many = (0..33).map(|n| format!(r#""a{n}":"x""#)).collect::<Vec<_>>().join(",");
        for json in [
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":["b"]}"#,
            r#"{"a":"1","a":"2"}"#,
            r#"{"A":"x"}"#,
            r#"{"":"x"}"#,
            r#"{"a":"x;amount:1"}"#,
            r#"{"a":"x\ny"}"#,
            "[]",
            "7",
            &long,
            &format!("{{{many}}}"),
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn nobody_sees_a_whole_card_number() {
        let details = [("card_number", "0000000000000"), ("number_card", "4276 3454 3958 1234"), ("cvv", "123")];
        let details = details.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();

        let shown = shown(&details);

        assert_eq!(shown["card_number"], "000000...0000");
        assert_eq!(shown["number_card"], "427634...1234");
        assert_eq!(shown["cvv"], "***");
    }
}
