//! `check_deposit` and `request_payout` over HTTP: every answer, and the order of checks (contract 4.1).

use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::simulate::Params;
use croupier::simulate::messages::{PAYOUT, PURCHASE, SUCCESS, with, without};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::set;
use crate::support::wire::{DRESSES, Dress, check_deposit, order, request_payout, signed, signed_with};

const OTHER_SALT: &str = "another salt for another site of tests";

#[tokio::test]
async fn a_deposit_is_credited_once_paid_and_a_payout_leaves_once_paid_out() {
    let app = TestApp::spawn().await;
    app.player("alice").await;

    let deposit = app.deposit("alice", 10_000).await;
    assert_eq!((app.deposit_status(&deposit).await, app.balance("alice").await), (Status::Created, (0, 0)));
    app.say(&deposit, PURCHASE, SUCCESS).await;
    assert_eq!((app.deposit_status(&deposit).await, app.balance("alice").await), (Status::Credited, (10_000, 0)));
    let payout = app.payout("alice", 4_000).await;
    assert_eq!(app.balance("alice").await, (6_000, 4_000));
    let initiation = app.initiation(&payout).await;
    app.say(&payout, PAYOUT, SUCCESS).await;

    assert_eq!((initiation.amount, initiation.signature_holds, initiation.nth), (Some(4_000), true, 1));
    assert_eq!(app.balance("alice").await, (6_000, 0));
    assert_eq!(app.payout_standing(&payout).await, (Status::Credited, Stage::Done));
    assert_eq!(app.reviews().await, Vec::<String>::new());
    app.holds().await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.paid_deposit("alice", 10_000).await;
    let question = request_payout(&order("alice", 4_000, "USD"));
    let before = app.ask(&question).await;

    let app = app.restart().await;

    assert_eq!(app.ask(&question).await.json, before.json, "the repetition gets the first answer");
    assert_eq!(app.balance("alice").await, (6_000, 4_000));
}

#[tokio::test]
async fn answers_are_exactly_what_the_protocol_says() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 100).await;
    let members = |answer: &croupier::simulate::caller::Answer| {
        let object = answer.json.as_ref().and_then(Value::as_object).expect("a JSON object");
        object.keys().cloned().collect::<Vec<_>>()
    };

    let yes = app.ask(&check_deposit(&order("alice", 5, "USD"))).await;
    let held = app.ask(&request_payout(&order("alice", 100, "USD"))).await;
    let poor = app.ask(&request_payout(&order("alice", 1, "USD"))).await;
    let no = app.ask(&check_deposit(&order("nobody", 5, "USD"))).await;

    assert_eq!((yes.status, yes.code(), members(&yes)), (200, Some(0), vec!["code".into(), "external_id".into()]));
    assert_eq!((held.status, held.code(), members(&held)), (200, Some(50), vec!["code".into(), "external_id".into()]));
    assert_eq!(poor.json, Some(json!({"code": 402, "error_description": "Insufficient funds"})));
    assert_eq!(no.json, Some(json!({"code": 500, "error_description": "User not found"})));
}

#[tokio::test]
async fn external_ids_are_short_plain_unique_and_sort_by_time() {
    let app = TestApp::spawn().await;
    app.player("alice").await;

    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(app.deposit("alice", 5).await.id);
    }

    let plain = |id: &String| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    assert!(ids.iter().all(plain), "{ids:?}");
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}

/// Every refusal about the player, in the contract's words.
#[tokio::test]
async fn a_player_who_may_not_is_told_so() {
    let app = TestApp::spawn().await;
    let wallet = app.wallet();
    let table = [
        ("blocked", json!({"status": "blocked"}), "User is blocked", "User is blocked"),
        ("closed", json!({"status": "closed"}), "User is blocked", "User is blocked"),
        ("no deposits", json!({"deposit_allowed": false}), "Deposits are not allowed", ""),
        ("no payouts", json!({"withdrawal_allowed": false}), "", "Payouts are not allowed"),
        ("neither", json!({"deposit_allowed": false, "withdrawal_allowed": false}), "Deposits", "Payouts"),
        ("blocked too", json!({"status": "blocked", "deposit_allowed": false}), "User is blocked", "User is blocked"),
    ];

    for (login, fields, deposit_words, payout_words) in table {
        app.player_with(login, 1000).await;
        assert_eq!(wallet.put(login, fields).await.status, 200);
        let questions = [
            (check_deposit(&order(login, 5, "USD")), deposit_words, 0),
            (request_payout(&order(login, 5, "USD")), payout_words, 50),
        ];
        for (question, words, code) in questions {
            if words.is_empty() {
                assert_eq!(app.ask(&question).await.code(), Some(code), "{login}");
            } else {
                app.refuses(&question, words).await;
            }
        }
        wallet.put(login, json!({"status": "active", "deposit_allowed": true, "withdrawal_allowed": true})).await;
        app.deposit(login, 5).await;
        app.payout(login, 5).await;
    }
}

#[tokio::test]
async fn required_parameters_are_named_when_they_are_missing_and_odd_ones_when_they_are_wrong() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = || check_deposit(&order("alice", 5, "USD"));
    let payout = || request_payout(&order("alice", 5, "USD"));

    for name in ["site_login", "amount", "currency", "payment_group_id", "payment_type_id"] {
        app.refuses(&without(deposit(), name), &format!("Missing parameter {name}")).await;
    }
    for name in ["site_login", "amount", "currency", "payment_group_id", "customer_purse", "remember_customer_purse"] {
        app.refuses(&without(payout(), name), &format!("Missing parameter {name}")).await;
    }
    let odd = [
        ("payment_group_id", "six"),
        ("payment_group_id", "-6"),
        ("payment_group_id", "06"),
        ("payment_group_id", "6.0"),
        ("payment_type_id", "18a"),
        ("remember_customer_purse", "2"),
        ("remember_customer_purse", "true"),
        ("customer_ip", "localhost"),
        ("customer_ip", "127.0.0.1.1"),
        ("customer_ip", "300.0.0.1"),
        ("source_type", "x"),
        ("transaction_id", "a;b"),
        ("customer_purse", "a;b"),
        ("site_login", "a;b"),
    ];
    for (name, value) in odd {
        app.refuses(&with(payout(), name, value), &format!("Invalid parameter {name}")).await;
    }

    for name in ["customer_purse", "customer_ip", "source_type", "transaction_id"] {
        assert_eq!(app.ask(&without(deposit(), name)).await.code(), Some(0), "{name} is optional");
    }
    assert_eq!(app.ask(&with(deposit(), "customer_ip", "2001:db8::1")).await.code(), Some(0));
}

/// Contract 4.1, "Order of checks": each row breaks one more thing than the row below it, and the first one broken is told.
#[tokio::test]
async fn what_is_wrong_is_told_in_the_order_of_the_contract() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.limits.USD", "payout_max", "5000");
        let text = set(&text, "sites.demo.carouseller", "allow_from", r#"["127.0.0.1"]"#);
        format!("{text}\n[sites.far]\nsite_id = 9\ncurrencies = [\"USD\"]\n[sites.far.carouseller]\nsalts = [\"{OTHER_SALT}\"]\nallow_from = [\"10.0.0.0/8\"]\n")
    })
    .await;
    app.player_with("alice", 100).await;
    app.wallet().put("bob", json!({"status": "blocked"})).await;
    let used = request_payout(&order("alice", 50, "USD"));
    assert_eq!(app.ask(&used).await.code(), Some(50));
    let again = used["transaction_id"].clone();
    let fresh = || request_payout(&order("alice", 9000, "USD"));
    let replayed = || with(with(fresh(), "transaction_id", again.clone()), "site_login", "nobody");
    let bad_field = || without(replayed(), "payment_group_id");
    let forged = |question: Params| with(question, "signature", "0".repeat(40));

    let table: Vec<(Params, &str)> = vec![
        (forged(with(with(bad_field(), "action", "steal"), "site_id", 999)), "Unknown action"),
        (forged(with(bad_field(), "site_id", 999)), "Unknown site"),
        (forged(with(bad_field(), "site_id", 9)), "Address is not allowed"),
        (forged(bad_field()), "Invalid signature"),
        (signed(&with(bad_field(), "amount", "-1")), "Invalid amount"),
        (signed(&bad_field()), "Missing parameter payment_group_id"),
        (signed(&replayed()), "transaction_id was used with other parameters"),
        (signed(&with(fresh(), "site_login", "nobody")), "User not found"),
        (signed(&with(fresh(), "site_login", "bob")), "User is blocked"),
        (signed(&fresh()), "Amount is above the maximum"),
        (signed(&with(fresh(), "amount", 5000)), "Insufficient funds"),
    ];
    let before = app.rows().await;
    for (question, words) in table {
        let answer = app.ask_as_is(&question, Dress::Json).await;
        assert_eq!((answer.status, answer.description()), (200, words), "{question:?}");
        assert_eq!(answer.code(), Some(if words == "Insufficient funds" { 402 } else { 500 }), "{words}");
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn limits_refuse_what_is_past_them_and_take_their_ends() {
    let app = TestApp::with(|text| {
        let limits = [("deposit_min", "100"), ("deposit_max", "1000"), ("payout_min", "50"), ("payout_max", "400")];
        limits.iter().fold(text, |text, (key, value)| set(&text, "sites.demo.limits.USD", key, value))
    })
    .await;
    app.player_with("alice", 1_000_000).await;
    let (below, above) = ("Amount is below the minimum", "Amount is above the maximum");

    for (amount, words) in [(1, below), (99, below), (1001, above), (1_000_000_000_000_000, above)] {
        app.refuses(&check_deposit(&order("alice", amount, "USD")), words).await;
    }
    for (amount, words) in [(1, below), (49, below), (401, above), (1_000_000_000_000_000, above)] {
        app.refuses(&request_payout(&order("alice", amount, "USD")), words).await;
    }

    for amount in [100, 1000] {
        app.deposit("alice", amount).await;
    }
    for amount in [50, 400] {
        app.payout("alice", amount).await;
    }
    app.deposit_in("alice", 1, "EUR").await;
}

#[tokio::test]
async fn the_days_limit_counts_what_was_held_or_paid_and_not_what_came_back() {
    let app = TestApp::with(|text| set(&text, "sites.demo.limits.USD", "payout_daily_max", "1000")).await;
    app.player_with("alice", 10_000).await;
    app.player_with("bob", 10_000).await;
    let over = || request_payout(&order("alice", 401, "USD"));

    let paid = app.payout("alice", 300).await;
    let open = app.payout("alice", 300).await;
    app.refuses(&over(), "Amount is above the maximum").await;
    app.initiation(&paid).await;
    app.say_paid_out(&paid).await;
    app.refuses(&over(), "Amount is above the maximum").await;
    app.payout("bob", 1000).await;
    app.refuses(&request_payout(&order("bob", 1, "USD")), "Amount is above the maximum").await;
    app.initiation(&open).await;
    app.say_not_paid_out(&open).await;
    assert_eq!(app.ask(&over()).await.code(), Some(50), "what came back does not count");

    app.payout("alice", 299).await;
    app.refuses(&request_payout(&order("alice", 1, "USD")), "Amount is above the maximum").await;
    let poor = app.ask(&request_payout(&order("nobody", 1, "USD"))).await;
    assert_eq!(poor.description(), "User not found");
}

#[tokio::test]
async fn two_sites_share_nothing() {
    let app = TestApp::with(|text| {
        format!("{text}\n[sites.second]\nsite_id = 7\ncurrencies = [\"USD\"]\n[sites.second.carouseller]\nsalts = [\"{OTHER_SALT}\"]\n")
    })
    .await;
    app.player_with("alice", 1000).await;
    let second = app.wallet().at_site("7");
    let question = check_deposit(&order("alice", 500, "USD"));
    let there = signed_with(&with(question.clone(), "site_id", 7), OTHER_SALT);

    let unknown = app.ask_as_is(&there, Dress::Json).await;
    assert_eq!(unknown.description(), "User not found", "the same login on another site is somebody else");
    second.put("alice", json!({})).await;
    let here = app.ask(&question).await;
    let there = app.ask_as_is(&there, Dress::Json).await;
    assert_eq!((here.code(), there.code()), (Some(0), Some(0)), "one transaction_id on two sites is two questions");
    assert_ne!(here.external_id(), there.external_id());
    for (site, salt) in [(7, crate::support::app::SALT), (332, OTHER_SALT)] {
        let crossed = signed_with(&with(check_deposit(&order("alice", 5, "USD")), "site_id", site), salt);
        assert_eq!(app.ask_as_is(&crossed, Dress::Json).await.description(), "Invalid signature");
    }
    let stray = crate::support::wire::notification(
        there.external_id().unwrap(),
        &order("alice", 500, "USD"),
        PURCHASE,
        SUCCESS,
    );
    assert!(app.notify(&stray).await.acknowledges(), "kept, for a person");

    assert_eq!((app.balance("alice").await, second.balance("alice", "USD").await), ((1000, 0), (0, 0)));
    assert_eq!(app.reviews().await, ["unknown_order"]);
}

/// threats NET-6
#[tokio::test]
async fn only_post_asks() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let question = signed(&check_deposit(&order("alice", 5, "USD")));
    let query = croupier::simulate::form(&question);
    let before = app.rows().await;

    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for route in [croupier::simulate::caller::Route::Callback, croupier::simulate::caller::Route::Webhook] {
            let call =
                croupier::simulate::caller::RawCall { route, method, query: &query, headers: &[], body: Vec::new() };
            let answer = app.raw(call).await;
            assert_eq!((answer.status, answer.code()), (405, Some(500)), "{method}: {}", answer.summary());
        }
    }

    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn a_question_can_be_dressed_in_every_way() {
    let app = TestApp::spawn().await;
    app.player_with("ünï öç+&=%", 1000).await;
    for dress in DRESSES {
        let question = signed(&request_payout(&order("ünï öç+&=%", 100, "USD")));
        let answer = app.ask_as_is(&question, dress).await;
        assert_eq!(answer.code(), Some(50), "{dress:?}: {}", answer.summary());
    }

    assert_eq!(app.balance("ünï öç+&=%").await, (700, 300));
}
