//! Withdrawals that players ask for, wait for, and take back.

use croupier::clock;
use croupier::ids::{ExternalId, SiteId};
use croupier::payouts::approve::{self, By};
use croupier::payouts::{Stage, list};
use croupier::simulate::messages::Order;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::app::{SITE, set};
use crate::support::player::Told;
use crate::support::story::Asked;

const PATH: &str = "/cashier/withdrawal";

/// A withdrawal in USD, with a key of its own.
fn wish(amount: &str, key: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "idempotency_key": key})
}

/// The order behind an answer, for what the Cashier says of it later.
fn asked(told: &Told, login: &str, amount: i64) -> Asked {
    let order = Order {
        login: login.into(),
        amount,
        currency: "USD".into(),
        transaction_id: crate::support::wire::next_transaction(),
    };
    Asked { id: told.id(), order }
}

impl TestApp {
    /// Staff approve a payout.
    pub async fn approve(&self, id: &str) -> Result<(), croupier::error::Error> {
        let (id, site) = (ExternalId::parse(id).unwrap(), self.state.site(SiteId(SITE)).expect("the site").clone());
        let by = By { actor: "carol", reason: "checked" };
        self.state
            .db
            .write(croupier::db::Scope::from(&id), move |tx| {
                approve::approve(tx, &site, &id, by, clock::now()).map(|_| ())
            })
            .await
    }
}

#[tokio::test]
async fn a_withdrawal_holds_the_money_and_waits_for_staff_whatever_goes_by_itself() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    let alice = app.front("alice").await;
    let session = app.session("alice").await;
    let account = &session["accounts"][0]["login"];
    let body = json!({"login": account, "amount": 50.0, "currency": "USD", "idempotency_key": "wd-001", "comment": "to my bank",
        "metadata_json": "{\"customer_purse\":\"4111111111111111\",\"promo\":\"A1\"}"});

    let told = alice.post(PATH, &body).await;

    let transaction = told.transaction();
    let expected = json!({"customer_id": session["customer_id"], "login": account, "type": 1, "source": 1, "provider": "manual",
        "method": "", "provider_payment_id": "", "amount": 50.0, "currency": "USD", "account_currency": "USD",
        "converted_amount": 50.0, "conversion_rate": 1.0, "status": 9, "failure_reason": "", "idempotency_key": "wd-001",
        "comment": "to my bank", "metadata_json": "{\"customer_purse\":\"411111...1111\",\"promo\":\"A1\"}", "approved_by": 0,
        "approved_time": 0, "processed_by": 0, "processed_time": 0});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&transaction[name], value, "{name}");
    }
    assert!(told.text.contains("\"amount\":50.00,"), "exact decimals: {}", told.text);
    assert_eq!(transaction.as_object().unwrap().len(), 24, "every field of the API: {transaction}");
    assert_eq!(app.balance("alice").await, (5_000, 5_000));
    let order = asked(&told, "alice", 5_000);
    assert_eq!(app.payout_standing(&order).await.1, Stage::AwaitingApproval);
    let id = told.id();
    let stored = app.read(move |conn| list::find(conn, &id)).await.expect("the payout").order;
    assert_eq!((stored.provider.as_str(), stored.purse.as_deref()), ("carouseller", Some("411111...1111")));
    assert!(stored.details.contains("to my bank") && stored.details.contains("A1"), "{}", stored.details);
}

#[tokio::test]
async fn what_is_not_right_is_refused_with_its_field_and_leaves_nothing() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.limits.USD", "payout_min", "100");
        let text = set(&text, "sites.demo.limits.USD", "payout_max", "50000");
        set(&text, "sites.demo.limits.USD", "payout_daily_max", "60000")
    })
    .await;
    app.player_with("alice", 1_000_000).await;
    app.player("bob").await;
    let alice = app.front("alice").await;
    let bobs = app.session("bob").await["accounts"][0]["login"].clone();
    let euros = app.session("alice").await["accounts"][1]["login"].clone();
    alice.post(PATH, &wish("400", "first")).await.transaction();
    let before = app.rows().await;
    let usd = |amount: &str| format!("{{\"amount\":{amount},\"currency\":\"USD\"}}");
    let with = |rest: &str| format!("{{\"amount\":5,\"currency\":\"USD\",{rest}}}");
    let mut table: Vec<(String, u16, &str, &str)> = vec![
        ("{\"currency\":\"USD\"}".into(), 400, "INVALID_DATA", "amount"),
        ("{\"amount\":5}".into(), 400, "INVALID_DATA", "currency"),
        (with("\"other\":1"), 400, "INVALID_DATA", "other"),
        (with("\"comment\":5"), 400, "INVALID_DATA", "comment"),
        (with(&format!("\"comment\":\"{}\"", "x".repeat(513))), 400, "INVALID_DATA", "comment"),
        (with(&format!("\"idempotency_key\":\"{}\"", "x".repeat(129))), 400, "INVALID_DATA", "idempotency_key"),
        (with("\"metadata_json\":\"[]\""), 400, "INVALID_DATA", "metadata_json"),
        (with("\"metadata_json\":{}"), 400, "INVALID_DATA", "metadata_json"),
        (with(&format!("\"login\":{bobs}")), 403, "PERMISSION_DENIED", "login"),
        (with("\"login\":\"bob\""), 403, "PERMISSION_DENIED", "login"),
        (with("\"login\":1.0"), 403, "PERMISSION_DENIED", "login"),
        (with("\"login\":true"), 403, "PERMISSION_DENIED", "login"),
        (with(&format!("\"login\":{euros}")), 400, "CURRENCY_CONVERSION_REQUIRED", "currency"),
        ("{\"amount\":5,\"currency\":\"GBP\"}".into(), 400, "CURRENCY_CONVERSION_REQUIRED", "currency"),
        ("{\"amount\":5,\"currency\":\"\"}".into(), 400, "CURRENCY_CONVERSION_REQUIRED", "currency"),
        (usd("0.99"), 400, "AMOUNT_OUT_OF_RANGE", "amount"),
        (usd("500.01"), 400, "AMOUNT_OUT_OF_RANGE", "amount"),
        (usd("200.01"), 400, "AMOUNT_OUT_OF_RANGE", "amount"),
    ];
    for amount in [
        "0",
        "-1",
        "5.001",
        "1e3",
        "1E1",
        "\"05\"",
        "\" 5\"",
        "\"\"",
        "\"5.\"",
        "true",
        "null",
        "[]",
        "10000000000000.01",
        "\"NaN\"",
    ] {
        table.push((usd(amount), 400, "INVALID_DATA", "amount"));
    }

    for (body, status, code, field) in table {
        let told = alice.post_text(PATH, &body).await;
        assert_eq!((told.refusal(), told.field()), ((status, code), field), "{body}");
    }

    assert_eq!(app.rows().await, before);
    alice.post_text(PATH, &usd("\"200.00\"")).await.transaction();
    assert_eq!(app.balance("alice").await, (940_000, 60_000));
}

#[tokio::test]
async fn not_enough_money_is_told_and_nothing_is_written() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 999).await;
    let alice = app.front("alice").await;
    let before = app.rows().await;

    let told = alice.post(PATH, &wish("10", "k")).await;

    assert_eq!(told.refusal(), (409, "INSUFFICIENT_FUNDS"));
    assert_eq!((app.rows().await, app.count("cashier_requests").await), (before, 0));
    app.wallet().play("alice", "win", 1, "luck").await;
    alice.post(PATH, &wish("10", "k")).await.transaction();
    assert_eq!(app.balance("alice").await, (0, 1_000), "a refusal is not remembered");
}

#[tokio::test]
async fn a_closed_gate_lets_nothing_out() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1_000).await;
    let alice = app.front("alice").await;
    app.wallet().put("alice", json!({"withdrawal_allowed": false, "deposit_allowed": false})).await;

    assert_eq!(alice.post(PATH, &wish("1", "k")).await.refusal(), (403, "WITHDRAWAL_NOT_ALLOWED"));
    app.wallet().put("alice", json!({"withdrawal_allowed": true})).await;
    assert_eq!(
        alice.post(PATH, &wish("1", "k")).await.status,
        200,
        "a closed gate for deposits is none for withdrawals"
    );
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_its_key_is_good_for_nothing_else() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    app.player_with("bob", 10_000).await;
    let (alice, bob) = (app.front("alice").await, app.front("bob").await);

    let together = join_all(
        (0..12).map(|_| alice.post_text(PATH, r#"{"amount":"10.00","currency":"USD","idempotency_key":"k"}"#)),
    )
    .await;
    let first = together[0].id();
    assert!(together.iter().all(|told| told.id() == first), "{together:?}");
    assert_eq!(app.balance("alice").await, (9_000, 1_000));
    let same = alice
        .post_text(PATH, r#"{"idempotency_key":"k","currency":"usd","amount":10,"login":"alice","comment":""}"#)
        .await;
    assert_eq!(same.id(), first, "however it is written");
    for (name, value) in [
        ("amount", json!(10.01)),
        ("currency", json!("EUR")),
        ("comment", json!("x")),
        ("metadata_json", json!("{\"a\":1}")),
    ] {
        let mut other = wish("10", "k");
        other[name] = value;
        let told = alice.post(PATH, &other).await;
        assert_eq!((told.refusal(), told.field()), ((409, "IDEMPOTENCY_KEY_REUSED"), "idempotency_key"), "{name}");
    }
    assert_ne!(bob.post(PATH, &wish("10", "k")).await.id(), first, "keys are the player's own");
    assert_ne!(alice.post(PATH, &wish("10", "K")).await.id(), first, "byte for byte");
    let free = json!({"amount": 1, "currency": "USD", "idempotency_key": ""});
    assert_ne!(alice.post(PATH, &free).await.id(), alice.post(PATH, &free).await.id(), "an empty key protects nothing");

    let app = app.restart().await;
    let alice = app.front("alice").await;
    app.wallet().put("alice", json!({"withdrawal_allowed": false})).await;
    assert_eq!(alice.post(PATH, &wish("10", "k")).await.id(), first, "for ever");
    assert_eq!(app.balance("alice").await, (7_800, 2_200));
}

#[tokio::test]
async fn parallel_withdrawals_never_take_more_than_there_is() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 5_000).await;
    let alice = app.front("alice").await;
    let keys: Vec<String> = (0..12).map(|key| key.to_string()).collect();

    let all = join_all(keys.iter().map(|key| async { alice.post(PATH, &wish("10", key)).await })).await;

    let held = all.iter().filter(|told| told.status == 200).count();
    assert_eq!((held, app.balance("alice").await), (5, (0, 5_000)));
    assert!(all.iter().filter(|told| told.status != 200).all(|told| told.refusal() == (409, "INSUFFICIENT_FUNDS")));
}

#[tokio::test]
async fn a_player_takes_a_withdrawal_back_while_it_waits() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1_000).await;
    let alice = app.front("alice").await;
    let id = alice.post(PATH, &wish("10", "k")).await.id();

    let told = alice.post(&format!("{PATH}/{id}/cancel"), &json!({})).await;

    assert_eq!(
        (&told.transaction()["status"], &told.transaction()["failure_reason"]),
        (&json!(6), &json!("cancelled"))
    );
    assert_eq!(app.balance("alice").await, (1_000, 0));
    let again = alice.send("POST", &format!("{PATH}/{id}/cancel"), &[], None).await;
    assert_eq!(again.json, told.json, "a repetition answers the same");
    assert_eq!(alice.post(PATH, &wish("10", "k")).await.json, told.json, "and so does the first request");
    assert_eq!(app.balance("alice").await, (1_000, 0));
    assert!(app.approve(&id).await.is_err(), "there is nothing left to approve");
    let told = app.count("events WHERE kind = 'payout.cancelled'").await;
    assert_eq!(told, 1);
}

#[tokio::test]
async fn only_ones_own_and_only_what_has_not_left_is_taken_back() {
    let app = TestApp::with(|text| set(&text, "sites.demo.payouts", "auto_approve_up_to", "{ USD = 500 }")).await;
    app.player_with("alice", 10_000).await;
    app.player("bob").await;
    let (alice, bob) = (app.front("alice").await, app.front("bob").await);
    let cancel = |id: &str| format!("{PATH}/{id}/cancel");
    let waiting = alice.post(PATH, &wish("10", "k")).await.id();

    for id in [waiting.as_str(), "019354a7f0c87d3e8a1b2c3d4e5f6071", "x", "%20", "a%2Fb"] {
        assert_eq!(bob.post(&cancel(id), &json!({})).await.refusal(), (404, "NOT_FOUND"), "{id}");
    }
    let deposit = app.deposit("alice", 700).await;
    assert_eq!(alice.post(&cancel(&deposit.id), &json!({})).await.refusal(), (404, "NOT_FOUND"), "a deposit is none");
    let sent = app.sent_payout("alice", 400).await;
    assert_eq!(alice.post(&cancel(&sent.id), &json!({})).await.refusal(), (409, "INVALID_STATE"));
    app.say_paid_out(&sent).await;
    assert_eq!(alice.post(&cancel(&sent.id), &json!({})).await.refusal(), (409, "INVALID_STATE"));
    let declined = alice.post(PATH, &wish("11", "l")).await.id();
    let (id, by) = (ExternalId::parse(&declined).unwrap(), By { actor: "carol", reason: "suspicious" });
    app.state
        .db
        .write(croupier::db::Scope::from(&id), move |tx| approve::decline(tx, &id, by, clock::now()))
        .await
        .unwrap();
    assert_eq!(alice.post(&cancel(&declined), &json!({})).await.refusal(), (409, "INVALID_STATE"));
    let shown = alice.get(&format!("/cashier/transactions/{declined}")).await;
    assert_eq!(
        (&shown.json["transaction"]["status"], shown.text.contains("suspicious")),
        (&json!(6), false),
        "words of staff are for staff"
    );
    let asked_by_the_cashier = app.payout("alice", 900).await;
    assert_eq!(alice.post(&cancel(&asked_by_the_cashier.id), &json!({})).await.status, 200, "however it was asked");
    assert_eq!(app.balance("alice").await, (8_600, 1_000));
}

#[tokio::test]
async fn a_site_may_forbid_to_take_back() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 3_000).await;
    let alice = app.front("alice").await;
    let (first, second) =
        (alice.post(PATH, &wish("10", "1")).await.id(), alice.post(PATH, &wish("10", "2")).await.id());
    alice.post(&format!("{PATH}/{first}/cancel"), &json!({})).await.transaction();
    let app = app.restart_with(|text| set(&text, "sites.demo.payouts", "player_may_cancel", "false")).await;
    let alice = app.front("alice").await;

    assert_eq!(alice.post(&format!("{PATH}/{second}/cancel"), &json!({})).await.refusal(), (403, "PERMISSION_DENIED"));
    assert_eq!(
        alice.post(&format!("{PATH}/{first}/cancel"), &json!({})).await.transaction()["status"],
        6,
        "what is done stays told"
    );
    assert_eq!(app.balance("alice").await, (2_000, 1_000));
}

/// threats LIF-11
#[tokio::test]
async fn of_taking_back_and_approving_at_once_exactly_one_wins() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 100_000).await;
    let alice = app.front("alice").await;
    let (mut taken, mut sent) = (0, 0);
    for round in 0..12 {
        let told = alice.post(PATH, &wish("10", &round.to_string())).await;
        let (order, path) = (asked(&told, "alice", 1_000), format!("{PATH}/{}/cancel", told.id()));
        app.state.outbox.notify_one();

        let body = json!({});
        let (approved, cancelled) = if round % 2 == 0 {
            tokio::join!(app.approve(&order.id), alice.post(&path, &body))
        } else {
            let (cancelled, approved) = tokio::join!(alice.post(&path, &body), app.approve(&order.id));
            (approved, cancelled)
        };
        app.state.outbox.notify_one();

        if cancelled.status == 200 {
            assert_eq!(app.payout_standing(&order).await.1, Stage::Done);
            assert_eq!(app.cashier.initiations(&order.id).len(), 0, "what was taken back is never sent");
            taken += 1;
        } else {
            assert_eq!((cancelled.refusal(), approved.is_ok()), ((409, "INVALID_STATE"), true));
            app.comes_to(&order, Stage::Sent).await;
            sent += 1;
        }
    }
    assert_eq!((taken + sent, app.balance("alice").await), (12, (100_000 - sent * 1_000, sent * 1_000)));
}

/// threats LIF-11: approved and waiting to be sent, claimed by the worker or taken back by the player.
#[tokio::test]
async fn of_taking_back_and_sending_at_once_exactly_one_wins() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 100_000).await;
    let alice = app.front("alice").await;
    let mut orders = Vec::new();
    for round in 0..12 {
        let told = alice.post(PATH, &wish("10", &round.to_string())).await;
        app.approve(&told.id()).await.unwrap();
        orders.push(asked(&told, "alice", 1_000));
    }

    let paths: Vec<String> = orders.iter().map(|order| format!("{PATH}/{}/cancel", order.id)).collect();
    let body = json!({});
    app.state.outbox.notify_one();
    let told = join_all(paths.iter().map(|path| alice.post(path, &body))).await;

    let mut sent = 0;
    for (order, told) in orders.iter().zip(&told).filter(|(_, told)| told.status != 200) {
        assert_eq!(told.refusal(), (409, "INVALID_STATE"));
        app.comes_to(order, Stage::Sent).await;
        assert_eq!(app.cashier.initiations(&order.id).len(), 1);
        sent += 1;
    }
    for (order, _) in orders.iter().zip(&told).filter(|(_, told)| told.status == 200) {
        assert_eq!(app.payout_standing(order).await.1, Stage::Done);
        assert_eq!(app.cashier.initiations(&order.id).len(), 0, "what was taken back is never sent");
    }
    assert_eq!(app.balance("alice").await, (100_000 - sent * 1_000, sent * 1_000));
}
