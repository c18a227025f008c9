//! What the driver promises, without a network.

mod notices;
mod orders;
mod settings;
mod status;

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value as Json;

use super::pairs::Pairs;
use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::providers::News;
use crate::sections::{Notes, Problem, parse_toml};

const SITE: SiteId = SiteId(332);
/// The salt of the vectors.
const SALT: &str = "test_salt";
const ID: &str = "1234512123124";

/// A section that is in order.
const GOOD: &str = "merchant_key = \"a-merchant-key-of-these-tests\"\nsalts = [\"test_salt\"]\n";

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

fn facts() -> SiteFacts {
    SiteFacts { site: SITE, currencies: vec![currency("USD")], public_url: None }
}

/// The driver with this section for one site, and what was noted.
fn read(section: &str) -> (Cabbagino, Vec<Problem>) {
    let notes = Notes::default();
    let mut cabbagino = Cabbagino::default();
    let table = parse_toml(section).expect("TOML");
    cabbagino.add_site(Section::new("sites.demo.cabbagino", table, &notes), &facts());
    (cabbagino, notes.into_problems())
}

/// The section in order, with these lines in the place of those of the same key.
fn with(lines: &str) -> String {
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let new: Vec<String> = lines.lines().map(key).collect();
    let kept = GOOD.lines().filter(|line| !new.contains(&key(line)));
    kept.chain(lines.lines()).collect::<Vec<_>>().join("\n")
}

fn cabbagino_with(lines: &str) -> Cabbagino {
    let (cabbagino, problems) = read(&with(lines));
    assert_eq!(problems, Vec::new());
    cabbagino
}

fn cabbagino() -> Cabbagino {
    cabbagino_with("")
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, currency(code)).expect("an amount")
}

const CARD: [(&str, &str); 4] =
    [("card_number", "4111111111111111"), ("card_holder", "John Doe"), ("exp_year", "2028"), ("exp_month", "06")];

fn profile() -> Vec<(String, String)> {
    [("country_code", "LV"), ("first_name", "Test"), ("last_name", "Test"), ("user_email", "x@example.com")]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .to_vec()
}

fn payout() -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("JohnDoe").expect("a login"),
        amount: money(2_000, "USD"),
        purse: None,
        rail: Some("TEST_PS".to_owned()),
        details: texts(&CARD),
        optional: profile(),
    }
}

fn deposit() -> DepositOrder {
    let mut details = texts(&CARD);
    details.insert("cvv".to_owned(), "123".to_owned());
    DepositOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("JohnDoe").expect("a login"),
        amount: money(2_000, "USD"),
        rail: Some("TEST_PS".to_owned()),
        details,
        optional: profile(),
        customer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        return_urls: [None, None],
    }
}

fn open_order(direction: Direction, facts: &[(&str, &str)]) -> OpenOrder {
    OpenOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("JohnDoe").expect("a login"),
        amount: money(2_000, "USD"),
        direction,
        rail: Some("TEST_PS".to_owned()),
        facts: texts(facts),
        about: None,
    }
}

#[track_caller]
fn wanted<T: std::fmt::Debug>(step: Step<T>) -> Call {
    match step {
        Step::Call(call) => *call,
        Step::Prepare(call) => panic!("a request that prepares: {}", call.url),
        Step::Done(done) => panic!("no request: {done:?}"),
    }
}

#[track_caller]
fn done<T>(step: Step<T>) -> T {
    match step {
        Step::Done(done) => done,
        Step::Prepare(call) | Step::Call(call) => panic!("a request to {}", call.url),
    }
}

fn body(call: &Call) -> Json {
    serde_json::from_slice(&call.body).expect("JSON")
}

/// The message with its signature.
fn signed_with(mut message: Json, salt: &str) -> Json {
    let text = message.to_string();
    let pairs = Pairs::new(pairs::json(&text, 16).expect("JSON")).expect("no name twice");
    message["signature"] = signature::sign(&pairs, &Secret::new(salt)).into();
    message
}

fn signed(message: Json) -> Json {
    signed_with(message, SALT)
}
