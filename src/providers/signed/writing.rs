//! What we sign ourselves: signed, and written as JSON or as a form. What would sign two readings is not written (threats R2).

use std::borrow::Cow;

use super::pairs::{Members, Pairs, Value};
use super::signature::{SIGNATURE, looks_like_more, sign};
use crate::error::Error;
use crate::secret::Secret;

/// The members with their signature, sorted by name: the same bytes for the same members.
///
/// # Errors
///
/// `Internal` without a salt, or with a name twice.
pub(crate) fn signed<'a>(mut members: Members<'a>, salts: &[Secret]) -> Result<Pairs<'a>, Error> {
    let salt = salts.first().ok_or_else(|| Error::Internal("a site has no salt to sign with".to_owned()))?;
    let twice = |_| Error::Internal("a request with the same field twice".to_owned());
    let pairs = Pairs::new(members.clone()).map_err(twice)?;
    members.push((SIGNATURE.into(), Value::Text(Cow::Owned(sign(&pairs, salt)))));
    Pairs::new(members).map_err(twice)
}

/// A text that something hangs on cannot be rewritten: what would sign two readings is refused.
///
/// # Errors
///
/// `Invalid` with `name`.
pub(crate) fn unambiguous<'a>(name: &'static str, text: &'a str) -> Result<Value<'a>, Error> {
    if looks_like_more(text) || text.chars().any(char::is_control) {
        return Err(Error::Invalid(name));
    }
    Ok(Value::Text(Cow::Borrowed(text)))
}

/// Text for people may be rewritten so that the signed text has one reading.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let no_control = text.replace(char::is_control, " ");
    if looks_like_more(&no_control) { Cow::Owned(no_control.replace(';', ",")) } else { Cow::Owned(no_control) }
}

/// A JSON object, by name; numbers as they were written.
pub(crate) fn as_json(pairs: &Pairs<'_>) -> String {
    object(pairs.members())
}

fn object(members: &[(Cow<'_, str>, Value<'_>)]) -> String {
    let member = |(name, value): &(Cow<'_, str>, Value<'_>)| format!("{}:{}", quoted(name), json_of(value));
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

fn json_of(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(text) => text.clone().into_owned(),
        Value::Bool(bit) => bit.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(json_of).collect::<Vec<_>>().join(",")),
        Value::Object(members) => object(members),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A form, or a query. It holds texts and numbers only.
pub(crate) fn as_form(pairs: &Pairs<'_>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs.iter().map(|(name, value)| (name, scalar_of(value))));
    form.finish()
}

fn scalar_of<'v>(value: &'v Value<'_>) -> &'v str {
    match value {
        Value::Text(text) | Value::Number(text) => text,
        Value::Bool(_) | Value::Null | Value::List(_) | Value::Object(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::{DEEPEST_MESSAGE, json};
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = r#"{"amount":1.50,"inner":{"b":"x:y","a":"\"q\""},"list":[1,"a",null,true],"name":"Вася\n"}"#;
        let pairs = Pairs::new(json(text, DEEPEST_MESSAGE).unwrap()).unwrap();

        assert_eq!(as_json(&pairs), text);
    }

    #[test]
    fn a_request_is_signed_with_the_first_salt_and_with_no_name_twice() {
        let members = || vec![("a".into(), Value::Text("1".into()))];
        let salts = [Secret::new("first"), Secret::new("second")];

        let signed_pairs = signed(members(), &salts).unwrap();
        let alone = sign(&Pairs::new(members()).unwrap(), &salts[0]);
        assert_eq!(signed_pairs.get("signature"), Some(&Value::Text(alone.into())));
        assert!(matches!(signed(members(), &[]), Err(Error::Internal(_))));
        assert!(signed([members(), members()].concat(), &salts).is_err());
    }
}
