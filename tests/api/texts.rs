//! What one database can keep and another cannot is refused by both, and named (threats R11, SIG-13): U+0000, numbers beyond 64 bits.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::SITE;
use crate::support::wire::{self, Dress};

const NUL: &str = "a\u{0}b";
const BEYOND: &str = "9223372036854775808";

/// Method, path below the player, body with the bad value, and the field that the answer names.
fn of_the_wallet() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let play = |kind: &str, amount: Value, reference: &str, reason: &str| json!({"kind": kind, "amount": amount, "currency": "USD", "reference": reference, "reason": reason});
    let exception = |reason: &str| json!({"mode": "deny", "reason": reason});
    let beyond: Value = serde_json::from_str(BEYOND).expect("a number");
    vec![
        ("PUT", "", json!({"first_name": NUL}), "first_name"),
        ("PUT", "", json!({"country": "L\u{0}"}), "country"),
        ("PUT", "", json!({"status": "active\u{0}"}), "status"),
        ("PUT", "", json!({"a\u{0}b": "x"}), ""),
        ("POST", "/transactions", play("bonus", json!(1), NUL, "x"), "reference"),
        ("POST", "/transactions", play("adjustment", json!(1), "r", NUL), "reason"),
        ("POST", "/transactions", play("bonus", beyond.clone(), "r", "x"), "amount"),
        ("POST", "/transactions", play("bonus", json!("1"), "r", "x"), "amount"),
        ("POST", "/transactions/a%00b/rollback", Value::Null, "reference"),
        ("PUT", "/methods/Cashier%00", exception("x"), ""),
        ("DELETE", "/methods/a%00b", Value::Null, ""),
        ("DELETE", "/methods/a%0Ab", Value::Null, ""),
        ("GET", "/transactions?after=9223372036854775808", Value::Null, "after"),
        ("GET", "/transactions?after=%00", Value::Null, "after"),
    ]
}

async fn ask(app: &TestApp, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let http = reqwest::Client::new();
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let address = format!("{}/wallet/v1/sites/{SITE}/players/{path}", app.private);
    let mut request = http.request(method, address).bearer_auth(crate::support::app::WALLET_KEY);
    request = request.header("idempotency-key", "k");
    if !body.is_null() {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("text")).unwrap_or(Value::Null))
}

#[tokio::test]
async fn what_a_text_column_cannot_hold_everywhere_is_refused_by_the_wallet() {
    let app = TestApp::spawn().await;
    app.player_with("anna", 1_000).await;
    let before = app.rows().await;

    for (method, path, body, field) in of_the_wallet() {
        let (status, told) = ask(&app, method, &format!("anna{path}"), &body).await;
        assert!((400..500).contains(&status), "{method} {path} {body}: {status} {told}");
        if !field.is_empty() {
            assert!(told.to_string().contains(field), "{method} {path} {body}: {told}");
        }
    }
    for login in ["a%00b", "%00", "anna%00"] {
        for (method, body) in [("PUT", json!({})), ("GET", Value::Null)] {
            let (status, told) = ask(&app, method, login, &body).await;
            assert!((400..500).contains(&status), "{method} {login}: {status} {told}");
        }
    }

    assert_eq!(app.rows().await, before, "nothing is stored");
    assert_eq!(app.balance("anna").await, (1_000, 0));
}

#[tokio::test]
async fn known_fields_of_the_cashier_refuse_it_and_free_text_keeps_it_escaped() {
    let app = TestApp::spawn().await;
    app.player_with("anna", 10_000).await;
    let order = wire::order("anna", 1_000, "USD");
    let asked = app.deposit("anna", 2_000).await;
    let before = app.rows().await;
    let questions = [
        ("site_login", json!("anna\u{0}")),
        ("currency", json!("US\u{0}")),
        ("customer_purse", json!(NUL)),
        ("transaction_id", json!(NUL)),
        ("payment_group_id", json!("6\u{0}")),
        ("payment_group_id", json!(BEYOND)),
        ("amount", json!("1000\u{0}")),
        ("amount", json!(BEYOND)),
        ("site_id", json!("332\u{0}")),
        ("action", json!("request_payout\u{0}")),
    ];
    for (name, value) in questions {
        let mut params = wire::request_payout(&order);
        params.insert(name.to_owned(), value.clone());
        for dress in wire::DRESSES {
            let answer = app.ask_as_is(&wire::signed(&params), dress).await;
            assert_eq!(answer.code(), Some(500), "{name} {value} {dress:?}: {answer:?}");
        }
    }
    let notice = |name: &str, value: Value| {
        let order = wire::order("anna", 2_000, "USD");
        let mut params = wire::notification(&asked.id, &order, 1, 4);
        params.insert(name.to_owned(), value);
        params
    };
    for name in ["external_id", "site_login", "currency", "transaction_id", "customer_purse", "processor_id"] {
        let answer = app.notify(&notice(name, json!(NUL))).await;
        assert_ne!(answer.code(), Some(0), "{name}: {answer:?}");
    }
    for name in ["type_id", "status_id", "real_amount"] {
        let answer = app.notify(&notice(name, json!(BEYOND))).await;
        assert_ne!(answer.code(), Some(0), "{name}: {answer:?}");
    }
    assert_eq!(app.rows().await, before, "nothing is stored");

    // Text for people, and what nobody knows, is kept as it came; JSON writes it without the character itself.
    let mut params = notice("processor_message", json!(NUL));
    params.insert("nobody_knows".to_owned(), json!(NUL));
    assert_eq!(app.notify_as_is(&wire::signed(&params), Dress::Json).await.code(), Some(0));
    let id = asked.id.clone();
    let stored = app.read(move |conn| croupier::webhooks::of_order(conn, &id)).await;
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].content.contains('\u{0}') && stored[0].content.contains("a\\u0000b"), "{}", stored[0].content);
    let fields = stored[0].fields().expect("fields");
    assert!(fields.contains(&("processor_message".to_owned(), NUL.to_owned())), "{fields:?}");
}
