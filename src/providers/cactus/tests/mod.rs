//! The dialect against the published facts, and what is refused.

mod deposits;
mod desk;
mod notices;
mod payouts;
mod settings;
mod vectors;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value as Json, json};

use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::providers::Call;
use crate::providers::signed::pairs::{DEEPEST_MESSAGE, json as read_json};
use crate::providers::signed::signature::sign;
use crate::sections::{Notes, parse_toml};

/// The manual's.
const SALT: &str = "test_salt";

/// The manual's merchant, with more lines in its section.
fn cactus_with(lines: &str) -> Cactus {
    let notes = Notes::default();
    let cactus = noted(lines, &notes);
    let problems = notes.into_problems();
    assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
    cactus
}

fn noted(lines: &str, notes: &Notes) -> Cactus {
    let toml = format!("{lines}\n");
    let has = |key: &str| lines.lines().any(|line| line.starts_with(key));
    let merchant = if has("merchant_id") { "" } else { "merchant_id = \"merch_id\"\n" };
    let salts = if has("salts") { "" } else { "salts = [\"test_salt\"]\n" };
    let table = parse_toml(&format!("{merchant}{salts}{toml}")).expect("TOML");
    let site = SiteFacts {
        site: SITE,
        currencies: ["KZT", "USD"].iter().map(|code| Currency::parse(code).unwrap()).collect(),
        public_url: None,
    };
    let mut cactus = Cactus::default();
    cactus.add_site(Section::new("sites.demo.cactus", table, notes), &site);
    cactus
}

fn cactus() -> Cactus {
    cactus_with("")
}

const SITE: SiteId = SiteId(21);
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn amount() -> Money {
    Money::new(900_000, Currency::parse("KZT").unwrap()).unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn payout(rail: &str, details: &[(&str, &str)]) -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse("request_id123").unwrap(),
        site: SITE,
        login: Login::parse("user_login").unwrap(),
        amount: amount(),
        purse: None,
        rail: Some(rail.to_owned()),
        details: texts(details),
        optional: Vec::new(),
    }
}

fn deposit(rail: Option<&str>, details: &[(&str, &str)]) -> DepositOrder {
    DepositOrder {
        external_id: ExternalId::parse("request_id123").unwrap(),
        site: SITE,
        login: Login::parse("user_login").unwrap(),
        amount: amount(),
        rail: rail.map(str::to_owned),
        details: texts(details),
        optional: Vec::new(),
        customer_ip: PEER,
        return_urls: [None, None],
    }
}

fn open_order(direction: Direction) -> OpenOrder {
    OpenOrder {
        external_id: ExternalId::parse("request_id123").unwrap(),
        site: SITE,
        login: Login::parse("user_login").unwrap(),
        amount: amount(),
        direction,
        rail: Some("card".to_owned()),
        facts: Texts::new(),
        about: None,
    }
}

/// The request that a step asks for.
#[track_caller]
fn called<T: std::fmt::Debug>(step: Result<Step<T>, Error>) -> Call {
    match step {
        Ok(Step::Call(call)) => *call,
        other => panic!("no call: {other:?}"),
    }
}

/// What a step came to.
#[track_caller]
fn done<T: std::fmt::Debug>(step: Result<Step<T>, Error>) -> T {
    match step {
        Ok(Step::Done(done)) => done,
        other => panic!("not done: {other:?}"),
    }
}

fn body(call: &Call) -> Json {
    serde_json::from_slice(&call.body).expect("JSON")
}

/// The members with the signature of this salt, as JSON.
fn signed_with(members: Json, salt: &str) -> String {
    let text = members.to_string();
    let pairs = Pairs::new(read_json(&text, DEEPEST_MESSAGE).unwrap()).unwrap();
    let mut members: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
    members.insert("signature".into(), sign(&pairs, &Secret::new(salt)).into());
    json!(members).to_string()
}

fn signed(members: Json) -> String {
    signed_with(members, SALT)
}

/// The object with other members; `null` takes one away.
fn with(mut members: Json, changes: &[(&str, Json)]) -> Json {
    for (name, value) in changes {
        let all = members.as_object_mut().expect("an object");
        match value {
            Json::Null => drop(all.remove(*name)),
            value => drop(all.insert((*name).to_owned(), value.clone())),
        }
    }
    members
}

fn reply(text: impl Into<String>) -> Reply {
    Reply::new(200, text.into())
}
