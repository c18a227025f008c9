//! A whole request: the first line is its content type (`-` for none), the second its query, the rest its body. It goes through the pure
//! path of the Cashier's two doors, from bytes to a question or a refusal, first as it is, and then with a right signature in it.

use super::bench::message;
use super::form::signature_of;
use super::oracle::{self, Members, Way};
use super::signing::{judge, signed};

/// The target.
pub fn run(data: &[u8]) {
    let (first, rest) = line(data);
    let (second, body) = line(rest);
    let (Ok(content_type), Ok(query)) = (std::str::from_utf8(first), std::str::from_utf8(second)) else { return };
    let content_type = Some(content_type).filter(|text| *text != "-");
    let members = read(content_type, query, body);
    judge(&message(content_type, query, body), members.as_ref());

    let unsigned = members.filter(|members| members.iter().all(|(name, _)| name != "signature"));
    let Some(members) = unsigned else { return };
    let signature = signature_of(&signed(&members, Way(0)));
    let is_json = body.trim_ascii_start().starts_with(b"{") && oracle::json::parse(body).is_some();
    let mut signed_query = query.to_owned();
    let mut signed_body = body.to_vec();
    if body.is_empty() {
        signed_query.push_str(&format!("&signature={signature}"));
    } else if is_json {
        signed_body.truncate(body.iter().rposition(|byte| *byte == b'}').expect("an object ends so"));
        let comma = if members.is_empty() { "" } else { "," };
        signed_body.extend(format!("{comma}\"signature\":\"{signature}\"}}").bytes());
    } else {
        signed_body.extend(format!("&signature={signature}").bytes());
    }
    let members = read(content_type, &signed_query, &signed_body);
    judge(&message(content_type, &signed_query, &signed_body), members.as_ref());
}

fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&[], data),
    }
}

/// One source: the body, or the query when there is no body (threats PAR-6, PAR-7).
fn read(content_type: Option<&str>, query: &str, body: &[u8]) -> Option<Members> {
    if body.is_empty() {
        return Some(query).filter(|query| !query.is_empty()).and_then(|query| oracle::form::parse(query.as_bytes()));
    }
    if !query.is_empty() {
        return None;
    }
    let is_marked = body.starts_with(b"\xef\xbb\xbf") || body.starts_with(b"\xfe\xff") || body.starts_with(b"\xff\xfe");
    match kind(content_type, body).filter(|_| !is_marked)? {
        Kind::Json => oracle::json::parse(body),
        Kind::Form => oracle::form::parse(body),
    }
}

enum Kind {
    Json,
    Form,
}

fn kind(content_type: Option<&str>, body: &[u8]) -> Option<Kind> {
    let Some(content_type) = content_type else {
        return match body.iter().find(|byte| !byte.is_ascii_whitespace())? {
            b'{' => Some(Kind::Json),
            b'%' | b'&' | b'_' => Some(Kind::Form),
            byte if byte.is_ascii_alphanumeric() || *byte >= 128 => Some(Kind::Form),
            _ => None,
        };
    };
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next()?;
    let is_good = |part: String| match part.split_once('=') {
        Some((name, value)) => name.trim() == "charset" && matches!(value.trim().trim_matches('"'), "utf-8" | "utf8"),
        None => part.is_empty(),
    };
    if !parts.all(is_good) {
        return None;
    }
    match name.as_str() {
        "application/json" => Some(Kind::Json),
        "application/x-www-form-urlencoded" => Some(Kind::Form),
        _ => None,
    }
}
