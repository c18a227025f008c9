//! What staff ask and see of orders whose end is waited for.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::admin::tests::Desk;
use crate::instance::Me;
use crate::payouts::worker::Worker;
use crate::providers::{Direction, Manners};
use crate::testing::provider::{Fake, MANNERS, NAME, Peer, http};

/// A desk with a payout of which nobody knows whether its provider has it.
async fn desk(manners: Manners) -> (Desk, Peer, String) {
    let peer = Peer::start().await;
    let url = peer.url.clone();
    let desk = Desk::with(|settings| {
        settings.providers = settings.providers.clone().with(Arc::new(Fake { url, manners }));
        settings.sites[0].providers.push(NAME);
    });
    let desk = desk.await;
    let id = desk.order_through(NAME, Direction::Payout, 500).await;
    desk.post("ann", &format!("/payouts/{id}/approve"), because()).await;
    let state = desk.state.clone();
    peer.pays(http(500, ""));
    let me = Me::new("one", true);
    Worker::new(state.db, state.settings, state.outgoing, state.metrics, me).step().await.unwrap();
    (desk, peer, id)
}

fn because() -> Value {
    json!({"reason": "checked"})
}

#[actix_web::test]
async fn a_person_asks_and_sees_what_was_said() {
    let (desk, peer, id) = desk(MANNERS).await;
    let (_, shown) = desk.get("vera", &format!("/payouts/{id}")).await;
    assert_eq!(
        (&shown["stage"], &shown["awaited"]["asked"], &shown["facts"]),
        (&json!("unknown"), &json!(0), &json!({}))
    );
    let due = shown["awaited"]["last_notification_due"].as_str().unwrap();
    assert!(due > shown["awaited"]["since"].as_str().unwrap() && shown["awaited"]["last_asked_at"].is_null());

    peer.says(&[&http(404, ""), &http(200, "paid 500")]);
    let (status, told) = desk.post("otto", &format!("/payouts/{id}/ask"), Value::Null).await;
    assert_eq!((status, told), (200, json!({"answer": "not found, which proves nothing: no such order"})));
    let (_, shown) = desk.get("vera", &format!("/payouts/{id}")).await;
    assert_eq!((&shown["stage"], &shown["awaited"]["asked"]), (&json!("unknown"), &json!(1)));

    let (status, told) = desk.post("otto", &format!("/payouts/{id}/ask"), Value::Null).await;
    assert_eq!((status, told), (200, json!({"answer": "payout paid (paid 500)"})));
    let (_, shown) = desk.get("vera", &format!("/payouts/{id}")).await;
    assert_eq!((&shown["status_name"], &shown["awaited"]), (&json!("credited"), &Value::Null));
    assert_eq!(shown["facts"], json!({"told": "paid 500"}));
}

#[actix_web::test]
async fn to_retry_what_may_have_been_paid_asks_instead() {
    let (desk, peer, id) = desk(MANNERS).await;
    peer.says(&[&http(503, ""), &http(200, "declined 500")]);

    let (status, shown) = desk.post("otto", &format!("/payouts/{id}/retry"), because()).await;
    assert_eq!((status, &shown["stage"]), (200, &json!("unknown")));
    let (status, shown) = desk.post("otto", &format!("/payouts/{id}/retry"), because()).await;
    assert_eq!((status, &shown["stage"], &shown["status_name"]), (200, &json!("done"), &json!("failed")));
    let (status, _) = desk.post("otto", &format!("/payouts/{id}/retry"), because()).await;
    assert_eq!((status, peer.count()), (409, 2));
    let (_, audit) = desk.get("vera", "/audit").await;
    let acts = audit["items"].as_array().unwrap().iter().filter(|row| row["act"] == "payout.retry");
    assert_eq!(acts.count(), 2, "who wanted it, and why");
}

#[actix_web::test]
async fn who_may_not_ask_and_what_cannot_be_asked_is_refused() {
    let (desk, peer, id) = desk(Manners { pace: 3_600_000, ..MANNERS }).await;
    peer.says(&[&http(404, "")]);
    let waits = desk.order_through(NAME, Direction::Payout, 600).await;
    let mute = desk.order_through("carouseller", Direction::Deposit, 700).await;
    let refused = [
        ("nobody", format!("/payouts/{id}/ask"), 401),
        ("vera", format!("/payouts/{id}/ask"), 403),
        ("otto", "/payouts/x/ask".to_owned(), 404),
        ("otto", format!("/deposits/{id}/ask"), 404),
        ("otto", format!("/payouts/{waits}/ask"), 409),
        ("otto", format!("/deposits/{mute}/ask"), 409),
    ];
    for (who, path, status) in refused {
        assert_eq!(desk.post(who, &path, Value::Null).await.0, status, "{who} {path}");
    }
    assert_eq!(peer.count(), 0);

    assert_eq!(desk.post("otto", &format!("/payouts/{id}/ask"), Value::Null).await.0, 200);
    let (status, problem) = desk.post("otto", &format!("/payouts/{id}/ask"), Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    assert!(problem.to_string().contains("ask again at 20"), "{problem}");
    assert_eq!(peer.count(), 1);
}
