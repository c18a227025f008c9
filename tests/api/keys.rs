//! Keys of the game server's API: what each is good for, how one takes another's place, and the names of requests.

use serde_json::json;

use crate::support::TestApp;
use crate::support::app::{SITE, WALLET_KEY, set};

const OLD: &str = "the-old-key-of-the-game-server-here";
const NEW: &str = "the-new-key-of-the-game-server-here";

async fn with_keys(keys: &str) -> TestApp {
    TestApp::with(|settings| set(&settings, "wallet", "api_keys", keys)).await
}

#[tokio::test]
async fn a_key_can_do_only_what_its_scopes_say() {
    let limited =
        |scopes: &str| format!("{{ all = \"{WALLET_KEY}\", some = {{ keys = [\"{OLD}\"], scopes = [{scopes}] }} }}");
    let kinds = ["bet", "win", "refund", "bonus", "adjustment"];
    let all = ["read", "players", "play", "bonus", "adjust", "cashier", "events"];
    for scope in all {
        let app = with_keys(&limited(&format!("\"{scope}\""))).await;
        app.player_with("alice", 1000).await;
        let wallet = app.wallet().with_key(OLD);
        let path = wallet.player("alice");
        let door = json!({"currency": "USD", "customer_ip": "203.0.113.7"});

        let mut asked = vec![
            ("read", wallet.get("alice").await),
            ("read", wallet.statement("alice", "").await),
            ("read", wallet.call("GET", &format!("{path}/protection"), &[], None).await),
            ("players", wallet.put("alice", json!({"country": "DE"})).await),
            (
                "players",
                wallet
                    .call(
                        "PUT",
                        &format!("{path}/protection/limits"),
                        &[],
                        Some(json!({"currency": "USD", "period": "day", "deposit_max": 5})),
                    )
                    .await,
            ),
            ("play", wallet.rollback("alice", "none").await),
            ("cashier", wallet.call("POST", &format!("{path}/cashier"), &[], Some(door)).await),
            ("cashier", wallet.call("POST", &format!("{path}/cashier/rotation-reset"), &[], None).await),
        ];
        for kind in kinds {
            let needed = match kind {
                "bonus" => "bonus",
                "adjustment" => "adjust",
                _ => "play",
            };
            let body = json!({"kind": kind, "amount": 5, "currency": "USD", "reference": kind, "reason": "a test"});
            asked.push((needed, wallet.post("alice", kind, body).await));
        }

        for (needed, reply) in asked {
            if needed == scope {
                assert!((200..300).contains(&reply.status), "{scope}: {reply:?}");
            } else {
                assert_eq!(reply.problem(), (403, "scope_missing"), "{scope} for {needed}: {reply:?}");
                assert!(reply.json["detail"].as_str().is_some_and(|detail| detail.ends_with(needed)), "{reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_of_one_site_does_not_reach_another() {
    let app = TestApp::with(|settings| {
        let keys = format!(
            "{{ one = {{ keys = [\"{WALLET_KEY}\"], sites = [{SITE}] }}, two = {{ keys = [\"{OLD}\"], sites = [7] }} }}"
        );
        let settings = set(&settings, "wallet", "api_keys", &keys);
        set(&set(&settings, "sites.other", "site_id", "7"), "sites.other", "currencies", "[\"USD\"]")
    })
    .await;
    app.player("alice").await;

    let other = app.wallet().with_key(OLD);
    assert_eq!(other.get("alice").await.problem(), (403, "site_not_permitted"));
    assert_eq!(other.put("eve", json!({})).await.problem(), (403, "site_not_permitted"));
    assert_eq!(other.play("alice", "win", 5, "r").await.problem(), (403, "site_not_permitted"));
    assert_eq!(other.at_site("7").put("alice", json!({})).await.status, 201);
    assert_eq!(app.wallet().at_site("7").get("alice").await.problem(), (403, "site_not_permitted"));
    assert_eq!(app.wallet().at_site("8").get("alice").await.problem(), (404, "unknown_site"));
    assert_eq!(app.balance("alice").await, (0, 0));
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_an_old_one_without_a_gap() {
    let app = with_keys(&format!("{{ game_server = \"{OLD}\" }}")).await;
    assert_eq!(app.wallet().with_key(OLD).put("alice", json!({})).await.status, 201);
    assert_eq!(app.wallet().with_key(NEW).get("alice").await.problem(), (401, "unauthorized"));

    let both = format!("{{ game_server = [\"{NEW}\", \"{OLD}\"] }}");
    let app = app.restart_with(|settings| set(&settings, "wallet", "api_keys", &both)).await;
    assert_eq!(app.wallet().with_key(OLD).get("alice").await.status, 200);
    assert_eq!(app.wallet().with_key(NEW).get("alice").await.status, 200);

    let one = format!("{{ game_server = \"{NEW}\" }}");
    let app = app.restart_with(|settings| set(&settings, "wallet", "api_keys", &one)).await;
    assert_eq!(app.wallet().with_key(OLD).get("alice").await.problem(), (401, "unauthorized"));
    assert_eq!(app.wallet().with_key(NEW).get("alice").await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_the_name_of_its_request() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    let path = wallet.player("alice");

    let echoed = wallet.call("PUT", &path, &[("x-request-id", "req-7/A")], Some(json!({}))).await;
    let refused = wallet.with_key("wrong").call("GET", &path, &[("x-request-id", "req-8")], None).await;
    let nowhere = wallet.call("GET", "/nowhere", &[("x-request-id", "req-9")], None).await;
    let (first, second) = (wallet.get("alice").await, wallet.get("alice").await);
    let too_long = wallet.call("GET", &path, &[("x-request-id", &"x".repeat(129))], None).await;

    assert_eq!((echoed.status, echoed.request_id.as_str()), (201, "req-7/A"));
    assert_eq!((refused.status, refused.request_id.as_str()), (401, "req-8"));
    assert_eq!((nowhere.status, nowhere.request_id.as_str()), (404, "req-9"));
    assert_ne!(first.request_id, second.request_id);
    assert!([&first, &second, &too_long].iter().all(|reply| reply.request_id.len() == 32), "{first:?} {too_long:?}");
}
