//! Signatures against the oracle: bytes make a set of parameters, hostile ones among them, and choose who signs it and how. The crate and
//! the oracle must agree on every one. What the crate signs itself must have one reading too.

use croupier::ids::{ExternalId, Login};
use croupier::money::{Currency, Money};
use croupier::providers::PayoutOrder;
use croupier::providers::carouseller::Encoding;

use super::bench::{CACTUS_SALT, OTHER_SALT, SALTS, SITE, message, providers};
use super::oracle::{self, Members, Value, Way};
use super::signing::{judge, with};

/// What values are made of, so that few bytes say much: what the signed text is made of, what JSON and forms are made of, blanks.
const LETTERS: [&str; 32] = [
    ";", ":", ";a:", ";b:1", "a", "b", "c", "1", "0", "_", " ", "\t", "\u{1c}", "\u{2003}", "=", "&", "%", "+", "\"",
    "\\", "{", "}", "[", "]", ",", "A", "é", "\u{301}", "\n", "\0", "True", "None",
];
const NAMES: [&str; 16] = [
    "a",
    "b",
    "c",
    "ab",
    "a_b",
    "a1",
    "amount",
    "currency",
    "external_id",
    "site_login",
    "status_id",
    "type_id",
    "transaction_id",
    "note",
    "groups",
    "customer_purse",
];

/// The target.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    if bytes.next() % 8 == 7 {
        return writes(&mut bytes);
    }
    let choice = (bytes.next(), Way(bytes.next() % oracle::WAYS));
    let mut members = vec![("site_id".to_owned(), Value::Number("332".to_owned()))];
    for _ in 0..bytes.next() % 8 {
        let name = NAMES[usize::from(bytes.next()) % NAMES.len()];
        let value = bytes.value(3);
        if members.iter().all(|(known, _)| known != name) {
            members.push((name.to_owned(), value));
        }
    }
    let members = with(&members, "signature", &claim(choice, &members));
    let body = json_of(&Value::Object(members.clone()), &mut bytes);
    judge(&message(Some("application/json"), "", body.as_bytes()), Some(&members));
}

/// What stands in the place of the signature.
fn claim((who, way): (u8, Way), members: &Members) -> String {
    let own = |salt: &str| oracle::signature(members, way, salt);
    match who % 10 {
        0 | 1 => own(SALTS[0]),
        2 => own(SALTS[1]),
        3 => own(SALTS[0]).to_uppercase(),
        4 => own(OTHER_SALT),
        5 => own(CACTUS_SALT),
        6 => own(&format!("{} ", SALTS[0])),
        7 => own(SALTS[0])[..38].to_owned(),
        8 => format!(" {}", own(SALTS[0])),
        // One digit of it is another one.
        _ => {
            let mut digits = own(SALTS[0]).into_bytes();
            let at = usize::from(who / 10) % digits.len();
            digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
            String::from_utf8(digits).expect("hex digits")
        }
    }
}

/// An order of ours with hostile texts: refused, or written so that it can be read in one way, and signed.
fn writes(bytes: &mut Bytes<'_>) {
    let login = bytes.text();
    let Ok(login) = Login::parse(&login) else { return };
    let names = ["first_name", "last_name", "comment", "birthdate", "bank", "amount", "signature"];
    let minor = 1 + i64::from(bytes.next()) * 1_000_003;
    let order = PayoutOrder {
        external_id: ExternalId::parse("0198c0ffee").expect("an id"),
        site: SITE,
        login,
        amount: Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("an amount"),
        purse: Some(bytes.text()).filter(|text| !text.is_empty()),
        rail: None,
        details: Default::default(),
        optional: names.iter().map(|name| ((*name).to_owned(), bytes.text())).collect(),
    };
    for encoding in [Encoding::Json, Encoding::Form] {
        let Ok(body) = providers().carouseller.initiation(&order, encoding) else { continue };
        let members = match encoding {
            Encoding::Json => oracle::json::parse(&body),
            Encoding::Form => oracle::form::parse(&body),
        };
        let members = members.filter(oracle::is_one_set).expect("what we write can be read");
        let given = oracle::scalar(&members, "signature").expect("it is signed");
        assert_eq!(oracle::believes(&members, &SALTS[..1], given), Some(true), "{members:?}");
        assert_eq!(oracle::scalar(&members, "site_login"), Some(order.login.as_str()));
        assert_eq!(oracle::scalar(&members, "amount"), Some(minor.to_string().as_str()));
    }
}

/// Bytes, one after the other; zeros behind the last one.
struct Bytes<'d>(&'d [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn text(&mut self) -> String {
        (0..self.next() % 12).map(|_| LETTERS[usize::from(self.next()) % LETTERS.len()]).collect()
    }

    /// A value with at most so many levels of lists and objects in it.
    fn value(&mut self, levels: u8) -> Value {
        match self.next() % 10 {
            0..=4 => Value::Text(self.text()),
            5 => Value::Number(
                ["0", "1", "-0", "20.50", "1e3", "12345678901234567890"][usize::from(self.next()) % 6].to_owned(),
            ),
            6 => Value::Bool(self.next().is_multiple_of(2)),
            7 => Value::Null,
            8 if levels > 0 => Value::List((0..self.next() % 4).map(|_| self.value(levels - 1)).collect()),
            9 if levels > 0 => {
                let mut members = Members::new();
                for _ in 0..self.next() % 3 {
                    let name = self.text();
                    let value = self.value(levels - 1);
                    if members.iter().all(|(known, _)| *known != name) {
                        members.push((name, value));
                    }
                }
                Value::Object(members)
            }
            _ => Value::Text(String::new()),
        }
    }
}

/// JSON with escapes where the bytes want them.
fn json_of(value: &Value, bytes: &mut Bytes<'_>) -> String {
    match value {
        Value::Text(text) => quoted(text, bytes),
        Value::Number(text) => text.clone(),
        Value::Bool(bit) => bit.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| json_of(item, bytes)).collect();
            format!("[{}]", items.join(" ,"))
        }
        Value::Object(members) => {
            let mut parts = Vec::new();
            for (name, value) in members {
                let name = quoted(name, bytes);
                parts.push(format!("{name}: {}", json_of(value, bytes)));
            }
            format!("{{{}}}", parts.join(","))
        }
    }
}

fn quoted(text: &str, bytes: &mut Bytes<'_>) -> String {
    let escape_all = bytes.next() % 4 == 1;
    let mut out = String::from("\"");
    for c in text.chars() {
        if escape_all || c < ' ' || c == '"' || c == '\\' {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}
