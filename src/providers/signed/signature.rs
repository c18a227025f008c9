//! The signed text and its SHA-1.
//!
//! Source: protocol, "Signature". The text is `a:1;b:2;SALT`: nothing is escaped, so a text that could be read in two ways is
//! refused although its signature is right (threats, rule R2).

use std::borrow::Cow;

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::pairs::{Pairs, Value, is_blank, is_name_byte};
use crate::secret::Secret;

/// The parameter that carries the signature and is never signed itself.
pub(crate) const SIGNATURE: &str = "signature";

/// How values are written that the manual does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) bools: Bools,
    pub(crate) nulls: Nulls,
    pub(crate) lists: Lists,
    pub(crate) names: Names,
}

/// JSON true and false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bools {
    /// `True`, `False`: the language of the manual's samples.
    Capital,
    /// `true`, `false`
    Lower,
    /// `1`, `0`
    Digits,
    /// `1`, and false as if it had not come.
    DigitOrAbsent,
}

/// JSON null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// `None`
    Word,
    /// As if it had not come.
    Absent,
}

/// The order of a list's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Sorted as texts.
    Sorted,
    /// As they came.
    Received,
}

/// Names with capital letters, which are signed in small ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Sorted as they came.
    AsTheyCame,
    /// Sorted in small letters.
    Lowered,
}

impl Reading {
    /// What the manual's samples do.
    pub(crate) const REFERENCE: Self =
        Self { bools: Bools::Capital, nulls: Nulls::Word, lists: Lists::Sorted, names: Names::AsTheyCame };

    /// What differs from the reference, for people; `None` when nothing does.
    pub(crate) fn deviation(self) -> Option<String> {
        let bools = match self.bools {
            Bools::Capital => None,
            Bools::Lower => Some("booleans as true and false"),
            Bools::Digits => Some("booleans as 1 and 0"),
            Bools::DigitOrAbsent => Some("true as 1 and false left out"),
        };
        let nulls = match self.nulls {
            Nulls::Word => None,
            Nulls::Absent => Some("null left out"),
        };
        let lists = match self.lists {
            Lists::Sorted => None,
            Lists::Received => Some("lists in the order received"),
        };
        let names = match self.names {
            Names::AsTheyCame => None,
            Names::Lowered => Some("names lower-cased before they are sorted"),
        };
        let parts: Vec<_> = [bools, nulls, lists, names].into_iter().flatten().collect();
        if parts.is_empty() { None } else { Some(parts.join(", ")) }
    }
}

/// The readings that can differ for these parameters: at most sixteen, the reference first.
pub(crate) fn readings(pairs: &Pairs<'_>) -> Vec<Reading> {
    let mut kinds = Kinds::default();
    pairs.iter().for_each(|(_, value)| kinds.see(value));
    let bools: &[Bools] = match kinds.bools {
        true => &[Bools::Capital, Bools::Lower, Bools::Digits, Bools::DigitOrAbsent],
        false => &[Bools::Capital],
    };
    let nulls: &[Nulls] = if kinds.nulls { &[Nulls::Word, Nulls::Absent] } else { &[Nulls::Word] };
    let lists: &[Lists] = if kinds.lists { &[Lists::Sorted, Lists::Received] } else { &[Lists::Sorted] };
    let mut readings = Vec::with_capacity(bools.len() * nulls.len() * lists.len());
    let names = Names::AsTheyCame;
    for &bools in bools {
        for &nulls in nulls {
            readings.extend(lists.iter().map(|&lists| Reading { bools, nulls, lists, names }));
        }
    }
    readings
}

#[derive(Default)]
struct Kinds {
    bools: bool,
    nulls: bool,
    lists: bool,
}

impl Kinds {
    fn see(&mut self, value: &Value<'_>) {
        match value {
            Value::Text(_) | Value::Number(_) => {}
            Value::Bool(_) => self.bools = true,
            Value::Null => self.nulls = true,
            Value::List(items) => {
                self.lists = true;
                items.iter().for_each(|item| self.see(item));
            }
            Value::Object(members) => members.iter().for_each(|(_, value)| self.see(value)),
        }
    }
}

/// The text a value is signed as; `None` when it is left out. May be blank inside lists and objects only.
fn written<'v>(value: &'v Value<'_>, reading: Reading) -> Option<Cow<'v, str>> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(Cow::Borrowed(text)),
        Value::Bool(bit) => match (reading.bools, bit) {
            (Bools::Capital, true) => Some(Cow::Borrowed("True")),
            (Bools::Capital, false) => Some(Cow::Borrowed("False")),
            (Bools::Lower, true) => Some(Cow::Borrowed("true")),
            (Bools::Lower, false) => Some(Cow::Borrowed("false")),
            (Bools::Digits | Bools::DigitOrAbsent, true) => Some(Cow::Borrowed("1")),
            (Bools::Digits, false) => Some(Cow::Borrowed("0")),
            (Bools::DigitOrAbsent, false) => None,
        },
        Value::Null => match reading.nulls {
            Nulls::Word => Some(Cow::Borrowed("None")),
            Nulls::Absent => None,
        },
        Value::List(items) => {
            let scalars = items.iter().filter(|item| !matches!(item, Value::List(_)));
            let mut texts: Vec<_> = scalars.filter_map(|item| written(item, reading)).collect();
            match reading.lists {
                Lists::Sorted => texts.sort_unstable(),
                Lists::Received => {}
            }
            Some(Cow::Owned(texts.join(";")))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            let texts = members.into_iter().filter_map(|(name, value)| Some((name, written(value, reading)?)));
            Some(Cow::Owned(texts.map(|(name, text)| format!("{name}:{text}")).collect::<Vec<_>>().join(";")))
        }
    }
}

/// The text a parameter is signed as; `None` when it is left out because it is blank or counts as absent.
pub(crate) fn value_text<'v>(value: &'v Value<'_>, reading: Reading) -> Option<Cow<'v, str>> {
    written(value, reading).filter(|text| !is_blank(text))
}

/// Hands the signed text to `sink` piece by piece, without the salt and the `;` before it.
pub(crate) fn write_text<'m, 'v: 'm>(
    members: impl IntoIterator<Item = &'m (Cow<'v, str>, Value<'v>)>,
    reading: Reading,
    mut sink: impl FnMut(&str),
) {
    let mut is_first = true;
    for (name, value) in members {
        if name == SIGNATURE {
            continue;
        }
        let Some(text) = value_text(value, reading) else { continue };
        if !is_first {
            sink(";");
        }
        is_first = false;
        if name.bytes().all(is_name_byte) {
            sink(name);
        } else {
            sink(&name.to_lowercase());
        }
        sink(":");
        sink(&text);
    }
}

/// The signed text without the salt and the `;` before it.
pub(crate) fn canonical(pairs: &Pairs<'_>, reading: Reading) -> String {
    let mut text = String::new();
    write_in_order(pairs, reading, |piece| text.push_str(piece));
    text
}

fn write_in_order(pairs: &Pairs<'_>, reading: Reading, sink: impl FnMut(&str)) {
    match reading.names {
        Names::AsTheyCame => write_text(pairs.members(), reading, sink),
        Names::Lowered => {
            let mut members: Vec<_> = pairs.members().iter().collect();
            members.sort_by_key(|(name, _)| name.to_lowercase());
            write_text(members, reading, sink);
        }
    }
}

/// The signature of these parameters: 40 lower-case hex digits.
pub(crate) fn sign(pairs: &Pairs<'_>, salt: &Secret) -> String {
    hex::encode(digest(&hashed(pairs, Reading::REFERENCE), salt))
}

fn hashed(pairs: &Pairs<'_>, reading: Reading) -> Sha1 {
    let mut sha = Sha1::new();
    write_in_order(pairs, reading, |piece| sha.update(piece));
    sha.update(b";");
    sha
}

fn digest(hashed: &Sha1, salt: &Secret) -> [u8; 20] {
    hashed.clone().chain_update(salt.expose()).finalize().into()
}

/// What a signature is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds, for the text written like this.
    Holds(Reading),
    /// It holds, for a text that could also be read as other parameters.
    TwoReadings,
    /// It does not hold.
    Fails,
}

/// Where something signed comes from, which decides what is believed of forms that nobody has defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// It came by itself. An object with members is refused: written out, it cannot be told from a text or from members beside it, and
    /// whoever sent it could have chosen between them.
    Message,
    /// It answers a call of ours, so that nobody but the answerer chose: objects of plain values without `;` are believed, and names with
    /// capital letters in either order.
    Answer,
}

/// Tries every salt and every reading, comparing decoded bytes in constant time.
pub(crate) fn verify(pairs: &Pairs<'_>, salts: &[Secret], signature: &str) -> Verdict {
    verify_from(Source::Message, pairs, salts, signature)
}

/// The same, of something that comes from there.
pub(crate) fn verify_from(source: Source, pairs: &Pairs<'_>, salts: &[Secret], signature: &str) -> Verdict {
    let mut given = [0_u8; 20];
    if hex::decode_to_slice(signature, &mut given).is_err() {
        return Verdict::Fails;
    }
    let lowered = readings(pairs).into_iter().map(|reading| Reading { names: Names::Lowered, ..reading });
    let lowered = lowered.filter(|_| source == Source::Answer && has_capitals(pairs));
    for reading in readings(pairs).into_iter().chain(lowered) {
        let hashed = hashed(pairs, reading);
        if salts.iter().any(|salt| digest(&hashed, salt).ct_eq(&given).into()) {
            let one = reads_as_one(pairs, reading, source);
            return if one { Verdict::Holds(reading) } else { Verdict::TwoReadings };
        }
    }
    Verdict::Fails
}

fn has_capitals(pairs: &Pairs<'_>) -> bool {
    pairs.iter().any(|(name, _)| name.chars().any(char::is_uppercase))
}

/// Whether the signed text splits back into exactly these parameters.
pub(crate) fn has_one_reading(pairs: &Pairs<'_>, reading: Reading) -> bool {
    reads_as_one(pairs, reading, Source::Message)
}

fn reads_as_one(pairs: &Pairs<'_>, reading: Reading, source: Source) -> bool {
    let plain = |value: &Value<'_>| {
        !has_members(value) && value_text(value, reading).is_none_or(|text| !looks_like_more(&text))
    };
    pairs.iter().filter(|(name, _)| *name != SIGNATURE).all(|(_, value)| match (value, source) {
        (Value::Object(members), Source::Answer) => members.iter().all(|(_, value)| is_harmless_inside(value)),
        (value, Source::Message | Source::Answer) => plain(value),
    })
}

/// Whether a member of an object is a plain value that could not begin another member.
fn is_harmless_inside(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => !text.contains(';'),
        Value::Number(_) | Value::Bool(_) | Value::Null => true,
        Value::List(_) | Value::Object(_) => false,
    }
}

/// Whether an object with members is in it: written out, it cannot be told from a text.
fn has_members(value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => false,
        Value::List(items) => items.iter().any(has_members),
        Value::Object(members) => !members.is_empty(),
    }
}

/// Whether a value's text holds what would start another parameter: `;name:`. Such a text can be signed by nobody.
pub fn looks_like_more(text: &str) -> bool {
    text.split(';').skip(1).any(|after| after.split_once(':').is_some_and(|(name, _)| super::pairs::is_name(name)))
}
