//! What players may choose from, and the exceptions a game server sets for one of them.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::set;

/// A site with a card for USD in Germany, and a bank for all.
fn two_methods(text: String) -> String {
    let text = set(&text, "sites.demo.limits.USD", "deposit_min", "500");
    let text = set(&text, "sites.demo.limits.USD", "deposit_max", "200000");
    format!(
        r#"{text}
[sites.demo.methods.card]
display_name = "Bank card"
description = "Visa and others"
currencies = ["USD"]
countries = ["DE", "AT"]
sort_index = 10
sandbox = true
[sites.demo.methods.card.limits.USD]
deposit_min = 1000
deposit_max = 500000
[sites.demo.methods.bank]
sort_index = 20
"#
    )
}

/// Method and currency of each row.
fn pairs(rows: &Value) -> Vec<(String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows["rows"].as_array().unwrap().iter().map(|row| (text(row, "method"), text(row, "currency"))).collect()
}

fn named(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(method, currency)| ((*method).to_owned(), (*currency).to_owned())).collect()
}

#[tokio::test]
async fn a_method_is_shown_with_every_field_of_the_api() {
    let app = TestApp::with(two_methods).await;
    app.wallet().put("alice", json!({"country": "DE"})).await;
    let alice = app.front("alice").await;
    let account = app.session("alice").await["accounts"][0]["login"].as_i64().unwrap();

    let told = alice.get(&format!("/cashier/methods?login={account}")).await;

    assert_eq!(told.json["count"], 2);
    assert_eq!(
        told.json["rows"][0],
        json!({
            "provider_config_id": 2, "provider": "carouseller", "method": "card", "brand": "demo", "currency": "USD",
            "country": "DE,AT", "payment_mode": "redirect", "display_name": "Bank card", "description": "Visa and others",
            "public_key": "", "min_amount": 10.0, "max_amount": 2000.0, "sandbox": 1, "sort_index": 10, "override_id": 0,
            "override_mode": 0,
        })
    );
    assert!(told.text.contains("\"min_amount\":10.00,\"max_amount\":2000.00"), "exact decimals: {}", told.text);
    assert_eq!(told.json["rows"][1]["provider_config_id"], 1, "the place by name");
}

#[tokio::test]
async fn each_method_is_listed_in_each_currency_it_serves() {
    let app = TestApp::with(two_methods).await;
    app.wallet().put("alice", json!({"country": "DE"})).await;
    app.player("nowhere").await;
    let (alice, nowhere) = (app.front("alice").await, app.front("nowhere").await);
    let everywhere = named(&[("bank", "USD"), ("bank", "EUR"), ("bank", "JPY"), ("bank", "KWD")]);

    assert_eq!(pairs(&nowhere.get("/cashier/methods").await.json), everywhere);
    let all = [named(&[("card", "USD")]), everywhere].concat();
    assert_eq!(pairs(&alice.get("/cashier/methods").await.json), all);
    assert_eq!(pairs(&alice.get("/cashier/methods?login=alice").await.json), all);
    let eur = app.session("alice").await["accounts"][1]["login"].as_i64().unwrap();
    assert_eq!(pairs(&alice.get(&format!("/cashier/methods?login={eur}")).await.json), named(&[("bank", "EUR")]));
}

#[tokio::test]
async fn accounts_of_others_are_refused() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let alice = app.front("alice").await;
    let bobs = app.session("bob").await["accounts"][0]["login"].as_i64().unwrap();

    for login in
        [bobs.to_string(), "bob".into(), "1".into(), "-1".into(), "1840%20".into(), "Alice".into(), "1001".into()]
    {
        for path in ["/cashier/methods", "/cashier/transactions"] {
            let told = alice.get(&format!("{path}?login={login}")).await;
            assert_eq!((told.refusal(), told.field()), ((403, "PERMISSION_DENIED"), "login"), "{path} {login}");
        }
    }
    for query in ["other=1", "login=alice&login=alice", "login[0]=1"] {
        assert_eq!(alice.get(&format!("/cashier/methods?{query}")).await.refusal(), (400, "INVALID_DATA"), "{query}");
    }
}

#[tokio::test]
async fn a_closed_gate_leaves_an_empty_list() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let alice = app.front("alice").await;
    assert_eq!(alice.get("/cashier/methods").await.json["count"], 4);
    app.wallet().put("alice", json!({"deposit_allowed": false})).await;

    let told = alice.get("/cashier/methods").await;

    assert_eq!((told.status, &told.json), (200, &json!({"rows": [], "count": 0})));
    app.wallet().put("alice", json!({"deposit_allowed": true})).await;
    let path = format!("{}/protection/exclusion", app.wallet().player("alice"));
    let excluded = app.wallet().call("PUT", &path, &[], Some(json!({"kind": "self_exclusion", "until": null}))).await;
    assert_eq!(excluded.status, 200, "{excluded:?}");
    assert_eq!(alice.get("/cashier/methods").await.json["count"], 0);
    let deposit = alice.post("/cashier/deposit", &json!({"amount": 10, "currency": "USD"})).await;
    assert_eq!(deposit.refusal(), (403, "DEPOSIT_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_provider_without_an_address_to_open_offers_nothing() {
    let app = TestApp::with(|text| {
        text.lines().filter(|line| !line.starts_with("authlink_url")).collect::<Vec<_>>().join("\n")
    })
    .await;
    app.player("alice").await;
    let alice = app.front("alice").await;

    assert_eq!(alice.get("/cashier/methods").await.json["count"], 0);
    let deposit = alice.post("/cashier/deposit", &json!({"amount": 10, "currency": "USD"})).await;
    assert_eq!(deposit.refusal(), (403, "PAYMENT_METHOD_NOT_AVAILABLE"));
}

#[tokio::test]
async fn exceptions_open_and_close_methods_for_one_player() {
    let app = TestApp::with(two_methods).await;
    app.player("alice").await;
    app.player("bob").await;
    let (alice, bob, wallet) = (app.front("alice").await, app.front("bob").await, app.wallet());
    let at = |method: &str| format!("{}/methods/{method}", wallet.player("alice"));
    let before = bob.get("/cashier/methods").await.json;

    let allow = json!({"mode": "allow", "currency": "EUR", "min_amount": 2500, "max_amount": 9900, "reason": "VIP"});
    let reply = wallet.call("PUT", &at("card"), &[], Some(allow.clone())).await;
    assert_eq!((reply.status, &reply.json["mode"], &reply.json["expires_at"]), (201, &json!("allow"), &Value::Null));
    assert_eq!(wallet.call("PUT", &at("card"), &[], Some(allow)).await.status, 200, "in its own place");
    let deny = json!({"mode": "deny", "reason": "risk"});
    assert_eq!(wallet.call("PUT", &at("bank"), &[], Some(deny)).await.status, 201);

    let told = alice.get("/cashier/methods").await;
    assert_eq!(pairs(&told.json), named(&[("card", "EUR")]));
    assert_eq!(
        (&told.json["rows"][0]["override_id"], &told.json["rows"][0]["override_mode"]),
        (&json!(2978), &json!(0))
    );
    assert!(told.text.contains("\"min_amount\":25.00,\"max_amount\":99.00"), "{}", told.text);
    assert_eq!(bob.get("/cashier/methods").await.json, before, "nobody else is concerned");
    let listed = wallet.call("GET", &format!("{}/methods", wallet.player("alice")), &[], None).await.json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(wallet.call("GET", &at("card"), &[], None).await.json["items"][0]["reason"], "VIP");

    assert_eq!(wallet.call("DELETE", &format!("{}?currency=USD", at("card")), &[], None).await.status, 404);
    assert_eq!(wallet.call("DELETE", &at("card"), &[], None).await.status, 204);
    assert_eq!(wallet.call("DELETE", &at("bank"), &[], None).await.status, 204);
    assert_eq!(wallet.call("DELETE", &at("bank"), &[], None).await.problem(), (404, "not_found"));
    assert_eq!(alice.get("/cashier/methods").await.json, before);
}

#[tokio::test]
async fn an_exception_that_makes_no_sense_is_refused() {
    let app = TestApp::with(two_methods).await;
    app.player("alice").await;
    let wallet = app.wallet();
    let at = |login: &str, method: &str| format!("{}/methods/{method}", wallet.player(login));
    let table = [
        (json!({"reason": "r"}), "mode"),
        (json!({"mode": "maybe", "reason": "r"}), "mode"),
        (json!({"mode": "allow"}), "reason"),
        (json!({"mode": "allow", "reason": " "}), "reason"),
        (json!({"mode": "allow", "reason": "r", "currency": "XYZ"}), "currency"),
        (json!({"mode": "allow", "reason": "r", "currency": "GBP"}), "currency"),
        (json!({"mode": "allow", "reason": "r", "min_amount": 1}), "min_amount"),
        (json!({"mode": "deny", "reason": "r", "currency": "USD", "max_amount": 1}), "max_amount"),
        (json!({"mode": "allow", "reason": "r", "currency": "USD", "min_amount": 0}), "min_amount"),
        (json!({"mode": "allow", "reason": "r", "currency": "USD", "min_amount": 1.5}), "min_amount"),
        (json!({"mode": "allow", "reason": "r", "currency": "USD", "min_amount": 2, "max_amount": 1}), "min_amount"),
        (
            json!({"mode": "allow", "reason": "r", "currency": "USD", "max_amount": 1_000_000_000_000_001_i64}),
            "max_amount",
        ),
        (json!({"mode": "allow", "reason": "r", "expires_at": "tomorrow"}), "expires_at"),
        (json!({"mode": "allow", "reason": "r", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        (json!({"mode": "allow", "reason": "r", "other": 1}), "other"),
    ];
    for (body, field) in table {
        let reply = wallet.call("PUT", &at("alice", "card"), &[], Some(body.clone())).await;
        assert_eq!((reply.status, reply.json["field"].as_str()), (400, Some(field)), "{body}");
        assert_eq!(reply.content_type, "application/problem+json");
    }
    let good = json!({"mode": "deny", "reason": "r", "expires_at": "2999-01-01T00:00:00+02:00"});
    assert_eq!(wallet.call("PUT", &at("alice", "paper"), &[], Some(good.clone())).await.problem(), (404, "not_found"));
    assert_eq!(
        wallet.call("PUT", &at("nobody", "card"), &[], Some(good.clone())).await.problem(),
        (404, "unknown_player")
    );
    assert_eq!(app.count("method_overrides").await, 0);
    let reply = wallet.call("PUT", &at("alice", "card"), &[], Some(good)).await;
    assert_eq!((reply.status, &reply.json["expires_at"]), (201, &json!("2998-12-31T22:00:00.000000Z")));
}
