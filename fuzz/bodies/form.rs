//! Bytes as a form in the body, and as a query: read as the oracle reads them, and what they say is what is signed.

use super::bench::message;
use super::oracle::{self, Members, Way};
use super::signing::{judge, signed};

const TYPE: Option<&str> = Some("application/x-www-form-urlencoded");

/// The target.
pub fn run(data: &[u8]) {
    let members = oracle::form::parse(data).filter(|_| !data.is_empty());
    both(data, members.as_ref());
    let Some(members) = members.filter(|members| members.iter().all(|(name, _)| name != "signature")) else { return };
    let mut bytes = data.to_vec();
    let mut whole = members.clone();
    if members.iter().all(|(name, _)| name != "site_id") {
        add(&mut bytes, &mut whole, "site_id", "332");
    }
    let members = whole.clone();
    let signature = signature_of(&signed(&members, Way(0)));
    add(&mut bytes, &mut whole, "signature", &signature);
    both(&bytes, Some(&whole));
}

/// In the body, and in the query when it is text.
fn both(bytes: &[u8], members: Option<&Members>) {
    judge(&message(TYPE, "", bytes), members);
    if let Ok(query) = std::str::from_utf8(bytes) {
        // A mark of the byte order is no matter of a query: there it is part of a name, and no name has one.
        judge(&message(None, query, b""), members);
    }
}

fn add(bytes: &mut Vec<u8>, members: &mut Members, name: &str, text: &str) {
    bytes.extend(format!("&{name}={text}").bytes());
    members.push((name.to_owned(), oracle::Value::Text(text.to_owned())));
}

/// The signature among the members.
pub fn signature_of(members: &Members) -> String {
    oracle::scalar(members, "signature").expect("they are signed").to_owned()
}
