//! What must be accepted, however it is dressed.

use serde_json::{Value, json};

use super::Severity::{Critical, High, Low, Medium};
use super::bench::{Bench, accepted, failed};
use super::{Scenario, Stop};
use crate::simulate::caller::{RawCall, Route};
use crate::simulate::messages::{with, without};
use crate::simulate::{Encoding, Params, form};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        dressed(Critical, "accept-json", "check_deposit in JSON is answered 0 with an external_id", |p| p),
        Scenario::new(Critical, "accept-form", "check_deposit as a form is answered the same way", |b| {
            Box::pin(as_form(b))
        }),
        Scenario::new(Medium, "accept-query", "parameters in the query count when there is no body", |b| {
            Box::pin(as_query(b))
        }),
        dressed(Medium, "accept-name-for-action", "the action may come as name", |p| {
            with(without(p, "action"), "name", "check_deposit")
        }),
        dressed(High, "accept-integers-as-text", "integers may come as text", |p| {
            p.into_iter().map(|(name, value)| (name, as_text(value))).collect()
        }),
        dressed(High, "accept-unknown-parameters", "unknown parameters are signed and otherwise ignored", |p| {
            with(with(p, "display_payment_group_id", 6), "something_new", "Jürgen シゲキ")
        }),
        dressed(High, "accept-blank-values", "blank values are not signed and count as absent", |p| {
            with(with(p, "merchant_purse", ""), "bank_country", "   ")
        }),
        dressed(Medium, "accept-zero-values", "0 is not empty: it is signed and used", |p| {
            with(p, "remember_customer_purse", 0)
        }),
        dressed(Medium, "accept-lower-case-currency", "currencies are compared without regard to case", |p| {
            let lower = p.get("currency").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            with(p, "currency", lower)
        }),
        Scenario::new(Medium, "accept-upper-case-signature", "a signature in upper-case hex is as good", |b| {
            Box::pin(upper_case(b))
        }),
        Scenario::new(High, "external-id-shape", "external_id is 1 to 64 of letters, digits, _ and -", |b| {
            Box::pin(shape(b))
        }),
        Scenario::new(Low, "answer-is-json", "the answer says that it is JSON", |b| Box::pin(says_json(b))),
    ]
}

fn dressed(
    severity: super::Severity,
    name: &'static str,
    promise: &'static str,
    dress: fn(Params) -> Params,
) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let answer = bench.ask(&dress(bench.deposit())).await?;
            accepted(&answer, 0).map(|_| ())
        })
    })
}

fn as_text(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.to_string()),
        other => other,
    }
}

async fn as_form(bench: &Bench) -> Result<(), Stop> {
    let answer = bench.caller().ask(&bench.deposit(), Encoding::Form).await?;
    accepted(&answer, 0).map(|_| ())
}

async fn as_query(bench: &Bench) -> Result<(), Stop> {
    let query = form(&bench.caller().brand().signed(&bench.deposit()));
    let call = RawCall { route: Route::Callback, method: "POST", query: &query, headers: &[], body: Vec::new() };
    accepted(&bench.caller().raw(call).await?, 0).map(|_| ())
}

async fn upper_case(bench: &Bench) -> Result<(), Stop> {
    let signed = bench.caller().brand().signed(&bench.deposit());
    let upper = signed.get("signature").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    let answer = bench.caller().ask_as_is(&with(signed, "signature", upper), Encoding::Json).await?;
    accepted(&answer, 0).map(|_| ())
}

async fn shape(bench: &Bench) -> Result<(), Stop> {
    let answer = bench.ask(&bench.deposit()).await?;
    let external_id = accepted(&answer, 0)?;
    let good = external_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if good && external_id.len() <= 64 { Ok(()) } else { Err(Stop::Failed(format!("external_id is {external_id:?}"))) }
}

async fn says_json(bench: &Bench) -> Result<(), Stop> {
    let answer = bench.ask(&bench.deposit()).await?;
    let json = answer.content_type.to_ascii_lowercase().starts_with("application/json");
    if json { Ok(()) } else { Err(failed("content type application/json", &answer)) }
}
