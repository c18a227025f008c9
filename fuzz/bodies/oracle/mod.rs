//! A second reading of the signing dialect, written from its description: parameters out of bytes, the text that is signed, and whether a
//! signature may be believed. It shares no code with the crate, and takes its SHA-1 from another library.
//!
//! Source: protocol, "Signature" and "Values the manual does not define"; threats, rule R2 and SIG-3 to SIG-9, PAR-5, PAR-7, PAR-12.

pub mod form;
pub mod json;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A value as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number, as it was written.
    Number(String),
    /// True or false.
    Bool(bool),
    /// Null.
    Null,
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Members),
}

/// Named values in the order they came.
pub type Members = Vec<(String, Value)>;

/// How values are written that the manual does not define: a number below [`WAYS`] for each combination, 0 for the manual's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way(pub u8);

/// Four ways to write booleans, two each for null and for lists.
pub const WAYS: u8 = 16;

impl Way {
    fn boolean(self, bit: bool) -> Option<&'static str> {
        match (self.0 % 4, bit) {
            (0, true) => Some("True"),
            (0, false) => Some("False"),
            (1, true) => Some("true"),
            (1, false) => Some("false"),
            (_, true) => Some("1"),
            (2, false) => Some("0"),
            (_, false) => None,
        }
    }

    fn null(self) -> Option<&'static str> {
        (self.0 / 4).is_multiple_of(2).then_some("None")
    }

    fn sorts_lists(self) -> bool {
        self.0 / 8 == 0
    }
}

/// What Python takes for a blank, and so the manual's samples.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(u32::from(c), 9..=13 | 28..=32 | 133 | 160 | 5760 | 8192..=8202 | 8232 | 8233 | 8239 | 8287 | 12288)
    })
}

/// Whether this may be the name of a parameter.
pub fn is_name(name: &str) -> bool {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789_";
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| LETTERS.contains(c))
}

/// The text of a value; `None`: as if it had not come.
fn text_of(value: &Value, way: Way) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(bit) => way.boolean(*bit).map(str::to_owned),
        Value::Null => way.null().map(str::to_owned),
        Value::List(items) => {
            let plain = items.iter().filter(|item| !matches!(item, Value::List(_)));
            let mut texts: Vec<String> = plain.filter_map(|item| text_of(item, way)).collect();
            if way.sorts_lists() {
                texts.sort();
            }
            Some(texts.join(";"))
        }
        Value::Object(members) => {
            let mut texts = Vec::new();
            let mut sorted: Vec<&(String, Value)> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, value) in sorted {
                texts.extend(text_of(value, way).map(|text| format!("{name}:{text}")));
            }
            Some(texts.join(";"))
        }
    }
}

/// The parameters that are signed, by name: those with a text that is not blank, without the signature itself.
pub fn signed_parameters(members: &Members, way: Way) -> Vec<(String, String)> {
    let others = members.iter().filter(|(name, _)| name != "signature");
    let texts = others.filter_map(|(name, value)| Some((name.clone(), text_of(value, way)?)));
    let mut kept: Vec<(String, String)> = texts.filter(|(_, text)| !is_blank(text)).collect();
    kept.sort();
    kept
}

/// The signed text without the salt.
pub fn signed_text(parameters: &[(String, String)]) -> String {
    let parts: Vec<String> = parameters.iter().map(|(name, text)| format!("{name}:{text}")).collect();
    parts.join(";")
}

/// Reads a signed text back. What stands behind a `;` begins a parameter when it begins with a name and a colon.
pub fn split(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in text.split(';') {
        match (part.split_once(':').filter(|(name, _)| is_name(name)), found.last_mut()) {
            (Some((name, value)), _) => found.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(';');
                value.push_str(part);
            }
            (None, None) => {}
        }
    }
    found
}

/// The signature of these parameters, written this way: 40 lower-case hex digits.
pub fn signature(members: &Members, way: Way, salt: &str) -> String {
    let text = format!("{};{salt}", signed_text(&signed_parameters(members, way)));
    hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// Whether the signed text can mean nothing but these parameters.
fn has_one_reading(members: &Members, way: Way) -> bool {
    let parameters = signed_parameters(members, way);
    let others = members.iter().filter(|(name, _)| name != "signature");
    split(&signed_text(&parameters)) == parameters && !others.into_iter().any(|(_, value)| hides_members(value))
}

/// Whether an object with members is in it: written out, they cannot be told from parameters.
fn hides_members(value: &Value) -> bool {
    match value {
        Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => false,
        Value::List(items) => items.iter().any(hides_members),
        Value::Object(members) => !members.is_empty(),
    }
}

/// The ways that can differ for these parameters, the manual's first.
fn ways(members: &Members) -> impl Iterator<Item = Way> {
    let holds = |kind: fn(&Value) -> bool| members.iter().any(|(_, value)| is_or_holds(value, kind));
    let (booleans, nulls, lists) = (
        holds(|value| matches!(value, Value::Bool(_))),
        holds(|value| matches!(value, Value::Null)),
        holds(|value| matches!(value, Value::List(_))),
    );
    (0..WAYS)
        .filter(move |way| {
            (booleans || way.is_multiple_of(4)) && (nulls || (way / 4).is_multiple_of(2)) && (lists || *way < 8)
        })
        .map(Way)
}

fn is_or_holds(value: &Value, kind: fn(&Value) -> bool) -> bool {
    kind(value)
        || match value {
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => false,
            Value::List(items) => items.iter().any(|item| is_or_holds(item, kind)),
            Value::Object(members) => members.iter().any(|(_, value)| is_or_holds(value, kind)),
        }
}

/// What becomes of a set of parameters with this signature. `None`: two ways of writing give the same text, and differ in this.
pub fn believes(members: &Members, salts: &[&str], given: &str) -> Option<bool> {
    let given = given.to_ascii_lowercase();
    let fitting = ways(members).filter(|way| salts.iter().any(|salt| signature(members, *way, salt) == given));
    let verdicts: Vec<bool> = fitting.map(|way| has_one_reading(members, way)).collect();
    let first = verdicts.first().copied().unwrap_or(false);
    verdicts.iter().all(|verdict| *verdict == first).then_some(first)
}

/// Whether these can be the parameters of a message: names of the alphabet, none twice, not too many.
pub fn is_one_set(members: &Members) -> bool {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.len() == members.len() && members.len() <= 100 && members.iter().all(|(name, _)| is_name(name))
}

/// The text of a parameter that is a text or an integer, and not blank.
pub fn scalar<'m>(members: &'m Members, name: &str) -> Option<&'m str> {
    let (_, value) = members.iter().find(|(known, _)| known == name)?;
    match value {
        Value::Text(text) if !is_blank(text) => Some(text),
        Value::Number(text) if text.trim_start_matches('-').chars().all(|c| c.is_ascii_digit()) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published pairs of parameters and signature.
    const VECTORS: [(&str, u8, &str); 12] = [
        (
            r#"{"site_id":1,"site_login":"test_login","customer_ip":"1.2.3.4","currency":"USD","language":"","timezone":"   "}"#,
            0,
            "2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8",
        ),
        (r#"{"site_id":1,"site_login":"test_login","groups":[12,1,7]}"#, 0, "c376c89ecb52aa837dd8eee523550c70197030e6"),
        (r#"{"site_id":1,"site_login":"test_login","groups":[]}"#, 0, "f9e81b05fda3bf8455f4686fb2c42377185a25cb"),
        (r#"{"site_id":24,"site_login":"u1","flag":true}"#, 0, "0fe276073b479bef8e70fd0db93b03549aa9db4f"),
        (r#"{"site_id":24,"site_login":"u1","flag":true}"#, 1, "6f50309b4249828a96d8f60ca822f61a97f8ed4a"),
        (r#"{"site_id":24,"site_login":"u1","flag":false}"#, 2, "ad6da53de507c5b3de5a36826bed980e29680628"),
        (r#"{"site_id":24,"site_login":"u1","note":null}"#, 0, "b4c19befa44d2b788091f765bf25df7d00d6e9cb"),
        (r#"{"site_id":24,"site_login":"u1","note":null}"#, 4, "7e7d30050a099f790448145fc354cc7d223eeee5"),
        (r#"{"site_id":24,"amount":20.5}"#, 0, "69344b6bcf886b979b7082f5ca09cc050994a29a"),
        (r#"{"site_id":1,"note":"  a  "}"#, 0, "f2a89bd11032b5596bcad35d74ef265d9ea32e5f"),
        ("{}", 0, "0894ee04e1caccd538552b21897dfd04e36e94ff"),
        (
            r#"{"site_id":1,"customer":{"customer_id":"u1","country":""}}"#,
            0,
            "740b503d6b50e7a29a9e75ad1da0a20c2dc02f23",
        ),
    ];

    #[test]
    fn the_oracle_gives_the_published_signatures() {
        for (text, way, expected) in VECTORS {
            let members = json::parse(text.as_bytes()).expect("an object");
            assert_eq!(signature(&members, Way(way), "test_salt"), expected, "{text}");
        }
    }

    #[test]
    fn the_oracle_believes_no_text_that_could_mean_something_else() {
        let honest = json::parse(br#"{"amount":100,"currency":"USD","site_id":1}"#).expect("an object");
        let hostile = json::parse(br#"{"amount":"100;currency:USD","site_id":1}"#).expect("an object");
        let both = "349747d49ef797e523f6549b29cd5c9f301bd25a";

        assert_eq!(believes(&honest, &["test_salt"], both), Some(true));
        assert_eq!(believes(&honest, &["test_salt"], &both.to_uppercase()), Some(true));
        assert_eq!(believes(&hostile, &["test_salt"], both), Some(false));
        assert_eq!(believes(&honest, &["other_salt"], both), Some(false));
    }
}
