//! `check_deposit` and `request_payout` over HTTP (contract 4.1).

use crate::support::TestApp;

#[tokio::test]
async fn a_deposit_is_credited_once_paid_and_a_payout_leaves_once_paid_out() {
    let app = TestApp::spawn().await;
    app.player("alice").await;

    app.paid_deposit("alice", 10_000).await;
    assert_eq!(app.balance("alice").await, (10_000, 0));
    let payout = app.payout("alice", 4_000).await;
    assert_eq!(app.balance("alice").await, (6_000, 4_000));
    let initiation = app.initiation(&payout).await;
    app.say_paid_out(&payout).await;

    assert_eq!((initiation.amount, initiation.signature_holds, initiation.nth), (Some(4_000), true, 1));
    assert_eq!(app.balance("alice").await, (6_000, 0));
    app.holds().await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.paid_deposit("alice", 10_000).await;

    let app = app.restart().await;

    assert_eq!(app.balance("alice").await, (10_000, 0));
}
