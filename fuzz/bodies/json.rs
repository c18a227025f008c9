//! Bytes as JSON: read as the oracle reads them, and what they say is what is signed.

use super::bench::message;
use super::form::signature_of;
use super::oracle::{self, Way};
use super::signing::{judge, signed, with};

const TYPE: Option<&str> = Some("application/json");

/// The target.
pub fn run(data: &[u8]) {
    let members = oracle::json::parse(data);
    judge(&message(TYPE, "", data), members.as_ref());
    let Some(members) = members.filter(|members| members.iter().all(|(name, _)| name != "signature")) else { return };
    let has_site = members.iter().any(|(name, _)| name == "site_id");
    let whole = if has_site { members.clone() } else { with(&members, "site_id", "332") };
    // Signed in each way that can matter for it, the last one that is good at the Cashier first.
    for way in [Way(0), Way(3), Way(4), Way(8), Way(13)] {
        let signature = signature_of(&signed(&whole, way));
        let text = std::str::from_utf8(data).expect("the oracle has read it");
        let text = text.trim_end_matches([' ', '\t', '\n', '\r']).strip_suffix('}').expect("an object ends so");
        let comma = if members.is_empty() { "" } else { "," };
        let site = if has_site { "" } else { r#""site_id":"332","# };
        let body = format!("{text}{comma}{site}\"signature\":\"{signature}\"}}");
        judge(&message(TYPE, "", body.as_bytes()), oracle::json::parse(body.as_bytes()).as_ref());
    }
}
