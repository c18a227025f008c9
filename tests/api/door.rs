//! Opening the Cashier for a player: signed here, and the salt stays here.

use croupier::simulate::server::Behaviour;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SALT, SITE, set};
use crate::support::wire::Reply;

async fn open(app: &TestApp, login: &str, body: Value) -> Reply {
    let wallet = app.wallet();
    wallet.call("POST", &format!("{}/cashier", wallet.player(login)), &[], Some(body)).await
}

async fn reset(app: &TestApp, login: &str) -> Reply {
    let wallet = app.wallet();
    wallet.call("POST", &format!("{}/cashier/rotation-reset", wallet.player(login)), &[], None).await
}

fn wish() -> Value {
    json!({"currency": "usd", "customer_ip": "203.0.113.7"})
}

#[tokio::test]
async fn the_cashier_opens_with_the_profile_and_the_choices_signed() {
    let app = TestApp::spawn().await;
    let profile = json!({"first_name": "Jürgen", "last_name": "Lee;currency:EUR", "country": "de", "user_email": "a@b.example",
        "birthdate": "01-02-1989", "language": "de"});
    assert_eq!(app.wallet().put("alice", profile).await.status, 201);

    let opened = open(
        &app,
        "alice",
        json!({"currency": "usd", "customer_ip": "203.0.113.7", "language": "en",
        "force_action": 1, "amount_series": "1:10,20;"}),
    )
    .await;

    assert_eq!(opened.status, 200, "{opened:?}");
    let key = opened.json["key"].as_str().expect("a key");
    let door = opened.json["url"].as_str().expect("an address");
    assert_eq!(door, app.cashier.authlink_url().replace("/api/authlink/obtain/", &format!("/api/open/?key={key}")));
    let (asked, params) = app.cashier.asked_of_the_front().pop().expect("it was asked, rightly signed");
    assert_eq!(asked, "authlink");
    for (name, text) in [
        ("site_login", "alice"),
        ("currency", "USD"),
        ("customer_ip", "203.0.113.7"),
        ("user_name", "Jürgen Lee,currency:EUR"),
        ("user_country", "DE"),
        ("user_email", "a@b.example"),
        ("birthdate", "01-02-1989"),
        ("language", "en"),
        ("force_action", "1"),
        ("amount_series", "1:10,20;"),
    ] {
        assert_eq!(params.get(name), Some(&json!(text)), "{name}");
    }
    assert!(!format!("{params:?}{opened:?}").contains(SALT), "the salt never leaves");

    assert_eq!(open(&app, "alice", json!({"customer_ip": "2001:db8::7"})).await.status, 200);
    let (_, params) = app.cashier.asked_of_the_front().pop().expect("it was asked, rightly signed");
    assert_eq!((&params["currency"], &params["customer_ip"]), (&json!("USD"), &json!("2001:db8::7")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_name_and_nobody_is_asked() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let with = |name: &str, value: Value| {
        let mut body = wish();
        body[name] = value;
        body
    };
    let table = [
        (with("currency", json!("GBP")), "unsupported_currency", "currency"),
        (with("currency", json!("XXQ")), "unsupported_currency", "currency"),
        (with("currency", json!(7)), "invalid_field", "currency"),
        (with("customer_ip", json!("not an address")), "invalid_field", "customer_ip"),
        (with("customer_ip", json!("1.2.3.4;currency:EUR")), "invalid_field", "customer_ip"),
        (with("force_action", json!(3)), "invalid_field", "force_action"),
        (with("force_action", json!("1")), "invalid_field", "force_action"),
        (with("mode", json!("secret")), "invalid_field", "mode"),
        (with("language", json!("en;site_id:1")), "invalid_field", "language"),
        (with("amount_series", json!("1:5;currency:EUR")), "invalid_field", "amount_series"),
        (with("mirror_url", json!("x".repeat(1025))), "invalid_field", "mirror_url"),
        (with("salt", json!("x")), "unknown_field", "salt"),
        (json!({"currency": "USD"}), "missing_field", "customer_ip"),
    ];
    for (body, code, field) in table {
        let reply = open(&app, "alice", body.clone()).await;
        assert_eq!(reply.problem(), (400, code), "{body} {reply:?}");
        assert_eq!(reply.json["field"].as_str().unwrap_or(""), field, "{body}");
    }
    assert_eq!(open(&app, "nobody", wish()).await.problem(), (404, "unknown_player"));
    assert_eq!(reset(&app, "nobody").await.problem(), (404, "unknown_player"));
    for status in ["blocked", "closed"] {
        app.wallet().put("alice", json!({"status": status})).await;
        assert_eq!(open(&app, "alice", wish()).await.problem(), (403, "player_blocked"));
    }
    assert!(app.cashier.asked_of_the_front().is_empty());
}

#[tokio::test]
async fn a_cashier_that_does_not_do_it_is_said_to_have_not() {
    let nowhere = "\"http://127.0.0.1:9/api/authlink/obtain/\"";
    let app = TestApp::with(|settings| set(&settings, "sites.demo.carouseller", "authlink_url", nowhere)).await;
    app.player("alice").await;
    assert_eq!(open(&app, "alice", wish()).await.problem(), (502, "provider_error"));
    assert_eq!(reset(&app, "alice").await.problem(), (502, "provider_error"));

    let other = "[\"another salt than that of the Cashier\"]";
    let app = TestApp::with(|settings| set(&settings, "sites.demo.carouseller", "salts", other)).await;
    app.player("alice").await;
    let reply = open(&app, "alice", wish()).await;
    assert_eq!(reply.problem(), (502, "provider_error"));
    assert!(!reply.json.to_string().contains("ignature"), "no hints for outsiders: {reply:?}");

    let app = TestApp::with(|settings| settings.replace("authlink_url", "# authlink_url")).await;
    app.player("alice").await;
    let reply = open(&app, "alice", wish()).await;
    assert_eq!(reply.problem(), (409, "conflict"));
    assert!(reply.json["detail"].as_str().is_some_and(|detail| detail.contains("authlink_url")), "{reply:?}");
}

#[tokio::test]
async fn a_rotation_is_reset_with_a_signed_request_and_pays_nobody() {
    let app = TestApp::spawn().await;
    app.cashier.answer_with(|_| Behaviour::Refuse(1));
    app.player("alice").await;

    let done = reset(&app, "alice").await;

    assert_eq!((done.status, &done.json), (200, &json!({"reset": true})));
    let (asked, params) = app.cashier.asked_of_the_front().pop().expect("it was asked, rightly signed");
    assert_eq!((asked, &params["site_login"], &params["site_id"]), ("rotation", &json!("alice"), &json!(SITE)));
    assert!(app.cashier.all().is_empty(), "it was no initiation");
}
