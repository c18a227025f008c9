//! What the readers of bodies and queries refuse, and how they say it.

use actix_web::http::header::CONTENT_ENCODING;
use actix_web::test::TestRequest;
use actix_web::{FromRequest, ResponseError};
use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    reason: String,
    amount: i64,
    #[serde(default)]
    profile: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    outcome: Option<Outcome>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Succeeded,
    Failed,
}

fn told(problem: &Problem) -> (u16, String, String, String) {
    let response = problem.error_response();
    let status = response.status().as_u16();
    let bytes = actix_web::body::MessageBody::try_into_bytes(response.into_body()).unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
    (status, text("code"), text("field"), text("detail"))
}

#[test]
fn a_good_body_is_read() {
    let body = br#" {"amount":-5,"reason":"r","profile":{"a":"b"},"outcome":"failed"} "#;

    let order: Order = parse(body).unwrap();

    assert_eq!((order.amount, order.reason.as_str(), order.profile["a"].as_str()), (-5, "r", "b"));
    assert!(matches!(order.outcome, Some(Outcome::Failed)));
    assert!(parse::<Order>(br#"{"amount":1,"reason":"r","outcome":"succeeded"}"#).is_ok());
}

#[test]
fn a_refusal_names_the_field_and_the_reason() {
    let table = [
        (r#"{"amount":1}"#, "missing_field", "reason", "reason is missing"),
        (r#"{"reason":"r"}"#, "missing_field", "amount", "amount is missing"),
        (r#"{"reason":"r","amount":1,"state":"x"}"#, "unknown_field", "state", "state is not a field of this request"),
        (r#"{"reason":"r","amount":1,"amount":2}"#, "duplicate_field", "amount", "amount is given twice"),
        (r#"{"reason":"r","amount":1,"am\u006funt":2}"#, "duplicate_field", "amount", "amount is given twice"),
        (r#"{"reason":"r","amount":1,"profile":{"a":"1","a":"2"}}"#, "duplicate_field", "a", "a is given twice"),
        (r#"{"reason":"r","amount":"1"}"#, "invalid_field", "amount", "amount must be an integer"),
        (r#"{"reason":"r","amount":1.5}"#, "invalid_field", "amount", "amount must be an integer"),
        (r#"{"reason":"r","amount":1e3}"#, "invalid_field", "amount", "amount must be an integer"),
        (r#"{"amount":null,"reason":"r"}"#, "invalid_field", "amount", "amount must be an integer"),
        (r#"{"amount":99999999999999999999,"reason":"r"}"#, "invalid_field", "amount", "amount must be an integer"),
        ("{\n\"reason\":7,\n\"amount\":1}", "invalid_field", "reason", "reason must be a string"),
        ("{\"amount\":1,\n\n \"reason\":[\"x\"]}", "invalid_field", "reason", "reason must be a string"),
        (r#"{"profile":{"a":1},"reason":"r","amount":1}"#, "invalid_field", "profile", "profile must be a string"),
        (r#"{"profile":"x","reason":"r","amount":1}"#, "invalid_field", "profile", "profile must be a map"),
        (
            r#"{"reason":"r","outcome":"secret","amount":1}"#,
            "invalid_field",
            "outcome",
            "outcome must be succeeded or failed",
        ),
    ];
    for (body, code, field, detail) in table {
        let problem = parse::<Order>(body.as_bytes()).unwrap_err();
        assert_eq!(told(&problem), (400, code.into(), field.into(), detail.into()), "{body}");
    }
}

#[test]
fn values_and_odd_names_are_never_echoed() {
    let bodies = [
        r#"{"reason":"r","amount":"4111111111111111"}"#,
        r#"{"reason":{"4111111111111111":1},"amount":1}"#,
        r#"{"reason":"r","amount":1,"outcome":"4111111111111111, expected 4111111111111111"}"#,
        r#"{"reason":"r","amount":1,"<b>4111111111111111":1}"#,
        r#"{"reason":"r","amount":1,"a`4111111111111111`":1}"#,
        r#"{"reason":"r","amount":1,"x 4111111111111111":1,"x 4111111111111111":1}"#,
    ];
    for body in bodies {
        let (_, _, field, detail) = told(&parse::<Order>(body.as_bytes()).unwrap_err());
        assert!(!format!("{field}{detail}").contains("4111"), "{body}: {detail}");
    }
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let deep = format!("{{\"reason\":{}", "[".repeat(100_000));
    let bodies: [&[u8]; 12] = [
        b"",
        b"  ",
        b"null",
        b"[]",
        b"\"x\"",
        b"7",
        b"{",
        b"{}{}",
        b"{\"amount\":1,}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let (status, code, ..) = told(&parse::<Order>(body).unwrap_err());
        assert_eq!((status, code.as_str()), (400, "malformed_body"), "{:?}", &body[..body.len().min(20)]);
    }
}

#[actix_web::test]
async fn other_content_and_long_bodies_are_refused() {
    let good = r#"{"reason":"r","amount":1}"#;
    let table = [
        (Some("application/json"), None, good, 200),
        (Some("Application/JSON; charset=utf-8"), None, good, 200),
        (None, None, good, 415),
        (Some("text/plain"), None, good, 415),
        (Some("application/x-www-form-urlencoded"), None, good, 415),
        (Some("application/json+x"), None, good, 415),
        (Some("application/json"), Some("gzip"), good, 415),
        (Some("application/json"), None, r#"{"reason":"a long reason","amount":1}"#, 413),
    ];
    for (media, coding, body, wanted) in table {
        let mut request = TestRequest::post().set_payload(body);
        if let Some(media) = media {
            request = request.insert_header((CONTENT_TYPE, media));
        }
        if let Some(coding) = coding {
            request = request.insert_header((CONTENT_ENCODING, coding));
        }
        let (request, mut payload) = request.to_http_parts();
        let payload = web::Payload::from_request(&request, &mut payload).await.unwrap();
        let status = match json::<Order>(&request, payload, 30).await {
            Ok(_) => 200,
            Err(problem) => told(&problem).0,
        };
        assert_eq!(status, wanted, "{media:?} {coding:?} {body}");
    }
}

#[test]
fn query_parameters_are_known_and_given_once() {
    let known = ["limit", "after"];
    for (query, code) in [
        ("state=1", "unknown_parameter"),
        ("limit=1&limit=2", "duplicate_parameter"),
        ("Limit=1", "unknown_parameter"),
        ("limit=1&x%00=2", "unknown_parameter"),
    ] {
        assert_eq!(Query::read(query, &known).unwrap_err().code(), code, "{query}");
    }
    for text in ["0", "501", "-1", "+5", "5.0", "abc", "99999999999999999999"] {
        let query = Query::read(&format!("limit={}", text.replace('+', "%2B")), &known).unwrap();
        assert_eq!(query.integer("limit", 50, 1..=500).unwrap_err().code(), "invalid_parameter", "{text}");
    }
    let query = Query::read("limit=500&after=", &known).unwrap();
    assert_eq!((query.integer("limit", 50, 1..=500).unwrap(), query.get("after")), (500, None));
}
