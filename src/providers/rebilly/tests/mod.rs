//! What the dialect promises, one file per promise.

mod accounts;
mod deposit_ends;
mod deposits;
mod desk;
mod notices;
mod payout_ends;
mod payouts;
mod reading;
mod vectors;

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::ids::ExternalId;
use crate::money::Money;
use crate::sections::{Notes, Problem, parse_toml};

const SITE: SiteId = SiteId(332);
const ORDER: &str = "0192f0c1a2b37c3d8e4f5a6b7c8d9e0f";
const TOKEN: &str = "a-token-that-nobody-can-guess-1";
const HOME: &str = "https://api-sandbox.rebilly.com/organizations/org_1";

/// The section of a site that is in order, with `lines` in the place of its own.
fn section(lines: &str) -> String {
    let usual = [
        ("organization_id", "\"org_1\""),
        ("website_id", "\"web_1\""),
        ("api_key", "\"sk_sandbox_a-key-of-the-tests-0001\""),
        ("url", "\"https://api-sandbox.rebilly.com\""),
        ("webhook_user", "\"rebilly\""),
        ("webhook_password", "\"superman\""),
        ("notification_token", "\"a-token-that-nobody-can-guess-1\""),
    ];
    let given = |name: &str| lines.lines().any(|line| line.split('=').next().is_some_and(|key| key.trim() == name));
    let usual = usual.iter().filter(|(name, _)| !given(name)).map(|(name, value)| format!("{name} = {value}\n"));
    usual.collect::<String>() + lines
}

/// The provider with these lines in its section, and what is wrong with them.
fn read_with(lines: &str, public_url: Option<&str>) -> (Rebilly, Vec<Problem>) {
    let (mut rebilly, notes) = (Rebilly::default(), Notes::default());
    let table = parse_toml(&section(lines)).expect("TOML");
    let usd = Currency::parse("USD").unwrap();
    let public_url = public_url.map(|url| url::Url::parse(url).unwrap());
    let facts = SiteFacts { site: SITE, currencies: vec![usd], public_url };
    rebilly.add_site(Section::new("sites.demo.rebilly", table, &notes), &facts);
    (rebilly, notes.into_problems())
}

fn rebilly(lines: &str) -> Rebilly {
    let (rebilly, problems) = read_with(lines, Some("https://casino.example/pay/"));
    let errors: Vec<_> = problems.into_iter().filter(Problem::is_error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    rebilly
}

fn money(text: &str, code: &str) -> Money {
    Money::parse_major(text, Currency::parse(code).unwrap()).unwrap()
}

fn payout_order() -> PayoutOrder {
    PayoutOrder {
        external_id: ExternalId::parse(ORDER).unwrap(),
        site: SITE,
        login: Login::parse("alice").unwrap(),
        amount: money("100", "USD"),
        purse: None,
        rail: None,
        details: Texts::new(),
        optional: Vec::new(),
    }
}

fn deposit_order() -> DepositOrder {
    DepositOrder {
        external_id: ExternalId::parse(ORDER).unwrap(),
        site: SITE,
        login: Login::parse("alice").unwrap(),
        amount: money("100", "USD"),
        rail: None,
        details: Texts::new(),
        optional: Vec::new(),
        customer_ip: IpAddr::from([203, 0, 113, 9]),
        return_urls: [Some("https://casino.example/done".to_owned()), None],
    }
}

fn open_order(direction: Direction, facts: &[(&str, &str)], about: Option<&str>) -> OpenOrder {
    OpenOrder {
        external_id: ExternalId::parse(ORDER).unwrap(),
        site: SITE,
        login: Login::parse("alice").unwrap(),
        amount: money("100", "USD"),
        direction,
        rail: None,
        facts: facts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        about: about.map(str::to_owned),
    }
}

/// What was asked: `PUT /payout-requests/… {body}`.
fn told(call: &crate::providers::Call) -> String {
    assert_eq!(call.headers.len(), 1, "only the key");
    assert_eq!((call.headers[0].0, call.headers[0].1.expose()), ("REB-APIKEY", "sk_sandbox_a-key-of-the-tests-0001"));
    let path = call.url.as_str().strip_prefix(HOME).unwrap_or_else(|| panic!("{}", call.url));
    let body = std::str::from_utf8(&call.body).unwrap();
    format!("{:?} {path} {body}", call.verb).trim().to_owned()
}

/// Plays the answers one after the other. Gives what was asked, and what came of it.
fn play<T>(
    answers: &[(u16, Value)],
    mut next: impl FnMut(&[Reply]) -> Result<Step<T>, Error>,
) -> (Vec<String>, Result<T, Error>) {
    let (mut replies, mut asked) = (Vec::new(), Vec::new());
    loop {
        match next(&replies) {
            Err(error) => return (asked, Err(error)),
            Ok(Step::Done(done)) => return (asked, Ok(done)),
            Ok(Step::Call(call) | Step::Prepare(call)) => {
                asked.push(told(&call));
                let (status, body) = answers.get(replies.len()).unwrap_or_else(|| panic!("nobody answers {asked:?}"));
                let body = if body.is_null() { String::new() } else { digits(body) };
                replies.push(Reply::new(*status, body));
            }
        }
    }
}

/// JSON in which every text of the form `#100.00` is that number, with all its digits.
fn digits(value: &Value) -> String {
    let text = value.to_string();
    let mut parts = text.split("\"#");
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('"').expect("a closed number");
        written.push_str(number);
        written.push_str(rest);
    }
    written
}

fn problem(status: u16) -> (u16, Value) {
    let wrong = json!([{"field": "currency", "message": "is not supported"}]);
    (status, json!({"type": "about:blank", "title": "Not so", "status": status, "invalidFields": wrong}))
}

/// A payout request as Rebilly shows it.
fn request(status: &str) -> Value {
    json!({"id": ORDER, "websiteId": "web_1", "customerId": "alice", "currency": "USD", "amount": "#100.00",
        "availableAmount": "#0", "status": status, "blocked": false, "blockReason": null, "allocations": [],
        "splitFromPayoutRequestId": null, "cancellationReason": null, "updatedTime": "2026-08-21T13:19:42Z",
        "surprise": {"new": [1, 2]}})
}

/// One with a member changed.
fn with(mut thing: Value, name: &str, value: Value) -> Value {
    thing[name] = value;
    thing
}

fn allocation(id: &str, status: &str, amount: &str, transaction: &str) -> Value {
    let transaction = if transaction.is_empty() { Value::Null } else { transaction.into() };
    json!({"id": id, "payoutRequestId": ORDER, "amount": format!("#{amount}"), "currency": "USD", "status": status,
        "transactionId": transaction})
}

/// A transaction as Rebilly shows it.
fn transaction(id: &str, kind: &str, status: &str, result: &str) -> Value {
    let is_credit = kind == "credit";
    json!({"id": id, "websiteId": "web_1", "customerId": "alice", "type": kind, "status": status, "result": result,
        "amount": "#100.00", "currency": "USD", "hasAmountAdjustment": false, "isDisputed": false, "disputeStatus": null,
        "depositRequestId": if is_credit { Value::Null } else { "dep_req_1".into() },
        "payoutRequestId": if is_credit { ORDER.into() } else { Value::Null }, "revision": 3})
}

/// Where Rebilly reports this order's transactions.
fn notification_url() -> String {
    format!("https://casino.example/pay/cashier/webhook/rebilly/notification/{TOKEN}/{{id}}/{{result}}/{ORDER}")
}

/// A deposit request as Rebilly shows it.
fn deposit_request(status: &str, transactions: &[&str]) -> Value {
    json!({"id": "dep_req_1", "websiteId": "web_1", "customerId": "alice", "currency": "USD", "amounts": ["#100.00"],
        "status": status, "transactionIds": transactions, "notificationUrl": notification_url(), "cashierToken": "a-jwt",
        "_links": [{"rel": "self", "href": "https://x"}, {"rel": "deposit", "href": "https://portal.example/deposit/1"}]})
}

/// A 429 with these headers.
fn headers(given: &[(&'static str, &str)]) -> Reply {
    let mut reply = Reply::new(429, "");
    for (name, value) in given {
        reply.headers.insert(*name, value.parse().unwrap());
    }
    reply
}
