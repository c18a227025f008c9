//! Sessions of players: who gets one, how long it lasts, and that nothing else opens the door.

use serde_json::json;

use crate::support::TestApp;
use crate::support::app::{SITE, set};

/// Every route that needs a session: method and path.
const ROUTES: [(&str, &str); 6] = [
    ("GET", "/cashier/methods"),
    ("POST", "/cashier/deposit"),
    ("POST", "/cashier/withdrawal"),
    ("POST", "/cashier/withdrawal/019354a7f0c87d3e8a1b2c3d4e5f6071/cancel"),
    ("GET", "/cashier/transactions"),
    ("GET", "/cashier/transactions/019354a7f0c87d3e8a1b2c3d4e5f6071"),
];

#[tokio::test]
async fn a_session_names_the_player_and_an_account_for_each_currency() {
    let app = TestApp::spawn().await;
    app.player("first").await;
    app.player("alice").await;

    let session = app.session("alice").await;

    let customer = session["customer_id"].as_i64().unwrap();
    let accounts = [("USD", 840), ("EUR", 978), ("JPY", 392), ("KWD", 414)];
    let expected: Vec<_> = accounts
        .iter()
        .map(|(currency, numeric)| json!({"login": customer * 1000 + numeric, "currency": currency}))
        .collect();
    assert_eq!(session["accounts"], json!(expected));
    assert!(session["expires_at"].as_str().unwrap().ends_with('Z'), "{session}");
    assert_eq!(session["token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn a_session_is_opened_for_an_active_player_only_and_by_a_key_that_may() {
    let app = TestApp::with(|text| {
        set(&text, "wallet", "api_keys", r#"{ game_server = "a-key-of-the-game-server-in-tests", reader = { keys = ["a-key-that-may-only-read-things"], scopes = ["read"] } }"#)
    })
    .await;
    app.player("alice").await;
    let wallet = app.wallet();
    let path = format!("{}/session", wallet.player("alice"));
    let nobody = format!("{}/session", wallet.player("nobody"));

    assert_eq!(wallet.call("POST", &nobody, &[], Some(json!({}))).await.problem(), (404, "unknown_player"));
    assert_eq!(wallet.call("POST", &path, &[], Some(json!({"site": 1}))).await.problem(), (400, "unknown_field"));
    assert_eq!(wallet.call("POST", &path, &[], Some(json!([]))).await.status, 400);
    assert_eq!(wallet.call("GET", &path, &[], None).await.status, 405);
    let reader = wallet.with_key("a-key-that-may-only-read-things");
    assert_eq!(reader.call("POST", &path, &[], Some(json!({}))).await.problem(), (403, "scope_missing"));
    assert_eq!(wallet.with_key("no key").call("POST", &path, &[], Some(json!({}))).await.status, 401);
    assert_eq!(wallet.call("POST", &path, &[], None).await.status, 201, "the body may be left out");
    for status in ["blocked", "closed"] {
        wallet.put("alice", json!({"status": status})).await;
        assert_eq!(wallet.call("POST", &path, &[], Some(json!({}))).await.problem(), (403, "player_blocked"));
    }
}

#[tokio::test]
async fn a_token_is_taken_with_bearer_and_without() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let session = app.session("alice").await;
    let token = session["token"].as_str().unwrap();

    for header in [format!("Bearer {token}"), format!("bearer {token}"), token.to_owned(), format!("  {token} ")] {
        let told = app.stranger().with(&header).get("/cashier/methods").await;
        assert_eq!(told.status, 200, "{header}: {told:?}");
    }
}

#[tokio::test]
async fn nothing_but_a_good_token_opens_any_route() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let before_any = app.stranger().with("Bearer a.b.c").get("/cashier/methods").await;
    assert_eq!(before_any.refusal(), (401, "INVALID_CUSTOMER_SESSION"), "before there is a key");
    let session = app.session("alice").await;
    let good = session["token"].as_str().unwrap();
    let mut parts = good.split('.');
    let (head, claims, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    // {"alg":"none","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let bad = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Basic {good}"),
        format!("Bearer {good}x"),
        format!("Bearer {head}.{claims}."),
        format!("Bearer {none}.{claims}."),
        format!("Bearer {none}.{claims}.{signature}"),
        format!("Bearer {head}.{head}.{signature}"),
        "Bearer a-key-of-the-game-server-in-tests".into(),
        format!("Bearer {}", "x".repeat(4000)),
    ];
    for header in &bad {
        for (method, path) in ROUTES {
            let told = app.stranger().with(header).send(method, path, &[], None).await;
            assert_eq!(told.refusal(), (401, "INVALID_CUSTOMER_SESSION"), "{header} {method} {path}");
        }
    }
    assert_eq!(app.wallet().with_key(good).get("alice").await.status, 401, "a player's token is no key of the wallet");
}

#[tokio::test]
async fn a_blocked_player_is_out_at_once_and_in_again_when_unblocked() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    assert_eq!(alice.get("/cashier/methods").await.status, 200);

    for status in ["blocked", "closed"] {
        app.wallet().put("alice", json!({"status": status})).await;
        for (method, path) in ROUTES {
            let told = alice.send(method, path, &[], None).await;
            assert_eq!(told.refusal(), (403, "CUSTOMER_DISABLED"), "{method} {path}");
        }
    }
    app.wallet().put("alice", json!({"status": "active"})).await;

    assert_eq!(alice.get("/cashier/methods").await.status, 200);
}

#[tokio::test]
async fn the_key_is_made_once_and_outlives_a_restart() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let first = app.front("alice").await;
    let app = app.restart().await;

    let later = app.stranger().with(&first.token);

    assert_eq!(later.get("/cashier/methods").await.status, 200);
    assert_eq!(app.front("alice").await.get("/cashier/methods").await.status, 200);
    let keys = app.count("meta WHERE name = 'players_token_key'").await;
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn a_key_that_is_taken_away_ends_every_session() {
    use diesel::prelude::*;
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let token = app.front("alice").await.token;
    let app = app
        .restart_after(|conn| {
            let gone = diesel::sql_query("DELETE FROM meta WHERE name = 'players_token_key'").execute(conn);
            assert_eq!(gone, Ok(1));
        })
        .await;

    let told = app.stranger().with(&token).get("/cashier/methods").await;

    assert_eq!(told.refusal(), (401, "INVALID_CUSTOMER_SESSION"));
    let new = app.front("alice").await;
    assert_eq!(new.get("/cashier/methods").await.status, 200);
    assert_eq!(app.stranger().with(&token).get("/cashier/methods").await.status, 401, "for good");
}

#[tokio::test]
async fn a_token_of_one_site_is_nobodys_on_another() {
    let app = TestApp::with(|text| format!("{text}\n[sites.other]\nsite_id = 333\ncurrencies = [\"USD\"]\n")).await;
    app.player("alice").await;
    let other = app.wallet().at_site("333");
    assert_eq!(other.put("alice", json!({})).await.status, 201);
    let path = format!("{}/session", other.player("alice"));
    let session = other.call("POST", &path, &[], Some(json!({}))).await;
    assert_eq!(session.json["accounts"].as_array().unwrap().len(), 1, "only its own currencies");
    app.wallet().play("alice", "win", 1000, "r").await;

    let alice = app.stranger().with(session.json["token"].as_str().unwrap());
    let told = alice.post("/cashier/withdrawal", &json!({"amount": 1, "currency": "USD"})).await;

    assert_eq!(told.refusal().0, 403, "the other site's alice has no provider to withdraw through: {told:?}");
    assert_eq!(app.balance("alice").await, (1000, 0));
    let app = app.restart_with(|text| text.split("\n[sites.other]").next().unwrap().to_owned()).await;
    let told = app.stranger().with(&alice.token).get("/cashier/methods").await;
    assert_eq!(told.refusal(), (401, "INVALID_CUSTOMER_SESSION"), "the site is gone");
    assert_eq!(SITE, 332);
}

#[tokio::test]
async fn errors_of_the_transport_have_the_form_of_the_api() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    let json_type = [("content-type", "application/json")];
    for (method, path, allow) in [
        ("POST", "/cashier/methods", "GET"),
        ("GET", "/cashier/withdrawal", "POST"),
        ("DELETE", "/cashier/deposit", "POST"),
        ("PUT", "/cashier/transactions", "GET"),
        ("POST", "/cashier/transactions/x", "GET"),
        ("GET", "/cashier/withdrawal/x/cancel", "POST"),
    ] {
        let told = alice.send(method, path, &[], None).await;
        assert_eq!((told.refusal(), told.allow.as_str()), ((405, "METHOD_NOT_ALLOWED"), allow), "{method} {path}");
    }
    for path in ["/cashier/withdrawal", "/cashier/deposit"] {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(alice.send("POST", path, &form, Some("a=1".into())).await.refusal().0, 415);
        let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
        assert_eq!(alice.send("POST", path, &packed, Some("{}".into())).await.refusal().0, 415);
        let long = format!("{{\"comment\":\"{}\"}}", "x".repeat(70_000));
        assert_eq!(alice.send("POST", path, &json_type, Some(long)).await.refusal().0, 413);
        for body in ["", "{", "[]", "null", "{\"amount\":1,\"amount\":1}", "\u{feff}{}"] {
            let told = alice.send("POST", path, &json_type, Some(body.into())).await;
            assert_eq!(told.refusal(), (400, "INVALID_DATA"), "{path} {body:?}");
        }
    }
    for id in ["x", "019354a7f0c87d3e8a1b2c3d4e5f6071", "%00", "..%2f", "'%20OR%201=1"] {
        assert_eq!(alice.get(&format!("/cashier/transactions/{id}")).await.refusal(), (404, "NOT_FOUND"), "{id}");
    }
}

#[tokio::test]
async fn closed_books_close_the_players_api_too() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let token = app.front("alice").await.token;
    let app = app.restart_after(damage).await;
    let alice = app.stranger().with(&token);

    let withdrawal = json!({"amount": 1, "currency": "USD"});
    assert_eq!(alice.post("/cashier/withdrawal", &withdrawal).await.refusal(), (503, "TEMPORARILY_UNAVAILABLE"));
    assert_eq!(alice.post("/cashier/deposit", &withdrawal).await.refusal(), (503, "TEMPORARILY_UNAVAILABLE"));
    assert_eq!(alice.get("/cashier/methods").await.refusal(), (503, "TEMPORARILY_UNAVAILABLE"));
    assert_eq!(alice.get("/cashier/transactions").await.status, 200, "what there is may still be looked at");
    repair(&mut app.database().connect());
}

fn damage(conn: &mut croupier::db::DbConn) {
    use diesel::prelude::*;
    diesel::sql_query("UPDATE accounts SET available = available + 1 WHERE kind = 'player'").execute(conn).unwrap();
}

fn repair(conn: &mut croupier::db::DbConn) {
    use diesel::prelude::*;
    diesel::sql_query("UPDATE accounts SET available = available - 1 WHERE kind = 'player'").execute(conn).unwrap();
}
