//! Notifications: what is acknowledged, what is refused.

use super::Severity::{self, Critical, High, Medium};
use super::bench::{Bench, acknowledged, failed, not_acknowledged, refused};
use super::{Scenario, Stop};
use crate::simulate::caller::{RawCall, Route};
use crate::simulate::messages::{DECLINED, PENDING, PURCHASE, SUCCESS, with, without};
use crate::simulate::{Encoding, Params, form, sign};

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = good();
    scenarios.extend(bad());
    scenarios
}

fn good() -> Vec<Scenario> {
    vec![
        kept(Critical, "webhook-paid", "a paid deposit is acknowledged", |p| p),
        Scenario::new(Critical, "webhook-as-form", "a notification as a form is acknowledged", |b| {
            Box::pin(async move {
                let notice = paid(b).await?;
                acknowledged(&b.caller().notify(&notice, Encoding::Form).await?)
            })
        }),
        Scenario::new(Critical, "webhook-in-parallel", "copies at the same time are all acknowledged", |b: &Bench| {
            Box::pin(async move { b.notify_copies(&paid(b).await?).await })
        }),
        Scenario::new(Critical, "webhook-repeated", "a repetition is acknowledged", |b| Box::pin(repeated(b))),
        kept(High, "webhook-unknown-order", "an unknown order is kept and acknowledged", |p| {
            with(p, "external_id", "no-such-order-4711")
        }),
        kept(Critical, "webhook-other-amount", "another amount is kept and acknowledged", |p| {
            let amount = p.get("amount").and_then(serde_json::Value::as_i64).unwrap_or_default();
            with(with(p, "amount", amount + 1), "real_amount", amount + 1)
        }),
        kept(Critical, "webhook-other-currency", "another currency is kept and acknowledged", |p| {
            with(with(p, "currency", "XAU"), "real_currency", "XAU")
        }),
        kept(High, "webhook-other-player", "another player is kept and acknowledged", |p| {
            with(p, "site_login", "nobody-of-this-name-9f3a")
        }),
        kept(High, "webhook-wrong-direction", "a payout type for a deposit is kept and acknowledged", |p| {
            with(p, "type_id", 11)
        }),
        kept(High, "webhook-pending", "a status that is not final is acknowledged", |p| with(p, "status_id", PENDING)),
        kept(High, "webhook-unknown-status", "an unknown status is acknowledged", |p| with(p, "status_id", 99)),
        kept(High, "webhook-unknown-type", "an unknown type is acknowledged", |p| with(p, "type_id", 99)),
        kept(High, "webhook-new-parameter", "unknown parameters are signed and acknowledged", |p| {
            with(p, "bank_country", "LV")
        }),
        Scenario::new(Critical, "webhook-paid-then-declined", "a decline after success is acknowledged", |b| {
            Box::pin(both(b, SUCCESS, DECLINED))
        }),
        Scenario::new(Critical, "webhook-declined-then-paid", "success after a decline is acknowledged", |b| {
            Box::pin(both(b, DECLINED, SUCCESS))
        }),
    ]
}

fn bad() -> Vec<Scenario> {
    vec![
        turned_away(Critical, "webhook-wrong-signature", "a wrong signature is answered 403", &[403], |p| {
            with(p, "signature", "0".repeat(40))
        }),
        turned_away(Critical, "webhook-without-signature", "a missing signature is answered 403", &[403], |p| {
            without(p, "signature")
        }),
        turned_away(Critical, "webhook-foreign-salt", "a signature with another salt is answered 403", &[403], |p| {
            sign::signed(&p, "another salt of another site")
        }),
        malformed("webhook-without-order", "external_id is required", |p| without(p, "external_id")),
        malformed("webhook-without-status", "status_id is required", |p| without(p, "status_id")),
        malformed("webhook-without-amount", "amount is required", |p| without(p, "amount")),
        malformed("webhook-malformed-status", "status_id is an integer", |p| with(p, "status_id", "four")),
        malformed("webhook-malformed-amount", "amount is an integer", |p| with(p, "amount", "1e3")),
        Scenario::new(High, "webhook-unknown-site", "another site's notification is not acknowledged", |b| {
            Box::pin(unknown_site(b))
        }),
        Scenario::new(High, "question-sent-as-webhook", "a question is no notification", |b| {
            Box::pin(question_as_webhook(b))
        }),
        Scenario::new(High, "webhook-sent-as-question", "a notification is no question", |b| {
            Box::pin(webhook_as_question(b))
        }),
        raw(Medium, "webhook-get", "GET is answered 405", &[405], "GET", &[], |notice| (form(notice), Vec::new())),
        raw(
            Medium,
            "webhook-plain-text",
            "text/plain is answered 415",
            &[415],
            "POST",
            &[("content-type", "text/plain")],
            |n| (String::new(), Encoding::Json.write(n).1),
        ),
        raw(
            Medium,
            "webhook-too-large",
            "a body above 64 KB is answered 413",
            &[413],
            "POST",
            &[("content-type", "application/json")],
            |_| (String::new(), vec![b' '; 70_000]),
        ),
    ]
}

/// A notification that a fresh deposit is paid, not signed.
async fn paid(bench: &Bench) -> Result<Params, Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    Ok(bench.notice(&external_id, &order, PURCHASE, SUCCESS))
}

/// A signed notification that must be acknowledged.
fn kept(severity: Severity, name: &'static str, promise: &'static str, change: fn(Params) -> Params) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move { bench.notify(&change(paid(bench).await?)).await })
    })
}

/// A notification whose signature does not hold.
fn turned_away(
    severity: Severity,
    name: &'static str,
    promise: &'static str,
    statuses: &'static [u16],
    forge: fn(Params) -> Params,
) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let signed = bench.caller().brand().signed(&paid(bench).await?);
            not_acknowledged(&bench.caller().notify_as_is(&forge(signed), Encoding::Json).await?, statuses)
        })
    })
}

/// A signed message that is no notification of this dialect.
fn malformed(name: &'static str, promise: &'static str, change: fn(Params) -> Params) -> Scenario {
    Scenario::new(High, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let notice = change(paid(bench).await?);
            not_acknowledged(&bench.caller().notify(&notice, Encoding::Json).await?, &[400])
        })
    })
}

fn raw(
    severity: Severity,
    name: &'static str,
    promise: &'static str,
    statuses: &'static [u16],
    method: &'static str,
    headers: &'static [(&'static str, &'static str)],
    write: fn(&Params) -> (String, Vec<u8>),
) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let (query, body) = write(&bench.caller().brand().signed(&paid(bench).await?));
            let call = RawCall { route: Route::Webhook, method, query: &query, headers, body };
            let answer = bench.caller().raw(call).await?;
            let refused = statuses.contains(&answer.status) && !answer.acknowledges();
            if refused { Ok(()) } else { Err(failed(&format!("HTTP {}", statuses[0]), &answer)) }
        })
    })
}

async fn repeated(bench: &Bench) -> Result<(), Stop> {
    let notice = paid(bench).await?;
    for _ in 0..3 {
        bench.notify(&notice).await?;
    }
    Ok(())
}

async fn both(bench: &Bench, first: i64, second: i64) -> Result<(), Stop> {
    let (order, external_id) = bench.open_deposit(bench.unit()).await?;
    bench.notify(&bench.notice(&external_id, &order, PURCHASE, first)).await?;
    bench.notify(&bench.notice(&external_id, &order, PURCHASE, second)).await
}

async fn unknown_site(bench: &Bench) -> Result<(), Stop> {
    let notice = with(paid(bench).await?, "site_id", 987_654_321);
    not_acknowledged(&bench.caller().notify(&notice, Encoding::Json).await?, &[400, 403, 404])
}

async fn question_as_webhook(bench: &Bench) -> Result<(), Stop> {
    for question in [bench.deposit(), bench.payout(bench.unit())] {
        not_acknowledged(&bench.caller().notify(&question, Encoding::Json).await?, &[400, 403])?;
    }
    let mixed = with(paid(bench).await?, "action", "request_payout");
    not_acknowledged(&bench.caller().notify(&mixed, Encoding::Json).await?, &[400, 403])
}

async fn webhook_as_question(bench: &Bench) -> Result<(), Stop> {
    let answer = bench.ask(&paid(bench).await?).await?;
    refused(&answer, &["Unknown action", "Missing parameter"])
}
