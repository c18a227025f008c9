//! What is refused before anybody looks at the parameters.

use super::Severity::{self, High, Medium};
use super::bench::{Bench, refused_with};
use super::{Scenario, Stop};
use crate::simulate::caller::{RawCall, Route};
use crate::simulate::{Encoding, form};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
const UNREADABLE: &[u16] = &[200, 400];

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        method("method-get", "GET is answered 405", "GET"),
        method("method-put", "PUT is answered 405", "PUT"),
        method("method-delete", "DELETE is answered 405", "DELETE"),
        posted(Medium, "body-too-large", "a body above 64 KB is answered 413", &[413], JSON, |_| vec![b' '; 70_000]),
        posted(High, "body-plain-text", "text/plain is answered 415", &[415], &[("content-type", "text/plain")], json),
        posted(High, "body-xml", "XML is answered 415", &[415], &[("content-type", "application/xml")], |_| {
            b"<a/>".to_vec()
        }),
        posted(High, "body-with-byte-order-mark", "a byte order mark is answered 415", &[415], JSON, |bench| {
            [vec![0xEF, 0xBB, 0xBF], json(bench)].concat()
        }),
        posted(
            Medium,
            "body-compressed",
            "a compressed body is answered 415",
            &[415],
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
            json,
        ),
        posted(High, "body-broken-json", "JSON that stops in the middle is answered 400", &[400], JSON, |bench| {
            let whole = json(bench);
            whole[..whole.len() / 2].to_vec()
        }),
        posted(High, "body-json-list", "a JSON list is no set of parameters", UNREADABLE, JSON, |_| b"[1]".to_vec()),
        posted(High, "body-empty", "an empty request is refused", UNREADABLE, JSON, |_| Vec::new()),
        posted(High, "body-not-utf8", "bytes that are not UTF-8 are refused", UNREADABLE, FORM, |bench| {
            [form_body(bench), b"&note=%FF%FE".to_vec()].concat()
        }),
        posted(High, "twice-in-a-form", "a parameter twice in a form is refused", UNREADABLE, FORM, |bench| {
            [form_body(bench), b"&amount=1".to_vec()].concat()
        }),
        posted(High, "twice-in-json", "a member twice in JSON is refused", UNREADABLE, JSON, |bench| {
            let whole = json(bench);
            [br#"{"amount":1,"#.to_vec(), whole[1..].to_vec()].concat()
        }),
        Scenario::new(High, "query-and-body", "parameters in query and body are never merged", |b| {
            Box::pin(query_and_body(b))
        }),
        Scenario::new(Medium, "still-alive", "after all that an honest question is accepted", |b: &Bench| {
            Box::pin(async move { b.open_deposit(b.unit()).await.map(|_| ()) })
        }),
    ]
}

fn method(name: &'static str, promise: &'static str, method: &'static str) -> Scenario {
    Scenario::new(Medium, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let query = form(&bench.caller().brand().signed(&bench.deposit()));
            let call = RawCall { route: Route::Callback, method, query: &query, headers: &[], body: Vec::new() };
            refused_with(&bench.caller().raw(call).await?, &[405])
        })
    })
}

fn posted(
    severity: Severity,
    name: &'static str,
    promise: &'static str,
    statuses: &'static [u16],
    headers: &'static [(&'static str, &'static str)],
    body: fn(&Bench) -> Vec<u8>,
) -> Scenario {
    Scenario::new(severity, name, promise, move |bench: &Bench| {
        Box::pin(async move {
            let call = RawCall::post(Route::Callback, headers, body(bench));
            refused_with(&bench.caller().raw(call).await?, statuses)
        })
    })
}

fn json(bench: &Bench) -> Vec<u8> {
    Encoding::Json.write(&bench.caller().brand().signed(&bench.deposit())).1
}

fn form_body(bench: &Bench) -> Vec<u8> {
    Encoding::Form.write(&bench.caller().brand().signed(&bench.deposit())).1
}

async fn query_and_body(bench: &Bench) -> Result<(), Stop> {
    let call = RawCall { query: "currency=EUR", ..RawCall::post(Route::Callback, JSON, json(bench)) };
    refused_with(&bench.caller().raw(call).await?, UNREADABLE)
}
