//! Signatures that do not hold, and one that does but could be read in two ways.

use serde_json::{Value, json};

use super::Severity::{self, Critical};
use super::bench::{Bench, not_acknowledged, refused};
use super::{Scenario, Stop};
use crate::simulate::caller::{RawCall, Route};
use crate::simulate::messages::{PURCHASE, SUCCESS, with, without};
use crate::simulate::{Encoding, Params, sign};

const WORDS: &[&str] = &["Invalid signature"];

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        forged("signature-wrong", "a wrong signature is refused", |_, p| with(p, "signature", "0".repeat(40))),
        forged("signature-empty", "an empty signature is refused", |_, p| with(p, "signature", "")),
        forged("signature-short", "a shortened signature is refused", |_, p| {
            let short: String = text(&p, "signature").chars().take(39).collect();
            with(p, "signature", short)
        }),
        forged("signature-long", "a lengthened signature is refused", |_, p| {
            let long = format!("{}0", text(&p, "signature"));
            with(p, "signature", long)
        }),
        forged("signature-not-hex", "a signature that is not hex is refused", |_, p| {
            with(p, "signature", "z".repeat(40))
        }),
        forged("signature-list", "a signature in a list is refused", |_, p| {
            let signature = text(&p, "signature");
            with(p, "signature", json!([signature]))
        }),
        forged("signature-missing", "a question without signature is refused", |_, p| without(p, "signature")),
        forged("signature-foreign-salt", "a signature with another salt is refused", |_, p| {
            sign::signed(&p, "another salt of another site")
        }),
        forged("signature-empty-salt", "a signature with an empty salt is refused", |_, p| sign::signed(&p, "")),
        forged("changed-after-signing", "a message changed after signing is refused", |b, p| {
            with(p, "amount", b.unit() * 2)
        }),
        forged("added-after-signing", "a parameter added after signing is refused", |_, p| {
            with(p, "merchant_purse", "0x1")
        }),
        forged("injected-parameter", "a value that looks like a further parameter is refused", injected),
        Scenario::new(Critical, "no-bypass-by-header", "no header makes an unsigned question good", |b| {
            Box::pin(by_header(b))
        }),
        Scenario::new(Critical, "webhook-injected-parameter", "the same holds for notifications", |b| {
            Box::pin(injected_notice(b))
        }),
    ]
}

fn forged(name: &'static str, promise: &'static str, forge: fn(&Bench, Params) -> Params) -> Scenario {
    let severity: Severity = Critical;
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let signed = bench.caller().brand().signed(&bench.deposit());
            let answer = bench.caller().ask_as_is(&forge(bench, signed), Encoding::Json).await?;
            // A signature that is not there may also be called a missing parameter.
            refused(&answer, &[WORDS[0], "Missing parameter signature"])
        })
    })
}

fn text(params: &Params, name: &str) -> String {
    params.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The signature is right, but the signed text also reads as a message with another `merchant_purse`.
fn injected(bench: &Bench, params: Params) -> Params {
    bench.caller().brand().signed(&with(params, "customer_purse", "555555...4444;merchant_purse:0x1"))
}

async fn by_header(bench: &Bench) -> Result<(), Stop> {
    let (_, body) = Encoding::Json.write(&bench.deposit());
    for (name, value) in [("x-debug", "1"), ("x-forwarded-for", "127.0.0.1"), ("x-test-mode", "true")] {
        let headers = [("content-type", "application/json"), (name, value)];
        let answer = bench.caller().raw(RawCall::post(Route::Callback, &headers, body.clone())).await?;
        refused(&answer, &[WORDS[0], "Missing parameter signature"])?;
    }
    Ok(())
}

async fn injected_notice(bench: &Bench) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    let notice = bench.notice(&external_id, &order, PURCHASE, SUCCESS);
    let notice = with(notice, "processor_message", "x;real_amount:1");
    not_acknowledged(&bench.caller().notify(&notice, Encoding::Json).await?, &[403])
}
