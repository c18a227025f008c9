//! Staff ask providers: only what is on the list, only of the right account, and two different people for what changes something there about
//! an order that needs two (threats R10, ADM-5, ADM-6).

use croupier::simulate::platforms::End;
use croupier::staff::Role;
use serde_json::{Value, json};

use super::bench::Bench;
use crate::support::app::set;
use crate::support::wire::Reply;

const ROOT: &str = "/admin/api/v1/providers";

/// Two accounts of one site, and orders that need two people from 50.00 USD on.
async fn bench() -> Bench {
    let two = |text: String| set(&text, "sites.demo.payouts", "four_eyes_from", "{ USD = 5000 }");
    Bench::with_settings(&["cactus", "exotic"], two).await
}

async fn ask(bench: &Bench, token: &str, what: &str, body: Value) -> Reply {
    bench.app.as_staff(token, "POST", &format!("{ROOT}/332/{what}"), body).await
}

async fn audited(bench: &Bench) -> Vec<String> {
    let rows = bench.app.read(|conn| croupier::staff::audit::list(conn, 0, 1_000)).await;
    rows.into_iter().map(|row| row.act).filter(|act| act.starts_with("provider.")).collect()
}

#[tokio::test]
async fn the_list_shows_every_account_with_its_calls_and_no_secret() {
    let bench = bench().await;
    let viewer = bench.app.staff("vera", Role::Viewer).await;

    let list = bench.app.as_staff(&viewer, "GET", ROOT, Value::Null).await;

    assert_eq!(list.status, 200);
    let items = list.json["items"].as_array().expect("accounts");
    let named: Vec<_> = items.iter().map(|item| (item["site_id"].clone(), item["provider"].clone())).collect();
    assert_eq!(named, [(json!(332), json!("cactus")), (json!(332), json!("exotic"))]);
    let calls = items[0]["calls"].as_array().expect("calls");
    let balance = calls.iter().find(|call| call["name"] == "balance").expect("the balance");
    assert_eq!((&balance["changes"], &balance["of_order"]), (&json!(false), &json!(false)));
    for (key, secret) in bench.app.state.settings.providers.all().flat_map(|provider| provider.secrets()) {
        assert!(!list.json.to_string().contains(secret.expose()), "{key}");
    }
}

#[tokio::test]
async fn an_operator_looks_and_a_viewer_does_not() {
    let bench = bench().await;
    let (viewer, operator) =
        (bench.app.staff("vera", Role::Viewer).await, bench.app.staff("olga", Role::Operator).await);

    let looked = ask(&bench, &operator, "cactus/balance", json!({"parameters": {"currency": "USD"}})).await;

    assert_eq!(looked.status, 200, "{}", looked.json);
    assert!(looked.json["answer"].is_object() || looked.json["answer"].is_array(), "{}", looked.json);
    assert_eq!(ask(&bench, &viewer, "cactus/balance", json!({})).await.status, 403);
    assert_eq!(audited(&bench).await, Vec::<String>::new(), "nothing was changed");
}

#[tokio::test]
async fn what_is_not_on_the_list_or_of_another_account_is_refused_before_anything_goes_out() {
    let bench = bench().await;
    bench.app.player("alice").await;
    let order = bench.deposit("alice", "d1").await;
    let approver = bench.app.staff("ann", Role::Approver).await;
    let of_order = |more: Value| {
        let mut body = json!({"external_id": order.id, "reason": "the player gave up"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };

    for (what, body, status) in [
        ("cactus/pay", json!({}), 404),
        ("nobody/balance", json!({}), 404),
        ("rebilly/read", json!({}), 404),
        ("cactus/balance", json!({"parameters": {"merchant_id": "x"}}), 400),
        ("cactus/balance", json!({"parameters": {"currency": 7}}), 400),
        ("cactus/balance", json!({"parameters": {"currency": "USD", "currency ": "x"}}), 400),
        ("cactus/balance", json!({"external_id": order.id}), 400),
        ("cactus/balance", json!({"amount": 1}), 400),
        ("cactus/close_invoice", json!({"reason": "x"}), 400),
        ("cactus/close_invoice", json!({"external_id": order.id}), 400),
        ("cactus/close_invoice", json!({"external_id": "no;id", "reason": "x"}), 400),
        ("cactus/close_invoice", json!({"external_id": "0198-unknown", "reason": "x"}), 404),
        ("exotic/cancel", of_order(json!({})), 404),
    ] {
        let answer = ask(&bench, &approver, what, body.clone()).await;
        assert_eq!(answer.status, status, "{what} {body}: {}", answer.json);
    }
    let elsewhere = bench.app.as_staff(&approver, "POST", &format!("{ROOT}/7/cactus/balance"), json!({})).await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(audited(&bench).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_needs_an_approver_a_reason_and_two_people_who_want_the_same() {
    let bench = bench().await;
    bench.app.player("alice").await;
    let order = bench.deposit("alice", "d1").await;
    let operator = bench.app.staff("olga", Role::Operator).await;
    let (ann, bob) = (bench.app.staff("ann", Role::Approver).await, bench.app.staff("bob", Role::Approver).await);
    let close = json!({"external_id": order.id, "reason": "the player gave up"});

    assert_eq!(ask(&bench, &operator, "cactus/close_invoice", close.clone()).await.status, 403);
    let first = ask(&bench, &ann, "cactus/close_invoice", close.clone()).await;
    assert_eq!((first.status, &first.json["approvals"], &first.json["required"]), (202, &json!(1), &json!(2)));
    assert_eq!(ask(&bench, &ann, "cactus/close_invoice", close.clone()).await.status, 409, "the same person");
    assert_eq!(bench.platform().orders()[0].end, End::Pending, "nothing has gone out");
    let second = ask(&bench, &bob, "cactus/close_invoice", close).await;

    assert!(matches!(second.status, 200 | 502), "{}", second.json);
    let call = "provider.close_invoice";
    assert_eq!(audited(&bench).await, [call, call, "provider.close_invoice.answered"]);
    assert_eq!(bench.deposit_stands(&order).await.1, (0, 0), "no money moves by a call");
}
