//! The life of deposits and payouts as notifications tell it (threats LIF).

use std::time::Duration;

use croupier::clock;
use croupier::db::schema::payouts;
use croupier::ids::ExternalId;
use croupier::orders::{Status, reviews};
use croupier::payouts::Stage;
use croupier::payouts::approve::{self, By};
use croupier::simulate::messages::{
    CHARGEBACK, CREDITING, DECLINED, DECLINES, PAYOUT, PURCHASE, REFUND, SUCCESS, with,
};
use croupier::simulate::server::Behaviour;
use diesel::prelude::*;
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::{SITE, set};
use crate::support::wire::{notification, order, request_payout};

const VOID: i64 = 4;

fn manual(text: String) -> String {
    set(&text, "sites.demo.payouts", "approval", r#""manual""#)
}

/// threats LIF-2
#[tokio::test]
async fn a_notification_before_the_answer_to_our_initiation_counts_at_once() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.cashier.answer_with(|_| Behaviour::Slow(Duration::from_millis(400)));

    let paid = app.payout("alice", 300).await;
    let declined = app.payout("alice", 200).await;
    app.initiation(&paid).await;
    app.initiation(&declined).await;
    app.say_paid_out(&paid).await;
    app.say_not_paid_out(&declined).await;

    assert_eq!(app.balance("alice").await, (700, 0), "the answers are still to come");
    assert_eq!((app.outcome(&paid).await, app.outcome(&declined).await), ("accepted".into(), "accepted".into()));
    assert_eq!(app.payout_standing(&paid).await, (Status::Credited, Stage::Done), "the answer only adds information");
    assert_eq!(app.payout_standing(&declined).await, (Status::Failed, Stage::Done));
    assert_eq!((app.balance("alice").await, app.cashier.doubles()), ((700, 0), vec![]));
}

/// threats LIF-4: the release came from the answer to our initiation, the success comes as a notification.
#[tokio::test]
async fn a_success_after_a_refused_initiation_moves_nothing_and_is_shown_to_a_person() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    app.cashier.answer_with(|_| Behaviour::Refuse(7));

    let payout = app.payout("alice", 300).await;
    app.initiation(&payout).await;
    let outcome = app.outcome(&payout).await;

    assert_eq!(outcome, "refused");
    assert_eq!(app.balance("alice").await, (1000, 0), "a definite refusal of the only attempt releases");
    app.say_paid_out(&payout).await;
    assert_eq!((app.balance("alice").await, app.reviews().await), ((1000, 0), vec!["success_after_end".to_owned()]));
}

/// threats LIF-3, LIF-4, R6
#[tokio::test]
async fn a_final_payout_stays_final_and_a_contradiction_is_shown_to_a_person() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let paid = app.sent_payout("alice", 300).await;
    let declined = app.sent_payout("alice", 200).await;

    app.say_paid_out(&paid).await;
    for status in DECLINES {
        app.say(&paid, PAYOUT, status).await;
    }
    assert_eq!(app.payout_standing(&paid).await, (Status::Credited, Stage::Done));
    assert_eq!(app.reviews().await, vec!["decline_after_success"; DECLINES.len()]);
    app.say_not_paid_out(&declined).await;
    app.say(&declined, PAYOUT, 7).await;
    app.say_paid_out(&declined).await;
    app.say_paid_out(&declined).await;

    assert_eq!(app.payout_standing(&declined).await, (Status::Failed, Stage::Done));
    assert_eq!(app.reviews().await.last().map(String::as_str), Some("success_after_end"));
    assert_eq!(app.reviews().await.len(), DECLINES.len() + 1, "a repetition opens no second review");
    assert_eq!(app.balance("alice").await, (700, 0), "untouched by both");
}

/// threats LIF-5, LIF-6
#[tokio::test]
async fn a_deposit_is_credited_after_a_decline_and_keeps_its_credit_after_another() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    for status in DECLINES {
        let deposit = app.deposit("alice", 100).await;
        app.say(&deposit, PURCHASE, status).await;
        assert_eq!(app.deposit_status(&deposit).await, Status::Failed, "status {status}");
        app.say(&deposit, PURCHASE, SUCCESS).await;
        app.say(&deposit, 1, SUCCESS).await;
        assert_eq!(app.deposit_status(&deposit).await, Status::Credited);
        app.say(&deposit, 6, status).await;
        assert_eq!(app.deposit_status(&deposit).await, Status::Credited, "no reversal by itself");
    }

    assert_eq!(app.balance("alice").await, (500, 0));
    assert_eq!(app.reviews().await, vec!["decline_after_credit"; DECLINES.len()]);
}

#[tokio::test]
async fn a_review_of_a_deposit_says_what_came_and_how_the_deposit_stood() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.paid_deposit("alice", 100).await;

    app.say(&deposit, PURCHASE, DECLINED).await;

    let notes: Vec<_> =
        app.read(|conn| reviews::list(conn, None, 0, 10)).await.into_iter().map(|one| one.note).collect();
    assert_eq!(notes, [format!("deposit {}: type {PURCHASE} status {DECLINED} while credited", deposit.id)]);
}

#[tokio::test]
async fn every_crediting_type_credits_and_no_other_status_does() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    for (nth, kind) in CREDITING.into_iter().enumerate() {
        let deposit = app.deposit("alice", 100).await;
        for status in (0..=30).filter(|status| *status != SUCCESS) {
            app.say(&deposit, kind, status).await;
        }
        assert_eq!(app.balance("alice").await.0, 100 * nth as i64, "type {kind}");
        app.say(&deposit, kind, SUCCESS).await;
        assert_eq!(app.balance("alice").await.0, 100 * (nth as i64 + 1), "type {kind}");
    }
}

/// threats LIF-7
#[tokio::test]
async fn money_taken_back_after_it_was_spent_leaves_less_than_nothing_and_stops_play() {
    for (kind, status) in [(CHARGEBACK, Status::Chargeback), (REFUND, Status::Refunded), (VOID, Status::Refunded)] {
        let app = TestApp::spawn().await;
        app.player("alice").await;
        let wallet = app.wallet();
        let deposit = app.paid_deposit("alice", 1000).await;
        let payout = app.sent_payout("alice", 400).await;
        assert_eq!(wallet.play("alice", "bet", 500, "lost").await.status, 201);

        app.say(&deposit, kind, SUCCESS).await;
        app.say(&deposit, kind, SUCCESS).await;
        let again = with(notification(&deposit.id, &deposit.order, kind, SUCCESS), "processor_id", "again");
        assert!(app.notify(&again).await.acknowledges());

        assert_eq!(app.deposit_status(&deposit).await, status);
        assert_eq!(app.balance("alice").await, (-900, 400), "once and in full");
        assert_eq!(app.reviews().await, ["below_zero"]);
        assert_eq!(wallet.play("alice", "bet", 1, "broke").await.problem(), (402, "insufficient_funds"));
        assert_eq!(app.ask(&request_payout(&order("alice", 1, "USD"))).await.code(), Some(402));
        let taken = json!({"kind": "adjustment", "amount": -1, "currency": "USD", "reference": "a", "reason": "test"});
        assert_eq!(wallet.post("alice", "a", taken).await.problem(), (402, "insufficient_funds"));
        app.say_not_paid_out(&payout).await;
        assert_eq!(app.balance("alice").await, (-500, 0), "a release still gives back");
        assert_eq!(wallet.play("alice", "win", 400, "luck").await.balance(), (-100, 0));
        assert_eq!(wallet.play("alice", "bet", 1, "still broke").await.problem(), (402, "insufficient_funds"));
        app.paid_deposit("alice", 300).await;
        assert_eq!(wallet.play("alice", "bet", 200, "back").await.balance(), (0, 0));
        app.holds().await;
    }
}

/// threats LIF-7
#[tokio::test]
async fn money_goes_back_once_and_a_second_way_is_shown_to_a_person() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.paid_deposit("alice", 1000).await;

    app.say(&deposit, REFUND, SUCCESS).await;
    app.say(&deposit, CHARGEBACK, SUCCESS).await;
    app.say(&deposit, PURCHASE, SUCCESS).await;

    assert_eq!((app.balance("alice").await, app.deposit_status(&deposit).await), ((0, 0), Status::Refunded));
    assert_eq!(app.reviews().await, ["second_reversal"]);
}

#[tokio::test]
async fn a_reversal_before_its_payment_waits_for_it() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 1000).await;

    app.say(&deposit, CHARGEBACK, SUCCESS).await;
    assert_eq!((app.balance("alice").await, app.deposit_status(&deposit).await), ((0, 0), Status::Created));
    assert_eq!(app.reviews().await, ["reversal_before_payment"]);
    app.say(&deposit, PURCHASE, SUCCESS).await;

    assert_eq!((app.balance("alice").await, app.deposit_status(&deposit).await), ((0, 0), Status::Chargeback));
    app.say(&deposit, CHARGEBACK, SUCCESS).await;
    assert_eq!(app.balance("alice").await, (0, 0));
}

#[tokio::test]
async fn two_reversals_before_a_payment_take_the_money_back_once() {
    let app = TestApp::spawn().await;
    app.player("alice").await;
    let deposit = app.deposit("alice", 1000).await;
    for kind in [REFUND, VOID, CHARGEBACK] {
        app.say(&deposit, kind, SUCCESS).await;
    }

    app.say(&deposit, PURCHASE, SUCCESS).await;

    assert_eq!((app.balance("alice").await, app.deposit_status(&deposit).await), ((0, 0), Status::Refunded));
}

/// threats LIF-8
#[tokio::test]
async fn what_is_not_final_or_not_known_moves_no_money() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 1000).await;
    let deposit = app.deposit("alice", 100).await;
    let payout = app.sent_payout("alice", 300).await;
    let quiet = [2, 8, 12, 13, 0, 9, 10, 14, 99, 104];
    let open = [0, 1, 2, 3, 9, 16, 17, 18, 20, 25, 99, 104, 4_000_000_000];

    for kind in quiet {
        for status in [1, SUCCESS, DECLINED, 99] {
            app.say(&deposit, kind, status).await;
            app.say(&payout, kind, status).await;
        }
    }
    for status in open {
        app.say(&deposit, PURCHASE, status).await;
        app.say(&payout, PAYOUT, status).await;
    }

    assert_eq!(app.balance("alice").await, (700, 300));
    assert_eq!(app.deposit_status(&deposit).await, Status::PendingPayment);
    assert_eq!(app.payout_standing(&payout).await, (Status::PendingPayment, Stage::Sent));
    assert_eq!(app.reviews().await, Vec::<String>::new());
    app.say(&deposit, PURCHASE, SUCCESS).await;
    app.say_paid_out(&payout).await;
    assert_eq!(app.balance("alice").await, (800, 0));
}

#[tokio::test]
async fn what_ended_unclearly_is_held_for_a_person_until_a_clear_word_comes() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    for status in [5, 10, 13, 14, 15, 19, 24] {
        let payout = app.sent_payout("alice", 100).await;
        app.say(&payout, PAYOUT, status).await;
        assert_eq!(app.payout_standing(&payout).await, (Status::ManualReview, Stage::Unknown), "status {status}");
        assert_eq!(app.balance("alice").await.1, 100, "the hold stays");
        app.say_not_paid_out(&payout).await;
        assert_eq!(app.payout_standing(&payout).await, (Status::Failed, Stage::Done));
    }
    for (status, expected) in [(13, Status::Cancelled), (14, Status::Cancelled), (5, Status::ManualReview)] {
        let deposit = app.deposit("alice", 100).await;
        app.say(&deposit, PURCHASE, status).await;
        assert_eq!(app.deposit_status(&deposit).await, expected, "status {status}");
        app.say(&deposit, PURCHASE, SUCCESS).await;
        assert_eq!(app.deposit_status(&deposit).await, Status::Credited);
    }

    assert_eq!(app.balance("alice").await, (10_300, 0));
    assert_eq!(app.reviews().await.len(), 7 + 1);
}

/// threats LIF-10, R5
#[tokio::test]
async fn a_hold_has_no_timer_and_unknown_never_releases_nor_sends_again() {
    let app = TestApp::spawn().await;
    app.player_with("alice", 10_000).await;
    let lost: [fn() -> Behaviour; 8] = [
        || Behaviour::Hangup,
        || Behaviour::Reset,
        || Behaviour::Status(502),
        || Behaviour::Status(429),
        || Behaviour::Html,
        || Behaviour::BrokenJson,
        || Behaviour::Exactly(200, r#"{"success":true,"code":5}"#.into()),
        || Behaviour::Exactly(200, r#"{"success":false,"code":0}"#.into()),
    ];
    let mut payouts = Vec::new();
    for behaviour in lost {
        app.cashier.answer_with(move |_| behaviour());
        let payout = app.payout("alice", 100).await;
        app.comes_to(&payout, Stage::Unknown).await;
        payouts.push(payout);
    }

    let years_ago = |conn: &mut croupier::db::DbConn| {
        let long_ago = payouts::created_at - 10_i64 * 365 * clock::DAY_MICROS;
        let set = (payouts::created_at.eq(long_ago), payouts::updated_at.eq(1));
        diesel::update(payouts::table).set(set).execute(conn).expect("years pass");
    };
    let app = app.restart_after(years_ago).await;
    app.cashier.answer_with(|_| Behaviour::Accept);
    while app.worker.step().await.expect("a step") == croupier::payouts::worker::Worked::Worked {}

    assert_eq!(app.balance("alice").await, (9_200, 800));
    assert_eq!((app.cashier.doubles(), app.cashier.all().len()), (vec![], 8));
    assert_eq!(app.reviews().await, vec!["payout_unknown"; 8]);
    for (nth, payout) in payouts.iter().enumerate() {
        if nth % 2 == 0 { app.say_paid_out(payout).await } else { app.say_not_paid_out(payout).await }
    }
    assert_eq!(app.balance("alice").await, (9_600, 0), "the Cashier's word ends them");
}

/// threats LIF-11
#[tokio::test]
async fn of_a_cancellation_and_a_claim_at_the_same_time_exactly_one_wins() {
    let app = TestApp::with(manual).await;
    app.player_with("alice", 3_000).await;
    let by = By { actor: "carol", reason: "test" };
    let mut cancelled = 0;
    for _ in 0..30 {
        let payout = app.payout("alice", 100).await;
        let id = ExternalId::parse(&payout.id).expect("our own id");
        let (approved, site) = (id.clone(), app.state.site(croupier::ids::SiteId(SITE)).expect("the site").clone());
        let approving = app
            .state
            .db
            .write(croupier::db::Scope::from(&id), move |tx| approve::approve(tx, &site, &approved, by, clock::now()));
        approving.await.expect("it is approved");

        let decline =
            app.state.db.write(croupier::db::Scope::from(&id), move |tx| approve::decline(tx, &id, by, clock::now()));
        let (declined, worked) = tokio::join!(decline, app.worker.step());

        worked.expect("a step");
        let is_cancelled = declined.is_ok();
        cancelled += i64::from(is_cancelled);
        if is_cancelled {
            assert_eq!(app.payout_standing(&payout).await, (Status::Cancelled, Stage::Done));
            assert!(app.cashier.initiations(&payout.id).is_empty(), "it was never sent");
        } else {
            app.comes_to(&payout, Stage::Sent).await;
            assert_eq!(app.cashier.initiations(&payout.id).len(), 1);
        }
    }

    assert_eq!(app.balance("alice").await, (100 * cancelled, 3000 - 100 * cancelled));
}

#[tokio::test]
async fn a_payout_that_waits_for_a_person_is_not_sent_and_a_word_about_it_is_shown() {
    let app = TestApp::with(manual).await;
    app.player_with("alice", 1000).await;
    let paid = app.payout("alice", 100).await;
    let declined = app.payout("alice", 200).await;
    assert_eq!(app.payout_standing(&paid).await, (Status::ManualReview, Stage::AwaitingApproval));

    app.say_paid_out(&paid).await;
    app.say_not_paid_out(&declined).await;

    assert_eq!(
        app.payout_standing(&paid).await,
        (Status::ManualReview, Stage::Unknown),
        "somebody paid what we never sent"
    );
    assert_eq!(app.payout_standing(&declined).await, (Status::Failed, Stage::Done));
    assert_eq!((app.balance("alice").await, app.reviews().await), ((900, 100), vec!["paid_before_sent".to_owned()]));
    assert!(app.cashier.all().is_empty());
    app.say(&paid, PAYOUT, DECLINED).await;
    assert_eq!(app.balance("alice").await, (900, 100), "it was said to be paid: a person decides");
    assert_eq!(app.reviews().await, ["paid_before_sent", "decline_after_success"]);
}

#[tokio::test]
async fn automatic_approval_ends_where_the_settings_say() {
    let app = TestApp::with(|text| {
        let text = set(&text, "sites.demo.payouts", "auto_approve_up_to", "{ USD = 500 }");
        set(&text, "sites.demo.payouts", "four_eyes_from", "{ USD = 400 }")
    })
    .await;
    app.player_with("alice", 10_000).await;
    app.paid_deposit("alice", 5).await;
    let euros = app.deposit_in("alice", 1000, "EUR").await;
    app.say(&euros, PURCHASE, SUCCESS).await;

    for (amount, currency, goes) in [(399, "USD", true), (400, "USD", false), (501, "USD", false), (1, "EUR", false)] {
        let payout = app.payout_in("alice", amount, currency).await;
        if goes {
            app.comes_to(&payout, Stage::Sent).await;
        } else {
            let expected = (Status::ManualReview, Stage::AwaitingApproval);
            assert_eq!(app.payout_standing(&payout).await, expected, "{amount} {currency}");
        }
    }
    assert_eq!(app.cashier.all().len(), 1);
}
