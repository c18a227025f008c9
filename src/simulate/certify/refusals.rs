//! What must be refused although the signature is right, with the words the Cashier may match.

use serde_json::{Value, json};

use super::Severity::{self, Critical, High, Medium};
use super::bench::{Bench, refused, refused_with};
use super::{Scenario, Stop};
use crate::simulate::Params;
use crate::simulate::messages::{with, without};

const SHAPE: &[&str] =
    &["Invalid parameter", "Invalid signature", "Missing parameter", "Invalid amount", "User not found"];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = fields();
    scenarios.extend(shapes());
    scenarios
}

fn fields() -> Vec<Scenario> {
    vec![
        refusal(High, "unknown-site", "another site_id is an unknown site", &["Unknown site"], |b| {
            with(b.deposit(), "site_id", 987_654_321)
        }),
        refusal(High, "missing-site", "site_id is required", &["Unknown site", "Missing parameter"], |b| {
            without(b.deposit(), "site_id")
        }),
        refusal(High, "unknown-action", "only the two questions are actions", &["Unknown action"], |b| {
            with(b.deposit(), "action", "steal_money")
        }),
        refusal(High, "missing-action", "action is required", &["Unknown action", "Missing parameter"], |b| {
            without(b.deposit(), "action")
        }),
        refusal(High, "initiation-sent-back", "a payout initiation is no question", &["Unknown action"], |b| {
            with(b.deposit(), "action", "payout")
        }),
        refusal(Medium, "unknown-player", "a player the merchant does not know is refused", &["User not found"], |b| {
            with(b.deposit(), "site_login", "nobody-of-this-name-9f3a")
        }),
        refusal(High, "missing-login", "site_login is required", &["Missing parameter"], |b| {
            without(b.deposit(), "site_login")
        }),
        refusal(High, "blank-login", "a blank site_login is a missing one", &["Missing parameter"], |b| {
            with(b.deposit(), "site_login", "   ")
        }),
        refusal(High, "missing-amount", "amount is required", &["Missing parameter", "Invalid amount"], |b| {
            without(b.deposit(), "amount")
        }),
        refusal(High, "missing-currency", "currency is required", &["Missing parameter"], |b| {
            without(b.deposit(), "currency")
        }),
        refusal(
            High,
            "unknown-currency",
            "a currency outside the standard is refused",
            &["Unsupported currency"],
            |b| with(b.deposit(), "currency", "ZZZ"),
        ),
        refusal(
            High,
            "other-currency",
            "a currency the site does not have is refused",
            &["Unsupported currency"],
            |b| with(b.deposit(), "currency", "XAU"),
        ),
        refusal(High, "payout-missing-purse", "request_payout needs customer_purse", &["Missing parameter"], |b| {
            without(b.payout(b.unit()), "customer_purse")
        }),
        refusal(
            Medium,
            "payout-unknown-player",
            "a payout to an unknown player is refused",
            &["User not found"],
            |b| with(b.payout(b.unit()), "site_login", "nobody-of-this-name-9f3a"),
        ),
    ]
}

fn shapes() -> Vec<Scenario> {
    vec![
        refusal(Medium, "login-too-long", "site_login has at most 128 characters", SHAPE, |b| {
            with(b.deposit(), "site_login", "x".repeat(129))
        }),
        refusal(High, "login-with-control-character", "identifiers hold no control characters", SHAPE, |b| {
            with(b.deposit(), "site_login", "user\u{0}test")
        }),
        refusal(High, "list-for-a-scalar", "a known field is never a list", SHAPE, |b| {
            with(b.deposit(), "currency", json!([b.subject().currency]))
        }),
        refusal(High, "object-for-a-scalar", "a known field is never an object", SHAPE, |b| {
            with(b.deposit(), "site_login", json!({"login": b.subject().login}))
        }),
        refusal(Medium, "true-for-a-scalar", "a known field is never true or false", SHAPE, |b| {
            with(b.deposit(), "site_login", Value::Bool(true))
        }),
        refusal(Medium, "null-for-a-scalar", "a known field is never null", SHAPE, |b| {
            with(b.deposit(), "site_login", Value::Null)
        }),
        Scenario::new(High, "name-outside-its-alphabet", "parameter names are of a-z, 0-9 and _", |b| {
            Box::pin(odd_name(b))
        }),
        Scenario::new(Medium, "too-many-parameters", "more than 100 parameters are refused", |b| {
            Box::pin(many_parameters(b))
        }),
        Scenario::new(Medium, "deep-nesting", "deeply nested JSON is refused at once", |b| Box::pin(deep(b))),
        Scenario::new(Critical, "payout-beyond-any-balance", "a payout of 10^15 is not approved", |b| {
            Box::pin(beyond(b))
        }),
    ]
}

fn refusal(
    severity: Severity,
    name: &'static str,
    promise: &'static str,
    first_words: &'static [&'static str],
    make: fn(&Bench) -> Params,
) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move { refused(&bench.ask(&make(bench)).await?, first_words) })
    })
}

async fn odd_name(bench: &Bench) -> Result<(), Stop> {
    for name in ["Extra", "ex tra", "ex:tra", "ex;tra"] {
        refused_with(&bench.ask(&with(bench.deposit(), name, "1")).await?, &[200, 400])?;
    }
    Ok(())
}

async fn many_parameters(bench: &Bench) -> Result<(), Stop> {
    let mut question = bench.deposit();
    for number in 0..120 {
        question = with(question, &format!("extra_{number}"), number);
    }
    refused_with(&bench.ask(&question).await?, &[200, 400])
}

async fn deep(bench: &Bench) -> Result<(), Stop> {
    let mut nested = json!(1);
    for _ in 0..100 {
        nested = json!([nested]);
    }
    refused_with(&bench.ask(&with(bench.deposit(), "extra", nested)).await?, &[200, 400])
}

async fn beyond(bench: &Bench) -> Result<(), Stop> {
    let answer = bench.ask(&bench.payout(1_000_000_000_000_000)).await?;
    if (answer.status, answer.code()) == (200, Some(402)) {
        return Ok(());
    }
    refused(&answer, &["Amount is above the maximum"])
}
