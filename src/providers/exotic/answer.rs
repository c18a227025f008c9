//! What Exotic says to a call, whatever it looks like.
//!
//! Source: protocol, "Errors" and open question 4: neither the shape of an error nor its HTTP code is documented, so several are read,
//! and only a text of the manual means what the manual says.

use super::pairs::{Pairs, Value, is_blank, json};
use crate::outgoing::Reply;
use crate::providers::purse::mask;

/// How deep an answer may be nested.
const DEEPEST_ANSWER: usize = 16;
/// The most characters of an answer that people are shown.
const LONGEST_SHOWN: usize = 300;

/// A call's answer.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// Done, with these members.
    Yes(Pairs<'a>),
    /// An error. Carries its text, for people.
    No(String),
    /// Neither. Carries why we cannot tell, for people.
    Unclear(String),
}

impl<'a> Answer<'a> {
    /// Reads an answer; `needed` is the member that every good one has, if one is documented.
    pub(super) fn read(reply: &'a Reply, needed: Option<&str>) -> Self {
        let unclear = |why: &str| Answer::Unclear(format!("HTTP status {}: {why}", reply.status));
        let good = (200..300).contains(&reply.status);
        // Too many, and no time: nobody has looked at the call, or somebody has and could not tell.
        let told_nothing = matches!(reply.status, 408 | 425 | 429);
        if !(good || (400..500).contains(&reply.status) && !told_nothing) {
            return unclear("it says nothing of what was done");
        }
        let Ok(text) = std::str::from_utf8(&reply.body) else { return unclear("the answer is not UTF-8") };
        let Ok(members) = json(text, DEEPEST_ANSWER) else {
            return bare(text).map_or_else(|| unclear("the answer is not one JSON object"), Answer::No);
        };
        let Ok(answer) = Pairs::new(members) else { return unclear("the answer names a member twice") };
        let has = |name: &str| answer.get(name).is_some_and(|value| !is_empty(value));
        let ok = match answer.get("ok") {
            Some(Value::Bool(ok)) => Some(*ok),
            Some(_) | None => None,
        };
        let complete = needed.is_none_or(&has);
        let error = shown(&answer);
        if good && ok != Some(false) && !has("error") && !has("errors") && complete {
            Answer::Yes(answer)
        } else if ok != Some(true) && !(needed.is_some() && complete) && !error.is_empty() {
            Answer::No(error)
        } else {
            unclear(&format!("neither a clear yes nor a clear no {error}"))
        }
    }
}

/// An error that is a text alone: a JSON string, or words without any dress.
fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    let quoted: Option<String> = serde_json::from_str(text).ok();
    let dressed = text.starts_with(['<', '{', '[', '"']);
    let words = quoted.or_else(|| (!dressed).then(|| text.to_owned()))?;
    (!is_blank(&words) && words.chars().count() <= LONGEST_SHOWN).then(|| cut(&words))
}

fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => is_blank(text),
        Value::Null | Value::Bool(false) => true,
        Value::Number(_) | Value::Bool(true) => false,
        Value::List(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The texts of an error, for people.
fn shown(answer: &Pairs<'_>) -> String {
    let mut texts = Vec::new();
    for name in ["error", "message", "detail", "errors"] {
        if let Some(value) = answer.get(name) {
            collect(value, &mut texts);
        }
    }
    cut(&texts.join(", "))
}

fn collect<'v>(value: &'v Value<'_>, texts: &mut Vec<&'v str>) {
    match value {
        Value::Text(text) if !is_blank(text) => texts.push(text.trim()),
        Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        Value::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.iter().for_each(|(_, value)| collect(value, texts)),
    }
}

/// Without control characters and card numbers, and not too long. What stands for a control character is no blank: two words that one parts
/// are not the two words of an error that is known ([`meaning`]).
pub(super) fn cut(text: &str) -> String {
    mask(&text.trim().replace(char::is_control, "\u{fffd}")).trim().chars().take(LONGEST_SHOWN).collect()
}

/// What an error means for the order that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Not made, and may be later with the same id: no capacity, no balance.
    NotNow,
    /// Not made, and will not be: the rail is not enabled.
    Never,
    /// Anything else: a repeated id may be our own order, and the manual calls its list incomplete.
    CannotTell,
}

/// Source: protocol, "Errors".
pub(super) fn meaning(error: &str) -> Meaning {
    let error = error.to_lowercase();
    let says = |words: &str| error.contains(words);
    if says("duplicate order") {
        Meaning::CannotTell
    } else if says("overloading requisite") || says("low balance") {
        Meaning::NotNow
    } else if says("this payment method is disabled") {
        Meaning::Never
    } else {
        Meaning::CannotTell
    }
}
