//! Bets undone, before and after they came (contract 4.3).

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_rollback_undoes_a_bet_once() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    wallet.play("alice", "bet", 300, "round/7 ü").await;

    let first = wallet.rollback("alice", "round/7 ü").await;
    wallet.play("alice", "bet", 50, "other").await;
    let again = wallet.rollback("alice", "round/7 ü").await;

    assert_eq!((first.status, &first.json["applied"], first.balance()), (200, &json!(true), (1000, 0)));
    assert_eq!((again.status, &again.json, again.replayed), (200, &first.json, true));
    assert_eq!(app.balance("alice").await, (950, 0));
    let copies = join_all((0..20).map(|_| wallet.rollback("alice", "other"))).await;
    assert!(copies.iter().all(|reply| reply.json == copies[0].json && reply.json["applied"] == true));
    assert_eq!(app.balance("alice").await, (1000, 0));
}

#[tokio::test]
async fn a_rollback_before_its_bet_is_remembered_and_the_bet_has_no_effect() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();

    let early = wallet.rollback("alice", "late").await;
    let again = wallet.rollback("alice", "late").await;
    let bet = wallet.play("alice", "bet", 300, "late").await;
    let repeated = wallet.play("alice", "bet", 300, "late").await;

    assert_eq!((early.status, &early.json["applied"]), (200, &json!(false)));
    assert_eq!(again.json, early.json);
    assert_eq!((bet.status, &bet.json["rolled_back"], bet.balance()), (201, &json!(true), (1000, 0)));
    assert_eq!((repeated.status, repeated.replayed, &repeated.json), (200, true, &bet.json));
    let other_key = json!({"kind": "bet", "amount": 5000, "currency": "USD", "reference": "late"});
    let unaffordable = wallet.post("alice", "other key", other_key).await;
    assert_eq!((unaffordable.status, &unaffordable.json["rolled_back"]), (201, &json!(true)), "{unaffordable:?}");
    assert_eq!(wallet.play("alice", "win", 10, "late").await.balance(), (1010, 0), "only bets are undone");
    assert_eq!(wallet.rollback("alice", "late").await.json["applied"], false);
    assert_eq!(wallet.rollback("nobody", "late").await.problem(), (404, "unknown_player"));
    let app = app.restart().await;
    assert_eq!(app.wallet().play("alice", "bet", 300, "late").await.json["rolled_back"], true);
    assert_eq!(app.balance("alice").await, (1010, 0));
}

#[tokio::test]
async fn a_rollback_is_of_one_player_and_one_reference() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.player_with("bob", 1000).await;
    let wallet = app.wallet();
    let bet = |key: &str, amount| {
        (key.to_owned(), json!({"kind": "bet", "amount": amount, "currency": "USD", "reference": "r"}))
    };
    for (login, (key, body)) in [("alice", bet("a1", 100)), ("alice", bet("a2", 200)), ("bob", bet("b1", 400))] {
        assert_eq!(wallet.post(login, &key, body).await.status, 201);
    }

    let rolled = wallet.rollback("alice", "r").await;

    assert_eq!((&rolled.json["applied"], rolled.balance()), (&json!(true), (1000, 0)), "both bets of the round");
    assert_eq!(wallet.rollback("alice", "R").await.json["applied"], false);
    assert_eq!((app.balance("alice").await, app.balance("bob").await), ((1000, 0), (600, 0)));
}

/// A bet and its rollback at the same time: whatever comes first, the money is back.
#[tokio::test]
async fn a_bet_and_its_rollback_at_the_same_time_leave_the_money() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let wallet = app.wallet();
    let references: Vec<String> = (0..15).map(|nth| format!("r{nth}")).collect();

    let bets = join_all(references.iter().map(|reference| wallet.play("alice", "bet", 50, reference)));
    let rollbacks = join_all(references.iter().map(|reference| wallet.rollback("alice", reference)));
    let (bets, rollbacks) = tokio::join!(bets, rollbacks);

    for (bet, rollback) in bets.iter().zip(&rollbacks) {
        assert_eq!((bet.status, rollback.status), (201, 200));
        assert_ne!(bet.json["rolled_back"] == true, rollback.json["applied"] == true);
    }
    assert_eq!(app.balance("alice").await, (1000, 0));
}
