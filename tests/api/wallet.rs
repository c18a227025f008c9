//! The game server's API (contract 4.3, threats WLT).

use croupier::simulate::messages::{PURCHASE, SUCCESS};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SITE, set};
use crate::support::wire::{Reply, encoded};

const BODY: &str = r#"{"kind":"win","amount":5,"currency":"USD","reference":"r"}"#;

fn win(amount: i64, reference: &str) -> Value {
    json!({"kind": "win", "amount": amount, "currency": "USD", "reference": reference})
}

fn adjustment(amount: i64) -> Value {
    json!({"kind": "adjustment", "amount": amount, "currency": "USD", "reference": "a", "reason": "put right"})
}

#[tokio::test]
async fn a_player_is_created_once_and_changed_field_by_field() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();

    let created = wallet.put("alice", json!({})).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json["status"], "active");
    assert_eq!((&created.json["deposit_allowed"], &created.json["withdrawal_allowed"]), (&json!(true), &json!(true)));
    let changed =
        wallet.put("alice", json!({"country": "lv", "first_name": "Alice", "withdrawal_allowed": false})).await;
    assert_eq!(changed.status, 200);
    wallet.put("alice", json!({"status": "blocked"})).await;
    wallet.put("alice", json!({"first_name": ""})).await;
    let player = wallet.get("alice").await;

    let zero = |code: &str| json!({"currency": code, "available": 0, "held": 0});
    assert_eq!(player.status, 200);
    assert_eq!((&player.json["site_id"], &player.json["site_login"]), (&json!(SITE), &json!("alice")));
    assert_eq!((&player.json["status"], &player.json["country"]), (&json!("blocked"), &json!("LV")));
    assert_eq!((&player.json["withdrawal_allowed"], player.json.get("first_name")), (&json!(false), None));
    assert_eq!(player.json["balances"], json!([zero("EUR"), zero("JPY"), zero("KWD"), zero("USD")]));
}

#[tokio::test]
async fn a_player_with_odd_fields_is_refused_and_not_created() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    let odd = [
        (json!({"status": "gone"}), "invalid_field"),
        (json!({"status": 1}), "invalid_field"),
        (json!({"deposit_allowed": "yes"}), "invalid_field"),
        (json!({"deposit_allowed": 1}), "invalid_field"),
        (json!({"country": "LVA"}), "invalid_field"),
        (json!({"country": "1L"}), "invalid_field"),
        (json!({"first_name": "a\nb"}), "invalid_field"),
        (json!({"first_name": "x".repeat(257)}), "invalid_field"),
        (json!({"first_name": ["Alice"]}), "invalid_field"),
        (json!({"available": 1000}), "unknown_field"),
        (json!({"balances": []}), "unknown_field"),
        (json!({"site_login": "bob"}), "unknown_field"),
        (json!([]), "malformed_body"),
        (json!("{}"), "malformed_body"),
        (Value::Null, "malformed_body"),
    ];

    for (fields, code) in odd {
        let reply = wallet.put("alice", fields.clone()).await;
        assert_eq!(
            (reply.problem(), reply.content_type.as_str()),
            ((400, code), "application/problem+json"),
            "{fields}"
        );
    }
    let empty = wallet.call("PUT", &wallet.player("alice"), &[], None).await;

    assert_eq!(empty.problem(), (415, "unsupported_media_type"), "no body and no content type");
    assert_eq!(wallet.get("alice").await.problem(), (404, "unknown_player"));
}

#[tokio::test]
async fn without_a_good_key_nothing_is_told_and_nothing_done() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let before = app.rows().await;
    let long = "x".repeat(5000);
    let key = crate::support::app::WALLET_KEY;
    let wrong = ["", "wrong", &key[1..], &format!("{key}x"), &key.to_uppercase(), &long].map(str::to_owned);

    for wrong in wrong {
        let wallet = app.wallet().with_key(&wrong);
        let replies = [
            wallet.get("alice").await,
            wallet.get("nobody").await,
            wallet.at_site("999").get("alice").await,
            wallet.put("alice", json!({"status": "blocked"})).await,
            wallet.play("alice", "bet", 5, "r").await,
            wallet.rollback("alice", "r").await,
            wallet.statement("alice", "").await,
        ];
        for reply in replies {
            assert_eq!(
                (reply.problem(), reply.content_type.as_str()),
                ((401, "unauthorized"), "application/problem+json")
            );
        }
    }
    for header in [format!("Basic {key}"), key.to_owned(), format!("Bearer{key}"), "Bearer".to_owned()] {
        let wallet = app.wallet().with_key("");
        let reply = wallet.call("GET", &wallet.player("alice"), &[("authorization", &header)], None).await;
        assert_eq!(reply.status, 401, "{header}");
    }

    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn every_kind_moves_the_balance_its_way() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let wallet = app.wallet();
    let table = [
        ("win", 1000, (1000, 0)),
        ("bet", 400, (600, 0)),
        ("refund", 100, (700, 0)),
        ("bonus", 50, (750, 0)),
        ("win", 0, (750, 0)),
        ("bet", 750, (0, 0)),
    ];

    for (nth, (kind, amount, after)) in table.into_iter().enumerate() {
        let reply = wallet.play("alice", kind, amount, &format!("round {nth}")).await;
        assert_eq!((reply.status, reply.balance(), reply.replayed), (201, after, false), "{kind}: {reply:?}");
        assert!(reply.json["transaction_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
    assert_eq!(wallet.post("alice", "plus", adjustment(30)).await.balance(), (30, 0));
    assert_eq!(wallet.post("alice", "minus", adjustment(-30)).await.balance(), (0, 0));

    assert_eq!(wallet.post("alice", "too much", adjustment(-1)).await.problem(), (402, "insufficient_funds"));
    assert_eq!(wallet.play("alice", "bet", 1, "broke").await.problem(), (402, "insufficient_funds"));
}

#[tokio::test]
async fn what_is_not_a_transaction_is_refused_with_the_name_of_the_field() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    let changed = |name: &str, value: Value| {
        let mut body = win(5, "r");
        body[name] = value;
        body
    };
    let mut missing = win(5, "r");
    missing.as_object_mut().unwrap().remove("reference");
    let table = [
        (changed("kind", json!("steal")), 400, "invalid_field"),
        (changed("kind", json!("Win")), 400, "invalid_field"),
        (changed("kind", json!(1)), 400, "invalid_field"),
        (changed("amount", json!(-5)), 400, "invalid_amount"),
        (changed("amount", json!(5.5)), 400, "invalid_field"),
        (changed("amount", json!(5.0)), 400, "invalid_field"),
        (changed("amount", json!("5")), 400, "invalid_field"),
        (changed("amount", json!(1e3)), 400, "invalid_field"),
        (changed("amount", json!(1_000_000_000_000_001_i64)), 400, "invalid_amount"),
        (changed("amount", json!(i64::MIN)), 400, "invalid_amount"),
        (changed("amount", json!(u64::MAX)), 400, "invalid_field"),
        (changed("currency", json!("GBP")), 400, "unsupported_currency"),
        (changed("currency", json!("")), 400, "unsupported_currency"),
        (changed("reference", json!("")), 400, "missing_field"),
        (changed("reference", json!("  ")), 400, "missing_field"),
        (changed("reference", json!("x".repeat(129))), 400, "invalid_field"),
        (changed("reference", json!("a\u{0}b")), 400, "invalid_field"),
        (changed("state", json!("done")), 400, "unknown_field"),
        (missing, 400, "missing_field"),
        (json!({"kind": "bet", "amount": 0, "currency": "USD", "reference": "r"}), 400, "invalid_amount"),
        (json!({"kind": "bonus", "amount": 0, "currency": "USD", "reference": "r"}), 400, "invalid_amount"),
        (json!({"kind": "refund", "amount": -1, "currency": "USD", "reference": "r"}), 400, "invalid_amount"),
        (json!({"kind": "adjustment", "amount": 5, "currency": "USD", "reference": "r"}), 400, "missing_field"),
        (
            json!({"kind": "adjustment", "amount": 5, "currency": "USD", "reference": "r", "reason": " "}),
            400,
            "missing_field",
        ),
        (
            json!({"kind": "adjustment", "amount": 0, "currency": "USD", "reference": "r", "reason": "x"}),
            400,
            "invalid_amount",
        ),
        (json!([]), 400, "malformed_body"),
    ];
    let before = app.rows().await;

    for (body, status, code) in table {
        let reply = wallet.post("alice", "one key for all", body.clone()).await;
        assert_eq!(
            (reply.problem(), reply.content_type.as_str()),
            ((status, code), "application/problem+json"),
            "{body}"
        );
    }
    let path = format!("{}/transactions", wallet.player("alice"));
    let keyless = wallet.call("POST", &path, &[], Some(win(5, "r"))).await;
    assert_eq!((keyless.problem(), &keyless.json["field"]), ((400, "missing_field"), &json!("Idempotency-Key")));
    for key in ["", " ", &"k".repeat(129)] {
        assert_eq!(wallet.post("alice", key, win(5, "r")).await.status, 400, "{key:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(wallet.call("POST", &path, &twice, Some(win(5, "r"))).await.status, 400);
    assert_eq!(wallet.post("nobody", "k", win(5, "r")).await.problem(), (404, "unknown_player"));
    assert_eq!(wallet.at_site("999").post("alice", "k", win(5, "r")).await.problem(), (404, "unknown_site"));

    assert_eq!(app.rows().await, before);
    assert_eq!(wallet.post("alice", "one key for all", win(5, "r")).await.status, 201, "a refusal is not remembered");
}

#[tokio::test]
async fn a_body_in_another_form_is_not_read() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let wallet = app.wallet();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |kind: &str, body: &str| {
        let request = http.post(format!("{}{}/transactions", app.private, wallet.player("alice")));
        let request = request.header("authorization", format!("Bearer {}", crate::support::app::WALLET_KEY));
        let request = request.header("idempotency-key", "k").header("content-type", kind).body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    };

    assert_eq!(send("text/plain", BODY).await, 415);
    assert_eq!(send("application/x-www-form-urlencoded", "kind=win&amount=5&currency=USD&reference=r").await, 415);
    assert_eq!(send("application/json", &BODY.replace("\"amount\":5", "\"amount\":5,\"amount\":6")).await, 400);
    assert_eq!(send("application/json", &format!("{BODY}{BODY}")).await, 400);
    assert_eq!(send("application/json", &format!("{BODY}{}", " ".repeat(70_000))).await, 413);
    assert_eq!(app.balance("alice").await, (0, 0));
    assert_eq!(send("application/json; charset=utf-8", BODY).await, 201);
}

/// threats WLT-2
#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_says_so() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let wallet = app.wallet();
    let first = wallet.post("alice", "k", win(500, "r")).await;
    wallet.play("alice", "bet", 100, "later").await;

    let again = wallet.post("alice", "k", win(500, "r")).await;
    assert_eq!((again.status, again.replayed, &again.json), (200, true, &first.json), "the balance of then, too");
    let table = [
        ("alice", win(501, "r")),
        ("alice", win(500, "other")),
        ("alice", json!({"kind": "bonus", "amount": 500, "currency": "USD", "reference": "r"})),
        ("alice", json!({"kind": "win", "amount": 500, "currency": "EUR", "reference": "r"})),
        ("alice", json!({"kind": "win", "amount": 500, "currency": "USD", "reference": "r", "reason": "new"})),
        ("bob", win(500, "r")),
    ];
    for (login, body) in table {
        let reply = wallet.post(login, "k", body.clone()).await;
        assert_eq!(reply.problem(), (409, "idempotency_key_reused"), "{login} {body}");
    }
    wallet.put("alice", json!({"status": "blocked"})).await;
    let app = app.restart().await;
    let after = app.wallet().post("alice", "k", win(500, "r")).await;

    assert_eq!((after.status, after.replayed, after.json), (200, true, first.json), "for ever");
    assert_eq!((app.balance("alice").await, app.balance("bob").await), ((400, 0), (0, 0)));
}

/// threats WLT-2
#[tokio::test]
async fn one_key_in_parallel_has_one_effect() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    let bet = |amount: i64| json!({"kind": "bet", "amount": amount, "currency": "USD", "reference": "r"});

    let same = join_all((0..30).map(|_| wallet.post("alice", "same", bet(10)))).await;
    let mixed = join_all((1..=20).map(|amount| wallet.post("alice", "mixed", bet(amount)))).await;

    let count = |replies: &[Reply], status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(&same, 201), count(&same, 200)), (1, 29));
    assert!(same.iter().all(|reply| reply.json == same[0].json && reply.replayed == (reply.status == 200)));
    assert_eq!((count(&mixed, 201), count(&mixed, 409)), (1, 19));
    let placed = mixed.iter().find(|reply| reply.status == 201).unwrap();
    assert_eq!(app.balance("alice").await, placed.balance());
}

/// threats WLT-3
#[tokio::test]
async fn what_would_leave_the_range_is_refused_and_changes_nothing() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.fill("alice", 1000).await;
    let before = app.rows().await;

    for kind in ["win", "refund", "bonus"] {
        let reply = app.wallet().play("alice", kind, 1, "over").await;
        assert_eq!(reply.problem(), (409, "balance_out_of_range"), "{kind}");
    }
    assert_eq!(app.wallet().post("alice", "over", adjustment(1)).await.problem(), (409, "balance_out_of_range"));

    assert_eq!(app.rows().await, before);
    assert_eq!(app.wallet().play("alice", "bet", 1, "room").await.status, 201);
    // On a server the house's account follows a moment later, and it stands at its end too.
    app.state.db.settle().await;
    assert_eq!(app.wallet().play("alice", "win", 1, "over").await.status, 201, "a refusal is not remembered");
}

#[tokio::test]
async fn a_blocked_player_cannot_bet_but_is_paid() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    wallet.play("alice", "bet", 100, "open round").await;
    for status in ["blocked", "closed"] {
        wallet.put("alice", json!({"status": status})).await;
        assert_eq!(wallet.play("alice", "bet", 1, status).await.problem(), (403, "player_blocked"));
        assert_eq!(wallet.play("alice", "win", 10, status).await.status, 201, "a round that ends is paid");
    }

    assert_eq!(wallet.rollback("alice", "open round").await.json["applied"], true);
    assert_eq!(app.balance("alice").await, (1020, 0));
}

#[tokio::test]
async fn a_statement_lists_every_movement_oldest_first_and_continues_where_it_ended() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.player_with("bob", 77).await;
    let wallet = app.wallet();
    let deposit = app.paid_deposit("alice", 500).await;
    wallet.play("alice", "bet", 200, "r").await;
    wallet.rollback("alice", "r").await;
    wallet.play("alice", "win", 0, "nothing").await;
    let payout = app.payout("alice", 300).await;
    app.initiation(&payout).await;
    app.say_paid_out(&payout).await;
    app.say(&deposit, 7, SUCCESS).await;

    let whole = wallet.statement("alice", "").await;
    let kinds = |reply: &Reply| -> Vec<String> {
        reply.json["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&whole), ["win", "deposit", "bet", "rollback", "hold", "capture", "chargeback"]);
    assert_eq!(whole.json["next"], Value::Null);
    let sum = |name: &str| {
        whole.json["items"].as_array().unwrap().iter().map(|item| item[name].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((sum("available_change"), sum("held_change")), app.balance("alice").await);
    let (mut collected, mut after) = (Vec::new(), "0".to_owned());
    for _ in 0..10 {
        let page = wallet.statement("alice", &format!("limit=3&after={after}")).await;
        collected.extend(page.json["items"].as_array().unwrap().clone());
        match page.json["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(&Value::Array(collected), &whole.json["items"]);

    for query in ["limit=0", "limit=501", "limit=x", "limit=-1", "after=x", "after=-1", "page=2", "limit=1&limit=2"] {
        assert_eq!(wallet.statement("alice", query).await.status, 400, "{query}");
    }
    assert_eq!(wallet.statement("nobody", "").await.problem(), (404, "unknown_player"));
    assert_eq!(kinds(&wallet.statement("bob", "limit=500").await), ["win"]);
}

/// Its index has a shelf for each 1024 entries of everybody.
#[tokio::test]
async fn a_statement_is_whole_however_many_entries_of_others_lie_between() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    for login in ["alice", "bob"] {
        wallet.put(login, json!({})).await;
    }
    let lines = |reply: &Reply| -> Vec<(i64, i64)> {
        let line = |item: &Value| {
            (item["id"].to_string().trim_matches('"').parse().unwrap(), item["available_change"].as_i64().unwrap())
        };
        reply.json["items"].as_array().unwrap().iter().map(line).collect()
    };
    let play = async |numbers: std::ops::Range<i64>| {
        for some in numbers.collect::<Vec<_>>().chunks(64) {
            let played =
                some.iter().map(async |number| wallet.post("bob", &format!("win {number}"), win(*number, "r")).await);
            assert!(join_all(played).await.iter().all(|reply| reply.status < 300));
        }
    };

    wallet.play("alice", "win", 1, "first").await;
    play(1..1_200).await;
    wallet.play("alice", "win", 2, "second").await;
    play(1_200..2_300).await;
    wallet.play("alice", "win", 3, "third").await;

    let alice = lines(&wallet.statement("alice", "").await);
    assert_eq!(alice.iter().map(|line| line.1).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(alice[0].0 + 1_024 < alice[1].0 && alice[1].0 + 1_024 < alice[2].0, "on three shelves: {alice:?}");
    let second = wallet.statement("alice", &format!("limit=1&after={}", alice[0].0)).await;
    assert_eq!((lines(&second), &second.json["next"]), (vec![alice[1]], &json!(alice[1].0.to_string())));
    assert_eq!(lines(&wallet.statement("alice", &format!("after={}", alice[2].0)).await), []);
    let (mut bob, mut after) = (Vec::new(), Some("0".to_owned()));
    while let Some(place) = after {
        let page = wallet.statement("bob", &format!("limit=500&after={place}")).await;
        bob.extend(lines(&page));
        after = page.json["next"].as_str().map(str::to_owned);
    }
    assert!(bob.is_sorted_by(|one, next| one.0 < next.0), "oldest first, each once");
    let (sum, all) = (bob.iter().map(|line| line.1).sum::<i64>(), 1..2_300_i64);
    assert_eq!((bob.len(), sum), (2_299, all.sum()));
}

#[tokio::test]
async fn logins_are_taken_from_the_path_exactly() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    let logins =
        ["a/b", "a%2Fb", "a%b", "a+b", "a b", "ünï", "日本", "a?b", "a#b", "a&b=c", "a;b", "%", "%41", "A", "a\\b"];

    for (nth, login) in logins.into_iter().enumerate() {
        let created = wallet.put(login, json!({})).await;
        assert_eq!((created.status, &created.json["site_login"]), (201, &json!(login)), "{login}: {created:?}");
        let reply = wallet.play(login, "win", 100 + nth as i64, &format!("for {login}")).await;
        assert_eq!(reply.status, 201, "{login}");
    }
    for (nth, login) in logins.into_iter().enumerate() {
        assert_eq!(app.balance(login).await, (100 + nth as i64, 0), "{login}");
    }

    let raw = |path: &str| format!("/wallet/v1/sites/{SITE}/players/{path}");
    let long = encoded(&"ж".repeat(129));
    for path in ["%FF", "%C3", "%ED%A0%80", "a%00b", "a%0Ab", "%20", &long] {
        let reply = wallet.call("PUT", &raw(path), &[], Some(json!({}))).await;
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
    }
    assert_eq!(app.count("players").await, logins.len() as i64);
}

#[tokio::test]
async fn other_addresses_and_methods_are_told_as_problems() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let wallet = app.wallet();
    let player = wallet.player("alice");
    let table = [
        ("GET", "/".to_owned(), 404),
        ("GET", "/wallet/v1".to_owned(), 404),
        ("GET", "/wallet/v1/sites/x/players/alice".to_owned(), 404),
        ("GET", "/wallet/v1/sites/-332/players/alice".to_owned(), 404),
        ("GET", format!("{player}/nothing"), 404),
        ("DELETE", player.clone(), 405),
        ("POST", player.clone(), 405),
        ("PUT", format!("{player}/transactions"), 405),
        ("GET", format!("{player}/transactions/r/rollback"), 405),
        ("POST", "/cashier/callback/carouseller".to_owned(), 404),
    ];

    for (method, path, status) in table {
        let reply = wallet.call(method, &path, &[], None).await;
        assert_eq!(
            (reply.status, reply.content_type.as_str()),
            (status, "application/problem+json"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_money_of_each_currency_is_apart() {
    let app = TestApp::with(|text| set(&text, "sites.demo", "currencies", r#"["USD", "KWD"]"#)).await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    let bet = json!({"kind": "bet", "amount": 1, "currency": "KWD", "reference": "r"});

    assert_eq!(wallet.post("alice", "k", bet.clone()).await.problem(), (402, "insufficient_funds"));
    let dinars = app.deposit_in("alice", 1, "KWD").await;
    app.say(&dinars, PURCHASE, SUCCESS).await;
    assert_eq!(wallet.post("alice", "k", bet).await.balance(), (0, 0));

    assert_eq!(app.balance("alice").await, (1000, 0));
}
