//! What the driver promises, without a network.

mod desk;
mod notices;
mod orders;
mod settings;
mod status;
mod vectors;

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value as Json;

use super::*;
use crate::ids::{ExternalId, Login};
use crate::money::Money;
use crate::providers::News;
use crate::sections::{Notes, Problem, parse_toml};

const SITE: SiteId = SiteId(332);
const KEY: &str = "k3y_live_01";
const TOKEN: &str = "a-token-that-nobody-guesses";
const ID: &str = "0198c0de000070008000000000000001";

/// A section that is in order.
const GOOD: &str = "merchant = \"m1\"\nsign_keys = [\"k3y_live_01\"]\napi_key = \"an-api-key-of-these-tests\"\n\
                    url = \"https://exotic.example\"\ncallback_token = \"a-token-that-nobody-guesses\"\n";

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

fn facts() -> SiteFacts {
    SiteFacts {
        site: SITE,
        currencies: vec![currency("RUB"), currency("JPY")],
        public_url: Some("https://casino.example/".parse().expect("an address")),
    }
}

/// The driver with this section for one site, and what was noted.
fn read(section: &str, facts: &SiteFacts) -> (Exotic, Vec<Problem>) {
    let notes = Notes::default();
    let mut exotic = Exotic::default();
    let table = parse_toml(section).expect("TOML");
    exotic.add_site(Section::new("sites.demo.exotic", table, &notes), facts);
    (exotic, notes.into_problems())
}

/// The section in order, with these lines in the place of those of the same key.
fn with(lines: &str) -> String {
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let new: Vec<String> = lines.lines().map(key).collect();
    let kept = GOOD.lines().filter(|line| !new.contains(&key(line)));
    kept.chain(lines.lines()).collect::<Vec<_>>().join("\n")
}

fn exotic_with(lines: &str) -> Exotic {
    let (exotic, problems) = read(&with(lines), &facts());
    assert_eq!(problems, Vec::new());
    exotic
}

fn exotic() -> Exotic {
    exotic_with("")
}

fn texts(pairs: &[(&str, &str)]) -> Texts {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, currency(code)).expect("an amount")
}

fn payout(rail: &str, details: &[(&str, &str)]) -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("alice").expect("a login"),
        amount: money(150_000, "RUB"),
        purse: None,
        rail: Some(rail.to_owned()),
        details: texts(details),
        optional: Vec::new(),
    }
}

fn by_phone() -> PayoutOrder {
    payout("sbp", &[("phone_number", "79161234567"), ("bank_name", "Sberbank")])
}

fn deposit(rail: &str) -> DepositOrder {
    DepositOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("alice").expect("a login"),
        amount: money(30_000, "RUB"),
        rail: Some(rail.to_owned()),
        details: Texts::new(),
        optional: Vec::new(),
        customer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        return_urls: [None, None],
    }
}

fn asked(direction: Direction, facts: &[(&str, &str)]) -> OpenOrder {
    OpenOrder {
        external_id: ExternalId::parse(ID).expect("an id"),
        site: SITE,
        login: Login::parse("alice").expect("a login"),
        amount: money(150_000, "RUB"),
        direction,
        rail: Some("sbp".to_owned()),
        facts: texts(facts),
        about: None,
    }
}

#[track_caller]
fn wanted<T: std::fmt::Debug>(step: Step<T>) -> Call {
    match step {
        Step::Call(call) => *call,
        Step::Prepare(call) => panic!("a request that only prepares, to {}", call.url),
        Step::Done(done) => panic!("no request: {done:?}"),
    }
}

#[track_caller]
fn done<T>(step: Step<T>) -> T {
    match step {
        Step::Done(done) => done,
        Step::Call(call) | Step::Prepare(call) => panic!("a request to {}", call.url),
    }
}

fn body(call: &Call) -> Json {
    serde_json::from_slice(&call.body).expect("JSON")
}
