//! A form, read strictly.

use super::{Members, Value};

/// The fields in the order they came; `None`: it is no form, or could be read as two.
pub fn parse(bytes: &[u8]) -> Option<Members> {
    if bytes.starts_with(b"\xef\xbb\xbf") || bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\xff\xfe") {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut members = Members::new();
    for field in text.split('&') {
        if field.is_empty() {
            continue;
        }
        let (name, value) = match field.find('=') {
            Some(at) => (&field[..at], &field[at + 1..]),
            None => (field, ""),
        };
        members.push((decoded(name)?, Value::Text(decoded(value)?)));
    }
    Some(members)
}

fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
                out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                at += 2;
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}
