//! What the dialect promises, one file per promise.

mod answers;
mod direct;
mod explanations;
mod initiations;
mod notifications;
mod properties;
mod questions;
mod reading;
mod status;
mod vectors;

use serde_json::{Map, Value, json};

use super::pairs::{DEEPEST_MESSAGE, Pairs, json as members};
use super::signature::sign;
use super::*;
use crate::providers::{Provider, SiteFacts};
use crate::sections::{Notes, Problem, Section, parse_toml};

const SITE: i64 = 332;
const NO_PEER: &str = "203.0.113.9";
const CASHIER: &str = "198.51.100.7";

fn salt() -> Secret {
    Secret::new("test_salt")
}

fn site() -> SiteWire {
    SiteWire {
        site: SiteId(SITE),
        salts: vec![salt(), Secret::new("the salt before")],
        allow_from: Vec::new(),
        currencies: ["USD", "GBP"].map(|code| Currency::parse(code).unwrap()).to_vec(),
        accept_unsigned: false,
    }
}

fn listed_site() -> SiteWire {
    SiteWire { allow_from: vec!["198.51.100.0/24".parse().unwrap()], ..site() }
}

/// A message under change: set a member, take one out, sign it, dress it.
#[derive(Clone)]
struct Message(Map<String, Value>);

impl Message {
    fn deposit() -> Self {
        Self::of(json!({"action": "check_deposit", "site_id": SITE, "site_login": "user_test", "amount": 10000,
            "currency": "USD", "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444",
            "customer_ip": "127.0.0.1", "source_type": 4, "transaction_id": "1234567890"}))
    }

    fn payout() -> Self {
        Self::of(json!({"action": "request_payout", "site_id": SITE, "site_login": "user_test", "amount": 10000,
            "currency": "GBP", "payment_group_id": 6, "customer_purse": "555555...4444",
            "remember_customer_purse": 0}))
    }

    fn news(type_id: i64, status_id: i64) -> Self {
        Self::of(json!({"site_id": SITE, "external_id": "order_1", "site_login": "user_test", "amount": 10000,
            "currency": "USD", "type_id": type_id, "status_id": status_id, "transaction_id": 123456789,
            "processor_message": "Success", "real_amount": 10000, "real_currency": "USD"}))
    }

    fn of(members: Value) -> Self {
        Self(members.as_object().unwrap().clone())
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    fn json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    fn signed(self) -> Self {
        self.signed_with(&salt())
    }

    fn signed_with(self, salt: &Secret) -> Self {
        let text = self.json();
        let signature = sign(&Pairs::new(members(&text, DEEPEST_MESSAGE).unwrap()).unwrap(), salt);
        self.with("signature", signature)
    }

    fn form(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.0.iter().map(|(name, value)| (name, text(value))));
        form.finish()
    }
}

fn raw<'a>(content_type: Option<&'a str>, body: &'a [u8]) -> RawRequest<'a> {
    RawRequest::plain(content_type, "", body, NO_PEER.parse().unwrap())
}

fn json_body(body: &str) -> RawRequest<'_> {
    raw(Some("application/json"), body.as_bytes())
}

fn form_body(body: &str) -> RawRequest<'_> {
    raw(Some("application/x-www-form-urlencoded"), body.as_bytes())
}

fn ask(message: &Message) -> Result<Question, ReadError> {
    Carouseller::new([site()]).read_question(&json_body(&message.json()))
}

fn tell(message: &Message) -> Result<Notification, ReadError> {
    Carouseller::new([site()]).read_notification(&json_body(&message.json()))
}

/// The dialect with an account whose section has these lines besides the salts, and what is wrong with it.
fn with_account(lines: &str) -> (Carouseller, Vec<Problem>) {
    let notes = Notes::default();
    let table = parse_toml(&format!("salts = [\"test_salt\", \"the salt before\"]\n{lines}")).unwrap();
    let currencies = ["USD", "JPY", "KWD", "CLP"].map(|code| Currency::parse(code).unwrap()).to_vec();
    let facts = SiteFacts { site: SiteId(SITE), currencies, public_url: None };
    let mut dialect = Carouseller::default();
    dialect.add_site(Section::new("sites.demo.carouseller", table, &notes), &facts);
    (dialect, notes.into_problems())
}
