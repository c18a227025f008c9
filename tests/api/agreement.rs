//! Notifications that do not agree with their order, or that have none (threats LIF-1, LIF-9, R7).

use croupier::db::schema::deposits;
use croupier::ids::ExternalId;
use croupier::orders::Status;
use croupier::payouts::Stage;
use croupier::simulate::messages::{CHARGEBACK, PAYOUT, PURCHASE, REFUND, SUCCESS, with};
use diesel::prelude::*;
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::SITE;
use crate::support::story::Asked;
use crate::support::wire::{check_deposit, notification, order};

const VOID: i64 = 4;

/// threats LIF-9, R7
#[tokio::test]
async fn a_notification_that_does_not_agree_with_its_order_is_parked_and_the_right_one_still_counts() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    app.player("bob").await;
    type Change = (Vec<(&'static str, serde_json::Value)>, &'static str);
    let changes: Vec<Change> = vec![
        (vec![("amount", json!(999)), ("real_amount", json!(999))], "amount_differs"),
        (vec![("amount", json!(1_000_000))], "amount_differs"),
        (vec![("real_amount", json!(1))], "amount_differs"),
        (vec![("real_amount", json!(0))], "amount_differs"),
        (vec![("currency", json!("EUR")), ("real_currency", json!("EUR"))], "currency_differs"),
        (vec![("currency", json!("GBP"))], "currency_differs"),
        (vec![("site_login", json!("bob"))], "other_player"),
        (vec![("site_login", json!("nobody"))], "other_player"),
        (vec![("site_login", json!("Alice"))], "other_player"),
    ];
    for (nth, (change, kind)) in changes.into_iter().enumerate() {
        let deposit = app.deposit("alice", 1000).await;
        let payout = app.sent_payout("alice", 1000).await;
        let before = app.balance("alice").await;
        for (asked, type_id) in [(&deposit, PURCHASE), (&payout, PAYOUT)] {
            let notice = notification(&asked.id, &asked.order, type_id, SUCCESS);
            let other = change.iter().fold(notice, |notice, (name, value)| with(notice, name, value.clone()));
            assert!(app.notify(&other).await.acknowledges(), "{change:?}");
            assert!(app.notify(&other).await.acknowledges(), "{change:?}");
        }
        assert_eq!(app.reviews().await.len(), 2 * (nth + 1), "{change:?}");
        assert_eq!(app.reviews().await.last().map(String::as_str), Some(kind), "{change:?}");
        assert_eq!(app.balance("alice").await, before, "{change:?}");
        app.say(&deposit, PURCHASE, SUCCESS).await;
        app.say_paid_out(&payout).await;
        assert_eq!(app.balance("alice").await, (before.0 + 1000, before.1 - 1000), "{change:?}");
    }

    assert_eq!(app.balance("bob").await, (0, 0));
}

/// threats LIF-9: what the channel moved in another currency proves nothing about the amount.
#[tokio::test]
async fn a_real_amount_in_another_currency_is_no_contradiction() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 1000).await;
    let notice = with(notification(&deposit.id, &deposit.order, PURCHASE, SUCCESS), "real_currency", "UAH");

    assert!(app.notify(&with(notice, "real_amount", 41_237)).await.acknowledges());

    assert_eq!((app.balance("alice").await, app.reviews().await), ((1000, 0), vec![]));
}

/// threats R7
#[tokio::test]
async fn a_word_about_the_other_direction_moves_nothing() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 100).await;
    let payout = app.sent_payout("alice", 300).await;

    app.say_paid_out(&deposit).await;
    for kind in [PURCHASE, REFUND, CHARGEBACK, VOID] {
        app.say(&payout, kind, SUCCESS).await;
    }

    assert_eq!(app.balance("alice").await, (700, 300));
    assert_eq!(app.reviews().await, vec!["other_direction"; 5]);
    assert_eq!(app.payout_standing(&payout).await, (Status::PendingPayment, Stage::Sent));
}

/// A notification says nothing about orders it does not name.
#[tokio::test]
async fn an_order_of_one_player_is_never_moved_by_another_ones_notification() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.player("bob").await;
    let (hers, his) = (app.deposit("alice", 100).await, app.deposit("bob", 100).await);
    let crossed = Asked { id: his.id.clone(), order: hers.order.clone() };

    app.say(&crossed, PURCHASE, SUCCESS).await;
    app.refuses(&with(check_deposit(&his.order), "site_login", "alice"), "transaction_id was used").await;

    assert_eq!((app.balance("alice").await, app.balance("bob").await), ((0, 0), (0, 0)));
    assert_eq!(app.reviews().await, ["other_player"]);
}

#[tokio::test]
async fn a_deposit_that_would_leave_the_range_is_paid_but_not_credited_until_there_is_room() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    app.fill("alice", 1000).await;
    let deposit = app.deposit("alice", 100).await;

    app.say(&deposit, PURCHASE, SUCCESS).await;
    assert_eq!(app.deposit_status(&deposit).await, Status::CreditFailed);
    assert_eq!(app.reviews().await, ["credit_failed"]);
    app.holds().await;
    assert_eq!(app.wallet().play("alice", "bet", 100, "room").await.status, 201);
    app.say(&deposit, 1, SUCCESS).await;

    assert_eq!(app.deposit_status(&deposit).await, Status::Credited);
    assert_eq!(app.balance("alice").await, (1_000_000_000_000_000_000, 0));
}

/// threats LIF-1
#[tokio::test]
async fn a_notification_about_an_unknown_order_is_kept_once_and_applied_once_when_the_order_appears() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let stranger = Asked { id: ExternalId::generate().as_str().to_owned(), order: order("alice", 700, "USD") };

    for _ in 0..3 {
        app.say(&stranger, PURCHASE, SUCCESS).await;
    }
    assert_eq!((app.count("webhooks").await, app.reviews().await), (1, vec!["unknown_order".to_owned()]));
    assert_eq!(app.balance("alice").await, (0, 0));
    let id = stranger.id.clone();
    let app = app
        .restart_after(move |conn| {
            let row = (
                (deposits::external_id.eq(id), deposits::provider.eq("carouseller"), deposits::site_id.eq(SITE)),
                (deposits::player_id.eq(1), deposits::amount.eq(700), deposits::currency.eq("USD")),
                (deposits::status.eq(0), deposits::details.eq("{}"), deposits::created_at.eq(1)),
                deposits::updated_at.eq(1),
            );
            diesel::insert_into(deposits::table).values(row).execute(conn).expect("the import");
        })
        .await;
    app.becomes("alice", (700, 0)).await;

    let app = app.restart().await;
    app.say(&stranger, PURCHASE, SUCCESS).await;

    assert_eq!(app.balance("alice").await, (700, 0), "once");
    assert_eq!(app.deposit_status(&stranger).await, Status::Credited);
}
