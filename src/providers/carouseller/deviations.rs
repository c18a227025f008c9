//! What senders are known to get wrong when they sign.
//!
//! Source: protocol, "Signature" and "Open questions" 6 to 12, and what implementations in other languages do by themselves.

use std::borrow::Cow;
use std::cmp::Ordering;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::pairs::{Members, Pairs, Value};
use super::signature::{Reading, SIGNATURE, canonical, readings, sign, value_text, write_text};
use crate::secret::Secret;

/// A text that somebody may have signed, and what is wrong with it.
struct Attempt {
    what: String,
    text: String,
}

impl Attempt {
    fn new(what: impl Into<String>, text: String) -> Self {
        Self { what: what.into(), text }
    }
}

/// What is wrong with a signature that cannot be a SHA-1; `None` when it can be one, or when it may be worth trying.
pub(super) fn shape_of(signature: &str) -> Option<String> {
    if !signature.bytes().all(|b| b.is_ascii_hexdigit()) {
        let what = if signature.trim().bytes().all(|b| b.is_ascii_hexdigit()) {
            "the signature has blanks around it"
        } else {
            "the signature is not hex: 40 hex digits are wanted (was it written in base64?)"
        };
        return Some(what.to_owned());
    }
    match signature.len() {
        40 | 64 => None,
        32 => Some("the signature has 32 hex digits: it looks like MD5, SHA-1 is wanted".to_owned()),
        count => Some(format!("the signature has {count} hex digits: SHA-1 has 40")),
    }
}

/// The first known deviation that gives this signature.
pub(super) fn that_fits(
    received: &Members<'_>,
    pairs: &Pairs<'_>,
    salts: &[Secret],
    others: &[Secret],
    signature: &str,
) -> Option<String> {
    let given = hex::decode(signature).ok()?;
    let reference = canonical(pairs, Reading::REFERENCE);
    let is_given = |text: &str| Sha1::digest(text).as_slice() == given || Sha256::digest(text).as_slice() == given;
    let hash = if given.len() == 32 { " (and SHA-256 instead of SHA-1)" } else { "" };
    if given.len() == 32 && salts.iter().any(|salt| is_given(&format!("{reference};{}", salt.expose()))) {
        return Some("signed with SHA-256 instead of SHA-1".to_owned());
    }
    for other in others {
        let mut texts = readings(pairs).into_iter().map(|reading| canonical(pairs, reading));
        if texts.any(|text| is_given(&format!("{text};{}", other.expose()))) {
            return Some(format!("signed with the salt of another site{hash}"));
        }
    }
    for salt in salts {
        let salt_wrong = around_the_salt(&reference, salt.expose());
        let text_wrong = texts(received, pairs, salt).into_iter().map(|attempt| {
            let text = format!("{};{}", attempt.text, salt.expose());
            Attempt::new(attempt.what, text)
        });
        if let Some(found) = salt_wrong.into_iter().chain(text_wrong).find(|attempt| is_given(&attempt.text)) {
            return Some(format!("{}{hash}", found.what));
        }
    }
    None
}

/// Whole signed texts in which only the salt, or what is around it, is wrong.
fn around_the_salt(text: &str, salt: &str) -> Vec<Attempt> {
    let trimmed = salt.trim();
    let mut attempts = vec![
        Attempt::new("no `;` before the salt", format!("{text}{salt}")),
        Attempt::new("a `;` after the salt", format!("{text};{salt};")),
        Attempt::new("the salt comes first", format!("{salt};{text}")),
        Attempt::new("the salt comes first, without a `;`", format!("{salt}{text}")),
        Attempt::new("a second `;` before the salt", format!("{text};;{salt}")),
        Attempt::new("the salt was left out", text.to_owned()),
        Attempt::new("the salt was left out behind the last `;`", format!("{text};")),
        Attempt::new("the salt is written as a parameter", format!("{text};salt:{salt}")),
        Attempt::new("the salt is lower-cased", format!("{text};{}", salt.to_lowercase())),
        Attempt::new("the salt is upper-cased", format!("{text};{}", salt.to_uppercase())),
        Attempt::new("blanks around the salt were trimmed", format!("{text};{trimmed}")),
    ];
    for (before, after) in
        [("", "\n"), ("", "\r\n"), ("", " "), (" ", ""), (" ", " "), ("", "\t"), ("\"", "\""), ("", "\0")]
    {
        let what = format!("the salt has {:?} around it, as if it was read from a file", format!("{before}{after}"));
        attempts.push(Attempt::new(what, format!("{text};{before}{trimmed}{after}")));
    }
    attempts
}

/// Signed texts without the salt in which the parameters are written wrong.
fn texts(received: &Members<'_>, pairs: &Pairs<'_>, salt: &Secret) -> Vec<Attempt> {
    let mut attempts = orders(received, pairs);
    attempts.extend(left_out(pairs));
    attempts.extend(put_in(pairs, salt));
    attempts.extend(rewritten(pairs));
    attempts
        .push(Attempt::new("nothing was signed: a JSON body read as a form, or the other way round", String::new()));
    attempts
}

fn text_of<'m, 'v: 'm>(members: impl IntoIterator<Item = &'m (Cow<'v, str>, Value<'v>)>, reading: Reading) -> String {
    let mut text = String::new();
    write_text(members, reading, |piece| text.push_str(piece));
    text
}

/// Another order of the names.
fn orders(received: &Members<'_>, pairs: &Pairs<'_>) -> Vec<Attempt> {
    type Order = fn(&str, &str) -> Ordering;
    let lower_first: Order = |a, b| a.to_lowercase().cmp(&b.to_lowercase());
    let underscore_ignored: Order = |a, b| {
        let bare = |name: &str| name.to_lowercase().replace('_', "");
        bare(a).cmp(&bare(b)).then_with(|| a.cmp(b))
    };
    let underscore_first: Order = |a, b| {
        let moved = |name: &str| name.to_lowercase().replace('_', "\u{1}");
        moved(a).cmp(&moved(b))
    };
    let underscore_last: Order = |a, b| {
        let moved = |name: &str| name.to_lowercase().replace('_', "~");
        moved(a).cmp(&moved(b))
    };
    let orders = [
        ("names were lower-cased before they were sorted", lower_first),
        ("names were sorted by a locale that ignores the underscore", underscore_ignored),
        ("names were sorted by a locale that puts the underscore first", underscore_first),
        ("names were sorted by a locale that puts the underscore last", underscore_last),
    ];
    let mut attempts = Vec::new();
    for reading in readings(pairs) {
        for (what, order) in orders {
            let mut members: Vec<_> = pairs.members().iter().collect();
            members.sort_by(|a, b| order(&a.0, &b.0));
            attempts.push(Attempt::new(what, text_of(members, reading)));
        }
        attempts.push(Attempt::new("names were not sorted: signed in the order received", text_of(received, reading)));
        let descending = pairs.members().iter().rev();
        attempts.push(Attempt::new("names were sorted descending", text_of(descending, reading)));
    }
    attempts
}

/// One field fewer.
fn left_out(pairs: &Pairs<'_>) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for (skipped, value) in pairs.iter() {
        if skipped == SIGNATURE || value_text(value, Reading::REFERENCE).is_none() {
            continue;
        }
        for reading in readings(pairs) {
            let others = pairs.members().iter().filter(|(name, _)| name != skipped);
            let what = format!("{skipped} was not signed, or was added afterwards");
            attempts.push(Attempt::new(what, text_of(others, reading)));
        }
    }
    attempts
}

/// Something more than belongs there.
fn put_in(pairs: &Pairs<'_>, salt: &Secret) -> Vec<Attempt> {
    let mut attempts = vec![Attempt::new("blank values were signed too", join(pairs, |value| Some(raw_text(value))))];
    for (blank, value) in pairs.iter().filter(|(_, value)| value_text(value, Reading::REFERENCE).is_none()) {
        let what = format!("{blank} is blank and was signed too");
        attempts.push(Attempt::new(what, joined_with(pairs, blank, &raw_text(value))));
    }
    let correct = sign(pairs, salt);
    for text in ["", "None", "null", "0", correct.as_str()] {
        attempts.push(Attempt::new("signature itself was signed too", joined_with(pairs, SIGNATURE, text)));
    }
    for action in ["check_deposit", "request_payout", "payout"].into_iter().filter(|_| pairs.get("action").is_none()) {
        attempts
            .push(Attempt::new("action was signed and is not in the message", joined_with(pairs, "action", action)));
    }
    attempts
}

/// The reference text with one more parameter in its place.
fn joined_with(pairs: &Pairs<'_>, added: &str, text: &str) -> String {
    let members = pairs.iter().filter(|(name, _)| *name != SIGNATURE && *name != added);
    let texts = members.filter_map(|(name, value)| Some((name, value_text(value, Reading::REFERENCE)?)));
    let mut all: Vec<(&str, Cow<'_, str>)> = texts.chain([(added, Cow::Borrowed(text))]).collect();
    all.sort_by(|a, b| a.0.cmp(b.0));
    all.iter().map(|(name, text)| format!("{}:{text}", name.to_lowercase())).collect::<Vec<_>>().join(";")
}

/// Values written in another way.
fn rewritten(pairs: &Pairs<'_>) -> Vec<Attempt> {
    let changed = |change: fn(&str) -> String| {
        join(pairs, |value| value_text(value, Reading::REFERENCE).map(|text| change(&text)))
    };
    let pair_by_pair = |write: fn(&str, &str) -> String, between: &str| {
        let members = pairs.iter().filter(|(name, _)| *name != SIGNATURE);
        let texts = members.filter_map(|(name, value)| Some(write(name, &value_text(value, Reading::REFERENCE)?)));
        texts.collect::<Vec<_>>().join(between)
    };
    let mut attempts = one_value_rewritten(pairs);
    let encoded: fn(&str) -> String = |text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    attempts.extend([
        Attempt::new("values were URL-encoded before signing", changed(encoded)),
        Attempt::new("values were URL-encoded before signing", changed(percent_encoded)),
        Attempt::new("blanks around values were trimmed", changed(|text| text.trim().to_owned())),
        Attempt::new("values were lower-cased", changed(str::to_lowercase)),
        Attempt::new("characters outside ASCII were signed as \\u escapes", changed(escaped)),
        Attempt::new("whole floats were signed as integers", changed(|text| text.trim_end_matches(".0").to_owned())),
        Attempt::new("lists and objects were signed as JSON", join(pairs, |value| value_as_json(value, ","))),
        Attempt::new(
            "lists and objects were signed as JSON with blanks",
            join(pairs, |value| value_as_json(value, ", ")),
        ),
        Attempt::new("lists were joined with commas", join(pairs, comma_list)),
        Attempt::new("names kept their capitals", pair_by_pair(|name, text| format!("{name}:{text}"), ";")),
        Attempt::new("a trailing `;` after the last parameter", format!("{};", canonical(pairs, Reading::REFERENCE))),
        Attempt::new("only values were signed", pair_by_pair(|_, text| text.to_owned(), ";")),
        Attempt::new("names and values were joined with `=`", pair_by_pair(|name, text| format!("{name}={text}"), ";")),
        Attempt::new("signed as a query string", pair_by_pair(|name, text| format!("{name}={text}"), "&")),
        Attempt::new("null was left out and false was signed as empty", join(pairs, empty_false)),
    ]);
    attempts
}

/// One value written in another way.
fn one_value_rewritten(pairs: &Pairs<'_>) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for name in ["currency", "real_currency", "action"] {
        for (how, change) in [("lower", str::to_lowercase as fn(&str) -> String), ("upper", str::to_uppercase)] {
            let Some(text) = pairs.get(name).and_then(|value| value_text(value, Reading::REFERENCE)) else { continue };
            let what = format!("{name} was signed in {how} case");
            attempts.push(Attempt::new(what, joined_with(pairs, name, &change(&text))));
        }
    }
    for (name, value) in pairs.iter() {
        if let Value::Number(text) = value {
            let what = format!("{name} was signed as a float");
            attempts.push(Attempt::new(what.clone(), joined_with(pairs, name, &format!("{text}.0"))));
            attempts.push(Attempt::new(what, joined_with(pairs, name, &format!("{text}.00"))));
        }
    }
    attempts
}

fn join(pairs: &Pairs<'_>, text: impl Fn(&Value<'_>) -> Option<String>) -> String {
    let members = pairs.iter().filter(|(name, _)| *name != SIGNATURE);
    let texts = members.filter_map(|(name, value)| Some(format!("{}:{}", name.to_lowercase(), text(value)?)));
    texts.collect::<Vec<_>>().join(";")
}

/// The text of a value even when it is blank.
fn raw_text(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => value_text(other, Reading::REFERENCE).unwrap_or_default().into_owned(),
    }
}

fn empty_false(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(false) => Some(String::new()),
        Value::Bool(true) => Some("1".to_owned()),
        other => value_text(other, Reading::REFERENCE).map(Cow::into_owned),
    }
}

fn comma_list(value: &Value<'_>) -> Option<String> {
    match value {
        Value::List(items) => Some(items.iter().map(raw_text).collect::<Vec<_>>().join(",")),
        other => value_text(other, Reading::REFERENCE).map(Cow::into_owned),
    }
}

/// Lists and objects as JSON, everything else as it is signed.
fn value_as_json(value: &Value<'_>, comma: &str) -> Option<String> {
    match value {
        Value::List(_) | Value::Object(_) => Some(as_json(value, comma)),
        other => value_text(other, Reading::REFERENCE).map(Cow::into_owned),
    }
}

fn as_json(value: &Value<'_>, comma: &str) -> String {
    let colon = if comma == "," { ":" } else { ": " };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(text) => text.to_string(),
        Value::Bool(bit) => bit.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| as_json(item, comma)).collect();
            format!("[{}]", items.join(comma))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}{colon}{}", quoted(name), as_json(value, comma)))
                .collect();
            format!("{{{}}}", members.join(comma))
        }
    }
}

/// RFC 3986: `%20` for a blank, as `rawurlencode` and `encodeURIComponent` write it.
fn percent_encoded(text: &str) -> String {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    form.replace('+', "%20").replace('*', "%2A").replace("%7E", "~")
}

/// JSON's escapes for everything outside ASCII.
fn escaped(text: &str) -> String {
    let mut units = [0; 2];
    text.chars()
        .map(|c| match c {
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        })
        .collect()
}
